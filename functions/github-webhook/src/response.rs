//! The answers, as API Gateway takes them: JSON for an outcome, RFC 9457 problem documents for a refusal.

use std::collections::BTreeMap;

use common::domain::id::{DeliveryId, Digest, EventId};
use serde::Serialize;
use serde_json::{Value, json};

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

/// An API Gateway proxy response, the same for payload 1.0 and 2.0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// The HTTP status.
    pub status_code: u16,
    /// The headers.
    pub headers: BTreeMap<&'static str, &'static str>,
    /// JSON text.
    pub body: String,
    /// Always false.
    pub is_base64_encoded: bool,
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

    fn document(&self) -> Value {
        match self {
            Self::Accepted { delivery, event, event_id } => json!({
                "status": "accepted", "reason": format!("{event} is committed and on its way to the bus"),
                "delivery": delivery, "event_id": event_id, "event": event,
            }),
            Self::Duplicate { delivery, reason, event_id } => {
                json!({"status": "duplicate", "reason": reason, "delivery": delivery, "event_id": event_id})
            }
            Self::Ignored { delivery, reason } => json!({"status": "ignored", "reason": reason, "delivery": delivery}),
            Self::Healthy { version, governance } => {
                json!({"status": "healthy", "version": version, "governance_digest": governance})
            }
            Self::Refused(refusal) => {
                let (kind, title) = refusal.kind();
                json!({
                    "type": format!("urn:penstock:problem:{kind}"), "title": title,
                    "status": refusal.status(), "detail": refusal.to_string(),
                })
            }
        }
    }
}

impl From<Outcome> for Response {
    fn from(outcome: Outcome) -> Self {
        let problem = matches!(outcome, Outcome::Refused(_));
        let content = if problem { "application/problem+json" } else { "application/json" };
        let mut headers = BTreeMap::from([("content-type", content), ("cache-control", "no-store")]);
        if let Outcome::Refused(Refusal::WrongMethod { allowed, .. }) = &outcome {
            headers.insert("allow", allowed);
        }
        Self { status_code: outcome.status(), headers, body: outcome.document().to_string(), is_base64_encoded: false }
    }
}
