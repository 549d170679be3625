//! The environment before: the same commit succeeded there, and soaked, and no alarm was on in that time.

use common::{
    domain::{
        certificate::{Identity, Issued, Kind, Record, Target},
        id::Digest,
        run::{AlarmState, PastRun, RunState},
    },
    ports::{Clock, GateAnswer},
    testing::id,
};
use jiff::SignedDuration;

use super::{MC01, Rig, commit, execution, missing, pipeline};

const PROMOTED: &str = "unlisted: refuse
environments:
  staging: {branch: main, approvals: {}}
  production: {branch: main, approvals: {}, promote_after: staging, soak_minutes: 60}
";

const WATCHED: &str = "unlisted: refuse
environments:
  staging: {branch: main, approvals: {}}
  production: {branch: main, approvals: {}, promote_after: staging, soak_minutes: 60, soak_alarms: [errors, p95]}
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

fn minutes(number: i64) -> SignedDuration {
    SignedDuration::from_mins(number)
}

/// A run that waits in production, of a commit that just succeeded in staging, where two alarms are quiet.
async fn watched() -> Rig {
    let rig = Rig::with(WATCHED).await;
    for alarm in ["errors", "p95"] {
        rig.world.set_alarm(&id(alarm), AlarmState::Ok);
    }
    rig.world.pass(minutes(5));
    rig.wait(MC01, 1);
    rig.world.set_history(&pipeline(STAGING), vec![ran(&rig, 'a', RunState::Succeeded)]);
    rig
}

#[tokio::test]
async fn a_soak_without_an_alarm_passes_and_its_alarms_are_looked_at_behind_its_end() {
    let rig = watched().await;
    rig.sweep().await;
    rig.world.pass(minutes(60));
    rig.sweep().await;
    assert_eq!(rig.answers().len(), 1);
}

#[tokio::test]
async fn an_alarm_during_the_soak_stops_the_commit_though_it_recovered_until_it_soaks_anew() {
    let rig = watched().await;
    let now = async || missing(&rig.explain().await["runs"][0]);
    rig.world.pass(minutes(20));
    rig.world.set_alarm(&id("p95"), AlarmState::Alarm);
    rig.sweep().await;
    insta::assert_snapshot!(now().await, @r#"
    it soaks in staging until 2026-01-05T10:05:00Z [time: the soak ends by itself]
    the alarm "p95" has been on in staging since 2026-01-05T09:25:00Z, while it has the commit [its author: mends it and brings another commit to staging, or runs this one there again once the alarm is over: it soaks anew from then]
    "#);
    assert!(rig.explain().await["runs"][0]["earliest"].is_null(), "no time alone leads there");
    rig.world.pass(minutes(10));
    rig.world.set_alarm(&id("p95"), AlarmState::Ok);
    rig.world.pass(minutes(90));
    rig.sweep().await;
    insta::assert_snapshot!(now().await, @r#"the alarm "p95" was on in staging from 2026-01-05T09:25:00Z to 2026-01-05T09:35:00Z, while it had the commit [its author: mends it and brings another commit to staging, or runs this one there again once the alarm is over: it soaks anew from then]"#);
    assert_eq!(rig.answers(), []);
    let waits = rig.world.drain();
    assert!(waits.iter().all(|event| event.event.kind().name() == "Run Gate Waiting"), "{waits:?}");
    assert_eq!(waits.len(), 2, "that it is on, and that it was");

    let first = ran(&rig, 'a', RunState::Succeeded);
    let before = PastRun { began: first.began - minutes(120), changed: first.changed - minutes(120), ..first.clone() };
    rig.world.set_history(&pipeline(STAGING), vec![first, before]);
    rig.sweep().await;
    insta::assert_snapshot!(now().await, @"it soaks in staging until 2026-01-05T12:05:00Z [time: the soak ends by itself]");
    rig.world.pass(minutes(60));
    rig.sweep().await;
    assert_eq!(rig.answers().len(), 1, "taken again, it soaked anew");
}

#[tokio::test]
async fn an_alarm_that_is_not_there_or_says_nothing_or_cannot_be_read_keeps_the_run_and_is_named() {
    let rig = Rig::with(WATCHED).await;
    rig.wait(MC01, 1);
    rig.world.set_history(&pipeline(STAGING), vec![ran(&rig, 'a', RunState::Succeeded)]);
    rig.world.set_alarm(&id("p95"), AlarmState::NoData);
    rig.world.pass(minutes(61));
    let now = async || missing(&rig.explain().await["runs"][0]);
    insta::assert_snapshot!(now().await, @r#"
    there is no alarm "errors" in the control plane's account and region, so nobody says how staging is [an administrator: makes the alarm, or takes its name out of soak_alarms in environments.yaml]
    the alarm "p95" has not enough data to say how staging is [whoever keeps the alarm: sees to its metric: what it says next counts]
    "#);
    rig.world.set_alarm(&id("errors"), AlarmState::Ok);
    rig.world.set_alarm(&id("p95"), AlarmState::Ok);
    for retry in [true, false] {
        rig.world.fail("CloudWatch.DescribeAlarms", "", "AccessDenied", retry, 1);
        rig.sweep().await;
        assert_eq!(rig.answers(), [], "retry: {retry}");
        let said = rig.world.drain().pop().map(|event| event.event.kind().name());
        assert_eq!(said, (if retry { Some("Run Gate Waiting") } else { None }), "once");
    }
    rig.world.fail("CloudWatch.DescribeAlarms", "", "AccessDenied", false, 1);
    insta::assert_snapshot!(now().await, @r#"
    the alarm "errors", which watches staging, could not be read [time: the gate looks again each minute; while this lasts the log of stage-gate says why]
    the alarm "p95", which watches staging, could not be read [time: the gate looks again each minute; while this lasts the log of stage-gate says why]
    "#);
    rig.sweep().await;
    assert_eq!(rig.answers().len(), 1, "the next look decides");
}

#[tokio::test]
async fn a_certificate_that_ends_soon_holds_its_cluster_until_another_is_in_use() {
    let rig = Rig::with("unlisted: refuse\nenvironments:\n  production: {branch: main, approvals: {}}\n").await;
    let place = Target { account: id("111111111111"), region: id("us-east-1") };
    let identity =
        Identity { cluster: id(MC01), kind: Kind::Agent, name: id("mc01"), broker: place.clone(), home: place };
    let ends_in = |days: i64| {
        let mut record = Record::new(identity.clone());
        record.current = Some(Issued {
            certificate: id(&"a".repeat(64)),
            public_key: Digest::of(b"key"),
            since: rig.world.now(),
            ends: rig.world.now() + SignedDuration::from_hours(24 * days),
            secret_version: "v".to_owned(),
        });
        rig.world.put_certificate_record(record);
    };
    ends_in(30);
    let run = rig.wait(MC01, 1);
    insta::assert_snapshot!(missing(&rig.explain().await["runs"][0]), @"the cluster's certificate expires at 2026-02-04T09:00:00Z [iot-cert-provisioner: issues another each hour that it can; its last failure says why it could not (docs/runbooks.md, Certificates)]");
    rig.sweep().await;
    assert_eq!(rig.answers(), []);
    ends_in(31);
    rig.sweep().await;
    assert_eq!(rig.answers(), [(run, GateAnswer::Approve)]);
}
