//! The only place with an environment, a clock, randomness and a timer; and the Lambda loop.
//!
//! A `main.rs` is [`start`], one adapter a line, and [`run`] or [`run_queue`]:
//!
//! ```ignore
//! let config = runtime::start(&MANIFEST)?;
//! let table = Table::new(&Aws::new(&config), config.text("TABLE_NAME")?);
//! runtime::run(|event| handler::handle(&table, event)).await
//! ```
//!
//! | module | what it is |
//! |---|---|
//! | [`config`] | the variables that a manifest names, all missing ones reported at once |
//! | [`log`] | JSON lines, and metrics in the embedded metric format |
//! | [`queue`] | SQS batches, one failure each; a bare event or schedule message is accepted too |
#![allow(
    clippy::disallowed_methods,
    reason = "this module is where ambient clock, environment and randomness are allowed"
)]

use std::{future::Future, time::Duration};

use jiff::Timestamp;
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde::{Serialize, de::DeserializeOwned};

pub use crate::{
    event::message::QueueMessage,
    runtime::{
        config::{AwsSettings, Config},
        log::metric,
        queue::{Desk, JobEvent, QueueInput, QueueReply, Woken},
    },
};
use crate::{
    fault::Fault,
    manifest::Manifest,
    ports::{Clock, Ledger, Pause},
};

pub mod config;
pub mod log;
pub mod queue;

/// The machine's clock and timer.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

impl Pause for SystemClock {
    async fn pause(&self, longest: Duration) {
        tokio::time::sleep(longest.mul_f64(fastrand::f64())).await;
    }
}

/// What every function does first: logging, the one TLS provider, and the configuration that its manifest names.
///
/// # Errors
/// `Bug` that names every variable that is missing or empty. It is logged here, so that `main` only has to return it.
pub fn start(manifest: &Manifest) -> Result<Config, Fault> {
    log::start(manifest.name, std::env::var("LOG_LEVEL").ok().as_deref());
    // An error means that a provider is installed already; there is only one in the build, so it is this one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Config::read(manifest, |name| std::env::var(name).ok()).inspect_err(|fault| log::failed(fault, None))
}

/// Runs a function that answers its caller: the webhook, the stream relay.
///
/// # Errors
/// Only when the Lambda runtime interface is gone; a handler's fault is logged with its chain and answered to Lambda.
pub async fn run<A, R, H, F>(handler: H) -> Result<(), lambda_runtime::Error>
where
    A: DeserializeOwned,
    R: Serialize,
    H: Fn(A) -> F,
    F: Future<Output = Result<R, Fault>>,
{
    lambda_runtime::run(service_fn(|event: LambdaEvent<A>| {
        let answer = handler(event.payload);
        async { answer.await.inspect_err(|fault| log::failed(fault, None)) }
    }))
    .await
}

/// Runs a function behind its queue. The handler gets one message at a time and the moment at which Lambda ends this invocation.
/// How each message ends is noted in the ledger.
///
/// # Errors
/// As [`run`]; a message's fault fails only that message.
pub async fn run_queue<L, H, F>(manifest: &Manifest, ledger: &L, handler: H) -> Result<(), lambda_runtime::Error>
where
    L: Ledger,
    H: Fn(QueueMessage, Timestamp) -> F,
    F: Future<Output = Result<(), Fault>>,
{
    let (handler, desk) = (&handler, &Desk::new(manifest, ledger)?);
    lambda_runtime::run(service_fn(|event: LambdaEvent<QueueInput>| async move {
        let deadline = deadline(event.context.deadline);
        queue::process(desk, event.payload, |message| handler(message, deadline)).await
    }))
    .await
}

fn deadline(milliseconds: u64) -> Timestamp {
    i64::try_from(milliseconds).ok().and_then(|at| Timestamp::from_millisecond(at).ok()).unwrap_or(Timestamp::MAX)
}

impl From<Fault> for Diagnostic {
    fn from(fault: Fault) -> Self {
        let error_type = match &fault {
            Fault::Retry { .. } => "Retry",
            Fault::Reject { .. } => "Reject",
            Fault::Bug { .. } => "Bug",
        };
        Self { error_type: error_type.to_owned(), error_message: fault.to_string() }
    }
}
