//! A webhook over the in-memory world, and a sender that signs.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use common::{
    domain::id::Digest, event::Envelope, fault::Fault, http::Request, ports::Clock, testing::World,
    webhook_secret::SecretSource,
};
use hmac::{Hmac, KeyInit, Mac};
use jiff::SignedDuration;
use secrecy::SecretString;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::{Webhook, handle, secret::Keyring};

/// The secret of GitHub's own documentation.
pub(super) const SECRET: &str = "It's a Secret to Everybody";

/// Secrets Manager with one secret: its text or its failure, and how often it was read.
pub(super) struct Vault {
    text: Mutex<Result<String, bool>>,
    reads: AtomicUsize,
}

impl Vault {
    pub(super) fn set(&self, text: impl Into<String>) {
        *self.text.lock().unwrap() = Ok(text.into());
    }

    pub(super) fn fail(&self, retry: bool) {
        *self.text.lock().unwrap() = Err(retry);
    }

    pub(super) fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }
}

impl SecretSource for &'static Vault {
    async fn fetch(&self) -> Result<SecretString, Fault> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        match self.text.lock().unwrap().clone() {
            Ok(text) => Ok(text.into()),
            Err(true) => Err(Fault::retry("reading the secret")),
            Err(false) => Err(Fault::bug("AccessDeniedException")),
        }
    }
}

pub(super) struct Rig {
    pub(super) world: World,
    pub(super) vault: &'static Vault,
    pub(super) webhook: Webhook<World, &'static Vault>,
}

/// A status with its JSON document.
pub(super) type Answer = (u16, Value);

impl Rig {
    pub(super) fn new() -> Self {
        super::log::start();
        let world = World::new();
        let text = json!({"current": SECRET}).to_string();
        // Leaked so that the rig may hold it and the webhook may borrow it; a few bytes a test.
        let vault: &'static Vault =
            Box::leak(Box::new(Vault { text: Mutex::new(Ok(text)), reads: AtomicUsize::new(0) }));
        let webhook =
            Webhook { intake: world.clone(), keyring: Keyring::new(vault), governance: Digest::of(b"governance") };
        Self { world, vault, webhook }
    }

    pub(super) fn pass(&self, seconds: i64) {
        self.world.pass(SignedDuration::from_secs(seconds));
    }

    /// Sends API Gateway's JSON as it is.
    pub(super) async fn raw(&self, request: Value) -> Answer {
        self.request(&serde_json::from_value(request).unwrap()).await
    }

    pub(super) async fn request(&self, request: &Request) -> Answer {
        let response = handle(&self.webhook, request, self.world.now()).await;
        let body: Value = serde_json::from_str(&response.body).unwrap();
        if response.status_code >= 400 {
            assert_eq!(body["status"], response.status_code, "{body}");
            assert!(
                body["detail"].as_str().is_some_and(|detail| !detail.is_empty()),
                "a refusal without a reason: {body}"
            );
            assert_eq!(response.headers["content-type"], "application/problem+json");
        } else {
            let reason =
                body["status"] == "healthy" || body["reason"].as_str().is_some_and(|reason| !reason.is_empty());
            assert!(reason, "an answer without a reason: {body}");
        }
        (response.status_code, body)
    }

    /// A delivery as GitHub sends it, signed.
    pub(super) async fn deliver(&self, event: &str, delivery: &str, body: &[u8]) -> Answer {
        self.raw(delivered(event, delivery, body, &sign(SECRET, body))).await
    }

    /// A signed delivery of JSON with an id of its own.
    pub(super) async fn send(&self, event: &str, body: &Value) -> Answer {
        let body = body.to_string();
        self.deliver(event, &format!("d-{}", Digest::of(body.as_bytes())), body.as_bytes()).await
    }

    /// The one event that is in the outbox now; it is taken out.
    pub(super) fn event(&self) -> Envelope {
        let mut events = self.world.drain();
        assert_eq!(events.len(), 1, "{events:?}");
        events.remove(0)
    }

    pub(super) fn writes(&self) -> usize {
        self.world.calls().iter().filter(|call| call.write).count()
    }
}

pub(super) fn sign(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

/// Payload 2.0 with a base64 body.
pub(super) fn delivered(event: &str, delivery: &str, body: &[u8], signature: &str) -> Value {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    json!({
        "version": "2.0",
        "rawPath": "/webhooks/github",
        "headers": {
            "content-type": "application/json",
            "x-github-event": event,
            "x-github-delivery": delivery,
            "x-hub-signature-256": signature,
        },
        "requestContext": {"http": {"method": "POST", "path": "/webhooks/github"}, "stage": "$default"},
        "body": STANDARD.encode(body),
        "isBase64Encoded": true,
    })
}
