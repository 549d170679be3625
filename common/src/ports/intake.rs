//! Deliveries of source hosts (GitHub's webhooks, CodeCommit's events): what intake keeps of each, and what becomes of a copy.

use std::future::Future;

use jiff::Timestamp;

use crate::{
    domain::{
        id::{DeliveryId, Digest},
        ledger::{About, Happening, Note},
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
    /// What the ledger is to say of a copy, and at which delivery. Nothing of what was accepted: that has its rows.
    ///
    /// An id is not signed, so whoever has caught a body can send it under any. So it is noted at the id that it came with first, and however
    /// often that is done, there is no further row.
    pub fn note(&self, delivery: &DeliveryId, now: Timestamp) -> Option<(About, Note)> {
        let at = |delivery: &DeliveryId, what| Some((About::Delivery(delivery.clone()), Note::new(what, now)));
        match self {
            Self::Accepted => None,
            Self::DuplicateDelivery => at(delivery, Happening::Copied),
            Self::DuplicateBody { first } => {
                let (about, note) = at(first, Happening::BodyCopied)?;
                Some((about, note.because(format!("it came again as the delivery {delivery}"))))
            }
            Self::DeliveryIdReused => at(delivery, Happening::IdReused),
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
