//! Work items: where each stands, what its gates look at, and how requests for moves were answered.

use std::{collections::BTreeMap, future::Future};

use jiff::Timestamp;

use super::{
    ideas::IdeaRows,
    wip::{MAX_WEIGHT, weight},
};
use crate::{
    domain::{
        audit::Draft,
        id::{ItemId, RequestId},
        stage::{Answered, Dossier, Item},
        wip::{Scope, operation::Operation},
    },
    event::Envelope,
    fault::Fault,
};

/// What is known of an item, at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// The item with its evidence and approvals; nothing when there is no such item.
    pub dossier: Option<Dossier>,
    /// How the request that was named was answered, when it was.
    pub answered: Option<Answered>,
}

/// Some of the items, in the order of their ids.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// Those.
    pub items: Vec<Item>,
    /// Rows among them that cannot be read, each with why: one hides none of the others, and is an error to be told.
    pub unreadable: Vec<String>,
    /// The last that was looked at, when there are more after it.
    pub next: Option<ItemId>,
}

/// Everything that changes with an item: all of it or nothing, in one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemChange {
    /// Which item.
    pub item: ItemId,
    /// The item as it shall be, when it changes, and the version that was read; 0 when there was none.
    pub dossier: Option<(u64, Dossier)>,
    /// The answer to a request, to be kept.
    pub answered: Option<Answered>,
    /// The changes of its places.
    pub writes: BTreeMap<Scope, Operation>,
    /// What to tell the bus.
    pub events: Vec<Envelope>,
    /// The entry in the item's audit chain.
    pub entry: Draft,
}

/// How a commit of an item ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemCommitted {
    /// Everything is written.
    Done,
    /// Nothing was written: the item, a place, the chain or the request's answer is not any more as it was read. Decide anew.
    Lost,
}

/// The items' rows, with those of the ideas that they were.
pub trait ItemRows: IdeaRows + Sync {
    /// An item, and how a request about it was answered, from one consistent read.
    fn item(&self, id: &ItemId, request: Option<&RequestId>) -> impl Future<Output = Result<Found, Fault>> + Send;

    /// At most `most` items, in the order of their ids, beginning after this one.
    fn items(&self, after: Option<&ItemId>, most: usize) -> impl Future<Output = Result<Page, Fault>> + Send;

    /// Writes a change, one attempt.
    ///
    /// Idempotent by the item's version and by the request's id: neither can be written twice.
    ///
    /// # Errors
    /// `Retry` when the outcome is not known; `Bug` when it could never pass.
    fn commit_item(
        &self,
        change: &ItemChange,
        now: Timestamp,
    ) -> impl Future<Output = Result<ItemCommitted, Fault>> + Send;
}

impl ItemChange {
    /// How much of a transaction it fills: an item is two rows, an answer is one; the rest as [`weight`] says.
    pub fn weight(&self) -> usize {
        let item = 2 * usize::from(self.dossier.is_some()) + usize::from(self.answered.is_some());
        item + weight(&self.writes, &self.events, Some(&self.entry))
    }

    /// Whether one transaction takes it.
    pub fn fits(&self) -> bool {
        self.weight() <= MAX_WEIGHT
    }
}
