//! The order of the steps: cheap refusals first, nothing parsed before the signature is right, nothing acknowledged before it is durable.

use std::time::Duration;

use common::{
    domain::{
        id::{CorrelationId, DeliveryId, Digest, EventId, quoted},
        ledger::REMEMBERED,
    },
    event::{Envelope, Meta, SCHEMA_VERSION},
    fault::Fault,
    http::{Request, Response},
    ports::{Delivery, Intake, Ledger, Recorded},
    webhook_secret::SecretSource,
};
use jiff::Timestamp;

use crate::{
    normalise::{Ignored, Normal, normalise},
    payload::{self, Name},
    refusal::Refusal,
    response::Outcome,
    secret::{Keyring, Matched, verify},
    signature::Signature,
};

/// Where GitHub posts.
pub const WEBHOOK_PATH: &str = "/webhooks/github";

/// Where a probe asks.
pub const HEALTH_PATH: &str = "/health";

/// The largest raw body: GitHub sends up to 25 MB, Lambda takes 6 MB of JSON, base64 costs a third.
pub const MAX_BODY: usize = 4 * 1024 * 1024;

/// How long a request may take. GitHub waits for ten seconds, and so does Lambda: 503 has to be said before either gives up.
pub const LIMIT: Duration = Duration::from_secs(8);

/// How long the note of a copy may take, behind the answer's own time.
#[cfg(feature = "lambda")]
const NOTING: Duration = Duration::from_secs(1);

/// What the function holds between requests.
pub struct Webhook<I, S> {
    /// Where deliveries are recorded, and copies noted.
    pub intake: I,
    /// The secret.
    pub keyring: Keyring<S>,
    /// The digest of the governance bundle that is deployed, for `GET /health`.
    pub governance: Digest,
}

/// Answers one request. Total: every failure is an HTTP status.
pub async fn handle<I: Intake + Ledger, S: SecretSource>(
    webhook: &Webhook<I, S>,
    request: &Request,
    now: Timestamp,
) -> Response {
    let outcome = route(webhook, request, now).await.unwrap_or_else(Outcome::Refused);
    log(request, &outcome);
    note(&webhook.intake, &outcome, now).await;
    outcome.into()
}

/// Answers one request within a limit, which is [`LIMIT`] outside of tests.
#[cfg(feature = "lambda")]
pub async fn handle_in_time<I: Intake + Ledger, S: SecretSource>(
    webhook: &Webhook<I, S>,
    request: &Request,
    now: Timestamp,
    limit: Duration,
) -> Response {
    let routed = tokio::time::timeout(limit, route(webhook, request, now)).await;
    let outcome = routed.unwrap_or(Err(Refusal::CannotCommit)).unwrap_or_else(Outcome::Refused);
    log(request, &outcome);
    // A copy is one whether or not it was noted in time.
    if tokio::time::timeout(NOTING, note(&webhook.intake, &outcome, now)).await.is_err() {
        tracing::warn!("a copy was not noted in the ledger: the table did not answer in time");
    }
    outcome.into()
}

/// Notes a copy. What is accepted has its rows already, and whatever becomes of the note changes no answer.
async fn note<L: Ledger>(ledger: &L, outcome: &Outcome, now: Timestamp) {
    let (delivery, copy) = match outcome {
        Outcome::Duplicate { delivery, copy, .. } => (delivery, copy),
        Outcome::Refused(Refusal::DeliveryIdReused { delivery }) => (delivery, &Recorded::DeliveryIdReused),
        Outcome::Accepted { .. } | Outcome::Ignored { .. } | Outcome::Healthy { .. } | Outcome::Refused(_) => return,
    };
    let Some((about, note)) = copy.note(delivery, now) else { return };
    if let Err(fault) = ledger.note(&about, &note).await {
        tracing::warn!(fault = fault.chain(), delivery = delivery.as_str(), "a copy was not noted in the ledger");
    }
}

async fn route<I: Intake + Ledger, S: SecretSource>(
    webhook: &Webhook<I, S>,
    request: &Request,
    now: Timestamp,
) -> Result<Outcome, Refusal> {
    let wrong = |allowed| Refusal::WrongMethod { method: request.method().to_owned(), allowed };
    match (request.path(), request.method()) {
        (WEBHOOK_PATH, "POST") => receive(webhook, request, now).await,
        (WEBHOOK_PATH, _) => Err(wrong("POST")),
        (HEALTH_PATH, "GET") => {
            Ok(Outcome::Healthy { version: env!("CARGO_PKG_VERSION"), governance: webhook.governance.clone() })
        }
        (HEALTH_PATH, _) => Err(wrong("GET")),
        (path, _) => Err(Refusal::NoRoute { path: path.to_owned() }),
    }
}

async fn receive<I: Intake + Ledger, S: SecretSource>(
    webhook: &Webhook<I, S>,
    request: &Request,
    now: Timestamp,
) -> Result<Outcome, Refusal> {
    let signature = Signature::of(request)?;
    let body = request.raw_body(MAX_BODY)?;
    let keys = webhook.keyring.keys(now).await.ok_or(Refusal::CannotVerify)?;
    let matched = verify(&keys, &body, &signature, now).ok_or(Refusal::WrongSignature)?;
    if matched == Matched::Previous {
        count("WebhookPreviousSecret");
        tracing::info!(secret = matched.as_str(), "the sender still signs with the previous secret");
    } else {
        tracing::debug!(secret = matched.as_str(), "the signature is right");
    }

    let id = delivery_id(request)?;
    let (event_name, normal) = read(request, &body)?;
    let (subject, event) = match normal {
        Normal::Event { subject, event } => (subject, *event),
        Normal::Ignored(reason) => return Ok(Outcome::Ignored { delivery: id, reason: reason.to_string() }),
    };
    let digest = Digest::of(&body);
    let identity = ["github", event_name.as_str(), digest.as_str()];
    let event_id = EventId::derived(identity);
    let kind = event.kind().name();
    let envelope = Envelope {
        meta: Meta {
            schema_version: SCHEMA_VERSION,
            event_id: event_id.clone(),
            occurred_at: now,
            correlation_id: CorrelationId::derived(identity),
            subject,
        },
        event,
    };
    let expires_at = now.checked_add(REMEMBERED).unwrap_or(Timestamp::MAX);
    let delivery = Delivery { id, event_name, body: digest, received_at: now, expires_at };
    let recorded = webhook.intake.record(&delivery, &envelope).await;
    committed(recorded, delivery.id, kind, event_id)
}

/// Only what the ledger confirmed is acknowledged.
fn committed(
    recorded: Result<Recorded, Fault>,
    delivery: DeliveryId,
    event: &'static str,
    event_id: EventId,
) -> Result<Outcome, Refusal> {
    match recorded {
        Ok(Recorded::Accepted) => Ok(Outcome::Accepted { delivery, event, event_id }),
        Ok(copy @ (Recorded::DuplicateDelivery | Recorded::DuplicateBody { .. })) => {
            let reason = match copy {
                Recorded::DuplicateBody { .. } => {
                    "the same body came before under another delivery id, and its event is committed"
                }
                _ => "this delivery came before, and its event is committed",
            };
            Ok(Outcome::Duplicate { delivery, copy, reason, event_id })
        }
        Ok(Recorded::DeliveryIdReused) => Err(Refusal::DeliveryIdReused { delivery }),
        Err(fault) => {
            tracing::error!(fault = fault.chain(), delivery = delivery.as_str(), "the delivery could not be committed");
            Err(Refusal::CannotCommit)
        }
    }
}

fn delivery_id(request: &Request) -> Result<DeliveryId, Refusal> {
    request.only_value("x-github-delivery").ok_or(Refusal::NoDelivery)?.parse().map_err(Refusal::BadDelivery)
}

fn read(request: &Request, body: &[u8]) -> Result<(String, Normal), Refusal> {
    let header = request.only_value("x-github-event").ok_or(Refusal::NoEventName)?;
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if !(1..=64).contains(&header.len()) || !header.bytes().all(allowed) {
        return Err(Refusal::BadEventName { found: header.to_owned() });
    }
    let form =
        request.values("content-type").iter().any(|value| value.starts_with("application/x-www-form-urlencoded"));
    let keys = payload::keys(body, form)?;
    let Ok(name) = header.parse::<Name>() else {
        return Ok((header.to_owned(), Normal::Ignored(Ignored::UnknownEvent(header.to_owned()))));
    };
    match payload::classify(&keys) {
        Some(body_name) if body_name == name => Ok((header.to_owned(), normalise(name, body)?)),
        other => Err(Refusal::WrongEvent { header: name, body: other }),
    }
}

/// One line a request: who, what, why. Header values are named one by one; those of a refused request are foreign text, quoted and
/// cut. A body, a signature or another header is never logged.
fn log(request: &Request, outcome: &Outcome) {
    let status = outcome.status();
    count(metric(outcome));
    // Past the signature and the grammar of its headers, a request's event name is a plain word.
    let event = request.only_value("x-github-event").unwrap_or_default();
    match outcome {
        Outcome::Accepted { delivery, event: kind, event_id } => {
            let (delivery, id) = (delivery.as_str(), event_id.as_str());
            tracing::info!(status, delivery, event, kind, event_id = id, correlation_id = id, "accepted");
        }
        Outcome::Duplicate { delivery, reason, event_id, .. } => {
            let (delivery, id) = (delivery.as_str(), event_id.as_str());
            tracing::info!(
                status,
                delivery,
                event,
                event_id = id,
                correlation_id = id,
                reason,
                "a copy, without effect"
            );
        }
        Outcome::Ignored { delivery, reason } => {
            tracing::info!(status, delivery = delivery.as_str(), event, reason, "ignored");
        }
        Outcome::Healthy { .. } => tracing::debug!(status, "healthy"),
        Outcome::Refused(refusal) => {
            let value = |name: &str| request.only_value(name).map(|value| quoted(value, 80)).unwrap_or_default();
            let (delivery, event) = (value("x-github-delivery"), value("x-github-event"));
            let (reason, problem) = (refusal.to_string(), refusal.kind().0);
            tracing::warn!(status, delivery, event, reason, problem, "refused");
        }
    }
}

fn metric(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Accepted { .. } => "WebhookAccepted",
        Outcome::Duplicate { .. } => "WebhookDuplicate",
        Outcome::Ignored { .. } => "WebhookIgnored",
        Outcome::Healthy { .. } => "WebhookHealthy",
        Outcome::Refused(Refusal::TooLarge) => "WebhookTooLarge",
        Outcome::Refused(refusal) if refusal.status() == 503 => "WebhookUnavailable",
        Outcome::Refused(_) => "WebhookRefused",
    }
}

/// One more of something, for CloudWatch: the runtime's log turns it into a metric.
fn count(name: &'static str) {
    tracing::info!(target: "metric", name, value = 1u64);
}
