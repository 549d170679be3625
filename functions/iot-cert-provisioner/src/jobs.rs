//! Jobs: the two actions of a management cluster's pipeline that invoke this function.
//!
//! A job only wakes. Whose it is says CodePipeline, asked by the job's id, and the cluster is the one whose record names that pipeline:
//! the action's parameters say what is done, and never for whom. A job of anybody else's is told that it failed.

use common::{
    domain::{
        cluster::{CERTIFICATE_ACTION, CERTIFICATE_REMOVAL_ACTION, CERTIFICATE_REMOVAL_STAGE, CERTIFICATE_STAGE},
        id::{CorrelationId, JobId, quoted},
    },
    fault::Fault,
    ports::{Accounts, Answered, CertificateRows, Clock, ClusterRecords, Job, JobEnd, PipelineJobs},
};

use crate::{
    handler::{CertificateProvisioner, Work},
    request::{Action, Destroy, Parameters},
};

impl<R, A, J, C> CertificateProvisioner<R, A, J, C>
where
    R: CertificateRows + ClusterRecords,
    A: Accounts,
    J: PipelineJobs,
    C: Clock,
{
    /// Answers a job.
    ///
    /// # Errors
    /// `Retry` or `Bug` when nobody knows whether CodePipeline has an answer: Lambda brings the job again.
    pub async fn job(&self, id: &JobId) -> Result<(), Fault> {
        let Some(job) = self.jobs.job(id).await.map_err(|error| error.of_job(id))? else {
            tracing::info!(job = %id, "CodePipeline knows no such job: nobody waits for its answer");
            return Ok(());
        };
        let end = match Box::pin(self.of_job(&job)).await {
            Ok(end) => end,
            Err(fault) if fault.is_retry() => {
                tracing::warn!(job = %id, fault = fault.chain(), "a certificate is not ready yet");
                JobEnd::InProgress(format!("{fault}: it is taken up again"))
            }
            Err(fault) => {
                tracing::error!(job = %id, fault = fault.chain(), "a job failed");
                JobEnd::Failed(fault.to_string())
            }
        };
        match self.jobs.end_job(id, &end).await.map_err(|error| error.of_job(id))? {
            Answered::Taken => {}
            Answered::Over => tracing::info!(job = %id, "nobody waits for the job's answer any more"),
        }
        Ok(())
    }

    async fn of_job(&self, job: &Job) -> Result<JobEnd, Fault> {
        let wanted = match (job.stage.as_str(), job.action.as_str()) {
            (CERTIFICATE_STAGE, CERTIFICATE_ACTION) => Action::Ensure,
            (CERTIFICATE_REMOVAL_STAGE, CERTIFICATE_REMOVAL_ACTION) => Action::Delete,
            _ => return Ok(foreign(job)),
        };
        let clusters = self.clusters().await?;
        let Some(cluster) = clusters.values().find(|record| record.pipeline.as_str() == job.pipeline) else {
            return Ok(foreign(job));
        };
        let expected = r##"{"action": "ensure" or "delete", "destroy": "#{variables.IS_DESTROY}"}"##;
        let parameters = job.parameters.as_deref().unwrap_or_default();
        let Parameters { action, destroy } = serde_json::from_str(parameters).map_err(|wrong| {
            Fault::reject(format!("UserParameters: {}, expected {expected}", quoted(&wrong.to_string(), 200)))
        })?;
        if action != wanted {
            return Ok(JobEnd::Failed(format!("{} is not what the action {} does", action.as_str(), job.action)));
        }
        // A run that destroys needs no certificate, and one that does not removes none.
        if (action == Action::Delete) != (destroy == Destroy::Yes) {
            return Ok(JobEnd::Succeeded("there is nothing to do in such a run".to_owned()));
        }
        let cause = CorrelationId::derived(["iot-cert-provisioner", &job.pipeline, job.execution.as_str()]);
        let request = job.execution.as_str().parse().map_err(|error| Fault::bug_from("naming a request", error))?;
        let answer = self
            .work(Work { cluster: cluster.cluster.clone(), action, request, csr: None, certificate: None, cause })
            .await?;
        Ok(JobEnd::Succeeded(answer.reasons.join("\n")))
    }
}

fn foreign(job: &Job) -> JobEnd {
    let [pipeline, stage, action] = [&job.pipeline, &job.stage, &job.action].map(|name| quoted(name, 100));
    let why = format!("Penstock has no certificate action {action} in stage {stage} of a pipeline {pipeline}");
    tracing::warn!(job = %job.id, "{why}");
    tracing::info!(target: "metric", name = "ForeignJobs", value = 1_u64);
    JobEnd::Failed(why)
}
