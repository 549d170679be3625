//! Executions, stages and actions as they stand, the work that they hand out, and how it ends.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::definition::Pipeline;

/// A pipeline with its executions, in the order in which they began.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) pipeline: Pipeline,
    pub(super) executions: Vec<Execution>,
}

/// One execution. It runs by the definition that there was when it began.
#[derive(Debug, Clone)]
pub(super) struct Execution {
    pub(super) id: String,
    pub(super) pipeline: Pipeline,
    pub(super) status: Status,
    pub(super) trigger: &'static str,
    pub(super) client_token: Option<String>,
    pub(super) variables: BTreeMap<String, String>,
    pub(super) revision: Option<String>,
    pub(super) stages: Vec<StageRun>,
    pub(super) started_at: Timestamp,
    pub(super) changed_at: Timestamp,
    pub(super) reason: Option<String>,
}

/// What became of one stage in one execution. Without a status it has not been entered.
#[derive(Debug, Clone, Default)]
pub(super) struct StageRun {
    pub(super) status: Option<Status>,
    pub(super) actions: BTreeMap<String, ActionRun>,
}

/// What became of one action.
#[derive(Debug, Clone)]
pub(super) struct ActionRun {
    /// `actionExecutionId`.
    pub(super) id: String,
    /// The jobs of an action that invokes, each with an id of its own; the last is the one that may be answered.
    pub(super) jobs: Vec<String>,
    pub(super) status: Status,
    /// An approval's token, or what the outside calls the work.
    pub(super) external: String,
    pub(super) summary: Option<String>,
    pub(super) error: Option<String>,
    pub(super) by: Option<String>,
    pub(super) continuation: Option<String>,
    pub(super) changed_at: Timestamp,
}

/// The states of executions, stages and actions; not each has all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    InProgress,
    Succeeded,
    Failed,
    Stopping,
    Stopped,
    Superseded,
    Abandoned,
}

impl Status {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::InProgress => "InProgress",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Stopping => "Stopping",
            Self::Stopped => "Stopped",
            Self::Superseded => "Superseded",
            Self::Abandoned => "Abandoned",
        }
    }

    pub(super) fn runs(self) -> bool {
        matches!(self, Self::InProgress | Self::Stopping)
    }
}

/// What somebody outside has to do. [`Machine::done`](super::Machine::done) says how it ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Work {
    /// Run a CodeBuild project.
    Build {
        /// The action's execution.
        action: String,
        /// Which project.
        project: String,
        /// The action's configuration, with the pipeline's variables put in.
        configuration: BTreeMap<String, String>,
    },
    /// Invoke a function with a job, which it answers itself with `PutJobSuccessResult` or `PutJobFailureResult`.
    Invoke {
        /// The job.
        job: String,
        /// Which function.
        function: String,
        /// The event: `CodePipeline.job`.
        event: Value,
    },
}

/// How an action ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Well.
    Succeeded {
        /// Words for people.
        summary: Option<String>,
        /// Who said so, when a person or a role did.
        by: Option<String>,
    },
    /// Badly.
    Failed {
        /// Why.
        message: String,
        /// Who said so, when a person or a role did.
        by: Option<String>,
    },
}
