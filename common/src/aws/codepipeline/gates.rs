//! The gate of a pipeline: the action that stands first in Deploy, an approval, or one that invokes stage-gate with jobs (`jobs.rs`).
//!
//! A token names one request of one execution. Where executions run one after another, the pipeline's state shows it; where they run side
//! by side it does not, and the request's name is its external execution id (CodePipeline API reference, PutApprovalResult). Never is
//! "the latest" answered.

use aws_sdk_codepipeline::{
    error::SdkError,
    operation::{
        get_pipeline_execution::GetPipelineExecutionError, get_pipeline_state::GetPipelineStateError,
        list_action_executions::ListActionExecutionsError, list_pipeline_executions::ListPipelineExecutionsError,
        put_approval_result::PutApprovalResultError,
    },
    types::{
        ActionCategory, ActionExecutionFilter, ActionExecutionStatus, ApprovalResult, ApprovalStatus, ExecutionMode,
        PipelineExecutionStatus, PipelineExecutionSummary,
    },
};
use aws_smithy_types::DateTime;

use super::{CodePipeline, failed, ours};
use crate::{
    aws::moment,
    domain::{
        cluster::{GATE_ACTION, GATE_STAGE},
        id::{CommitSha, PipelineName},
        run::{PastRun, RunState},
    },
    ports::{Answered, ApprovalToken, AtGate, GateAnswer, GateRequest, LeftRun, PipelineError, RunGates, WaitingRun},
};

/// The IAM actions that [`RunGates`] needs. `PutApprovalResult` is granted for our pipelines' gates, to one function.
pub const GATE_ACTIONS: &[&str] = &[
    "codepipeline:GetPipelineExecution",
    "codepipeline:GetPipelineState",
    "codepipeline:ListActionExecutions",
    "codepipeline:ListPipelineExecutions",
    "codepipeline:PutApprovalResult",
];

/// Those of them that only look.
pub const GATE_READ_ACTIONS: &[&str] = &[
    "codepipeline:GetPipelineExecution",
    "codepipeline:GetPipelineState",
    "codepipeline:ListActionExecutions",
    "codepipeline:ListPipelineExecutions",
];

/// The longest summary of an approval (API reference, ApprovalResult).
const SUMMARY: usize = 512;

/// How many executions a page of a history has (API reference, ListPipelineExecutions: at most 100), and how many pages are read.
const PAGE: i32 = 100;
const PAGES: usize = 3;

const LIST: &str = "ListPipelineExecutions";

/// A request that is open: its execution, how it asks, since when.
struct Open {
    execution: String,
    request: GateRequest,
    since: Option<DateTime>,
}

impl CodePipeline {
    /// The requests that are open: one call where a run waits or none ever came. Where the last visitor's request is over, a second one
    /// asks how executions run; side by side, each that is in progress is looked at by itself.
    async fn open(&self, pipeline: &PipelineName) -> Result<(Vec<Open>, Option<LeftRun>), PipelineError> {
        let state = match self.client.get_pipeline_state().name(pipeline.as_str()).send().await {
            Ok(state) => state,
            Err(error) if gone(&error) => return Ok((Vec::new(), None)),
            Err(error) => return Err(failed("GetPipelineState", &error)),
        };
        let stage =
            state.stage_states.into_iter().flatten().find(|stage| stage.stage_name.as_deref() == Some(GATE_STAGE));
        let Some(stage) = stage else { return Ok((Vec::new(), None)) };
        let actions = stage.action_states.into_iter().flatten();
        let gate = actions.into_iter().find(|action| action.action_name.as_deref() == Some(GATE_ACTION));
        let Some(latest) = gate.and_then(|gate| gate.latest_execution) else { return Ok((Vec::new(), None)) };
        let Some(run) = stage.latest_execution else {
            return Err(ours("GetPipelineState", "the answer has an approval and no execution"));
        };
        let execution = run.pipeline_execution_id;
        // A token may stand there after the answer: the status says whether anybody waits.
        let waits = latest.status == Some(ActionExecutionStatus::InProgress);
        let open = |request| Open { execution: execution.clone(), request, since: latest.last_status_change };
        match latest.token {
            Some(token) if waits => Ok((vec![open(GateRequest::Approval(ApprovalToken(token)))], None)),
            _ if self.runs_side_by_side(pipeline, &execution).await? => {
                Ok((self.open_side_by_side(pipeline).await?, None))
            }
            // An approval in progress has a token wherever runs are not side by side: this gate invokes.
            _ if waits => Ok((vec![open(GateRequest::NextJob)], None)),
            _ => {
                let went_on = match latest.status {
                    Some(ActionExecutionStatus::Succeeded) => true,
                    Some(ActionExecutionStatus::Failed | ActionExecutionStatus::Abandoned) => false,
                    _ => return Ok((Vec::new(), None)),
                };
                let execution = execution.parse().map_err(|error| ours("GetPipelineState", error))?;
                Ok((Vec::new(), Some(LeftRun { execution, went_on, by: latest.last_updated_by })))
            }
        }
    }

    async fn runs_side_by_side(&self, pipeline: &PipelineName, execution: &str) -> Result<bool, PipelineError> {
        let request = self.client.get_pipeline_execution().pipeline_name(pipeline.as_str());
        match request.pipeline_execution_id(execution).send().await {
            Ok(answer) => {
                let mode = answer.pipeline_execution.and_then(|execution| execution.execution_mode);
                Ok(mode == Some(ExecutionMode::Parallel))
            }
            Err(error) if no_execution(&error) => Ok(false),
            Err(error) => Err(failed("GetPipelineExecution", &error)),
        }
    }

    async fn open_side_by_side(&self, pipeline: &PipelineName) -> Result<Vec<Open>, PipelineError> {
        let mut open = Vec::new();
        let mut next = None;
        loop {
            let request = self.client.list_pipeline_executions().pipeline_name(pipeline.as_str());
            let answer = request.set_next_token(next).send().await;
            let answer = answer.map_err(|error| failed(LIST, &error))?;
            for summary in answer.pipeline_execution_summaries.into_iter().flatten() {
                if summary.status == Some(PipelineExecutionStatus::InProgress)
                    && let Some(execution) = summary.pipeline_execution_id
                {
                    open.extend(self.open_in(pipeline, &execution).await?);
                }
            }
            next = answer.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                return Ok(open);
            }
        }
    }

    /// The request of one execution, if it waits at the gate.
    async fn open_in(&self, pipeline: &PipelineName, execution: &str) -> Result<Vec<Open>, PipelineError> {
        let step = "ListActionExecutions";
        let mut open = Vec::new();
        let mut next = None;
        loop {
            let filter = ActionExecutionFilter::builder().pipeline_execution_id(execution).build();
            let request = self.client.list_action_executions().pipeline_name(pipeline.as_str()).filter(filter);
            let answer = match request.set_next_token(next).send().await {
                Ok(answer) => answer,
                Err(error) if is_gone(&error) => return Ok(Vec::new()),
                Err(error) => return Err(failed(step, &error)),
            };
            let waits = answer.action_execution_details.into_iter().flatten().filter(|action| {
                action.stage_name.as_deref() == Some(GATE_STAGE)
                    && action.action_name.as_deref() == Some(GATE_ACTION)
                    && action.status == Some(ActionExecutionStatus::InProgress)
            });
            for action in waits {
                let kind = action.input.and_then(|input| input.action_type_id).map(|kind| kind.category);
                let result = action.output.and_then(|output| output.execution_result);
                let request = match (kind, result.and_then(|result| result.external_execution_id)) {
                    (Some(ActionCategory::Invoke), _) => Some(GateRequest::NextJob),
                    (_, token) => token.map(|token| GateRequest::Approval(ApprovalToken(token))),
                };
                let (Some(execution), Some(request)) = (action.pipeline_execution_id, request) else {
                    return Err(ours(step, "an approval is open, and its execution or its external id is missing"));
                };
                open.push(Open { execution, request, since: action.last_update_time });
            }
            next = answer.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                return Ok(open);
            }
        }
    }

    /// What an execution deploys; nothing when it is gone, or does not say so in a way that names a commit.
    async fn commit(&self, pipeline: &PipelineName, execution: &str) -> Result<Option<CommitSha>, PipelineError> {
        let request = self.client.get_pipeline_execution().pipeline_name(pipeline.as_str());
        let answer = match request.pipeline_execution_id(execution).send().await {
            Ok(answer) => answer,
            Err(error) if no_execution(&error) => return Ok(None),
            Err(error) => return Err(failed("GetPipelineExecution", &error)),
        };
        let revisions =
            answer.pipeline_execution.and_then(|execution| execution.artifact_revisions).unwrap_or_default();
        // One source action is all that our pipelines have: of two revisions none would be the one that is approved.
        let [revision] = revisions.as_slice() else { return Ok(None) };
        Ok(revision.revision_id.as_deref().and_then(|commit| commit.parse().ok()))
    }
}

impl RunGates for CodePipeline {
    async fn at_gate(&self, pipeline: &PipelineName) -> Result<AtGate, PipelineError> {
        let mut waiting = Vec::new();
        let (open, left) = self.open(pipeline).await?;
        for Open { execution, request, since } in open {
            let commit = self.commit(pipeline, &execution).await?;
            waiting.push(WaitingRun {
                execution: execution.parse().map_err(|error| ours("GetPipelineState", error))?,
                commit,
                since: since
                    .and_then(moment)
                    .ok_or_else(|| ours("GetPipelineState", "an approval is open, and since when is missing"))?,
                request,
            });
        }
        Ok(AtGate { waiting, left })
    }

    async fn history(&self, pipeline: &PipelineName) -> Result<Vec<PastRun>, PipelineError> {
        let mut runs = Vec::new();
        let mut next = None;
        for _ in 0..PAGES {
            let request = self.client.list_pipeline_executions().pipeline_name(pipeline.as_str());
            let answer = match request.max_results(PAGE).set_next_token(next).send().await {
                Ok(answer) => answer,
                Err(error) if no_pipeline(&error) => return Ok(Vec::new()),
                Err(error) => return Err(failed(LIST, &error)),
            };
            for summary in answer.pipeline_execution_summaries.into_iter().flatten() {
                runs.push(past(summary)?);
            }
            next = answer.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                break;
            }
        }
        Ok(runs)
    }

    async fn answer(
        &self,
        pipeline: &PipelineName,
        token: &ApprovalToken,
        answer: GateAnswer,
        summary: &str,
    ) -> Result<Answered, PipelineError> {
        let step = "PutApprovalResult";
        let status = match answer {
            GateAnswer::Approve => ApprovalStatus::Approved,
            GateAnswer::Reject => ApprovalStatus::Rejected,
        };
        let summary: String = summary.chars().take(SUMMARY).collect();
        let result = ApprovalResult::builder().summary(summary).status(status).build();
        let call = self.client.put_approval_result().pipeline_name(pipeline.as_str());
        let call = call.stage_name(GATE_STAGE).action_name(GATE_ACTION).token(&token.0);
        let sent = call.result(result.map_err(|error| ours(step, error))?).send().await;
        match sent {
            Ok(_) => Ok(Answered::Taken),
            Err(error) if is_over(&error) => Ok(Answered::Over),
            Err(error) => Err(failed(step, &error)),
        }
    }
}

/// An execution as its summary says.
fn past(summary: PipelineExecutionSummary) -> Result<PastRun, PipelineError> {
    let missing = |what: &str| ours(LIST, format!("the answer has an execution without {what}"));
    let execution = summary.pipeline_execution_id.ok_or_else(|| missing("its id"))?;
    let began = summary.start_time.and_then(moment).ok_or_else(|| missing("its beginning"))?;
    // As in `commit`: of two revisions none is the one that was deployed.
    let commit = match summary.source_revisions.unwrap_or_default().as_slice() {
        [revision] => revision.revision_id.as_deref().and_then(|commit| commit.parse().ok()),
        _ => None,
    };
    let state = match summary.status {
        Some(PipelineExecutionStatus::Succeeded) => RunState::Succeeded,
        Some(PipelineExecutionStatus::InProgress | PipelineExecutionStatus::Stopping) => RunState::Running,
        _ => RunState::Ended,
    };
    Ok(PastRun {
        execution: execution.parse().map_err(|error| ours(LIST, error))?,
        commit,
        began,
        changed: summary.last_update_time.and_then(moment).unwrap_or(began),
        state,
    })
}

fn no_pipeline<R>(error: &SdkError<ListPipelineExecutionsError, R>) -> bool {
    error.as_service_error().is_some_and(ListPipelineExecutionsError::is_pipeline_not_found_exception)
}

fn gone<R>(error: &SdkError<GetPipelineStateError, R>) -> bool {
    error.as_service_error().is_some_and(GetPipelineStateError::is_pipeline_not_found_exception)
}

fn is_gone<R>(error: &SdkError<ListActionExecutionsError, R>) -> bool {
    error.as_service_error().is_some_and(ListActionExecutionsError::is_pipeline_not_found_exception)
}

fn no_execution<R>(error: &SdkError<GetPipelineExecutionError, R>) -> bool {
    error.as_service_error().is_some_and(|error| {
        error.is_pipeline_execution_not_found_exception() || error.is_pipeline_not_found_exception()
    })
}

/// Whether nobody waits for this answer any more.
fn is_over<R>(error: &SdkError<PutApprovalResultError, R>) -> bool {
    error.as_service_error().is_some_and(|error| {
        error.is_approval_already_completed_exception()
            || error.is_invalid_approval_token_exception()
            || error.is_pipeline_not_found_exception()
            || error.is_stage_not_found_exception()
            || error.is_action_not_found_exception()
    })
}
