//! Jobs: a pipeline whose action invokes the provisioner, so that a push is provisioned by it and shown in it.
//!
//! A job only wakes, as an event does: what is provisioned is the head of the branch that it names. Its answer is how that run ended, in the
//! words of the commit status: succeeded; failed, with everything that needs somebody; or "in progress" when the run could not be
//! brought to its end, and then CodePipeline invokes the function again.
//!
//! The action says `UserParameters: {"repository": "owner/name", "branch": "main", "commit": "#{SourceVariables.CommitId}"}`. No policy of
//! IAM limits whose jobs the function may end, so only pipelines that are on its list (`PROVISION_PIPELINES`) are answered anything else than
//! that they failed, and nothing is provisioned for others.

use common::{
    domain::{
        cluster::{RunMode, Severity, wording},
        id::{BranchName, CommitSha, CorrelationId, JobId, RepositoryName, quoted},
    },
    event::{Outcome, ProvisioningFinished, Repository},
    fault::Fault,
    ports::{Answered, Clock, ClusterLedger, Forge, Job, JobEnd, PipelineJobs, Pipelines, Specs},
};
use jiff::Timestamp;
use serde::Deserialize;

use crate::handler::Provisioner;

/// What the action tells the function.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    repository: RepositoryName,
    branch: BranchName,
    commit: CommitSha,
}

impl<F, P, S, L, C> Provisioner<F, P, S, L, C>
where
    F: Forge,
    P: Pipelines + PipelineJobs,
    S: Specs,
    L: ClusterLedger,
    C: Clock,
{
    /// Answers a job.
    ///
    /// # Errors
    /// `Retry` or `Bug` when nobody knows whether CodePipeline has an answer: Lambda brings the job again.
    pub async fn job(&self, id: &JobId, deadline: Timestamp) -> Result<(), Fault> {
        let Some(job) = self.pipelines.job(id).await.map_err(|error| error.of_job(id))? else {
            tracing::info!(job = %id, "CodePipeline knows no such job: nobody waits for its answer");
            return Ok(());
        };
        let end = match self.asked(&job) {
            Ok((repository, parameters)) => self.provision(&job, &repository, &parameters, deadline).await,
            Err(why) => {
                tracing::warn!(job = %id, pipeline = quoted(&job.pipeline, 100), "a job is refused: {why}");
                JobEnd::Failed(why)
            }
        };
        match self.pipelines.end_job(id, &end).await.map_err(|error| error.of_job(id))? {
            Answered::Taken => {}
            Answered::Over => tracing::info!(job = %id, "nobody waits for the job's answer any more"),
        }
        Ok(())
    }

    /// What a job wants, when it may want it.
    fn asked(&self, job: &Job) -> Result<(Repository, Parameters), String> {
        if !self.invoked_by.contains(&job.pipeline) {
            tracing::info!(target: "metric", name = "ForeignJobs", value = 1_u64);
            let pipeline = quoted(&job.pipeline, 100);
            return Err(format!(
                "the pipeline {pipeline} may not invoke the provisioner: it is not in provision_pipelines"
            ));
        }
        let expected = r##"{"repository": "owner/name", "branch": "…", "commit": "#{SourceVariables.CommitId}"}"##;
        let text =
            job.parameters.as_deref().ok_or_else(|| format!("UserParameters is missing, expected {expected}"))?;
        let parameters: Parameters = serde_json::from_str(text)
            .map_err(|wrong| format!("UserParameters: {}, expected {expected}", quoted(&wrong.to_string(), 200)))?;
        let Parameters { repository: name, branch, .. } = &parameters;
        let listed = &self.governance.repositories.listed;
        let (id, _) = listed
            .iter()
            .find(|(_, entry)| entry.name == *name)
            .ok_or_else(|| format!("the repository {name} is not in repositories.yaml"))?;
        let repository = self.concerned(*id, branch).map_err(|why| format!("{branch} of {name}: {why}"))?;
        Ok((repository, parameters))
    }

    async fn provision(
        &self,
        job: &Job,
        repository: &Repository,
        parameters: &Parameters,
        deadline: Timestamp,
    ) -> JobEnd {
        let cause = CorrelationId::derived(["pipeline-provisioner", "job", job.id.as_str()]);
        match self.reconcile(repository, &parameters.branch, cause, deadline).await {
            Ok(None) => JobEnd::Failed(format!("{} has no branch {}", repository.name, parameters.branch)),
            Ok(Some(finished)) => answer(&finished, &parameters.commit),
            Err(fault) if fault.is_retry() => {
                tracing::warn!(job = %job.id, fault = fault.chain(), "a run for a pipeline did not come to its end");
                JobEnd::InProgress("the run did not come to its end, and is taken up again".to_owned())
            }
            Err(fault) => {
                tracing::error!(job = %job.id, fault = fault.chain(), "a run for a pipeline failed");
                JobEnd::Failed(fault.to_string())
            }
        }
    }
}

/// The answer that says how a run ended.
fn answer(finished: &ProvisioningFinished, commit: &CommitSha) -> JobEnd {
    let ProvisioningFinished { run, counts, results, findings, .. } = finished;
    let mut lines =
        vec![format!("{} at {}: {}", run.branch, run.head.short(), wording::counts(counts, &RunMode::Reconcile))];
    if run.head != *commit {
        lines.push(format!(
            "{} is no longer the head of {}: what stands at its head is provisioned",
            commit.short(),
            run.branch
        ));
    }
    if let Some(why) = &finished.stopped {
        lines.push(why.clone());
        return JobEnd::InProgress(lines.join("\n"));
    }
    let stands = |outcome: &Outcome| matches!(outcome, Outcome::Created | Outcome::Updated | Outcome::Unchanged);
    lines.extend(
        results.iter().filter(|result| !stands(&result.outcome)).flat_map(|result| wording::lines(result, &run.mode)),
    );
    lines.extend(findings.iter().filter(|finding| finding.severity == Severity::Error).map(ToString::to_string));
    let text = lines.join("\n");
    if finished.wants_mending() || finished.fell_short() { JobEnd::Failed(text) } else { JobEnd::Succeeded(text) }
}
