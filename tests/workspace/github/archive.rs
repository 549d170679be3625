//! Keeping what remains: once, never moved, and found again.

use axum::http::Method;
use common::{
    fault::Fault,
    ports::{Archive as _, NewIssue},
};
use serde_json::{Value, json};

use super::host::Host;

#[tokio::test]
async fn a_reference_is_made_once_and_never_moved() {
    let (host, first) = Host::with_main(&[("a", "1\n")]).await;
    let repository = host.repository();
    let second = host.commit(&[("a", "2\n")], "second").await;
    host.git("push --quiet origin main").await;
    for _ in 0..2 {
        host.github.keep(&repository, "heads/archive/p-1", &first).await.unwrap();
        host.github.keep(&repository, "tags/killed/p-1", &first).await.unwrap();
    }
    let fault = host.github.keep(&repository, "tags/killed/p-1", &second).await.unwrap_err();
    assert!(matches!(fault, Fault::Reject { .. }), "{fault}");
    let refs = host.git("ls-remote origin refs/heads/archive/p-1 refs/tags/killed/p-1").await;
    assert_eq!(refs.matches(first.as_str()).count(), 2, "{refs}");
}

#[tokio::test]
async fn an_issue_is_opened_once_and_somebody_else_s_of_that_name_is_not_ours() {
    let (host, _) = Host::with_main(&[("a", "1\n")]).await;
    let repository = host.repository();
    let issue = NewIssue {
        title: "Postmortem: p-1".to_owned(),
        body: "Within a week\n".to_owned(),
        label: "postmortem".to_owned(),
    };
    let theirs = json!({"title": issue.title, "labels": [issue.label]});
    assert_eq!(host.person(Method::POST, "/repos/acme/fleet/issues", theirs).await.0, 201);
    let first = host.github.open_issue(&repository, &issue).await.unwrap();
    assert_eq!((first, host.github.open_issue(&repository, &issue).await.unwrap()), (Some(2), Some(2)));
    let (_, shown) = host.person(Method::GET, "/repos/acme/fleet/issues/2", Value::Null).await;
    assert_eq!((&shown["title"], &shown["labels"][0]["name"]), (&json!(issue.title), &json!("postmortem")));
}
