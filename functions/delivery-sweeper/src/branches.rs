//! Heads of branches against what was seen of them: a gap becomes the event that its webhook would have become.

use std::collections::BTreeSet;

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
use jiff::Timestamp;

use crate::handler::{DeliverySweeper, measure};

impl<R: SweepRows + LedgerRows, H: Deliveries + Forge, C: Clock, Q: DeadLetters> DeliverySweeper<R, H, C, Q> {
    /// Looks at every branch that matters of every onboarded repository.
    ///
    /// # Errors
    /// The first branch's error, after all branches were tried.
    pub(crate) async fn compare_branches(&self) -> Result<(), Fault> {
        let (mut first, mut gaps) = (Ok(()), 0);
        for (id, entry) in &self.governance.repositories.listed {
            let repository = Repository::new(*id, entry.name.clone());
            for branch in self.followed(*id, entry) {
                match self.compare(&repository, &branch).await {
                    Ok(told) => gaps += usize::from(told),
                    Err(fault) => {
                        tracing::error!(repository = %id, %branch, fault = fault.chain(), "a branch could not be looked at");
                        first = first.and(Err(fault));
                    }
                }
            }
        }
        measure("BranchGaps", gaps);
        first
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
