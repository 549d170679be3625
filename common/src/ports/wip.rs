//! The rows that carry the limits on work in progress.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
};

use jiff::Timestamp;

use crate::{
    domain::{
        audit::Draft,
        wip::{Scope, ScopeState, operation::Operation},
    },
    event::Envelope,
    fault::Fault,
};

/// How a commit ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Committed {
    /// Every operation was applied and every event is in the outbox.
    Done,
    /// Nothing was written: these rows' conditions did not hold. They stand here as they were at that moment; a row that does not
    /// exist is [`ScopeState::absent`]. Rows whose condition held are not among them.
    Failed(BTreeMap<Scope, ScopeState>),
    /// Nothing was written: somebody else was at the same rows. The same may pass in a moment.
    Conflict,
}

/// The scopes' rows.
///
/// Everything here is one attempt: who calls it decides whether another makes sense.
pub trait WipRows: Sync {
    /// These rows at one moment, from one consistent read; a row that does not exist is [`ScopeState::absent`].
    /// At most [`MAX_ROWS`] at once.
    fn load(&self, scopes: &BTreeSet<Scope>)
    -> impl Future<Output = Result<BTreeMap<Scope, ScopeState>, Fault>> + Send;

    /// Which rows exist, in order. It may miss those of the last second.
    fn scopes(&self) -> impl Future<Output = Result<BTreeSet<Scope>, Fault>> + Send;

    /// Applies operations, at most one a row, and puts events into the outbox: all or nothing, in one transaction.
    ///
    /// Idempotent by the operations themselves: none of those that a request makes can hold twice.
    ///
    /// # Errors
    /// `Retry` when the outcome is not known; `Bug` when it could never pass.
    fn commit(
        &self,
        writes: &BTreeMap<Scope, Operation>,
        events: &[Envelope],
        now: Timestamp,
    ) -> impl Future<Output = Result<Committed, Fault>> + Send {
        self.commit_recorded(writes, events, None, now)
    }

    /// The same, with an entry at the end of its subject's audit chain. A chain that another entry joined meanwhile is a
    /// [`Committed::Conflict`], unless a row's condition failed too. Without an entry no chain is looked at.
    ///
    /// # Errors
    /// As [`commit`](Self::commit).
    fn commit_recorded(
        &self,
        writes: &BTreeMap<Scope, Operation>,
        events: &[Envelope],
        entry: Option<&Draft>,
        now: Timestamp,
    ) -> impl Future<Output = Result<Committed, Fault>> + Send;
}

/// The most rows that one read takes, and, with events, the most that one transaction changes: DynamoDB takes 100 of each.
pub const MAX_ROWS: usize = 90;

/// What one transaction takes, counted as [`weight`] does.
pub const MAX_WEIGHT: usize = 100;

/// How much of a transaction a commit fills: a row is one, a row that did not exist is two (it is entered in the list of rows
/// too), an event is one, an audit entry is two (the chain's head moves with it).
pub fn weight(writes: &BTreeMap<Scope, Operation>, events: &[Envelope], entry: Option<&Draft>) -> usize {
    let created = writes.values().filter(|operation| operation.creates()).count();
    writes.len() + created + events.len() + 2 * usize::from(entry.is_some())
}
