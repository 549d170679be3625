//! Every refusal of a request before the function that serves it is asked: its HTTP status, its kind and its sentence. The words of some
//! come from what refuses. Beside it: reading path, query and body, as every route does.

use std::str::FromStr;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{BodyError, Problem, Request, Response, Unread, body};
use crate::domain::{
    access::{self, Action, Actor, Unidentified},
    id::{IdError, quoted},
    wip::vet::Misfit,
};

/// The largest body that a route of the API takes: the largest that says something is far below.
pub const MAX_BODY: usize = 64 * 1024;

/// Why a request is not a call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such route.
    #[error("there is nothing at {}: the routes begin with {routes}", quoted(path, 120))]
    NoRoute {
        /// The path that was asked for.
        path: String,
        /// How those that there are begin, in words.
        routes: &'static str,
    },
    /// The route has other methods.
    #[error("{} is not allowed here: use {allowed}", quoted(method, 20))]
    WrongMethod {
        /// The method that was asked for.
        method: String,
        /// Those that work.
        allowed: &'static str,
    },
    /// No verified token.
    #[error("the request came without a verified token: send Authorization: Bearer <token> from the API's issuer")]
    NoToken,
    /// A token that is nobody's.
    #[error("{0}")]
    Unidentified(Unidentified),
    /// A person who may not.
    #[error("{0}")]
    Forbidden(String),
    /// More than [`MAX_BODY`], or no base64.
    #[error("{0}")]
    NoBody(BodyError),
    /// A body that is no JSON, or JSON of another shape.
    #[error("{0}")]
    Unread(Unread),
    /// A name in the path outside its grammar.
    #[error("{0}")]
    BadPath(IdError),
    /// Something in the query that the route does not take, or that is missing.
    #[error("the query {what}")]
    BadQuery {
        /// What is wrong.
        what: String,
    },
    /// Names that there are not.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join(" · "))]
    Misfits(Vec<Misfit>),
    /// An end that is over.
    #[error("until: found {until}, expected a moment in the future; it is {now} now")]
    Past {
        /// What was asked for.
        until: Timestamp,
        /// When that was.
        now: Timestamp,
    },
}

impl Refusal {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            Self::NoBody(BodyError::NotBase64) | Self::Unread(Unread { malformed: true, .. }) => 400,
            Self::NoToken | Self::Unidentified(Unidentified::NoSubject | Unidentified::NoExpiry) => 401,
            Self::Unidentified(_) | Self::Forbidden(_) => 403,
            Self::NoRoute { .. } => 404,
            Self::WrongMethod { .. } => 405,
            Self::NoBody(BodyError::TooLarge) => 413,
            Self::Unread(_) | Self::BadPath(_) | Self::BadQuery { .. } | Self::Misfits(_) | Self::Past { .. } => 422,
        }
    }

    /// The problem's name, stable for programs, and its title for people.
    pub fn kind(&self) -> (&'static str, &'static str) {
        match self.status() {
            400 => ("malformed-request", "Malformed request"),
            401 => ("no-token", "No token"),
            403 => ("forbidden", "Not allowed"),
            404 => ("no-such-route", "No such route"),
            405 => ("method-not-allowed", "Method not allowed"),
            413 => ("body-too-large", "Body too large"),
            _ => ("request-refused", "Request refused"),
        }
    }

    /// What is wrong where, for a form that shows it beside its fields.
    fn errors(&self) -> Vec<Value> {
        match self {
            Self::Misfits(misfits) => {
                let told = |misfit: &Misfit| json!({"field": misfit.field, "found": misfit.found, "expected": misfit.expected, "nearest": misfit.nearest});
                misfits.iter().map(told).collect()
            }
            Self::Unread(unread) => {
                vec![json!({"field": unread.field, "found": unread.what, "line": unread.line, "column": unread.column})]
            }
            _ => Vec::new(),
        }
    }
}

impl From<&Refusal> for Response {
    fn from(refusal: &Refusal) -> Self {
        let (kind, title) = refusal.kind();
        let mut problem = Problem::new(refusal.status(), kind, title, refusal.to_string());
        let errors = refusal.errors();
        if !errors.is_empty() {
            problem = problem.with("errors", errors);
        }
        let response = Self::from(problem);
        match refusal {
            Refusal::WrongMethod { allowed, .. } => response.header("allow", *allowed),
            _ if refusal.status() == 401 => response.header("www-authenticate", "Bearer"),
            _ => response,
        }
    }
}

impl From<Unidentified> for Refusal {
    fn from(why: Unidentified) -> Self {
        Self::Unidentified(why)
    }
}

impl From<BodyError> for Refusal {
    fn from(error: BodyError) -> Self {
        Self::NoBody(error)
    }
}

impl From<Unread> for Refusal {
    fn from(unread: Unread) -> Self {
        Self::Unread(unread)
    }
}

/// Whether somebody may do something.
///
/// # Errors
/// [`Refusal::Forbidden`], with who may.
pub fn may(actor: &Actor, action: Action<'_>) -> Result<(), Refusal> {
    access::may(actor, action).map_err(|forbidden| Refusal::Forbidden(forbidden.reason))
}

/// A name in the path.
///
/// # Errors
/// [`Refusal::BadPath`].
pub fn path<T: FromStr<Err = IdError>>(segment: &str) -> Result<T, Refusal> {
    segment.parse().map_err(Refusal::BadPath)
}

/// The body, as JSON.
///
/// # Errors
/// What is wrong with it, with its place.
pub fn read<T: DeserializeOwned>(request: &Request) -> Result<T, Refusal> {
    Ok(body::read(&request.raw_body(MAX_BODY)?)?)
}

/// That there is no query: what nobody reads must not look as if it counted.
///
/// # Errors
/// [`Refusal::BadQuery`].
pub fn no_query(request: &Request) -> Result<(), Refusal> {
    match request.query().first() {
        None => Ok(()),
        Some((name, _)) => {
            Err(Refusal::BadQuery { what: format!("has {}, which this route does not take", quoted(name, 40)) })
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::wip::Scope;

    use super::*;

    #[test]
    fn refusals_as_people_read_them() {
        let moment = |text: &str| text.parse().unwrap();
        let refusals = [
            Refusal::NoRoute { path: "/v1/wip\n".into(), routes: "/v1/wip/leases and /v1/wip/scopes" },
            Refusal::WrongMethod { method: "PATCH".into(), allowed: "GET, PUT" },
            Refusal::NoToken,
            Refusal::Unidentified(Unidentified::NoExpiry),
            Refusal::Unidentified(Unidentified::Unknown { subject: "sub|x".into() }),
            Refusal::Forbidden("ada may not".into()),
            Refusal::NoBody(BodyError::TooLarge),
            Refusal::NoBody(BodyError::NotBase64),
            Refusal::BadPath("pods:x".parse::<Scope>().unwrap_err()),
            Refusal::BadQuery { what: "has no fence".into() },
            Refusal::Past { until: moment("2026-01-01T00:00:00Z"), now: moment("2026-01-05T09:00:00Z") },
        ];
        let page: String =
            refusals.iter().map(|refusal| format!("{} {}: {refusal}\n", refusal.status(), refusal.kind().1)).collect();
        insta::assert_snapshot!(page, @r#"
        404 No such route: there is nothing at "/v1/wip\n": the routes begin with /v1/wip/leases and /v1/wip/scopes
        405 Method not allowed: "PATCH" is not allowed here: use GET, PUT
        401 No token: the request came without a verified token: send Authorization: Bearer <token> from the API's issuer
        401 No token: the token has no end (exp): ask the issuer for tokens that expire
        403 Not allowed: the token's subject "sub|x" is nobody's jwt_subject in people.yaml: an administrator adds it there
        403 Not allowed: ada may not
        413 Body too large: the body is larger than this route takes
        400 Malformed request: the body is marked as base64 and is not valid base64
        422 Request refused: "pods:x" is not a valid scope: expected portfolio, expedite, pod:<pod>, pod-stage:<pod>:<stage>, pod-type:<pod>:<type>, owned:<person>, involved:<person>, stage:<stage>, environment:<environment> or account:<account>
        422 Request refused: the query has no fence
        422 Request refused: until: found 2026-01-01T00:00:00Z, expected a moment in the future; it is 2026-01-05T09:00:00Z now
        "#);
    }
}
