//! Jobs of CodePipeline: what an action that invokes a function wants of it, and the answer.

use std::future::Future;

use super::{Answered, PipelineError};
use crate::{
    domain::id::{ExecutionId, JobId},
    fault::Fault,
};

/// A job, as CodePipeline says itself. Names are as it gives them: whether the pipeline is one of ours is for the caller to find out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Which.
    pub id: JobId,
    /// Whose: the pipeline's name, in the region of the function.
    pub pipeline: String,
    /// Of which execution.
    pub execution: ExecutionId,
    /// The stage of its action.
    pub stage: String,
    /// Its action.
    pub action: String,
    /// What the action's definition tells the function.
    pub parameters: Option<String>,
    /// Whether the function has said "in progress" before in this run of the action.
    pub continued: bool,
}

/// How a job ends. Words for people are cut to what the service takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobEnd {
    /// The action succeeded.
    Succeeded(String),
    /// The action failed.
    Failed(String),
    /// The action is still in progress: the pipeline invokes the function again, with another job.
    InProgress(String),
}

/// The jobs, as far as the functions that pipelines invoke need them.
pub trait PipelineJobs: Sync {
    /// A job; nothing when the service does not know it.
    fn job(&self, id: &JobId) -> impl Future<Output = Result<Option<Job>, PipelineError>> + Send;

    /// Ends a job.
    ///
    /// Idempotent: a job ends once, and every further end is [`Answered::Over`]; so is one whose run was stopped or superseded.
    fn end_job(&self, id: &JobId, end: &JobEnd) -> impl Future<Output = Result<Answered, PipelineError>> + Send;
}

impl PipelineError {
    /// The fault of whoever does not know, after this error, whether a job has its answer.
    pub fn of_job(self, id: &JobId) -> Fault {
        let what = format!("the job {id} could not be read or ended");
        if self.retry { Fault::retry_from(what, self) } else { Fault::bug_from(what, self) }
    }
}
