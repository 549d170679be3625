//! The one integration-test binary of the workspace, so that the SDKs link once. Each module says what it proves.
//!
//! All of it is test code, its shared parts too, so it may unwrap and panic as tests do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "this binary holds tests only")]

mod alarms;
mod any_bytes;
mod buildspecs;
mod calls;
mod canary;
mod certificates;
mod codecommit;
mod codecommit_events;
mod contract;
mod dependencies;
mod email;
mod examples;
mod flow;
mod fortnight;
mod gates;
mod github;
mod governance_files;
mod guard;
mod hosts;
mod iot;
mod items;
mod layers;
mod listing;
mod onboarding;
mod one_build;
mod ports;
mod promises;
mod slack;
mod sqs;
mod wip;

/// The repository's root, from this crate's place in it.
pub(crate) fn repository_root() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}
