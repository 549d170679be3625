//! What this function is to the wiring.

use common::{
    aws::{dynamodb, s3},
    manifest::{EnvVar, Manifest, Wake},
};

/// The manifest.
pub const MANIFEST: Manifest = Manifest {
    name: "db-init",
    purpose: "Prepares the table at each deployment: its schema version, and what the rows name.",
    idempotent_by: "the schema version",
    memory_mb: 256,
    timeout_s: 120,
    wakes: &[Wake::Deploy],
    env: &[
        EnvVar::required("TABLE_NAME", "the control plane's table"),
        EnvVar::required("GOVERNANCE_BUCKET", "the bucket of the governance bundle"),
        EnvVar::required("GOVERNANCE_DIGEST", "the sha256 of the governance bundle to run by"),
        EnvVar::optional("LOG_LEVEL", "error, warn, info (the default), debug or trace"),
    ],
    grants: &["governance-read", "schema-version"],
    calls: &[dynamodb::SCHEMA_ACTIONS, dynamodb::ITEM_LIST_ACTIONS, s3::GOVERNANCE_ACTIONS],
    emits: &[],
    alarms: &[],
};
