//! Webhooks: signing, sending in order, the record of deliveries, redelivery.
//!
//! As on GitHub a delivery is made once and a failed one is not tried again; whoever wants it asks for redelivery, which
//! sends the same bytes under the same GUID. HTTP only: a local receiver has no certificate.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::body::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::mpsc;

use super::{
    clock,
    world::{Memory, World, open},
};

/// GitHub waits ten seconds for an answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How much of an answer is kept.
const ANSWER: usize = 64 * 1024;

/// Where webhooks go.
#[derive(Clone, Serialize, Deserialize)]
pub struct Hook {
    /// The receiver's address: `http://…`.
    pub url: String,
    /// What signs the bodies.
    #[serde(skip_serializing)]
    pub secret: String,
}

impl std::fmt::Debug for Hook {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("Hook").field("url", &self.url).finish_non_exhaustive()
    }
}

/// A delivery as `GET /_forge/deliveries` shows it, in the words of GitHub's own deliveries API.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Delivery {
    pub(super) id: u64,
    pub(super) guid: String,
    pub(super) event: String,
    pub(super) action: Option<String>,
    pub(super) redelivery: bool,
    pub(super) delivered_at: Timestamp,
    pub(super) url: String,
    /// `pending`, the receiver's status, or why there was no answer.
    pub(super) status: String,
    pub(super) status_code: Option<u16>,
    pub(super) duration_ms: Option<i64>,
    pub(super) request: Request,
    pub(super) response: Option<String>,
}

/// What was sent.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Request {
    pub(super) headers: Vec<(String, String)>,
    /// The body as it went over the wire: its bytes are what is signed.
    pub(super) body: String,
}

/// What the sending task gets: the delivery's id and where it goes.
pub(super) struct Outgoing {
    id: u64,
    url: String,
    request: Request,
}

impl Outgoing {
    /// What is sent and is no webhook: no delivery is recorded.
    pub(super) fn beside(url: String, headers: Vec<(String, String)>, body: String) -> Self {
        Self { id: 0, url, request: Request { headers, body } }
    }
}

impl World {
    /// Queues one event; without a receiver there is nothing to send.
    pub(super) fn emit(&self, event: &str, payload: &Value) {
        let action = payload.get("action").and_then(Value::as_str).map(str::to_owned);
        self.queue(event, action, clock::guid(), payload.to_string(), false);
    }

    /// One page of the App's deliveries as GitHub lists them, the newest first, from the one with this id on; and the id with which the next page
    /// begins. What is being sent is not listed yet.
    pub(super) fn listed(&self, from: Option<u64>, size: usize) -> (Vec<Value>, Option<u64>) {
        let memory = self.memory();
        let sent = memory.deliveries.iter().rev().filter(|delivery| delivery.duration_ms.is_some());
        let mut rest = sent.filter(|delivery| from.is_none_or(|from| delivery.id <= from));
        let page = rest.by_ref().take(size).map(|delivery| {
            serde_json::json!({
                "id": delivery.id, "guid": delivery.guid, "delivered_at": delivery.delivered_at, "redelivery": delivery.redelivery,
                "duration": delivery.duration_ms.unwrap_or_default() as f64 / 1000.0, "status": delivery.status,
                "status_code": delivery.status_code.unwrap_or_default(), "event": delivery.event, "action": delivery.action,
                "installation_id": super::payload::installation_id(self), "repository_id": self.settings.id, "throttled_at": null,
            })
        });
        let page = page.collect();
        (page, rest.next().map(|delivery| delivery.id))
    }

    /// Sends a recorded delivery again: same GUID, same bytes, to where webhooks go now.
    pub(super) fn redeliver(&self, id: u64) -> Option<u64> {
        let found = self.memory().deliveries.iter().find(|delivery| delivery.id == id).cloned()?;
        self.queue(&found.event, found.action, found.guid, found.request.body, true)
    }

    fn queue(&self, event: &str, action: Option<String>, guid: String, body: String, redelivery: bool) -> Option<u64> {
        let mut memory = self.memory();
        let hook = memory.hook.clone()?;
        let id = memory.next_id();
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let headers = vec![
            header("Accept", "*/*"),
            header("Content-Type", "application/json"),
            header("User-Agent", "GitHub-Hookshot/forge"),
            header("X-GitHub-Delivery", &guid),
            header("X-GitHub-Event", event),
            header("X-GitHub-Hook-ID", &self.settings.app_id.to_string()),
            header("X-GitHub-Hook-Installation-Target-ID", &self.settings.app_id.to_string()),
            header("X-GitHub-Hook-Installation-Target-Type", "integration"),
            header("X-Hub-Signature-256", &signature(&hook.secret, body.as_bytes())),
        ];
        let request = Request { headers, body };
        memory.deliveries.push(Delivery {
            id,
            guid,
            event: event.to_owned(),
            action,
            redelivery,
            delivered_at: clock::now(),
            url: hook.url.clone(),
            status: "pending".to_owned(),
            status_code: None,
            duration_ms: None,
            request: request.clone(),
            response: None,
        });
        // The task ends only with the forge; then nobody waits for this.
        let _ = self.outbox.send(Outgoing { id, url: hook.url, request });
        Some(id)
    }
}

/// `sha256=<hex>` over the raw body.
pub(super) fn signature(secret: &str, body: &[u8]) -> String {
    // HMAC takes a key of any length, so there is no error to meet; an empty signature would be refused by any receiver.
    let Ok(mut mac) = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

/// Sends what is queued, one after the other, so that a receiver sees pushes in their order.
pub(super) async fn send_all(mut queue: mpsc::UnboundedReceiver<Outgoing>, memory: Arc<Mutex<Memory>>) {
    let client = Client::builder(TokioExecutor::new()).build_http();
    while let Some(outgoing) = queue.recv().await {
        let start = clock::now();
        let answer = match tokio::time::timeout(TIMEOUT, send(&client, &outgoing)).await {
            Ok(answer) => answer,
            Err(_) => Err(format!("timed out after {} s", TIMEOUT.as_secs())),
        };
        let took = clock::now().duration_since(start).as_millis();
        if let Some(delivery) = open(&memory).deliveries.iter_mut().find(|delivery| delivery.id == outgoing.id) {
            delivery.duration_ms = i64::try_from(took).ok();
            match answer {
                Ok((code, text)) => {
                    delivery.status = if (200..300).contains(&code) { "OK".to_owned() } else { format!("HTTP {code}") };
                    delivery.status_code = Some(code);
                    delivery.response = Some(text);
                }
                Err(why) => delivery.status = why,
            }
        }
    }
}

async fn send(client: &Client<HttpConnector, Full<Bytes>>, outgoing: &Outgoing) -> Result<(u16, String), String> {
    let mut request = axum::http::Request::post(&outgoing.url);
    for (name, value) in &outgoing.request.headers {
        request = request.header(name, value);
    }
    let body = Full::from(outgoing.request.body.clone());
    let request = request.body(body).map_err(|error| format!("cannot be sent: {error}"))?;
    let response = client.request(request).await.map_err(|error| format!("failed to connect: {}", chain(&error)))?;
    let code = response.status().as_u16();
    let body = Limited::new(response.into_body(), ANSWER).collect().await;
    let text = body.map(|body| String::from_utf8_lossy(&body.to_bytes()).into_owned());
    Ok((code, text.unwrap_or_else(|error| format!("(the answer could not be read: {error})"))))
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text = format!("{text}: {source}");
        next = source.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn github_s_own_documented_example_signs_alike() {
        assert_eq!(
            signature("It's a Secret to Everybody", b"Hello, World!"),
            "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
        );
    }
}
