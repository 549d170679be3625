//! `forge`: the GitHub-compatible source host as a program, for the local stack.
//!
//! It prints one JSON line `{"url", "git_url", "person_token"}` when it is ready and stops on SIGTERM or Ctrl-C.

use std::{io::Write as _, net::SocketAddr, path::PathBuf, process::ExitCode};

use anyhow::Context;
use clap::Parser;
use common::domain::id::{BranchName, RepositoryName};
use tests::forge::{CodeCommitIdentity, Forge, Hook, PERSON_TOKEN, Settings};
use tokio::signal::unix::{SignalKind, signal};

/// A GitHub-compatible forge over one real bare git repository.
#[derive(Parser)]
struct Options {
    /// owner/name of the repository.
    #[arg(long)]
    repository: RepositoryName,
    /// The repository's numeric id.
    #[arg(long)]
    id: u64,
    /// The branch of a fresh repository.
    #[arg(long, default_value = "main")]
    branch: BranchName,
    /// The directory that holds the bare repository; made when it is missing.
    #[arg(long)]
    root: PathBuf,
    /// A loopback address; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Where webhooks go: http://… . Without it, PUT /_forge/webhook says where.
    #[arg(long, requires = "secret_file")]
    webhook: Option<String>,
    /// A file with the webhook secret; a line break at its end does not count.
    #[arg(long)]
    secret_file: Option<PathBuf>,
    /// Who the repository is on CodeCommit: its ARN, a comma, its repositoryId.
    #[arg(long, value_parser = codecommit)]
    codecommit: Option<CodeCommitIdentity>,
    /// The App's id.
    #[arg(long)]
    app_id: u64,
    /// A file with the App's public key in PEM form.
    #[arg(long)]
    app_key: PathBuf,
}

fn codecommit(text: &str) -> Result<CodeCommitIdentity, String> {
    let (arn, id) = text.split_once(',').ok_or("expected <ARN>,<repositoryId>")?;
    let told = |error: common::domain::id::IdError| error.to_string();
    Ok(CodeCommitIdentity { arn: arn.parse().map_err(told)?, id: id.parse().map_err(told)? })
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // One line for people; the chain of causes is in it.
            eprintln!("forge: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> anyhow::Result<()> {
    let read =
        |path: &PathBuf| std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()));
    let webhook = match (options.webhook, options.secret_file) {
        (Some(url), Some(file)) => Some(Hook { url, secret: read(&file)?.trim_end_matches(['\r', '\n']).to_owned() }),
        _ => None,
    };
    // Before anyone knows that we are up: a signal that comes early must not be lost.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let forge = Forge::start(Settings {
        repository: options.repository,
        id: options.id,
        also_installed_for: Vec::new(),
        default_branch: options.branch,
        root: std::path::absolute(&options.root)?,
        listen: options.listen,
        app_id: options.app_id,
        app_public_key: read(&options.app_key)?,
        webhook,
        codecommit: options.codecommit,
    })
    .await?;
    let ready = serde_json::json!({"url": forge.url, "git_url": forge.git_url, "person_token": PERSON_TOKEN});
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{ready}")?;
    stdout.flush()?;
    drop(stdout);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    // Whoever stops us does not wait for connections that clients keep open.
    drop(forge);
    Ok(())
}
