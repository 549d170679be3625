//! What this function is to the wiring.

use common::{
    aws::{dynamodb, s3, secrets},
    event::EventKind,
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
        EnvVar::required("GITHUB_APP_ID", "the id of the GitHub App that it works as"),
        EnvVar::required("GITHUB_APP_KEY_SECRET_ID", "the secret that holds the App's private key, as PEM text"),
        EnvVar::optional("GITHUB_API_URL", "the source host's API, when it is not https://api.github.com"),
        EnvVar::optional("LOG_LEVEL", "error, warn, info (the default), debug or trace"),
    ],
    grants: &["github-app-key-read", "governance-read", "item-rows"],
    calls: &[dynamodb::ITEM_ACTIONS, s3::GOVERNANCE_ACTIONS, secrets::ACTIONS],
    emits: &[],
    alarms: &[],
};
