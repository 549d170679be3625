//! Every call fails once, before its effect and after it (the reply is lost); then all is well. The end must be the same as
//! without the fault, and the run after that must find nothing to do.

use std::collections::BTreeMap;

use common::{
    domain::{audit::Phase, cluster::ClusterRecord, id::Generation},
    event::Outcome,
    ports::{AuditTrail, PipelineError, StatusState},
    testing::{ClusterFile, FakePipeline, When, World},
};
use tests::journey::Journey;

use super::fleet;

/// What must be equal in the end: not who wrote it and when.
#[derive(Debug, PartialEq)]
struct End {
    pipelines: BTreeMap<String, FakePipeline>,
    specs: Vec<(String, String)>,
    records: Vec<ClusterRecord>,
}

fn end(world: &World) -> End {
    let plain = |record: ClusterRecord| ClusterRecord {
        generation: Generation(0),
        at: jiff::Timestamp::UNIX_EPOCH,
        outcome: Outcome::Unchanged,
        lately: Vec::new(),
        ..record
    };
    End {
        pipelines: world.pipelines(),
        specs: world.stored_specs().into_keys().map(|(pipeline, digest)| (pipeline, digest.to_string())).collect(),
        records: world.cluster_records().into_iter().map(plain).collect(),
    }
}

fn small() -> Vec<ClusterFile> {
    vec![
        ClusterFile::regional("integration", "us-east-1"),
        ClusterFile::management("integration", "us-east-1", "mc01"),
        ClusterFile::management("integration", "us-east-1", "mc02").set("account_id", "\"12\""),
    ]
}

async fn changes(journey: &Journey, step: usize) -> Result<(), common::fault::Fault> {
    match step {
        0 => journey.push(&small()).await.map(drop),
        1 => journey.push(&[small()[0].clone().variable("cost_center", "\"9\"")]).await.map(drop),
        _ => journey.push_raw(&[(&small()[1].path, None)]).await.map(drop),
    }
}

/// Threats 33 to 36 and 55; "interrupted and run again converges".
#[tokio::test]
async fn a_fault_at_any_call_leaves_the_same_end_after_one_more_run() {
    for step in 0..3 {
        let perfect = Journey::default();
        for earlier in 0..step {
            changes(&perfect, earlier).await.unwrap();
        }
        perfect.world.heal();
        changes(&perfect, step).await.unwrap();
        let (calls, expected) = (perfect.world.calls().len(), end(&perfect.world));
        assert!(calls > 10, "the faults would hit nothing");
        for (call, when) in (0..calls).flat_map(|call| [(call, When::Before), (call, When::After)]) {
            let journey = Journey::default();
            for earlier in 0..step {
                changes(&journey, earlier).await.unwrap();
            }
            journey.world.fail_call(call, when);
            let _ = changes(&journey, step).await;
            journey.world.heal();
            // The queue brings the message again, or the schedule comes: both are this.
            journey.sweep().await.unwrap();
            assert_eq!(end(&journey.world), expected, "step {step}, call {call} failed {when:?}");
            journey.world.heal();
            journey.sweep().await.unwrap();
            let writes: Vec<_> =
                journey.world.calls().into_iter().filter(|call| call.write).map(|call| call.name).collect();
            let expected_writes = writes.iter().all(|name| {
                matches!(*name, "ClusterLedger.take_generation" | "ClusterLedger.announce")
                    || name.starts_with("Marks.")
                    || name.starts_with("FeedbackLedger.")
            });
            assert!(expected_writes, "step {step}, call {call} failed {when:?}: the next run wrote {writes:?}");
            journey.verify_audit().await.unwrap();
        }
    }
}

/// Threat 34: an error is never an empty listing, and fails the run before anything is written.
#[tokio::test]
async fn what_cannot_be_listed_is_not_empty() {
    let reads =
        ["Forge.branch_head", "Forge.deploy_tree", "Forge.blob", "CodePipeline.ListPipelines", "ClusterLedger.records"];
    for read in reads {
        let journey = Journey::default();
        journey.push(&fleet()).await.unwrap();
        let before = end(&journey.world);
        journey.world.heal();
        journey.world.fail(read, "", "502", true, 1);
        let fault = journey.push(&[ClusterFile::regional("production", "eu-central-1")]).await.unwrap_err();
        assert!(fault.is_retry(), "{read}: {fault}");
        assert_eq!(end(&journey.world), before, "{read}");
        assert_eq!(journey.world.pipeline_writes(), [], "{read}");
        journey.world.heal();
        assert_eq!(journey.sweep().await.unwrap().counts.created, 1, "{read}");
    }
}

/// Case 9 and threat 36: one throttled, one broken, the others made; what failed is visible (pain 9).
#[tokio::test]
async fn a_failing_cluster_never_stops_the_others() {
    let journey = Journey::default();
    journey.world.fail("CodePipeline.CreatePipeline", "mc-integration-us-east-1-mc01", "ThrottlingException", true, 1);
    journey.world.fail(
        "CodePipeline.CreatePipeline",
        "mc-integration-us-east-1-mc02",
        "LimitExceededException",
        false,
        9,
    );
    let run = journey.push(&fleet()).await.unwrap();
    assert_eq!((run.counts.created, run.counts.failed), (6, 1), "the throttled one is tried again: {:?}", run.results);
    let failed = &run.results[0];
    assert_eq!(failed.outcome, Outcome::Failed);
    let words = failed.reasons.join(" ");
    assert!(
        words.contains("CreatePipeline") && words.contains("LimitExceededException") && words.contains("req-injected"),
        "{words}"
    );
    assert_eq!(journey.world.statuses().last().unwrap().state, StatusState::Error);

    journey.sweep().await.unwrap();
    let told = journey.world.bus().iter().filter(|row| row.detail_type == "Pipeline Failed").count();
    assert_eq!(told, 2, "the throttling and the limit, each once");
    journey.world.heal();
    let run = journey.sweep().await.unwrap();
    assert_eq!((run.counts.created, run.counts.unchanged), (1, 6));
    assert_eq!(journey.world.statuses().last().unwrap().state, StatusState::Success);
}

/// Design rule 6: one pipeline that may not be read, or says what nobody understands, keeps its own cluster and no other. What may
/// pass is tried again instead: throttling says nothing about whose a pipeline is.
#[tokio::test]
async fn a_pipeline_that_cannot_be_read_stops_its_own_cluster_only() {
    let journey = Journey::default();
    journey.push(&fleet()).await.unwrap();
    let before = end(&journey.world);
    let hidden = "mc-integration-us-east-1-mc01";
    let both =
        [small()[0].clone().variable("cost_center", "\"9\""), small()[1].clone().variable("cost_center", "\"9\"")];
    journey.world.heal();
    journey.world.fail("CodePipeline.GetPipeline", hidden, "ThrottlingException", true, 1);
    assert!(journey.push(&both).await.unwrap_err().is_retry());
    assert_eq!(journey.world.pipeline_writes(), []);

    for code in ["AccessDeniedException", PipelineError::UNREADABLE] {
        journey.world.heal();
        journey.world.fail("CodePipeline.GetPipeline", hidden, code, false, 9);
        let run = journey.sweep().await.unwrap();
        assert_eq!((run.counts.refused, run.counts.failed), (1, 0), "{:?}", run.results);
        assert_eq!(run.counts.updated + run.counts.unchanged, 6, "{:?}", run.results);
        let refused = run.results.iter().find(|result| result.outcome == Outcome::Refused).unwrap();
        assert!(refused.pipeline.as_str().starts_with(hidden) && refused.reasons[0].contains(code), "{refused:?}");
        assert_eq!(journey.world.statuses().last().unwrap().state, StatusState::Failure);
    }
    let changed = |name: &String| journey.world.pipelines()[name] != before.pipelines[name];
    let changed: Vec<&String> = before.pipelines.keys().filter(|name| changed(name)).collect();
    assert!(changed.len() == 1 && changed[0].starts_with("rc-integration-us-east-1-"), "{changed:?}");

    // Its file is gone, and nobody can say whether the pipeline is: the record stays.
    journey.push_raw(&[(&both[1].path, None)]).await.unwrap();
    assert_eq!(journey.world.cluster_records().len(), before.records.len());
    journey.world.heal();
    assert_eq!(journey.sweep().await.unwrap().counts.orphaned, 1);
}

/// The same of a pipeline's runs, which only a removal reads.
#[tokio::test]
async fn runs_that_cannot_be_read_keep_a_cluster_from_being_removed() {
    let journey = Journey::default();
    journey.push(&small()[..2]).await.unwrap();
    journey.world.heal();
    let read = "CodePipeline.ListPipelineExecutions";
    journey.world.fail(read, "mc-integration-us-east-1-mc01", "AccessDeniedException", false, 9);
    let removing = [small()[1].clone().set("delete", "true"), ClusterFile::regional("integration", "us-east-2")];
    let run = journey.push(&removing).await.unwrap();
    assert_eq!((run.counts.refused, run.counts.created, run.counts.unchanged), (1, 1, 1), "{:?}", run.results);
    journey.world.heal();
    journey.world.fail(read, "mc-integration-us-east-1-mc01", "ThrottlingException", true, 1);
    assert!(journey.sweep().await.unwrap_err().is_retry());
}

/// Every call to CodePipeline stands between its intent and its outcome, and the chain holds (threats 55 and 56).
#[tokio::test]
async fn each_call_has_its_intent_before_and_its_outcome_after() {
    let journey = Journey::default();
    journey.push(&small()).await.unwrap();
    assert!(journey.verify_audit().await.unwrap() >= 5);
    let subject = "cluster:integration/us-east-1/management/mc01";
    let (entries, _) = journey.world.chain(subject).await.unwrap();
    let phases: Vec<_> = entries.iter().map(|entry| (entry.draft.action.as_str(), entry.draft.phase)).collect();
    assert_eq!(phases, [("pipeline.create", Phase::Intent), ("pipeline.create", Phase::Outcome)]);
    let facts = &entries[1].draft.facts;
    for fact in ["repository", "branch", "head", "generation", "pipeline", "spec_sha256", "config_path"] {
        assert!(facts.contains_key(fact), "{fact} is missing: {facts:?}");
    }
    let (entries, _) = journey.world.chain("cluster:integration/us-east-1/management/mc02").await.unwrap();
    assert_eq!(entries[0].draft.phase, Phase::Decision);
    assert!(entries[0].draft.reasons[0].contains("account_id"), "{:?}", entries[0].draft.reasons);

    journey.world.tamper_chain(subject, |entries| entries[0].draft.reasons.push("no".into()));
    let broken = journey.verify_audit().await.unwrap_err();
    assert!(broken.contains("entry 1 of cluster:integration/us-east-1/management/mc01"), "{broken}");
}

/// The last word of a fault that hits the telling: the run says itself again when its message comes again.
#[tokio::test]
async fn a_lost_feedback_changes_no_decision() {
    let journey = Journey::default();
    journey.world.fail("Marks.set_status", "", "502", true, 1);
    assert!(journey.push(&fleet()).await.is_err(), "feedback's own message fails");
    assert_eq!(journey.world.pipelines().len(), 7);
}
