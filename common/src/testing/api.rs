//! Requests as API Gateway hands them over.

use serde_json::{Value, json};

/// A request of the HTTP API (payload 2.0), with the claims of a verified token of this subject, or without a token.
pub fn api_request(subject: Option<&str>, method: &str, path: &str, body: &str) -> Value {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut request = json!({
        "version": "2.0", "rawPath": path, "rawQueryString": query, "body": body, "isBase64Encoded": false,
        "requestContext": {"stage": "$default", "requestId": "req=", "http": {"method": method, "path": path}},
    });
    if let Some(subject) = subject {
        request["requestContext"]["authorizer"] =
            json!({"jwt": {"claims": {"sub": subject, "aud": "penstock", "exp": "1"}, "scopes": null}});
    }
    request
}
