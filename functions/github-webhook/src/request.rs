//! API Gateway's JSON to what HTTP said: method, path, header values, raw bytes.
//!
//! Takes payload 2.0 (HTTP API, function URL) and 1.0 (REST API, load balancer: `headers` and `multiValueHeaders`). Nothing is lost
//! on the way: JSON names that differ only in case, or that come twice, are separate values here, so that "exactly one" can be asked.
//! No field is required: a request that says nothing is answered 404, not with a crash.

use std::{borrow::Cow, fmt};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};

use crate::refusal::Refusal;

/// The largest raw body: GitHub sends up to 25 MB, Lambda takes 6 MB of JSON, base64 costs a third.
pub const MAX_BODY: usize = 4 * 1024 * 1024;

/// One request as API Gateway hands it over.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Request {
    raw_path: Option<String>,
    path: Option<String>,
    http_method: Option<String>,
    request_context: Context,
    headers: Headers,
    multi_value_headers: Headers,
    body: Option<String>,
    is_base64_encoded: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Context {
    stage: Option<String>,
    http: Option<Http>,
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

    /// The bytes as they were sent: what the signature is over.
    ///
    /// # Errors
    /// [`Refusal::TooLarge`] above [`MAX_BODY`], before any decoding where the length tells; [`Refusal::NotBase64`].
    pub fn raw_body(&self) -> Result<Cow<'_, [u8]>, Refusal> {
        let text = self.body.as_deref().unwrap_or_default();
        if !self.is_base64_encoded {
            return if text.len() > MAX_BODY { Err(Refusal::TooLarge) } else { Ok(Cow::Borrowed(text.as_bytes())) };
        }
        if text.len() > MAX_BODY.div_ceil(3) * 4 {
            return Err(Refusal::TooLarge);
        }
        let bytes = STANDARD.decode(text).map_err(|_| Refusal::NotBase64)?;
        if bytes.len() > MAX_BODY { Err(Refusal::TooLarge) } else { Ok(Cow::Owned(bytes)) }
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
