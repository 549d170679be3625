//! What this function is to the wiring.

use common::{
    aws::secrets,
    manifest::{Alarm, EnvVar, Manifest, Missing, Statistic, Wake},
};

/// The manifest.
pub const MANIFEST: Manifest = Manifest {
    name: "canary",
    purpose: "Looks at the API from outside, as a caller does, and says what is not as it should be.",
    idempotent_by: "changing nothing",
    memory_mb: 256,
    timeout_s: 60,
    wakes: &[Wake::Schedule { name: "look", rate: "rate(5 minutes)", input: r#"{"schedule":"look"}"# }],
    env: &[
        EnvVar::required("API_URL", "the API's address, as callers use it"),
        EnvVar::optional(
            "API_ISSUER",
            "who issues the API's tokens; without it the routes that need one are not there, and must answer 404",
        ),
        EnvVar::required("WEBHOOK_SECRET_ID", "the webhook's secret: what a ping is signed with"),
        EnvVar::required("GOVERNANCE_DIGEST", "the sha256 of the governance bundle that GET /health must answer"),
        EnvVar::optional("LOG_LEVEL", "error, warn, info (the default), debug or trace"),
    ],
    grants: &["webhook-secret-read"],
    calls: &[secrets::ACTIONS],
    emits: &[],
    // Two looks fall into each period: one that comes a minute late leaves none empty.
    alarms: &[Alarm {
        name: "outside",
        metric: "CanaryFailed",
        says: "Seen from outside, the API does not answer as it should, or nobody looks",
        runbook: "canary",
        statistic: Statistic::Maximum,
        threshold: 1,
        period_s: 600,
        periods: 1,
        missing: Missing::Breaching,
    }],
};
