//! The gates of the clusters' pipelines: which runs wait there, and answering them.

use std::{fmt, future::Future};

use jiff::Timestamp;

use super::PipelineError;
use crate::domain::{
    id::{CommitSha, ExecutionId, JobId, PipelineName},
    run::PastRun,
};

/// A run that waits at its gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingRun {
    /// Which execution.
    pub execution: ExecutionId,
    /// What it deploys; nothing when the service does not say.
    pub commit: Option<CommitSha>,
    /// Since when it waits.
    pub since: Timestamp,
    /// How it asks for its answer.
    pub request: GateRequest,
}

/// What is at the gate of a pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AtGate {
    /// Every run that waits there now.
    pub waiting: Vec<WaitingRun>,
    /// The last run that was there and is no more; nothing where none was, where another waits since, or where runs are side by side.
    pub left: Option<LeftRun>,
}

/// A run that has left its gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftRun {
    /// Which execution.
    pub execution: ExecutionId,
    /// Whether it went on; else it ended there.
    pub went_on: bool,
    /// Who answered, as the service names them: an ARN, mostly.
    pub by: Option<String>,
}

/// How a gate asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GateRequest {
    /// It is an approval, which takes its answer at any time.
    Approval(ApprovalToken),
    /// It invokes stage-gate, and this job wants its answer now.
    Job(JobId),
    /// It invokes stage-gate, and will again: the next job takes the answer.
    NextJob,
}

/// CodePipeline's name for one request for approval: of this execution, and of no other.
#[derive(Clone, PartialEq, Eq)]
pub struct ApprovalToken(pub(crate) String);

impl fmt::Debug for ApprovalToken {
    /// Whoever has it and the right role can answer: it is in no log.
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("ApprovalToken(…)")
    }
}

/// What a gate answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GateAnswer {
    /// The run goes on.
    Approve,
    /// The run ends here.
    Reject,
}

/// What became of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    /// The pipeline took it.
    Taken,
    /// The request is no longer open: it was answered before, or its run was stopped or superseded, or the gate is gone. Done, not to be
    /// tried again.
    Over,
}

/// The gates, as far as a decision needs them.
pub trait RunGates: Sync {
    /// What is at the gate of a pipeline now. Nothing for a pipeline that is gone or has no gate.
    fn at_gate(&self, pipeline: &PipelineName) -> impl Future<Output = Result<AtGate, PipelineError>> + Send;

    /// The latest executions of a pipeline, newest first: some hundreds, and none that is older than the service keeps. Nothing for a
    /// pipeline that is gone.
    fn history(&self, pipeline: &PipelineName) -> impl Future<Output = Result<Vec<PastRun>, PipelineError>> + Send;

    /// Answers one approval, with words for people (cut after 512 characters, which is what the service takes).
    ///
    /// Idempotent: a request is answered once, and every further answer is [`Answered::Over`].
    fn answer(
        &self,
        pipeline: &PipelineName,
        token: &ApprovalToken,
        answer: GateAnswer,
        summary: &str,
    ) -> impl Future<Output = Result<Answered, PipelineError>> + Send;
}
