//! Journey 1 with the repository on CodeCommit: the pipelines have no triggers, and a push starts exactly those that it concerns.

use std::collections::{BTreeMap, BTreeSet};

use common::{
    domain::id::CommitSha,
    event::{Outcome, ProvisioningFinished},
    testing::{ClusterFile, FakePipeline, GovernanceFiles, When, id},
};
use tests::journey::Journey;

use super::fleet;

fn journey() -> Journey {
    Journey::on_codecommit(&GovernanceFiles::default())
}

/// The runs of each pipeline that has more than its first.
fn runs(journey: &Journey) -> BTreeMap<String, usize> {
    let pipelines = journey.world.pipelines().into_iter();
    pipelines.map(|(name, found)| (name, found.executions.len())).collect()
}

/// Which clusters' pipelines have had a run since.
fn started(journey: &Journey, before: &BTreeMap<String, usize>) -> BTreeSet<String> {
    let more = |(name, count): &(String, usize)| before.get(name).is_none_or(|before| before < count);
    runs(journey)
        .into_iter()
        .filter(more)
        .map(|(name, _)| journey.world.pipelines()[&name].tags["config-path"].clone())
        .collect()
}

fn paths(files: &[ClusterFile]) -> BTreeSet<String> {
    files.iter().map(|file| file.path.clone()).collect()
}

#[tokio::test]
async fn a_new_tree_gets_its_pipelines_without_triggers_and_without_polling() {
    let journey = journey();
    let run = journey.push(&fleet()).await.unwrap();
    assert_eq!((run.counts.created, run.complete), (7, true), "{:?}", run.results);
    for (name, pipeline) in journey.world.pipelines() {
        assert!(pipeline.definition.triggers.is_empty(), "{name}");
        let source = &pipeline.definition.stages[0].actions[0];
        assert_eq!(source.provider, "CodeCommit");
        assert_eq!(source.configuration["RepositoryName"], "clusters");
        assert_eq!(source.configuration["PollForSourceChanges"], "false");
        assert_eq!(pipeline.executions.len(), 1, "AWS started it when it was made, and we did not once more");
    }
    let again = journey.sweep().await.unwrap();
    assert_eq!(again.counts.unchanged, 7);
    assert!(runs(&journey).values().all(|count| *count == 1), "nothing changed, so nothing starts");
}

#[tokio::test]
async fn a_push_starts_exactly_the_pipelines_whose_patterns_take_a_path_at_its_commit() {
    let journey = journey();
    journey.push(&fleet()).await.unwrap();
    let before = runs(&journey);
    let one = ClusterFile::management("integration", "us-east-1", "mc01").variable("cost_center", "\"123\"");
    let run = journey.push(std::slice::from_ref(&one)).await.unwrap();
    assert_eq!(started(&journey, &before), paths(std::slice::from_ref(&one)));
    let head = journey.world.head("main").unwrap();
    let pipeline = &journey.world.pipelines()[run.results[0].pipeline.as_str()];
    assert_eq!(pipeline.revisions.values().collect::<Vec<_>>(), [&head]);
    assert!(run.results[0].reasons.iter().any(|reason| reason.contains("was started")), "{:?}", run.results[0].reasons);

    let before = runs(&journey);
    journey.push_raw(&[("terraform/modules/vpc/main.tf", Some("# new"))]).await.unwrap();
    assert_eq!(started(&journey, &before), paths(&fleet()));

    let before = runs(&journey);
    journey
        .push_raw(&[("terraform/config/regional-cluster/main.tf", Some("# new")), ("README.md", Some("x"))])
        .await
        .unwrap();
    let regional = fleet().into_iter().filter(|file| file.path.ends_with("regional.yaml")).collect::<Vec<_>>();
    assert_eq!(started(&journey, &before), paths(&regional));

    let before = runs(&journey);
    journey.push_raw(&[("README.md", Some("y"))]).await.unwrap();
    assert_eq!(started(&journey, &before), BTreeSet::new());
}

/// A missed event loses no run: what differs since runs were started last decides, whatever was heard in between.
#[tokio::test]
async fn pushes_that_nobody_heard_of_start_their_pipelines_with_the_next_look() {
    let journey = journey();
    journey.push(&fleet()).await.unwrap();
    let before = runs(&journey);
    let mc01 = ClusterFile::management("integration", "us-east-1", "mc01").variable("cost_center", "\"1\"");
    let mc02 = ClusterFile::management("integration", "us-east-1", "mc02").variable("cost_center", "\"2\"");
    for file in [&mc01, &mc02] {
        drop(journey.world.push("main", &[(&file.path, Some(&file.text()))]));
    }
    journey.sweep().await.unwrap();
    assert_eq!(started(&journey, &before), paths(&[mc01, mc02]));
}

#[tokio::test]
async fn a_failed_start_is_told_and_made_up_for_and_holds_nobody_else_up() {
    let journey = journey();
    journey.push(&fleet()).await.unwrap();
    let before = runs(&journey);
    let (mc01, mc02) = ("integration/us-east-1/management/mc01", "integration/us-east-1/management/mc02");
    let of = |run: &ProvisioningFinished, cluster: &str| {
        run.results.iter().find(|result| result.cluster == id(cluster)).cloned().unwrap()
    };
    let name = journey
        .world
        .pipelines()
        .into_iter()
        .find(|(_, found)| found.tags["config-path"] == "deploy/integration/us-east-1/terraform/management/mc01.yaml")
        .unwrap()
        .0;
    journey.world.fail("CodePipeline.StartPipelineExecution", &name, "AccessDeniedException", false, 1);
    let run = journey.push_raw(&[("terraform/config/management-cluster/main.tf", Some("# new"))]).await.unwrap();
    assert_eq!((of(&run, mc01).outcome, of(&run, mc02).outcome), (Outcome::Failed, Outcome::Unchanged));
    assert_eq!(runs(&journey).values().sum::<usize>(), before.values().sum::<usize>() + 3, "the three others run");

    // Another push, of which its files are no part, and the run that was owed is made up for; the others are not started again.
    let before = runs(&journey);
    journey.push_raw(&[("README.md", Some("x"))]).await.unwrap();
    assert_eq!(
        started(&journey, &before),
        ["deploy/integration/us-east-1/terraform/management/mc01.yaml".to_owned()].into()
    );
    let before = runs(&journey);
    journey.sweep().await.unwrap();
    assert_eq!(started(&journey, &before), BTreeSet::new());
}

/// Whichever call fails, before or after its effect, each pipeline has exactly its run in the end.
#[tokio::test]
async fn whichever_call_fails_each_pipeline_has_exactly_one_run_at_the_commit() {
    let files = [
        ClusterFile::regional("integration", "us-east-1"),
        ClusterFile::management("integration", "us-east-1", "mc01"),
    ];
    for when in [When::Before, When::After] {
        for at in 0.. {
            let journey = journey();
            journey.push(&files).await.unwrap();
            let event = journey.world.push("main", &[("terraform/modules/vpc/main.tf", Some("# new"))]);
            journey.world.fail_call(at, when);
            let first = journey.wake(&event).await;
            let unreached = journey.world.calls().len() <= at;
            journey.world.heal();
            for _ in 0..3 {
                journey.sweep().await.unwrap();
            }
            for (name, pipeline) in journey.world.pipelines() {
                assert_eq!(pipeline.executions.len(), 2, "{name}: call {at} failed {when:?}: {first:?}");
            }
            if unreached {
                assert!(at > 15, "the failures reached the calls: {at}");
                break;
            }
        }
    }
}

/// While a file asks for removal, no ordinary run follows the destroy run.
#[tokio::test]
async fn what_is_removed_gets_no_ordinary_run() {
    let journey = journey();
    let file = ClusterFile::regional("integration", "us-east-1");
    journey.push(std::slice::from_ref(&file)).await.unwrap();
    journey.finish_all();
    journey.push(&[file.clone().set("delete", "true")]).await.unwrap();
    journey.finish_all();
    journey.push(&[file.set("delete", "true").set("delete_pipeline", "true")]).await.unwrap();
    assert!(journey.world.pipelines().is_empty());
}

fn mc01(cost_center: &str) -> ClusterFile {
    ClusterFile::management("integration", "us-east-1", "mc01").variable("cost_center", &format!("\"{cost_center}\""))
}

/// The commits that a file's pipeline was started at, in order.
fn commits(journey: &Journey, file: &ClusterFile) -> Vec<CommitSha> {
    let of = |found: &FakePipeline| found.tags["config-path"] == file.path;
    let pipeline = journey.world.pipelines().into_values().find(of).unwrap();
    pipeline.executions.iter().filter_map(|run| pipeline.revisions.get(&run.id).cloned()).collect()
}

/// A rollback: what runs last is what the branch says.
#[tokio::test]
async fn a_branch_that_comes_back_to_a_commit_runs_it_again() {
    let journey = journey();
    journey.push(&fleet()).await.unwrap();
    journey.push(&[mc01("1")]).await.unwrap();
    let first = journey.world.head("main").unwrap();
    journey.push(&[mc01("2")]).await.unwrap();
    let second = journey.world.head("main").unwrap();
    for _ in 0..2 {
        journey.world.set_branch("main", Some(first.clone()));
        journey.sweep().await.unwrap();
        journey.sweep().await.unwrap();
        assert_eq!(commits(&journey, &mc01("1")).last(), Some(&first));
        journey.world.set_branch("main", Some(second.clone()));
        journey.sweep().await.unwrap();
        assert_eq!(commits(&journey, &mc01("1")).last(), Some(&second));
    }
    assert_eq!(commits(&journey, &mc01("1")).len(), 6, "each time one run and no more");
}

/// The run stops anywhere in a push that is rolled back before it is taken up again: what it had started does not stay.
#[tokio::test]
async fn what_a_stopped_run_started_does_not_stay_when_the_branch_goes_back() {
    for when in [When::Before, When::After] {
        for at in 0.. {
            let journey = journey();
            journey.push(&[ClusterFile::regional("integration", "us-east-1"), mc01("0")]).await.unwrap();
            journey.push(&[mc01("1")]).await.unwrap();
            let first = journey.world.head("main").unwrap();
            let event = journey.world.push("main", &[(&mc01("2").path, Some(&mc01("2").text()))]);
            journey.world.fail_call(at, when);
            let stopped = journey.wake(&event).await;
            let unreached = journey.world.calls().len() <= at;
            journey.world.heal();
            journey.world.set_branch("main", Some(first.clone()));
            for _ in 0..3 {
                journey.sweep().await.unwrap();
            }
            let ran = commits(&journey, &mc01("1"));
            assert_eq!(ran.last(), Some(&first), "call {at} failed {when:?}: {stopped:?}");
            assert!(ran.len() <= 3, "call {at} failed {when:?}: {ran:?}");
            if unreached {
                assert!(at > 15, "the failures reached the calls: {at}");
                break;
            }
        }
    }
}

/// The file that changed was invalid for another file's mistake: mending that one starts the run that was owed.
#[tokio::test]
async fn what_another_file_forbids_is_started_when_that_is_mended() {
    let journey = journey();
    journey.push(&fleet()).await.unwrap();
    let regional = ClusterFile::regional("integration", "us-east-1");
    let contradicts = regional.clone().set("account_id", "\"999999999999\"");
    let before = runs(&journey);
    let run = journey.push(&[mc01("1"), contradicts]).await.unwrap();
    assert!(run.counts.invalid > 0, "{:?}", run.counts);
    assert!(!started(&journey, &before).contains(&mc01("1").path));
    journey.push(&[regional]).await.unwrap();
    assert_eq!(commits(&journey, &mc01("1")), [journey.world.head("main").unwrap()]);
}
