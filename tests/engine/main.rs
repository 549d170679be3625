//! `engine`: CodePipeline's runs as a program, for the local stack.
//!
//! It prints one JSON line `{"url"}` when it is ready and stops on SIGTERM or Ctrl-C.

use std::{io::Write as _, net::SocketAddr, process::ExitCode};

use clap::Parser;
use tests::engine::{Around, run};
use tokio::signal::unix::{SignalKind, signal};

/// Runs of pipelines, in front of an emulator that keeps their definitions.
#[derive(Parser)]
struct Options {
    /// The emulator that keeps the definitions: http://… .
    #[arg(long)]
    emulator: String,
    /// The emulator with the default bus: http://… .
    #[arg(long)]
    aws: String,
    /// The source host: http://… .
    #[arg(long)]
    forge: String,
    /// The token of somebody who may read there.
    #[arg(long)]
    forge_token: String,
    /// owner/name, at the source host, of the repository that CodeCommit sources name without an owner.
    #[arg(long)]
    codecommit: Option<String>,
    /// The account of the events.
    #[arg(long)]
    account: String,
    /// Their region.
    #[arg(long)]
    region: String,
    /// A loopback address; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match serve(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // One line for people; the chain of causes is in it.
            eprintln!("engine: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(options: Options) -> anyhow::Result<()> {
    // Before anyone knows that we are up: a signal that comes early must not be lost.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let around = Around {
        emulator: options.emulator,
        aws: options.aws,
        forge: (options.forge, options.forge_token),
        codecommit: options.codecommit,
        account: options.account,
        region: options.region,
    };
    let ready = |url: &str| {
        let mut stdout = std::io::stdout().lock();
        let line = serde_json::json!({"url": url});
        // Whoever started us waits for this line; without it they say so.
        let _told = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
    };
    tokio::select! {
        served = run(around, options.listen, ready) => served,
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
    }
}
