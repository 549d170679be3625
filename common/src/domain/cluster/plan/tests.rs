//! The cases of `clusters.md` §6 that a plan decides, and each rule on its own.

use proptest::prelude::*;

use super::*;
use crate::domain::cluster::{
    ExecutionStatus,
    fixture::{Files, MAIN, REPOSITORY, World, actions, key, outcome, step},
    names, tag,
};

const RC: &str = "integration/us-east-1/regional";
const MC1: &str = "integration/us-east-1/management/mc01";
const MC2: &str = "integration/us-east-1/management/mc02";

fn reason(plan: &Plan, cluster: &str) -> String {
    step(plan, cluster).reasons.join(" | ")
}

fn fields(plan: &Plan, cluster: &str) -> Vec<String> {
    step(plan, cluster).changes.iter().map(wording::change).collect()
}

#[test]
fn case_1_a_new_region_is_created_and_then_unchanged() {
    let files = Files::of(&[RC]);
    let mut world = World::default();
    let plan = world.run(&files);
    assert_eq!(actions(&plan), ["integration/us-east-1/regional Create"]);
    assert_eq!(plan.counts().created, 1);
    let again = world.plan(&files);
    assert_eq!(actions(&again), ["integration/us-east-1/regional Unchanged"]);
    assert!(!again.writes() && !again.steps[0].record_stale && !again.steps[0].publish_spec);
}

#[test]
fn case_2_the_same_alias_in_two_environments_is_two_pipelines() {
    let files = Files::of(&["integration/eu-west-1/regional", "staging/eu-west-1/regional"]);
    let mut world = World::default();
    assert_eq!(world.run(&files).counts().created, 2);
    assert_eq!(world.pipelines.len(), 2);
}

#[test]
fn case_3_two_aliases_in_one_region_have_disjoint_files_in_their_triggers() {
    let files = Files::of(&["integration/us-east-1/regional", "integration/us-east-1-b/regional"]);
    let mut world = World::default();
    world.run(&files);
    let own: Vec<&String> =
        world.pipelines.values().map(|pipeline| &pipeline.definition.triggers[0].paths[0]).collect();
    assert_eq!(own.len(), 2);
    assert_ne!(own[0], own[1]);
}

#[test]
fn case_4_a_changed_value_updates_that_pipeline_alone_and_says_which_field() {
    let files = Files::of(&[RC, MC1, MC2]);
    let mut world = World::having(&files);
    let changed = files.clone().with(
        MC1,
        "account_id: \"210987654321\"\nregion: us-east-1\nalias: mc01\nregion_alias: us-east-1\nenvironment: integration\n\
         terraform_vars:\n  cost_center: \"123\"\n  regional_aws_account_id: \"123456789012\"\n",
    );
    let plan = world.run(&changed);
    assert_eq!(fields(&plan, MC1), ["terraform_vars.cost_center: \"000\" → \"123\""]);
    assert_eq!(world.writes.len(), 1);
    assert!(world.writes[0].starts_with("Update mc-integration-us-east-1-mc01-"), "{:?}", world.writes);
}

#[test]
fn a_comment_changes_no_pipeline_but_its_file_is_compiled_again() {
    let files = Files::of(&[RC]);
    let mut world = World::having(&files);
    let plan = world.run(&files.plus(RC, "# a comment"));
    assert_eq!(outcome(&plan, RC), Outcome::Unchanged);
    assert!(step(&plan, RC).publish_spec && step(&plan, RC).record_stale);
    assert_eq!((world.writes.len(), world.specs.len()), (0, 2));
}

#[test]
fn case_5_and_6_a_bad_file_leaves_its_pipeline_and_its_neighbours_alone() {
    let files = Files::of(&[RC, MC1, MC2]);
    let mut world = World::having(&files);
    let plan = world.run(&files.plus(MC1, "delet: true").without(MC2));
    assert_eq!(outcome(&plan, MC1), Outcome::Invalid);
    assert_eq!(outcome(&plan, RC), Outcome::Unchanged);
    assert!(reason(&plan, MC1).contains("did you mean delete?"), "{}", reason(&plan, MC1));
    assert!(world.writes.is_empty());
}

#[test]
fn case_8_teardown_goes_destroy_then_retire_and_nothing_else() {
    let files = Files::of(&[RC, MC1]);
    let mut world = World::having(&files);
    let name = names::pipeline(&key(MC1));

    let early = world.plan(&files.clone().plus(MC1, "delete_pipeline: true"));
    assert_eq!(outcome(&early, MC1), Outcome::Refused);
    assert!(reason(&early, MC1).contains("rule retire-after-destroy"), "{}", reason(&early, MC1));

    let deleting = files.clone().plus(MC1, "delete: true");
    let plan = world.run(&deleting);
    assert_eq!(step(&plan, MC1).action, Action::Destroy { update: true });
    assert!(world.pipelines[&name].definition.triggers.is_empty(), "a later push starts no ordinary run");
    let again = world.run(&deleting);
    assert_eq!(outcome(&again, MC1), Outcome::Unchanged, "one destroy run for a version of the file");

    let removing = deleting.clone().plus(MC1, "delete_pipeline: true");
    let running = world.plan(&removing);
    assert_eq!(outcome(&running, MC1), Outcome::Refused);
    assert!(reason(&running, MC1).contains("is under way"), "{}", reason(&running, MC1));

    world.finish(&name, "failed", ExecutionStatus::Failed, true);
    assert_eq!(outcome(&world.plan(&removing), MC1), Outcome::Refused);
    world.finish(&name, "applied later", ExecutionStatus::Succeeded, false);
    assert_eq!(outcome(&world.plan(&removing), MC1), Outcome::Refused);
    world.finish(&name, "destroyed by hand", ExecutionStatus::Succeeded, true);
    assert_eq!(outcome(&world.run(&removing), MC1), Outcome::Retired);
    assert!(!world.pipelines.contains_key(&name));

    let after = world.run(&removing);
    assert_eq!((outcome(&after, MC1), world.pipelines.len()), (Outcome::Unchanged, 1));
    assert!(!step(&after, MC1).record_stale && !step(&after, MC1).publish_spec);
    assert_eq!(actions(&world.run(&files.without(MC1))), ["integration/us-east-1/regional Unchanged"]);
}

#[test]
fn the_record_of_who_started_a_run_stands_for_a_variable_that_the_service_did_not_tell() {
    let files = Files::of(&[RC, MC1]);
    let mut world = World::having(&files);
    let deleting = files.clone().plus(MC1, "delete: true");
    world.run(&deleting);
    let name = names::pipeline(&key(MC1));
    let started = world.executions[&name].id.clone();
    let removing = deleting.plus(MC1, "delete_pipeline: true");
    for (id, expected) in [(started.as_str(), Outcome::Retired), ("another", Outcome::Refused)] {
        let execution = Execution { id: id.to_owned(), status: ExecutionStatus::Succeeded, destroy: None };
        world.executions.insert(name.clone(), execution);
        assert_eq!(outcome(&world.plan(&removing), MC1), expected, "{id}");
    }
}

#[test]
fn case_8_a_removed_file_is_an_orphan_and_nothing_is_deleted() {
    let files = Files::of(&[RC, MC1]);
    let mut world = World::having(&files);
    let plan = world.run(&files.without(MC1));
    assert_eq!(outcome(&plan, MC1), Outcome::Orphaned);
    assert!(world.writes.is_empty());
    assert_eq!(world.run(&Files::default()).counts().orphaned, 2, "an empty tree deletes nothing either");
    assert!(world.writes.is_empty());
}

#[test]
fn case_8_a_regional_cluster_outlives_its_management_clusters() {
    let files = Files::of(&[RC, MC1, MC2]);
    let mut world = World::having(&files);
    let regional_first = files.clone().plus(RC, "delete: true");
    let plan = world.plan(&regional_first);
    assert_eq!(outcome(&plan, RC), Outcome::Refused);
    assert!(reason(&plan, RC).contains("rule management-first"), "{}", reason(&plan, RC));

    let all = regional_first.plus(MC1, "delete: true").plus(MC2, "delete: true");
    let plan = world.run(&all);
    assert_eq!(plan.counts().destroying, 2);
    assert_eq!(outcome(&plan, RC), Outcome::Refused, "they are not destroyed yet");
    world.finish_destroy_runs();
    assert_eq!(
        outcome(&world.plan(&all.clone().without(MC1)), RC),
        Outcome::Destroying,
        "a destroyed orphan does not stand"
    );
    assert_eq!(outcome(&world.run(&all), RC), Outcome::Destroying);
}

#[test]
fn a_new_management_file_keeps_its_regional_cluster_too() {
    let files = Files::of(&[RC]);
    let world = World::having(&files);
    let plan = world.plan(&Files::of(&[RC, MC1]).plus(RC, "delete: true"));
    assert_eq!((outcome(&plan, RC), outcome(&plan, MC1)), (Outcome::Refused, Outcome::Created));
    let bad = Files::of(&[RC, MC1]).plus(RC, "delete: true").plus(MC1, "nonsense: 1");
    assert_eq!(outcome(&world.plan(&bad), RC), Outcome::Refused);
}

#[test]
fn delete_moves_nothing() {
    let files = Files::of(&[RC]);
    let world = World::having(&files);
    let moved = crate::domain::cluster::fixture::regional("integration", "us-east-1")
        .replace("us-east-1\nalias", "us-east-2\nalias");
    let plan = world.plan(&files.with(RC, &format!("{moved}delete: true\n")));
    assert_eq!(outcome(&plan, RC), Outcome::Refused);
    assert!(reason(&plan, RC).contains("region: \"us-east-1\" → \"us-east-2\""), "{}", reason(&plan, RC));
}

#[test]
fn delete_without_a_pipeline_is_refused() {
    let plan = World::default().plan(&Files::of(&[RC]).plus(RC, "delete: true"));
    assert_eq!(outcome(&plan, RC), Outcome::Refused);
}

fn fleet_of(size: usize) -> Files {
    (0..size).fold(Files::default(), |files, at| {
        let cluster = format!("integration/us-{at}/regional");
        let text = crate::domain::cluster::fixture::text(&key(&cluster));
        files.with(&cluster, &text)
    })
}

#[test]
fn a_run_removes_three_at_most_and_a_tenth_of_a_large_fleet() {
    for (size, removals, refused) in
        [(8, 3, false), (8, 4, true), (19, 3, false), (20, 2, false), (20, 3, true), (30, 3, false), (50, 4, true)]
    {
        let files = fleet_of(size);
        let mut world = World::having(&files);
        let fewer =
            (0..removals).fold(files, |files, at| files.plus(&format!("integration/us-{at}/regional"), "delete: true"));
        let counts = world.run(&fewer).counts();
        let expected = if refused { (0, removals as u32) } else { (removals as u32, 0) };
        assert_eq!((counts.destroying, counts.refused), expected, "{removals} of {size}");
        assert_eq!(world.writes.is_empty(), refused);
    }
}

#[test]
fn the_removal_rule_is_named() {
    let files = fleet_of(4);
    let world = World::having(&files);
    let fewer = (0..4).fold(files, |files, at| files.plus(&format!("integration/us-{at}/regional"), "delete: true"));
    let plan = world.plan(&fewer);
    assert!(plan.steps.iter().all(|step| step.reasons == [wording::too_many_removals(4)]), "{:?}", actions(&plan));
    assert_eq!(plan.refused, None, "a proposal has nothing to approve");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// What goes is few, or was approved; what was approved goes.
    #[test]
    fn removals_go_exactly_as_they_were_approved(
        asked in proptest::collection::btree_set(0..9_usize, 0..9), approved in proptest::collection::btree_set(0..9_usize, 0..9),
    ) {
        let files = fleet_of(9);
        let head: CommitSha = "a".repeat(40).parse().unwrap();
        let name = |at: &usize| key(&format!("integration/us-{at}/regional"));
        let clusters = approved.iter().map(|at| (name(at), Removal::Destroy)).collect();
        let all = Removals { repository: REPOSITORY, branch: MAIN.clone(), head: head.clone(), clusters };
        let world = World { head: Some(head), approved: vec![all], ..World::having(&files) };
        let files = asked.iter().fold(files, |files, at| files.plus(&name(at).to_string(), "delete: true"));
        let plan = world.plan(&files);
        let gone: BTreeSet<ClusterKey> = plan.steps.iter().filter(|step| step.action.removes()).map(|step| step.cluster.clone()).collect();
        let wanted: BTreeSet<ClusterKey> = asked.iter().map(name).collect();
        let admitted = asked.len() <= MAX_REMOVALS || asked.is_subset(&approved);
        prop_assert_eq!(&gone, if admitted { &wanted } else { const { &BTreeSet::new() } });
        prop_assert_eq!(plan.refused.is_some(), !admitted);
    }
}

/// As many removals as clusters, at a commit.
fn at(head: char, size: usize, clusters: usize) -> (Files, World) {
    let files = fleet_of(size);
    let world = World { head: Some(head.to_string().repeat(40).parse().unwrap()), ..World::having(&files) };
    let ask = |files: Files, at| files.plus(&format!("integration/us-{at}/regional"), "delete: true");
    ((0..clusters).fold(files, ask), world)
}

#[test]
fn removals_that_people_let_through_are_done_and_what_is_left_of_them_too() {
    let (files, mut world) = at('a', 8, 5);
    let refused = world.plan(&files).refused.unwrap();
    assert_eq!((refused.0.clusters.len(), refused.1), (5, wording::too_many_removals(5)));
    world.approved.push(refused.0);
    let plan = world.plan(&files);
    assert_eq!((plan.counts().destroying, plan.counts().refused, &plan.refused), (5, 0, &None));
    assert!(plan.steps.iter().filter(|step| step.action.removes()).all(|step| step.reasons.len() == 2), "{plan:?}");
    // The run stops behind the first: four are left, which are too many without the approval.
    let first = plan.steps.iter().find(|step| step.action.removes()).unwrap();
    world.call(first);
    world.record(first);
    assert_eq!(world.run(&files).counts().destroying, 4);
    assert!(!world.plan(&files).writes());
}

#[test]
fn another_commit_another_branch_and_another_set_are_refused_again() {
    let (files, world) = at('a', 9, 5);
    let (approved, _) = world.plan(&files).refused.unwrap();
    let refused = |world: &World, files: &Files| {
        let plan = world.plan(files);
        (plan.counts().destroying, plan.refused.map(|(removals, _)| removals))
    };
    let with = |approved: &Removals, head: char| World {
        head: Some(head.to_string().repeat(40).parse().unwrap()),
        approved: vec![approved.clone()],
        ..world.clone()
    };
    let (destroyed, other) = refused(&with(&approved, 'b'), &files);
    assert_eq!(destroyed, 0, "another commit");
    assert_ne!(other.unwrap().digest(), approved.digest());
    let more = files.clone().plus("integration/us-7/regional", "delete: true");
    let (destroyed, other) = refused(&with(&approved, 'a'), &more);
    assert_eq!((destroyed, other.map(|removals| removals.clusters.len())), (0, Some(6)), "one more than was approved");
    let elsewhere = Removals { branch: "other".parse().unwrap(), ..approved.clone() };
    assert_eq!(refused(&with(&elsewhere, 'a'), &files).0, 0, "another branch");
    let other = Removals { repository: crate::domain::id::RepositoryId::GitHub(1), ..approved.clone() };
    assert_eq!(refused(&with(&other, 'a'), &files).0, 0, "another repository");
    let mut retired = approved.clone();
    retired.clusters.values_mut().for_each(|removal| *removal = Removal::Retire);
    assert_eq!(refused(&with(&retired, 'a'), &files).0, 0, "removed in another way");
    assert_eq!(refused(&with(&approved, 'a'), &files).0, 5, "and the same again is let through");
}

#[test]
fn a_pipeline_that_is_not_ours_is_never_touched() {
    let files = Files::of(&[RC]);
    let made = World::having(&files);
    let name = names::pipeline(&key(RC));
    let spoil: [(&str, Option<&str>, &str); 4] = [
        (tag::MANAGED_BY, None, "was not made by Penstock"),
        (tag::MANAGED_BY, Some("somebody"), "was not made by Penstock"),
        (tag::REPOSITORY_ID, Some("43"), "belongs to repository 43"),
        (tag::REGION_ALIAS, Some("us-east-2"), "do not name integration/us-east-1/regional"),
    ];
    for (tag, value, words) in spoil {
        let mut world = made.clone();
        let tags = &mut world.pipelines.get_mut(&name).unwrap().tags;
        match value {
            Some(value) => drop(tags.insert(tag.to_owned(), value.to_owned())),
            None => drop(tags.remove(tag)),
        }
        for text in ["", "enable_bastion: true", "delete: true", "delete_pipeline: true"] {
            let plan = world.run(&files.clone().plus(RC, text));
            assert_eq!(outcome(&plan, RC), Outcome::Refused, "{tag} {text}");
            assert!(reason(&plan, RC).contains(words), "{}", reason(&plan, RC));
        }
        assert!(world.writes.is_empty());
        assert!(world.plan(&Files::default()).steps.iter().all(|step| !step.action.writes()));
    }
}

#[test]
fn drift_is_set_back_and_said() {
    const RC: &str = "staging/us-east-1/regional";
    let files = Files::of(&[RC]);
    let mut world = World::having(&files);
    let name = names::pipeline(&key(RC));
    world.pipelines.get_mut(&name).unwrap().definition.stages[2].actions.remove(0);
    let plan = world.run(&files);
    assert_eq!(outcome(&plan, RC), Outcome::Updated);
    assert!(reason(&plan, RC).starts_with("drift:"), "{}", reason(&plan, RC));
    assert!(
        fields(&plan, RC)
            .contains(&"stage Deploy actions: \"ApplyInfrastructure\" → \"Gate, ApplyInfrastructure\"".to_owned())
    );
    assert_eq!(outcome(&world.run(&files), RC), Outcome::Unchanged);
}

#[test]
fn a_run_that_stopped_between_call_and_record_is_made_whole() {
    let files = Files::of(&[RC]);
    let mut world = World::default();
    let plan = world.plan(&files);
    world.call(&plan.steps[0]);
    let again = world.run(&files);
    assert_eq!(outcome(&again, RC), Outcome::Unchanged);
    assert!(step(&again, RC).record_stale && step(&again, RC).publish_spec);
    let third = world.plan(&files);
    assert!(!third.steps[0].record_stale && !third.steps[0].publish_spec);
}

#[test]
fn regional_comes_first_and_goes_last() {
    let files = Files::of(&[MC2, RC, MC1, "integration/eu-west-1/regional"]);
    let mut world = World::default();
    assert_eq!(
        actions(&world.run(&files)),
        [
            "integration/eu-west-1/regional Create",
            "integration/us-east-1/regional Create",
            "integration/us-east-1/management/mc01 Create",
            "integration/us-east-1/management/mc02 Create",
        ]
    );
    let deleting = files.plus(MC1, "delete: true").plus(RC, "delete: true").without(MC2);
    world.finish(&names::pipeline(&key(MC1)), "by hand", ExecutionStatus::Succeeded, true);
    world.finish(&names::pipeline(&key(MC2)), "by hand", ExecutionStatus::Succeeded, true);
    assert_eq!(
        actions(&world.plan(&deleting)),
        [
            "integration/eu-west-1/regional Unchanged",
            "integration/us-east-1/management/mc02 Orphan",
            "integration/us-east-1/management/mc01 Destroy { update: true }",
            "integration/us-east-1/regional Destroy { update: true }",
        ]
    );
}

#[test]
fn other_branches_and_repositories_have_no_orphans_here() {
    let files = Files::of(&[RC]);
    let mut world = World::having(&files);
    let (name, pipeline) = world.pipelines.first_key_value().map(|(k, v)| (k.clone(), v.clone())).unwrap();
    let mut other = pipeline.clone();
    other.tags.insert(tag::REPOSITORY_ID.into(), "43".into());
    world.pipelines.insert(name.clone(), other);
    assert!(world.plan(&Files::default()).steps.is_empty());

    let mut production = pipeline.clone();
    let production_key = key("production/us-east-1/regional");
    production.definition.name = names::pipeline(&production_key);
    production.tags.insert(tag::ENVIRONMENT.into(), "production".into());
    world.pipelines = BTreeMap::from([(production.definition.name.clone(), production)]);
    assert!(world.plan(&Files::default()).steps.is_empty(), "production is another branch's");

    let mut copy = pipeline;
    copy.definition.name = "rc-copy".parse().unwrap();
    world.pipelines = BTreeMap::from([(copy.definition.name.clone(), copy)]);
    let plan = world.plan(&Files::default());
    assert!(plan.steps.is_empty());
    assert_eq!(plan.notes, [wording::copied(&"rc-copy".parse().unwrap(), &key(RC))]);
}

#[test]
fn executions_are_needed_only_for_removals() {
    let files = Files::of(&[RC, MC1, MC2]);
    let world = World::having(&files);
    let observed = world.listing();
    let needed = |files: &Files| executions_needed(&files.fleet(), &observed);
    assert!(needed(&files).is_empty());
    assert_eq!(needed(&files.clone().plus(MC1, "delete: true")), BTreeSet::from([names::pipeline(&key(MC1))]));
    assert_eq!(needed(&files.plus(RC, "delete: true")).len(), 3);
}

#[test]
fn a_cluster_that_moves_is_updated_with_a_warning_word() {
    let files = Files::of(&[RC]);
    let world = World::having(&files);
    let moved = crate::domain::cluster::fixture::regional("integration", "us-east-1")
        .replace("us-east-1\nalias", "us-east-2\nalias");
    let plan = world.plan(&files.with(RC, &moved));
    assert_eq!(outcome(&plan, RC), Outcome::Updated);
    assert!(reason(&plan, RC).contains("attention: the cluster moves"), "{}", reason(&plan, RC));
    assert_eq!(fields(&plan, RC), ["region: \"us-east-1\" → \"us-east-2\""]);
}

#[test]
fn the_same_order_after_it_was_taken_back_is_a_new_one() {
    let files = Files::of(&[RC]);
    let mut world = World::having(&files);
    let deleting = files.clone().plus(RC, "delete: true");
    let first = world.plan(&deleting);
    assert_eq!(world.plan(&deleting).steps, first.steps, "a lost reply asks again with the same token");
    world.run(&deleting);
    world.finish_destroy_runs();
    assert_eq!(step(&world.run(&deleting), RC).destroy_token, None);
    assert_eq!(outcome(&world.run(&files), RC), Outcome::Updated, "taken back: the trigger returns");
    let second = world.run(&deleting);
    assert_eq!(outcome(&second, RC), Outcome::Destroying);
    assert_ne!(step(&second, RC).destroy_token, step(&first, RC).destroy_token);
}
