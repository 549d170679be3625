//! Secrets Manager in an account that was entered: secrets that are made, put aside, brought into use.
//!
//! The service keeps a version by the token of its put, so the same put again is done; another text under the same token is refused
//! (`ResourceExistsException`). <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html>

use aws_sdk_secretsmanager::{Client, config::Config, error::SdkError, types::Tag};
use aws_smithy_types::{error::metadata::ProvideErrorMetadata, retry::RetryConfig};
use secrecy::{ExposeSecret as _, SecretString};

use super::{Aws, chain, config, fault};
use crate::{
    fault::Fault,
    ports::{SecretFacts, Vault},
};

/// The IAM actions that [`Vault`] needs, in the account of the secret.
pub const ACTIONS: &[&str] = &[
    "secretsmanager:CreateSecret",
    "secretsmanager:DeleteSecret",
    "secretsmanager:DescribeSecret",
    "secretsmanager:GetSecretValue",
    "secretsmanager:PutSecretValue",
    "secretsmanager:RestoreSecret",
    "secretsmanager:TagResource",
    "secretsmanager:UpdateSecretVersionStage",
];

/// The tag of a secret that says whose it is.
const OWNER: &str = "penstock-cluster";

/// The versions' names, which the service itself gives a meaning.
const CURRENT: &str = "AWSCURRENT";
const PENDING: &str = "AWSPENDING";

/// For how long a deleted secret can be had back, in days: the service's shortest.
const RECOVERY_DAYS: i64 = 7;

/// Secrets Manager in one place.
#[derive(Debug, Clone)]
pub struct SecretsVault {
    client: Client,
}

impl SecretsVault {
    /// A client of the place whose credentials and region `aws` holds.
    pub fn new(aws: &Aws) -> Self {
        Self { client: Client::from_conf(config!(aws_sdk_secretsmanager, aws, "SECRETS_MANAGER").build()) }
    }

    async fn write(&self, name: &str, version: &str, text: &SecretString, stage: &str) -> Result<(), Fault> {
        let what = format!("writing the secret {name}");
        let call = self.client.put_secret_value().secret_id(name).client_request_token(version);
        let answer = call.secret_string(text.expose_secret()).version_stages(stage).send().await;
        answer.map(drop).map_err(|error| failed(&what, error))
    }
}

fn failed<E, R>(what: &str, error: SdkError<E, R>) -> Fault
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    match error.code() {
        // It was made, restored or deleted meanwhile, or the token was used for another text: the next call reads again.
        Some(
            "ResourceExistsException"
            | "ResourceNotFoundException"
            | "InvalidParameterException"
            | "InvalidRequestException",
        ) => Fault::retry_from(what, chain(&error)),
        _ => fault(what, error),
    }
}

fn is_absent<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    error.code() == Some("ResourceNotFoundException")
}

impl Vault for SecretsVault {
    async fn secret(&self, name: &str) -> Result<Option<SecretFacts>, Fault> {
        let what = format!("looking at the secret {name}");
        let found = match self.client.describe_secret().secret_id(name).send().await {
            Ok(found) => found,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(fault(&what, error)),
        };
        let versions = found.version_ids_to_stages.unwrap_or_default();
        let called = |stage: &str| {
            let mut all = versions.iter().filter(|(_, stages)| stages.iter().any(|one| one == stage));
            all.next().map(|(version, _)| version.clone())
        };
        let mut tags = found.tags.unwrap_or_default().into_iter();
        Ok(Some(SecretFacts {
            arn: found.arn.ok_or_else(|| Fault::bug(format!("{what}: the answer lacks the ARN")))?,
            leaving: found.deleted_date.is_some(),
            owner: tags.find(|tag| tag.key.as_deref() == Some(OWNER)).and_then(|tag| tag.value),
            current: called(CURRENT),
            pending: called(PENDING),
        }))
    }

    async fn text(&self, name: &str, version: &str) -> Result<Option<SecretString>, Fault> {
        match self.client.get_secret_value().secret_id(name).version_id(version).send().await {
            Ok(answer) => Ok(answer.secret_string.map(SecretString::from)),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(failed(&format!("reading the secret {name}"), error)),
        }
    }

    async fn create(&self, name: &str, owner: &str) -> Result<(), Fault> {
        let tag = Tag::builder().key(OWNER).value(owner).build();
        let answer = self.client.create_secret().name(name).tags(tag).send().await;
        answer.map(drop).map_err(|error| failed(&format!("making the secret {name}"), error))
    }

    async fn restore(&self, name: &str) -> Result<(), Fault> {
        let answer = self.client.restore_secret().secret_id(name).send().await;
        answer.map(drop).map_err(|error| failed(&format!("having the secret {name} back"), error))
    }

    async fn put_aside(&self, name: &str, version: &str, text: &SecretString) -> Result<(), Fault> {
        self.write(name, version, text, PENDING).await
    }

    async fn put(&self, name: &str, version: &str, text: &SecretString) -> Result<(), Fault> {
        self.write(name, version, text, CURRENT).await
    }

    async fn promote(&self, name: &str, version: &str) -> Result<(), Fault> {
        let what = format!("bringing a version of the secret {name} into use");
        // The service wants to be told which version loses the name.
        let before = self.secret(name).await?.and_then(|found| found.current);
        if before.as_deref() == Some(version) {
            return Ok(());
        }
        let call = self.client.update_secret_version_stage().secret_id(name).version_stage(CURRENT);
        let call = call.move_to_version_id(version).set_remove_from_version_id(before);
        // Not tried again by the SDK: one that arrived has moved the name, and the same again is refused.
        let once = Config::builder().retry_config(RetryConfig::disabled());
        let call = call.customize().config_override(once);
        call.send().await.map(drop).map_err(|error| failed(&what, error))
    }

    async fn delete(&self, name: &str) -> Result<(), Fault> {
        match self.client.delete_secret().secret_id(name).recovery_window_in_days(RECOVERY_DAYS).send().await {
            Ok(_) => Ok(()),
            Err(error) if is_absent(&error) => Ok(()),
            Err(error) => Err(failed(&format!("deleting the secret {name}"), error)),
        }
    }
}
