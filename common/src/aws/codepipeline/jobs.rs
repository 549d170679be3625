//! Jobs: what CodePipeline says of the job that it invoked a function with, and how the function ends it.
//!
//! `GetJobDetails` answers with credentials for the pipeline's artifacts and with the secrets of its action (API reference). Nothing of that
//! leaves this file: [`Job`] has no place for it, and the SDK marks the answer as one that is never logged. None of the three calls can be
//! limited to a pipeline by IAM, so whoever calls compares the job with what it has on record.

use aws_sdk_codepipeline::{
    error::SdkError,
    operation::{
        get_job_details::GetJobDetailsError, put_job_failure_result::PutJobFailureResultError,
        put_job_success_result::PutJobSuccessResultError,
    },
    types::{ActionConfiguration, ExecutionDetails, FailureDetails, FailureType, JobData, PipelineContext},
};

use super::{CodePipeline, failed, ours};
use crate::{
    domain::id::JobId,
    ports::{Answered, Job, JobEnd, PipelineError, PipelineJobs},
};

/// The IAM actions that [`PipelineJobs`] needs: granted to the functions that pipelines invoke, and to nobody else.
pub const JOB_ACTIONS: &[&str] =
    &["codepipeline:GetJobDetails", "codepipeline:PutJobFailureResult", "codepipeline:PutJobSuccessResult"];

/// The longest summary of a job that ends well, and the longest message of one that does not (API reference, ExecutionDetails and
/// FailureDetails).
const SUMMARY: usize = 2_048;
const MESSAGE: usize = 5_000;

const DETAILS: &str = "GetJobDetails";

impl PipelineJobs for CodePipeline {
    async fn job(&self, id: &JobId) -> Result<Option<Job>, PipelineError> {
        let answer = match self.client.get_job_details().job_id(id.as_str()).send().await {
            Ok(answer) => answer,
            Err(error) if unknown(&error) => return Ok(None),
            Err(error) => return Err(failed(DETAILS, &error)),
        };
        let details = answer.job_details.ok_or_else(|| missing("the job"))?;
        let account = details.account_id.ok_or_else(|| missing("the account"))?;
        let JobData { pipeline_context, action_configuration, continuation_token, .. } =
            details.data.ok_or_else(|| missing("the data"))?;
        let context = pipeline_context.ok_or_else(|| missing("the pipeline"))?;
        let PipelineContext { pipeline_name, stage, action, pipeline_arn, pipeline_execution_id, .. } = context;
        let (pipeline, arn) = pipeline_name.zip(pipeline_arn).ok_or_else(|| missing("the pipeline's name or ARN"))?;
        if !is_of(&arn, &self.region, &account, &pipeline) {
            return Err(ours(DETAILS, format!("the job is of {arn}, and not of {pipeline} in {}", self.region)));
        }
        let execution = pipeline_execution_id.ok_or_else(|| missing("the execution"))?;
        let configuration = action_configuration.and_then(|ActionConfiguration { configuration, .. }| configuration);
        Ok(Some(Job {
            id: id.clone(),
            pipeline,
            execution: execution.parse().map_err(|error| ours(DETAILS, error))?,
            stage: stage.and_then(|stage| stage.name).ok_or_else(|| missing("the stage"))?,
            action: action.and_then(|action| action.name).ok_or_else(|| missing("the action"))?,
            parameters: configuration.and_then(|mut configuration| configuration.remove("UserParameters")),
            continued: continuation_token.is_some(),
        }))
    }

    async fn end_job(&self, id: &JobId, end: &JobEnd) -> Result<Answered, PipelineError> {
        let (summary, token) = match end {
            JobEnd::Succeeded(summary) => (summary, None),
            // The token says no more than that there was a job before: what is decided follows from what stands when the next one comes.
            JobEnd::InProgress(summary) => (summary, Some(id.to_string())),
            JobEnd::Failed(message) => return self.fail(id, message).await,
        };
        let details = ExecutionDetails::builder().summary(cut(summary, SUMMARY)).build();
        let call = self.client.put_job_success_result().job_id(id.as_str()).set_continuation_token(token);
        match call.execution_details(details).send().await {
            Ok(_) => Ok(Answered::Taken),
            Err(error) if is_over(&error) => Ok(Answered::Over),
            Err(error) => Err(failed("PutJobSuccessResult", &error)),
        }
    }
}

impl CodePipeline {
    async fn fail(&self, id: &JobId, message: &str) -> Result<Answered, PipelineError> {
        let step = "PutJobFailureResult";
        let details = FailureDetails::builder().r#type(FailureType::JobFailed).message(cut(message, MESSAGE)).build();
        let details = details.map_err(|error| ours(step, error))?;
        match self.client.put_job_failure_result().job_id(id.as_str()).failure_details(details).send().await {
            Ok(_) => Ok(Answered::Taken),
            Err(error) if has_failed(&error) => Ok(Answered::Over),
            Err(error) => Err(failed(step, &error)),
        }
    }
}

fn missing(what: &str) -> PipelineError {
    ours(DETAILS, format!("the answer lacks {what}"))
}

/// Whether an ARN is that of this pipeline, here.
fn is_of(arn: &str, region: &str, account: &str, pipeline: &str) -> bool {
    let place = arn.strip_prefix("arn:").and_then(|rest| rest.split_once(':'));
    place.is_some_and(|(_, rest)| rest == format!("codepipeline:{region}:{account}:{pipeline}"))
}

fn cut(text: &str, longest: usize) -> String {
    text.chars().take(longest).collect()
}

fn unknown<R>(error: &SdkError<GetJobDetailsError, R>) -> bool {
    error.as_service_error().is_some_and(GetJobDetailsError::is_job_not_found_exception)
}

fn is_over<R>(error: &SdkError<PutJobSuccessResultError, R>) -> bool {
    let over =
        |error: &PutJobSuccessResultError| error.is_invalid_job_state_exception() || error.is_job_not_found_exception();
    error.as_service_error().is_some_and(over)
}

fn has_failed<R>(error: &SdkError<PutJobFailureResultError, R>) -> bool {
    let over =
        |error: &PutJobFailureResultError| error.is_invalid_job_state_exception() || error.is_job_not_found_exception();
    error.as_service_error().is_some_and(over)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_of_the_pipeline_that_its_arn_names_here() {
        let of = |arn: &str| is_of(arn, "us-east-1", "123456789012", "mc-one");
        assert!(of("arn:aws:codepipeline:us-east-1:123456789012:mc-one"));
        assert!(of("arn:aws-cn:codepipeline:us-east-1:123456789012:mc-one"));
        for other in [
            "arn:aws:codepipeline:eu-west-1:123456789012:mc-one",
            "arn:aws:codepipeline:us-east-1:999999999999:mc-one",
            "arn:aws:codepipeline:us-east-1:123456789012:mc-one/Deploy",
            "arn:aws:codebuild:us-east-1:123456789012:mc-one",
            "mc-one",
        ] {
            assert!(!of(other), "{other}");
        }
    }
}
