//! What this function is to the wiring.

use common::{
    aws::{codecommit, dynamodb, s3, secrets},
    event::EventKind,
    hosts,
    manifest::{EnvVar, Manifest, Wake},
};

use crate::metrics;

/// The manifest.
pub const MANIFEST: Manifest = Manifest {
    name: "wip-limit",
    purpose: "Admits work in progress where there is room, and keeps the line where there is none.",
    idempotent_by: "the item: its lease, its ticket; renewal and release by the lease's fence",
    memory_mb: 256,
    timeout_s: 60,
    wakes: &[
        Wake::Route { method: "POST", path: "/v1/wip/leases", public: false },
        Wake::Route { method: "POST", path: "/v1/wip/leases/{item}/renew", public: false },
        Wake::Route { method: "DELETE", path: "/v1/wip/leases/{item}", public: false },
        Wake::Route { method: "GET", path: "/v1/wip/scopes", public: false },
        Wake::Route { method: "GET", path: "/v1/wip/scopes/{scope}", public: false },
        Wake::Route { method: "PUT", path: "/v1/wip/scopes/{scope}", public: false },
        Wake::Event { event: EventKind::WipLockRequested, filter: &[] },
        Wake::Event { event: EventKind::ChangeOpened, filter: &[] },
        Wake::Event { event: EventKind::ChangeUpdated, filter: &[] },
        Wake::Event { event: EventKind::ChangeMerged, filter: &[] },
        Wake::Event { event: EventKind::ChangeClosed, filter: &[] },
        Wake::Schedule { name: "sweep", rate: "rate(1 minute)", input: r#"{"schedule":"sweep"}"# },
        Wake::Schedule { name: "reconcile", rate: "rate(15 minutes)", input: r#"{"schedule":"reconcile"}"# },
    ],
    env: &[
        EnvVar::required("TABLE_NAME", "the control plane's table"),
        EnvVar::required("GOVERNANCE_BUCKET", "the bucket of the governance bundle"),
        EnvVar::required("GOVERNANCE_DIGEST", "the sha256 of the governance bundle to run by"),
        hosts::GITHUB_APP_ID,
        hosts::GITHUB_APP_KEY,
        hosts::GITHUB_API_URL,
        EnvVar::optional("LOG_LEVEL", "error, warn, info (the default), debug or trace"),
    ],
    grants: &["codecommit-read", "github-app-key-read", "governance-read", "handled-write", "scope-audit", "wip-rows"],
    calls: &[
        codecommit::ACTIONS,
        dynamodb::NOTE_ACTIONS,
        dynamodb::WIP_ACTIONS,
        s3::GOVERNANCE_ACTIONS,
        secrets::ACTIONS,
    ],
    emits: &[
        EventKind::WipLockAcquired,
        EventKind::WipLockReleased,
        EventKind::WipLockExpired,
        EventKind::WipLockRefused,
        EventKind::WipLimitExceeded,
        EventKind::WipCapacityAvailable,
        EventKind::WipLimitChanged,
    ],
    alarms: metrics::ALARMS,
};
