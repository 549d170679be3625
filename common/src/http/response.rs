//! The answers, as API Gateway takes them: JSON, or a problem document (RFC 9457).

use std::{borrow::Cow, collections::BTreeMap};

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::fault::Fault;

/// How long a client waits before it asks again after a 503, in seconds.
const RETRY_AFTER: &str = "1";

/// An API Gateway proxy response, the same for payload 1.0 and 2.0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// The HTTP status.
    pub status_code: u16,
    /// The headers.
    pub headers: BTreeMap<&'static str, Cow<'static, str>>,
    /// JSON text, or a page.
    pub body: String,
    /// Always false.
    pub is_base64_encoded: bool,
}

/// Why a request was not done, for people and for programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// Stable for programs: `urn:penstock:problem:<kind>`.
    pub kind: &'static str,
    /// The kind in words.
    pub title: &'static str,
    /// What happened, where, what to do; foreign text in it is inert already.
    pub detail: String,
    /// What else a program may want to know.
    pub more: Map<String, Value>,
}

impl Problem {
    /// A problem without more to know.
    pub fn new(status: u16, kind: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self { status, kind, title, detail: detail.into(), more: Map::new() }
    }

    /// With one more thing to know.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.more.insert(name.to_owned(), value.into());
        self
    }
}

impl Response {
    /// An answer. Nothing here may be kept by a cache: it is about one caller and one moment.
    pub fn json(status: u16, document: &Value) -> Self {
        Self::of(status, "application/json", document)
    }

    /// A page for a browser, as little kept by a cache as any other answer.
    pub fn page(status: u16, html: String) -> Self {
        let headers =
            BTreeMap::from([("content-type", "text/html; charset=utf-8".into()), ("cache-control", "no-store".into())]);
        Self { status_code: status, headers, body: html, is_base64_encoded: false }
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.headers.insert(name, value.into());
        self
    }

    fn of(status: u16, content: &'static str, document: &Value) -> Self {
        let headers = BTreeMap::from([("content-type", content.into()), ("cache-control", "no-store".into())]);
        Self { status_code: status, headers, body: document.to_string(), is_base64_encoded: false }
    }
}

impl From<Problem> for Response {
    fn from(problem: Problem) -> Self {
        let mut document = json!({
            "type": format!("urn:penstock:problem:{}", problem.kind), "title": problem.title,
            "status": problem.status, "detail": problem.detail,
        });
        if let Some(fields) = document.as_object_mut() {
            // The four fields of every problem stand, whatever else there is.
            for (name, value) in problem.more {
                fields.entry(name).or_insert(value);
            }
        }
        Self::of(problem.status, "application/problem+json", &document)
    }
}

/// What could not be done by a function: 503 for what may pass, 422 for what the sender must mend, 500 for our own mistakes.
pub fn failed(fault: &Fault, function: &str) -> Response {
    match fault {
        Fault::Retry { what, .. } => {
            let detail = format!("{what}: it is not known whether it was done; ask again, a copy has no second effect");
            let problem = Problem::new(503, "not-now", "Cannot do this now", detail);
            Response::from(problem).header("retry-after", RETRY_AFTER)
        }
        Fault::Reject { what } => Problem::new(422, "request-refused", "Request refused", what.clone()).into(),
        // What failed below is for the log: it may name tables and keys.
        Fault::Bug { .. } => {
            let detail = format!("{function} made a mistake of its own, and its log says which; nothing was done");
            Problem::new(500, "internal", "Internal error", detail).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_the_document_of_rfc_9457() {
        let problem = Problem::new(409, "stale-fence", "Stale fence", "the lease is another's")
            .with("fence", 7)
            .with("status", 200);
        let response = Response::from(problem).header("retry-after", "1");
        assert_eq!(response.headers["content-type"], "application/problem+json");
        assert_eq!(response.headers["retry-after"], "1");
        insta::assert_snapshot!(response.body, @r#"{"detail":"the lease is another's","fence":7,"status":409,"title":"Stale fence","type":"urn:penstock:problem:stale-fence"}"#);
    }
}
