//! What was posted, who was told of blockers, which tasks were done.

use std::{collections::BTreeMap, future::Future};

use jiff::civil::Date;

use super::SaidCommitted;
use crate::{
    domain::{
        audit::Draft,
        id::ChannelName,
        rhythm::{Done, PostKey, PostKind, Posted, Told},
    },
    event::Envelope,
    fault::Fault,
};

/// One thing to remember, with what follows from it: all of it or nothing, in one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RhythmChange {
    /// What.
    pub said: RhythmSaid,
    /// What to tell the bus.
    pub events: Vec<Envelope>,
    /// The entry in the audit chain.
    pub entry: Draft,
}

/// What is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RhythmSaid {
    /// A post. There is one of a kind in a channel for a day.
    Post(PostKey, Posted),
    /// A group was told of a blocker: once.
    Told(Told),
    /// A task was done. The first word for a period counts.
    Done(Done),
}

/// The rows of the rhythm.
pub trait RhythmRows: Sync {
    /// What was posted in a channel for a day, from one consistent read.
    fn posts(
        &self,
        channel: &ChannelName,
        date: Date,
    ) -> impl Future<Output = Result<BTreeMap<PostKind, Posted>, Fault>> + Send;

    /// Who was told of which blocker, from one consistent read. Those of blockers that are gone may be among them.
    fn told(&self) -> impl Future<Output = Result<Vec<Told>, Fault>> + Send;

    /// Which tasks were done, from one consistent read.
    fn done(&self) -> impl Future<Output = Result<Vec<Done>, Fault>> + Send;

    /// Writes a change, one attempt.
    ///
    /// Idempotent by (kind, channel, day), (blocker, group) and (task, period).
    ///
    /// # Errors
    /// `Retry` when the outcome is not known; `Bug` when it could never pass.
    fn commit_rhythm(&self, change: &RhythmChange) -> impl Future<Output = Result<SaidCommitted, Fault>> + Send;
}
