//! Say what the gate says, then answer the pipeline. What is said is one transaction (what was said last, audit entry, event); who stops
//! behind it finds the run still waiting, decides anew and answers. Should it be another decision by then, such as over a hold that was
//! placed in between, it is said as well, and holds.

use std::collections::BTreeMap;

use common::{
    domain::{
        cluster::ClusterKey,
        id::CorrelationId,
        run::{Unmet, Verdict},
    },
    fault::Fault,
    ports::{
        Alarms, Answered, AtGate, CertificateRecords, ClusterRecords, Forge, GateAnswer, GateRequest, JobEnd, Patience,
        Pause, PipelineJobs, RunChange, RunGates, RunRows, RunSaid, SaidCommitted, WaitingRun,
    },
};

use super::{Cluster, ClusterGates, case::Case, telling, unread};

impl<R, G, A, F, C> ClusterGates<R, G, A, F, C>
where
    R: CertificateRecords + RunRows + ClusterRecords,
    G: RunGates + PipelineJobs,
    A: Alarms,
    F: Forge,
    C: Pause,
{
    /// Decides over every run that waits at a cluster's gate, and looks whether the last one left it in another way. A fault over one does
    /// not keep the others.
    ///
    /// # Errors
    /// The first fault, once all were looked at.
    pub async fn consider(
        &self,
        cluster: &Cluster,
        clusters: &BTreeMap<ClusterKey, Cluster>,
        cause: &CorrelationId,
    ) -> Result<(), Fault> {
        let AtGate { waiting, left } =
            self.gates.at_gate(&cluster.pipeline).await.map_err(|error| unread(cluster, error))?;
        let mut first = match left {
            Some(left) => self.notice(cluster, &left, cause).await,
            None => Ok(()),
        };
        for waiting in waiting {
            if let Err(fault) = self.settle(cluster, clusters, waiting, cause).await
                && first.is_ok()
            {
                first = Err(fault);
            }
        }
        first
    }

    /// Decides over one run and does what follows. A gate that asks by jobs is told why it waits between two of them; that it opens, or
    /// ends its run, is said with the answer to the next.
    ///
    /// # Errors
    /// `Retry` when the outcome is not known.
    pub async fn settle(
        &self,
        cluster: &Cluster,
        clusters: &BTreeMap<ClusterKey, Cluster>,
        waiting: WaitingRun,
        cause: &CorrelationId,
    ) -> Result<Case, Fault> {
        let mut patience = Patience::new(&self.clock);
        loop {
            let case = self.look_at(cluster, clusters, waiting.clone()).await?;
            if case.waiting.request == GateRequest::NextJob && case.decision.verdict != Verdict::Hold {
                return Ok(case);
            }
            if self.say(cluster, &case, cause).await? {
                self.carry_out(cluster, &case).await?;
                return Ok(case);
            }
            self.again(&mut patience, &format!("deciding over a run of {}", cluster.key)).await?;
        }
    }

    /// Says what the gate says, if it is news; false when somebody else said something since it was read.
    async fn say(&self, cluster: &Cluster, case: &Case, cause: &CorrelationId) -> Result<bool, Fault> {
        let (before, now) = (case.record.told.clone(), case.told());
        if !now.is_news(before.as_ref()) {
            return Ok(true);
        }
        let change = RunChange {
            events: vec![telling::at_gate(cluster, case, &self.governance.people, cause)],
            entry: telling::decided(cluster, case, cause),
            said: RunSaid::Gate { pipeline: cluster.pipeline.clone(), before, now },
        };
        Ok(self.rows.commit_run(&change).await? == SaidCommitted::Done)
    }

    async fn carry_out(&self, cluster: &Cluster, case: &Case) -> Result<(), Fault> {
        let (metric, summary) = match case.decision.verdict {
            Verdict::Hold => (None, waits(case)),
            Verdict::Admit => (Some("RunGatesApproved"), approved(case)),
            Verdict::Reject => (Some("RunGatesRejected"), rejected(case)),
        };
        let answer = |token, answer| self.gates.answer(&cluster.pipeline, token, answer, &summary);
        let answered = match (&case.waiting.request, case.decision.verdict) {
            (GateRequest::Approval(_), Verdict::Hold) | (GateRequest::NextJob, _) => return Ok(()),
            (GateRequest::Approval(token), Verdict::Admit) => answer(token, GateAnswer::Approve).await,
            (GateRequest::Approval(token), Verdict::Reject) => answer(token, GateAnswer::Reject).await,
            (GateRequest::Job(job), verdict) => {
                let end = match verdict {
                    Verdict::Hold => JobEnd::InProgress(summary.clone()),
                    Verdict::Admit => JobEnd::Succeeded(summary.clone()),
                    Verdict::Reject => JobEnd::Failed(summary.clone()),
                };
                self.gates.end_job(job, &end).await
            }
        };
        let execution = case.waiting.execution.as_str();
        match answered.map_err(|error| unread(cluster, error))? {
            Answered::Taken => {
                tracing::info!(cluster = %cluster.key, execution, "{summary}");
                if let Some(name) = metric {
                    tracing::info!(target: "metric", name, value = 1_u64);
                }
            }
            Answered::Over => {
                tracing::info!(cluster = %cluster.key, execution, "nobody waits for this answer any more: {summary}");
            }
        }
        Ok(())
    }
}

fn waits(case: &Case) -> String {
    let missing = case.decision.unmet.iter().map(Unmet::sentence);
    format!("Penstock keeps it: {}", missing.collect::<Vec<_>>().join("; "))
}

fn approved(case: &Case) -> String {
    let names: Vec<String> = case.approved_by().iter().map(ToString::to_string).collect();
    match names.as_slice() {
        [] => "Penstock lets it go on: nothing is missing".to_owned(),
        names => format!("Penstock lets it go on: approved by {}", names.join(", ")),
    }
}

fn rejected(case: &Case) -> String {
    let reasons = case.decision.unmet.iter().filter(|unmet| unmet.is_final()).map(Unmet::sentence);
    format!("Penstock ends it: {}", reasons.collect::<Vec<_>>().join("; "))
}
