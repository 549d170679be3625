//! What this function is to the wiring.

use common::{
    aws::{dynamodb, s3},
    event::EventKind,
    manifest::{EnvVar, Manifest, Wake},
};

/// The manifest.
pub const MANIFEST: Manifest = Manifest {
    name: "stage-gate",
    purpose: "Moves work items from stage to stage: through the gate, with a place in the new stage.",
    idempotent_by: "the request's id for a move; the item's id and version for the rest",
    memory_mb: 256,
    timeout_s: 60,
    wakes: &[
        Wake::Route { method: "POST", path: "/v1/items", public: false },
        Wake::Route { method: "GET", path: "/v1/items", public: false },
        Wake::Route { method: "GET", path: "/v1/items/{item}", public: false },
        Wake::Route { method: "POST", path: "/v1/items/{item}/transitions", public: false },
        Wake::Route { method: "POST", path: "/v1/items/{item}/evidence", public: false },
        Wake::Route { method: "POST", path: "/v1/items/{item}/approvals", public: false },
        Wake::Route { method: "POST", path: "/v1/items/{item}/blockers", public: false },
        Wake::Route { method: "DELETE", path: "/v1/items/{item}/blockers/{blocker}", public: false },
        Wake::Route { method: "POST", path: "/v1/items/{item}/blockers/{blocker}/snooze", public: false },
        Wake::Event { event: EventKind::StageTransitionRequested, filter: &[] },
        Wake::Event { event: EventKind::ItemBlocked, filter: &[] },
        Wake::Event { event: EventKind::ItemUnblocked, filter: &[] },
        Wake::Route { method: "POST", path: "/v1/items/{item}/exceptions", public: false },
        Wake::Route { method: "POST", path: "/v1/items/{item}/appeals", public: false },
        Wake::Schedule { name: "review", rate: "rate(15 minutes)", input: r#"{"schedule":"review"}"# },
        Wake::Schedule { name: "keep", rate: "rate(15 minutes)", input: r#"{"schedule":"keep"}"# },
    ],
    env: &[
        EnvVar::required("TABLE_NAME", "the control plane's table"),
        EnvVar::required("GOVERNANCE_BUCKET", "the bucket of the governance bundle"),
        EnvVar::required("GOVERNANCE_DIGEST", "the sha256 of the governance bundle to run by"),
        EnvVar::optional("LOG_LEVEL", "error, warn, info (the default), debug or trace"),
    ],
    grants: &["governance-read", "item-rows", "wip-rows"],
    calls: &[dynamodb::ITEM_ACTIONS, dynamodb::WIP_ACTIONS, s3::GOVERNANCE_ACTIONS],
    emits: &[
        EventKind::StageGateApproved,
        EventKind::StageGateRejected,
        EventKind::ItemBlocked,
        EventKind::ItemUnblocked,
        EventKind::ItemUnderKillReview,
        EventKind::ItemKilled,
        EventKind::WipLockAcquired,
        EventKind::WipLockReleased,
        EventKind::WipLockExpired,
        EventKind::WipLimitExceeded,
        EventKind::WipCapacityAvailable,
        EventKind::WipLimitChanged,
    ],
    alarms: &[],
};
