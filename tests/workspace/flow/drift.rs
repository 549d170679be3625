//! Somebody changes a pipeline in the console: told once, told again when it is another change, told when it is gone, and set back only
//! where `environments.yaml` says so. What was written last says the table, not the pipeline.

use common::{
    domain::cluster::{ClusterKey, FieldChange, Weakness, diff, names},
    event::{Outcome, PipelineDrift, ProvisioningFinished},
    ports::{AuditTrail, StatusState},
    testing::{ClusterFile, FakePipeline, GovernanceFiles, When, id},
};
use tests::journey::{Journey, provisioner};

use super::fence::block_on;

/// Its environment leaves what somebody changed by hand, and this one's does not.
const LEFT: &str = "production/us-east-1/regional";
const RESTORED: &str = "integration/us-east-1/regional";

fn governance() -> GovernanceFiles {
    let environments = "unlisted: refuse\nenvironments:\n  integration: {branch: main, restore_drift: true}\n  production: {branch: main}\n";
    GovernanceFiles::default().with("environments.yaml", environments)
}

async fn journey() -> Journey {
    let journey = Journey::new(&governance());
    let files = [ClusterFile::regional("production", "us-east-1"), ClusterFile::regional("integration", "us-east-1")];
    assert_eq!(journey.push(&files).await.unwrap().counts.created, 2);
    journey.world.heal();
    journey
}

fn pipeline(cluster: &str) -> String {
    names::pipeline(&id::<ClusterKey>(cluster)).to_string()
}

fn ungate(found: &mut FakePipeline) {
    found.definition.stages[2].actions.remove(0);
}

/// What was told about pipelines by hand since the last look at the bus, by event.
struct Told(usize);

impl Told {
    fn since(journey: &Journey) -> Self {
        Self(journey.world.bus().len())
    }

    fn kinds(&self, journey: &Journey) -> Vec<String> {
        let rows = journey.world.bus().into_iter().skip(self.0);
        rows.map(|row| row.detail_type).filter(|kind| kind.starts_with("Pipeline ")).collect()
    }
}

fn result(run: &ProvisioningFinished, cluster: &str) -> (Outcome, Vec<Weakness>) {
    let result = run.results.iter().find(|result| result.cluster.to_string() == cluster).expect("a line");
    (result.outcome, result.weakened.clone())
}

/// Its tags go with its gate: it is nobody's to set back then, and still told as what it is, in both environments.
#[tokio::test]
async fn a_gate_that_goes_with_the_tags_is_told_as_unsafe_all_the_same() {
    let journey = journey().await;
    for cluster in [LEFT, RESTORED] {
        journey.world.tamper(&pipeline(cluster), |found| {
            ungate(found);
            found.tags.clear();
        });
    }
    let run = journey.sweep().await.unwrap();
    for cluster in [LEFT, RESTORED] {
        assert_eq!(result(&run, cluster), (Outcome::Refused, vec![Weakness::GateGone]), "{cluster}");
    }
    assert_eq!((run.counts.refused, run.counts.drifted), (2, 0));
}

fn drifted(journey: &Journey) -> Vec<PipelineDrift> {
    let rows = journey.world.bus().into_iter().filter(|row| row.detail_type == "Pipeline Drifted");
    rows.map(|row| serde_json::from_str(&row.detail).unwrap()).collect()
}

#[tokio::test]
async fn a_gate_that_was_taken_out_is_told_once_and_left_until_somebody_puts_it_back() {
    let journey = journey().await;
    let written = journey.world.pipelines()[&pipeline(LEFT)].clone();
    let told = Told::since(&journey);
    journey.world.tamper(&pipeline(LEFT), ungate);
    let run = journey.sweep().await.unwrap();
    assert_eq!(result(&run, LEFT), (Outcome::Drifted, vec![Weakness::GateGone]));
    assert_eq!((run.counts.drifted, run.counts.weakened, run.counts.unchanged), (1, 1, 1));
    journey.sweep().await.unwrap();
    journey.sweep().await.unwrap();
    assert_eq!(told.kinds(&journey), ["Pipeline Drifted"], "the same is told once");
    assert_eq!(journey.world.pipeline_writes(), []);

    let drift = drifted(&journey).remove(0);
    insta::assert_snapshot!([drift.pipeline.result.reasons.join("\n"), drift.who, drift.action].join("\n"), @r#"
    drift: somebody changed the pipeline; it is left so, and is not what deploy/production/us-east-1/terraform/regional.yaml asks for
    unsafe: Deploy has no gate, so runs go on that nobody let through
    set it back in CodePipeline, or have it set back: restore_drift: true for production in environments.yaml
    whoever may change pipelines in the control plane's account, or environments.yaml
    set it back in CodePipeline, or have it set back: restore_drift: true for production in environments.yaml
    "#);
    let field = "stage Deploy actions".to_owned();
    let to = Some("Gate, ApplyInfrastructure".to_owned());
    let change = FieldChange { field, from: Some("ApplyInfrastructure".into()), to };
    assert!(drift.pipeline.result.changes.contains(&change), "{:?}", drift.pipeline.result.changes);

    // Another change is told again.
    journey.world.tamper(&pipeline(LEFT), |found| found.definition.triggers.clear());
    journey.sweep().await.unwrap();
    journey.sweep().await.unwrap();
    assert_eq!(told.kinds(&journey), ["Pipeline Drifted"; 2]);

    // Somebody puts it back by hand; that is told too, once.
    journey.world.put_pipeline(&pipeline(LEFT), Some(written));
    let run = journey.sweep().await.unwrap();
    assert_eq!((run.counts.drifted, run.counts.unchanged), (0, 2));
    journey.sweep().await.unwrap();
    assert_eq!(told.kinds(&journey), ["Pipeline Drifted", "Pipeline Drifted", "Pipeline Unchanged"]);
    assert_eq!(journey.world.pipeline_writes(), []);
    let (entries, _) = journey.world.chain(&format!("cluster:{LEFT}")).await.unwrap();
    let actions: Vec<&str> = entries.iter().map(|entry| entry.draft.action.as_str()).collect();
    assert_eq!(actions[2..], ["pipeline.drift", "pipeline.drift", "pipeline.keep"], "{actions:?}");
    assert!(entries[2].draft.reasons.iter().any(|reason| reason.contains("stage Deploy actions")), "{entries:?}");
    journey.verify_audit().await.unwrap();
}

#[tokio::test]
async fn the_commit_says_that_a_pipeline_is_unsafe_until_it_is_not() {
    let journey = journey().await;
    let written = journey.world.pipelines()[&pipeline(LEFT)].clone();
    let said = || {
        let status = journey.world.statuses().into_iter().rfind(|status| status.context == "penstock/clusters");
        status.map(|status| (status.state, status.description)).unwrap()
    };
    assert_eq!(said().0, StatusState::Success);
    journey.world.tamper(&pipeline(LEFT), ungate);
    journey.sweep().await.unwrap();
    assert_eq!(said(), (StatusState::Error, "Clusters: 1 unsafe since changed by hand, 1 unchanged".into()));
    let check = journey.world.checks().into_iter().rfind(|check| check.name == "penstock/clusters").unwrap();
    insta::assert_snapshot!(check.summary.replace('\u{200b}', ""), @r#"
    Commit `5df780e` of branch `main` was compared with the pipelines that exist (generation 2).

    ### Changed by hand, and left: the fields say what setting it back would do

    - `production/us-east-1/regional` (pipeline `rc-production-us-east-1-ef893284709d`)
      - drift: somebody changed the pipeline; it is left so, and is not what deploy/production/us\-east\-1/terraform/regional.yaml asks for
      - unsafe: Deploy has no gate, so runs go on that nobody let through
      - set it back in CodePipeline, or have it set back: restore\_drift: true for production in environments.yaml
      - `Deploy/Gate CustomData`: new, `Deploy production/us-east-1/regional? Read the plan that Validate made in this run first.`
      - `Deploy/Gate inputs`: new, (empty)
      - `Deploy/Gate kind`: new, `Approval AWS Manual 1`
      - `Deploy/Gate outputs`: new, (empty)
      - `Deploy/Gate run order`: new, `1`
      - `Deploy/Gate timeout minutes`: new, `86400`
      - `stage Deploy actions`: `ApplyInfrastructure` → `Gate, ApplyInfrastructure`

    1 unchanged.
    "#);
    // A change that takes nothing away leaves the commit green, and is told all the same.
    journey.world.put_pipeline(&pipeline(LEFT), Some(written.clone()));
    journey.world.tamper(&pipeline(LEFT), |found| found.definition.triggers.clear());
    journey.sweep().await.unwrap();
    assert_eq!(said(), (StatusState::Success, "Clusters: 1 changed by hand, 1 unchanged".into()));
    journey.world.put_pipeline(&pipeline(LEFT), Some(written));
    journey.sweep().await.unwrap();
    assert_eq!(said(), (StatusState::Success, "Clusters: 2 unchanged".into()));
}

#[tokio::test]
async fn with_leave_it_is_set_back_and_told_in_one_event() {
    let journey = journey().await;
    let told = Told::since(&journey);
    journey.world.tamper(&pipeline(RESTORED), ungate);
    let run = journey.sweep().await.unwrap();
    assert_eq!(result(&run, RESTORED), (Outcome::Updated, vec![Weakness::GateGone]));
    let again = journey.sweep().await.unwrap();
    assert_eq!(result(&again, RESTORED), (Outcome::Unchanged, vec![]));
    assert_eq!(told.kinds(&journey), ["Pipeline Updated"]);
    assert_eq!(journey.world.pipeline_writes().len(), 1);
    assert_eq!(journey.world.pipelines()[&pipeline(RESTORED)].definition.stages[2].actions[0].name, "Gate");
}

/// Whoever edits the digest that the definition carries as well is found by the table's.
#[tokio::test]
async fn a_change_that_hides_behind_another_digest_is_one_by_hand() {
    let journey = journey().await;
    journey.world.tamper(&pipeline(LEFT), |found| {
        let spec = diff::spec_of(&found.definition).unwrap();
        ungate(found);
        for action in found.definition.stages.iter_mut().flat_map(|stage| &mut stage.actions) {
            for value in action.configuration.values_mut() {
                *value = value.replace(&spec, &"0".repeat(64));
            }
        }
    });
    let run = journey.sweep().await.unwrap();
    assert_eq!(result(&run, LEFT).0, Outcome::Drifted);
    assert!(result(&run, LEFT).1.contains(&Weakness::GateGone));
    assert_eq!(journey.world.pipeline_writes(), []);
}

/// A file that changes takes it along, and says so.
#[tokio::test]
async fn the_next_version_of_the_file_writes_the_whole_definition() {
    let journey = journey().await;
    journey.world.tamper(&pipeline(LEFT), ungate);
    journey.sweep().await.unwrap();
    let changed = ClusterFile::regional("production", "us-east-1").set("enable_bastion", "true");
    let run = journey.push(&[changed]).await.unwrap();
    assert_eq!(result(&run, LEFT), (Outcome::Updated, vec![Weakness::GateGone]));
    let reasons = &run.results.iter().find(|result| result.outcome == Outcome::Updated).unwrap().reasons;
    assert!(reasons.iter().any(|reason| reason.contains("Deploy/Gate, stage Deploy actions")), "{reasons:?}");
    assert!(journey.world.cluster_records().iter().all(|record| record.drift.is_none()));
    let told = Told::since(&journey);
    journey.sweep().await.unwrap();
    assert_eq!(told.kinds(&journey), [] as [&str; 0]);
}

/// A run that stops at any call tells it once in the end, and never writes what it may not.
#[tokio::test]
async fn a_run_that_stops_anywhere_tells_it_all_the_same() {
    for when in [When::Before, When::After] {
        for call in 0..30 {
            let journey = journey().await;
            journey.world.tamper(&pipeline(LEFT), ungate);
            journey.world.tamper(&pipeline(RESTORED), ungate);
            journey.world.fail_call(call, when);
            let _ = journey.sweep().await;
            journey.world.heal();
            journey.sweep().await.unwrap();
            journey.sweep().await.unwrap();
            let told = journey.world.bus().into_iter().filter(|row| row.detail_type == "Pipeline Drifted").count();
            assert_eq!(told, 1, "call {call} {when:?}");
            let found = journey.world.pipelines();
            let gated = |cluster: &str| found[&pipeline(cluster)].definition.stages[2].actions[0].name == "Gate";
            assert_eq!((gated(LEFT), gated(RESTORED)), (false, true), "call {call} {when:?}");
            journey.verify_audit().await.unwrap();
        }
    }
}

/// A run that was overtaken between its comparison and its call writes an older definition over the newer one: nobody's hand did that.
#[tokio::test]
async fn an_older_run_whose_call_lands_last_is_set_right_by_the_schedule() {
    let file = ClusterFile::regional("production", "us-east-1");
    let call = {
        let journey = journey().await;
        journey.push(&[file.clone().set("enable_bastion", "true")]).await.unwrap();
        let calls = journey.world.calls();
        calls.iter().position(|call| call.name == "CodePipeline.UpdatePipeline").unwrap()
    };
    let journey = journey().await;
    let newer = file.clone().set("enable_bastion", "false");
    let (path, text) = (file.path.clone(), newer.text());
    journey.world.before_call(call, move |world| {
        let event = world.push("main", &[(&path, Some(&text))]);
        let other = provisioner(world, &governance());
        block_on(other.event(&event, jiff::Timestamp::MAX)).unwrap();
    });
    let _ = journey.push(&[file.set("enable_bastion", "true")]).await;
    let after = journey.world.pipelines()[&pipeline(LEFT)].definition.clone();
    journey.world.heal();
    let run = journey.sweep().await.unwrap();
    assert_eq!(result(&run, LEFT), (Outcome::Updated, vec![]), "{:?}", run.results);
    assert_ne!(journey.world.pipelines()[&pipeline(LEFT)].definition, after, "the older one stood");
    assert_eq!(journey.sweep().await.unwrap().counts.unchanged, 2);
}

/// Nothing writes, whatever is asked of a pull request.
#[tokio::test]
async fn a_pull_request_shows_what_it_would_take_along() {
    let journey = journey().await;
    journey.world.tamper(&pipeline(LEFT), ungate);
    let text = ClusterFile::regional("production", "us-east-1").set("enable_bastion", "true").text();
    let path = ClusterFile::regional("production", "us-east-1").path;
    let event = journey.world.open_change(7, "main", None, &[(&path, Some(&text))]);
    let run = journey.wake(&event).await.unwrap();
    assert_eq!(result(&run, LEFT), (Outcome::Updated, vec![Weakness::GateGone]));
    assert_eq!(journey.world.pipeline_writes(), []);
}
