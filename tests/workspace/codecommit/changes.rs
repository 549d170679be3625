//! Approvals, the host's own rules, and merging under both.

use axum::http::Method;
use common::{
    domain::id::HostAccount,
    ports::{ApprovalWord, Changes as _, Forge as _, HostRules, Merged, Merging as _, SquashMerge},
};
use serde_json::{Value, json};

use crate::github::host::Host;

async fn opened(host: &Host) -> (u64, Value) {
    host.git("checkout --quiet -b one main").await;
    host.commit(&[("b", "1\n")], "one").await;
    host.git("push --quiet origin one").await;
    let number = host.open_pull("one").await;
    (number, shown(host, number).await)
}

async fn shown(host: &Host, number: u64) -> Value {
    host.call("GetPullRequest", "user-ada", json!({"pullRequestId": number.to_string()})).await.1["pullRequest"].clone()
}

async fn approve(host: &Host, who: &str, pull: &Value, state: &str) -> Value {
    let body = json!({
        "pullRequestId": pull["pullRequestId"], "revisionId": pull["revisionId"], "approvalState": state,
    });
    host.call("UpdatePullRequestApprovalState", who, body).await.1
}

#[tokio::test]
async fn approvals_are_of_one_revision_and_another_push_has_none() {
    let (host, _) = Host::with_main(&[("a", "1\n")]).await;
    let (number, pull) = opened(&host).await;
    let (codecommit, repository) = (host.codecommit("merger"), host.on_codecommit());
    host.person(Method::PUT, "/_forge/codecommit/rules", json!({"number": number, "rules": {"two": 2}})).await;
    let ada = HostAccount::Iam("arn:aws:iam::111122223333:user/ada".parse().unwrap());

    assert_eq!(approve(&host, "user-ada", &pull, "APPROVE").await, json!({}));
    let seen = codecommit.approvals(&repository, number).await.unwrap().unwrap();
    assert_eq!(seen.rules, HostRules::Unsatisfied(["two".to_owned()].into()));
    let said: Vec<_> = seen.said.iter().map(|one| (one.who.clone(), one.word, one.commit.clone())).collect();
    assert_eq!(said, [(ada, ApprovalWord::Approved, Some(seen.head.clone()))]);
    assert_eq!(seen.revision.as_deref(), pull["revisionId"].as_str());

    approve(&host, "user-bob", &pull, "APPROVE").await;
    assert_eq!(codecommit.approvals(&repository, number).await.unwrap().unwrap().rules, HostRules::Satisfied);
    approve(&host, "user-bob", &pull, "REVOKE").await;
    assert_eq!(codecommit.approvals(&repository, number).await.unwrap().unwrap().said.len(), 1);

    host.commit(&[("b", "2\n")], "more").await;
    host.git("push --quiet origin one").await;
    let seen = codecommit.approvals(&repository, number).await.unwrap().unwrap();
    assert_eq!((seen.said.len(), seen.rules), (0, HostRules::Unsatisfied(["two".to_owned()].into())));
    let late = approve(&host, "user-bob", &pull, "APPROVE").await;
    assert_eq!(late["__type"], "RevisionNotCurrentException");
}

#[tokio::test]
async fn the_hosts_rules_hold_a_merge_and_an_override_is_somebodys() {
    let (host, _) = Host::with_main(&[("a", "1\n")]).await;
    let (number, pull) = opened(&host).await;
    let (codecommit, repository) = (host.codecommit("merger"), host.on_codecommit());
    host.person(Method::PUT, "/_forge/codecommit/rules", json!({"number": number, "rules": {"one": 1}})).await;
    let main = "main".parse().unwrap();
    let before = codecommit.branch_head(&repository, &main).await.unwrap();
    let head = pull["pullRequestTargets"][0]["sourceCommit"].as_str().unwrap().parse().unwrap();
    let merge = SquashMerge { number, head, title: "Add".to_owned(), body: "b".to_owned() };

    let refused = codecommit.merge_squash(&repository, &merge).await.unwrap();
    assert_eq!(refused, Merged::NotAllowed("\"the approval rules are not satisfied\"".to_owned()));
    assert_eq!(codecommit.branch_head(&repository, &main).await.unwrap(), before);

    let aside = json!({"pullRequestId": "1", "revisionId": pull["revisionId"], "overrideStatus": "OVERRIDE"});
    assert_eq!(host.call("OverridePullRequestApprovalRules", "user-root", aside).await.0, 200);
    let by = HostAccount::Iam("arn:aws:iam::111122223333:user/root".parse().unwrap());
    let rules = codecommit.approvals(&repository, number).await.unwrap().unwrap().rules;
    assert_eq!(rules, HostRules::Overridden(Some(by)));

    // A push between the decision and the merge: nothing is merged.
    host.commit(&[("b", "2\n")], "more").await;
    host.git("push --quiet origin one").await;
    assert_eq!(codecommit.merge_squash(&repository, &merge).await.unwrap(), Merged::HeadMoved);
    assert_eq!(codecommit.branch_head(&repository, &main).await.unwrap(), before);
    let missing = SquashMerge { number: 9, ..merge };
    assert!(codecommit.merge_squash(&repository, &missing).await.is_err());
}

#[tokio::test]
async fn github_has_the_last_word_of_each_and_of_comments_none() {
    let (host, _) = Host::with_main(&[("a", "1\n")]).await;
    let (number, _) = opened(&host).await;
    let path = format!("/repos/acme/fleet/pulls/{number}/reviews");
    for event in ["APPROVE", "REQUEST_CHANGES", "COMMENT"] {
        assert_eq!(host.person(Method::POST, &path, json!({"event": event})).await.0, 200);
    }
    let seen = host.github.approvals(&host.repository(), number).await.unwrap().unwrap();
    let said: Vec<_> = seen.said.iter().map(|one| (one.who.clone(), one.word)).collect();
    assert_eq!(said, [(HostAccount::github(1001), ApprovalWord::ChangesRequested)]);
    assert_eq!((seen.rules, seen.revision), (HostRules::Untold, None));
}

#[tokio::test]
async fn every_page_of_what_changed_is_read() {
    let (host, first) = Host::with_main(&[("a", "1\n")]).await;
    let second = host.commit(&[("b", "1\n"), ("c/d", "1\n"), ("a", "")], "second").await;
    host.git("push --quiet origin main").await;
    host.person(Method::PUT, "/_forge/codecommit/limits", json!({"page": 1})).await;
    let (codecommit, repository) = (host.codecommit("merger"), host.on_codecommit());
    let paths: Vec<_> = codecommit.changed_paths(&repository, &first, &second).await.unwrap().into_iter().collect();
    assert_eq!(paths, ["a", "b", "c/d"]);
    let before = host.requests().await.into_iter().filter(|line| line.contains("GetDifferences")).count();
    assert_eq!(before, 3);
    assert_eq!(codecommit.differences(&repository, &second, &first).await.unwrap().map(|paths| paths.len()), Some(3));
    let gone = "0a".repeat(20).parse().unwrap();
    assert_eq!(codecommit.differences(&repository, &gone, &first).await.unwrap(), None);
}

/// Part of a list is never the whole: GitHub lists 300 files and no more.
#[tokio::test]
async fn more_files_than_github_lists_are_refused() {
    let (host, first) = Host::with_main(&[("a", "1\n")]).await;
    let names: Vec<String> = (0..300).map(|number| format!("f/{number}")).collect();
    let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "1\n")).collect();
    let second = host.commit(&files, "many").await;
    host.git("push --quiet origin main").await;
    let fault = host.github.changed_paths(&host.repository(), &first, &second).await.unwrap_err();
    assert!(fault.to_string().contains("GitHub lists no more than 300 files"), "{fault}");
    let on_codecommit = host.codecommit("merger").changed_paths(&host.on_codecommit(), &first, &second).await.unwrap();
    assert_eq!(on_codecommit.len(), 300);
}
