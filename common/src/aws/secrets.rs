//! Secrets Manager: a secret's current text.

use aws_sdk_secretsmanager::Client;
use secrecy::{ExposeSecret as _, SecretString};

use super::{Aws, config, fault};
use crate::{domain::run::LinkKey, fault::Fault};

/// The IAM actions that [`Secrets::text`] needs.
pub const ACTIONS: &[&str] = &["secretsmanager:GetSecretValue"];

/// Reads secrets.
#[derive(Debug, Clone)]
pub struct Secrets {
    client: Client,
}

impl Secrets {
    /// A reader.
    pub fn new(aws: &Aws) -> Self {
        let config = config!(aws_sdk_secretsmanager, aws, "SECRETS_MANAGER").build();
        Self { client: Client::from_conf(config) }
    }

    /// The key of personal links that a secret holds.
    ///
    /// # Errors
    /// As [`text`](Self::text); `Bug` when it is too short to be a key.
    pub async fn link_key(&self, id: &str) -> Result<LinkKey, Fault> {
        let text = self.text(id).await?;
        LinkKey::new(text.expose_secret()).map_err(|wrong| Fault::bug(format!("the secret {id}: {wrong}")))
    }

    /// The current version's text.
    ///
    /// # Errors
    /// `Retry` when the service did not answer; `Bug` when there is no such secret, no permission, or it is binary.
    pub async fn text(&self, id: &str) -> Result<SecretString, Fault> {
        let what = format!("reading the secret {id}");
        let answer = self.client.get_secret_value().secret_id(id).send().await.map_err(|error| fault(&what, error))?;
        answer
            .secret_string
            .map(SecretString::from)
            .ok_or_else(|| Fault::bug(format!("the secret {id} has no text: put its value as a string")))
    }
}
