//! What the forge tells of pushes, pull requests and comments, in EventBridge's form.

use std::time::Duration;

use axum::{Router, body::Bytes, http::Method};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::github::host::{ARN, Host, UUID};

async fn told(host: &Host) -> Vec<Value> {
    let (_, events) = host.person(Method::GET, "/_forge/codecommit/events", Value::Null).await;
    events.as_array().unwrap().clone()
}

#[tokio::test]
async fn each_change_is_told_once_with_who_did_it() {
    let (host, first) = Host::with_main(&[("a", "1\n")]).await;
    host.git("checkout --quiet -b one").await;
    let head = host.commit(&[("b", "1\n")], "one").await;
    host.git("push --quiet origin one").await;
    let target = json!({"repositoryName": "fleet", "sourceReference": "one", "destinationReference": "main"});
    host.call("CreatePullRequest", "user-ada", json!({"title": "x", "targets": [target]})).await;
    let merge = json!({"pullRequestId": "1", "repositoryName": "fleet", "sourceCommitId": head});
    assert_eq!(host.call("MergePullRequestBySquash", "user-bob", merge).await.0, 200);
    host.git("push --quiet origin --delete one").await;

    let events = told(&host).await;
    let words: Vec<_> = events.iter().map(|event| event["detail"]["event"].as_str().unwrap()).collect();
    assert_eq!(
        words,
        [
            "referenceCreated",
            "referenceCreated",
            "pullRequestCreated",
            "pullRequestMergeStatusUpdated",
            "referenceUpdated",
            "referenceDeleted"
        ]
    );
    for event in &events {
        assert_eq!((&event["account"], &event["region"]), (&json!("111122223333"), &json!("us-east-1")));
        assert_eq!((&event["source"], &event["resources"]), (&json!("aws.codecommit"), &json!([ARN])));
    }
    let detail = &events[0]["detail"];
    assert_eq!((&detail["repositoryId"], &detail["referenceFullName"]), (&json!(UUID), &json!("refs/heads/main")));
    assert_eq!((&detail["commitId"], &detail["oldCommitId"]), (&json!(first), &Value::Null));
    let merged = &events[3]["detail"];
    assert_eq!((&merged["isMerged"], &merged["pullRequestStatus"]), (&json!("True"), &json!("Closed")));
    assert_eq!(merged["author"], "arn:aws:iam::111122223333:user/ada");
    assert_eq!(merged["callerUserArn"], "arn:aws:iam::111122223333:user/bob");
}

#[tokio::test]
async fn events_go_where_they_are_wanted_as_put_events() {
    let (sender, mut received) = mpsc::unbounded_channel();
    let bus = Router::new().fallback(move |headers: axum::http::HeaderMap, body: Bytes| {
        let target = headers["x-amz-target"].to_str().unwrap().to_owned();
        sender.send((target, serde_json::from_slice::<Value>(&body).unwrap())).unwrap();
        async { "{}" }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, bus).await });
    let host = Host::start().await;
    host.person(Method::PUT, "/_forge/codecommit/sink", json!({"url": url})).await;
    host.commit(&[("a", "1\n")], "first").await;
    host.git("push --quiet origin main").await;
    let (target, body) = tokio::time::timeout(Duration::from_secs(20), received.recv()).await.unwrap().unwrap();
    assert_eq!(target, "AWSEvents.PutEvents");
    let entry = &body["Entries"][0];
    assert_eq!((&entry["Source"], &entry["Resources"]), (&json!("aws.codecommit"), &json!([ARN])));
    let detail: Value = serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap();
    assert_eq!(detail, told(&host).await[0]["detail"]);
}
