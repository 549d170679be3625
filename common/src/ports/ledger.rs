//! The provisioner's table: fences, records, the audit trail.

use std::future::Future;

use jiff::Timestamp;

use crate::{
    domain::{
        audit::{Draft, Entry, Head},
        cluster::{ClusterKey, ClusterRecord, start::Started},
        id::{BranchName, CommitSha, Generation, RepositoryId},
    },
    event::Envelope,
    fault::Fault,
    ports::{FeedbackWords, RemovalRows},
};

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

/// The clusters that have pipelines of ours: which pipeline is whose.
pub trait ClusterRecords: Sync {
    /// Everything remembered about a repository's clusters.
    fn records(&self, repository: RepositoryId) -> impl Future<Output = Result<Vec<ClusterRecord>, Fault>> + Send;
}

/// The provisioner's state, and what was said of its plans.
pub trait ClusterLedger: ClusterRecords + FeedbackWords + RemovalRows {
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

    /// Up to where the runs of a branch were started; nothing when none ever were. Read consistently.
    fn started_up_to(
        &self,
        repository: RepositoryId,
        branch: &BranchName,
    ) -> impl Future<Output = Result<Option<Started>, Fault>> + Send;

    /// Remembers up to where, while the branch is still this generation's. Answers whether it is.
    fn mark_started(
        &self,
        repository: RepositoryId,
        branch: &BranchName,
        generation: Generation,
        started: &Started,
    ) -> impl Future<Output = Result<bool, Fault>> + Send;

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
