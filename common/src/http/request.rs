//! API Gateway's JSON to what HTTP said: method, path, query, header values, raw bytes, and the claims of a verified token.
//!
//! Takes payload 2.0 (HTTP API, function URL) and 1.0 (REST API, load balancer: `headers` and `multiValueHeaders`). Nothing is lost
//! on the way: JSON names that differ only in case, or that come twice, are separate values here, so that "exactly one" can be asked.
//! No field is required: a request that says nothing is answered 404, not with a crash.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::Value as Json;

use crate::domain::{
    access::{Claims, ROLES_CLAIM},
    id::CorrelationId,
};

/// Why there are no bytes of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// More than the route takes.
    #[error("the body is larger than this route takes")]
    TooLarge,
    /// `isBase64Encoded` without base64.
    #[error("the body is marked as base64 and is not valid base64")]
    NotBase64,
}

/// One request as API Gateway hands it over.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Request {
    raw_path: Option<String>,
    raw_query_string: Option<String>,
    path: Option<String>,
    http_method: Option<String>,
    request_context: Context,
    headers: Headers,
    multi_value_headers: Headers,
    body: Option<String>,
    is_base64_encoded: bool,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Context {
    stage: Option<String>,
    http: Option<Http>,
    authorizer: Option<Authorizer>,
    request_id: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Authorizer {
    jwt: Option<Jwt>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Jwt {
    claims: Option<BTreeMap<String, Json>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Http {
    method: Option<String>,
    path: Option<String>,
}

/// Header names with their values, in order, nothing merged.
#[derive(Default)]
struct Headers(Vec<(String, Vec<String>)>);

/// A body or a header value must not reach a log by way of `Debug`.
impl fmt::Debug for Request {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Request")
            .field("method", &self.method())
            .field("path", &self.path())
            .field("body_bytes", &self.body.as_ref().map_or(0, String::len))
            .finish_non_exhaustive()
    }
}

impl Request {
    /// `POST`, …
    pub fn method(&self) -> &str {
        let http = self.request_context.http.as_ref().and_then(|http| http.method.as_deref());
        http.or(self.http_method.as_deref()).unwrap_or_default()
    }

    /// The path without the stage's prefix, never decoded.
    pub fn path(&self) -> &str {
        let http = self.request_context.http.as_ref().and_then(|http| http.path.as_deref());
        let path = self.raw_path.as_deref().or(self.path.as_deref()).or(http).unwrap_or_default();
        let stage = self.request_context.stage.as_deref().filter(|stage| !stage.is_empty());
        stage
            .and_then(|stage| path.strip_prefix('/')?.strip_prefix(stage))
            .filter(|rest| rest.starts_with('/'))
            .unwrap_or(path)
    }

    /// The path's segments, each decoded once; nothing when one is not UTF-8. The grammars behind them have no `/`, `%` or `..`, so
    /// that it does not matter whether the gateway decoded before.
    pub fn segments(&self) -> Option<Vec<Cow<'_, str>>> {
        self.path().strip_prefix('/')?.split('/').map(|part| percent_decode_str(part).decode_utf8().ok()).collect()
    }

    /// The query's names and values, decoded, in order (payload 2.0).
    pub fn query(&self) -> Vec<(Cow<'_, str>, Cow<'_, str>)> {
        form_urlencoded::parse(self.raw_query_string.as_deref().unwrap_or_default().as_bytes()).collect()
    }

    /// The names and values of a form (`application/x-www-form-urlencoded`), decoded, in order.
    ///
    /// # Errors
    /// As [`raw_body`](Self::raw_body).
    pub fn form(&self, most: usize) -> Result<Vec<(String, String)>, BodyError> {
        Ok(form_urlencoded::parse(&self.raw_body(most)?).into_owned().collect())
    }

    /// API Gateway's name for this request; empty when it gave none.
    pub fn id(&self) -> &str {
        self.request_context.request_id.as_deref().unwrap_or_default()
    }

    /// What ties together everything that this request causes. Without the gateway's name for it, the moment stands in.
    pub fn correlation(&self, now: Timestamp) -> CorrelationId {
        let moment = now.as_microsecond().to_string();
        let id = if self.id().is_empty() { moment.as_str() } else { self.id() };
        CorrelationId::derived(["http", self.method(), self.path(), id])
    }

    /// The claims of the token that API Gateway's JWT authorizer verified; nothing when no authorizer stood before the route.
    /// It writes every value as text; a value that is not is as good as missing.
    pub fn claims(&self) -> Option<Claims> {
        let claims = self.request_context.authorizer.as_ref()?.jwt.as_ref()?.claims.as_ref()?;
        let text = |name: &str| claims.get(name).and_then(Json::as_str).map(str::to_owned);
        Some(Claims { subject: text("sub"), roles: text(ROLES_CLAIM), expires: text("exp") })
    }

    /// Every value of a header, whatever the case of its name.
    pub fn values(&self, name: &str) -> Vec<&str> {
        let named = |headers: &Headers| headers.0.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
        // Payload 1.0 says each header twice: once with its last value, once with all.
        let headers = if named(&self.multi_value_headers) { &self.multi_value_headers } else { &self.headers };
        let values = headers.0.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        values.flat_map(|(_, values)| values.iter().map(String::as_str)).collect()
    }

    /// The one value of a header; nothing when there is none, or more than one.
    pub fn only_value(&self, name: &str) -> Option<&str> {
        match self.values(name).as_slice() {
            [value] => Some(value),
            _ => None,
        }
    }

    /// The bytes as they were sent, at most this many.
    ///
    /// # Errors
    /// [`BodyError::TooLarge`], before any decoding where the length tells; [`BodyError::NotBase64`].
    pub fn raw_body(&self, most: usize) -> Result<Cow<'_, [u8]>, BodyError> {
        let text = self.body.as_deref().unwrap_or_default();
        if !self.is_base64_encoded {
            return if text.len() > most { Err(BodyError::TooLarge) } else { Ok(Cow::Borrowed(text.as_bytes())) };
        }
        if text.len() > most.div_ceil(3) * 4 {
            return Err(BodyError::TooLarge);
        }
        let bytes = STANDARD.decode(text).map_err(|_| BodyError::NotBase64)?;
        if bytes.len() > most { Err(BodyError::TooLarge) } else { Ok(Cow::Owned(bytes)) }
    }
}

/// A header's value: text, a list of texts, or null.
#[derive(Deserialize)]
#[serde(untagged)]
enum Value {
    One(String),
    Many(Vec<String>),
    None,
}

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Headers;

            fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str("an object of header names and values, or null")
            }

            fn visit_unit<E>(self) -> Result<Headers, E> {
                Ok(Headers::default())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Headers, A::Error> {
                let mut entries = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    let values = match value {
                        Value::One(value) => vec![value],
                        Value::Many(values) => values,
                        Value::None => vec![],
                    };
                    entries.push((name, values));
                }
                Ok(Headers(entries))
            }
        }
        from.deserialize_any(Entries)
    }
}
