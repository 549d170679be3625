//! What this function is to the wiring.

use common::{
    aws::{dynamodb, s3},
    event::EventKind,
    manifest::{Alarm, EnvVar, Manifest, Missing, Statistic, Wake},
};

use crate::{handler::SOURCE, input::Kind};

/// An event of CodeCommit's, on the default bus.
const fn told(kind: Kind) -> Wake {
    Wake::Aws { source: SOURCE, detail_type: kind.as_str(), filter: &[] }
}

/// The manifest.
pub const MANIFEST: Manifest = Manifest {
    name: "codecommit-events",
    purpose: "Turns what CodeCommit tells into events of the contract, after it was compared with the registry.",
    idempotent_by: "EventBridge's id of the event, and (repository, what happened, when), for seven days",
    memory_mb: 256,
    timeout_s: 30,
    wakes: &[
        told(Kind::Repository),
        told(Kind::PullRequest),
        told(Kind::PullRequestComment),
        told(Kind::CommitComment),
        told(Kind::ApprovalRuleTemplate),
    ],
    env: &[
        EnvVar::required("TABLE_NAME", "the control plane's table"),
        EnvVar::required("GOVERNANCE_BUCKET", "the bucket of the governance bundle"),
        EnvVar::required("GOVERNANCE_DIGEST", "the sha256 of the governance bundle to run by"),
        EnvVar::optional("LOG_LEVEL", "error, warn, info (the default), debug or trace"),
    ],
    grants: &["governance-read", "handled-write", "intake-write"],
    calls: &[dynamodb::INTAKE_ACTIONS, dynamodb::NOTE_ACTIONS, s3::GOVERNANCE_ACTIONS],
    emits: &[
        EventKind::BranchPushed,
        EventKind::BranchDeleted,
        EventKind::ChangeOpened,
        EventKind::ChangeUpdated,
        EventKind::ChangeReviewed,
        EventKind::ChangeCommented,
        EventKind::ChangeMerged,
        EventKind::ChangeClosed,
    ],
    alarms: &[Alarm {
        name: "foreign-events",
        metric: "ForeignEvents",
        says: "somebody told of a CodeCommit repository what its account, its region or its id contradicts",
        runbook: "foreign-events",
        statistic: Statistic::Sum,
        threshold: 1,
        period_s: 60,
        periods: 1,
        missing: Missing::NotBreaching,
    }],
};
