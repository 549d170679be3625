//! The forge: a GitHub-compatible source host over one real bare git repository, which is one of CodeCommit, too, for tests and for the local stack.
//!
//! No emulator gives what we need of GitHub (real pushes that send webhooks with their commits, commit statuses,
//! redelivery, `synchronize`), so it is built once, here, and held to GitHub's documented behaviour. Git itself is real:
//! every answer comes from the `git` program, called without a shell, and a clone or push goes through `git http-backend`.
//!
//! | file | what |
//! |---|---|
//! | `git` | the `git` program: refs, trees, commits, diffs, merges |
//! | `smart_http` | clone and push, and what a push sets off |
//! | `auth` | the App's JWT, installation tokens, their permissions |
//! | `rest` | routes; below it `repository`, `pulls`, `talk`, `checks`, `statuses` |
//! | `reviews` | what people say of a pull request |
//! | `codecommit` | the same repository in CodeCommit's API, and its events |
//! | `graphql` | the two mutations that REST does not have |
//! | `payload` | the JSON objects of webhooks and answers |
//! | `webhook` | signing, sending, the record of deliveries, redelivery |
//! | `control` | `/_forge/…`: what GitHub has in its settings pages, and what tests read |
//!
//! # What it is not
//! One repository, one App with one installation, one person. No forks and no branch protection; reviews without comments; labels and
//! comments only on pull requests, and no webhook of them; of GraphQL the mutations that make a pull request a draft and ready for
//! review. It sends `push`, `pull_request` and `issues` webhooks only, in order, each once: as GitHub, it does not retry. Lists
//! have `page` and `per_page` but no `Link` header, except the deliveries of the App, which have cursors and need it. Everything but
//! git lives in memory. It listens on loopback only,
//! because whoever reaches it may push.

mod auth;
mod checks;
mod clock;
mod codecommit;
mod control;
mod deployments;
mod git;
mod graphql;
mod issues;
mod payload;
mod pulls;
mod repository;
mod rest;
mod reviews;
mod smart_http;
mod statuses;
mod talk;
mod webhook;
mod world;

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use anyhow::{Context, ensure};
use common::domain::id::{BranchName, RepositoryName};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

pub use self::{auth::PERSON_TOKEN, codecommit::CodeCommitIdentity, webhook::Hook};

use self::world::World;

/// How a forge is set up.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `owner/name`.
    pub repository: RepositoryName,
    /// The repository's numeric id.
    pub id: u64,
    /// Other repositories that the App's installation covers: they exist by id only.
    pub also_installed_for: Vec<u64>,
    /// The branch of a fresh repository, and the one that cannot be deleted.
    pub default_branch: BranchName,
    /// Where the bare repository is, or is made: `<root>/<owner>/<name>.git`.
    pub root: PathBuf,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The App's id.
    pub app_id: u64,
    /// The App's public key as PEM text: it verifies the App's JWTs.
    pub app_public_key: String,
    /// Where webhooks go; without it none is sent until `PUT /_forge/webhook` says where.
    pub webhook: Option<Hook>,
    /// Who the repository is on CodeCommit; without it there is none there.
    pub codecommit: Option<CodeCommitIdentity>,
}

/// A running forge. It stops when it is dropped.
#[derive(Debug)]
pub struct Forge {
    /// The REST API's address: `http://127.0.0.1:<port>`.
    pub url: String,
    /// What to clone: `<url>/<owner>/<name>.git`.
    pub git_url: String,
    stop: Option<oneshot::Sender<()>>,
    server: JoinHandle<std::io::Result<()>>,
    sender: JoinHandle<()>,
}

impl Forge {
    /// Makes the repository when there is none, and serves it.
    ///
    /// # Errors
    /// When the address is not loopback or is taken, the key cannot be read, or git is missing.
    pub async fn start(settings: Settings) -> anyhow::Result<Self> {
        let listen = settings.listen;
        ensure!(listen.ip().is_loopback(), "the forge has no passwords and listens on loopback only, not on {listen}");
        let listener =
            TcpListener::bind(listen).await.with_context(|| format!("the forge cannot listen on {listen}"))?;
        let url = format!("http://{}", listener.local_addr()?);
        let git_url = format!("{url}/{}.git", settings.repository);
        let (world, sender) = World::new(settings, url.clone()).await?;
        let (stop, stopped) = oneshot::channel::<()>();
        let server = axum::serve(listener, rest::router(Arc::new(world))).with_graceful_shutdown(async {
            // An error means that the handle is gone: stop as well.
            let _ = stopped.await;
        });
        Ok(Self { url, git_url, stop: Some(stop), server: tokio::spawn(async { server.await }), sender })
    }

    /// Stops listening and waits until running requests are answered and their webhooks are sent.
    ///
    /// # Errors
    /// When the server failed.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        drop(self.stop.take());
        (&mut self.server).await??;
        (&mut self.sender).await?;
        Ok(())
    }
}

impl Drop for Forge {
    fn drop(&mut self) {
        self.server.abort();
        self.sender.abort();
    }
}
