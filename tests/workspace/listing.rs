//! What the listing of pipelines makes of CodePipeline's answers, through the real adapter and the SDK, at an endpoint that answers as
//! the service does.

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use common::{
    aws::{Aws, codepipeline::CodePipeline},
    domain::cluster::Listing,
    ports::{PipelineError, Pipelines},
    runtime::AwsSettings,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

const GOOD: &str = "rc-integration-us-east-1-0123456789ab";
const ODD: &str = "mc-integration-us-east-1-odd-0123456789ab";

/// What the endpoint answers when it is asked with `call` about the odd one.
#[derive(Clone)]
struct Answer {
    call: &'static str,
    status: u16,
    body: Value,
}

async fn answer(State(odd): State<Answer>, headers: HeaderMap, body: Bytes) -> (StatusCode, String) {
    let call = headers["x-amz-target"].to_str().unwrap().trim_start_matches("CodePipeline_20150709.").to_owned();
    let request: Value = serde_json::from_slice(&body).unwrap();
    if call == odd.call && request.to_string().contains(ODD) {
        return (StatusCode::from_u16(odd.status).unwrap(), odd.body.to_string());
    }
    let body = match call.as_str() {
        "ListPipelines" => json!({"pipelines": [{"name": GOOD}, {"name": ODD}, {"name": "somebody-else-s"}]}),
        "GetPipeline" => {
            let name = request["name"].as_str().unwrap();
            assert!(name == GOOD || name == ODD, "{name} is not ours to read");
            json!({
                "pipeline": {"name": name, "roleArn": "arn:aws:iam::123456789012:role/pipeline", "stages": []},
                "metadata": {"pipelineArn": format!("arn:aws:codepipeline:us-east-1:123456789012:{name}")},
            })
        }
        "ListTagsForResource" => json!({"tags": [{"key": "managed-by", "value": "penstock"}]}),
        other => panic!("{other} is no part of a listing"),
    };
    (StatusCode::OK, body.to_string())
}

async fn list(call: &'static str, status: u16, body: Value) -> Result<Listing, PipelineError> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(answer).with_state(Answer { call, status, body });
    tokio::spawn(async move { axum::serve(listener, router).await });
    CodePipeline::new(&Aws::with(AwsSettings::emulator(&address))).list().await
}

fn names(listing: &Listing) -> Vec<&str> {
    listing.pipelines.iter().map(|pipeline| pipeline.definition.name.as_str()).collect()
}

fn error(code: &str) -> Value {
    json!({"__type": code, "message": "no"})
}

#[tokio::test]
async fn a_pipeline_that_may_not_or_cannot_be_read_is_named_and_the_others_are_listed() {
    let pipeline = json!({"name": "not a name", "roleArn": "r", "stages": []});
    let cases = [
        ("GetPipeline", 400, error("AccessDeniedException"), "GetPipeline failed: AccessDeniedException"),
        ("ListTagsForResource", 400, error("AccessDeniedException"), "ListTagsForResource failed: AccessDenied"),
        ("GetPipeline", 200, json!({"pipeline": 7}), "GetPipeline failed: unreadable"),
        ("GetPipeline", 200, json!({}), "GetPipeline failed: unreadable: the answer lacks"),
        ("GetPipeline", 200, json!({"pipeline": pipeline, "metadata": {"pipelineArn": "arn"}}), "unreadable"),
    ];
    for (call, status, body, why) in cases {
        let listing = list(call, status, body.clone()).await.unwrap();
        assert_eq!(names(&listing), [GOOD], "{body}");
        let unreadable: Vec<_> = listing.unreadable.iter().map(|(name, why)| (name.as_str(), why)).collect();
        assert!(unreadable.len() == 1 && unreadable[0].0 == ODD && unreadable[0].1.contains(why), "{unreadable:?}");
        assert!(listing.pipelines[0].is_ours());
    }
}

/// What passes is no reason to call a pipeline foreign, and what is wrong with the caller is wrong with every pipeline.
#[tokio::test]
async fn what_may_pass_and_what_is_not_about_one_pipeline_fails_the_listing() {
    let cases = [
        ("ThrottlingException", 400, true),
        ("TooManyRequestsException", 429, true),
        ("InternalFailure", 500, true),
        ("ExpiredTokenException", 400, false),
        ("UnrecognizedClientException", 400, false),
    ];
    for (code, status, retry) in cases {
        let failed = list("GetPipeline", status, error(code)).await.unwrap_err();
        assert_eq!((failed.step, failed.code.as_str(), failed.retry), ("GetPipeline", code, retry));
    }
}

#[tokio::test]
async fn a_pipeline_that_vanished_between_two_calls_is_gone() {
    for (call, code) in
        [("GetPipeline", "PipelineNotFoundException"), ("ListTagsForResource", "ResourceNotFoundException")]
    {
        let listing = list(call, 400, error(code)).await.unwrap();
        assert_eq!(names(&listing), [GOOD], "{call}");
        assert!(listing.unreadable.is_empty(), "{:?}", listing.unreadable);
    }
}
