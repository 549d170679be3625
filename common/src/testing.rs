//! The in-memory world: one [`World`] plays every port, so that handlers run for real without AWS, GitHub or a clock.
//!
//! | file | plays |
//! |---|---|
//! | `testing/host.rs` | the source host: commits, branches, pull requests; what was published on it |
//! | `testing/pipelines.rs` | CodePipeline as AWS documents it: names in use, automatic first run, tokens |
//! | `testing/store.rs` | the table: intake, outbox, bus, feedback ledger, cluster ledger, audit trail, compiled specs |
//! | `testing/wip.rs` | the table: the rows of the limits on work in progress |
//! | `testing/items.rs` | the table: work items |
//! | `testing/removals.rs` | the table: refused removals |
//! | `testing/runs.rs` | the table: holds, and answers to runs |
//! | `testing/gates.rs` | the gates of CodePipeline |
//! | `testing/jobs.rs` | its jobs |
//! | `testing/accounts.rs` | AWS IoT and Secrets Manager in several accounts |
//! | `testing/certificates.rs` | the table: records of certificates |
//! | `testing/ledger.rs` | the table: what happened to deliveries and their events |
//! | `testing/dead_letters.rs` | queues, as far as messages wait in them that could not be processed |
//! | `testing/deliveries.rs` | the source host's webhooks; the table: what the sweep remembers |
//! | `testing/rhythm.rs` | the table: posts, who was told of blockers, which tasks were done |
//! | `testing/chat.rs` | the chat, and what is remembered of posts |
//! | `testing/mail.rs` | the mail service |
//! | `testing/schema.rs` | the table: the version of its rows |
//! | `testing/governance.rs` | the governance bundle, by files |
//! | `testing/api.rs` | API Gateway: requests of the HTTP API |
//! | `testing/files.rs` | cluster files, as their authors write them |
//!
//! Every call of a port passes through one gate. The gate counts and names calls, so that a test can say "no write
//! happened" or "fail the k-th call", before it had an effect or after (the reply is lost), and can let something else
//! happen in the world just before the k-th call: a push, a newer run.

// A builder that is given a text which is no id is a mistake in the test that wrote it: it should stop there and then.
#![allow(clippy::expect_used, clippy::panic, reason = "this module is only linked by tests and by the story")]

use std::{
    collections::BTreeMap,
    str::FromStr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};

use crate::{
    domain::id::{BranchName, CodeCommitArn, CorrelationId, EventId, IdError, RepositoryId},
    event::{Envelope, Event, Meta, Repository, SCHEMA_VERSION},
    fault::Fault,
    ports::{Clock, Pause, PipelineError},
};

#[cfg(feature = "keys")]
pub use self::accounts::WorldPlace;
pub use self::{
    api::api_request, files::ClusterFile, gates::GivenAnswer, governance::GovernanceFiles, host::Files,
    pipelines::FakePipeline,
};

#[cfg(feature = "keys")]
mod accounts;
mod alarms;
mod api;
mod certificates;
mod chat;
mod dead_letters;
mod deliveries;
mod files;
mod gates;
mod governance;
mod host;
mod ideas;
mod items;
mod jobs;
mod ledger;
mod mail;
mod pipelines;
mod removals;
mod rhythm;
mod runs;
mod schema;
mod store;
mod wip;

/// Parses an id in a test.
pub fn id<T: FromStr<Err = IdError>>(text: &str) -> T {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

/// The repository that the builders speak of: id 42, `acme/clusters`.
pub fn repository() -> Repository {
    Repository::new(RepositoryId::GitHub(42), id("acme/clusters"))
}

/// The repository that the builders speak of where it is on CodeCommit: `clusters` of account 111122223333 in us-east-1.
pub fn codecommit_repository() -> Repository {
    let arn: CodeCommitArn = id(CODECOMMIT_ARN);
    Repository::new(RepositoryId::CodeCommit(id(CODECOMMIT_ID)), arn.repository_name())
}

/// Its id.
pub const CODECOMMIT_ID: &str = "0c0dec00-3117-4111-8222-333344445555";

/// Its ARN.
pub const CODECOMMIT_ARN: &str = "arn:aws:codecommit:us-east-1:111122223333:clusters";

/// The branch that the builders speak of.
pub fn main_branch() -> BranchName {
    id("main")
}

/// An event with an envelope, at the world's time, caused by `correlation`.
pub fn envelope(at: Timestamp, correlation: &str, subject: &str, event: Event) -> Envelope {
    let event_id = EventId::derived([correlation, subject, event.kind().name(), &at.to_string()]);
    let correlation_id: CorrelationId = id(correlation);
    Envelope {
        meta: Meta {
            schema_version: SCHEMA_VERSION,
            event_id,
            occurred_at: at,
            correlation_id,
            subject: subject.into(),
        },
        event,
    }
}

/// When an injected failure happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Before the call had any effect.
    Before,
    /// After its effect: the work is done, the reply is lost.
    After,
}

/// One call of a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// `CodePipeline.CreatePipeline`, `ClusterLedger.record`, …
    pub name: &'static str,
    /// What it was about: a pipeline's name, a subject; may be empty.
    pub about: String,
    /// Whether it can change anything.
    pub write: bool,
}

/// Everything outside the functions, in memory. Clones share it.
#[derive(Clone, Default)]
pub struct World {
    state: Arc<Mutex<State>>,
    /// Whether the repository that it speaks of is on CodeCommit.
    codecommit: bool,
}

type Hook = Box<dyn FnOnce(&World) + Send>;

#[derive(Default)]
struct State {
    now: Timestamp,
    calls: Vec<Call>,
    /// One failure at the call of this number (from 0).
    fail_at: Option<(usize, When)>,
    /// Whether every call after that one fails too.
    stopped: bool,
    /// Failures by name: call, text in `about`, error code, how often still, when.
    failing: Vec<Failing>,
    /// How long each call of a name takes; any other takes no time.
    slow: BTreeMap<&'static str, SignedDuration>,
    /// What happens just before the call of this number.
    hooks: Vec<(usize, Hook)>,
    host: host::State,
    pipelines: BTreeMap<String, FakePipeline>,
    store: store::State,
    wip: wip::State,
    ideas: ideas::State,
    items: items::State,
    rhythm: rhythm::State,
    chat: chat::State,
    mail: mail::State,
    schema_version: Option<u32>,
    removals: removals::State,
    runs: runs::State,
    gates: gates::State,
    alarms: alarms::State,
    jobs: jobs::State,
    #[cfg(feature = "keys")]
    accounts: accounts::State,
    certificates: certificates::State,
    deliveries: deliveries::State,
    dead_letters: dead_letters::State,
    ledger: ledger::State,
}

struct Failing {
    name: &'static str,
    about: String,
    code: String,
    retry: bool,
    left: usize,
    when: When,
}

/// An error that the world can inject.
trait Injected {
    fn injected(name: &'static str, code: &str, retry: bool) -> Self;
}

impl Injected for Fault {
    fn injected(name: &'static str, code: &str, retry: bool) -> Self {
        let what = format!("{name} failed with {code}");
        if retry { Fault::retry(what) } else { Fault::bug(what) }
    }
}

impl Injected for PipelineError {
    fn injected(name: &'static str, code: &str, retry: bool) -> Self {
        let step = name.strip_prefix("CodePipeline.").unwrap_or(name);
        let message = "injected by the world".to_owned();
        Self { step, code: code.to_owned(), message, request_id: Some("req-injected".into()), retry }
    }
}

impl World {
    /// An empty world on 2026-01-05, 09:00 UTC, a Monday.
    pub fn new() -> Self {
        let world = Self::default();
        world.state().now = "2026-01-05T09:00:00Z".parse().expect("a time");
        world
    }

    /// The same, with its repository on CodeCommit: [`codecommit_repository`].
    pub fn on_codecommit() -> Self {
        Self { codecommit: true, ..Self::new() }
    }

    /// The repository that pushes and pull requests of this world are about.
    pub fn repository(&self) -> Repository {
        if self.codecommit { codecommit_repository() } else { repository() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets time pass.
    pub fn pass(&self, time: SignedDuration) {
        let mut state = self.state();
        state.now = state.now.checked_add(time).expect("a time within range");
    }

    /// Fails the call of this number, counted from 0 and from now on, whatever it is.
    pub fn fail_call(&self, number: usize, when: When) {
        let mut state = self.state();
        state.calls.clear();
        (state.fail_at, state.stopped) = (Some((number, when)), false);
    }

    /// Stops whoever makes the call of this number, counted from 0 and from now on: nothing that it calls behind that one has an effect.
    /// What a killed process leaves behind.
    pub fn stop_at_call(&self, number: usize, when: When) {
        let mut state = self.state();
        state.calls.clear();
        (state.fail_at, state.stopped) = (Some((number, when)), true);
    }

    /// Fails the next `times` calls of this name whose `about` contains a text, with an error code.
    pub fn fail(&self, name: &'static str, about: &str, code: &str, retry: bool, times: usize) {
        let (about, code) = (about.to_owned(), code.to_owned());
        self.state().failing.push(Failing { name, about, code, retry, left: times, when: When::Before });
    }

    /// Lets each call of this name take so long from now on.
    pub fn slow(&self, name: &'static str, time: SignedDuration) {
        self.state().slow.insert(name, time);
    }

    /// Lets something happen just before the call of this number, counted from 0 and from now on.
    pub fn before_call(&self, number: usize, hook: impl FnOnce(&World) + Send + 'static) {
        let mut state = self.state();
        state.calls.clear();
        state.hooks.push((number, Box::new(hook)));
    }

    /// No more failures, hooks and slow calls; the count of calls starts again.
    pub fn heal(&self) {
        let mut state = self.state();
        (state.fail_at, state.stopped) = (None, false);
        state.failing.clear();
        state.slow.clear();
        state.hooks.clear();
        state.calls.clear();
    }

    /// The calls since the count was started.
    pub fn calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    /// The calls since the count was started that write to CodePipeline.
    pub fn pipeline_writes(&self) -> Vec<Call> {
        self.calls().into_iter().filter(|call| call.write && call.name.starts_with("CodePipeline.")).collect()
    }

    /// The gate that every port's call passes.
    fn call<T, E: Injected>(
        &self,
        name: &'static str,
        about: impl Into<String>,
        write: bool,
        act: impl FnOnce(&mut State) -> Result<T, E>,
    ) -> Result<T, E> {
        let about = about.into();
        let number = self.state().calls.len();
        loop {
            // A hook may call the world itself, so the lock is not held while it runs.
            let mut state = self.state();
            let Some(at) = state.hooks.iter().position(|(due, _)| *due == number) else { break };
            let (_, hook) = state.hooks.remove(at);
            drop(state);
            hook(self);
        }
        let mut state = self.state();
        state.calls.push(Call { name, about: about.clone(), write });
        let takes = state.slow.get(name).copied().unwrap_or_default();
        state.now = state.now.checked_add(takes).expect("a time within range");
        let mut failure = match state.fail_at {
            Some((due, when)) if due == number => Some((when, "timeout".to_owned(), true)),
            Some((due, _)) if state.stopped && due < number => Some((When::Before, "stop".to_owned(), true)),
            _ => None,
        };
        let named = |rule: &&mut Failing| rule.left > 0 && rule.name == name && about.contains(&rule.about);
        if let Some(rule) = state.failing.iter_mut().find(named) {
            rule.left -= 1;
            failure = Some((rule.when, rule.code.clone(), rule.retry));
        }
        match failure {
            Some((When::Before, code, retry)) => Err(E::injected(name, &code, retry)),
            Some((When::After, code, retry)) => act(&mut state).and(Err(E::injected(name, &code, retry))),
            None => act(&mut state),
        }
    }
}

impl Clock for World {
    fn now(&self) -> Timestamp {
        self.state().now
    }
}

/// Waiting takes no time but the world's: always as long as it may.
impl Pause for World {
    async fn pause(&self, longest: Duration) {
        self.pass(SignedDuration::try_from(longest).unwrap_or(SignedDuration::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bump(world: &World) -> Result<u32, Fault> {
        world.call("Test.bump", "it", true, |state| {
            state.now = state.now.checked_add(SignedDuration::from_secs(1)).expect("a time");
            Ok(1)
        })
    }

    #[test]
    fn a_failure_before_has_no_effect_and_one_after_loses_only_the_reply() {
        let world = World::new();
        let start = world.now();
        world.fail_call(1, When::Before);
        assert!(bump(&world).is_ok() && bump(&world).is_err() && bump(&world).is_ok());
        assert_eq!(world.now().duration_since(start).as_secs(), 2);
        world.fail_call(0, When::After);
        assert!(bump(&world).is_err());
        assert_eq!(world.now().duration_since(start).as_secs(), 3);
    }

    #[test]
    fn a_hook_runs_before_its_call_and_may_change_the_world() {
        let world = World::new();
        let start = world.now();
        world.before_call(0, |world| world.pass(SignedDuration::from_secs(10)));
        assert!(bump(&world).is_ok());
        assert_eq!(world.now().duration_since(start).as_secs(), 11);
        assert_eq!(world.calls().len(), 1);
    }
}
