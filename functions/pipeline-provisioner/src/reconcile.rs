//! A run on a branch: take the fence, read the head, plan, do it, say so.

use std::collections::{BTreeMap, BTreeSet};

use common::{
    domain::{
        cluster::{
            ClusterKey, ClusterRecord, Fleet, FleetContext, Listing, Plan, PlanInput, RunMode, Scope,
            plan::{executions_needed, plan},
            tree::Coverage,
            wording,
        },
        id::{BranchName, CommitSha, CorrelationId},
    },
    event::{ClusterResult, Event, ProvisioningFinished, ProvisioningStarted, RemovalsRefused, Repository, Run},
    fault::Fault,
    ports::{Clock, ClusterLedger, Forge, PipelineError, Pipelines, Specs},
};
use jiff::{SignedDuration, Timestamp};

use crate::{
    execute::{Running, Stop},
    handler::Provisioner,
    load::load,
    report,
    telling::Telling,
};

/// What is left of the invocation when a run stops taking steps: enough to finish one and to say what was done.
const MARGIN: SignedDuration = SignedDuration::from_secs(60);
/// How often a run tries what failed in a way that may pass. What is left then is for the schedule.
const ROUNDS: u32 = 2;

/// What stands now, read whole.
pub(crate) struct Standing {
    pub(crate) observed: Listing,
    pub(crate) records: BTreeMap<ClusterKey, ClusterRecord>,
}

/// What came of a run's steps.
#[derive(Default)]
struct Taken {
    results: BTreeMap<ClusterKey, ClusterResult>,
    notes: Vec<String>,
    refused: Option<RemovalsRefused>,
    stop: Option<Stop>,
}

impl<F: Forge, P: Pipelines, S: Specs, L: ClusterLedger, C: Clock> Provisioner<F, P, S, L, C> {
    /// Reconciles a branch with its pipelines, and answers how the run ended. A branch that is gone asks for nothing.
    ///
    /// # Errors
    /// Whatever could not be read before the first write; `Retry` when the fence could not be compared or time ran out.
    pub async fn reconcile(
        &self,
        repository: &Repository,
        branch: &BranchName,
        correlation_id: CorrelationId,
        deadline: Timestamp,
    ) -> Result<Option<ProvisioningFinished>, Fault> {
        let Some(head) = self.forge.branch_head(repository, branch).await? else {
            tracing::info!(repository = %repository.id, %branch, "the branch does not exist");
            return Ok(None);
        };
        let generation = self.ledger.take_generation(repository.id, branch, &head, self.clock.now()).await?;
        let (repository, branch) = (repository.clone(), branch.clone());
        let run = Run { repository, branch, head, generation, mode: RunMode::Reconcile };
        let telling = Telling { run, correlation_id, nonce: generation.to_string() };
        let run = &telling.run;
        let started = Event::ProvisioningStarted(ProvisioningStarted { run: run.clone() });
        self.ledger.announce(&[telling.about_run(self.clock.now(), started)]).await?;

        let tree = self.forge.deploy_tree(&run.repository, &run.head).await.map_err(unlisted)?;
        let context = self.context(run);
        let fleet = load(&self.forge, &run.repository, &tree, &context).await?;
        let mut taken = self.rounds(&telling, &fleet, &context, deadline).await?;
        if taken.stop.is_none() {
            taken.stop = self.start_runs(&telling, &fleet, &mut taken.results, deadline).await.err();
        }

        // Also those that this run set right: that somebody could is worth a look.
        let weakened = taken.results.values().filter(|result| !result.weakened.is_empty()).count();
        let weakened = u64::try_from(weakened).unwrap_or(u64::MAX);
        let results = taken.results.into_values().collect();
        let (why, fault) = taken.stop.map_or((None, None), |stop| (Some(stop.why), stop.fault));
        let finished = report::finished(run, why, results, fleet.findings, taken.notes);
        let finished = ProvisioningFinished { removals: taken.refused, ..finished };
        let failed = u64::from(finished.counts.failed);
        tracing::info!(
            correlation_id = %telling.correlation_id, repository = %run.repository.id, branch = %run.branch, head = %run.head,
            %generation, counts = wording::counts(&finished.counts, &run.mode), stopped = finished.stopped, "a run came to its end"
        );
        tracing::info!(target: "metric", name = "ProvisioningFailed", value = failed);
        tracing::info!(target: "metric", name = "PipelinesDrifted", value = u64::from(finished.counts.drifted));
        tracing::info!(target: "metric", name = "PipelinesWeakened", value = weakened);
        let told = Event::ProvisioningFinished(finished.clone());
        self.ledger.announce(&[telling.about_run(self.clock.now(), told)]).await?;
        fault.map_or(Ok(Some(finished)), Err)
    }

    // Everything that the plan says, once; then what failed and may pass, once more, against what stands by then.
    async fn rounds(
        &self,
        telling: &Telling,
        fleet: &Fleet,
        context: &FleetContext<'_>,
        deadline: Timestamp,
    ) -> Result<Taken, Fault> {
        let mut taken = Taken::default();
        let mut again: Option<BTreeSet<ClusterKey>> = None;
        for _ in 0..ROUNDS {
            let (standing, plan) = match (self.look(fleet, &context.scope, Some(&telling.run.head)).await, &again) {
                (Ok(seen), _) => seen,
                (Err(fault), None) => return Err(fault),
                // Something was written already: that must be told, and the schedule tries the rest.
                (Err(fault), Some(_)) => {
                    tracing::warn!(fault = fault.chain(), "what failed cannot be tried again in this run");
                    break;
                }
            };
            if again.is_none() {
                for note in &plan.notes {
                    tracing::warn!(note, "noted beside the plan");
                }
                taken.notes.clone_from(&plan.notes);
                taken.refused = self.keep_refused(telling, &plan).await?;
            }
            let running = Running { telling, fleet, standing: &standing };
            let mut failed = BTreeSet::new();
            for step in &plan.steps {
                if again.as_ref().is_some_and(|again| !again.contains(&step.cluster)) {
                    continue;
                }
                if late(self.clock.now(), deadline) {
                    return Ok(Taken { stop: Some(out_of_time(&telling.run.branch)), ..taken });
                }
                match self.execute(&running, step).await {
                    Ok(done) => {
                        if done.again {
                            failed.insert(step.cluster.clone());
                        }
                        taken.results.insert(step.cluster.clone(), done.result);
                    }
                    Err(stop) => return Ok(Taken { stop: Some(stop), ..taken }),
                }
            }
            if again.is_none() {
                self.forget_the_gone(&running, &plan, &context.scope).await;
            }
            if failed.is_empty() {
                break;
            }
            again = Some(failed);
        }
        Ok(taken)
    }

    /// Where a run stands.
    pub(crate) fn context<'a>(&'a self, run: &'a Run) -> FleetContext<'a> {
        let scope = Scope { governance: &self.governance, repository: run.repository.id, branch: &run.branch };
        FleetContext { scope, repository_name: &run.repository.name, runtime: &self.runtime }
    }

    /// Reads what stands, whole, and plans; at the branch's head with the removals that people have let through.
    ///
    /// # Errors
    /// Any failed read: an error is never an empty listing. What is wrong with one pipeline alone keeps its own cluster only.
    pub(crate) async fn look(
        &self,
        fleet: &Fleet,
        scope: &Scope<'_>,
        head: Option<&CommitSha>,
    ) -> Result<(Standing, Plan), Fault> {
        let mut observed = self.pipelines.list().await.map_err(|error| unread("listing the pipelines", error))?;
        let mut records = self.ledger.records(scope.repository).await?;
        records.iter_mut().for_each(|record| record.forget_late(self.clock.now()));
        let mut executions = BTreeMap::new();
        for name in executions_needed(fleet, &observed) {
            match self.pipelines.latest_execution(&name).await {
                Ok(found) => executions.extend(found.map(|execution| (name, execution))),
                Err(error) => match error.about_one() {
                    Some(why) => observed.distrust(name, why),
                    None => return Err(unread("reading a pipeline's latest execution", error)),
                },
            }
        }
        let (observed_now, records_now, executions) = (&observed, &records, &executions);
        let (scope, approved) = (*scope, &[]);
        let input =
            PlanInput { scope, fleet, observed: observed_now, records: records_now, executions, head, approved };
        let mut made = plan(&input);
        if let Some((refused, _)) = &made.refused {
            made = plan(&PlanInput { approved: &self.approved(refused).await?, ..input });
        }
        let records = records.into_iter().map(|record| (record.cluster.clone(), record)).collect();
        Ok((Standing { observed, records }, made))
    }

    // Records of clusters that have neither a file nor a pipeline any more: a bad file that was removed, a retirement whose
    // reply was lost.
    async fn forget_the_gone(&self, running: &Running<'_>, plan: &Plan, scope: &Scope<'_>) {
        let planned: BTreeSet<&ClusterKey> = plan.steps.iter().map(|step| &step.cluster).collect();
        for record in running.standing.records.values() {
            let here = matches!(scope.covers(&record.cluster.environment), Coverage::Here(_));
            if here && !planned.contains(&record.cluster) && !running.standing.observed.stands(&record.pipeline) {
                self.forget(running, record).await;
            }
        }
    }
}

/// Whether too little is left of the invocation for another step.
pub(crate) fn late(now: Timestamp, deadline: Timestamp) -> bool {
    now.checked_add(MARGIN).map_or(true, |soon| soon >= deadline)
}

/// What becomes of a run then.
pub(crate) fn out_of_time(branch: &BranchName) -> Stop {
    let fault = Fault::retry(format!("reconciling {branch} took too long"));
    Stop { why: "time ran out; the run is taken up again".to_owned(), fault: Some(fault) }
}

// A branch is the operator's business: a listing that can never be whole must end where a person looks, not as a rejected message.
fn unlisted(fault: Fault) -> Fault {
    match fault {
        Fault::Reject { what } => Fault::bug(what),
        other => other,
    }
}

fn unread(what: &str, error: PipelineError) -> Fault {
    if error.retry { Fault::retry_from(what, error) } else { Fault::bug_from(format!("{what} failed"), error) }
}
