//! What we write on pull requests: one suite, held against the in-memory host and against the adapter over the forge; and what
//! only the adapter can do wrong.

use axum::http::{Method, StatusCode};
use common::{
    event::Repository,
    fault::Fault,
    github::GitHub,
    ports::{ChangeMarks, Forge as _, StickyComment},
    testing::World,
};
use serde_json::{Value, json};

use super::host::{Host, ID};

const LABEL: &str = "blocked/wip-limit-exceeded";

/// A host with an open pull request, and a look at it from outside.
trait Case {
    type Host: ChangeMarks;
    fn host(&self) -> &Self::Host;
    fn repository(&self) -> Repository;
    fn number(&self) -> u64;
    async fn labels(&self) -> Vec<String>;
    async fn comments(&self) -> Vec<String>;
    async fn close(&self);
}

struct InMemory(World);

impl Case for InMemory {
    type Host = World;
    fn host(&self) -> &World {
        &self.0
    }
    fn repository(&self) -> Repository {
        common::testing::repository()
    }
    fn number(&self) -> u64 {
        1
    }
    async fn labels(&self) -> Vec<String> {
        self.0.labels(1).into_iter().collect()
    }
    async fn comments(&self) -> Vec<String> {
        self.0.comment(1, "wip").into_iter().collect()
    }
    async fn close(&self) {
        self.0.close_change(1);
    }
}

struct OverForge(Host, u64);

impl Case for OverForge {
    type Host = GitHub;
    fn host(&self) -> &GitHub {
        &self.0.github
    }
    fn repository(&self) -> Repository {
        self.0.repository()
    }
    fn number(&self) -> u64 {
        self.1
    }
    async fn labels(&self) -> Vec<String> {
        listed(&self.0, &format!("/repos/acme/fleet/issues/{}/labels", self.1), "name").await
    }
    async fn comments(&self) -> Vec<String> {
        let all = listed(&self.0, &format!("/repos/acme/fleet/issues/{}/comments", self.1), "body").await;
        all.iter().map(|text| text.strip_prefix("<!-- penstock:wip -->\n").unwrap().to_owned()).collect()
    }
    async fn close(&self) {
        let path = format!("/repos/acme/fleet/pulls/{}", self.1);
        self.0.person(Method::PATCH, &path, json!({"state": "closed"})).await;
    }
}

async fn listed(host: &Host, path: &str, field: &str) -> Vec<String> {
    let (status, found) = host.person(Method::GET, path, Value::Null).await;
    assert_eq!(status, StatusCode::OK, "{found}");
    found.as_array().unwrap().iter().map(|one| one[field].as_str().unwrap().to_owned()).collect()
}

async fn with_pull() -> (Host, u64) {
    let (mut host, _) = Host::with_main(&[("a", "1\n")]).await;
    host.git("checkout --quiet -b topic").await;
    host.commit(&[("a", "2\n")], "second").await;
    host.git("push --quiet origin topic").await;
    host.next("push").await;
    let number = host.open_pull("topic").await;
    host.next("pull_request").await;
    (host, number)
}

fn in_memory() -> InMemory {
    let world = World::new();
    world.push("main", &[("a", Some("1"))]);
    world.open_change(1, "main", None, &[("a", Some("2"))]);
    InMemory(world)
}

async fn over_forge() -> OverForge {
    let (host, number) = with_pull().await;
    OverForge(host, number)
}

#[tokio::test]
async fn the_in_memory_host_keeps_what_is_written() {
    suite(&in_memory()).await;
}

#[tokio::test]
async fn the_adapter_keeps_what_is_written() {
    suite(&over_forge().await).await;
}

async fn suite<C: Case>(case: &C) {
    let (host, repository, number) = (case.host(), &case.repository(), case.number());
    host.set_label(repository, number, LABEL, false).await.unwrap();
    for _ in 0..2 {
        host.set_label(repository, number, LABEL, true).await.unwrap();
        assert_eq!(case.labels().await, [LABEL]);
    }
    for _ in 0..2 {
        host.set_label(repository, number, LABEL, false).await.unwrap();
        assert!(case.labels().await.is_empty());
    }
    for text in ["one", "one", "two"] {
        let comment = StickyComment { kind: "wip", text: text.to_owned() };
        host.set_comment(repository, number, &comment).await.unwrap();
        assert_eq!(case.comments().await, [text]);
    }
    for draft in [true, true, false, false] {
        host.set_draft(repository, number, draft).await.unwrap();
        assert_eq!(host.is_draft(repository, number).await.unwrap(), Some(draft));
    }
    case.close().await;
    assert_eq!(host.is_draft(repository, number).await.unwrap(), None);
    host.set_draft(repository, number, true).await.unwrap();
    assert_eq!(host.is_draft(repository, number + 100).await.unwrap(), None, "no such pull request");
}

#[tokio::test]
async fn what_did_not_change_is_not_written() {
    let (host, number) = with_pull().await;
    let comment = StickyComment { kind: "wip", text: "one".to_owned() };
    for _ in 0..2 {
        host.github.set_comment(&host.repository(), number, &comment).await.unwrap();
        host.github.set_draft(&host.repository(), number, true).await.unwrap();
    }
    let writes: Vec<_> =
        host.requests().await.into_iter().filter(|line| line.contains("POST") && !line.contains("/app/")).collect();
    let comments = format!("POST /repos/acme/fleet/issues/{number}/comments 201");
    let opened = "POST /repos/acme/fleet/pulls 201".to_owned();
    assert_eq!(writes, [opened, comments, "POST /graphql 200".to_owned()]);
}

/// Anybody may write a comment that begins as ours does. It is neither edited nor taken for ours, wherever it stands in the list.
#[tokio::test]
async fn a_comment_of_another_is_not_ours_and_ours_is_found_on_any_page() {
    let (host, number) = with_pull().await;
    let path = format!("/repos/acme/fleet/issues/{number}/comments");
    for _ in 0..101 {
        host.person(Method::POST, &path, json!({"body": "<!-- penstock:wip -->\nnot ours"})).await;
    }
    for text in ["one", "two"] {
        let comment = StickyComment { kind: "wip", text: text.to_owned() };
        host.github.set_comment(&host.repository(), number, &comment).await.unwrap();
    }
    let second = listed(&host, &format!("{path}?per_page=100&page=2"), "body").await;
    assert_eq!(second, ["<!-- penstock:wip -->\nnot ours", "<!-- penstock:wip -->\ntwo"]);
    let first = listed(&host, &format!("{path}?per_page=100"), "body").await;
    assert!(first.iter().all(|text| text.ends_with("not ours")));
}

#[tokio::test]
async fn drafts_reach_intake_as_webhooks_and_the_reader_as_state() {
    let (mut host, number) = with_pull().await;
    host.github.set_draft(&host.repository(), number, true).await.unwrap();
    let received = host.next("pull_request").await;
    assert_eq!(
        (&received.body["action"], &received.body["pull_request"]["draft"]),
        (&json!("converted_to_draft"), &json!(true))
    );
    let read = host.github.pull_request(&host.repository(), number).await.unwrap().unwrap();
    assert_eq!((read.draft, read.open, read.author), (true, true, Some(common::domain::id::HostAccount::github(1001))));
    host.github.set_draft(&host.repository(), number, false).await.unwrap();
    assert_eq!(host.next("pull_request").await.body["action"], "ready_for_review");
}

/// Each call asks for a token with what it needs and no more; drafts need what a merge needs, and say so when they may not.
#[tokio::test]
async fn tokens_are_narrow_and_a_host_without_the_permission_is_told_in_words() {
    let (host, number) = with_pull().await;
    host.github.set_label(&host.repository(), number, LABEL, true).await.unwrap();
    host.github.set_draft(&host.repository(), number, true).await.unwrap();
    let (_, asked) = host.person(Method::GET, "/_forge/token-requests", Value::Null).await;
    assert_eq!(
        asked,
        json!([
            {"repository_ids": [ID], "permissions": {"issues": "write", "metadata": "read", "pull_requests": "write"}},
            {"repository_ids": [ID], "permissions": {"contents": "write", "metadata": "read", "pull_requests": "write"}},
        ])
    );

    let (host, number) = with_pull().await;
    host.person(Method::PUT, "/_forge/grant", json!({"contents": "read"})).await;
    let fault = host.github.set_draft(&host.repository(), number, true).await.unwrap_err();
    assert!(matches!(fault, Fault::Reject { .. }), "{fault:?}");
    insta::assert_snapshot!(fault.to_string(), @r#"making pull request 1 of acme/fleet a draft: GitHub forbids it: grant the App "Pull requests: write" and "Contents: write", and accept them in the installation"#);
    assert_eq!(host.github.is_draft(&host.repository(), number).await.unwrap(), Some(false));
}
