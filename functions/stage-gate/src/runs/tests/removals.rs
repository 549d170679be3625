//! Removals that were refused: who may let them through, and what that is bound to.

use common::{
    domain::{
        cluster::{RefusedRemovals, Removal, Removals},
        id::CommitSha,
    },
    event::Event,
    ports::{Clock, RemovalRows, RemovalsChange},
    testing::{GovernanceFiles, id, main_branch, repository},
};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{ADMIN, APPROVER, MC01, MEMBER, READER, REGIONAL, Rig, cause};

impl Rig {
    /// Somebody pushes; the head by then.
    fn push(&self, file: &str, author: u64) -> CommitSha {
        let event = self.world.push("main", &[(file, Some("one: 1\n"))]);
        let Event::BranchPushed(push) = event.event else { unreachable!("a push") };
        self.world.set_authors(&push.after, &[author], 0);
        push.after
    }

    /// The provisioner refuses removals at a commit; their digest.
    async fn refuse(&self, head: &CommitSha, clusters: &[&str]) -> String {
        let clusters = clusters.iter().map(|cluster| (id(cluster), Removal::Destroy)).collect();
        let removals = Removals { repository: repository().id, branch: main_branch(), head: head.clone(), clusters };
        let (digest, subject) = (removals.digest().to_string(), removals.subject());
        let at = self.world.now();
        let now = RefusedRemovals { removals, why: "rule removals".into(), at, approvals: vec![], approved_at: None };
        let entry = common::domain::audit::Draft {
            subject,
            at,
            actor: "pipeline-provisioner".into(),
            action: "removals.refuse".into(),
            phase: common::domain::audit::Phase::Decision,
            correlation_id: cause(),
            facts: [].into(),
            reasons: vec![],
        };
        self.world.commit_removals(&RemovalsChange { before: None, now, events: vec![], entry }).await.unwrap();
        digest
    }

    async fn approve(&self, token: Option<&str>, digest: &str) -> (u16, Value) {
        self.ask(token, "POST", &format!("/v1/removals/{digest}/approvals"), &json!({})).await
    }

    async fn waiting(&self) -> Value {
        let (status, listed) = self.ask(READER, "GET", "/v1/removals", &Value::Null).await;
        assert_eq!(status, 200, "{listed}");
        listed["removals"].clone()
    }
}

const ASKS_TWO: &str = "unlisted: refuse
environments:
  staging: {branch: main, approvals: {}}
  production: {branch: main, approvals: {release: 2}}
";

const PEOPLE: &str = "groups: [release]
people:
  ada: {github_id: 1001, jwt_subject: sub|ada, roles: [admin], pods: [ratio], groups: [release]}
  bob: {github_id: 1002, jwt_subject: sub|bob, roles: [member], pods: [ratio], groups: [release]}
  cy: {github_id: 1003, jwt_subject: sub|cy, roles: [member], pods: [ratio]}
  finn: {github_id: 1006, jwt_subject: sub|finn, roles: [member], pods: [nanda]}
";

#[tokio::test]
async fn whoever_is_asked_lets_them_through_for_a_day_and_who_wrote_them_does_not() {
    let rig = Rig::new().await;
    let head = rig.push("a", 1001);
    let digest = rig.refuse(&head, &[MC01, REGIONAL]).await;
    let waiting = rig.waiting().await;
    assert_eq!(waiting[0]["digest"], json!(digest));
    assert_eq!(waiting[0]["clusters"], json!({MC01: "destroy", REGIONAL: "destroy"}));
    assert_eq!(waiting[0]["until"], Value::Null);
    insta::assert_snapshot!(waiting[0]["missing"][0]["missing"].as_str().unwrap(), @"0 of 1 approvals of approvers; ada wrote what it deploys, and does not count");
    assert_eq!(
        waiting[0]["missing"][0]["how"],
        json!(format!("one of them sends POST /v1/removals/{digest}/approvals {{}}"))
    );

    let (status, refused) = rig.approve(ADMIN, &digest).await;
    assert_eq!((status, refused["type"].as_str()), (403, Some("urn:penstock:problem:forbidden")), "{refused}");
    let (status, refused) = rig.approve(MEMBER, &digest).await;
    assert_eq!(
        (status, refused["detail"].as_str()),
        (403, Some("cy is in no group that production asks: approvers (ada, bob)"))
    );
    assert_eq!(rig.approve(READER, &digest).await.0, 403);
    assert_eq!((rig.told(), rig.waiting().await[0]["until"].clone()), (vec![], Value::Null));

    let (status, taken) = rig.approve(APPROVER, &digest).await;
    assert_eq!((status, &taken["missing"], &taken["approved_by"]), (200, &json!([]), &json!(["bob"])), "{taken}");
    assert_eq!(rig.told(), ["Removals Approved"], "the provisioner is woken");
    rig.world.pass(SignedDuration::from_hours(1));
    let (status, again) = rig.approve(APPROVER, &digest).await;
    assert_eq!((status, &again["until"], rig.told()), (200, &taken["until"], vec![]), "the same again is the same");
    assert_eq!(rig.actions(&format!("removals:{digest}")).await, ["removals.approve"]);

    rig.world.pass(SignedDuration::from_hours(23));
    assert_eq!(rig.waiting().await[0]["until"], Value::Null, "a day later it is good for nothing");
    let (status, anew) = rig.approve(APPROVER, &digest).await;
    assert_eq!((status, rig.told()), (200, vec!["Removals Approved"]), "{anew}");
    assert_ne!(anew["until"], taken["until"]);
}

#[tokio::test]
async fn where_two_are_asked_one_is_kept_and_does_not_let_them_through() {
    let files = GovernanceFiles::default().with("environments.yaml", ASKS_TWO).with("people.yaml", PEOPLE);
    let rig = Rig::over(files).await;
    let head = rig.push("a", 1003);
    let digest = rig.refuse(&head, &[MC01]).await;
    let (status, taken) = rig.approve(APPROVER, &digest).await;
    assert_eq!((status, &taken["until"]), (200, &Value::Null), "{taken}");
    assert_eq!(taken["missing"][0]["who"], "ada", "{taken}");
    assert_eq!(rig.approve(APPROVER, &digest).await.1["missing"][0]["who"], "ada", "one person is not two");
    assert_eq!(rig.told(), Vec::<&str>::new());
    assert_eq!(rig.approve(ADMIN, &digest).await.1["approved_by"], json!(["bob", "ada"]));
    assert_eq!(rig.told(), ["Removals Approved"]);
    assert_eq!(rig.actions(&format!("removals:{digest}")).await, ["removals.answer", "removals.approve"]);
}

#[tokio::test]
async fn an_environment_that_asks_nobody_asks_an_approver_for_this() {
    let rig = Rig::new().await;
    let head = rig.push("a", 1003);
    let digest = rig.refuse(&head, &["staging/us-east-1/regional"]).await;
    assert_eq!(rig.approve(MEMBER, &digest).await.0, 403);
    assert_eq!(rig.approve(APPROVER, &digest).await.0, 200);
    let unlisted = rig.refuse(&head, &["elsewhere/us-east-1/regional"]).await;
    let (_, stands) = rig.approve(APPROVER, &unlisted).await;
    assert_eq!((&stands["until"], rig.told().len()), (&Value::Null, 1), "no rules, no removal: {stands}");
}

/// Whoever asked for it, was refused, and lets somebody push anything on top, is still who asked for it.
#[tokio::test]
async fn a_commit_on_top_makes_nobody_a_stranger_to_what_they_asked_for() {
    let rig = Rig::new().await;
    let first = rig.push("a", 1002);
    rig.refuse(&first, &[MC01, REGIONAL]).await;
    let head = rig.push("b", 1003);
    let digest = rig.refuse(&head, &[REGIONAL]).await;
    let (status, refused) = rig.approve(APPROVER, &digest).await;
    assert_eq!(
        (status, refused["detail"].as_str()),
        (403, Some("bob wrote what it deploys: somebody else who is asked approves it"))
    );
    assert_eq!(rig.approve(ADMIN, &digest).await.0, 200);
}

#[tokio::test]
async fn a_branch_that_moved_on_and_a_digest_that_nobody_refused_are_said_so() {
    let rig = Rig::new().await;
    let digest = rig.refuse(&rig.push("a", 1003), &[MC01]).await;
    let head = rig.push("b", 1003);
    let (status, moved) = rig.approve(APPROVER, &digest).await;
    assert_eq!((status, moved["type"].as_str()), (409, Some("urn:penstock:problem:another-commit")), "{moved}");
    assert!(moved["detail"].as_str().unwrap().contains(head.short()), "{moved}");
    assert_eq!(rig.waiting().await, json!([]), "nobody asks for it any more");
    let (status, nothing) = rig.approve(APPROVER, &"0a".repeat(32)).await;
    assert_eq!((status, nothing["type"].as_str()), (404, Some("urn:penstock:problem:no-such-removals")), "{nothing}");
    assert_eq!(rig.approve(APPROVER, "no-digest").await.0, 422);
    assert_eq!(rig.approve(None, &digest).await.0, 401);
    assert_eq!(rig.told(), Vec::<&str>::new());
}
