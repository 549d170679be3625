//! CodePipeline: listing, writing and starting the clusters' pipelines.
//!
//! A listing is whole or an error: a page that could not be read fails it, because the planner would take what is missing for
//! something to create. One pipeline that may not or cannot be read is named as such, and its cluster alone waits; throttling and
//! silence fail the listing, for they pass. A pipeline that vanished between two calls is simply gone.

use std::{collections::BTreeMap, fmt};

use aws_sdk_codepipeline::{
    Client,
    error::SdkError,
    operation::{RequestId, get_pipeline::GetPipelineError, list_tags_for_resource::ListTagsForResourceError},
    types::{PipelineExecutionStatus, PipelineVariable, SourceRevisionOverride, SourceRevisionType, Tag},
};
use aws_smithy_types::{error::metadata::ProvideErrorMetadata, retry::RetryConfig};
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::{Aws, config};
use crate::{
    domain::{
        cluster::{Execution, ExecutionStatus, Listing, ObservedPipeline, PipelineDefinition, SOURCE_ACTION},
        id::{CommitSha, IdError, PipelineName, quoted},
    },
    ports::{PipelineError, Pipelines},
};

mod definition;
mod gates;
mod jobs;

pub use self::{
    gates::{GATE_ACTIONS, GATE_READ_ACTIONS},
    jobs::JOB_ACTIONS,
};

/// The IAM actions that [`CodePipeline`] needs. Creating or updating a pipeline passes its role and its connection on.
pub const ACTIONS: &[&str] = &[
    "codeconnections:PassConnection",
    "codepipeline:CreatePipeline",
    "codepipeline:DeletePipeline",
    "codepipeline:GetPipeline",
    "codepipeline:GetPipelineExecution",
    "codepipeline:ListPipelineExecutions",
    "codepipeline:ListPipelines",
    "codepipeline:ListTagsForResource",
    "codepipeline:StartPipelineExecution",
    "codepipeline:TagResource",
    "codepipeline:UpdatePipeline",
    "codestar-connections:PassConnection",
    "iam:PassRole",
];

/// What the names of pipelines that could be ours start with.
const PREFIXES: [&str; 2] = ["rc-", "mc-"];

/// How many pipelines are read side by side.
const READS: usize = 8;

/// CodePipeline in one account and region.
#[derive(Debug, Clone)]
pub struct CodePipeline {
    client: Client,
    region: String,
}

impl CodePipeline {
    /// CodePipeline where the function runs.
    pub fn new(aws: &Aws) -> Self {
        let config = config!(aws_sdk_codepipeline, aws, "CODEPIPELINE").build();
        Self { client: Client::from_conf(config), region: aws.settings.region.clone() }
    }

    async fn names(&self) -> Result<Vec<PipelineName>, PipelineError> {
        let mut names = Vec::new();
        let mut next = None;
        loop {
            let answer = self.client.list_pipelines().set_next_token(next).send().await;
            let answer = answer.map_err(|error| failed("ListPipelines", &error))?;
            names.extend(answer.pipelines.into_iter().flatten().filter_map(|pipeline| pipeline.name));
            next = answer.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                names.retain(|name| PREFIXES.iter().any(|prefix| name.starts_with(prefix)));
                let parse = |name: String| name.parse().map_err(|error: IdError| ours("ListPipelines", error));
                return names.into_iter().map(parse).collect();
            }
        }
    }

    async fn observe(&self, name: &PipelineName) -> Result<Option<ObservedPipeline>, PipelineError> {
        let answer = match self.client.get_pipeline().name(name.as_str()).send().await {
            Ok(answer) => answer,
            Err(error) if gone(&error) => return Ok(None),
            Err(error) => return Err(failed("GetPipeline", &error)),
        };
        let unreadable = |message: String| PipelineError {
            step: "GetPipeline",
            code: PipelineError::UNREADABLE.into(),
            message,
            request_id: answer.request_id().map(str::to_owned),
            retry: false,
        };
        let arn = answer.metadata.as_ref().and_then(|metadata| metadata.pipeline_arn.clone());
        let (Some(pipeline), Some(arn)) = (&answer.pipeline, arn) else {
            return Err(unreadable("the answer lacks the definition or the ARN".to_owned()));
        };
        let definition = definition::read(pipeline, &self.region).map_err(|error| unreadable(error.to_string()))?;
        Ok(self.tags(&arn).await?.map(|tags| ObservedPipeline { definition, tags }))
    }

    /// What stands under a name, or why that one cannot be read.
    async fn read(
        &self,
        name: PipelineName,
    ) -> Result<(PipelineName, Result<Option<ObservedPipeline>, String>), PipelineError> {
        match self.observe(&name).await {
            Ok(found) => Ok((name, Ok(found))),
            Err(error) => error.about_one().map(|why| (name, Err(why))).ok_or(error),
        }
    }

    async fn tags(&self, arn: &str) -> Result<Option<BTreeMap<String, String>>, PipelineError> {
        let mut tags = BTreeMap::new();
        let mut next = None;
        loop {
            let answer = self.client.list_tags_for_resource().resource_arn(arn).set_next_token(next).send().await;
            let answer = match answer {
                Ok(answer) => answer,
                Err(error) if untagged(&error) => return Ok(None),
                Err(error) => return Err(failed("ListTagsForResource", &error)),
            };
            tags.extend(answer.tags.into_iter().flatten().map(|tag| (tag.key, tag.value)));
            next = answer.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                return Ok(Some(tags));
            }
        }
    }
}

impl Pipelines for CodePipeline {
    async fn list(&self) -> Result<Listing, PipelineError> {
        let reads: Vec<_> = self.names().await?.into_iter().map(|name| self.read(name)).collect();
        stream::iter(reads)
            .buffered(READS)
            .try_fold(Listing::default(), |mut listing, (name, read)| async {
                match read {
                    Ok(found) => listing.pipelines.extend(found),
                    Err(why) => listing.distrust(name, why),
                }
                Ok(listing)
            })
            .await
    }

    async fn create(&self, definition: &PipelineDefinition, tags: &[(String, String)]) -> Result<(), PipelineError> {
        let step = "CreatePipeline";
        let pipeline = definition::write(definition).map_err(|error| ours(step, error))?;
        let tags = tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build());
        let tags = tags.collect::<Result<Vec<_>, _>>().map_err(|error| ours(step, error))?;
        let answer = self.client.create_pipeline().pipeline(pipeline).set_tags(Some(tags)).send().await;
        answer.map(drop).map_err(|error| failed(step, &error))
    }

    async fn update(&self, definition: &PipelineDefinition) -> Result<(), PipelineError> {
        let step = "UpdatePipeline";
        let pipeline = definition::write(definition).map_err(|error| ours(step, error))?;
        let answer = self.client.update_pipeline().pipeline(pipeline).send().await;
        answer.map(drop).map_err(|error| failed(step, &error))
    }

    async fn delete(&self, name: &PipelineName) -> Result<(), PipelineError> {
        // The service itself answers well for a pipeline that is gone.
        let answer = self.client.delete_pipeline().name(name.as_str()).send().await;
        answer.map(drop).map_err(|error| failed("DeletePipeline", &error))
    }

    async fn start_destroy(&self, name: &PipelineName, token: &str) -> Result<String, PipelineError> {
        let step = "StartPipelineExecution";
        let destroy = PipelineVariable::builder().name("IS_DESTROY").value("true").build();
        let request = self.client.start_pipeline_execution().name(name.as_str()).client_request_token(token);
        let answer = request.variables(destroy.map_err(|error| ours(step, error))?).send().await;
        let answer = answer.map_err(|error| failed(step, &error))?;
        answer.pipeline_execution_id.ok_or_else(|| ours(step, "the answer has no execution id"))
    }

    async fn start(&self, name: &PipelineName, commit: &CommitSha, token: &str) -> Result<String, PipelineError> {
        let step = "StartPipelineExecution";
        let revision = SourceRevisionOverride::builder()
            .action_name(SOURCE_ACTION)
            .revision_type(SourceRevisionType::CommitId)
            .revision_value(commit.as_str())
            .build();
        let revision = revision.map_err(|error| ours(step, error))?;
        let request = self.client.start_pipeline_execution().name(name.as_str()).client_request_token(token);
        // Asked once: a request that is asked again below us might start this commit behind a newer run's. Who calls looks at the head first.
        let once = aws_sdk_codepipeline::config::Builder::new().retry_config(RetryConfig::disabled());
        let request = request.source_revisions(revision).customize().config_override(once);
        let answer = request.send().await.map_err(|error| failed(step, &error))?;
        answer.pipeline_execution_id.ok_or_else(|| ours(step, "the answer has no execution id"))
    }

    async fn latest_execution(&self, name: &PipelineName) -> Result<Option<Execution>, PipelineError> {
        let request = self.client.list_pipeline_executions().pipeline_name(name.as_str()).max_results(1);
        let answer = request.send().await.map_err(|error| failed("ListPipelineExecutions", &error))?;
        // The service lists the latest first; the time decides in case it lists more than was asked for.
        let summaries = answer.pipeline_execution_summaries.unwrap_or_default();
        let latest = summaries
            .iter()
            .rev()
            .max_by_key(|summary| summary.start_time.map(|time| (time.secs(), time.subsec_nanos())));
        let Some(id) = latest.and_then(|summary| summary.pipeline_execution_id.clone()) else { return Ok(None) };

        let step = "GetPipelineExecution";
        let request = self.client.get_pipeline_execution().pipeline_name(name.as_str()).pipeline_execution_id(&id);
        let answer = request.send().await.map_err(|error| failed(step, &error))?;
        let execution = answer.pipeline_execution.ok_or_else(|| ours(step, "the answer has no execution"))?;
        let variables = execution.variables.unwrap_or_default();
        let destroy = variables.iter().find(|variable| variable.name.as_deref() == Some("IS_DESTROY"));
        let destroy = destroy.and_then(|variable| Some(variable.resolved_value.as_deref()? == "true"));
        Ok(Some(Execution { id, status: status(execution.status.as_ref()), destroy }))
    }
}

/// A status that this code does not know is no success and no end.
fn status(status: Option<&PipelineExecutionStatus>) -> ExecutionStatus {
    use PipelineExecutionStatus as Status;
    match status {
        Some(Status::Succeeded) => ExecutionStatus::Succeeded,
        Some(Status::Failed | Status::Stopped | Status::Superseded | Status::Cancelled) => ExecutionStatus::Failed,
        _ => ExecutionStatus::Running,
    }
}

fn gone<R>(error: &SdkError<GetPipelineError, R>) -> bool {
    error.as_service_error().is_some_and(GetPipelineError::is_pipeline_not_found_exception)
}

fn untagged<R>(error: &SdkError<ListTagsForResourceError, R>) -> bool {
    error.as_service_error().is_some_and(ListTagsForResourceError::is_resource_not_found_exception)
}

fn ours(step: &'static str, error: impl fmt::Display) -> PipelineError {
    let message = quoted(&error.to_string(), 300);
    PipelineError { step, code: "invalid".into(), message, request_id: None, retry: false }
}

/// Codes with which AWS says that the same call may pass later, besides every 5xx.
const LATER: &[&str] = &[
    "ConcurrentModificationException",
    "ConcurrentPipelineExecutionsLimitExceededException",
    "InternalFailure",
    "InternalServerError",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "ThrottlingException",
    "TooManyRequestsException",
];

fn failed<E>(step: &'static str, error: &SdkError<E, aws_smithy_runtime_api::http::Response>) -> PipelineError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let status = error.raw_response().map(|response| response.status().as_u16());
    let (code, retry) = match (error, error.code(), status) {
        (_, Some(code), status) => {
            (code.to_owned(), LATER.contains(&code) || status.is_some_and(|status| status >= 500))
        }
        (SdkError::TimeoutError(_), ..) => ("timeout".to_owned(), true),
        (SdkError::ConstructionFailure(_), ..) => ("invalid".to_owned(), false),
        // An answer that broke off on its way may come whole next time; one that came whole says what nobody understands.
        (SdkError::ResponseError(answer), ..) if answer.raw().body().bytes().is_none() => ("response".to_owned(), true),
        (_, None, Some(200..300)) => (PipelineError::UNREADABLE.to_owned(), false),
        (_, None, Some(status)) => (format!("http {status}"), status >= 500 || status == 429),
        (_, None, None) => ("dispatch".to_owned(), true),
    };
    let message = match error.message() {
        Some(message) => quoted(message, 300),
        None => quoted(&super::chain(error).to_string(), 300),
    };
    PipelineError { step, code, message, request_id: error.request_id().map(str::to_owned), retry }
}

#[cfg(test)]
mod tests {
    use aws_sdk_codepipeline::{error::ErrorMetadata, operation::create_pipeline::CreatePipelineError};
    use aws_smithy_runtime_api::http::{Response, StatusCode};
    use aws_smithy_types::body::SdkBody;

    use super::*;

    fn service(code: Option<&str>, http: u16) -> PipelineError {
        let mut metadata = ErrorMetadata::builder().message("no\nway");
        if let Some(code) = code {
            metadata = metadata.code(code);
        }
        let response = Response::new(StatusCode::try_from(http).unwrap(), SdkBody::empty());
        failed("CreatePipeline", &SdkError::service_error(CreatePipelineError::generic(metadata.build()), response))
    }

    #[test]
    fn an_error_says_step_code_and_whether_later_may_help() {
        let throttled = service(Some("ThrottlingException"), 400);
        assert_eq!(throttled.to_string(), r#"CreatePipeline failed: ThrottlingException: "no\nway""#);
        assert!(throttled.retry);
        assert!(!service(Some("InvalidStructureException"), 400).retry);
        assert!(!service(Some("AccessDeniedException"), 400).retry);
        assert!(service(Some("Anything"), 503).retry);
        assert!(service(None, 500).retry);
        assert_eq!(service(None, 500).code, "http 500");
        let error: SdkError<CreatePipelineError, Response> = SdkError::timeout_error("slow");
        assert!(failed("CreatePipeline", &error).retry);
    }

    #[test]
    fn only_succeeded_is_a_success() {
        assert_eq!(status(Some(&PipelineExecutionStatus::Succeeded)), ExecutionStatus::Succeeded);
        for over in ["Failed", "Stopped", "Superseded", "Cancelled"] {
            assert_eq!(status(Some(&over.into())), ExecutionStatus::Failed, "{over}");
        }
        for open in ["InProgress", "Stopping", "SomethingNew"] {
            assert_eq!(status(Some(&open.into())), ExecutionStatus::Running, "{open}");
        }
        assert_eq!(status(None), ExecutionStatus::Running);
    }
}
