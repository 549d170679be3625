//! What this function is to the wiring.

use common::{
    aws::{codecommit, dynamodb, s3, secrets, sqs},
    event::EventKind,
    hosts,
    manifest::{Alarm, EnvVar, Manifest, Missing, Statistic, Wake},
};

use crate::handler::SWEEP;

// What is under way when a sweep begins nothing more (a look at a branch: three calls of a host and the table) ends before Lambda ends it.
const _: () = assert!(SWEEP.as_secs() + 60 <= MANIFEST.timeout_s as i64);

/// The manifest.
pub const MANIFEST: Manifest = Manifest {
    name: "delivery-sweeper",
    purpose: "Makes delivery complete: asks for failed webhooks again, tells of branches that moved unheard, touches outbox rows that stay; answers what became of deliveries, and redrives what is parked.",
    idempotent_by: "delivery id; (repository, branch, head); event id",
    memory_mb: 256,
    timeout_s: 300,
    wakes: &[Wake::Schedule { name: "sweep", rate: "rate(5 minutes)", input: r#"{"schedule":"sweep"}"# }],
    env: &[
        EnvVar::required("TABLE_NAME", "the control plane's table"),
        EnvVar::required("QUEUE_FUNCTIONS", "the functions that have a queue, with commas between them"),
        EnvVar::required("QUEUE_PREFIX", "what the names of the functions' queues start with"),
        EnvVar::required("GOVERNANCE_BUCKET", "the bucket of the governance bundle"),
        EnvVar::required("GOVERNANCE_DIGEST", "the sha256 of the governance bundle to run by"),
        hosts::GITHUB_APP_ID,
        hosts::GITHUB_APP_KEY,
        hosts::GITHUB_API_URL,
        EnvVar::optional("LOG_LEVEL", "error, warn, info (the default), debug or trace"),
    ],
    grants: &["codecommit-read", "dead-letters", "github-app-key-read", "governance-read", "ledger-rows", "sweep-rows"],
    calls: &[
        codecommit::ACTIONS,
        dynamodb::LEDGER_READ_ACTIONS,
        dynamodb::NOTE_ACTIONS,
        dynamodb::SWEEP_ACTIONS,
        s3::GOVERNANCE_ACTIONS,
        secrets::ACTIONS,
        sqs::DEAD_LETTER_ACTIONS,
    ],
    emits: &[EventKind::BranchPushed],
    alarms: &[
        // A receiver that is back has everything within a quarter of an hour.
        Alarm {
            name: "deliveries-failing",
            metric: "DeliveriesFailing",
            says: "Webhooks of GitHub have failed for half an hour, although they were asked for again",
            runbook: "deliveries-that-fail",
            statistic: Statistic::Maximum,
            threshold: 1,
            period_s: 900,
            periods: 2,
            missing: Missing::NotBreaching,
        },
        // Three sweeps of a period: a host that was slow once is none.
        Alarm {
            name: "branches-unread",
            metric: "BranchesUnread",
            says: "Branches could not be looked at for half an hour, so a push to them that nobody heard of would be told by nobody",
            runbook: "branches-that-cannot-be-read",
            statistic: Statistic::Maximum,
            threshold: 1,
            period_s: 900,
            periods: 2,
            missing: Missing::NotBreaching,
        },
        // Each of the three sweeps touched them.
        Alarm {
            name: "outbox-stuck",
            metric: "OutboxStuck",
            says: "Events wait in the outbox, although the relay was woken for them",
            runbook: "outbox-that-stays",
            statistic: Statistic::Maximum,
            threshold: 1,
            period_s: 300,
            periods: 3,
            missing: Missing::NotBreaching,
        },
    ],
};
