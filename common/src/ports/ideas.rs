//! The idea ledger's rows.

use std::future::Future;

use super::SaidCommitted;
use crate::{
    domain::{audit::Draft, id::ItemId, idea::Idea},
    fault::Fault,
};

/// An idea as it shall be, with its audit entry: both or neither, in one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdeaChange {
    /// As it was read; nothing when there was none.
    pub before: Option<Idea>,
    /// As it shall be.
    pub after: Idea,
    /// The entry in the idea's audit chain.
    pub entry: Draft,
}

/// The rows of ideas.
pub trait IdeaRows: Sync {
    /// One idea.
    fn idea(&self, id: &ItemId) -> impl Future<Output = Result<Option<Idea>, Fault>> + Send;

    /// Every idea, in the order of their ids, from consistent reads.
    fn ideas(&self) -> impl Future<Output = Result<Vec<Idea>, Fault>> + Send;

    /// Writes a change, one attempt.
    ///
    /// Idempotent by the idea as it was read: nothing is written over another.
    ///
    /// # Errors
    /// `Retry` when the outcome is not known; `Bug` when it could never pass.
    fn commit_idea(&self, change: &IdeaChange) -> impl Future<Output = Result<SaidCommitted, Fault>> + Send;
}
