//! Runs at their gates, pipelines that failed, clusters without a pipeline: named with the oldest first, each read by itself.

use common::{
    domain::{
        cluster::{ClusterKey, ClusterRecord, ToldDrift, Weakness},
        id::{ExecutionId, Generation, PipelineName},
        rhythm::Source,
        run::{PastRun, RunState},
    },
    event::Outcome,
    ports::{ClusterLedger, Recording},
    testing::repository,
};

use super::*;

async fn cluster(case: &Case, name: &str, outcome: Outcome) -> PipelineName {
    let cluster: ClusterKey = format!("production/us-east-1/management/{name}").parse().unwrap();
    let pipeline: PipelineName = id(&format!("mc-{name}"));
    let record = ClusterRecord {
        cluster: cluster.clone(),
        pipeline: pipeline.clone(),
        outcome,
        generation: Generation(1),
        at: case.world.now(),
        spec_sha256: None,
        config_sha256: None,
        values: BTreeMap::new(),
        destroy: None,
        intended: None,
        lately: Vec::new(),
        drift: (outcome == Outcome::Drifted)
            .then(|| ToldDrift { since: case.world.now(), weakened: vec![Weakness::GateGone] }),
        said: None,
    };
    let entry = Draft {
        subject: cluster.subject(),
        at: case.world.now(),
        actor: "pipeline-provisioner".into(),
        action: "pipeline.create".into(),
        phase: Phase::Outcome,
        correlation_id: id("c"),
        facts: BTreeMap::new(),
        reasons: vec![],
    };
    let recording = Recording { entry, record: Some((repository().id, record)), forget: None, events: vec![] };
    ClusterLedger::record(&case.world, recording).await.unwrap();
    pipeline
}

fn execution(number: u8) -> ExecutionId {
    id(&format!("00000000-0000-4000-8000-0000000000{number:02}"))
}

fn run(number: u8, hour: i64, state: RunState) -> PastRun {
    let at = |hour| at("2026-01-05T00:00:00Z") + SignedDuration::from_hours(hour);
    PastRun { execution: execution(number), commit: None, began: at(hour), changed: at(hour + 1), state }
}

async fn report(case: &Case) -> DailyUnblockReport {
    let told = case.told().await.into_iter().find_map(|event| match event {
        Event::DailyUnblockReport(told) => Some(told),
        _ => None,
    });
    told.unwrap()
}

#[tokio::test]
async fn what_waits_at_a_gate_and_what_failed_is_named_with_what_to_do() {
    let case = Case::new();
    case.go_to("2026-01-05T10:00:00Z");
    let waits = cluster(&case, "waits", Outcome::Created).await;
    case.world.wait_at_gate(&waits, &execution(1), None);
    let failed = cluster(&case, "failed", Outcome::Updated).await;
    case.world.set_history(&failed, vec![run(2, 1, RunState::Succeeded), run(3, 5, RunState::Ended)]);
    let fine = cluster(&case, "fine", Outcome::Created).await;
    case.world.set_history(&fine, vec![run(4, 1, RunState::Ended), run(5, 5, RunState::Succeeded)]);
    cluster(&case, "refused", Outcome::Refused).await;
    cluster(&case, "changed", Outcome::Drifted).await;
    case.go_to("2026-01-06T18:00:00Z");
    insta::assert_snapshot!(report(&case).await.report.text(), @"
    Daily unblock 2026-01-06: 4 things, urgency medium

    production/us-east-1/management/failed, for *1 working day*: the last run of its pipeline did not come to its end
    → whoever takes it: read why in the pipeline's execution 00000000-0000-4000-8000-000000000003, and start it again

    production/us-east-1/management/changed, for *1 working day*: somebody changed its pipeline by hand, and its runs are no longer safe
    → whoever takes it: set the pipeline back; what differs is in its audit chain (docs/runbooks.md, Unsafe pipelines)

    production/us-east-1/management/refused, for *1 working day*: a rule forbids what its file asks for
    → whoever takes it: read which in its audit chain

    production/us-east-1/management/waits, for *1 working day*: a run of its pipeline waits at the gate
    → whoever takes it: look at what it still needs (GET /v1/clusters/production/us-east-1/management/waits/explain), and approve or reject it
    ");
}

#[tokio::test]
async fn one_pipeline_that_cannot_be_read_hides_none_of_the_others() {
    let case = Case::new();
    let waits = cluster(&case, "waits", Outcome::Created).await;
    case.world.wait_at_gate(&waits, &execution(1), None);
    cluster(&case, "broken", Outcome::Created).await;
    case.world.fail("CodePipeline.GetPipelineState", "mc-broken", "AccessDenied", false, 1);
    case.go_to("2026-01-06T18:00:00Z");
    let report = report(&case).await.report;
    assert_eq!(report.total(), 1);
    let missing: Vec<_> = report.incomplete.iter().map(|unread| (unread.source, unread.why.as_str())).collect();
    assert_eq!(missing, [(Source::Pipelines, "GetPipelineState of mc-broken answered AccessDenied")]);
}
