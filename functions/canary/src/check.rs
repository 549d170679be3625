//! What is asked, and what the answer must be.
//!
//! | check | asks | wants |
//! |---|---|---|
//! | `health` | `GET /health` | 200 in less than two seconds; healthy, with the version and the governance bundle that this function was deployed with |
//! | `items-closed` | `GET /v1/items` without a token | 401; 404 where the API has no issuer of tokens, and so no such route |
//! | `scopes-closed` | `GET /v1/wip/scopes` without a token | the same |
//! | `ping` | `POST /webhooks/github`, a signed ping | 200, ignored, with this delivery's id |
//! | `forged-ping` | the same with a wrong signature | 401 |

use common::{
    domain::id::{DeliveryId, Digest, quoted},
    ports::{SiteAnswer, SiteRequest},
    webhook_secret::Key,
};
use jiff::SignedDuration;
use serde::Deserialize;

/// From when on an answer of `GET /health` is too slow.
pub const SLOW: SignedDuration = SignedDuration::from_secs(2);

/// What GitHub sends to a new webhook, in the fields that are read of it.
const PING: &str = r#"{"zen":"Keep it logically awesome.","hook_id":0,"hook":{"type":"App","name":"canary"}}"#;

/// One of the checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// The API answers what was deployed, soon.
    Health,
    /// Nobody reads items without a token.
    ItemsClosed,
    /// Nobody reads limits without a token.
    ScopesClosed,
    /// A webhook that is signed is taken.
    Ping,
    /// One that is signed with something else is not.
    ForgedPing,
}

/// What the answers are held to.
#[derive(Debug, Clone)]
pub struct Expected {
    /// The version of the build.
    pub version: &'static str,
    /// The governance bundle that is deployed.
    pub governance: Digest,
    /// Whether the API has an issuer of tokens. Without one the routes that need a token are not made.
    pub issuer: bool,
}

/// An answer and how long it took.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The answer.
    pub answer: SiteAnswer,
    /// From the first byte of the request to the last of the answer.
    pub took: SignedDuration,
}

/// What `GET /health` says.
#[derive(Deserialize)]
struct Health {
    status: String,
    version: String,
    governance_digest: String,
}

/// What the webhook says.
#[derive(Deserialize)]
struct Taken {
    status: String,
    delivery: String,
}

impl Check {
    /// All of them, in the order in which they are asked.
    pub const ALL: [Self; 5] = [Self::Health, Self::ItemsClosed, Self::ScopesClosed, Self::Ping, Self::ForgedPing];

    /// Its name: in findings, and as a metric's dimension.
    pub fn name(self) -> &'static str {
        match self {
            Self::Health => "health",
            Self::ItemsClosed => "items-closed",
            Self::ScopesClosed => "scopes-closed",
            Self::Ping => "ping",
            Self::ForgedPing => "forged-ping",
        }
    }

    /// Whether it takes the webhook's secret.
    pub fn is_signed(self) -> bool {
        matches!(self, Self::Ping | Self::ForgedPing)
    }

    /// What is asked. A check that is signed takes a key.
    pub fn request(self, delivery: &DeliveryId, key: Option<&Key>) -> SiteRequest {
        let get = |path| SiteRequest { method: "GET", path, headers: Vec::new(), body: String::new() };
        let post = |code: [u8; 32]| SiteRequest {
            method: "POST",
            path: "/webhooks/github",
            headers: vec![
                ("content-type", "application/json".to_owned()),
                ("x-github-event", "ping".to_owned()),
                ("x-github-delivery", delivery.to_string()),
                ("x-hub-signature-256", format!("sha256={}", hex::encode(code))),
            ],
            body: PING.to_owned(),
        };
        let code = key.and_then(|key| key.code(PING.as_bytes())).unwrap_or_default();
        match self {
            Self::Health => get("/health"),
            Self::ItemsClosed => get("/v1/items"),
            Self::ScopesClosed => get("/v1/wip/scopes"),
            Self::Ping => post(code),
            Self::ForgedPing => post(code.map(|byte| !byte)),
        }
    }

    /// All that is not as it should be in an answer.
    pub fn judge(self, expected: &Expected, delivery: &DeliveryId, seen: &Seen) -> Vec<String> {
        let wanted = match self {
            Self::Health | Self::Ping => 200,
            Self::ForgedPing => 401,
            Self::ItemsClosed | Self::ScopesClosed if expected.issuer => 401,
            Self::ItemsClosed | Self::ScopesClosed => 404,
        };
        let mut findings = Vec::new();
        if seen.answer.status != wanted {
            findings.push(format!("answered {}, not {wanted}: {}", seen.answer.status, body(seen)));
        }
        match self {
            Self::Health => {
                if seen.took >= SLOW {
                    let (took, slow) = (seen.took.as_millis(), SLOW.as_millis());
                    findings.push(format!("took {took} ms, and must take less than {slow} ms"));
                }
                if seen.answer.status == wanted {
                    findings.extend(unhealthy(expected, seen));
                }
            }
            Self::Ping if seen.answer.status == wanted => findings.extend(untaken(delivery, seen)),
            Self::ItemsClosed | Self::ScopesClosed | Self::Ping | Self::ForgedPing => {}
        }
        findings
    }
}

/// What is wrong in the body of `GET /health`.
fn unhealthy(expected: &Expected, seen: &Seen) -> Vec<String> {
    let Ok(health) = serde_json::from_slice::<Health>(&seen.answer.body) else {
        return vec![format!("the body is not {{status, version, governance_digest}}: {}", body(seen))];
    };
    let fields = [
        ("status", health.status.as_str(), "healthy"),
        ("version", &health.version, expected.version),
        ("governance_digest", &health.governance_digest, expected.governance.as_str()),
    ];
    let wrong = fields.into_iter().filter(|(_, found, wanted)| found != wanted);
    wrong.map(|(field, found, wanted)| format!("{field} is {}, not {wanted}", quoted(found, 80))).collect()
}

/// What is wrong in the body of the ping's answer.
fn untaken(delivery: &DeliveryId, seen: &Seen) -> Option<String> {
    let taken = serde_json::from_slice::<Taken>(&seen.answer.body);
    let right = taken.is_ok_and(|taken| taken.status == "ignored" && taken.delivery == delivery.as_str());
    (!right).then(|| format!("the body does not say that the ping {delivery} was ignored: {}", body(seen)))
}

fn body(seen: &Seen) -> String {
    quoted(&String::from_utf8_lossy(&seen.answer.body), 160)
}

#[cfg(test)]
mod tests;
