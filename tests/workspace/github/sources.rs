//! What gates of work items look at: check runs, an item's files, issues.

use axum::http::Method;
use common::ports::{CommentNow, Forge as _, IssueNow, Sources as _};
use serde_json::{Value, json};

use super::host::Host;

const ISSUES: &str = "/repos/acme/fleet/issues";

#[tokio::test]
async fn check_runs_of_a_commit_are_the_latest_of_each_name() {
    let (host, first) = Host::with_main(&[("a", "1\n")]).await;
    let repository = host.repository();
    assert_eq!(host.github.check_runs(&repository, &first).await.unwrap(), []);
    let token = host.token(json!({"checks": "write"})).await;
    let run = async |name: &str, more: Value| {
        let mut body = json!({"name": name, "head_sha": first.as_str()});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let (status, made) = host.request(Method::POST, "/repos/acme/fleet/check-runs", &token, body).await;
        assert_eq!(status, 201, "{made}");
    };
    let output = |title: &str| json!({"title": title, "summary": "-"});
    run("builds", json!({"status": "completed", "conclusion": "failure", "output": output("3 errors")})).await;
    run("builds", json!({"status": "completed", "conclusion": "success", "output": output("all well")})).await;
    run("coverage_percent", json!({"status": "completed", "conclusion": "neutral", "output": output("61.4 %")})).await;
    run("lints", json!({"status": "in_progress"})).await;
    let mut seen = host.github.check_runs(&repository, &first).await.unwrap();
    seen.sort_by(|one, other| one.name.cmp(&other.name));
    let said: Vec<_> = seen
        .iter()
        .map(|check| (check.name.as_str(), check.success, check.title.as_deref(), check.at.is_some()))
        .collect();
    assert_eq!(
        said,
        [
            ("builds", Some(true), Some("all well"), true),
            ("coverage_percent", Some(false), Some("61.4 %"), true),
            ("lints", None, None, false)
        ]
    );
}

#[tokio::test]
async fn an_item_s_files_are_those_below_its_directory() {
    let files =
        [(".penstock/p-1/memo.md", "a memo\n"), (".penstock/p-1/more/x.md", "x\n"), (".penstock/p-10/memo.md", "-\n")];
    let (host, first) = Host::with_main(&files).await;
    let repository = host.repository();
    let found = host.github.files_below(&repository, &first, ".penstock/p-1").await.unwrap();
    let paths: Vec<&str> = found.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, [".penstock/p-1/memo.md", ".penstock/p-1/more/x.md"]);
    assert_eq!(host.github.blob(&repository, &found[0].blob).await.unwrap(), b"a memo\n");
    for nothing in [".penstock/p-2", ".penstock/p-1/memo.md", "nowhere/p-1"] {
        assert_eq!(host.github.files_below(&repository, &first, nothing).await.unwrap(), [], "{nothing}");
    }
}

#[tokio::test]
async fn issues_are_read_as_they_are_and_gone_when_they_are_gone() {
    let (host, _) = Host::with_main(&[("a", "1\n")]).await;
    let repository = host.repository();
    assert_eq!(host.github.issue(&repository, 1).await.unwrap(), None);
    let asked = json!({"title": "A better search", "labels": ["work / item"], "assignees": ["local-person"]});
    assert_eq!(host.person(Method::POST, ISSUES, asked).await.0, 201);
    assert_eq!(host.person(Method::POST, ISSUES, json!({"title": "Another"})).await.0, 201);
    let seen = IssueNow {
        number: 1,
        change: false,
        merged: false,
        open: true,
        title: "A better search".to_owned(),
        labels: ["work / item".to_owned()].into(),
        author: Some(1001),
        assignees: [1001].into(),
    };
    assert_eq!(host.github.issue(&repository, 1).await.unwrap(), Some(seen.clone()));
    assert_eq!(host.github.issues_labelled(&repository, "work / item").await.unwrap(), std::slice::from_ref(&seen));
    assert_eq!(host.github.issues_labelled(&repository, "work").await.unwrap(), []);

    host.git("checkout --quiet -b topic").await;
    host.commit(&[("b", "1\n")], "topic").await;
    host.git("push --quiet origin topic").await;
    let pull = host.open_pull("topic").await;
    let seen_pull = host.github.issue(&repository, pull).await.unwrap().expect("a pull request is an issue");
    assert_eq!((pull, seen_pull.change, seen_pull.merged, seen_pull.open), (3, true, false, true));
    let path = format!("{ISSUES}/{pull}/labels");
    assert_eq!(host.person(Method::POST, &path, json!({"labels": ["work / item"]})).await.0, 200);
    let listed = host.github.issues_labelled(&repository, "work / item").await.unwrap();
    assert_eq!(listed.iter().map(|issue| (issue.number, issue.change)).collect::<Vec<_>>(), [(1, false), (3, true)]);
    let shown = host.github.pull_request(&repository, pull).await.unwrap().unwrap();
    assert_eq!(shown.head_branch, "topic");
    assert_eq!(host.github.changes_with(&repository, &shown.head).await.unwrap(), [3].into());
    assert_eq!(host.github.changes_with(&repository, &"0a".repeat(20).parse().unwrap()).await.unwrap(), [].into());
    assert_eq!(host.person(Method::DELETE, &format!("{path}/work%20%2F%20item"), json!({})).await.0, 200);

    let closed = json!({"state": "closed"});
    assert_eq!(host.person(Method::PATCH, &format!("{ISSUES}/1"), closed).await.0, 200);
    assert_eq!(host.github.issue(&repository, 1).await.unwrap(), Some(IssueNow { open: false, ..seen }));
    assert_eq!(host.github.issues_labelled(&repository, "work / item").await.unwrap(), []);
    for (number, status) in [(1, 301), (2, 410)] {
        host.person(Method::PUT, "/_forge/issue-gone", json!({"number": number, "status": status})).await;
        assert_eq!(host.github.issue(&repository, number).await.unwrap(), None, "{status}");
    }
}

#[tokio::test]
async fn a_comment_is_read_with_who_wrote_it_and_whether_it_was_edited() {
    let (host, _) = Host::with_main(&[("a", "1\n")]).await;
    let repository = host.repository();
    host.git("checkout --quiet -b topic").await;
    host.commit(&[("b", "1\n")], "topic").await;
    host.git("push --quiet origin topic").await;
    let pull = host.open_pull("topic").await;
    let command = "/penstock approve 00000000-0000-4000-8000-000000000001";
    let (status, made) =
        host.person(Method::POST, &format!("{ISSUES}/{pull}/comments"), json!({"body": command})).await;
    assert_eq!(status, 201, "{made}");
    let id = made["id"].as_u64().unwrap();
    let seen = CommentNow {
        number: pull,
        body: command.to_owned(),
        author: Some(common::domain::id::HostAccount::github(1001)),
        by_person: true,
        edited: false,
    };
    assert_eq!(
        host.github.comment(&repository, pull, &common::domain::id::CommentId::GitHub(id)).await.unwrap(),
        Some(seen.clone())
    );
    let path = format!("{ISSUES}/comments/{id}");
    assert_eq!(host.person(Method::PATCH, &path, json!({"body": "another"})).await.0, 200);
    let edited = CommentNow { body: "another".to_owned(), edited: true, ..seen.clone() };
    assert_eq!(
        host.github.comment(&repository, pull, &common::domain::id::CommentId::GitHub(id)).await.unwrap(),
        Some(edited)
    );
    assert_eq!(
        host.github.comment(&repository, pull, &common::domain::id::CommentId::GitHub(id + 1000)).await.unwrap(),
        None
    );

    let token = host.token(json!({"issues": "write", "pull_requests": "write"})).await;
    let path = format!("{ISSUES}/{pull}/comments");
    let (status, made) = host.request(Method::POST, &path, &token, json!({"body": command})).await;
    assert_eq!(status, 201, "{made}");
    let by_app = host
        .github
        .comment(&repository, pull, &common::domain::id::CommentId::GitHub(made["id"].as_u64().unwrap()))
        .await
        .unwrap()
        .unwrap();
    assert!(!by_app.by_person, "{by_app:?}");
}

#[tokio::test]
async fn a_deployment_is_read_with_its_latest_state() {
    let (host, head) = Host::with_main(&[("a", "1\n")]).await;
    let repository = host.repository();
    let before = jiff::Timestamp::UNIX_EPOCH;
    assert_eq!(host.github.deployment(&repository, 77).await.unwrap(), None);
    assert_eq!(host.github.deployments_since(&repository, before).await.unwrap(), [] as [u64; 0]);
    let base = ISSUES.replace("/issues", "/deployments");
    let asked = json!({"ref": head, "environment": "staging"});
    let (status, made) = host.person(Method::POST, &base, asked).await;
    assert_eq!(status, 201);
    let id = made["id"].as_u64().unwrap();
    assert_eq!(host.github.deployment(&repository, id).await.unwrap(), None, "nothing was said of it yet");
    for state in ["in_progress", "success"] {
        let (status, _) = host.person(Method::POST, &format!("{base}/{id}/statuses"), json!({"state": state})).await;
        assert_eq!(status, 201);
    }
    let found = host.github.deployment(&repository, id).await.unwrap().unwrap();
    assert_eq!(
        (found.commit.to_string(), found.environment.as_str(), found.state.as_str()),
        (head.to_string(), "staging", "success")
    );
    assert_eq!(host.github.deployments_since(&repository, before).await.unwrap(), [id]);
    let later = found.at + jiff::SignedDuration::from_hours(1);
    assert_eq!(host.github.deployments_since(&repository, later).await.unwrap(), [] as [u64; 0]);
}
