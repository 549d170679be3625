//! Statuses and check runs.

use std::sync::{Arc, Mutex};

use axum::{Router, http::Method};
use common::{
    domain::id::{CommitSha, RepositoryId},
    event::Repository,
    github::GitHub,
    ports::{Annotation, CheckConclusion, CheckRun, CommitStatus, Marks, StatusState},
};
use serde_json::{Value, json};

use super::host::{APP, Host, ID, key};

fn check(commit: &CommitSha, annotations: u32) -> CheckRun {
    let annotation = |line: u32| Annotation {
        path: "deploy/int/us/terraform/regional.yaml".to_owned(),
        line,
        column: 3,
        failure: line.is_multiple_of(2),
        title: "account-id".to_owned(),
        message: format!("line {line}: found \"12345\", expected 12 digits"),
    };
    CheckRun {
        commit: commit.clone(),
        change: None,
        name: "penstock/clusters plan".to_owned(),
        external_id: "digest-1".to_owned(),
        conclusion: CheckConclusion::Failure,
        title: "1 file refused".to_owned(),
        summary: "Nothing was written.".to_owned(),
        annotations: (1..=annotations).map(annotation).collect(),
    }
}

async fn writes(host: &Host) -> Vec<String> {
    let lines =
        host.requests().await.into_iter().filter(|line| line.contains("/check-runs") && !line.starts_with("GET"));
    lines.map(|line| line.chars().filter(|character| !character.is_ascii_digit()).collect()).collect()
}

async fn published(host: &Host, commit: &CommitSha) -> (Value, Vec<Value>) {
    let path = format!("/repos/acme/fleet/commits/{commit}/check-runs?filter=all");
    let (_, found) = host.person(Method::GET, &path, Value::Null).await;
    assert_eq!(found["total_count"], 1, "{found}");
    let run = found["check_runs"][0].clone();
    let mut lines = Vec::new();
    for page in 1..=3 {
        let path = format!("/repos/acme/fleet/check-runs/{}/annotations?per_page=50&page={page}", run["id"]);
        let (_, found) = host.person(Method::GET, &path, Value::Null).await;
        lines.extend(found.as_array().unwrap().iter().map(|line| line["start_line"].clone()));
    }
    (run, lines)
}

#[tokio::test]
async fn the_latest_status_of_a_context_counts() {
    let (host, commit) = Host::with_main(&[("a", "1\n")]).await;
    let status = |state: StatusState, description: &str| CommitStatus {
        commit: commit.clone(),
        context: "penstock/clusters".to_owned(),
        state,
        description: description.to_owned(),
        target_url: Some("https://console.example/pipelines".to_owned()),
    };
    host.github.set_status(&host.repository(), &status(StatusState::Pending, "reading")).await.unwrap();
    host.github.set_status(&host.repository(), &status(StatusState::Failure, &"x".repeat(200))).await.unwrap();
    let path = format!("/repos/acme/fleet/commits/{commit}/status");
    let (_, found) = host.person(Method::GET, &path, Value::Null).await;
    assert_eq!((&found["state"], &found["total_count"]), (&json!("failure"), &json!(1)));
    let latest = &found["statuses"][0];
    assert_eq!(
        (&latest["context"], &latest["target_url"]),
        (&json!("penstock/clusters"), &json!("https://console.example/pipelines"))
    );
    assert_eq!(latest["description"].as_str().unwrap().chars().count(), 140);
}

#[tokio::test]
async fn a_hundred_and_twenty_annotations_go_in_three_requests_and_a_repeat_in_none() {
    let (host, commit) = Host::with_main(&[("a", "1\n")]).await;
    let check = check(&commit, 120);
    host.github.publish_check(&host.repository(), &check).await.unwrap();
    let expected = [
        "POST /repos/acme/fleet/check-runs ",
        "PATCH /repos/acme/fleet/check-runs/ ",
        "PATCH /repos/acme/fleet/check-runs/ ",
    ];
    assert_eq!(writes(&host).await, expected);
    host.github.publish_check(&host.repository(), &check).await.unwrap();
    assert_eq!(writes(&host).await, expected);
    let (run, lines) = published(&host, &commit).await;
    assert_eq!(
        (&run["status"], &run["conclusion"], &run["external_id"]),
        (&json!("completed"), &json!("failure"), &json!("digest-1"))
    );
    assert_eq!(lines, (1..=120).map(|line| json!(line)).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_interrupted_check_run_is_completed_and_no_line_comes_twice() {
    let (host, commit) = Host::with_main(&[("a", "1\n")]).await;
    let check = check(&commit, 120);
    // Installation, identity, search and the first batch get through; the second batch does not.
    host.person(Method::PUT, "/_forge/outage", json!({"after": 4, "failures": 1, "status": 502})).await;
    assert!(host.github.publish_check(&host.repository(), &check).await.unwrap_err().is_retry());
    let (run, lines) = published(&host, &commit).await;
    assert_eq!((&run["status"], lines.len()), (&json!("in_progress"), 50));

    host.github.publish_check(&host.repository(), &check).await.unwrap();
    let (run, lines) = published(&host, &commit).await;
    assert_eq!((&run["status"], &run["conclusion"]), (&json!("completed"), &json!("failure")));
    assert_eq!(lines, (1..=120).map(|line| json!(line)).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_check_run_without_annotations_takes_one_request_and_other_content_is_another_run() {
    let (host, commit) = Host::with_main(&[("a", "1\n")]).await;
    let mut check = check(&commit, 0);
    check.conclusion = CheckConclusion::Success;
    host.github.publish_check(&host.repository(), &check).await.unwrap();
    assert_eq!(published(&host, &commit).await.0["conclusion"], "success");
    check.external_id = "digest-2".to_owned();
    host.github.publish_check(&host.repository(), &check).await.unwrap();
    assert_eq!(writes(&host).await.len(), 2);
}

/// Another App may publish a check run of our name with our external id, complete and green. It is not ours: it is neither edited nor
/// taken for what we said.
#[tokio::test]
async fn a_check_run_of_another_app_is_neither_edited_nor_believed() {
    let commit: CommitSha = "0a".repeat(20).parse().unwrap();
    let check = check(&commit, 1);
    let written = Arc::new(Mutex::new(Vec::new()));
    let (log, id, name) = (Arc::clone(&written), check.external_id.clone(), check.name.clone());
    let router = Router::new().fallback(move |request: axum::extract::Request| {
        let run = |id: u64, app: Value, external: &str, status: &str| json!({"id": id, "name": name, "status": status, "external_id": external, "app": app});
        let answer = match (request.method().as_str(), request.uri().path()) {
            ("GET", "/repos/acme/fleet") => json!({"id": ID}),
            ("GET", "/repos/acme/fleet/installation") => json!({"id": 1}),
            ("POST", "/app/installations/1/access_tokens") => json!({"token": "ghs_one"}),
            ("GET", path) if path.ends_with("/check-runs") => json!({"total_count": 3, "check_runs": [
                run(1, json!({"id": APP + 1}), &id, "completed"),
                run(2, json!(null), &id, "in_progress"),
                run(3, json!({"id": APP}), "another digest", "completed"),
            ]}),
            (method, path) => {
                log.lock().unwrap().push(format!("{method} {path}"));
                run(4, json!({"id": APP}), &id, "completed")
            }
        };
        async move { axum::Json(answer) }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, router).await });
    let github = GitHub::new(&url, APP, &key().0.clone().into()).unwrap();
    let repository = Repository {
        host: common::event::Host::Github,
        id: RepositoryId::GitHub(ID),
        name: "acme/fleet".parse().unwrap(),
    };
    github.publish_check(&repository, &check).await.unwrap();
    assert_eq!(
        *written.lock().unwrap(),
        ["POST /repos/acme/fleet/check-runs"],
        "a run of our own, and no other touched"
    );
}

/// The forge itself: a token may do what it was asked for and no more, whoever asks.
#[tokio::test]
async fn the_forge_holds_callers_to_githubs_rules() {
    let (host, commit) = Host::with_main(&[("a", "1\n")]).await;
    let sign = Host::app_jwt;
    let status = |token: String, path: String| {
        let host = &host;
        async move { host.request(Method::GET, &path, &token, Value::Null).await.0.as_u16() }
    };
    assert_eq!(status(sign(APP, 540), "/app".to_owned()).await, 200);
    assert_eq!(status(sign(APP + 1, 540), "/app".to_owned()).await, 401, "another App");
    assert_eq!(status(sign(APP, 1200), "/app".to_owned()).await, 401, "too long a life");
    assert_eq!(status("nonsense".to_owned(), "/app".to_owned()).await, 401);

    let tokens = format!("/app/installations/{APP}1/access_tokens");
    let ask = |body: Value| {
        let (host, tokens, jwt) = (&host, &tokens, sign(APP, 540));
        async move { host.request(Method::POST, tokens, &jwt, body).await }
    };
    assert_eq!(ask(json!({"repository_ids": [ID], "permissions": {"administration": "write"}})).await.0, 422);
    assert_eq!(ask(json!({"repository_ids": [1]})).await.0, 422);
    let (_, marks) = ask(json!({"repository_ids": [ID], "permissions": {"checks": "write"}})).await;
    let token = marks["token"].as_str().unwrap().to_owned();
    assert_eq!(status(token.clone(), format!("/repos/acme/fleet/git/trees/{commit}")).await, 403, "no contents:read");
    let (_, other) = ask(json!({"repository_ids": [ID + 1]})).await;
    let other = other["token"].as_str().unwrap().to_owned();
    assert_eq!(status(other, format!("/repos/acme/fleet/git/trees/{commit}")).await, 404, "not its repository");

    let line = json!({"path": "a", "start_line": 1, "end_line": 1, "annotation_level": "failure", "message": "m"});
    let run = json!({"name": "n", "head_sha": commit, "conclusion": "failure",
        "output": {"title": "t", "summary": "s", "annotations": vec![line; 51]}});
    let path = "/repos/acme/fleet/check-runs";
    assert_eq!(host.request(Method::POST, path, &token, run.clone()).await.0, 422, "51 annotations");
    assert_eq!(
        host.person(Method::POST, path, json!({"name": "n", "head_sha": commit})).await.0,
        403,
        "people write no check runs"
    );
}
