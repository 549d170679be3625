//! A sender that signs, and the webhook's real handler over the in-memory world.

use common::{
    domain::id::Digest, event::Event, fault::Fault, http::Request, ports::Clock, testing::World,
    webhook_secret::SecretSource,
};
use github_webhook::{Webhook, handle, secret::Keyring};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::SecretString;
use serde_json::{Value, json};
use sha2::Sha256;

/// The secret of GitHub's own documentation.
const SECRET: &str = "It's a Secret to Everybody";

struct Fixed;

impl SecretSource for Fixed {
    async fn fetch(&self) -> Result<SecretString, Fault> {
        Ok(secret().into())
    }
}

/// The webhook over a world.
pub struct Intake {
    world: World,
    webhook: Webhook<World, Fixed>,
}

impl Intake {
    /// The webhook over this world.
    pub fn new(world: &World) -> Self {
        let webhook =
            Webhook { intake: world.clone(), keyring: Keyring::new(Fixed), governance: Digest::of(b"governance") };
        Self { world: world.clone(), webhook }
    }

    /// Pushes to `main` on the world's host; answers the body that GitHub would post, and its delivery id.
    pub fn push(&self, changes: &[(&str, Option<&str>)]) -> (Vec<u8>, String) {
        self.push_to("main", changes)
    }

    /// The same to any branch.
    pub fn push_to(&self, branch: &str, changes: &[(&str, Option<&str>)]) -> (Vec<u8>, String) {
        let event = self.world.push(branch, changes);
        let Event::BranchPushed(push) = event.event else { return (Vec::new(), String::new()) };
        let added: Vec<&str> = changes.iter().map(|(path, _)| *path).collect();
        let before = push.before.map_or("0".repeat(40), |before| before.to_string());
        let body = json!({
            "ref": format!("refs/heads/{}", push.branch), "before": before, "after": push.after, "base_ref": null,
            "created": false, "deleted": false, "forced": false,
            "commits": [{"id": push.after, "added": added, "modified": [], "removed": []}],
            "head_commit": {"id": push.after}, "pusher": {"name": "ada"},
            "repository": {"id": push.repository.id, "full_name": push.repository.name},
            "sender": {"id": 7, "login": "ada", "type": "User"},
        });
        (body.to_string().into_bytes(), format!("delivery-{}", push.after.short()))
    }

    /// Posts a push; answers the HTTP status.
    pub async fn deliver(&self, delivery: &str, body: &[u8], signed: bool) -> u16 {
        self.deliver_as("push", delivery, body, signed).await
    }

    /// Posts a webhook of any event; answers the HTTP status.
    pub async fn deliver_as(&self, event: &str, delivery: &str, body: &[u8], signed: bool) -> u16 {
        let request = posted_as(event, delivery, body, signed);
        let Ok(request) = serde_json::from_value::<Request>(request) else { return 0 };
        let response = handle(&self.webhook, &request, self.world.now()).await;
        let response: Value = serde_json::to_value(response).unwrap_or_default();
        response["statusCode"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap_or(0)
    }
}

/// A push as API Gateway hands it over: signed with the secret that [`secret`] holds, or with a signature that is wrong.
pub fn posted(delivery: &str, body: &[u8], signed: bool) -> Value {
    posted_as("push", delivery, body, signed)
}

fn posted_as(event: &str, delivery: &str, body: &[u8], signed: bool) -> Value {
    let signature = if signed { sign(body) } else { format!("sha256={}", "0".repeat(64)) };
    json!({
        "version": "2.0", "rawPath": "/webhooks/github", "isBase64Encoded": false,
        "headers": {
            "content-type": "application/json", "x-github-event": event, "x-github-delivery": delivery,
            "x-hub-signature-256": signature,
        },
        "requestContext": {"http": {"method": "POST", "path": "/webhooks/github"}},
        "body": String::from_utf8_lossy(body),
    })
}

/// The webhook's secret as Secrets Manager keeps it.
pub fn secret() -> String {
    json!({"current": SECRET}).to_string()
}

fn sign(body: &[u8]) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()) else { return String::new() };
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}
