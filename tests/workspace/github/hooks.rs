//! What a real push, a pull request and a merge send. `Host::next` has verified each signature.

use std::collections::BTreeSet;

use axum::http::Method;
use serde_json::{Value, json};

use super::host::{APP, Host, ID};

const NONE: &str = "0000000000000000000000000000000000000000";

#[tokio::test]
async fn a_push_says_what_its_commits_did_to_which_file() {
    let (mut host, first) = Host::with_main(&[("a", "1\n"), ("b", "1\n"), ("c", "1\n")]).await;
    host.commit(&[("a", "2\n"), ("deploy/ü.yaml", "x\n")], "second").await;
    let third = host.commit(&[("b", "")], "third").await;
    host.git("push --quiet origin main").await;
    let push = host.next("push").await;
    let body = &push.body;
    let flags = [&body["created"], &body["deleted"], &body["forced"]].map(|flag| flag.as_bool().unwrap());
    assert_eq!(flags, [false, false, false]);
    assert_eq!(
        (&body["ref"], &body["before"], &body["after"]),
        (&json!("refs/heads/main"), &json!(first), &json!(third))
    );
    let changes: Vec<Value> = body["commits"]
        .as_array()
        .unwrap()
        .iter()
        .map(|commit| {
            json!([commit["message"], commit["added"], commit["modified"], commit["removed"], commit["distinct"]])
        })
        .collect();
    assert_eq!(json!(changes), json!([["second", ["deploy/ü.yaml"], ["a"], [], true], ["third", [], [], ["b"], true]]));
    assert_eq!((&body["head_commit"]["id"], &body["repository"]["id"]), (&json!(third), &json!(ID)));
    assert_eq!(
        (&body["repository"]["full_name"], &body["installation"]["id"]),
        (&json!("acme/fleet"), &json!(APP * 10 + 1))
    );
    assert!(body["sender"]["id"].is_u64() && body["sender"]["login"].is_string());
    let groups: Vec<usize> = push.guid.split('-').map(str::len).collect();
    assert_eq!(
        (groups, push.guid.chars().nth(14)),
        (vec![8, 4, 4, 4, 12], Some('4')),
        "a UUID, version 4: {}",
        push.guid
    );
}

#[tokio::test]
async fn branches_and_tags_come_are_rewritten_and_go() {
    let (mut host, first) = Host::with_main(&[("a", "1\n")]).await;
    let flags = |body: &Value| ["created", "deleted", "forced"].map(|flag| body[flag].as_bool().unwrap());
    host.git("checkout --quiet -b topic").await;
    let topic = host.commit(&[("b", "1\n")], "topic").await;
    host.git("push --quiet origin topic").await;
    let body = host.next("push").await.body;
    assert_eq!((flags(&body), &body["before"], &body["after"]), ([true, false, false], &json!(NONE), &json!(topic)));
    assert_eq!(body["commits"].as_array().unwrap().len(), 1, "only what no branch had: {body}");

    host.git(&format!("reset --quiet --hard {first}")).await;
    let rewritten = host.commit(&[("c", "1\n")], "rewritten").await;
    host.git("push --quiet --force origin topic").await;
    let body = host.next("push").await.body;
    assert_eq!(
        (flags(&body), &body["before"], &body["after"]),
        ([false, false, true], &json!(topic), &json!(rewritten))
    );

    host.git("tag v1").await;
    host.git("push --quiet origin v1").await;
    assert_eq!(host.next("push").await.body["ref"], "refs/tags/v1");

    host.git("push --quiet origin :topic").await;
    let body = host.next("push").await.body;
    assert_eq!(
        (flags(&body), &body["after"], &body["head_commit"]),
        ([false, true, false], &json!(NONE), &Value::Null)
    );
    assert_eq!(body["commits"], json!([]));
}

#[tokio::test]
async fn a_redelivery_is_the_same_bytes_under_the_same_guid() {
    let mut host = Host::start().await;
    host.commit(&[("a", "1\n")], "first").await;
    host.git("push --quiet origin main").await;
    let first = host.next("push").await;
    let (_, list) = host.person(Method::GET, "/_forge/deliveries", Value::Null).await;
    let (status, _) = host.person(Method::POST, &format!("/_forge/redeliver/{}", list[0]["id"]), Value::Null).await;
    assert_eq!(status, 201);
    let again = host.next("push").await;
    assert_eq!((again.guid, again.bytes), (first.guid, first.bytes));
    let (_, list) = host.person(Method::GET, "/_forge/deliveries", Value::Null).await;
    let seen: Vec<_> =
        list.as_array().unwrap().iter().map(|delivery| delivery["redelivery"].as_bool().unwrap()).collect();
    assert_eq!(seen, [false, true]);
    assert_eq!(list[0]["status_code"], 202, "{list}");
    let ids: BTreeSet<u64> = list.as_array().unwrap().iter().map(|delivery| delivery["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(host.person(Method::POST, "/_forge/redeliver/1", Value::Null).await.0, 404);
}

#[tokio::test]
async fn a_receiver_that_is_down_is_recorded_and_not_asked_again() {
    let mut host = Host::start().await;
    let (_, hook) = host.person(Method::GET, "/_forge/webhook", Value::Null).await;
    let down = json!({"url": "http://127.0.0.1:1/", "secret": "It's a Secret to Everybody"});
    host.person(Method::PUT, "/_forge/webhook", down).await;
    host.commit(&[("a", "1\n")], "first").await;
    host.git("push --quiet origin main").await;
    let up = json!({"url": hook["url"], "secret": "It's a Secret to Everybody"});
    host.person(Method::PUT, "/_forge/webhook", up).await;
    host.commit(&[("a", "2\n")], "second").await;
    host.git("push --quiet origin main").await;
    assert_eq!(host.next("push").await.body["head_commit"]["message"], "second", "deliveries go in order, each once");
    let (_, list) = host.person(Method::GET, "/_forge/deliveries", Value::Null).await;
    assert_eq!(list.as_array().unwrap().len(), 2);
    assert_eq!(list[0]["status_code"], Value::Null);
    assert!(list[0]["status"].as_str().unwrap().starts_with("failed to connect"), "{list}");
}

#[tokio::test]
async fn a_pull_request_opens_follows_its_head_and_merges_only_what_was_seen() {
    let (mut host, _) = Host::with_main(&[("a", "1\n")]).await;
    host.git("checkout --quiet -b topic").await;
    let head = host.commit(&[("deploy/x.yaml", "1\n")], "topic").await;
    host.git("push --quiet origin topic").await;
    host.next("push").await;
    let number = host.open_pull("topic").await;
    let opened = host.next("pull_request").await.body;
    assert_eq!((&opened["action"], &opened["pull_request"]["head"]["sha"]), (&json!("opened"), &json!(head)));
    let (_, files) = host.person(Method::GET, "/repos/acme/fleet/pulls/1/files", Value::Null).await;
    assert_eq!(files, json!([{"filename": "deploy/x.yaml", "status": "added"}]));

    let newer = host.commit(&[("deploy/x.yaml", "2\n")], "more").await;
    host.git("push --quiet origin topic").await;
    host.next("push").await;
    let moved = host.next("pull_request").await.body;
    assert_eq!(
        (&moved["action"], &moved["before"], &moved["after"]),
        (&json!("synchronize"), &json!(head), &json!(newer))
    );

    let merge = format!("/repos/acme/fleet/pulls/{number}/merge");
    let (status, said) = host.person(Method::PUT, &merge, json!({"sha": head})).await;
    assert_eq!(
        (status.as_u16(), &said["message"]),
        (409, &json!("Head branch was modified. Review and try the merge again."))
    );
    let (status, merged) = host.person(Method::PUT, &merge, json!({"sha": newer, "merge_method": "squash"})).await;
    assert_eq!(status, 200, "{merged}");
    let closed = host.next("pull_request").await.body;
    assert_eq!((&closed["action"], &closed["pull_request"]["merged"]), (&json!("closed"), &json!(true)));
    assert_eq!(closed["pull_request"]["merge_commit_sha"], merged["sha"]);
    let push = host.next("push").await.body;
    assert_eq!((&push["ref"], &push["after"]), (&json!("refs/heads/main"), &merged["sha"]));
    assert_eq!(push["commits"][0]["added"], json!(["deploy/x.yaml"]));
    assert_eq!(host.person(Method::PUT, &merge, json!({})).await.0, 405, "it is merged");
}

#[tokio::test]
async fn merging_by_push_closes_the_pull_request_and_a_conflict_cannot_merge() {
    let (mut host, _) = Host::with_main(&[("a", "1\n")]).await;
    for (branch, text) in [("one", "one\n"), ("two", "two\n")] {
        host.git(&format!("checkout --quiet -b {branch} main")).await;
        host.commit(&[("a", text)], branch).await;
        host.git(&format!("push --quiet origin {branch}")).await;
        host.next("push").await;
        host.open_pull(branch).await;
        host.next("pull_request").await;
    }
    host.git("push --quiet origin one:main").await;
    host.next("push").await;
    let closed = host.next("pull_request").await.body;
    assert_eq!(
        (&closed["number"], &closed["action"], &closed["pull_request"]["merged"]),
        (&json!(1), &json!("closed"), &json!(true))
    );
    let (status, _) = host.person(Method::PUT, "/repos/acme/fleet/pulls/2/merge", json!({})).await;
    assert_eq!(status, 405);
}
