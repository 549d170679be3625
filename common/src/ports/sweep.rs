//! What the sweep remembers: branches as it saw them, how far back GitHub's list is settled; and the outbox rows that stay too long.

use std::future::Future;

use jiff::Timestamp;

use super::SaidCommitted;
use crate::{
    domain::{
        id::{BranchName, CommitSha, EventId, RepositoryId},
        sweep::Seen,
    },
    event::Envelope,
    fault::Fault,
};

/// What the table has of a branch, read consistently.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BranchRows {
    /// What a sweep wrote last.
    pub seen: Option<Seen>,
    /// The head at which the provisioner last took a generation: the branch's fence.
    pub reconciled: Option<CommitSha>,
}

/// Another state of what is remembered of a branch, with the event of a gap: both or nothing, in one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenChange {
    /// Whose branch.
    pub repository: RepositoryId,
    /// Which.
    pub branch: BranchName,
    /// As it was read.
    pub before: Option<Seen>,
    /// As it is to be.
    pub now: Seen,
    /// What to tell the bus.
    pub event: Option<Envelope>,
}

/// An outbox row that has not been published yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StuckEvent {
    /// The event.
    pub event_id: EventId,
    /// The event's time.
    pub occurred_at: Timestamp,
}

/// The rows of the sweep.
pub trait SweepRows: Sync {
    /// What is remembered of a branch.
    fn branch_rows(
        &self,
        repository: RepositoryId,
        branch: &BranchName,
    ) -> impl Future<Output = Result<BranchRows, Fault>> + Send;

    /// Writes a change, one attempt. `Already`: the row is not as it was read, so another sweep was here.
    ///
    /// # Errors
    /// `Retry` when the outcome is not known; `Bug` when it could never pass.
    fn commit_seen(&self, change: &SeenChange) -> impl Future<Output = Result<SaidCommitted, Fault>> + Send;

    /// Before which moment GitHub's attempts are settled; nothing when no sweep has read them yet.
    fn settled_before(&self) -> impl Future<Output = Result<Option<Timestamp>, Fault>> + Send;

    /// Remembers that. The last writer wins: each wrote what was true.
    fn settle_before(&self, at: Timestamp) -> impl Future<Output = Result<(), Fault>> + Send;

    /// The events that wait in the outbox and are from before this, the oldest first.
    fn stuck(&self, before: Timestamp) -> impl Future<Output = Result<Vec<StuckEvent>, Fault>> + Send;

    /// Touches an outbox row, so that the stream brings it to the relay once more. Answers whether it was still there: one that was
    /// published meanwhile does not come back.
    fn touch(&self, event: &EventId, now: Timestamp) -> impl Future<Output = Result<bool, Fault>> + Send;
}
