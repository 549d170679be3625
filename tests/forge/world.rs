//! Everything a forge knows: its settings, the repository, and what is kept in memory.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::{Context, ensure};
use jsonwebtoken::DecodingKey;
use serde::Deserialize;
use serde_json::Value;
use tokio::{sync::mpsc, task::JoinHandle};

use super::{
    Settings,
    auth::{Access, Token, granted},
    checks::Check,
    clock,
    codecommit::Aside,
    deployments::Deployment,
    git::Git,
    issues::Issue,
    pulls::Pull,
    talk::Comment,
    webhook::{self, Delivery, Hook},
};

/// GitHub's own limit of entries in one tree answer.
const TREE_LIMIT: usize = 100_000;

/// A forge's state.
pub(super) struct World {
    pub(super) settings: Settings,
    pub(super) url: String,
    pub(super) git: Git,
    pub(super) app_key: DecodingKey,
    pub(super) outbox: mpsc::UnboundedSender<webhook::Outgoing>,
    /// Held while refs change, so that what changed between two looks is what this push or merge did.
    pub(super) refs: tokio::sync::Mutex<()>,
    memory: Arc<Mutex<Memory>>,
}

/// Some requests below `/repos` that fail, as a bad hour at GitHub.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Outage {
    /// How many are answered before it starts.
    pub(super) after: usize,
    /// How many fail.
    pub(super) failures: usize,
    /// With what.
    pub(super) status: u16,
}

/// What is kept in memory.
pub(super) struct Memory {
    pub(super) hook: Option<Hook>,
    pub(super) pulls: BTreeMap<u64, Pull>,
    pub(super) issues: BTreeMap<u64, Issue>,
    pub(super) comments: Vec<Comment>,
    pub(super) reviews: HashMap<u64, Vec<Value>>,
    pub(super) checks: Vec<Check>,
    pub(super) statuses: Vec<Value>,
    pub(super) deployments: Vec<Deployment>,
    /// Every change of a ref, oldest first.
    pub(super) activities: Vec<Value>,
    /// What the installation was granted, by permission.
    pub(super) granted: HashMap<String, Access>,
    pub(super) tokens: HashMap<String, Token>,
    /// The bodies that tokens were asked for with, without the tokens.
    pub(super) token_requests: Vec<Value>,
    pub(super) deliveries: Vec<Delivery>,
    /// `POST /repos/o/r/check-runs 201`, oldest first.
    pub(super) requests: Vec<String>,
    pub(super) tree_limit: usize,
    pub(super) outage: Option<Outage>,
    pub(super) codecommit: Aside,
    next_id: u64,
}

impl Memory {
    /// The number of the next issue or pull request.
    pub(super) fn next_number(&self) -> u64 {
        self.pulls.keys().chain(self.issues.keys()).max().map_or(1, |last| last + 1)
    }

    /// A number that no other object has, nor had before a restart.
    pub(super) fn next_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }
}

impl World {
    /// Opens or makes the repository and starts the task that sends webhooks.
    pub(super) async fn new(settings: Settings, url: String) -> anyhow::Result<(Self, JoinHandle<()>)> {
        ensure!(
            !settings.app_public_key.contains("PRIVATE KEY"),
            "the App's key is its private one: the forge verifies and needs only the public one"
        );
        let app_key = DecodingKey::from_rsa_pem(settings.app_public_key.as_bytes())
            .context("the App's public key cannot be read: expected PEM text of an RSA public key")?;
        let git = Git::open(&settings).await?;
        let (outbox, deliveries) = mpsc::unbounded_channel();
        let memory = Memory {
            hook: settings.webhook.clone(),
            pulls: BTreeMap::new(),
            issues: BTreeMap::new(),
            comments: Vec::new(),
            reviews: HashMap::new(),
            checks: Vec::new(),
            statuses: Vec::new(),
            deployments: Vec::new(),
            activities: Vec::new(),
            granted: granted(),
            tokens: HashMap::new(),
            token_requests: Vec::new(),
            deliveries: Vec::new(),
            requests: Vec::new(),
            tree_limit: TREE_LIMIT,
            outage: None,
            codecommit: Aside::new(settings.codecommit.clone()),
            next_id: u64::try_from(clock::now().as_millisecond()).unwrap_or_default(),
        };
        let memory = Arc::new(Mutex::new(memory));
        let sender = tokio::spawn(webhook::send_all(deliveries, Arc::clone(&memory)));
        let world = Self { settings, url, git, app_key, outbox, refs: tokio::sync::Mutex::default(), memory };
        Ok((world, sender))
    }

    /// The memory. A poisoned lock means that a request failed half-way; the forge goes on.
    pub(super) fn memory(&self) -> MutexGuard<'_, Memory> {
        open(&self.memory)
    }
}

pub(super) fn open(memory: &Mutex<Memory>) -> MutexGuard<'_, Memory> {
    memory.lock().unwrap_or_else(PoisonError::into_inner)
}
