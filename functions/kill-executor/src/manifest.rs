//! What this function is to the wiring.

use common::{
    aws::{codecommit, dynamodb, s3, secrets},
    event::EventKind,
    hosts,
    manifest::{EnvVar, Manifest, Wake},
};

/// The manifest.
pub const MANIFEST: Manifest = Manifest {
    name: "kill-executor",
    purpose: "Archives what remains of a work item that has ended, and asks for what was learnt.",
    idempotent_by: "the item",
    memory_mb: 256,
    timeout_s: 60,
    wakes: &[Wake::Event { event: EventKind::ItemKilled, filter: &[] }],
    env: &[
        EnvVar::required("TABLE_NAME", "the control plane's table"),
        EnvVar::required("GOVERNANCE_BUCKET", "the bucket of the governance bundle"),
        EnvVar::required("GOVERNANCE_DIGEST", "the sha256 of the governance bundle to run by"),
        hosts::GITHUB_APP_ID,
        hosts::GITHUB_APP_KEY,
        hosts::GITHUB_API_URL,
        EnvVar::optional("LOG_LEVEL", "error, warn, info (the default), debug or trace"),
    ],
    grants: &[
        "codecommit-archive",
        "codecommit-read",
        "github-app-key-read",
        "governance-read",
        "handled-write",
        "item-rows",
    ],
    calls: &[
        codecommit::ACTIONS,
        codecommit::ARCHIVE_ACTIONS,
        dynamodb::ITEM_ACTIONS,
        dynamodb::NOTE_ACTIONS,
        s3::GOVERNANCE_ACTIONS,
        secrets::ACTIONS,
    ],
    emits: &[],
    alarms: &[],
};
