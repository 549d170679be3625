//! Adapters to AWS: one file a service, each with the IAM actions it needs beside the calls that need them.
//!
//! All clients share one HTTP client (one TLS session cache, one pool), region and credentials from the environment, the SDK's
//! standard retries (three attempts) and time limits well below a function's timeout. SDK errors are sorted into
//! [`Fault`] here and nowhere else: AWS's own answer "no permission" or "no such table" is a `Bug`, all the rest may pass.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{http::SharedHttpClient, result::SdkError};
use aws_smithy_types::{error::metadata::ProvideErrorMetadata, retry::RetryConfig, timeout::TimeoutConfig};

use crate::{
    domain::id::quoted,
    fault::{Fault, Source},
    runtime::{AwsSettings, Config},
};

#[cfg(feature = "cloudwatch")]
pub mod cloudwatch;
#[cfg(feature = "codecommit")]
pub mod codecommit;
#[cfg(feature = "codepipeline")]
pub mod codepipeline;
#[cfg(feature = "dynamodb")]
pub mod dynamodb;
#[cfg(feature = "eventbridge")]
pub mod eventbridge;
#[cfg(feature = "iot")]
pub mod iot;
#[cfg(feature = "s3")]
pub mod s3;
#[cfg(feature = "secrets")]
pub mod secrets;
#[cfg(feature = "ses")]
pub mod ses;
#[cfg(feature = "sqs")]
pub mod sqs;
#[cfg(feature = "sts")]
pub mod sts;
#[cfg(feature = "vault")]
pub mod vault;

/// What every client is made of.
#[derive(Debug, Clone)]
pub struct Aws {
    settings: AwsSettings,
    http: SharedHttpClient,
}

impl Aws {
    /// The clients' common part, from a function's configuration.
    pub fn new(config: &Config) -> Self {
        Self::with(config.aws().clone())
    }

    /// The clients' common part, from settings made by hand: for tests against an emulator.
    pub fn with(settings: AwsSettings) -> Self {
        // It speaks plain HTTP to an `http://` endpoint as well.
        let http = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
        Self { settings, http }
    }

    fn credentials(&self) -> Credentials {
        let AwsSettings { access_key_id, secret_access_key, session_token, .. } = &self.settings;
        Credentials::new(access_key_id, secret_access_key, session_token.clone(), None, "environment")
    }
}

/// A service's configuration builder with everything common set. The SDK's builders share no trait, hence a macro.
macro_rules! config {
    ($sdk:ident, $aws:expr, $service:literal) => {{
        let aws: &$crate::aws::Aws = $aws;
        let mut builder = $sdk::config::Builder::new()
            .behavior_version($sdk::config::BehaviorVersion::latest())
            .region($sdk::config::Region::new(aws.settings.region.clone()))
            .credentials_provider(aws.credentials())
            .http_client(aws.http.clone())
            .retry_config($crate::aws::retries())
            .timeout_config($crate::aws::timeouts($service));
        builder.set_endpoint_url(aws.settings.endpoint($service).map(str::to_owned));
        builder
    }};
}
use config;

fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(50))
}

/// The table, the bus and secrets answer in milliseconds, and what waits for them is a sender or a stream: give up early. CodeCommit,
/// CodePipeline, AWS IoT, S3 and STS are called by functions with minutes of time.
fn timeouts(service: &str) -> TimeoutConfig {
    let (attempt, operation) = match service {
        "CODECOMMIT" | "CODEPIPELINE" | "IOT" | "S3" | "STS" => (8, 20),
        _ => (3, 7),
    };
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(Duration::from_secs(attempt))
        .operation_timeout(Duration::from_secs(operation))
        .build()
}

/// A moment of an answer, as the domain has it.
#[cfg(any(feature = "cloudwatch", feature = "codecommit", feature = "codepipeline"))]
fn moment(at: aws_smithy_types::DateTime) -> Option<jiff::Timestamp> {
    jiff::Timestamp::new(at.secs(), i32::try_from(at.subsec_nanos()).ok()?).ok()
}

/// Codes with which AWS says that our wiring or our code is wrong: trying again would say the same.
const BUGS: &[&str] = &[
    "AccessDenied",
    "AccessDeniedException",
    "InvalidAccessKeyId",
    "InvalidParameterException",
    "InvalidRequestException",
    "NoSuchBucket",
    "ResourceNotFoundException",
    "SerializationException",
    "UnrecognizedClientException",
    "ValidationException",
];

/// Sorts what an SDK call failed with. `what` says what was being done: `reading the webhook secret`.
fn fault<E, R>(what: &str, error: SdkError<E, R>) -> Fault
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    let code = error.code().map(str::to_owned);
    let chain = chain(&error);
    match code {
        Some(code) if BUGS.contains(&code.as_str()) => Fault::bug_from(format!("{what}: AWS answered {code}"), chain),
        Some(_) | None => Fault::retry_from(what, chain),
    }
}

/// The error and all below it as one short text: an SDK error's own `Display` says only "service error", and its `Debug` holds
/// whole responses.
fn chain<E, R>(error: &SdkError<E, R>) -> Source
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug + 'static,
{
    let mut text = match (error.code(), error.message()) {
        (Some(code), Some(message)) => format!("{code}: {}", quoted(message, 300)),
        (Some(code), None) => code.to_owned(),
        (None, _) => error.to_string(),
    };
    let mut next = std::error::Error::source(error).filter(|_| error.code().is_none());
    while let Some(source) = next {
        text.push_str(": ");
        text.push_str(&source.to_string());
        next = source.source();
    }
    text.into()
}
