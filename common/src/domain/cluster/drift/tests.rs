//! Each change by hand, and what follows from it: for every file, every field, with and without leave to set it back.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{collection::vec, prelude::*, sample::Index};

use super::*;
use crate::{
    domain::{
        cluster::{
            PlanAction, fixture,
            fixture::{Files, World, key, outcome, step},
            names,
            plan::Plan,
            wording,
        },
        id::Digest,
    },
    event::Outcome,
};

/// Two clusters where changes by hand are left, two where they are set back, and one without a gate.
const RC: &str = "integration/us-east-1/regional";
const MC: &str = "integration/us-east-1/management/mc01";
const CLUSTERS: [&str; 5] =
    [RC, MC, "staging/us-east-1/regional", "staging/us-east-1/management/mc01", "sandbox/eu-west-1/regional"];

fn restored(cluster: &str) -> bool {
    cluster.starts_with("staging/")
}

/// Every definition that differs from this one in a single thing, by the thing.
fn edited(written: &PipelineDefinition) -> Vec<(String, PipelineDefinition)> {
    let mut all = Vec::new();
    let mut with = |name: String, edit: &dyn Fn(&mut PipelineDefinition)| {
        let mut one = written.clone();
        edit(&mut one);
        assert_ne!(one, *written, "{name}");
        all.push((name, one));
    };
    with("role".into(), &|one| one.role_arn.push('x'));
    with("bucket".into(), &|one| one.artifact_bucket.push('x'));
    with("key".into(), &|one| one.artifact_key_arn = Some("arn".into()));
    with("type".into(), &|one| one.pipeline_type = "V1".into());
    with("mode".into(), &|one| one.execution_mode = "PARALLEL".into());
    with("variable".into(), &|one| drop(one.variables.insert("IS_DESTROY".into(), "true".into())));
    with("new variable".into(), &|one| drop(one.variables.insert("X".into(), String::new())));
    with("no trigger".into(), &|one| one.triggers.clear());
    with("trigger source".into(), &|one| one.triggers[0].source_action.push('x'));
    with("trigger branch".into(), &|one| one.triggers[0].branches.push("other".into()));
    with("trigger path".into(), &|one| drop(one.triggers[0].paths.pop()));
    with("trigger settings".into(), &|one| one.triggers[0].foreign_settings = true);
    with("second trigger".into(), &|one| one.triggers.push(one.triggers[0].clone()));
    for (at, stage) in written.stages.iter().enumerate() {
        let name = &stage.name;
        with(format!("{name} goes"), &|one| drop(one.stages.remove(at)));
        with(format!("{name} renamed"), &|one| one.stages[at].name.push('x'));
        with(format!("{name} settings"), &|one| one.stages[at].foreign_settings = true);
        with(format!("{name} elsewhere"), &|one| one.stages.swap(at, (at + 1) % 4));
        for (index, action) in stage.actions.iter().enumerate() {
            let name = format!("{name}/{}", action.name);
            with(format!("{name} goes"), &|one| drop(one.stages[at].actions.remove(index)));
            with(format!("{name} twice"), &|one| one.stages[at].actions.push(action.clone()));
            let mut field = |what: &str, edit: &dyn Fn(&mut Action)| {
                with(format!("{name} {what}"), &|one| edit(&mut one.stages[at].actions[index]));
            };
            field("renamed", &|one| one.name.push('x'));
            field("later", &|one| one.run_order += 3);
            field("category", &|one| one.category.push('x'));
            field("owner", &|one| one.owner.push('x'));
            field("provider", &|one| one.provider.push('x'));
            field("version", &|one| one.version.push('x'));
            field("input", &|one| one.input_artifacts.push("other".into()));
            field("output", &|one| one.output_artifacts.push("other".into()));
            field("timeout", &|one| one.timeout_minutes = Some(5));
            field("new setting", &|one| drop(one.configuration.insert("X".into(), "y".into())));
            for setting in action.configuration.keys() {
                field(setting, &|one| drop(one.configuration.insert(setting.clone(), "[]".into())));
            }
        }
    }
    all
}

fn written(files: &Files, cluster: &str) -> PipelineDefinition {
    files.fleet().desired[&key(cluster)].shape.definition.clone()
}

fn set(world: &mut World, cluster: &str, definition: PipelineDefinition) {
    world.pipelines.get_mut(&names::pipeline(&key(cluster))).unwrap().definition = definition;
}

/// Hides a change from who trusts what a definition says of itself: as if another specification had been written.
fn disguised(mut definition: PipelineDefinition, spec: &Digest) -> PipelineDefinition {
    for action in definition.stages.iter_mut().flat_map(|stage| &mut stage.actions) {
        if let Some(told) = action.configuration.get_mut(diff::ENVIRONMENT_VARIABLES) {
            *told = told.replace(spec.as_str(), Digest::of(b"another").as_str());
        }
    }
    definition
}

#[test]
fn every_single_change_by_hand_is_told_and_set_back_only_by_leave() {
    let mut tried = 0;
    for (at, cluster) in CLUSTERS.into_iter().enumerate() {
        let files = Files::of(&[cluster, CLUSTERS[(at + 1) % CLUSTERS.len()]]);
        let made = World::having(&files);
        let spec = made.records[&key(cluster)].spec_sha256.clone().unwrap();
        for (name, edited) in edited(&written(&files, cluster)) {
            for found in [edited.clone(), disguised(edited.clone(), &spec)] {
                let mut world = made.clone();
                set(&mut world, cluster, found.clone());
                let plan = world.run(&files);
                let step = step(&plan, cluster);
                let action = if restored(cluster) { PlanAction::Update } else { PlanAction::Drifted };
                assert_eq!(step.action, action, "{cluster}: {name}");
                assert!(step.reasons[0].starts_with("drift: "), "{cluster}: {name}: {:?}", step.reasons);
                assert!(!step.changes.is_empty(), "{cluster}: {name}");
                let others = plan.steps.iter().filter(|other| other.cluster != key(cluster));
                assert!(others.into_iter().all(|other| other.action == PlanAction::Unchanged));
                let again = world.plan(&files);
                if restored(cluster) {
                    assert_eq!((world.writes.len(), outcome(&again, cluster)), (1, Outcome::Unchanged), "{name}");
                } else {
                    assert!(world.writes.is_empty(), "{cluster}: {name}");
                    assert_eq!(world.pipelines[&names::pipeline(&key(cluster))].definition, found);
                    assert_eq!(again, plan_without_news(plan), "{name}: told the same, and the table knows");
                    // Somebody puts it back.
                    set(&mut world, cluster, written(&files, cluster));
                    let gone = world.run(&files);
                    assert_eq!(outcome(&gone, cluster), Outcome::Unchanged);
                    assert_eq!(fixture::step(&gone, cluster).reasons, [wording::drift_gone(&key(cluster))]);
                    assert!(fixture::step(&world.plan(&files), cluster).reasons.is_empty());
                }
                tried += 1;
            }
        }
    }
    assert!(tried > 800, "{tried}");
}

fn plan_without_news(mut plan: Plan) -> Plan {
    plan.steps.iter_mut().for_each(|step| step.record_stale = false);
    plan
}

/// What each change takes away: by what it takes, the changes that do.
#[test]
fn weaknesses() {
    let files = Files::of(&CLUSTERS);
    let told = |cluster: &str| {
        let written = written(&files, cluster);
        let mut by: BTreeMap<Vec<Weakness>, Vec<String>> = BTreeMap::new();
        for (name, found) in edited(&written) {
            by.entry(weakened(&found, &written)).or_default().push(name);
        }
        // What is of the work alone is most of it.
        by.remove(&vec![Weakness::Work]);
        by.iter().map(|(weakened, names)| format!("{weakened:?}: {}\n", names.join(", "))).collect::<String>()
    };
    insta::assert_snapshot!(told(RC), @r#"
    []: type, no trigger, trigger path, second trigger
    [GateGone]: Deploy/Gate goes
    [GateGone, Work]: Deploy goes, Deploy renamed, Deploy/Gate renamed
    [GateLate, GateChanged]: Deploy/Gate later
    [GateLate, Work]: Deploy/Gate twice
    [GateChanged]: Deploy/Gate category, Deploy/Gate owner, Deploy/Gate provider, Deploy/Gate version, Deploy/Gate input, Deploy/Gate output, Deploy/Gate timeout, Deploy/Gate new setting, Deploy/Gate CustomData
    [BeforeGate]: Source renamed, Source settings, Source elsewhere, Validate goes, Validate renamed, Validate settings, Validate/ValidateAndPlan goes, Validate/ValidateAndPlan twice, Validate/ValidateAndPlan renamed, Validate/ValidateAndPlan later, Validate/ValidateAndPlan category, Validate/ValidateAndPlan owner, Validate/ValidateAndPlan provider, Validate/ValidateAndPlan version, Validate/ValidateAndPlan input, Validate/ValidateAndPlan output, Validate/ValidateAndPlan timeout, Validate/ValidateAndPlan new setting, Validate/ValidateAndPlan EnvironmentVariables, Validate/ValidateAndPlan ProjectName
    [BeforeGate, Source]: Source goes, Source/Source category
    [BeforeGate, Work]: Validate elsewhere, Deploy elsewhere, Bootstrap elsewhere
    [Source]: bucket, key, trigger source, trigger branch, trigger settings, Source/Source goes, Source/Source twice, Source/Source renamed, Source/Source later, Source/Source owner, Source/Source provider, Source/Source version, Source/Source input, Source/Source output, Source/Source timeout, Source/Source new setting, Source/Source BranchName, Source/Source ConnectionArn, Source/Source DetectChanges, Source/Source FullRepositoryId
    [Role]: role
    "#);
    insta::assert_snapshot!(told("sandbox/eu-west-1/regional"), @r#"
    []: type, no trigger, trigger path, second trigger
    [Source]: bucket, key, trigger source, trigger branch, trigger settings, Source/Source goes, Source/Source twice, Source/Source renamed, Source/Source later, Source/Source owner, Source/Source provider, Source/Source version, Source/Source input, Source/Source output, Source/Source timeout, Source/Source new setting, Source/Source BranchName, Source/Source ConnectionArn, Source/Source DetectChanges, Source/Source FullRepositoryId
    [Source, Work]: Source goes, Source/Source category
    [Role]: role
    "#);
}

#[test]
fn an_action_before_the_gate_is_no_gate_to_it() {
    let written = written(&Files::of(&CLUSTERS), MC);
    let apply = written.stages[2].actions[2].clone();
    let with = |edit: &dyn Fn(&mut PipelineDefinition)| {
        let mut found = written.clone();
        edit(&mut found);
        weakened(&found, &written)
    };
    let early = Action { name: "Early".into(), run_order: 1, ..apply.clone() };
    assert_eq!(with(&|one| one.stages[2].actions.push(early.clone())), [Weakness::GateLate, Weakness::Work]);
    let stage = Stage { name: "Early".into(), actions: vec![early.clone()], foreign_settings: false };
    assert_eq!(with(&|one| one.stages.insert(2, stage.clone())), [Weakness::BeforeGate]);
    let project = apply.configuration["ProjectName"].clone();
    let other = |one: &mut PipelineDefinition| {
        one.stages[1].actions[0].configuration.insert("ProjectName".into(), project.clone());
    };
    assert_eq!(with(&other), [Weakness::BeforeGate]);
    let moved = |one: &mut PipelineDefinition| {
        let gate = one.stages[2].actions.remove(0);
        one.stages[3].actions.insert(0, gate);
    };
    assert_eq!(with(&moved), [Weakness::GateGone, Weakness::Work]);
}

#[test]
fn a_changed_file_takes_changes_by_hand_with_it_and_says_which() {
    let files = Files::of(&[RC, MC]);
    let mut world = World::having(&files);
    let mut found = written(&files, RC);
    found.stages[2].actions.remove(0);
    set(&mut world, RC, found);
    let changed = files.clone().plus(RC, "enable_bastion: true");
    let plan = world.run(&changed);
    let step = step(&plan, RC);
    assert_eq!((step.action, &step.weakened), (PlanAction::Update, &vec![Weakness::GateGone]));
    insta::assert_snapshot!(step.reasons.join("\n"), @r#"
    what deploy/integration/us-east-1/terraform/regional.yaml asks for has changed
    drift: somebody had changed the pipeline, and that goes with it: Deploy/Gate, stage Deploy actions
    unsafe: Deploy has no gate, so runs go on that nobody let through
    "#);
    assert_eq!(outcome(&world.plan(&changed), RC), Outcome::Unchanged);
}

#[test]
fn nothing_is_said_of_hands_when_only_the_file_changed() {
    for line in ["enable_bastion: true", "delete: true", "# a comment"] {
        let files = Files::of(&CLUSTERS);
        let world = World::having(&files);
        for cluster in CLUSTERS {
            let plan = world.plan(&files.clone().plus(cluster, line));
            let said = step(&plan, cluster).reasons.join("; ");
            assert!(!said.contains("drift") && step(&plan, cluster).weakened.is_empty(), "{cluster}: {line}: {said}");
        }
    }
}

#[test]
fn a_destroy_run_is_not_given_what_somebody_made_of_its_pipeline() {
    let files = Files::of(&[RC, MC]);
    let deleting = files.clone().plus(MC, "delete: true");
    let mut world = World::having(&files);
    world.run(&deleting);
    // The same order once more, by another version of the file: what is written is the same.
    let mut found = written(&deleting, MC);
    found.stages[2].actions[2].configuration.insert(diff::ENVIRONMENT_VARIABLES.into(), "[]".into());
    set(&mut world, MC, found);
    let again = deleting.plus(MC, "# again");
    let plan = world.run(&again);
    let step = step(&plan, MC);
    assert_eq!((step.action, &step.weakened), (PlanAction::Destroy { update: true }, &vec![Weakness::Work]));
    assert!(step.reasons.iter().any(|reason| reason.starts_with("drift: ")), "{:?}", step.reasons);
    assert_eq!(world.pipelines[&names::pipeline(&key(MC))].definition, written(&again, MC));
}

#[test]
fn an_update_that_was_not_recorded_and_taken_back_is_no_ones_hand() {
    let files = Files::of(&[RC]);
    let mut world = World::having(&files);
    let changed = files.clone().plus(RC, "enable_bastion: true");
    // The run stops behind the call; then the commit is reverted.
    let plan = world.plan(&changed);
    world.call(step(&plan, RC));
    let plan = world.run(&files);
    assert_eq!(step(&plan, RC).action, PlanAction::Update);
    assert!(!step(&plan, RC).reasons.join(";").contains("drift"), "{:?}", step(&plan, RC).reasons);
    assert_eq!(outcome(&world.plan(&files), RC), Outcome::Unchanged);
    // It stops before the call, and somebody changes the pipeline: that is seen all the same.
    let plan = world.plan(&changed);
    world.intend(step(&plan, RC));
    let mut found = written(&files, RC);
    found.role_arn.push('x');
    set(&mut world, RC, found);
    let plan = world.run(&files);
    assert_eq!((step(&plan, RC).action, &step(&plan, RC).weakened), (PlanAction::Drifted, &vec![Weakness::Role]));
    assert_eq!(world.records[&key(RC)].intended, None);
}

/// A run was overtaken between its comparison and its call, and the call lands behind the newer run's.
#[test]
fn a_call_that_lands_late_is_no_ones_hand_for_a_while() {
    let files = Files::of(&[RC]);
    let mut world = World::having(&files);
    let older = files.clone().plus(RC, "enable_bastion: true");
    let plan = world.plan(&older);
    world.intend(step(&plan, RC));
    let newer = files.clone().plus(RC, "enable_bastion: false");
    world.run(&newer);
    set(&mut world, RC, written(&older, RC));
    let mut later = world.clone();
    let plan = world.run(&newer);
    assert_eq!(step(&plan, RC).action, PlanAction::Update);
    assert!(step(&plan, RC).weakened.is_empty(), "{:?}", step(&plan, RC));
    assert_eq!(outcome(&world.plan(&newer), RC), Outcome::Unchanged);
    // Much later nothing of ours can land any more.
    let now = jiff::Timestamp::UNIX_EPOCH + crate::domain::cluster::LATE + jiff::SignedDuration::from_secs(1);
    later.records.values_mut().for_each(|record| record.forget_late(now));
    assert_eq!(outcome(&later.plan(&newer), RC), Outcome::Drifted);
}

#[test]
fn a_bad_file_or_a_lost_record_hides_nothing_for_long() {
    let files = Files::of(&[RC]);
    let mut world = World::having(&files);
    let mut found = written(&files, RC);
    found.role_arn.push('x');
    set(&mut world, RC, found.clone());
    assert_eq!(outcome(&world.run(&files), RC), Outcome::Drifted);
    assert_eq!(outcome(&world.run(&files.clone().plus(RC, "nonsense: 1")), RC), Outcome::Invalid);
    assert!(world.records[&key(RC)].drift.is_some(), "it is not forgotten");
    set(&mut world, RC, written(&files, RC));
    assert_eq!(step(&world.run(&files), RC).reasons, [wording::drift_gone(&key(RC))]);
    // Without a record the definition's own word counts, and whoever changed that is overwritten.
    let spec = world.records[&key(RC)].spec_sha256.clone().unwrap();
    world.records.clear();
    set(&mut world, RC, found.clone());
    assert_eq!(outcome(&world.plan(&files), RC), Outcome::Drifted);
    set(&mut world, RC, disguised(found, &spec));
    assert_eq!(outcome(&world.run(&files), RC), Outcome::Updated);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any changes by hand together: told where and only where fields differ, and nothing is written without leave.
    #[test]
    fn drifted_exactly_where_something_differs(hands in vec(vec(any::<Index>(), 0..3), CLUSTERS.len())) {
        let files = Files::of(&CLUSTERS);
        let mut world = World::having(&files);
        let mut changed = BTreeSet::new();
        for (cluster, hands) in CLUSTERS.iter().zip(&hands) {
            let written = written(&files, cluster);
            // The last one of some that would not go together.
            for hand in hands {
                let mut edits = edited(&written);
                set(&mut world, cluster, edits.swap_remove(hand.index(edits.len())).1);
                changed.insert(key(cluster));
            }
        }
        let plan = world.run(&files);
        for step in &plan.steps {
            let leave = restored(&step.cluster.to_string());
            let expected = match (changed.contains(&step.cluster), leave) {
                (false, _) => PlanAction::Unchanged,
                (true, false) => PlanAction::Drifted,
                (true, true) => PlanAction::Update,
            };
            prop_assert_eq!(step.action, expected);
            prop_assert_eq!(step.changes.is_empty(), !changed.contains(&step.cluster));
        }
        prop_assert_eq!(world.writes.len(), changed.iter().filter(|key| restored(&key.to_string())).count());
        prop_assert_eq!(world.plan(&files).steps.iter().filter(|step| step.action.writes()).count(), 0);
    }

    /// A run that stops anywhere between two versions of the files leaves nothing that looks like a hand.
    #[test]
    fn what_a_run_left_half_done_is_not_taken_for_a_hand(lines in vec(0..3_usize, 5), stop in 0..6_usize, recorded: bool) {
        let line = ["", "enable_bastion: true", "enable_bastion: false"];
        let before = Files::of(&CLUSTERS);
        let after = CLUSTERS.iter().zip(&lines).fold(before.clone(), |files, (cluster, at)| files.plus(cluster, line[*at]));
        let mut world = World::having(&before);
        let plan = world.plan(&after);
        for (at, step) in plan.steps.iter().enumerate().take(stop + 1) {
            if at < stop || recorded {
                world.call(step);
            } else {
                world.intend(step);
            }
            if at < stop {
                world.record(step);
            }
        }
        let back = world.run(&before);
        prop_assert!(back.steps.iter().all(|step| !step.reasons.iter().any(|reason| reason.contains("drift"))), "{:?}", back);
        let whole = World::having(&before);
        prop_assert_eq!(&world.pipelines, &whole.pipelines);
        prop_assert!(!world.plan(&before).writes());
    }
}
