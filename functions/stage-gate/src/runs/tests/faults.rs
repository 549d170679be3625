//! What fails, and what is not ours.

use common::{
    domain::{governance::Governance, id::RepositoryId},
    event::EventKind,
    ports::GateAnswer,
    testing::{GovernanceFiles, When, id},
};
use serde_json::Value;

use super::{APPROVER, MC01, READER, REGIONAL, Rig, commit, execution, missing, pipeline};

#[tokio::test]
async fn a_pipeline_that_is_nobody_s_is_left_alone() {
    let rig = Rig::new().await;
    let foreign = id("mc-production-us-east-1-mc01-ffffffffffff");
    rig.world.wait_at_gate(&foreign, &execution(1), Some(&commit('a')));
    rig.gates.came_to_gate(foreign.as_str(), &super::cause()).await.unwrap();
    rig.gates.came_to_gate("x'; DROP", &super::cause()).await.unwrap();
    rig.sweep().await;
    let asked = rig.world.calls().iter().any(|call| call.about == foreign.as_str());
    assert!(!asked && rig.answers().is_empty() && rig.told().is_empty());
}

#[tokio::test]
async fn one_cluster_s_fault_stops_no_other() {
    let rig = Rig::new().await;
    let run = rig.wait(REGIONAL, 2);
    rig.wait(MC01, 1);
    let path = format!("/v1/clusters/production/us-east-1/regional/runs/{run}/approvals");
    let (status, _) = rig.ask(APPROVER, "POST", &path, &serde_json::json!({"answer": "approve"})).await;
    assert_eq!((status, rig.answers()), (200, vec![(run, GateAnswer::Approve)]));
    let other = rig.wait(REGIONAL, 3);
    rig.world.fail("CodePipeline.GetPipelineState", pipeline(MC01).as_str(), "InternalFailure", true, 100);
    rig.told();
    rig.sweep().await;
    assert_eq!(rig.told(), ["Run Gate Waiting"], "{other} is told of");
}

#[tokio::test]
async fn of_a_cluster_that_two_repositories_made_nothing_is_decided_and_of_the_others_all_is() {
    let repositories = "repositories:
  - {id: 42, name: acme/clusters, kind: cluster, default_branch: main}
  - {id: 43, name: acme/other, kind: cluster, default_branch: main}
";
    let mut rig = Rig::new().await;
    let files = GovernanceFiles::default().with("environments.yaml", super::ENVIRONMENTS);
    rig.gates.governance = Governance::parse(&files.with("repositories.yaml", repositories).bytes()).unwrap();
    super::register_in(&rig.world, RepositoryId::GitHub(43), MC01).await;
    rig.told();
    let (disputed, other) = (rig.wait(MC01, 1), rig.wait(REGIONAL, 2));
    rig.sweep().await;
    assert_eq!(rig.told(), ["Run Gate Waiting"], "{other} is told of");
    let (status, answer) = rig.answer(APPROVER, &disputed, "approve").await;
    assert_eq!((status, rig.answers()), (500, vec![]), "{answer}");
}

#[tokio::test]
async fn without_a_commit_or_rules_nothing_passes_and_it_is_said_why() {
    let rig = Rig::new().await;
    rig.world.wait_at_gate(&pipeline(MC01), &execution(1), None);
    rig.sweep().await;
    let explained = rig.explain().await;
    insta::assert_snapshot!(missing(&explained["runs"][0]), @"CodePipeline does not say which commit it deploys [its author: stops this run and begins another from the branch]");
    assert_eq!(rig.answer(APPROVER, &execution(1), "approve").await.0, 403);

    let gone = Rig::with("unlisted: refuse\nenvironments:\n  staging: {branch: main}\n").await;
    gone.wait(MC01, 1);
    gone.sweep().await;
    let (_, explained) = gone.ask(READER, "GET", "/v1/clusters/production/us-east-1/mc01/explain", &Value::Null).await;
    insta::assert_snapshot!(missing(&explained["runs"][0]), @"environments.yaml does not list production [an administrator: lists production in environments.yaml]");
    assert_eq!((rig.answers(), gone.answers()), (vec![], vec![]));
}

/// Threat 55: stopped at any call, before or after its effect, the next look comes to the same end, once.
#[tokio::test]
async fn stopped_anywhere_the_run_goes_on_once_and_is_told_of_once() {
    for when in [When::Before, When::After] {
        for number in 0..40 {
            let rig = Rig::new().await;
            let run = rig.wait(MC01, 1);
            rig.wake(MC01).await;
            rig.world.fail_call(number, when);
            let (status, _) = rig.answer(APPROVER, &run, "approve").await;
            rig.world.heal();
            if status != 200 {
                assert_eq!(status, 503, "call {number} {when:?}");
                let again = rig.answer(APPROVER, &run, "approve").await.0;
                assert!([200, 409].contains(&again), "call {number} {when:?}: {again}");
            }
            rig.sweep().await;
            assert_eq!(rig.answers(), [(run, GateAnswer::Approve)], "call {number} {when:?}");
            let told = rig.world.drain();
            let approved = told.iter().filter(|event| event.event.kind() == EventKind::RunGateApproved).count();
            assert_eq!((told.len(), approved), (2, 1), "call {number} {when:?}");
            assert_eq!(
                rig.actions(&format!("cluster:{MC01}")).await,
                ["run.wait", "run.answer", "run.approve"],
                "call {number} {when:?}"
            );
        }
    }
}

/// A hold that is placed when the decision was said and the pipeline not yet answered wins.
#[tokio::test]
async fn a_hold_placed_before_the_pipeline_was_answered_keeps_the_run() {
    let rig = Rig::new().await;
    let run = rig.wait(MC01, 1);
    rig.world.fail("CodePipeline.PutApprovalResult", "", "ThrottlingException", true, 1);
    assert_eq!(rig.answer(APPROVER, &run, "approve").await.0, 503);
    assert_eq!(rig.told(), ["Run Gate Approved"]);
    let hold = serde_json::json!({"id": "h-1", "scope": "all", "until": "2026-01-05T12:00:00Z", "reason": "stop, this is wrong"});
    assert_eq!(rig.ask(APPROVER, "POST", "/v1/holds", &hold).await.0, 201);
    rig.told();
    rig.sweep().await;
    assert_eq!((rig.answers(), rig.told()), (vec![], vec!["Run Gate Waiting"]));
}

#[tokio::test]
async fn a_run_that_somebody_else_let_go_on_comes_to_light_once() {
    let rig = Rig::new().await;
    let run = rig.wait(MC01, 1);
    rig.wake(MC01).await;
    rig.told();
    rig.world.leave_gate(&pipeline(MC01), &run, true, "arn:aws:iam::1:user/eve");
    rig.sweep().await;
    rig.sweep().await;
    let told = rig.world.drain();
    let EventKind::RunGateBypassed = told[0].event.kind() else { panic!("{told:?}") };
    let common::event::Event::RunGateBypassed(said) = &told[0].event else { panic!("{told:?}") };
    insta::assert_snapshot!(said.reasons[0].missing, @r#""arn:aws:iam::1:user/eve" let it go on, and not Penstock, which said: 0 of 1 approvals of approvers; ada wrote what it deploys, and does not count"#);
    assert_eq!((told.len(), rig.answers()), (1, vec![]));
    assert_eq!(rig.actions(&format!("cluster:{MC01}")).await, ["run.wait", "run.bypassed"]);
}

#[tokio::test]
async fn a_run_that_was_stopped_waits_for_nobody_and_what_we_answered_is_no_news() {
    let rig = Rig::new().await;
    let run = rig.wait(MC01, 1);
    rig.wake(MC01).await;
    rig.told();
    rig.world.leave_gate(&pipeline(MC01), &run, false, "arn:aws:iam::1:user/eve");
    rig.sweep().await;
    rig.sweep().await;
    assert_eq!(rig.told(), ["Run Gate Rejected"]);
    let (status, late) = rig.answer(APPROVER, &run, "approve").await;
    assert_eq!(status, 409, "{late}");

    let unknown = Rig::new().await;
    unknown.world.leave_gate(&pipeline(MC01), &execution(7), true, "console");
    unknown.sweep().await;
    assert_eq!(unknown.told(), Vec::<&str>::new(), "a run from before there was a gate of ours");
}
