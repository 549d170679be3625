//! The webhook secret: its form, and the code that its values make over a body. `github-webhook` verifies with it, `canary` signs.
//!
//! The secret is the JSON object `{"current", "previous"?, "previous_expires_at"?}`.

use std::future::Future;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sha2::Sha256;

use crate::fault::Fault;

/// The shortest secret that is used: 128 bits.
pub const MIN_BYTES: usize = 16;

/// How long a read may take: well below the time of a request, so that the last good secret can still serve it.
#[cfg(feature = "secrets")]
const READS_FOR: std::time::Duration = std::time::Duration::from_secs(3);

/// Where the secret's text is read.
pub trait SecretSource: Sync {
    /// The JSON text as it is now.
    fn fetch(&self) -> impl Future<Output = Result<SecretString, Fault>> + Send;
}

#[cfg(feature = "secrets")]
/// A secret of Secrets Manager, by its id.
pub struct StoredSecret {
    /// The client.
    pub secrets: crate::aws::secrets::Secrets,
    /// The secret's name or ARN.
    pub id: String,
}

#[cfg(feature = "secrets")]
impl SecretSource for StoredSecret {
    async fn fetch(&self) -> Result<SecretString, Fault> {
        let read = tokio::time::timeout(READS_FOR, self.secrets.text(&self.id)).await;
        read.unwrap_or_else(|_| Err(Fault::retry("reading the webhook secret took too long")))
    }
}

/// One value of the secret.
#[derive(Debug)]
pub struct Key(SecretString);

impl Key {
    /// The code (HMAC-SHA256) of these bytes. HMAC takes a key of any length, so there always is one.
    pub fn code(&self, body: &[u8]) -> Option<[u8; 32]> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.expose_secret().as_bytes()).ok()?;
        mac.update(body);
        Some(mac.finalize().into_bytes().into())
    }
}

/// The usable values of one secret.
#[derive(Debug)]
pub struct Keys {
    /// The one that is set now.
    pub current: Key,
    /// The one before, and until when it counts.
    pub previous: Option<(Key, Timestamp)>,
}

#[derive(Deserialize)]
struct Document {
    current: String,
    previous: Option<String>,
    previous_expires_at: Option<Timestamp>,
}

impl Keys {
    /// Reads the secret's text. The words of a failure hold nothing of it.
    ///
    /// # Errors
    /// `Bug` when it is not the JSON object, or the current value is too short to be a secret. A previous value without an end, or too
    /// short, is left out: it never makes a request pass, and never stops the current one.
    pub fn parse(text: &SecretString) -> Result<Self, Fault> {
        let document: Document = serde_json::from_str(text.expose_secret()).map_err(|error| {
            Fault::bug(format!(
                "the webhook secret is not the JSON object {{\"current\", \"previous\"?, \"previous_expires_at\"?}}: line {}, column {}",
                error.line(),
                error.column()
            ))
        })?;
        if document.current.len() < MIN_BYTES {
            return Err(Fault::bug(format!("the webhook secret's current value has fewer than {MIN_BYTES} bytes")));
        }
        let key = |text: String| Key(SecretString::from(text));
        let usable = document.previous.filter(|previous| previous.len() >= MIN_BYTES).map(key);
        Ok(Self { current: key(document.current), previous: usable.zip(document.previous_expires_at) })
    }
}
