//! The event contract: every event on the bus `penstock`, its source, its `detail-type` and its payload.
//!
//! This enum is the source. `events/contract.json`, `events/schemas/` and the table in `events/README.md` are generated from
//! it and from the functions' manifests (`make contract`); Terraform and the local stack read the generated file, and a test
//! fails when the committed copy differs. Names are Title Case, as AWS writes its own. A payload may gain optional fields;
//! any other change is a new event.
//!
//! On the wire `detail` is one object: the fields of [`Meta`] and those of the payload side by side.

use jiff::Timestamp;
use schemars::{JsonSchema, Schema, schema_for};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

pub use crate::event::{aws::AwsEvent, payload::*};
use crate::{
    domain::id::{CorrelationId, EventId, quoted},
    fault::Fault,
};

mod aws;
pub mod message;
mod payload;
pub mod telling;

/// The version of the envelope and of every payload in this file.
pub const SCHEMA_VERSION: u32 = 1;

/// The most bytes a `detail` may have: EventBridge takes 1 MB for the whole entry, a DynamoDB item 400 KB, and the outbox row holds
/// the detail once. Producers cut lists and say how much they left out (`*_omitted`); nothing is cut in silence.
pub const MAX_DETAIL_BYTES: usize = 240 * 1024;

/// What every event carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Meta {
    /// [`SCHEMA_VERSION`] of the producer.
    pub schema_version: u32,
    /// The same in every copy of this event: what a consumer deduplicates on.
    pub event_id: EventId,
    /// When it happened, RFC 3339 in UTC.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub occurred_at: Timestamp,
    /// What ties together all that one foreign event caused; `make trace ID=…` follows it.
    pub correlation_id: CorrelationId,
    /// What it is about: `repository:42`, `change:42/7`, `cluster:integration/us-east-1/regional`.
    pub subject: String,
}

/// One event with its envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The fields that every event has.
    pub meta: Meta,
    /// What happened.
    pub event: Event,
}

macro_rules! events {
    ($($(#[$doc:meta])* $variant:ident($payload:ty) = $source:literal, $name:literal;)*) => {
        /// Everything that can happen, with its payload.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Event {$(
            $(#[$doc])*
            $variant($payload),
        )*}

        /// The kinds of event, without payload: what manifests name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum EventKind {$(
            $(#[$doc])*
            $variant,
        )*}

        impl EventKind {
            /// All of them, in the order of the contract.
            pub const ALL: &[EventKind] = &[$(EventKind::$variant),*];

            /// The `source`: `penstock.<area>`.
            pub fn source(self) -> &'static str {
                match self {$(Self::$variant => $source),*}
            }

            /// The `detail-type`.
            pub fn name(self) -> &'static str {
                match self {$(Self::$variant => $name),*}
            }

            /// The JSON Schema of the payload, without [`Meta`].
            pub fn schema(self) -> Schema {
                match self {$(Self::$variant => schema_for!($payload)),*}
            }

            fn read(self, detail: Value) -> Result<Event, serde_json::Error> {
                match self {$(Self::$variant => serde_json::from_value(detail).map(Event::$variant)),*}
            }
        }

        impl Event {
            /// Which kind it is.
            pub fn kind(&self) -> EventKind {
                match self {$(Self::$variant(_) => EventKind::$variant),*}
            }

            /// The payload alone, without the envelope's fields: the same event, the same value.
            ///
            /// # Errors
            /// None that a payload of this contract has.
            pub fn payload(&self) -> Result<Value, serde_json::Error> {
                match self {$(Self::$variant(payload) => serde_json::to_value(payload)),*}
            }
        }
    };
}

events! {
    /// A branch got a new head.
    BranchPushed(BranchPushed) = "penstock.scm", "Branch Pushed";
    /// A branch is gone.
    BranchDeleted(BranchDeleted) = "penstock.scm", "Branch Deleted";
    /// A pull request was opened or reopened.
    ChangeOpened(Change) = "penstock.scm", "Change Opened";
    /// A pull request's head, base, text or draft state changed.
    ChangeUpdated(Change) = "penstock.scm", "Change Updated";
    /// A review was submitted, edited or dismissed.
    ChangeReviewed(ChangeReviewed) = "penstock.scm", "Change Reviewed";
    /// A comment on a pull request was created, edited or deleted.
    ChangeCommented(ChangeCommented) = "penstock.scm", "Change Commented";
    /// A pull request was merged.
    ChangeMerged(ChangeMerged) = "penstock.scm", "Change Merged";
    /// A pull request was closed without a merge.
    ChangeClosed(Change) = "penstock.scm", "Change Closed";
    /// A check run or check suite came to its end.
    CheckCompleted(CheckCompleted) = "penstock.scm", "Check Completed";
    /// An issue was opened or reopened.
    IssueOpened(Issue) = "penstock.scm", "Issue Opened";
    /// An issue changed in another way, or the labels of a pull request.
    IssueUpdated(Issue) = "penstock.scm", "Issue Updated";
    /// An issue was closed or deleted.
    IssueClosed(Issue) = "penstock.scm", "Issue Closed";
    /// A deployment's state was reported.
    DeploymentReported(DeploymentReported) = "penstock.scm", "Deployment Reported";
    /// A run of a workflow came to its end.
    WorkflowCompleted(WorkflowCompleted) = "penstock.scm", "Workflow Completed";
    /// A repository has another name or owner; its id stayed.
    RepositoryRenamed(RepositoryRenamed) = "penstock.scm", "Repository Renamed";
    /// The provisioner began to reconcile a branch, or to plan a change.
    ProvisioningStarted(ProvisioningStarted) = "penstock.pipelines", "Provisioning Started";
    /// The provisioner came to the end of a run: counts, results and findings.
    ProvisioningFinished(ProvisioningFinished) = "penstock.pipelines", "Provisioning Finished";
    /// A cluster got its pipeline.
    PipelineCreated(PipelineResult) = "penstock.pipelines", "Pipeline Created";
    /// A cluster's pipeline has a new definition.
    PipelineUpdated(PipelineResult) = "penstock.pipelines", "Pipeline Updated";
    /// A cluster's pipeline was removed, after its infrastructure.
    PipelineRetired(PipelineResult) = "penstock.pipelines", "Pipeline Retired";
    /// Something was asked for that a rule forbids; the reasons name the rule.
    PipelineRefused(PipelineResult) = "penstock.pipelines", "Pipeline Refused";
    /// A call to AWS failed for one cluster; the others went on.
    PipelineFailed(PipelineResult) = "penstock.pipelines", "Pipeline Failed";
    /// A pipeline's configuration file is gone without a teardown; nothing was removed.
    PipelineOrphaned(PipelineResult) = "penstock.pipelines", "Pipeline Orphaned";
    /// Somebody changed a pipeline by hand, and it is left so. Told once, and again when it is changed otherwise.
    PipelineDrifted(PipelineDrift) = "penstock.pipelines", "Pipeline Drifted";
    /// What somebody had changed by hand is as the file asks again, and nothing was written for it.
    PipelineUnchanged(PipelineResult) = "penstock.pipelines", "Pipeline Unchanged";
    /// A configuration file was refused: each finding says where and why.
    ConfigurationRejected(ConfigurationRejected) = "penstock.pipelines", "Configuration Rejected";
    /// Somebody asks for a move of a work item.
    StageTransitionRequested(StageTransitionRequested) = "penstock.stage-gates", "Stage Transition Requested";
    /// A work item moved: its gate was open, and it has its place there.
    StageGateApproved(StageGateApproved) = "penstock.stage-gates", "Stage Gate Approved";
    /// A work item stays where it is; every reason is in it.
    StageGateRejected(StageGateRejected) = "penstock.stage-gates", "Stage Gate Rejected";
    /// A run waits at the gate of its pipeline; said again when something else is missing.
    RunGateWaiting(RunAtGate) = "penstock.stage-gates", "Run Gate Waiting";
    /// A run may go on: its gate was answered.
    RunGateApproved(RunAtGate) = "penstock.stage-gates", "Run Gate Approved";
    /// A run ends at its gate.
    RunGateRejected(RunAtGate) = "penstock.stage-gates", "Run Gate Rejected";
    /// A run went on that the gate had not let go on: somebody else answered.
    RunGateBypassed(RunAtGate) = "penstock.stage-gates", "Run Gate Bypassed";
    /// A command in a comment was not taken.
    RunAnswerRefused(RunAnswerRefused) = "penstock.stage-gates", "Run Answer Refused";
    /// Somebody stops runs that have not passed their gate.
    HoldPlaced(HoldPlaced) = "penstock.stage-gates", "Hold Placed";
    /// Somebody took a hold away.
    HoldLifted(HoldLifted) = "penstock.stage-gates", "Hold Lifted";
    /// People let removals through that were refused: exactly these, at one commit.
    RemovalsApproved(RemovalsApproved) = "penstock.stage-gates", "Removals Approved";
    /// Somebody asks for a cluster's certificate, or for another one.
    CertificateRequested(CertificateRequested) = "penstock.certificates", "Certificate Requested";
    /// A cluster has a certificate.
    CertificateIssued(CertificateStands) = "penstock.certificates", "Certificate Issued";
    /// A cluster has another certificate; the one before works until its overlap is over.
    CertificateRotated(CertificateStands) = "penstock.certificates", "Certificate Rotated";
    /// No certificate of a cluster works any more.
    CertificateRevoked(CertificateEnded) = "penstock.certificates", "Certificate Revoked";
    /// Certificates that nothing needed are gone.
    CertificateOrphanRemoved(CertificateEnded) = "penstock.certificates", "Certificate Orphan Removed";
    /// Something about a cluster's certificates cannot be done until somebody puts it right.
    CertificateFailed(CertificateFailed) = "penstock.certificates", "Certificate Failed";
    /// Something keeps a work item from going on.
    ItemBlocked(ItemBlocked) = "penstock.rhythm", "Item Blocked";
    /// Something keeps a work item no longer.
    ItemUnblocked(ItemUnblocked) = "penstock.rhythm", "Item Unblocked";
    /// The end of a work item is considered, or is so no longer.
    ItemUnderKillReview(ItemUnderKillReview) = "penstock.rhythm", "Item Under Kill Review";
    /// A work item has ended.
    ItemKilled(ItemKilled) = "penstock.rhythm", "Item Killed";
    /// A blocker has lasted: somebody further is told.
    ItemEscalated(ItemEscalated) = "penstock.rhythm", "Item Escalated";
    /// A room's day is spoken of: what stands still, why, and who does what next.
    DailyUnblockReport(DailyUnblockReport) = "penstock.rhythm", "Daily Unblock Report";
    /// The weekly demo is prepared.
    WeeklyDemoPreparation(WeeklyDemoPreparation) = "penstock.rhythm", "Weekly Demo Preparation";
    /// Somebody asks for a place for an item.
    WipLockRequested(WipLockRequested) = "penstock.wip-limits", "WIP Lock Requested";
    /// An item has its place: it may go on.
    WipLockAcquired(WipLockAcquired) = "penstock.wip-limits", "WIP Lock Acquired";
    /// An item gave its place back.
    WipLockReleased(WipLockReleased) = "penstock.wip-limits", "WIP Lock Released";
    /// A lease ran out: its place is free.
    WipLockExpired(WipLockExpired) = "penstock.wip-limits", "WIP Lock Expired";
    /// A pull request gets no place, however much room there is; the cause says what to mend.
    WipLockRefused(WipLockRefused) = "penstock.wip-limits", "WIP Lock Refused";
    /// A limit is reached: an item waits, or more is in progress than it says.
    WipLimitExceeded(WipLimitExceeded) = "penstock.wip-limits", "WIP Limit Exceeded";
    /// Scopes that were full have room.
    WipCapacityAvailable(WipCapacityAvailable) = "penstock.wip-limits", "WIP Capacity Available";
    /// A scope has another limit.
    WipLimitChanged(WipLimitChanged) = "penstock.wip-limits", "WIP Limit Changed";
}

impl EventKind {
    /// Whether other systems of the account may send it, so that no function of ours has to.
    pub fn is_foreign(self) -> bool {
        matches!(
            self,
            Self::StageTransitionRequested
                | Self::WipLockRequested
                | Self::CertificateRequested
                | Self::ItemBlocked
                | Self::ItemUnblocked
        )
    }
}

impl Envelope {
    /// The `detail` that goes on the bus.
    ///
    /// # Errors
    /// `Bug` when a payload does not serialise to an object, or is longer than [`MAX_DETAIL_BYTES`].
    pub fn detail(&self) -> Result<String, Fault> {
        let broken = |error| Fault::bug_from("writing an event's detail", error);
        let (Value::Object(mut detail), Value::Object(payload)) =
            (serde_json::to_value(&self.meta).map_err(broken)?, self.event.payload().map_err(broken)?)
        else {
            return Err(Fault::bug("an event's payload is not an object"));
        };
        detail.extend(payload);
        let text = Value::Object(detail).to_string();
        if text.len() > MAX_DETAIL_BYTES {
            return Err(Fault::bug(format!(
                "the detail of {} has {} bytes, more than {MAX_DETAIL_BYTES}",
                self.event.kind().name(),
                text.len()
            )));
        }
        Ok(text)
    }

    /// Reads what came from the bus.
    ///
    /// # Errors
    /// `Reject` for an unknown pair of source and `detail-type`, or a detail that does not fit it.
    pub fn parse(source: &str, detail_type: &str, detail: Value) -> Result<Self, Fault> {
        let kind = EventKind::ALL
            .iter()
            .copied()
            .find(|kind| kind.source() == source && kind.name() == detail_type)
            .ok_or_else(|| {
                Fault::reject(format!(
                    "no event {} of source {} is in the contract",
                    quoted(detail_type, 80),
                    quoted(source, 80)
                ))
            })?;
        let misfit = |error: serde_json::Error| {
            Fault::reject(format!(
                "the detail of {} does not fit its schema: {}",
                kind.name(),
                quoted(&error.to_string(), 200)
            ))
        };
        let meta: Meta = read(detail.clone()).map_err(misfit)?;
        let event = kind.read(detail).map_err(misfit)?;
        Ok(Self { meta, event })
    }
}

fn read<T: DeserializeOwned>(value: Value) -> Result<T, serde_json::Error> {
    serde_json::from_value(value)
}
