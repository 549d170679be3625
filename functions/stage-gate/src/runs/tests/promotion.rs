//! The environment before: the same commit succeeded there, and soaked.

use common::{
    domain::run::{PastRun, RunState},
    ports::{Clock, GateAnswer},
};
use jiff::SignedDuration;

use super::{MC01, Rig, commit, execution, missing, pipeline};

const PROMOTED: &str = "unlisted: refuse
environments:
  staging: {branch: main, approvals: {}}
  production: {branch: main, approvals: {}, promote_after: staging, soak_minutes: 60}
";

const STAGING: &str = "staging/us-east-1/regional";

fn ran(rig: &Rig, digit: char, state: RunState) -> PastRun {
    let now = rig.world.now();
    PastRun { execution: execution(9), commit: Some(commit(digit)), began: now, changed: now, state }
}

#[tokio::test]
async fn a_commit_comes_by_way_of_the_environment_before_and_soaks_there() {
    let rig = Rig::with(PROMOTED).await;
    let run = rig.wait(MC01, 1);
    let first = async || missing(&rig.explain().await["runs"][0]);
    insta::assert_snapshot!(first().await, @"aaaaaaa has not succeeded in staging [its author: brings the commit to staging first]");
    rig.world
        .set_history(&pipeline(STAGING), vec![ran(&rig, 'a', RunState::Ended), ran(&rig, 'b', RunState::Succeeded)]);
    assert!(first().await.starts_with("aaaaaaa has not succeeded"), "a failed run and another commit say nothing");
    rig.world.set_history(&pipeline(STAGING), vec![ran(&rig, 'a', RunState::Succeeded)]);
    insta::assert_snapshot!(first().await, @"it soaks in staging until 2026-01-05T10:00:00Z [time: the soak ends by itself]");
    assert_eq!(rig.explain().await["runs"][0]["earliest"], "2026-01-05T10:00:00Z");
    rig.sweep().await;
    assert_eq!(rig.answers(), []);
    rig.world.pass(SignedDuration::from_mins(61));
    rig.sweep().await;
    assert_eq!(rig.answers(), [(run, GateAnswer::Approve)]);
}

#[tokio::test]
async fn what_ran_in_the_environment_cannot_be_read_and_nothing_passes() {
    let rig = Rig::with(PROMOTED).await;
    rig.wait(MC01, 1);
    rig.world.set_history(&pipeline(STAGING), vec![ran(&rig, 'a', RunState::Succeeded)]);
    rig.world.pass(SignedDuration::from_mins(61));
    rig.world.fail("CodePipeline.ListPipelineExecutions", "", "ThrottlingException", true, 1);
    rig.sweep().await;
    assert_eq!(rig.answers(), []);
    rig.sweep().await;
    assert_eq!(rig.answers().len(), 1, "the next look decides");
}
