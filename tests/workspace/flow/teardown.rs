//! Case 8, the removal of clusters: two flags, in order, each answered by what really happened.

use common::{
    domain::cluster::{ClusterKey, ExecutionStatus, names},
    event::{Envelope, Event, Outcome, RemovalsApproved},
    ports::Clock,
    testing::{ClusterFile, api_request, envelope, id, main_branch, repository},
};
use jiff::{SignedDuration, Timestamp};
use tests::journey::Journey;

fn mc01() -> ClusterFile {
    ClusterFile::management("integration", "us-east-1", "mc01")
}

fn regional() -> ClusterFile {
    ClusterFile::regional("integration", "us-east-1")
}

fn pipeline(cluster: &str) -> String {
    names::pipeline(&id::<ClusterKey>(cluster)).to_string()
}

fn outcome(run: &common::event::ProvisioningFinished, cluster: &str) -> Outcome {
    run.results.iter().find(|result| result.cluster.to_string() == cluster).expect("the cluster has a line").outcome
}

const MC: &str = "integration/us-east-1/management/mc01";
const RC: &str = "integration/us-east-1/regional";

#[tokio::test]
async fn delete_starts_one_destroy_run_and_keeps_the_pipeline_then_delete_pipeline_removes_it() {
    let journey = Journey::default();
    journey.push(&[regional(), mc01()]).await.unwrap();
    journey.finish_all();
    let run = journey.push(&[mc01().set("delete", "true")]).await.unwrap();
    assert_eq!((outcome(&run, MC), outcome(&run, RC)), (Outcome::Destroying, Outcome::Unchanged), "{:?}", run.results);
    journey.sweep().await.unwrap();
    let executions = journey.world.pipelines()[&pipeline(MC)].executions.clone();
    let destroys = executions.iter().filter(|execution| execution.destroy == Some(true)).count();
    assert_eq!((executions.len(), destroys), (2, 1), "one destroy run for one version of the file: {executions:?}");

    // Too early: the run still goes. Then it succeeds.
    let gone = mc01().set("delete", "true").set("delete_pipeline", "true");
    let run = journey.push(&[gone]).await.unwrap();
    assert_eq!(outcome(&run, MC), Outcome::Refused, "{:?}", run.results);
    journey.world.finish(&pipeline(MC), ExecutionStatus::Succeeded);
    let run = journey.sweep().await.unwrap();
    assert_eq!(outcome(&run, MC), Outcome::Retired, "{:?}", run.results);
    assert!(!journey.world.pipelines().contains_key(&pipeline(MC)));

    // The file may stay a while, or go: neither brings the pipeline back nor is anything an orphan.
    journey.world.heal();
    journey.sweep().await.unwrap();
    let run = journey.push_raw(&[(&mc01().path, None)]).await.unwrap();
    assert_eq!((run.counts.unchanged, run.results.len()), (1, 1), "{:?}", run.results);
    assert_eq!(journey.world.pipeline_writes(), []);
    assert_eq!(journey.world.cluster_records().len(), 1);
    journey.verify_audit().await.unwrap();
}

#[tokio::test]
async fn delete_pipeline_without_a_destroy_run_is_refused_and_told_once() {
    let journey = Journey::default();
    journey.push(&[regional(), mc01()]).await.unwrap();
    journey.finish_all();
    journey.world.heal();
    let run = journey.push(&[mc01().set("delete_pipeline", "true")]).await.unwrap();
    assert_eq!(outcome(&run, MC), Outcome::Refused);
    assert!(!run.results[0].reasons.is_empty(), "a refusal names its rule");
    journey.sweep().await.unwrap();
    assert_eq!(journey.world.pipeline_writes(), []);
    let told = journey.world.bus().iter().filter(|row| row.detail_type == "Pipeline Refused").count();
    assert_eq!(told, 1);
}

/// A failed destroy run is no destroyed cluster; an ordinary run after it neither (pain 14).
#[tokio::test]
async fn only_a_succeeded_destroy_run_that_is_the_latest_lets_a_pipeline_go() {
    for (status, then) in
        [(ExecutionStatus::Failed, None), (ExecutionStatus::Succeeded, Some(ExecutionStatus::Succeeded))]
    {
        let journey = Journey::default();
        journey.push(&[regional(), mc01()]).await.unwrap();
        journey.finish_all();
        journey.push(&[mc01().set("delete", "true")]).await.unwrap();
        journey.world.finish(&pipeline(MC), status);
        if let Some(status) = then {
            journey.world.tamper(&pipeline(MC), |found| {
                let mut run = found.executions.last().cloned().expect("a run");
                (run.id, run.status, run.destroy) = ("a-later-run".into(), status, Some(false));
                found.executions.push(run);
            });
        }
        let run = journey.push(&[mc01().set("delete_pipeline", "true")]).await.unwrap();
        assert_eq!(outcome(&run, MC), Outcome::Refused, "{status:?}: {:?}", run.results);
        assert!(journey.world.pipelines().contains_key(&pipeline(MC)));
    }
}

/// Pain 16: management clusters go before their regional cluster.
#[tokio::test]
async fn a_regional_cluster_is_not_destroyed_while_a_management_cluster_stands() {
    let journey = Journey::default();
    journey.push(&[regional(), mc01()]).await.unwrap();
    journey.finish_all();
    journey.world.heal();
    let run = journey.push(&[regional().set("delete", "true")]).await.unwrap();
    assert_eq!((outcome(&run, RC), outcome(&run, MC)), (Outcome::Refused, Outcome::Unchanged), "{:?}", run.results);
    assert_eq!(journey.world.pipeline_writes(), []);

    let run = journey.push(&[mc01().set("delete", "true")]).await.unwrap();
    assert_eq!((outcome(&run, RC), outcome(&run, MC)), (Outcome::Refused, Outcome::Destroying), "{:?}", run.results);
    journey.world.finish(&pipeline(MC), ExecutionStatus::Succeeded);
    let run = journey.sweep().await.unwrap();
    assert_eq!(outcome(&run, RC), Outcome::Destroying, "{:?}", run.results);
}

#[tokio::test]
async fn a_removed_file_is_an_orphan_and_nothing_is_deleted() {
    let journey = Journey::default();
    journey.push(&super::fleet()).await.unwrap();
    let before = journey.world.pipelines();
    journey.world.heal();
    let all: Vec<String> = journey.world.files("main").into_keys().collect();
    let removals: Vec<(&str, Option<&str>)> = all.iter().map(|path| (path.as_str(), None)).collect();
    let run = journey.push_raw(&removals).await.unwrap();
    assert_eq!(run.counts.orphaned, 7);
    journey.sweep().await.unwrap();
    assert_eq!((journey.world.pipelines(), journey.world.pipeline_writes()), (before, vec![]));
    let told = journey.world.bus().iter().filter(|row| row.detail_type == "Pipeline Orphaned").count();
    assert_eq!(told, 7, "each is told once");

    // The file comes back: the pipeline was never gone.
    let run = journey.push(&super::fleet()).await.unwrap();
    assert_eq!(run.counts.unchanged, 7, "{:?}", run.results);
    assert_eq!(journey.world.pipeline_writes(), []);
}

#[tokio::test]
async fn four_removals_at_once_are_refused_and_name_the_rule() {
    let journey = Journey::default();
    let files: Vec<ClusterFile> =
        (1..=4).map(|number| ClusterFile::management("integration", "us-east-1", &format!("mc0{number}"))).collect();
    journey.push(&[vec![regional()], files.clone()].concat()).await.unwrap();
    journey.finish_all();
    journey.world.heal();
    let deleting: Vec<ClusterFile> = files.into_iter().map(|file| file.set("delete", "true")).collect();
    let run = journey.push(&deleting).await.unwrap();
    assert_eq!((run.counts.refused, run.counts.destroying), (4, 0), "{:?}", run.results);
    assert!(run.results[0].reasons[0].contains('3'), "{:?}", run.results[0].reasons);
    assert_eq!(journey.world.pipeline_writes(), []);
}

/// Four clusters whose files say delete: true, refused; the digest to approve them by.
async fn refused(journey: &Journey) -> (Vec<ClusterFile>, String) {
    let files: Vec<ClusterFile> =
        (1..=4).map(|number| ClusterFile::management("integration", "us-east-1", &format!("mc0{number}"))).collect();
    journey.push(&[vec![regional()], files.clone()].concat()).await.unwrap();
    journey.finish_all();
    journey.world.heal();
    let deleting: Vec<ClusterFile> = files.into_iter().map(|file| file.set("delete", "true")).collect();
    let run = journey.push(&deleting).await.unwrap();
    assert_eq!((run.counts.refused, run.counts.destroying), (4, 0), "{:?}", run.results);
    let removals = run.removals.unwrap();
    assert_eq!(removals.count, 4);
    journey.world.set_authors(&run.run.head, &[1001], 0);
    (deleting, removals.digest.to_string())
}

/// Somebody approves removals by the API; what is told of it.
async fn approve(journey: &Journey, by: &str, digest: &str) -> (u16, Vec<Envelope>) {
    let [rows, gates, alarms, forge, clock] = [(); 5].map(|()| journey.world.clone());
    let governance = journey.provisioner.governance.clone();
    let gates = stage_gate::runs::ClusterGates { rows, gates, alarms, forge, clock, governance, links: None };
    let path = format!("/v1/removals/{digest}/approvals");
    let request = api_request(Some(&format!("sub|{by}")), "POST", &path, "{}");
    let response = gates.serve(&serde_json::from_value(request).unwrap()).await;
    (response.status_code, journey.tell().await.unwrap())
}

#[tokio::test]
async fn removals_that_somebody_else_approves_are_done_at_that_commit_for_a_day() {
    let journey = Journey::default();
    let (_, digest) = refused(&journey).await;
    let check = journey.world.checks().into_iter().rfind(|check| check.name == "penstock/clusters").unwrap();
    assert!(check.summary.contains(&format!("penstock approve-removals {digest}")), "{}", check.summary);
    assert_eq!(approve(&journey, "ada", &digest).await.0, 403, "who pushed it");
    assert_eq!(journey.sweep().await.unwrap().counts.refused, 4);
    let (status, told) = approve(&journey, "bob", &digest).await;
    assert_eq!((status, told.len()), (200, 1));
    // The event of the approval wakes the provisioner: nobody has to push.
    let run = journey.wake(&told[0]).await.unwrap();
    assert_eq!((run.counts.destroying, run.counts.refused, run.removals), (4, 0, None), "{:?}", run.results);
    let again = journey.wake(&told[0]).await.unwrap();
    assert_eq!((again.counts.destroying, again.counts.unchanged), (0, 5), "a copy does nothing: {:?}", again.results);
    let starts =
        journey.world.pipelines().values().flat_map(|pipeline| pipeline.executions.clone()).collect::<Vec<_>>();
    assert_eq!(starts.iter().filter(|execution| execution.destroy == Some(true)).count(), 4);
    journey.verify_audit().await.unwrap();
}

#[tokio::test]
async fn an_approval_is_for_no_other_commit_and_no_longer_than_a_day() {
    let journey = Journey::default();
    let (_, digest) = refused(&journey).await;
    let (_, told) = approve(&journey, "bob", &digest).await;
    journey.world.pass(SignedDuration::from_hours(24));
    let run = journey.wake(&told[0]).await.unwrap();
    assert_eq!((run.counts.refused, run.counts.destroying), (4, 0), "a day later: {:?}", run.results);

    assert_eq!(approve(&journey, "bob", &digest).await.0, 200);
    let run = journey.push_raw(&[("README.md", Some("another commit"))]).await.unwrap();
    assert_eq!((run.counts.refused, run.counts.destroying), (4, 0), "another head: {:?}", run.results);
    assert_ne!(run.removals.unwrap().digest.to_string(), digest);
    assert_eq!(approve(&journey, "bob", &digest).await.0, 409);
    assert_eq!(journey.world.pipeline_writes(), []);
}

/// A forged event on the bus wakes, and lets nothing through.
#[tokio::test]
async fn an_event_that_says_approved_is_no_approval() {
    let journey = Journey::default();
    let (_, digest) = refused(&journey).await;
    let head = journey.world.head("main").unwrap();
    let said = RemovalsApproved {
        repository: repository(),
        branch: main_branch(),
        head,
        digest: id(&digest),
        count: 4,
        approved_by: vec![id("bob")],
        until: Timestamp::MAX,
    };
    let event = envelope(journey.world.now(), "forged", "removals", Event::RemovalsApproved(said));
    let run = journey.wake(&event).await.unwrap();
    assert_eq!((run.counts.refused, run.counts.destroying), (4, 0), "{:?}", run.results);
}

/// A run that stops half-way through removals that were approved is taken up again, by the same approval.
#[tokio::test]
async fn a_run_that_stops_in_the_midst_of_approved_removals_is_taken_up_again() {
    let journey = Journey::default();
    let (_, digest) = refused(&journey).await;
    let (_, told) = approve(&journey, "bob", &digest).await;
    let late = journey.world.now();
    journey.provisioner.event(&told[0], late).await.unwrap_err();
    journey.tell().await.unwrap();
    let run = journey.sweep().await.unwrap();
    assert_eq!((run.counts.destroying, run.counts.refused), (4, 0), "{:?}", run.results);
}

/// A reply that is lost does not start a second destroy run, and does not keep a removed pipeline in the books.
#[tokio::test]
async fn a_lost_reply_to_a_removal_is_made_good() {
    for lost in 0..40 {
        let journey = Journey::default();
        journey.push(&[regional(), mc01()]).await.unwrap();
        journey.finish_all();
        journey.world.fail_call(lost, common::testing::When::After);
        let _ = journey.push(&[mc01().set("delete", "true")]).await;
        journey.world.heal();
        journey.sweep().await.unwrap();
        let destroys = journey.world.pipelines()[&pipeline(MC)].tokens.len();
        assert_eq!(destroys, 1, "call {lost}");
        journey.world.finish(&pipeline(MC), ExecutionStatus::Succeeded);
        journey.world.fail_call(lost, common::testing::When::After);
        let _ = journey.push(&[mc01().set("delete_pipeline", "true")]).await;
        journey.world.heal();
        journey.sweep().await.unwrap();
        assert!(!journey.world.pipelines().contains_key(&pipeline(MC)), "call {lost}");
        assert_eq!(journey.world.cluster_records().len(), 1, "call {lost}");
        journey.verify_audit().await.unwrap();
    }
}
