//! What people answer at a gate. It is kept for this run at this commit, and the gate decides at once.

use common::{
    domain::{
        access::{self, Action, Actor},
        cluster::ClusterKey,
        id::{CommitSha, CorrelationId, Digest, ExecutionId},
        run::{Answer, Approval, Told},
    },
    fault::Fault,
    ports::{
        Alarms, CertificateRecords, ClusterRecords, Forge, Patience, Pause, PipelineJobs, RunChange, RunGates, RunRows,
        RunSaid, SaidCommitted, WaitingRun,
    },
};

use super::{Cluster, ClusterGates, case::Case, telling};

/// An answer that somebody gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saying {
    /// What.
    pub answer: Answer,
    /// The commit that they were shown, when they say it.
    pub commit: Option<CommitSha>,
    /// Why.
    pub reason: Option<String>,
    /// By which personal link, as the digest that is kept of it.
    pub link: Option<Digest>,
}

/// What became of an answer.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// It counts; this is what the gate says now.
    Decided(Box<Case>),
    /// It is not theirs to give; why.
    Forbidden(String),
    /// Nobody waits for it; what the gate said last of the run, if it said anything.
    NotWaiting(Option<Told>),
    /// The run deploys another commit than they were shown.
    Another(CommitSha),
    /// The link that it came by has taken another answer.
    Used,
    /// There is no such cluster.
    NoCluster,
}

impl<R, G, A, F, C> ClusterGates<R, G, A, F, C>
where
    R: CertificateRecords + RunRows + ClusterRecords,
    G: RunGates + PipelineJobs,
    A: Alarms,
    F: Forge,
    C: Pause,
{
    /// Takes somebody's answer to one run, however they gave it. It says nothing of any other.
    ///
    /// # Errors
    /// `Retry` when the outcome is not known: the same answer finds it out.
    pub async fn answer(
        &self,
        key: &ClusterKey,
        execution: &ExecutionId,
        saying: &Saying,
        actor: &Actor,
        cause: &CorrelationId,
    ) -> Result<Outcome, Fault> {
        if let Err(forbidden) = access::may(actor, Action::AnswerRun) {
            return Ok(Outcome::Forbidden(forbidden.to_string()));
        }
        let by = &actor.person;
        let clusters = self.clusters().await?;
        let Some(cluster) = clusters.get(key) else { return Ok(Outcome::NoCluster) };
        let mut patience = Patience::new(&self.clock);
        loop {
            let waits = |run: &WaitingRun| run.execution == *execution;
            let Some(waiting) = self.waiting(cluster).await?.into_iter().find(waits) else {
                return Ok(Outcome::NotWaiting(self.rows.run(&cluster.pipeline, execution).await?.told));
            };
            let case = self.look_at(cluster, &clusters, waiting.clone()).await?;
            if let Err(reason) = case.counts(by, saying.answer) {
                return Ok(Outcome::Forbidden(reason));
            }
            // Without a commit nobody's answer counts.
            let Some(commit) = waiting.commit.clone() else { return Ok(Outcome::NotWaiting(case.record.told)) };
            if saying.commit.as_ref().is_some_and(|shown| *shown != commit) {
                return Ok(Outcome::Another(commit));
            }
            let approval = Approval {
                by: by.clone(),
                answer: saying.answer,
                execution: execution.clone(),
                commit,
                at: case.at,
                reason: saying.reason.clone(),
                link: saying.link.clone(),
            };
            let change = RunChange {
                entry: telling::answered(cluster, &approval, cause),
                said: RunSaid::Answer(cluster.pipeline.clone(), approval),
                events: Vec::new(),
            };
            match self.rows.commit_run(&change).await? {
                SaidCommitted::Already if !self.given(cluster, execution, saying, actor).await? => {
                    return Ok(Outcome::Used);
                }
                SaidCommitted::Done | SaidCommitted::Already => {
                    let case = self.settle(cluster, &clusters, waiting, cause).await?;
                    return Ok(Outcome::Decided(Box::new(case)));
                }
                SaidCommitted::Conflict => self.again(&mut patience, &format!("answering a run of {key}")).await?,
            }
        }
    }

    /// Whether somebody has given this answer to a run, in whatever way.
    pub(super) async fn given(
        &self,
        cluster: &Cluster,
        execution: &ExecutionId,
        saying: &Saying,
        actor: &Actor,
    ) -> Result<bool, Fault> {
        let given = self.rows.run(&cluster.pipeline, execution).await?.approvals;
        Ok(given.iter().any(|given| given.by == actor.person && given.answer == saying.answer))
    }
}
