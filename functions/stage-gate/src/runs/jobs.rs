//! Gates that invoke this function: a job of CodePipeline's is answered with the same decision as an approval. While the gate is shut the
//! answer is "in progress", and CodePipeline invokes the function again with another job.
//!
//! The job only wakes. Whose it is says CodePipeline, asked by the job's id; whether that is a gate of ours say the cluster records, for no
//! policy of IAM limits who ends which job. A job of anybody else's is told that it failed, and opens nothing. An action whose job gets no
//! answer hangs for 20 minutes and fails (CodePipeline quotas), so each job is answered: what cannot be decided is "in progress".

use common::{
    domain::{
        cluster::{GATE_ACTION, GATE_STAGE},
        id::{CorrelationId, JobId, quoted},
    },
    fault::Fault,
    ports::{
        Alarms, Answered, CertificateRecords, ClusterRecords, Forge, GateRequest, Job, JobEnd, Pause, PipelineJobs,
        RunGates, RunRows, WaitingRun,
    },
};

use super::ClusterGates;

/// What became of a job.
enum Outcome {
    /// The decision over its run was its answer.
    Decided,
    /// It is still to be ended, like this.
    Undecided(JobEnd),
}

impl<R, G, A, F, C> ClusterGates<R, G, A, F, C>
where
    R: CertificateRecords + RunRows + ClusterRecords,
    G: RunGates + PipelineJobs,
    A: Alarms,
    F: Forge,
    C: Pause,
{
    /// Answers a job.
    ///
    /// # Errors
    /// `Retry` or `Bug` when nobody knows whether CodePipeline has an answer: Lambda brings the job again.
    pub async fn job(&self, id: &JobId) -> Result<(), Fault> {
        let Some(job) = self.gates.job(id).await.map_err(|error| error.of_job(id))? else {
            tracing::info!(job = %id, "CodePipeline knows no such job: nobody waits for its answer");
            return Ok(());
        };
        let end = match self.of_job(&job).await {
            Ok(Outcome::Decided) => return Ok(()),
            Ok(Outcome::Undecided(end)) => end,
            Err(fault) => {
                tracing::error!(job = %id, pipeline = quoted(&job.pipeline, 100), fault = fault.chain(), "a gate could not be decided over");
                tracing::info!(target: "metric", name = "RunGatesFailed", value = 1_u64);
                JobEnd::InProgress("Penstock could not decide, and looks again".to_owned())
            }
        };
        match self.gates.end_job(id, &end).await.map_err(|error| error.of_job(id))? {
            Answered::Taken => {}
            Answered::Over => tracing::info!(job = %id, "nobody waits for the job's answer any more"),
        }
        Ok(())
    }

    async fn of_job(&self, job: &Job) -> Result<Outcome, Fault> {
        let clusters = self.clusters().await?;
        let cluster = clusters.values().find(|cluster| cluster.pipeline.as_str() == job.pipeline);
        let is_gate = (job.stage.as_str(), job.action.as_str()) == (GATE_STAGE, GATE_ACTION);
        let Some(cluster) = cluster.filter(|_| is_gate) else {
            let [pipeline, stage, action] = [&job.pipeline, &job.stage, &job.action].map(|name| quoted(name, 100));
            let why = format!("Penstock has no gate {action} in stage {stage} of a pipeline {pipeline}");
            tracing::warn!(job = %job.id, "{why}");
            tracing::info!(target: "metric", name = "ForeignJobs", value = 1_u64);
            return Ok(Outcome::Undecided(JobEnd::Failed(why)));
        };
        let waits = |run: &WaitingRun| run.execution == job.execution;
        let Some(mut waiting) = self.waiting(cluster).await?.into_iter().find(waits) else {
            // It has been stopped or decided, which CodePipeline says when the job is ended; or its state does not show it yet.
            return Ok(Outcome::Undecided(JobEnd::InProgress("Penstock does not see it at its gate yet".to_owned())));
        };
        waiting.request = GateRequest::Job(job.id.clone());
        let cause = CorrelationId::derived(["stage-gate", &job.pipeline, job.execution.as_str()]);
        self.settle(cluster, &clusters, waiting, &cause).await.map(|_| Outcome::Decided)
    }
}
