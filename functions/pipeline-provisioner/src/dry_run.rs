//! A plan for a pull request: what merging it would do to the pipelines, in words. Nothing is written but the two events.

use std::collections::{BTreeMap, BTreeSet};

use common::{
    domain::{
        cluster::{
            Finding, Place, RunMode,
            overlay::overlay,
            plan::{Action, Plan},
            tree::branches,
        },
        id::Generation,
    },
    event::{Envelope, Event, ProvisioningStarted, Repository, Run},
    fault::Fault,
    ports::{Clock, ClusterLedger, Forge, Pipelines, Specs},
};

use crate::{handler::Provisioner, load::load, report, telling::Telling};

/// The most files that a pull request may touch to be planned. Each costs a request, the App has a few thousand an hour for all of
/// its work, and anybody may open a pull request.
pub const MAX_TOUCHED: usize = 500;

impl<F: Forge, P: Pipelines, S: Specs, L: ClusterLedger, C: Clock> Provisioner<F, P, S, L, C> {
    /// Plans a pull request as the host has it now. A pull request that is closed, does not touch `deploy/` or goes to a
    /// branch that configures nothing gets no plan.
    ///
    /// # Errors
    /// Whatever could not be read.
    pub async fn dry_run(&self, repository: &Repository, number: u64, woken_by: &Envelope) -> Result<(), Fault> {
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
        let run = Run {
            repository: repository.clone(),
            branch: change.base_branch,
            head: change.head,
            generation: Generation(0),
            mode: RunMode::DryRun { number },
        };
        let correlation_id = woken_by.meta.correlation_id.clone();
        let telling = Telling { run, correlation_id, nonce: woken_by.meta.event_id.to_string() };
        let run = &telling.run;

        let common_ancestor = self.forge.merge_base(repository, &base, &run.head).await?;
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
            return Ok(());
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
        self.ledger.announce(&[telling.about_run(self.clock.now(), Event::ProvisioningFinished(finished))]).await
    }

    /// The end of a plan that was not begun, for the people at the pull request.
    async fn not_planned(&self, telling: &Telling, why: String) -> Result<(), Fault> {
        let finished = report::finished(&telling.run, Some(why), Vec::new(), Vec::new(), Vec::new());
        self.ledger.announce(&[telling.about_run(self.clock.now(), Event::ProvisioningFinished(finished))]).await
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
