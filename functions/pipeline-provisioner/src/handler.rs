//! What wakes the provisioner, and which run that means. The event only wakes: what a run does is decided by what it reads.

use std::collections::BTreeSet;

use common::{
    domain::{
        cluster::{PipelineRuntime, tree::branches},
        governance::Governance,
        id::{BranchName, CorrelationId, RepositoryId},
    },
    event::{Change, Envelope, Event, Meta, Repository},
    fault::Fault,
    ports::{Clock, ClusterLedger, Forge, Pipelines, Specs},
};
use jiff::Timestamp;

/// The provisioner and everything outside that it uses.
pub struct Provisioner<F, P, S, L, C> {
    /// The source host.
    pub forge: F,
    /// CodePipeline.
    pub pipelines: P,
    /// Where accepted files are kept in compiled form.
    pub specs: S,
    /// Fences, records, audit trail, outbox.
    pub ledger: L,
    /// Now.
    pub clock: C,
    /// The files that the control plane runs by.
    pub governance: Governance,
    /// What every pipeline uses.
    pub runtime: PipelineRuntime,
    /// The pipelines that may invoke it, by name.
    pub invoked_by: BTreeSet<String>,
}

impl<F: Forge, P: Pipelines, S: Specs, L: ClusterLedger, C: Clock> Provisioner<F, P, S, L, C> {
    /// Handles one event.
    ///
    /// # Errors
    /// `Retry` when the tree, the pipelines or the table could not be read, or time ran out: the message comes again.
    pub async fn event(&self, event: &Envelope, deadline: Timestamp) -> Result<(), Fault> {
        match &event.event {
            Event::BranchPushed(push) => self.moved(event, push.repository.id, &push.branch, deadline).await,
            Event::RemovalsApproved(approved) => {
                self.moved(event, approved.repository.id, &approved.branch, deadline).await
            }
            Event::ChangeOpened(change) | Event::ChangeUpdated(change) => self.proposed(event, change).await,
            other => Err(Fault::bug(format!("the provisioner was sent {}: its rules are wrong", other.kind().name()))),
        }
    }

    /// Handles a schedule: every branch that configures clusters is reconciled, as if it had just been pushed; then every pull request
    /// that no plan was said about is planned, as if it had just been opened.
    ///
    /// # Errors
    /// The first error, after everything was tried.
    pub async fn schedule(&self, name: &str, deadline: Timestamp) -> Result<(), Fault> {
        if name != "reconcile" {
            return Err(Fault::bug(format!(
                "the provisioner has no schedule {}",
                common::domain::id::quoted(name, 80)
            )));
        }
        let mut first = Ok(());
        for id in self.governance.repositories.listed.keys() {
            let Some(repository) = self.repository(*id) else { continue };
            for branch in branches(&self.governance, *id) {
                let parts = ["reconcile", &id.to_string(), branch.as_str(), &self.clock.now().to_string()];
                let result =
                    self.reconcile(&repository, &branch, CorrelationId::derived(parts), deadline).await.map(drop);
                if let Err(fault) = &result {
                    tracing::error!(repository = %id, %branch, fault = fault.chain(), "a branch could not be reconciled");
                }
                first = first.and(result);
            }
        }
        // Last, over all of them: pipelines before plans, whatever time is left.
        for id in self.governance.repositories.listed.keys() {
            let Some(repository) = self.repository(*id) else { continue };
            let planned = self.plan_the_untold(&repository, deadline).await;
            if let Err(fault) = &planned {
                tracing::error!(repository = %id, fault = fault.chain(), "not every pull request has its plan");
            }
            first = first.and(planned);
        }
        first
    }

    /// There is something new for a branch: a commit, or an approval.
    async fn moved(
        &self,
        event: &Envelope,
        repository: RepositoryId,
        branch: &BranchName,
        deadline: Timestamp,
    ) -> Result<(), Fault> {
        match self.concerned(repository, branch) {
            Ok(repository) => {
                self.reconcile(&repository, branch, event.meta.correlation_id.clone(), deadline).await.map(drop)
            }
            Err(why) => ignored(event, why),
        }
    }

    async fn proposed(&self, event: &Envelope, change: &Change) -> Result<(), Fault> {
        match self.repository(change.repository.id) {
            Some(repository) => {
                let Meta { correlation_id, event_id, .. } = &event.meta;
                self.dry_run(&repository, change.number, correlation_id.clone(), event_id.to_string()).await
            }
            None => ignored(event, NOT_ONBOARDED),
        }
    }

    pub(crate) fn concerned(&self, id: RepositoryId, branch: &BranchName) -> Result<Repository, &'static str> {
        let repository = self.repository(id).ok_or(NOT_ONBOARDED)?;
        if branches(&self.governance, id).contains(branch) { Ok(repository) } else { Err(NO_ENVIRONMENT) }
    }

    // By its id; the name in the event is not used, so that every run, however it was woken, writes the same definition.
    fn repository(&self, id: RepositoryId) -> Option<Repository> {
        let entry = self.governance.repositories.listed.get(&id)?;
        entry.kind.makes_pipelines().then(|| Repository::new(id, entry.name.clone()))
    }
}

const NOT_ONBOARDED: &str = "the repository is not in repositories.yaml, or configures no clusters";
const NO_ENVIRONMENT: &str = "no environment follows this branch";

// Intake accepts what every correctly signed repository sends; doing nothing is the right answer, and it is counted.
fn ignored(event: &Envelope, why: &'static str) -> Result<(), Fault> {
    tracing::info!(event_id = %event.meta.event_id, subject = event.meta.subject, why, "ignored");
    tracing::info!(target: "metric", name = "IgnoredMessages", value = 1_u64);
    Ok(())
}
