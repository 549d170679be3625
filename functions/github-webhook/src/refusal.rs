//! Every refusal of this function: its HTTP status, its kind and its sentence. All of them are here, and a snapshot test reads them.
//!
//! Foreign text in a sentence is quoted and cut. A refusal never holds a secret, a signature or a body.

use common::{
    domain::id::{DeliveryId, IdError, quoted},
    http::{BodyError, Problem, Response},
};

use crate::payload::Name;

/// Why a request was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such route.
    #[error("there is nothing at {}: the routes are POST /webhooks/github and GET /health", quoted(path, 80))]
    NoRoute {
        /// The path that was asked for.
        path: String,
    },
    /// The route has another method.
    #[error("{} is not allowed here: use {allowed}", quoted(method, 20))]
    WrongMethod {
        /// The method that was asked for.
        method: String,
        /// The one that works.
        allowed: &'static str,
    },
    /// No signature at all.
    #[error("the request has no X-Hub-Signature-256 header: set a secret in the webhook's settings")]
    NoSignature,
    /// Only the SHA-1 signature.
    #[error("the request has only the SHA-1 signature X-Hub-Signature: X-Hub-Signature-256 is required")]
    OnlySha1,
    /// More than one value.
    #[error("the request has more than one X-Hub-Signature-256 value: exactly one is required")]
    ManySignatures,
    /// Not of the one form.
    #[error("the X-Hub-Signature-256 value is malformed: expected sha256= and 64 lower-case hex digits")]
    MalformedSignature,
    /// No secret of ours makes this signature over this body.
    #[error(
        "the signature does not match the body: the sender's webhook secret is not ours, or the body was changed on its way"
    )]
    WrongSignature,
    /// More than [`crate::handler::MAX_BODY`].
    #[error(
        "the body is larger than {} bytes: the scheduled comparison with the source host picks up what it reported",
        crate::handler::MAX_BODY
    )]
    TooLarge,
    /// `isBase64Encoded` without base64.
    #[error("the body is marked as base64 and is not valid base64")]
    NotBase64,
    /// No `X-GitHub-Event`, or several.
    #[error("the request needs exactly one X-GitHub-Event header")]
    NoEventName,
    /// An `X-GitHub-Event` that no event can have.
    #[error("X-GitHub-Event is {}: expected 1 to 64 of a-z, 0-9 and '_'", quoted(found, 80))]
    BadEventName {
        /// The value.
        found: String,
    },
    /// No `X-GitHub-Delivery`, or several.
    #[error("the request needs exactly one X-GitHub-Delivery header")]
    NoDelivery,
    /// An `X-GitHub-Delivery` outside its grammar.
    #[error("X-GitHub-Delivery: {0}")]
    BadDelivery(IdError),
    /// Not JSON.
    #[error("the body is not JSON: it breaks at line {line}, column {column}{}", hint(*form))]
    NotJson {
        /// From 1.
        line: usize,
        /// From 0, as the parser counts.
        column: usize,
        /// Whether it came as a form.
        form: bool,
    },
    /// JSON, and not an object.
    #[error("the body is JSON, but not an object: every webhook payload is one")]
    NotAnObject,
    /// One name twice in one object: readers would differ in which value counts.
    #[error("the body names {} twice", quoted(key, 80))]
    NamedTwice {
        /// The name.
        key: String,
    },
    /// More names than any payload has.
    #[error("the body has more than {} top-level names: no webhook payload has so many", crate::payload::MAX_KEYS)]
    TooManyKeys,
    /// The unsigned event header says something else than the signed body.
    #[error("X-GitHub-Event says {}, but the body is {}", header.as_str(), body_of(*body))]
    WrongEvent {
        /// What the header says.
        header: Name,
        /// What the body is, when it is one of the events with a type.
        body: Option<Name>,
    },
    /// The right event's body, with a field that is missing or has the wrong type.
    #[error("the body is not a payload of {}: {}", name.as_str(), quoted(what, 200))]
    Misfit {
        /// The event.
        name: Name,
        /// The parser's words.
        what: String,
    },
    /// A field with a value outside its grammar.
    #[error("the body is not a payload of {}: {error}", name.as_str())]
    BadField {
        /// The event.
        name: Name,
        /// Which grammar.
        error: IdError,
    },
    /// One delivery id with two bodies or two event names.
    #[error("this delivery id came before with another body or event: GitHub never does that; nothing was done")]
    DeliveryIdReused {
        /// Which.
        delivery: DeliveryId,
    },
    /// The secret cannot be read or is unusable.
    #[error(
        "the signature cannot be verified now: the webhook secret cannot be read or is not usable; redeliver later"
    )]
    CannotVerify,
    /// The table did not confirm.
    #[error("the delivery is not confirmed as committed: redeliver it later; a copy has no second effect")]
    CannotCommit,
}

fn hint(form: bool) -> &'static str {
    if form { "; set the webhook's content type to application/json" } else { "" }
}

fn body_of(body: Option<Name>) -> String {
    body.map_or_else(
        || "of none of the events that have a type here".to_owned(),
        |name| format!("that of {}", name.as_str()),
    )
}

impl Refusal {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            Self::NotBase64
            | Self::NoEventName
            | Self::BadEventName { .. }
            | Self::NoDelivery
            | Self::BadDelivery(_)
            | Self::NotJson { .. } => 400,
            Self::NoSignature
            | Self::OnlySha1
            | Self::ManySignatures
            | Self::MalformedSignature
            | Self::WrongSignature => 401,
            Self::NoRoute { .. } => 404,
            Self::WrongMethod { .. } => 405,
            Self::TooLarge => 413,
            Self::NotAnObject
            | Self::NamedTwice { .. }
            | Self::TooManyKeys
            | Self::WrongEvent { .. }
            | Self::Misfit { .. }
            | Self::BadField { .. }
            | Self::DeliveryIdReused { .. } => 422,
            Self::CannotVerify | Self::CannotCommit => 503,
        }
    }

    /// The problem's name, stable for programs, and its title for people.
    pub fn kind(&self) -> (&'static str, &'static str) {
        match self.status() {
            400 => ("malformed-request", "Malformed request"),
            401 => ("signature-refused", "Signature refused"),
            404 => ("no-such-route", "No such route"),
            405 => ("method-not-allowed", "Method not allowed"),
            413 => ("body-too-large", "Body too large"),
            422 => ("body-refused", "Body does not match its event"),
            _ => ("not-now", "Cannot accept now"),
        }
    }
}

impl From<BodyError> for Refusal {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => Self::TooLarge,
            BodyError::NotBase64 => Self::NotBase64,
        }
    }
}

impl From<&Refusal> for Response {
    fn from(refusal: &Refusal) -> Self {
        let (kind, title) = refusal.kind();
        let response = Self::from(Problem::new(refusal.status(), kind, title, refusal.to_string()));
        match refusal {
            Refusal::WrongMethod { allowed, .. } => response.header("allow", *allowed),
            _ => response,
        }
    }
}
