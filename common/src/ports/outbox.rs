//! From a committed event to the bus.

use std::future::Future;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{domain::id::EventId, event::Envelope, fault::Fault};

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
