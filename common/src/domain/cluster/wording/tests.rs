//! Every sentence as a person reads it.

use super::*;
use crate::domain::cluster::{ClusterKey, fixture::key, names};

fn result(outcome: Outcome, reasons: &[&str]) -> ClusterResult {
    let cluster = key("integration/us-east-1/management/mc01");
    let pipeline = names::pipeline(&cluster);
    ClusterResult {
        cluster,
        pipeline,
        outcome,
        reasons: reasons.iter().map(ToString::to_string).collect(),
        changes: Vec::new(),
        weakened: Vec::new(),
    }
}

const ALL: [Outcome; 10] = [
    Outcome::Created,
    Outcome::Updated,
    Outcome::Unchanged,
    Outcome::Destroying,
    Outcome::Retired,
    Outcome::Refused,
    Outcome::Orphaned,
    Outcome::Invalid,
    Outcome::Failed,
    Outcome::Drifted,
];

#[test]
fn headlines_after_a_run_and_before_one() {
    let all = |mode: RunMode| ALL.map(|outcome| headline(&result(outcome, &[]), &mode)).join("\n");
    insta::assert_snapshot!(all(RunMode::Reconcile), @r#"
    created pipeline mc-integration-us-east-1-mc01-df830023723c for integration/us-east-1/management/mc01
    updated pipeline mc-integration-us-east-1-mc01-df830023723c of integration/us-east-1/management/mc01
    integration/us-east-1/management/mc01 is unchanged
    started a destroy run of integration/us-east-1/management/mc01 in pipeline mc-integration-us-east-1-mc01-df830023723c
    removed pipeline mc-integration-us-east-1-mc01-df830023723c of integration/us-east-1/management/mc01
    refused integration/us-east-1/management/mc01
    integration/us-east-1/management/mc01 has lost its file: pipeline mc-integration-us-east-1-mc01-df830023723c stays
    the file of integration/us-east-1/management/mc01 has errors: its pipeline was left as it is
    a call failed for integration/us-east-1/management/mc01 (pipeline mc-integration-us-east-1-mc01-df830023723c)
    somebody changed pipeline mc-integration-us-east-1-mc01-df830023723c of integration/us-east-1/management/mc01 by hand: it was left as it is
    "#);
    insta::assert_snapshot!(all(RunMode::DryRun { number: 7 }), @r#"
    would create pipeline mc-integration-us-east-1-mc01-df830023723c for integration/us-east-1/management/mc01
    would update pipeline mc-integration-us-east-1-mc01-df830023723c of integration/us-east-1/management/mc01
    integration/us-east-1/management/mc01 would stay as it is
    would start a destroy run of integration/us-east-1/management/mc01 in pipeline mc-integration-us-east-1-mc01-df830023723c
    would remove pipeline mc-integration-us-east-1-mc01-df830023723c of integration/us-east-1/management/mc01
    would refuse integration/us-east-1/management/mc01
    integration/us-east-1/management/mc01 would lose its file: pipeline mc-integration-us-east-1-mc01-df830023723c stays
    the file of integration/us-east-1/management/mc01 has errors: its pipeline would be left as it is
    a call failed for integration/us-east-1/management/mc01 (pipeline mc-integration-us-east-1-mc01-df830023723c)
    somebody changed pipeline mc-integration-us-east-1-mc01-df830023723c of integration/us-east-1/management/mc01 by hand: it would be left as it is
    "#);
}

#[test]
fn a_result_has_its_reasons_and_changes_below_it() {
    let change = |field: &str, from: Option<&str>, to: Option<&str>| FieldChange {
        field: field.into(),
        from: from.map(Into::into),
        to: to.map(Into::into),
    };
    let changes = vec![
        change("region", Some("us-east-1"), Some("us-east-2")),
        change("terraform_vars.note", None, Some("a\u{202e}\"b")),
        change("enable_bastion", Some("true"), None),
    ];
    let updated =
        ClusterResult { changes, ..result(Outcome::Updated, &[&changed(&key("integration/us-east-1/regional"))]) };
    insta::assert_snapshot!(lines(&updated, &RunMode::Reconcile).join("\n"), @r#"
    updated pipeline mc-integration-us-east-1-mc01-df830023723c of integration/us-east-1/management/mc01
    what deploy/integration/us-east-1/terraform/regional.yaml asks for has changed
    region: "us-east-1" → "us-east-2"
    terraform_vars.note: new, "a\u{202e}\"b"
    enable_bastion: "true" goes
    "#);
}

#[test]
fn counts_say_first_what_needs_somebody() {
    let some = Counts { created: 2, unchanged: 3, invalid: 1, refused: 1, ..Counts::default() };
    insta::assert_snapshot!(counts(&some, &RunMode::Reconcile), @r#"1 with errors in the file, 1 refused, 2 created, 3 unchanged"#);
    insta::assert_snapshot!(counts(&some, &RunMode::DryRun { number: 1 }), @r#"1 with errors in the file, 1 to refuse, 2 to create, 3 unchanged"#);
    insta::assert_snapshot!(counts(&Counts::default(), &RunMode::Reconcile), @r#"no clusters"#);
    insta::assert_snapshot!(status(&some, &RunMode::Reconcile, false), @r#"Clusters: 1 with errors in the file, 1 refused, 2 created, 3 unchanged; not all were looked at"#);
    let many = u32::MAX;
    let most = Counts {
        created: many,
        updated: many,
        unchanged: many,
        destroying: many,
        retired: many,
        refused: many,
        orphaned: many,
        invalid: many,
        failed: many,
        drifted: many,
        weakened: 0,
    };
    assert!(status(&most, &RunMode::Reconcile, false).chars().count() <= 140);
}

#[test]
fn reasons() {
    let regional: ClusterKey = key("integration/us-east-1/regional");
    let mc = key("integration/us-east-1/management/mc01");
    let name = names::pipeline(&regional);
    let execution = |status, destroy| Execution { id: "e-1".into(), status, destroy };
    let moved = FieldChange { field: "region".into(), from: Some("us-east-1".into()), to: Some("us-east-2".into()) };
    let all = [
        changed(&regional),
        drift_restored(&regional),
        drift_left(&regional),
        drift_gone(&regional),
        drift_action(&regional),
        told_edits_go(&regional),
        destroying(&mc),
        destroy_started(&mc, None),
        destroy_started(&mc, Some(&execution(ExecutionStatus::Failed, Some(true)))),
        destroy_started(&mc, Some(&execution(ExecutionStatus::Running, Some(true)))),
        destroyed(&mc),
        retired(&mc),
        already_gone(&mc),
        nothing_to_destroy(&mc),
        not_destroyed(&mc, None),
        not_destroyed(&mc, Some(&execution(ExecutionStatus::Running, None))),
        not_destroyed(&mc, Some(&execution(ExecutionStatus::Failed, Some(true)))),
        not_destroyed(&mc, Some(&execution(ExecutionStatus::Succeeded, Some(false)))),
        stands_beside(&regional, &mc),
        moved_while_deleting(&moved),
        super::moved(&moved),
        too_many_removals(4),
        too_large_a_part(3, 25),
        foreign(&name),
        other_repository(&name, Some(RepositoryId::GitHub(43))),
        other_repository(&name, None),
        other_cluster(&name, &regional),
        orphaned(&mc),
        tags_name_no_cluster(&name),
        copied(&name, &regional),
    ];
    insta::assert_snapshot!(all.join("\n"), @r#"
    what deploy/integration/us-east-1/terraform/regional.yaml asks for has changed
    drift: somebody changed the pipeline; it is set back to what deploy/integration/us-east-1/terraform/regional.yaml asks for
    drift: somebody changed the pipeline; it is left so, and is not what deploy/integration/us-east-1/terraform/regional.yaml asks for
    the drift is gone: the pipeline is again what deploy/integration/us-east-1/terraform/regional.yaml asks for
    set it back in CodePipeline, or have it set back: restore_drift: true for integration in environments.yaml
    drift: what somebody had changed in the pipeline of integration/us-east-1/regional, as was told before, goes with it
    deploy/integration/us-east-1/terraform/management/mc01.yaml says delete: true; the pipeline stays until delete_pipeline: true
    the destroy run for this version of deploy/integration/us-east-1/terraform/management/mc01.yaml was started; the latest run is not a finished destroy run
    the latest run after delete: true failed; mend the cause, then change deploy/integration/us-east-1/terraform/management/mc01.yaml (a comment will do) to start another destroy run
    the destroy run that deploy/integration/us-east-1/terraform/management/mc01.yaml asked for is under way
    destroyed; write delete_pipeline: true into deploy/integration/us-east-1/terraform/management/mc01.yaml to remove the pipeline
    deploy/integration/us-east-1/terraform/management/mc01.yaml says delete_pipeline: true and the latest run destroyed the infrastructure
    there is no pipeline any more: deploy/integration/us-east-1/terraform/management/mc01.yaml can be removed
    delete: true needs the cluster's pipeline, and there is none: take delete out of deploy/integration/us-east-1/terraform/management/mc01.yaml to make it, or remove the file
    rule retire-after-destroy: a pipeline is removed only when its latest run is a destroy run that succeeded; the pipeline has no run. Write delete: true into deploy/integration/us-east-1/terraform/management/mc01.yaml first
    rule retire-after-destroy: a pipeline is removed only when its latest run is a destroy run that succeeded; the latest run "e-1" is under way. Write delete: true into deploy/integration/us-east-1/terraform/management/mc01.yaml first
    rule retire-after-destroy: a pipeline is removed only when its latest run is a destroy run that succeeded; the latest run "e-1" failed. Write delete: true into deploy/integration/us-east-1/terraform/management/mc01.yaml first
    rule retire-after-destroy: a pipeline is removed only when its latest run is a destroy run that succeeded; the latest run "e-1" is not known to be a destroy run. Write delete: true into deploy/integration/us-east-1/terraform/management/mc01.yaml first
    rule management-first: integration/us-east-1/regional is not removed while integration/us-east-1/management/mc01 stands; destroy that one first
    rule delete-alone: delete: true came together with another change of where the cluster is (region: "us-east-1" → "us-east-2"), and the destroy run would look in the wrong place; push delete: true with the values that were deployed
    attention: the cluster moves (region: "us-east-1" → "us-east-2"); what was built in the old place stays there, and no later destroy run looks for it
    rule removals: 4 clusters would be destroyed or removed in one run, at most 3 may; none was. Push them in smaller steps, or have them approved together at the branch's head
    rule removals: 3 of 25 clusters would be destroyed or removed in one run, at most a tenth of a fleet of 20 or more may; none was. Push them in smaller steps, or have them approved together at the branch's head
    rule ownership: a pipeline named rc-integration-us-east-1-cf8cc586449b is there and was not made by Penstock (no tag managed-by = penstock); it is not touched. Remove or rename it
    rule ownership: pipeline rc-integration-us-east-1-cf8cc586449b belongs to repository 43; it is not touched. Two repositories configure the same cluster: remove one of the files
    rule ownership: pipeline rc-integration-us-east-1-cf8cc586449b belongs to no repository that its tag names; it is not touched. Two repositories configure the same cluster: remove one of the files
    rule ownership: the tags of pipeline rc-integration-us-east-1-cf8cc586449b do not name integration/us-east-1/regional; it is not touched. Set its tags right
    deploy/integration/us-east-1/terraform/management/mc01.yaml is gone and did not say delete: true first; nothing was removed. Restore the file, then write delete: true into it, or keep it
    pipeline rc-integration-us-east-1-cf8cc586449b is tagged managed-by = penstock, but its other tags name no cluster; it is not touched
    pipeline rc-integration-us-east-1-cf8cc586449b carries the tags of integration/us-east-1/regional and is not its pipeline: a copy by hand? It is not touched
    "#);
}
