//! The adapters of AWS IoT and of secrets in other accounts over HTTP: what they send where it matters, and what they make of answers.
//! The server answers as AWS documents it (<https://docs.aws.amazon.com/iot/latest/apireference/>).

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Method, Uri},
    response::Response,
};
use common::{
    aws::{Aws, iot::Iot, vault::SecretsVault},
    fault::Fault,
    ports::{Broker as _, Vault as _},
    runtime::AwsSettings,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

type Seen = Arc<Mutex<Vec<(String, Value)>>>;

/// A server with one answer to every call but the first ones.
#[derive(Clone)]
struct Server {
    first: Arc<Mutex<Vec<Value>>>,
    status: u16,
    error: &'static str,
    seen: Seen,
}

async fn answer(State(server): State<Server>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").map_or("", |target| target.to_str().unwrap());
    let what = if target.is_empty() { format!("{method} {uri}") } else { target.to_owned() };
    server.seen.lock().unwrap().push((what, serde_json::from_slice(&body).unwrap_or_default()));
    let first = server.first.lock().unwrap().pop();
    let built = Response::builder().header("content-type", "application/json");
    match first {
        Some(answer) => built.body(Body::from(answer.to_string())),
        None => {
            let text = json!({"__type": server.error, "message": "as documented"}).to_string();
            built.status(server.status).header("x-amzn-errortype", server.error).body(Body::from(text))
        }
    }
    .unwrap()
}

async fn server(first: &[Value], status: u16, error: &'static str) -> (Aws, Seen) {
    let first = Arc::new(Mutex::new(first.iter().rev().cloned().collect()));
    let server = Server { first, status, error, seen: Seen::default() };
    let seen = Arc::clone(&server.seen);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer).with_state(server)).await });
    (Aws::with(AwsSettings::emulator(&address)), seen)
}

fn calls(seen: &Seen) -> Vec<String> {
    seen.lock().unwrap().iter().map(|(what, _)| what.clone()).collect()
}

#[tokio::test]
async fn a_thing_has_its_certificate_for_itself() {
    let (aws, seen) = server(&[json!({})], 500, "InternalFailureException").await;
    let arn = "arn:aws:iot:us-east-1:111111111111:cert/abc";
    Iot::new(&aws).attach_thing("mc01-maestro-agent", arn).await.unwrap();
    assert_eq!(calls(&seen), ["PUT /things/mc01-maestro-agent/principals?thingPrincipalType=EXCLUSIVE_THING"]);
}

#[tokio::test]
async fn a_certificate_is_asked_for_once_and_inactive() {
    let (aws, seen) = server(&[], 503, "ServiceUnavailableException").await;
    assert!(Iot::new(&aws).issue("request").await.unwrap_err().is_retry());
    let seen = seen.lock().unwrap().clone();
    let asked = json!({"certificateSigningRequest": "request"});
    assert_eq!(seen, [("POST /certificates?setAsActive=false".to_owned(), asked)]);
}

#[tokio::test]
async fn what_is_there_no_more_is_deleted_and_what_is_not_yet_free_is_tried_later() {
    let (aws, _) = server(&[], 404, "ResourceNotFoundException").await;
    Iot::new(&aws).delete_thing("a").await.unwrap();
    Iot::new(&aws).delete_policy("a").await.unwrap();
    assert_eq!(Iot::new(&aws).thing("a").await.unwrap(), None);
    for (status, error) in [(400, "InvalidRequestException"), (409, "DeleteConflictException")] {
        let (aws, _) = server(&[], status, error).await;
        assert!(Iot::new(&aws).delete_thing("a").await.unwrap_err().is_retry(), "{error}");
    }
    for (status, error) in [(401, "UnauthorizedException"), (403, "AccessDeniedException")] {
        let (aws, _) = server(&[], status, error).await;
        assert!(matches!(Iot::new(&aws).delete_policy("a").await.unwrap_err(), Fault::Bug { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_version_is_brought_into_use_once_and_in_the_place_of_what_is() {
    let facts = json!({"ARN": "arn", "VersionIdsToStages": {"one": ["AWSCURRENT"], "two": ["AWSPENDING"]}});
    let (aws, seen) = server(std::slice::from_ref(&facts), 400, "InvalidParameterException").await;
    let fault = SecretsVault::new(&aws).promote("secret", "two").await.unwrap_err();
    assert!(fault.is_retry(), "somebody moved it meanwhile: {}", fault.chain());
    let seen = seen.lock().unwrap().clone();
    assert_eq!(seen.len(), 2, "{seen:?}");
    let moved = json!({"SecretId": "secret", "VersionStage": "AWSCURRENT", "MoveToVersionId": "two", "RemoveFromVersionId": "one"});
    assert_eq!(seen[1].1, moved);
    let (aws, seen) = server(&[facts], 500, "InternalServiceError").await;
    SecretsVault::new(&aws).promote("secret", "one").await.unwrap();
    assert_eq!(calls(&seen).len(), 1, "it is in use already");
}
