//! Heads of branches against what was seen of them: a gap becomes the event that its webhook would have become.
//!
//! A branch that cannot be read says the same five minutes later, so it fails no message: it is logged, and counted (`BranchesUnread`)
//! for an alarm. There is a time for all of them. Each host gets as much of it as the other, so that a slow one keeps nobody from the
//! branches of the other; and each sweep begins elsewhere in its list, so that those at the end have their turn.

use std::collections::{BTreeSet, VecDeque};

use common::{
    domain::{
        cluster::tree::branches,
        governance::RepositoryEntry,
        id::{BranchName, CommitSha, CorrelationId, EventId, RepositoryId},
        sweep::{Look, Seen, look},
    },
    event::{Actor, BranchPushed, Envelope, Event, Meta, Repository, SCHEMA_VERSION},
    fault::Fault,
    ports::{Clock, DeadLetters, Deliveries, Forge, LedgerRows, SaidCommitted, SeenChange, SweepRows},
};
use jiff::{SignedDuration, Timestamp};

use crate::handler::{DeliverySweeper, measure};

/// How often there is a sweep, in seconds.
const EVERY: i64 = 300;

/// The golden ratio's part behind the point, in 64 bits.
const GOLDEN_RATIO: u64 = 0x9E37_79B9_7F4A_7C15;

/// How a look at all branches ended.
#[derive(Debug, Default)]
pub(crate) struct Looked {
    /// How many gaps were told.
    pub(crate) gaps: usize,
    /// How many branches cannot be read, until somebody mends something.
    pub(crate) unread: usize,
    /// For how many there was no time.
    pub(crate) left: usize,
    /// The first failure that may pass.
    pub(crate) retry: Option<Fault>,
}

/// The branches of a source host that have not been looked at yet, and how long the others took.
#[derive(Debug, Default)]
struct Host {
    left: VecDeque<(Repository, BranchName)>,
    spent: SignedDuration,
}

impl Host {
    /// Beginning at another place in each sweep. The multiples of the golden ratio, without their whole part, lie as evenly as can be, however
    /// many there are of them: so wherever a slow host ends a sweep, the next ones begin in what was left.
    fn begun_at(mut self, now: Timestamp) -> Self {
        let sweep = u64::try_from(now.as_second() / EVERY).unwrap_or_default();
        let place = u128::from(sweep.wrapping_mul(GOLDEN_RATIO));
        let at = place.saturating_mul(self.left.len() as u128) >> 64;
        self.left.rotate_left(usize::try_from(at).unwrap_or_default());
        self
    }
}

impl<R: SweepRows + LedgerRows, H: Deliveries + Forge, C: Clock, Q: DeadLetters> DeliverySweeper<R, H, C, Q> {
    /// Looks at every branch that matters of every onboarded repository, until a moment.
    ///
    /// # Errors
    /// The first `Retry`, after all branches were tried.
    pub(crate) async fn compare_branches(&self, until: Timestamp) -> Result<(), Fault> {
        let looked = self.look_at_branches(until).await;
        measure("BranchGaps", looked.gaps);
        measure("BranchesUnread", looked.unread + looked.left);
        if looked.left > 0 {
            tracing::error!(
                branches = looked.left,
                "there was no time to look at every branch: the source host is slow"
            );
        }
        looked.retry.map_or(Ok(()), Err)
    }

    pub(crate) async fn look_at_branches(&self, until: Timestamp) -> Looked {
        let (mut looked, mut hosts) = (Looked::default(), self.by_host(self.clock.now()));
        // The host that had less time so far is next.
        while let Some(host) = hosts.iter_mut().filter(|host| !host.left.is_empty()).min_by_key(|host| host.spent) {
            let began = self.clock.now();
            if began >= until {
                break;
            }
            let Some((repository, branch)) = host.left.pop_front() else { break };
            match self.compare(&repository, &branch).await {
                Ok(told) => looked.gaps += usize::from(told),
                Err(fault @ Fault::Retry { .. }) => {
                    let (name, fault_chain) = (&repository.name, fault.chain());
                    tracing::error!(repository = %name, %branch, fault = fault_chain, "a branch could not be looked at");
                    looked.retry = looked.retry.or(Some(fault));
                }
                Err(fault @ (Fault::Reject { .. } | Fault::Bug { .. })) => {
                    let (name, id, fault) = (&repository.name, &repository.id, fault.chain());
                    tracing::error!(
                        repository = %name, %id, %branch, fault,
                        "a branch cannot be looked at, so a lost push to it is told by nobody: mend what the fault says, \
                         or correct the repository's entry in repositories.yaml"
                    );
                    looked.unread += 1;
                }
            }
            host.spent = host.spent.saturating_add(self.clock.now().duration_since(began));
        }
        looked.left = hosts.iter().map(|host| host.left.len()).sum();
        looked
    }

    /// All branches that are to be looked at, by host, each list from another place on in each sweep.
    fn by_host(&self, now: Timestamp) -> [Host; 2] {
        let (mut github, mut codecommit) = (Host::default(), Host::default());
        for (id, entry) in &self.governance.repositories.listed {
            let host = match id {
                RepositoryId::GitHub(_) => &mut github,
                RepositoryId::CodeCommit(_) => &mut codecommit,
            };
            let repository = Repository::new(*id, entry.name.clone());
            host.left.extend(self.followed(*id, entry).into_iter().map(|branch| (repository.clone(), branch)));
        }
        [github.begun_at(now), codecommit.begun_at(now)]
    }

    /// The default branch, and those that environments follow where the repository configures environments.
    fn followed(&self, id: RepositoryId, entry: &RepositoryEntry) -> BTreeSet<BranchName> {
        if entry.kind.makes_pipelines() {
            branches(&self.governance, id)
        } else {
            BTreeSet::from([entry.default_branch.clone()])
        }
    }

    /// Answers whether a gap was filled.
    async fn compare(&self, repository: &Repository, branch: &BranchName) -> Result<bool, Fault> {
        // A branch that is not there moved nowhere: what becomes of its clusters is for the provisioner's own schedule.
        let Some(head) = self.host.branch_head(repository, branch).await? else { return Ok(false) };
        let rows = self.rows.branch_rows(repository.id, branch).await?;
        let now = self.clock.now();
        let (after, event) = match look(rows.seen.as_ref(), rows.reconciled.as_ref(), &head, now) {
            Look::Same => return Ok(false),
            Look::Remember(after) => (after, None),
            Look::Tell(after) => (after, Some(pushed(repository, branch, rows.seen.as_ref(), &head, now))),
        };
        let (before, told) = (rows.seen, event.is_some());
        let change = SeenChange { repository: repository.id, branch: branch.clone(), before, now: after, event };
        let committed = self.rows.commit_seen(&change).await?;
        // Another sweep was here meanwhile: what it wrote is as true.
        let told = told && committed == SaidCommitted::Done;
        if told {
            tracing::warn!(repository = %repository.id, %branch, %head, "a branch moved and nobody heard of it: told");
        }
        Ok(told)
    }
}

/// The event of a gap. What lies between the heads was not looked at, so it may be anything: filters let it pass.
fn pushed(
    repository: &Repository,
    branch: &BranchName,
    seen: Option<&Seen>,
    head: &CommitSha,
    now: Timestamp,
) -> Envelope {
    let id = repository.id.to_string();
    // With the moment of what was seen before, so that a head that comes back later is another event.
    let last = seen.map(|seen| seen.at.to_string()).unwrap_or_default();
    let identity = ["branch-head", id.as_str(), branch.as_str(), head.as_str(), last.as_str()];
    Envelope {
        meta: Meta {
            schema_version: SCHEMA_VERSION,
            event_id: EventId::derived(identity),
            occurred_at: now,
            correlation_id: CorrelationId::derived(identity),
            subject: format!("repository:{id}"),
        },
        event: Event::BranchPushed(BranchPushed {
            repository: repository.clone(),
            branch: branch.clone(),
            before: seen.and_then(|seen| seen.head.clone()),
            after: head.clone(),
            forced: false,
            sender: Actor::ghost(),
            touched_roots: vec!["*".to_owned()],
        }),
    }
}
