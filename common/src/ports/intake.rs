//! Deliveries of source hosts (GitHub's webhooks, CodeCommit's events): what the ledger keeps of each, and what becomes of a copy.

use std::future::Future;

use jiff::Timestamp;

use crate::{
    domain::id::{DeliveryId, Digest},
    event::Envelope,
    fault::Fault,
};

/// A verified delivery, as the ledger keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// GitHub's id of it (not signed); of CodeCommit, `codecommit:` and EventBridge's id.
    pub id: DeliveryId,
    /// The event's name as the body proved it; of CodeCommit, `codecommit.` and its word: `codecommit.referenceUpdated`.
    pub event_name: String,
    /// The sha256 of the raw body; of CodeCommit, of what happened and when.
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
