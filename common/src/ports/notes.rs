//! The ledger of deliveries: writing one note, and reading what was noted.

use std::{collections::BTreeMap, future::Future};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        id::{DeliveryId, EventId, FunctionName},
        ledger::{About, Note, Notes},
    },
    fault::Fault,
};

/// Writing in the ledger. One call, one row, and nothing is read: a note never waits for another.
pub trait Ledger: Sync {
    /// Adds a note. A reply that was lost may count it twice.
    ///
    /// # Errors
    /// `Retry` when the outcome is not known.
    fn note(&self, about: &About, note: &Note) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// The ledger of a function that keeps none: it hears no events of ours, and what it could not do stands in its log.
#[derive(Debug, Clone, Copy)]
pub struct NoLedger;

impl Ledger for NoLedger {
    async fn note(&self, _: &About, _: &Note) -> Result<(), Fault> {
        Ok(())
    }
}

/// A delivery, as intake accepted it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Accepted {
    /// The event's name on the source host: `push`.
    pub event_name: String,
    /// When it came.
    pub received_at: Timestamp,
    /// The event that it became.
    pub event: EventId,
}

/// All that is known of a delivery.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeliveryRows {
    /// As it was accepted; nothing when it never was, or longer ago than the ledger reaches back.
    pub accepted: Option<Accepted>,
    /// What was noted of it.
    pub notes: Notes,
}

/// Where a list of deliveries goes on: behind this one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// When it came, to the microsecond.
    pub at: Timestamp,
    /// Which.
    pub delivery: DeliveryId,
}

/// Reading the ledger, consistently.
pub trait LedgerRows: Ledger {
    /// What is known of a delivery.
    fn delivery(&self, delivery: &DeliveryId) -> impl Future<Output = Result<DeliveryRows, Fault>> + Send;

    /// What was noted of an event, by function.
    fn event(&self, event: &EventId) -> impl Future<Output = Result<BTreeMap<FunctionName, Notes>, Fault>> + Send;

    /// What was noted of one thing.
    fn notes(&self, about: &About) -> impl Future<Output = Result<Notes, Fault>> + Send;

    /// The deliveries that were accepted from `since` to before `until`, in the order of [`Place`], at most so many, behind `after`.
    fn accepted(
        &self,
        since: Timestamp,
        until: Timestamp,
        after: Option<&Place>,
        most: usize,
    ) -> impl Future<Output = Result<Vec<Place>, Fault>> + Send;
}
