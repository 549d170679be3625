//! The outside world as narrow traits in the words of the domain.
//!
//! Handlers are generic over these; `aws` and `github` implement them for real, `testing` in memory, and one suite
//! (`tests/workspace/ports.rs`) holds both to the same behaviour. No SDK type appears in a signature.

use std::{future::Future, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use crate::domain::cluster::{EntryKind, TreeEntry};
use crate::{
    domain::{
        audit::{Draft, Entry, Head},
        cluster::{ClusterKey, ClusterRecord, CompiledSpec, Execution, ObservedPipeline, PipelineDefinition},
        id::{BlobSha, BranchName, CommitSha, DeliveryId, Digest, EventId, Generation, PipelineName, RepositoryId},
    },
    event::{Envelope, Repository},
    fault::Fault,
};

/// Where the present comes from: the runtime's clock, or a test's.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// Waiting between attempts: the runtime's timer, or a test's that only moves its clock.
pub trait Pause: Clock {
    /// Waits for a random time of at most `longest` (full jitter).
    fn pause(&self, longest: Duration) -> impl Future<Output = ()> + Send;
}

// ---- intake -------------------------------------------------------------------------------------------------------

/// A verified webhook delivery, as the ledger keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// GitHub's id of it (not signed).
    pub id: DeliveryId,
    /// The event's name as the body proved it.
    pub event_name: String,
    /// The sha256 of the raw body.
    pub body: Digest,
    /// When it was received.
    pub received_at: Timestamp,
    /// From when on its ledger rows may be forgotten; compared on every read, not left to TTL.
    pub expires_at: Timestamp,
}

/// What became of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recorded {
    /// Delivery, body key and outbox row are durable.
    Accepted,
    /// The same delivery came before, with the same body.
    DuplicateDelivery,
    /// The same body came before under another delivery id.
    DuplicateBody,
    /// This delivery id came before with another body: the id is not signed, so this is never a copy.
    DeliveryIdReused,
}

/// The intake ledger.
pub trait Intake: Sync {
    /// Writes delivery, body key and outbox row in one transaction, unless one of the keys is taken.
    ///
    /// One call per uncontended delivery; a conflict with a concurrent copy is retried with jitter for at most 2 s.
    ///
    /// # Errors
    /// `Retry` when the outcome is not known or the conflict lasted.
    fn record(&self, delivery: &Delivery, event: &Envelope) -> impl Future<Output = Result<Recorded, Fault>> + Send;
}

// ---- outbox -------------------------------------------------------------------------------------------------------

/// An outbox row: an event that is committed and not yet accepted by the bus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxRow {
    /// The event's id.
    pub event_id: EventId,
    /// `penstock.<area>`.
    pub source: String,
    /// The contract's name.
    pub detail_type: String,
    /// The detail as JSON text.
    pub detail: String,
    /// The event's time.
    pub occurred_at: Timestamp,
}

impl OutboxRow {
    /// The row of an event.
    ///
    /// # Errors
    /// `Bug` when the event's detail is too long.
    pub fn of(event: &Envelope) -> Result<Self, Fault> {
        Ok(Self {
            event_id: event.meta.event_id.clone(),
            source: event.event.kind().source().to_owned(),
            detail_type: event.event.kind().name().to_owned(),
            detail: event.detail()?,
            occurred_at: event.meta.occurred_at,
        })
    }
}

/// The outbox as the relay sees it.
pub trait Outbox: Sync {
    /// Which of these rows are still there: a row that is gone was accepted by the bus before.
    fn pending(&self, ids: &[EventId]) -> impl Future<Output = Result<Vec<EventId>, Fault>> + Send;

    /// Deletes rows after the bus accepted them. Deleting twice is no error.
    fn accepted(&self, ids: &[EventId]) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// The bus.
pub trait Bus: Sync {
    /// Sends rows, in calls of at most 10 entries and 1 MB; the answer names those that the bus refused, with its reason.
    ///
    /// # Errors
    /// `Retry` when a whole call failed: then none of its rows counts as accepted.
    fn publish(&self, rows: &[OutboxRow]) -> impl Future<Output = Result<Vec<(EventId, String)>, Fault>> + Send;
}

// ---- source host --------------------------------------------------------------------------------------------------

/// Reading a source host.
pub trait Forge: Sync {
    /// The branch's head now; nothing when the branch does not exist.
    fn branch_head(
        &self,
        repository: &Repository,
        branch: &BranchName,
    ) -> impl Future<Output = Result<Option<CommitSha>, Fault>> + Send;

    /// Every file below `deploy/` at a commit; empty when there is no such directory.
    ///
    /// # Errors
    /// `Retry` when the listing could not be read whole: a truncated listing is never a short one.
    fn deploy_tree(
        &self,
        repository: &Repository,
        commit: &CommitSha,
    ) -> impl Future<Output = Result<Vec<TreeEntry>, Fault>> + Send;

    /// A file's bytes. The caller has compared the size with its limit.
    fn blob(&self, repository: &Repository, blob: &BlobSha) -> impl Future<Output = Result<Vec<u8>, Fault>> + Send;

    /// A pull request as the host has it now; nothing when there is none.
    fn pull_request(
        &self,
        repository: &Repository,
        number: u64,
    ) -> impl Future<Output = Result<Option<PullRequest>, Fault>> + Send;

    /// The commit that a pull request's head and base have in common.
    fn merge_base(
        &self,
        repository: &Repository,
        base: &CommitSha,
        head: &CommitSha,
    ) -> impl Future<Output = Result<CommitSha, Fault>> + Send;
}

/// A pull request's present state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequest {
    /// The number.
    pub number: u64,
    /// Whether it is open.
    pub open: bool,
    /// The head commit.
    pub head: CommitSha,
    /// The base branch.
    pub base_branch: BranchName,
}

/// A commit status's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusState {
    /// Work is going on.
    Pending,
    /// All is as asked.
    Success,
    /// The author must mend something.
    Failure,
    /// Our side failed.
    Error,
}

/// A commit status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitStatus {
    /// The commit.
    pub commit: CommitSha,
    /// Its name on the host: `penstock/clusters`.
    pub context: String,
    /// The state.
    pub state: StatusState,
    /// One line of at most 140 characters.
    pub description: String,
    /// Where to look.
    pub target_url: Option<String>,
}

/// How a check run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckConclusion {
    /// Nothing to mend.
    Success,
    /// Something to mend.
    Failure,
    /// Nothing to say.
    Neutral,
}

/// A line of a file in a check run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// The file.
    pub path: String,
    /// Line from 1.
    pub line: u32,
    /// Column from 1.
    pub column: u32,
    /// Whether it fails the check.
    pub failure: bool,
    /// The title: the rule.
    pub title: String,
    /// The sentence.
    pub message: String,
}

/// A finished check run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckRun {
    /// The commit.
    pub commit: CommitSha,
    /// Its name on the host.
    pub name: String,
    /// Our own key for it, so that a repeat finds it: the content's digest.
    pub external_id: String,
    /// How it ended.
    pub conclusion: CheckConclusion,
    /// The title.
    pub title: String,
    /// The text, in Markdown; foreign text in it is escaped.
    pub summary: String,
    /// One for each finding; the adapter sends them in batches of 50.
    pub annotations: Vec<Annotation>,
}

/// Writing words and marks on a source host: `feedback` alone does it.
pub trait Marks: Sync {
    /// Sets a commit status. The latest for a context counts.
    fn set_status(
        &self,
        repository: &Repository,
        status: &CommitStatus,
    ) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Publishes a check run: finds our own by name and external id and completes it, or makes it.
    fn publish_check(
        &self,
        repository: &Repository,
        check: &CheckRun,
    ) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// What `feedback` has already published, so that a copy or an older event changes nothing.
pub trait FeedbackLedger: Sync {
    /// Whether this is new: nothing was published for (subject, kind) with the same or a higher order, and what was
    /// published last has other content. So a sweep that finds the same again publishes nothing.
    fn is_news(
        &self,
        subject: &str,
        kind: &str,
        order: FeedbackOrder,
        content: &Digest,
    ) -> impl Future<Output = Result<bool, Fault>> + Send;

    /// Remembers that it was published, unless something of a higher order was meanwhile.
    fn published(
        &self,
        subject: &str,
        kind: &str,
        order: FeedbackOrder,
        content: &Digest,
        now: Timestamp,
    ) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// The order of two things said about one subject: by generation, then by phase (started 0, finished 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FeedbackOrder {
    /// The run's generation.
    pub generation: Generation,
    /// Started 0, finished 1.
    pub phase: u8,
}

// ---- pipelines ----------------------------------------------------------------------------------------------------

/// Why a call to CodePipeline failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{step} failed: {code}: {message}")]
pub struct PipelineError {
    /// The call: `CreatePipeline`.
    pub step: &'static str,
    /// AWS's error code, or `timeout`, `dispatch`.
    pub code: String,
    /// AWS's message, escaped and cut.
    pub message: String,
    /// AWS's request id, for support.
    pub request_id: Option<String>,
    /// Whether the same call may pass later.
    pub retry: bool,
}

/// CodePipeline, as far as the provisioner uses it.
pub trait Pipelines: Sync {
    /// Every pipeline whose name could be ours (`rc-…`, `mc-…`), with tags and definition.
    ///
    /// # Errors
    /// Any failure, also of one page or one pipeline: part of a listing is never the whole.
    fn list(&self) -> impl Future<Output = Result<Vec<ObservedPipeline>, PipelineError>> + Send;

    /// Makes a pipeline with its tags. AWS starts its first execution by itself.
    fn create(
        &self,
        definition: &PipelineDefinition,
        tags: &[(String, String)],
    ) -> impl Future<Output = Result<(), PipelineError>> + Send;

    /// Replaces a pipeline's definition.
    fn update(&self, definition: &PipelineDefinition) -> impl Future<Output = Result<(), PipelineError>> + Send;

    /// Removes a pipeline. Removing one that is gone is no error.
    fn delete(&self, name: &PipelineName) -> impl Future<Output = Result<(), PipelineError>> + Send;

    /// Starts a run with `IS_DESTROY=true`; the same token starts it once. Answers the execution's id.
    fn start_destroy(
        &self,
        name: &PipelineName,
        token: &str,
    ) -> impl Future<Output = Result<String, PipelineError>> + Send;

    /// The latest execution, or nothing when it never ran.
    fn latest_execution(
        &self,
        name: &PipelineName,
    ) -> impl Future<Output = Result<Option<Execution>, PipelineError>> + Send;
}

/// Where accepted files are kept in compiled form.
pub trait Specs: Sync {
    /// Stores what a pipeline's file compiles to under `specs/<pipeline>/<config_sha256>.json`; twice is the same.
    fn put(&self, pipeline: &PipelineName, spec: &CompiledSpec) -> impl Future<Output = Result<(), Fault>> + Send;
}

// ---- the provisioner's table --------------------------------------------------------------------------------------

/// One thing to remember: written in one transaction, with the audit entry appended to its subject's chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// The entry.
    pub entry: Draft,
    /// The cluster's new record, when it changed.
    pub record: Option<(RepositoryId, ClusterRecord)>,
    /// The record to forget, when the pipeline is gone.
    pub forget: Option<(RepositoryId, ClusterKey)>,
    /// What to tell the bus.
    pub events: Vec<Envelope>,
}

/// The provisioner's state.
pub trait ClusterLedger: Sync {
    /// Takes the next generation for a branch at this head.
    fn take_generation(
        &self,
        repository: RepositoryId,
        branch: &BranchName,
        head: &CommitSha,
        now: Timestamp,
    ) -> impl Future<Output = Result<Generation, Fault>> + Send;

    /// The generation that holds the branch now, read consistently.
    fn current_generation(
        &self,
        repository: RepositoryId,
        branch: &BranchName,
    ) -> impl Future<Output = Result<Generation, Fault>> + Send;

    /// Everything remembered about a repository's clusters.
    fn records(&self, repository: RepositoryId) -> impl Future<Output = Result<Vec<ClusterRecord>, Fault>> + Send;

    /// Commits one recording.
    fn record(&self, recording: Recording) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Puts events into the outbox that belong to no cluster (the start and end of a run).
    fn announce(&self, events: &[Envelope]) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// Reading the audit trail.
pub trait AuditTrail: Sync {
    /// A subject's whole chain in order, and its recorded head.
    fn chain(&self, subject: &str) -> impl Future<Output = Result<(Vec<Entry>, Head), Fault>> + Send;
}
