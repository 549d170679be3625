//! **github-webhook**: verifies, deduplicates and normalises GitHub webhooks. It decides nothing about clusters or changes.
//!
//! * **Wakes on** `POST /webhooks/github` and `GET /health`, both public: the signature is what authorises the first.
//! * **Effects** One transaction {delivery, body key, outbox row, place in the list} for a delivery that maps to an event; a note in the
//!   ledger for a copy of one; nothing for any other. The answer 202 comes only after that transaction.
//! * **Idempotent by** the delivery id and by (event name, sha256 of the body), both for seven days. GitHub signs only the body, so
//!   the delivery id alone proves nothing. The event's id is derived from (event name, body): copies share it.
//! * **Fails** closed and by HTTP status: 4xx with the reason for what the sender must mend; 503 when it cannot verify or cannot
//!   commit, and then nothing was marked as seen, so that a redelivery is processed. Never another 5xx.
//!
//! | file | what it does |
//! |---|---|
//! | [`handler`] | the order of the steps: route, headers, body, signature, shape, mapping, commit |
//! | [`signature`] | `X-Hub-Signature-256`: exactly one, well formed |
//! | [`secret`] | the webhook secret: rotation, refresh once a minute, comparison in constant time |
//! | [`payload`] | which event a body is, by its own shape; typed payloads |
//! | [`normalise`] | payload to event of the contract, or the reason why there is none |
//! | [`refusal`] | every refusal, with its status and its sentence |
//! | [`response`] | the answers as JSON |

pub mod handler;
pub mod normalise;
pub mod payload;
pub mod refusal;
pub mod response;
pub mod secret;
pub mod signature;

#[cfg(test)]
mod tests;

#[cfg(feature = "lambda")]
use common::{
    aws::{dynamodb, secrets},
    event::EventKind,
    manifest::{EnvVar, Manifest, Wake},
};

#[cfg(feature = "lambda")]
pub use handler::handle_in_time;
pub use handler::{Webhook, handle};

/// What this function is, for the contract, Terraform and the local stack.
#[cfg(feature = "lambda")]
pub const MANIFEST: Manifest = Manifest {
    name: "github-webhook",
    purpose: "Verifies, deduplicates and normalises GitHub webhooks.",
    idempotent_by: "the delivery id, and (event name, sha256 of the body), for seven days",
    memory_mb: 256,
    timeout_s: 10,
    wakes: &[
        Wake::Route { method: "POST", path: handler::WEBHOOK_PATH, public: true },
        Wake::Route { method: "GET", path: handler::HEALTH_PATH, public: true },
    ],
    env: &[
        EnvVar::required("TABLE_NAME", "the DynamoDB table"),
        EnvVar::required(
            "WEBHOOK_SECRET_ID",
            "the Secrets Manager secret {\"current\", \"previous\"?, \"previous_expires_at\"?}",
        ),
        EnvVar::required(
            "GOVERNANCE_DIGEST",
            "the sha256 of the governance bundle that is deployed, shown by GET /health",
        ),
        EnvVar::optional("LOG_LEVEL", "error, warn, info (the default), debug or trace"),
    ],
    grants: &["intake-write", "webhook-secret-read"],
    calls: &[dynamodb::INTAKE_ACTIONS, dynamodb::NOTE_ACTIONS, secrets::ACTIONS],
    emits: &[
        EventKind::BranchPushed,
        EventKind::BranchDeleted,
        EventKind::ChangeOpened,
        EventKind::ChangeUpdated,
        EventKind::ChangeReviewed,
        EventKind::ChangeCommented,
        EventKind::ChangeMerged,
        EventKind::ChangeClosed,
        EventKind::CheckCompleted,
        EventKind::IssueOpened,
        EventKind::IssueUpdated,
        EventKind::IssueClosed,
        EventKind::DeploymentReported,
        EventKind::WorkflowCompleted,
        EventKind::RepositoryRenamed,
    ],
    alarms: &[],
};
