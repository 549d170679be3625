//! What this function is to the wiring.

use common::{
    aws::{codecommit, dynamodb, secrets, ses},
    event::EventKind,
    hosts,
    manifest::{EnvVar, Manifest, Wake},
};

/// The manifest.
pub const MANIFEST: Manifest = Manifest {
    name: "feedback",
    purpose: "Publishes words and marks on the source host and in the chat: statuses, check runs, labels, comments, the day's thread.",
    idempotent_by: "(subject, kind, order, digest of the content)",
    memory_mb: 256,
    timeout_s: 60,
    wakes: &[
        Wake::Event { event: EventKind::ProvisioningStarted, filter: &[] },
        Wake::Event { event: EventKind::ProvisioningFinished, filter: &[] },
        Wake::Event { event: EventKind::RunGateWaiting, filter: &[] },
        Wake::Event { event: EventKind::RunGateApproved, filter: &[] },
        Wake::Event { event: EventKind::RunGateRejected, filter: &[] },
        Wake::Event { event: EventKind::RunGateBypassed, filter: &[] },
        Wake::Event { event: EventKind::RunAnswerRefused, filter: &[] },
        Wake::Event { event: EventKind::WipLimitExceeded, filter: &[("cause", &["waiting"])] },
        Wake::Event { event: EventKind::WipLockAcquired, filter: &[] },
        Wake::Event { event: EventKind::WipLockRefused, filter: &[] },
        Wake::Event { event: EventKind::WipLockReleased, filter: &[] },
        Wake::Event { event: EventKind::ChangeClosed, filter: &[] },
        Wake::Event { event: EventKind::ChangeMerged, filter: &[] },
        Wake::Event { event: EventKind::DailyUnblockReport, filter: &[] },
        Wake::Event { event: EventKind::ItemEscalated, filter: &[] },
        Wake::Event { event: EventKind::ItemUnderKillReview, filter: &[] },
        Wake::Event { event: EventKind::ItemKilled, filter: &[] },
        Wake::Event { event: EventKind::WeeklyDemoPreparation, filter: &[] },
    ],
    env: &[
        EnvVar::required("TABLE_NAME", "the control plane's table"),
        hosts::GITHUB_APP_ID,
        hosts::GITHUB_APP_KEY,
        hosts::GITHUB_API_URL,
        EnvVar::optional(
            "SLACK_TOKEN_SECRET_ID",
            "the secret that holds the Slack bot's token; without it nothing is posted there",
        ),
        EnvVar::optional("SLACK_API_URL", "Slack's API, when it is not https://slack.com/api"),
        EnvVar::optional(
            "EMAIL_FROM",
            "the address that mail comes from, verified in SES; without it nothing is mailed",
        ),
        EnvVar::optional(
            "APPROVAL_LINK_KEY_SECRET_ID",
            "the secret that holds the key of personal links; without it nobody gets one",
        ),
        EnvVar::optional("APPROVAL_LINKS_URL", "the API's address as people reach it: what personal links begin with"),
        EnvVar::required("PIPELINES_URL", "where a commit status links to: the list of pipelines"),
        EnvVar::optional("LOG_LEVEL", "error, warn, info (the default), debug or trace"),
    ],
    grants: &[
        "approval-link-key-read",
        "codecommit-marks",
        "email-send",
        "feedback-ledger",
        "github-app-key-read",
        "handled-write",
        "slack-token-read",
    ],
    calls: &[
        codecommit::MARK_ACTIONS,
        dynamodb::FEEDBACK_ACTIONS,
        dynamodb::NOTE_ACTIONS,
        secrets::ACTIONS,
        ses::ACTIONS,
    ],
    emits: &[],
    alarms: &[],
};
