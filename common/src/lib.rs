//! Penstock's shared code.
//!
//! The one rule: arrows point to [`domain`]. Without features this crate is the domain, the event contract, manifests, faults and
//! ports, and links neither an async runtime nor an SDK. Each feature adds one way to the outside.
//!
//! | module | feature | what it is |
//! |---|---|---|
//! | [`domain`] | | decisions: pure, total, with their reasons |
//! | [`event`] | | the event contract |
//! | [`manifest`] | | what a function wakes on, emits, may call |
//! | [`fault`] | | `Retry`, `Reject`, `Bug` |
//! | [`ports`] | | the outside world as narrow traits |
//! | `aws` | `cloudwatch`, `codecommit`, `codepipeline`, `dynamodb`, `eventbridge`, `iot`, `s3`, `secrets`, `ses`, `sqs`, `sts` | adapters, one file a service |
//! | `github` | `github` | the source host's adapter |
//! | `hosts` | `hosts` | both source hosts as one |
//! | `http` | `http` | API Gateway's requests and answers |
//! | `keys` | `keys` | keys, signing requests and certificates |
//! | `runtime` | `runtime` | environment, clock, randomness, logging, the Lambda loop |
//! | `slack` | `slack` | the chat's adapter |
//! | `web` | `web` | an address that is asked over HTTPS: the connections, one request with its time limit |
//! | `webhook_secret` | `webhook-secret` | the webhook secret: its form, and the code that it makes |
//! | `testing` | `testing` | the in-memory world: fakes of all ports, builders, generators |

#[cfg(feature = "aws")]
pub mod aws;
#[cfg(any(feature = "codecommit", feature = "github"))]
mod blob_cache;
pub mod domain;
pub mod event;
pub mod fault;
#[cfg(feature = "github")]
pub mod github;
#[cfg(feature = "hosts")]
pub mod hosts;
#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "keys")]
pub mod keys;
pub mod manifest;
pub mod ports;
#[cfg(feature = "runtime")]
pub mod runtime;
#[cfg(feature = "slack")]
pub mod slack;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "web")]
pub mod web;
#[cfg(feature = "webhook-secret")]
pub mod webhook_secret;
