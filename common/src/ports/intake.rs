//! Deliveries of source hosts (GitHub's webhooks, CodeCommit's events): what intake keeps of each, and what becomes of a copy.

use std::future::Future;

use jiff::Timestamp;

use crate::{
    domain::{
        id::{DeliveryId, Digest},
        ledger::{Happening, Note},
    },
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
    /// Delivery, body key, outbox row and the place in the list are durable.
    Accepted,
    /// The same delivery came before, with the same body.
    DuplicateDelivery,
    /// The same body came before under another delivery id.
    DuplicateBody {
        /// Which.
        first: DeliveryId,
    },
    /// This delivery id came before with another body: the id is not signed, so this is never a copy.
    DeliveryIdReused,
}

impl Recorded {
    /// What the ledger is to say of a copy. Nothing of what was accepted: that has its rows.
    pub fn note(&self, now: Timestamp) -> Option<Note> {
        match self {
            Self::Accepted => None,
            Self::DuplicateDelivery => Some(Note::new(Happening::Copied, now)),
            Self::DuplicateBody { first } => {
                let why = format!("the body came first as the delivery {first}");
                Some(Note::new(Happening::BodyCopied, now).because(why))
            }
            Self::DeliveryIdReused => Some(Note::new(Happening::IdReused, now)),
        }
    }
}

/// Intake.
pub trait Intake: Sync {
    /// Writes delivery, body key, outbox row and the place in the list of deliveries in one transaction, unless one of the keys is taken.
    ///
    /// One call per uncontended delivery; a conflict with a concurrent copy is retried with jitter for at most 2 s.
    ///
    /// # Errors
    /// `Retry` when the outcome is not known or the conflict lasted.
    fn record(&self, delivery: &Delivery, event: &Envelope) -> impl Future<Output = Result<Recorded, Fault>> + Send;
}
