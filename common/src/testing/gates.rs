//! The gates of pipelines in memory: runs that wait, what they were answered, and the histories of pipelines.

use std::collections::BTreeMap;

use crate::{
    domain::{
        id::{CommitSha, ExecutionId, PipelineName},
        run::PastRun,
    },
    ports::{Answered, ApprovalToken, AtGate, GateAnswer, GateRequest, LeftRun, PipelineError, RunGates, WaitingRun},
    testing::World,
};

#[derive(Default)]
pub(super) struct State {
    pub(super) waiting: BTreeMap<PipelineName, Vec<WaitingRun>>,
    histories: BTreeMap<PipelineName, Vec<PastRun>>,
    answers: Vec<GivenAnswer>,
    pub(super) left: BTreeMap<PipelineName, LeftRun>,
}

/// An answer that a pipeline took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenAnswer {
    /// Whose run.
    pub pipeline: PipelineName,
    /// Which.
    pub execution: ExecutionId,
    /// What it was answered.
    pub answer: GateAnswer,
    /// With which words.
    pub summary: String,
}

impl World {
    /// A run of a pipeline comes to its gate.
    pub fn wait_at_gate(&self, pipeline: &PipelineName, execution: &ExecutionId, commit: Option<&CommitSha>) {
        let mut state = self.state();
        let run = WaitingRun {
            execution: execution.clone(),
            commit: commit.cloned(),
            since: state.now,
            request: GateRequest::Approval(ApprovalToken(format!("{pipeline}/{execution}"))),
        };
        state.gates.waiting.entry(pipeline.clone()).or_default().push(run);
    }

    /// A run leaves its gate without us: somebody answered in the console, or it was stopped.
    pub fn leave_gate(&self, pipeline: &PipelineName, execution: &ExecutionId, went_on: bool, by: &str) {
        let mut state = self.state();
        if let Some(waiting) = state.gates.waiting.get_mut(pipeline) {
            waiting.retain(|run| run.execution != *execution);
        }
        let left = LeftRun { execution: execution.clone(), went_on, by: Some(by.to_owned()) };
        state.gates.left.insert(pipeline.clone(), left);
    }

    /// Says what ran in a pipeline.
    pub fn set_history(&self, pipeline: &PipelineName, history: Vec<PastRun>) {
        self.state().gates.histories.insert(pipeline.clone(), history);
    }

    /// The answers that pipelines took, in order.
    pub fn gate_answers(&self) -> Vec<GivenAnswer> {
        self.state().gates.answers.clone()
    }
}

impl RunGates for World {
    async fn at_gate(&self, pipeline: &PipelineName) -> Result<AtGate, PipelineError> {
        self.call("CodePipeline.GetPipelineState", pipeline.as_str(), false, |state| {
            let waiting = state.gates.waiting.get(pipeline).cloned().unwrap_or_default();
            let left = state.gates.left.get(pipeline).filter(|_| waiting.is_empty()).cloned();
            Ok(AtGate { waiting, left })
        })
    }

    async fn history(&self, pipeline: &PipelineName) -> Result<Vec<PastRun>, PipelineError> {
        self.call("CodePipeline.ListPipelineExecutions", pipeline.as_str(), false, |state| {
            Ok(state.gates.histories.get(pipeline).cloned().unwrap_or_default())
        })
    }

    async fn answer(
        &self,
        pipeline: &PipelineName,
        token: &ApprovalToken,
        answer: GateAnswer,
        summary: &str,
    ) -> Result<Answered, PipelineError> {
        self.call("CodePipeline.PutApprovalResult", pipeline.as_str(), true, |state| {
            let waiting = state.gates.waiting.entry(pipeline.clone()).or_default();
            let asked = |run: &WaitingRun| run.request == GateRequest::Approval(token.clone());
            let Some(at) = waiting.iter().position(asked) else { return Ok(Answered::Over) };
            let WaitingRun { execution, .. } = waiting.remove(at);
            let went_on = answer == GateAnswer::Approve;
            let left = LeftRun { execution: execution.clone(), went_on, by: Some("stage-gate".to_owned()) };
            state.gates.left.insert(pipeline.clone(), left);
            let (pipeline, summary) = (pipeline.clone(), summary.to_owned());
            state.gates.answers.push(GivenAnswer { pipeline, execution, answer, summary });
            Ok(Answered::Taken)
        })
    }
}
