//! What becomes of a request, and its answer: JSON for an outcome, a problem document for a refusal.

use common::{
    domain::id::{DeliveryId, Digest, EventId},
    http::Response,
    ports::Recorded,
};
use serde_json::json;

use crate::refusal::Refusal;

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// An event is durable in the outbox.
    Accepted {
        /// The delivery.
        delivery: DeliveryId,
        /// The event's `detail-type`.
        event: &'static str,
        /// The event's id; the correlation id is the same text.
        event_id: EventId,
    },
    /// A copy: the same event is durable since an earlier request.
    Duplicate {
        /// The delivery.
        delivery: DeliveryId,
        /// A copy of what.
        copy: Recorded,
        /// Which key was taken.
        reason: &'static str,
        /// The event's id.
        event_id: EventId,
    },
    /// Verified, and there is nothing to do.
    Ignored {
        /// The delivery.
        delivery: DeliveryId,
        /// Why.
        reason: String,
    },
    /// `GET /health`.
    Healthy {
        /// The build's version.
        version: &'static str,
        /// The digest of the governance bundle that is deployed.
        governance: Digest,
    },
    /// No.
    Refused(Refusal),
}

impl Outcome {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            Self::Accepted { .. } => 202,
            Self::Duplicate { .. } | Self::Ignored { .. } | Self::Healthy { .. } => 200,
            Self::Refused(refusal) => refusal.status(),
        }
    }
}

impl From<Outcome> for Response {
    fn from(outcome: Outcome) -> Self {
        let document = match &outcome {
            Outcome::Accepted { delivery, event, event_id } => json!({
                "status": "accepted", "reason": format!("{event} is committed and on its way to the bus"),
                "delivery": delivery, "event_id": event_id, "event": event,
            }),
            Outcome::Duplicate { delivery, reason, event_id, .. } => {
                json!({"status": "duplicate", "reason": reason, "delivery": delivery, "event_id": event_id})
            }
            Outcome::Ignored { delivery, reason } => {
                json!({"status": "ignored", "reason": reason, "delivery": delivery})
            }
            Outcome::Healthy { version, governance } => {
                json!({"status": "healthy", "version": version, "governance_digest": governance})
            }
            Outcome::Refused(refusal) => return refusal.into(),
        };
        Self::json(outcome.status(), &document)
    }
}
