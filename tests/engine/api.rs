//! The operations that the engine answers itself, in AWS's JSON (API reference). What is not here is the emulator's.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    definition::{Kind, Mode},
    execution::{Outcome, Status},
    machine::Machine,
    state,
};

/// An error as AWS answers it: status 400 with `__type`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// `InvalidApprovalTokenException`.
    pub kind: &'static str,
    /// What was wrong.
    pub message: String,
}

pub(super) fn error(kind: &'static str, message: impl Into<String>) -> ApiError {
    ApiError { kind, message: message.into() }
}

fn read<'b, T: Deserialize<'b>>(body: &'b Value) -> Result<T, ApiError> {
    T::deserialize(body).map_err(|wrong| error("ValidationException", wrong.to_string()))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Start {
    name: String,
    #[serde(default)]
    client_request_token: Option<String>,
    #[serde(default)]
    variables: Vec<Given>,
    #[serde(default)]
    source_revisions: Vec<Revision>,
}

#[derive(Deserialize)]
struct Given {
    name: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Revision {
    revision_value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Approval {
    pipeline_name: String,
    stage_name: String,
    action_name: String,
    result: ApprovalResult,
    token: String,
}

#[derive(Deserialize)]
struct ApprovalResult {
    summary: String,
    status: ApprovalStatus,
}

#[derive(Deserialize)]
enum ApprovalStatus {
    Approved,
    Rejected,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JobSuccess {
    job_id: String,
    #[serde(default)]
    continuation_token: Option<String>,
    #[serde(default)]
    execution_details: Option<ExecutionDetails>,
}

#[derive(Deserialize)]
struct ExecutionDetails {
    #[serde(default)]
    summary: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JobFailure {
    job_id: String,
    failure_details: FailureDetails,
}

#[derive(Deserialize)]
struct FailureDetails {
    message: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Job {
    job_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stop {
    pipeline_name: String,
    pipeline_execution_id: String,
    #[serde(default)]
    abandon: bool,
    #[serde(default)]
    reason: Option<String>,
}

impl Machine {
    /// Answers an operation; nothing when it is not the engine's. `by` is who calls, as an ARN.
    pub fn call(&mut self, operation: &str, body: &Value, by: &str) -> Option<Result<Value, ApiError>> {
        Some(match operation {
            "StartPipelineExecution" => read(body).and_then(|start| self.start_execution(start)),
            "StopPipelineExecution" => read(body).and_then(|stop| self.stop_execution(stop)),
            "GetPipelineState" => state::of_pipeline(self, body),
            "GetPipelineExecution" => state::of_execution(self, body),
            "ListPipelineExecutions" => state::executions(self, body),
            "ListActionExecutions" => state::actions(self, body),
            "PutApprovalResult" => read(body).and_then(|approval| self.approve(approval, by)),
            "GetJobDetails" => read(body).and_then(|Job { job_id }| self.job(&job_id)),
            "PutJobSuccessResult" => read(body).and_then(|done| self.job_succeeded(done)),
            "PutJobFailureResult" => read(body).and_then(|failed: JobFailure| {
                let outcome = Outcome::Failed { message: failed.failure_details.message, by: None };
                self.job_done(&failed.job_id, outcome)
            }),
            "RetryStageExecution"
            | "RollbackStage"
            | "OverrideStageCondition"
            | "DisableStageTransition"
            | "EnableStageTransition"
            | "PollForJobs"
            | "AcknowledgeJob" => Err(error("ValidationException", format!("the engine does not know {operation}"))),
            _ => return None,
        })
    }

    fn start_execution(&mut self, start: Start) -> Result<Value, ApiError> {
        let given: BTreeMap<_, _> = start.variables.into_iter().map(|given| (given.name, given.value)).collect();
        if let Some(running) = self.pipelines.get(&start.name) {
            let known = |name: &String| running.pipeline.variables.iter().any(|variable| variable.name == *name);
            if let Some(unknown) = given.keys().find(|name| !known(name)) {
                return Err(error("ValidationException", format!("the pipeline has no variable {unknown}")));
            }
        }
        let revision = start.source_revisions.into_iter().next().map(|revision| revision.revision_value);
        let token = start.client_request_token.as_deref();
        let id = self.start(&start.name, "StartPipelineExecution", token, revision, &given);
        let id = id.ok_or_else(|| none(&start.name))?;
        Ok(json!({"pipelineExecutionId": id}))
    }

    fn stop_execution(&mut self, stop: Stop) -> Result<Value, ApiError> {
        let Stop { pipeline_name, pipeline_execution_id, abandon, reason } = stop;
        if !self.pipelines.contains_key(&pipeline_name) {
            return Err(none(&pipeline_name));
        }
        if self.stop(&pipeline_name, &pipeline_execution_id, abandon, reason) {
            return Ok(json!({"pipelineExecutionId": pipeline_execution_id}));
        }
        Err(error("PipelineExecutionNotStoppableException", "it is not in progress, or is being stopped"))
    }

    fn approve(&mut self, approval: Approval, by: &str) -> Result<Value, ApiError> {
        let Approval { pipeline_name, stage_name, action_name, result, token } = approval;
        let running = self.pipelines.get(&pipeline_name).ok_or_else(|| none(&pipeline_name))?;
        let stage = running.pipeline.stages.iter().position(|stage| stage.name == stage_name);
        let stage = stage.ok_or_else(|| error("StageNotFoundException", format!("no stage {stage_name}")))?;
        let action = running.pipeline.stages[stage].actions.iter().find(|action| action.name == action_name);
        if action.is_none_or(|action| action.kind() != Some(Kind::Approval)) {
            return Err(error("ActionNotFoundException", format!("no approval action {action_name} in {stage_name}")));
        }
        let runs = running.executions.iter().filter_map(|one| one.stages.get(stage)?.actions.get(&action_name));
        let run = runs.into_iter().find(|run| run.external == token);
        let run = run.ok_or_else(|| error("InvalidApprovalTokenException", "no approval request has this token"))?;
        if run.status != Status::InProgress {
            return Err(error("ApprovalAlreadyCompletedException", "the request has been answered"));
        }
        if result.summary.chars().count() > 512 {
            return Err(error("ValidationException", "the summary has more than 512 characters"));
        }
        let (id, by) = (run.id.clone(), Some(by.to_owned()));
        let outcome = match result.status {
            ApprovalStatus::Approved => Outcome::Succeeded { summary: Some(result.summary), by },
            ApprovalStatus::Rejected => Outcome::Failed { message: result.summary, by },
        };
        self.done(&id, outcome);
        Ok(json!({"approvedAt": state::seconds(self.now)}))
    }

    fn job(&self, id: &str) -> Result<Value, ApiError> {
        let (action_execution, _) = self.of_job(id).ok_or_else(|| no_job(id))?;
        let (name, at, stage, action) = self.find(&action_execution).ok_or_else(|| no_job(id))?;
        let execution = &self.pipelines[&name].executions[at];
        let defined = execution.pipeline.stages[stage].actions.iter().find(|one| one.name == action);
        let defined = defined.ok_or_else(|| no_job(id))?;
        let mut data = json!({
            "actionTypeId": defined.action_type_id,
            "actionConfiguration": {"configuration": self.configuration(&name, at, stage, &action)},
            "pipelineContext": {
                "pipelineName": name,
                "pipelineArn": format!("arn:aws:codepipeline:{}:{}:{name}", self.region, self.account),
                "pipelineExecutionId": execution.id,
                "stage": {"name": execution.pipeline.stages[stage].name},
                "action": {"name": action, "actionExecutionId": action_execution},
            },
            "inputArtifacts": [], "outputArtifacts": [],
            "artifactCredentials": {"accessKeyId": "", "secretAccessKey": "", "sessionToken": ""},
        });
        if let Some(token) = &execution.stages[stage].actions[&action].continuation {
            data["continuationToken"] = json!(token);
        }
        Ok(json!({"jobDetails": {"id": id, "accountId": self.account, "data": data}}))
    }

    fn job_succeeded(&mut self, done: JobSuccess) -> Result<Value, ApiError> {
        let summary = done.execution_details.and_then(|details| details.summary);
        longest("the summary", summary.as_deref().unwrap_or_default(), 2_048)?;
        match done.continuation_token {
            Some(token) => {
                longest("the continuation token", &token, 2_048)?;
                let action = self.open_job(&done.job_id)?;
                self.invoke_again(&action, &token, summary);
                Ok(json!({}))
            }
            None => self.job_done(&done.job_id, Outcome::Succeeded { summary, by: None }),
        }
    }

    fn job_done(&mut self, id: &str, outcome: Outcome) -> Result<Value, ApiError> {
        if let Outcome::Failed { message, .. } = &outcome {
            longest("the message", message, 5_000)?;
        }
        let action = self.open_job(id)?;
        self.done(&action, outcome);
        Ok(json!({}))
    }

    /// The action's execution that waits for the answer to this very job.
    fn open_job(&self, id: &str) -> Result<String, ApiError> {
        match self.of_job(id) {
            Some((action, true)) => Ok(action),
            Some((_, false)) => Err(error("InvalidJobStateException", "the job is not in progress")),
            None => Err(no_job(id)),
        }
    }

    /// Whether tokens of approvals are in the pipeline's state: not where executions are side by side, each with its own request.
    pub(super) fn shows_tokens(&self, name: &str) -> bool {
        self.pipelines.get(name).is_some_and(|running| running.pipeline.execution_mode != Mode::Parallel)
    }
}

pub(super) fn none(pipeline: &str) -> ApiError {
    error("PipelineNotFoundException", format!("no pipeline {pipeline}"))
}

fn longest(what: &str, text: &str, most: usize) -> Result<(), ApiError> {
    if text.chars().count() <= most {
        return Ok(());
    }
    Err(error("ValidationException", format!("{what} has more than {most} characters")))
}

fn no_job(id: &str) -> ApiError {
    error("JobNotFoundException", format!("no job {id}"))
}
