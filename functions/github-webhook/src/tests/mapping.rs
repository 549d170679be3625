//! Which event of the contract each payload becomes, and what it carries.

use common::{
    domain::id::{CommentId, HostAccount, RepositoryId},
    event::{CheckKind, Event},
};
use serde_json::{Value, json};

use super::{
    bodies::{self, BASE, HEAD, ZEROS},
    support::Rig,
};

async fn mapped(name: &str, body: &Value) -> Event {
    let rig = Rig::new();
    let (status, answer) = rig.send(name, body).await;
    assert_eq!(status, 202, "{answer}");
    let envelope = rig.event();
    assert_eq!(answer["event"], envelope.event.kind().name());
    assert!(crate_emits(&envelope.event), "{} is not in the manifest", envelope.event.kind().name());
    envelope.event
}

#[cfg(feature = "lambda")]
fn crate_emits(event: &Event) -> bool {
    crate::MANIFEST.emits.contains(&event.kind())
}

#[cfg(not(feature = "lambda"))]
fn crate_emits(_: &Event) -> bool {
    true
}

async fn ignored(name: &str, body: &Value) -> String {
    let rig = Rig::new();
    let (status, answer) = rig.send(name, body).await;
    assert_eq!((status, answer["status"].as_str()), (200, Some("ignored")), "{answer}");
    assert_eq!(rig.writes(), 0);
    answer["reason"].as_str().unwrap().to_owned()
}

async fn pushed(change: impl FnOnce(&mut Value)) -> common::event::BranchPushed {
    let mut body = bodies::push();
    change(&mut body);
    match mapped("push", &body).await {
        Event::BranchPushed(pushed) => pushed,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_push_says_which_branch_moved_from_where_to_where() {
    let event = pushed(|_| {}).await;
    assert_eq!((event.branch.as_str(), event.after.as_str()), ("main", HEAD));
    assert_eq!(event.before.as_ref().map(|sha| sha.as_str()), Some(BASE));
    assert_eq!(
        (event.repository.id, event.repository.name.as_str()),
        (RepositoryId::GitHub(186_853_002), "Codertocat/Hello-World")
    );
    assert_eq!(
        (event.sender.id, event.sender.login.as_str(), event.forced),
        (HostAccount::github(21_031_067), "Codertocat", false)
    );
    assert_eq!(event.touched_roots, ["README.md", "deploy", "docs"]);
}

#[tokio::test]
async fn touched_roots_are_everything_unless_the_payload_tells_it_all() {
    let everything = ["*"];
    assert_eq!(pushed(|body| body["forced"] = json!(true)).await.touched_roots, everything);
    assert_eq!(pushed(|body| body["created"] = json!(true)).await.touched_roots, everything);
    let new = pushed(|body| body["before"] = json!(ZEROS)).await;
    assert_eq!((new.before, new.touched_roots), (None, vec!["*".to_owned()]));
    assert_eq!(pushed(|body| body["commits"] = json!(null)).await.touched_roots, everything);
    assert_eq!(pushed(|body| drop(body.as_object_mut().unwrap().remove("commits"))).await.touched_roots, everything);
    assert_eq!(pushed(|body| body["commits"] = json!([])).await.touched_roots, everything);
    assert_eq!(pushed(|body| body["size"] = json!(3)).await.touched_roots, everything);
    assert_eq!(pushed(|body| body["size"] = json!(2)).await.touched_roots.len(), 3);
    // The head is not among the commits: the list was cut.
    assert_eq!(pushed(|body| drop(body["commits"].as_array_mut().unwrap().pop())).await.touched_roots, everything);
    let full = |body: &mut Value| {
        let head = body["commits"][1].clone();
        body["commits"] = json!(vec![head; 2048]);
    };
    assert_eq!(pushed(full).await.touched_roots, everything);
    assert_eq!(
        pushed(|body| drop(body["commits"][0].as_object_mut().unwrap().remove("added"))).await.touched_roots,
        everything
    );
    // GitHub reports at most 3000 files a commit.
    assert_eq!(pushed(|body| body["commits"][0]["added"] = json!(vec!["a/b"; 3000])).await.touched_roots, everything);
    assert_eq!(
        pushed(|body| body["commits"][0]["added"] = json!(vec!["a/b"; 2999])).await.touched_roots,
        ["README.md", "a", "docs"]
    );
    let names = |count: usize| -> Vec<String> { (0..count).map(|number| format!("root-{number}/file")).collect() };
    assert_eq!(pushed(|body| body["commits"][0]["added"] = json!(names(48))).await.touched_roots.len(), 50);
    assert_eq!(pushed(|body| body["commits"][0]["added"] = json!(names(49))).await.touched_roots, everything);
    assert_eq!(pushed(|body| body["commits"][0]["added"] = json!(["a".repeat(256)])).await.touched_roots, everything);
}

#[tokio::test]
async fn a_deleted_branch_and_what_is_no_branch() {
    let mut body = bodies::push();
    body["after"] = json!(ZEROS);
    body["deleted"] = json!(true);
    body["head_commit"] = json!(null);
    let Event::BranchDeleted(event) = mapped("push", &body).await else { panic!("not a deletion") };
    assert_eq!((event.branch.as_str(), event.before.as_str()), ("main", BASE));
    for reference in ["refs/tags/v1", "refs/notes/commits", "main", "refs/heads/a..b", "refs/heads/ä", "refs/heads/"] {
        let mut body = bodies::push();
        body["ref"] = json!(reference);
        ignored("push", &body).await;
    }
    let rig = Rig::new();
    for (field, value) in [("before", "x"), ("after", "0000"), ("after", "")] {
        let mut body = bodies::push();
        body[field] = json!(value);
        assert_eq!(rig.send("push", &body).await.0, 422, "{field}");
    }
    let mut body = bodies::push();
    (body["before"], body["after"]) = (json!(ZEROS), json!(ZEROS));
    assert_eq!(rig.send("push", &body).await.0, 422);
}

#[tokio::test]
async fn a_pull_request_is_opened_updated_merged_or_closed() {
    for (action, kind) in [
        ("opened", "Change Opened"),
        ("reopened", "Change Opened"),
        ("synchronize", "Change Updated"),
        ("edited", "Change Updated"),
        ("ready_for_review", "Change Updated"),
        ("converted_to_draft", "Change Updated"),
        ("closed", "Change Closed"),
    ] {
        let event = mapped("pull_request", &bodies::pull_request(action)).await;
        assert_eq!(event.kind().name(), kind, "{action}");
        let (Event::ChangeOpened(change) | Event::ChangeUpdated(change) | Event::ChangeClosed(change)) = event else {
            panic!("{action}")
        };
        assert_eq!((change.number, change.head.as_str(), change.base.as_str()), (2, HEAD, BASE));
        assert_eq!((change.base_branch.as_str(), change.action.as_str()), ("main", action));
        assert_eq!(
            (change.author.login.as_str(), change.sender.id, change.fork),
            ("octocat", HostAccount::github(21_031_067), false)
        );
    }
    let mut merged = bodies::pull_request("closed");
    merged["pull_request"]["merged"] = json!(true);
    merged["pull_request"]["merge_commit_sha"] = json!(BASE);
    let Event::ChangeMerged(event) = mapped("pull_request", &merged).await else { panic!("not merged") };
    assert_eq!(event.merge_commit.map(String::from).as_deref(), Some(BASE));
    for action in ["labeled", "unlabeled"] {
        let Event::IssueUpdated(event) = mapped("pull_request", &bodies::pull_request(action)).await else { panic!() };
        assert_eq!((event.number, event.action.as_str()), (2, action), "it wakes who follows issues, and nobody else");
    }
    for action in ["assigned", "locked", "review_requested", "auto_merge_enabled", "enqueued"] {
        assert!(ignored("pull_request", &bodies::pull_request(action)).await.contains(action));
    }
}

#[tokio::test]
async fn a_fork_is_told_by_repository_ids() {
    for (repo, fork) in [
        (json!({"id": 1, "full_name": "Codertocat/Hello-World"}), true),
        (json!(null), true),
        (bodies::repository(), false),
    ] {
        let mut body = bodies::pull_request("opened");
        body["pull_request"]["head"]["repo"] = repo;
        let Event::ChangeOpened(change) = mapped("pull_request", &body).await else { panic!("not opened") };
        assert_eq!(change.fork, fork);
    }
}

#[tokio::test]
async fn reviews_and_comments() {
    for action in ["submitted", "edited", "dismissed"] {
        let Event::ChangeReviewed(event) = mapped("pull_request_review", &bodies::review(action)).await else {
            panic!()
        };
        assert_eq!(
            (event.number, event.review, event.reviewer.id, event.action.as_str()),
            (2, Some(237_895_671), HostAccount::github(9), action)
        );
        assert_eq!(event.commit.map(String::from).as_deref(), Some(HEAD));
    }
    for action in ["created", "edited", "deleted"] {
        let Event::ChangeCommented(event) = mapped("issue_comment", &bodies::comment(action, true)).await else {
            panic!()
        };
        assert_eq!(
            (event.number, event.comment, event.author.id, event.sender.id),
            (2, CommentId::GitHub(492_700_400), HostAccount::github(9), HostAccount::github(21_031_067))
        );
        assert!(ignored("issue_comment", &bodies::comment(action, false)).await.contains("not on a pull request"));
    }
}

#[tokio::test]
async fn only_what_is_completed_is_a_check() {
    for (name, kind) in [("check_run", CheckKind::CheckRun), ("check_suite", CheckKind::CheckSuite)] {
        let Event::CheckCompleted(event) = mapped(name, &bodies::check(name, "completed")).await else {
            panic!("{name}")
        };
        assert_eq!((event.check, event.id, event.conclusion.as_deref()), (kind, 128_620_228, Some("success")));
        for action in ["created", "requested", "rerequested", "in_progress", "requested_action"] {
            ignored(name, &bodies::check(name, action)).await;
        }
    }
    let Event::WorkflowCompleted(event) = mapped("workflow_run", &bodies::check("workflow_run", "completed")).await
    else {
        panic!()
    };
    assert_eq!((event.run, event.conclusion.as_deref()), (128_620_228, Some("success")));
    for action in ["requested", "in_progress"] {
        ignored("workflow_run", &bodies::check("workflow_run", action)).await;
    }
}

#[tokio::test]
async fn issues_are_opened_closed_or_updated() {
    for (action, kind) in [
        ("opened", "Issue Opened"),
        ("reopened", "Issue Opened"),
        ("closed", "Issue Closed"),
        ("deleted", "Issue Closed"),
        ("transferred", "Issue Closed"),
        ("labeled", "Issue Updated"),
        ("edited", "Issue Updated"),
        ("some_future_action", "Issue Updated"),
    ] {
        assert_eq!(mapped("issues", &bodies::issues(action)).await.kind().name(), kind, "{action}");
    }
    let rig = Rig::new();
    assert_eq!(rig.send("issues", &bodies::issues("not a word")).await.0, 422);
}

#[tokio::test]
async fn deployments_and_renamings() {
    let bodies = bodies::all();
    let body = |name: &str| bodies.iter().find(|(other, _)| *other == name).unwrap().1.clone();
    let Event::DeploymentReported(event) = mapped("deployment_status", &body("deployment_status")).await else {
        panic!()
    };
    assert_eq!((event.deployment, event.head.as_str(), event.state.as_str()), (145_988_746, HEAD, "success"));
    let Event::RepositoryRenamed(event) = mapped("repository", &body("repository")).await else { panic!() };
    assert_eq!((event.repository.name.as_str(), event.action.as_str()), ("Codertocat/Hello-World", "renamed"));
    let mut transferred = body("repository");
    transferred["action"] = json!("transferred");
    transferred["changes"] = json!({"owner": {"from": {"organization": {"id": 1, "login": "old"}}}});
    assert_eq!(mapped("repository", &transferred).await.kind().name(), "Repository Renamed");
    for name in [
        "deployment",
        "deployment_protection_rule",
        "create",
        "delete",
        "merge_group",
        "installation",
        "installation_repositories",
        "ping",
    ] {
        ignored(name, &body(name)).await;
    }
    assert!(ignored("star", &json!({"action": "created"})).await.contains("star"));
}

#[tokio::test]
async fn accounts_that_are_gone_are_shown_as_github_shows_them() {
    let mut body = bodies::push();
    body["sender"] = json!(null);
    let Event::BranchPushed(event) = mapped("push", &body).await else { panic!() };
    assert_eq!((event.sender.id, event.sender.login.as_str()), (HostAccount::github(10137), "ghost"));
    let mut body = bodies::issues("opened");
    body["issue"]["user"] = json!(null);
    let Event::IssueOpened(event) = mapped("issues", &body).await else { panic!() };
    assert_eq!(event.author, None);
}

/// The largest detail that can be made of hostile input still fits, so that intake never fails on its own output.
#[tokio::test]
async fn no_payload_makes_an_event_that_is_too_large() {
    let event = pushed(|body| {
        body["ref"] = json!(format!("refs/heads/{}", "b".repeat(244)));
        body["sender"]["login"] = json!("\u{10ffff}".repeat(100_000));
        let names: Vec<String> = (0..48).map(|number| format!("{number:03}{}", "\u{1}".repeat(252))).collect();
        body["commits"][0]["added"] = json!(names);
    })
    .await;
    assert_eq!((event.touched_roots.len(), event.sender.login.chars().count()), (50, 100));
}
