//! CodePipeline, and where the accepted files are kept for its runs.

use std::future::Future;

use crate::{
    domain::{
        cluster::{CompiledSpec, Execution, Listing, PipelineDefinition},
        id::{CommitSha, PipelineName},
    },
    fault::Fault,
};

/// Why a call to CodePipeline failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{step} failed: {code}: {message}")]
pub struct PipelineError {
    /// The call: `CreatePipeline`.
    pub step: &'static str,
    /// AWS's error code, or `timeout`, `dispatch`.
    pub code: String,
    /// AWS's message, escaped and cut.
    pub message: String,
    /// AWS's request id, for support.
    pub request_id: Option<String>,
    /// Whether the same call may pass later.
    pub retry: bool,
}

impl PipelineError {
    /// The code of an answer that came and does not say what a pipeline's must.
    pub const UNREADABLE: &str = "unreadable";

    /// Why this one pipeline cannot be read, when that is all that the error says: the service answered well for the caller, and
    /// asking again changes nothing. Nothing for whatever may pass or is not about the one pipeline, such as credentials that
    /// ended: then the reading as a whole failed.
    pub fn about_one(&self) -> Option<String> {
        let one = [
            "AccessDenied",
            "AccessDeniedException",
            "InvalidArnException",
            "PipelineNotFoundException",
            Self::UNREADABLE,
            "ValidationException",
        ];
        (!self.retry && one.contains(&self.code.as_str())).then(|| self.to_string())
    }
}

/// CodePipeline, as far as the provisioner uses it.
pub trait Pipelines: Sync {
    /// Every pipeline whose name could be ours (`rc-…`, `mc-…`), with tags and definition. One that is there and may not or cannot be
    /// read is named with the reason ([`PipelineError::about_one`]) and stops no other.
    ///
    /// # Errors
    /// Any other failure, also of one page or one pipeline: part of a listing is never the whole.
    fn list(&self) -> impl Future<Output = Result<Listing, PipelineError>> + Send;

    /// Makes a pipeline with its tags. AWS starts its first execution by itself.
    fn create(
        &self,
        definition: &PipelineDefinition,
        tags: &[(String, String)],
    ) -> impl Future<Output = Result<(), PipelineError>> + Send;

    /// Replaces a pipeline's definition.
    fn update(&self, definition: &PipelineDefinition) -> impl Future<Output = Result<(), PipelineError>> + Send;

    /// Removes a pipeline. Removing one that is gone is no error.
    fn delete(&self, name: &PipelineName) -> impl Future<Output = Result<(), PipelineError>> + Send;

    /// Starts a run with `IS_DESTROY=true`; the same token starts it once. Answers the execution's id.
    fn start_destroy(
        &self,
        name: &PipelineName,
        token: &str,
    ) -> impl Future<Output = Result<String, PipelineError>> + Send;

    /// Starts an ordinary run at a commit; the same token starts it once. Answers the execution's id.
    fn start(
        &self,
        name: &PipelineName,
        commit: &CommitSha,
        token: &str,
    ) -> impl Future<Output = Result<String, PipelineError>> + Send;

    /// The latest execution, or nothing when it never ran.
    fn latest_execution(
        &self,
        name: &PipelineName,
    ) -> impl Future<Output = Result<Option<Execution>, PipelineError>> + Send;
}

/// Where accepted files are kept in compiled form.
pub trait Specs: Sync {
    /// Stores what a pipeline's file compiles to under `specs/<pipeline>/<config_sha256>.json`; twice is the same.
    fn put(&self, pipeline: &PipelineName, spec: &CompiledSpec) -> impl Future<Output = Result<(), Fault>> + Send;
}
