//! Pushes to the branch: create, update, leave alone, refuse one file and provision its neighbours.

use common::{
    event::{Event, Outcome},
    ports::{CheckConclusion, StatusState},
    testing::{ClusterFile, GovernanceFiles, id},
};
use tests::journey::Journey;

use super::fleet;

/// Acceptance table row pipeline-provisioner; cases 1, 2 and 3: aliases and names repeat, identities do not.
#[tokio::test]
async fn a_new_tree_gets_one_pipeline_a_cluster_and_the_second_run_writes_nothing() {
    let journey = Journey::default();
    let run = journey.push(&fleet()).await.unwrap();
    assert_eq!((run.counts.created, run.results.len()), (7, 7), "{:?}", run.results);
    assert!(run.complete && run.findings.is_empty());
    let pipelines = journey.world.pipelines();
    assert_eq!(pipelines.len(), 7);
    for pipeline in pipelines.values() {
        let definition = &pipeline.definition;
        assert_eq!((definition.pipeline_type.as_str(), definition.execution_mode.as_str()), ("V2", "QUEUED"));
        let stages: Vec<&str> = definition.stages.iter().map(|stage| stage.name.as_str()).collect();
        assert_eq!(stages, ["Source", "Validate", "Deploy", "Bootstrap"]);
        let gated = definition.stages[2].actions[0].category == "Approval";
        assert_eq!(gated, pipeline.tags["env"] == "production", "the gate is off only where environments.yaml says so");
    }
    assert_eq!(journey.world.stored_specs().len(), 7);
    assert_eq!(journey.world.statuses().last().unwrap().state, StatusState::Success);

    journey.world.heal();
    let again = journey.sweep().await.unwrap();
    assert_eq!(again.counts.unchanged, 7, "{:?}", again.results);
    assert_eq!(journey.world.pipeline_writes(), []);
    assert_eq!(journey.world.pipelines(), pipelines);
    let readme = journey.push_raw(&[("README.md", Some("hello"))]).await.unwrap();
    assert_eq!(readme.counts.unchanged, 7);
    assert_eq!(journey.world.pipeline_writes(), []);
}

/// Case 4: a changed value changes its own pipeline and no other.
#[tokio::test]
async fn a_changed_value_updates_that_pipeline_only_and_says_which_field() {
    let journey = Journey::default();
    journey.push(&fleet()).await.unwrap();
    let before = journey.world.pipelines();
    journey.world.heal();
    let changed = ClusterFile::management("integration", "us-east-1", "mc01").variable("cost_center", "\"123\"");
    let run = journey.push(&[changed]).await.unwrap();
    assert_eq!((run.counts.updated, run.counts.unchanged), (1, 6), "{:?}", run.results);
    let line = &run.results[0];
    assert_eq!(line.cluster, id("integration/us-east-1/management/mc01"));
    let change = &line.changes[0];
    assert_eq!(change.field, "terraform_vars.cost_center");
    assert_eq!((change.from.as_deref(), change.to.as_deref()), (Some("000"), Some("123")));
    let writes = journey.world.pipeline_writes();
    assert_eq!(writes.len(), 1, "{writes:?}");
    let after = journey.world.pipelines();
    let differing = after.iter().filter(|(name, pipeline)| before[*name].definition != pipeline.definition).count();
    assert_eq!(differing, 1);
}

/// The stage looks the compiled file up by the digest of its bytes, so a comment needs a new object and no new pipeline.
#[tokio::test]
async fn a_changed_comment_stores_the_file_again_and_writes_no_pipeline() {
    let journey = Journey::default();
    let file = ClusterFile::regional("integration", "us-east-1");
    journey.push(std::slice::from_ref(&file)).await.unwrap();
    journey.world.heal();
    let text = format!("# why\n{}", file.text());
    let run = journey.push_raw(&[(&file.path, Some(&text))]).await.unwrap();
    assert_eq!(run.counts.unchanged, 1);
    assert_eq!(journey.world.pipeline_writes(), []);
    assert_eq!(journey.world.stored_specs().len(), 2);
    journey.world.heal();
    journey.sweep().await.unwrap();
    assert!(journey.world.calls().iter().all(|call| call.name != "Specs.put"), "it is stored once");
}

/// Case 5 and 6: what is wrong is said with its place; the neighbours are provisioned.
#[tokio::test]
async fn one_bad_file_is_refused_with_its_place_and_its_neighbours_are_provisioned() {
    let journey = Journey::default();
    let mut files = fleet();
    files[1] = ClusterFile::management("integration", "us-east-1", "mc01").set("account_id", "001234567012");
    files[3] = ClusterFile::regional("integration", "us-east-1-b").set("environment", "staging").set("delet", "true");
    let run = journey.push(&files).await.unwrap();
    assert_eq!((run.counts.created, run.counts.invalid), (5, 2), "{:?}", run.results);
    assert_eq!(run.results[0].outcome, Outcome::Invalid, "what needs somebody comes first");
    let at: Vec<(&str, u32)> =
        run.findings.iter().map(|finding| (finding.key.as_deref().unwrap_or(""), finding.line)).collect();
    assert!(at.contains(&("account_id", 1)) && at.contains(&("environment", 5)), "{at:?}");
    assert!(run.findings.iter().any(|finding| finding.nearest.as_deref() == Some("delete")), "{:?}", run.findings);

    let (status, check) = (journey.world.statuses().pop().unwrap(), journey.world.checks().pop().unwrap());
    assert_eq!((status.state, check.conclusion), (StatusState::Failure, CheckConclusion::Failure));
    assert_eq!(check.annotations.len(), run.findings.len());
}

#[tokio::test]
async fn a_refused_file_is_told_once_and_again_when_it_is_news() {
    let journey = Journey::default();
    let good = ClusterFile::regional("integration", "us-east-1");
    let bad = good.clone().set("account_id", "\"12345\"");
    let told = || journey.world.bus().iter().filter(|row| row.detail_type == "Configuration Rejected").count();
    journey.push(std::slice::from_ref(&good)).await.unwrap();
    let before = journey.world.pipelines();
    journey.push(std::slice::from_ref(&bad)).await.unwrap();
    journey.sweep().await.unwrap();
    journey.sweep().await.unwrap();
    assert_eq!(told(), 1, "a sweep does not repeat it");
    assert_eq!(journey.world.pipelines(), before, "the pipeline stays as it is");
    journey.push(&[good.clone().set("account_id", "REMOVED")]).await.unwrap();
    assert_eq!(told(), 2, "another finding is news");
    let mended = journey.push(&[good]).await.unwrap();
    assert_eq!(mended.counts.unchanged, 1);
    journey.push(&[bad]).await.unwrap();
    assert_eq!(told(), 3, "after it was mended the old finding is news again");
}

#[tokio::test]
async fn a_run_covers_the_environments_of_its_branch_only() {
    let journey = Journey::default();
    let staging = ClusterFile::regional("staging", "us-east-1");
    let run = journey.push(&[staging.clone(), ClusterFile::regional("integration", "us-east-1")]).await.unwrap();
    assert_eq!((run.counts.created, run.results.len()), (1, 1), "staging follows another branch: {:?}", run.results);
    let text = staging.text();
    let event = journey.world.push("staging", &[(&staging.path, Some(text.as_str()))]);
    let run = journey.wake(&event).await.unwrap();
    assert_eq!((run.counts.created, run.results.len()), (1, 1), "{:?}", run.results);
    journey.world.heal();
    journey.sweep().await.unwrap();
    assert_eq!(journey.world.pipeline_writes(), [], "neither run calls the other's pipelines orphans");
    assert!(journey.world.bus().iter().all(|row| row.detail_type != "Pipeline Orphaned"));
}

#[tokio::test]
async fn what_is_not_onboarded_is_left_alone() {
    let journey = Journey::default();
    journey.push(&fleet()[..1]).await.unwrap();
    journey.world.heal();
    let feature = journey.world.push("feature", &[("deploy/x", Some("x"))]);
    let mut foreign = journey.world.push("main", &[("deploy/x", Some("x"))]);
    if let Event::BranchPushed(push) = &mut foreign.event {
        push.repository.id = common::domain::id::RepositoryId::GitHub(43);
    }
    for event in [feature, foreign] {
        journey.provisioner.event(&event, journey.deadline()).await.unwrap();
    }
    assert_eq!(journey.world.calls(), [], "nothing is even read");
    assert_eq!(journey.tell().await.unwrap(), []);
}

#[tokio::test]
async fn somebody_elses_change_to_a_pipeline_is_set_back_and_their_tags_stay() {
    let environments = "unlisted: refuse\nenvironments: {integration: {branch: main, restore_drift: true}}\n";
    let journey = Journey::new(&GovernanceFiles::default().with("environments.yaml", environments));
    journey.push(&fleet()[..2]).await.unwrap();
    let before = journey.world.pipelines();
    let name = before.keys().next().unwrap().clone();
    journey.world.tamper(&name, |pipeline| {
        pipeline.definition.stages[2].actions.retain(|action| action.category != "Build");
        pipeline.tags.insert("cost".into(), "theirs".into());
    });
    journey.world.heal();
    let run = journey.sweep().await.unwrap();
    assert_eq!((run.counts.updated, run.counts.unchanged), (1, 1));
    let writes: Vec<_> = journey.world.pipeline_writes().into_iter().map(|call| call.name).collect();
    assert_eq!(writes, ["CodePipeline.UpdatePipeline"], "and no call that would touch tags");
    let after = &journey.world.pipelines()[&name];
    assert_eq!(after.definition, before[&name].definition);
    assert_eq!(after.tags["cost"], "theirs");
}

#[tokio::test]
async fn a_pipeline_that_is_not_ours_is_never_adopted() {
    let journey = Journey::default();
    journey.push(&fleet()[..1]).await.unwrap();
    let (name, ours) = journey.world.pipelines().into_iter().next().unwrap();
    for tags in [Vec::new(), vec![("managed-by", "somebody")]] {
        let tags = tags.into_iter().map(|(key, value): (&str, &str)| (key.to_owned(), value.to_owned())).collect();
        journey.world.put_pipeline(&name, Some(common::testing::FakePipeline { tags, ..ours.clone() }));
        journey.world.heal();
        let run = journey.sweep().await.unwrap();
        assert_eq!(run.counts.refused, 1, "{:?}", run.results);
        assert_eq!(journey.world.pipeline_writes(), []);
    }
}

#[tokio::test]
async fn a_copied_pipeline_is_noted_where_people_look_and_said_once() {
    let journey = Journey::default();
    journey.push(&fleet()[..1]).await.unwrap();
    let mut copy = journey.world.pipelines().into_values().next().unwrap();
    copy.definition.name = id("rc-a-copy-by-hand");
    journey.world.put_pipeline("rc-a-copy-by-hand", Some(copy));
    journey.world.heal();
    let run = journey.sweep().await.unwrap();
    assert_eq!((run.notes.len(), run.counts.unchanged), (1, 1), "{:?}", run.notes);
    assert!(run.notes[0].contains("rc-a-copy-by-hand"), "{:?}", run.notes);
    assert_eq!(journey.world.pipeline_writes(), []);
    let told = journey.world.checks();
    assert_eq!(journey.world.statuses().pop().unwrap().description, "Clusters: 1 unchanged; also 1 note");
    journey.sweep().await.unwrap();
    assert_eq!(journey.world.checks(), told, "a sweep does not repeat it");
}
