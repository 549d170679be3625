//! A plan for a pull request: what merging it would do to the pipelines, in words. Nothing is written but the two events.
//!
//! An event asks for it. The schedule asks for those that nobody was told of: what becomes of an event, on its way to us or from us to those
//! who say it, shows in what was said about the head. So a pull request that touches nothing is told too, and nothing is said of it.

use std::collections::{BTreeMap, BTreeSet};

use common::{
    domain::{
        cluster::{
            Finding, Place, RunMode,
            overlay::overlay,
            plan::{Action, Plan},
            tree::branches,
        },
        id::{CorrelationId, Generation},
    },
    event::{Event, ProvisioningFinished, ProvisioningStarted, Repository, Run},
    fault::Fault,
    ports::{Clock, ClusterLedger, Forge, PLAN_MARK, Pipelines, PullRequest, Shown, Specs},
};
use jiff::Timestamp;

use crate::{handler::Provisioner, load::load, reconcile::late, report, telling::Telling};

/// The most files that a pull request may touch to be planned. Each costs a request, the App has a few thousand an hour for all of
/// its work, and anybody may open a pull request.
pub const MAX_TOUCHED: usize = 500;

impl<F: Forge, P: Pipelines, S: Specs, L: ClusterLedger, C: Clock> Provisioner<F, P, S, L, C> {
    /// Plans every open pull request about whose head no plan was said.
    ///
    /// # Errors
    /// The first `Retry`, after all were tried. What trying again would not mend is logged and counted (`PlansFailed`): it must not bring the
    /// whole schedule back.
    pub(crate) async fn plan_the_untold(&self, repository: &Repository, deadline: Timestamp) -> Result<(), Fault> {
        let (mut first, mut planned, mut failed) = (Ok(()), 0_u64, 0_u64);
        let followed = branches(&self.governance, repository.id);
        for change in self.forge.open_pull_requests(repository).await? {
            if !followed.contains(&change.base_branch) {
                continue;
            }
            let run = plan_of(repository, &change);
            let said = self.ledger.said(&run.subject(), PLAN_MARK).await?;
            if said.is_some_and(|said| said.shown == Shown::Surely) {
                continue;
            }
            if late(self.clock.now(), deadline) {
                tracing::warn!(repository = %repository.id, "time ran out; pull requests without a plan are left to the next schedule");
                break;
            }
            planned += 1;
            let (number, head) = (change.number, &run.head);
            tracing::warn!(repository = %repository.id, number, %head, "no plan was said about a pull request: it is planned");
            let now = self.clock.now().to_string();
            let parts = ["untold", &run.subject(), &now];
            let result = self.dry_run(repository, number, CorrelationId::derived(parts), now.clone()).await;
            let Err(fault) = result else { continue };
            tracing::error!(repository = %repository.id, number, fault = fault.chain(), "a pull request could not be planned");
            failed += 1;
            if fault.is_retry() {
                first = first.and(Err(fault));
            }
        }
        tracing::info!(target: "metric", name = "PlansFailed", value = failed);
        tracing::info!(target: "metric", name = "PlansUntold", value = planned);
        first
    }

    /// Plans a pull request as the host has it now. A pull request that is closed or goes to a branch that configures nothing gets no
    /// plan. The cause's id is the one to follow it by; the nonce makes its events' ids its own.
    ///
    /// # Errors
    /// Whatever could not be read.
    pub async fn dry_run(
        &self,
        repository: &Repository,
        number: u64,
        correlation_id: CorrelationId,
        nonce: String,
    ) -> Result<(), Fault> {
        let Some(change) = self.forge.pull_request(repository, number).await?.filter(|change| change.open) else {
            tracing::info!(number, "the pull request is not open");
            return Ok(());
        };
        if !branches(&self.governance, repository.id).contains(&change.base_branch) {
            tracing::info!(number, branch = %change.base_branch, "no environment follows the pull request's branch");
            return Ok(());
        }
        let Some(base) = self.forge.branch_head(repository, &change.base_branch).await? else {
            tracing::info!(number, branch = %change.base_branch, "the pull request's branch does not exist");
            return Ok(());
        };
        let telling = Telling { run: plan_of(repository, &change), correlation_id, nonce };
        let run = &telling.run;

        let common_ancestor = match self.forge.merge_base(repository, &base, &run.head).await {
            // The two have no common ancestor, or none that the host would look for: only another head mends that.
            Err(fault) if !fault.is_retry() => {
                tracing::warn!(number, fault = fault.chain(), "no common ancestor could be found");
                let why = "it has no common ancestor with its base that could be found: rebase it".to_owned();
                return self.not_planned(&telling, why).await;
            }
            read => read?,
        };
        let head_tree = match self.forge.deploy_tree(repository, &run.head).await {
            // Of the author's making and final, so it is the author who hears of it.
            Err(Fault::Reject { what }) => return self.not_planned(&telling, what).await,
            read => read?,
        };
        let base_tree = self.forge.deploy_tree(repository, &base).await?;
        let before = if common_ancestor == base {
            base_tree.clone()
        } else {
            self.forge.deploy_tree(repository, &common_ancestor).await?
        };
        let merged = overlay(&before, &head_tree, &base_tree);
        if merged.touched.is_empty() {
            tracing::info!(number, "the pull request does not touch deploy/");
            let finished = report::finished(run, None, Vec::new(), Vec::new(), Vec::new());
            return self.told(&telling, ProvisioningFinished { untouched: true, ..finished }).await;
        }
        if merged.touched.len() > MAX_TOUCHED {
            let why = format!(
                "it touches {} files below deploy/, and a plan reads at most {MAX_TOUCHED}: split it, or run `penstock plan`",
                merged.touched.len()
            );
            return self.not_planned(&telling, why).await;
        }
        let started = Event::ProvisioningStarted(ProvisioningStarted { run: run.clone() });
        self.ledger.announce(&[telling.about_run(self.clock.now(), started)]).await?;

        let context = self.context(run);
        let now = load(&self.forge, repository, &base_tree, &context).await?;
        let then = load(&self.forge, repository, &merged.entries, &context).await?;
        let (_, without) = self.look(&now, &context.scope, None).await?;
        let (_, with) = self.look(&then, &context.scope, None).await?;
        let results = brought_about(with, &without, &merged.touched).steps.iter().map(|step| step.result()).collect();
        let findings = new_findings(then.findings, &now.findings, &merged.touched);
        // What is noted beside a plan is about pipelines that stand: no pull request brings it about.
        let finished = report::finished(run, None, results, findings, Vec::new());
        self.told(&telling, finished).await
    }

    /// The end of a plan that was not begun, for the people at the pull request.
    async fn not_planned(&self, telling: &Telling, why: String) -> Result<(), Fault> {
        self.told(telling, report::finished(&telling.run, Some(why), Vec::new(), Vec::new(), Vec::new())).await
    }

    async fn told(&self, telling: &Telling, finished: ProvisioningFinished) -> Result<(), Fault> {
        self.ledger.announce(&[telling.about_run(self.clock.now(), Event::ProvisioningFinished(finished))]).await
    }
}

fn plan_of(repository: &Repository, change: &PullRequest) -> Run {
    Run {
        repository: repository.clone(),
        branch: change.base_branch.clone(),
        head: change.head.clone(),
        generation: Generation(0),
        mode: RunMode::DryRun { number: change.number },
    }
}

// The clusters whose files the change touches, and those for which it changes what would happen: a regional account that no
// longer fits the management clusters beside it.
fn brought_about(mut with: Plan, without: &Plan, touched: &BTreeSet<String>) -> Plan {
    let before: BTreeMap<_, (Action, &[String])> =
        without.steps.iter().map(|step| (&step.cluster, (step.action, step.reasons.as_slice()))).collect();
    with.steps.retain(|step| {
        let same = before.get(&step.cluster).is_some_and(|before| *before == (step.action, step.reasons.as_slice()));
        touched.contains(&step.config_path) || !same
    });
    with
}

fn new_findings(findings: Vec<Finding>, before: &[Finding], touched: &BTreeSet<String>) -> Vec<Finding> {
    // A finding's path is escaped; compare it with paths that went the same way.
    let shown = |path: &String| Finding::error(path, Place::START, "path", "", "").path;
    let touched: BTreeSet<String> = touched.iter().map(shown).collect();
    findings.into_iter().filter(|finding| touched.contains(&finding.path) || !before.contains(finding)).collect()
}
