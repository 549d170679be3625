//! One pipeline that cannot be read: its own cluster waits, what might depend on it is not removed, the others go on.

use super::*;
use crate::domain::cluster::{
    ExecutionStatus,
    fixture::{Files, World, actions, key, outcome, step},
    names,
};

const RC: &str = "integration/us-east-1/regional";
const MC1: &str = "integration/us-east-1/management/mc01";
const MC2: &str = "integration/us-east-1/management/mc02";

fn hide(world: &mut World, name: &PipelineName) {
    world.unreadable.insert(name.clone(), "GetPipeline failed: AccessDeniedException: \"no\"".into());
}

#[test]
fn its_cluster_is_refused_and_its_neighbours_go_on() {
    let mut world = World::default();
    hide(&mut world, &names::pipeline(&key(MC1)));
    let files = Files::of(&[RC, MC1, MC2]);
    let plan = world.run(&files);
    let others = [format!("{RC} Create"), format!("{MC1} Refuse"), format!("{MC2} Create")];
    assert_eq!(actions(&plan), others);
    insta::assert_snapshot!(step(&plan, MC1).reasons.join(" | "), @r#"rule ownership: a pipeline named mc-integration-us-east-1-mc01-df830023723c is there and cannot be read (GetPipeline failed: AccessDeniedException: "no"), so nobody knows whose it is; it is not touched. Let the provisioner's role read it, or rename it if it is not Penstock's"#);
    assert_eq!(plan.notes, [] as [String; 0], "it is said once");
    world.unreadable.clear();
    assert_eq!(actions(&world.run(&files))[1], format!("{MC1} Create"));
}

#[test]
fn one_that_was_ours_is_neither_made_again_nor_changed_nor_forgotten() {
    let files = Files::of(&[RC, MC1]);
    let mut world = World::having(&files);
    hide(&mut world, &names::pipeline(&key(MC1)));
    for line in ["# a comment", "delete: true", "delete_pipeline: true"] {
        let plan = world.run(&files.clone().plus(MC1, line));
        assert_eq!(outcome(&plan, MC1), Outcome::Refused, "{line}");
        assert!(!step(&plan, MC1).publish_spec, "{line}");
    }
    assert_eq!(world.writes, [] as [String; 0]);

    let gone = world.plan(&files.clone().without(MC1));
    assert_eq!(actions(&gone), [format!("{RC} Unchanged")]);
    assert!(gone.notes[0].contains("cannot be read"), "{:?}", gone.notes);
}

/// Without its tags nobody knows whether it is beside the regional cluster: its name says that it may be.
#[test]
fn a_regional_cluster_is_not_removed_beside_one() {
    let files = Files::of(&[RC]);
    let deleting = files.clone().plus(RC, "delete: true");
    let mut world = World::having(&files);
    hide(&mut world, &names::pipeline(&key(MC1)));
    let plan = world.plan(&deleting);
    assert_eq!(outcome(&plan, RC), Outcome::Refused);
    insta::assert_snapshot!(step(&plan, RC).reasons.join(" | "), @"rule management-first: integration/us-east-1/regional is not removed while pipeline mc-integration-us-east-1-mc01-df830023723c, which may be of a management cluster beside it, cannot be read");

    world.unreadable.clear();
    hide(&mut world, &names::pipeline(&key("integration/eu-west-1/management/mc01")));
    assert_eq!(outcome(&world.run(&deleting), RC), Outcome::Destroying);
    world.finish(&names::pipeline(&key(RC)), "destroyed", ExecutionStatus::Succeeded, true);
    hide(&mut world, &names::pipeline(&key(MC2)));
    let removing = deleting.plus(RC, "delete_pipeline: true");
    assert_eq!(outcome(&world.plan(&removing), RC), Outcome::Refused);
    world.unreadable.remove(&names::pipeline(&key(MC2)));
    assert_eq!(outcome(&world.run(&removing), RC), Outcome::Retired);
}

/// What cannot be read still counts as part of the fleet, so that hiding pipelines loosens no limit.
#[test]
fn the_fleet_is_no_smaller_for_it() {
    let clusters: Vec<String> = (0..LARGE_FLEET).map(|number| format!("integration/r-{number:02}/regional")).collect();
    let names: Vec<&str> = clusters.iter().map(String::as_str).collect();
    let files = Files::of(&names);
    let mut world = World::having(&files);
    hide(&mut world, &names::pipeline(&key(&clusters[19])));
    let removing = clusters[..3].iter().fold(files, |files, cluster| files.plus(cluster, "delete: true"));
    let plan = world.plan(&removing);
    assert!(
        step(&plan, &clusters[0]).reasons[0].contains("3 of 20 clusters"),
        "{:?}",
        step(&plan, &clusters[0]).reasons
    );
}
