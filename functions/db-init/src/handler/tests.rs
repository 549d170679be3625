//! Run twice, stopped half-way, over a newer table, over items that name what there is not.

use std::collections::BTreeMap;

use common::{
    domain::{
        audit::{Draft, Phase},
        stage::{Dossier, Item},
        wip::ItemType,
    },
    ports::{Clock, ItemChange, ItemCommitted},
    testing::{GovernanceFiles, When, World, id},
};

use super::*;

fn governance() -> Governance {
    Governance::parse(&GovernanceFiles::default().bytes()).unwrap()
}

async fn put(world: &World, name: &str, pod: &str, pipeline: &str, position: Position) {
    let now = world.now();
    let item = Item {
        id: id(name),
        title: name.into(),
        item_type: ItemType::Project,
        pod: id(pod),
        owner: id("cy"),
        pipeline: id(pipeline),
        position,
        since: now,
        updated_at: now,
        blocked_since: None,
        suggested: None,
        deployments: BTreeMap::new(),
        archived: None,
        head: None,
        link: None,
        version: 1,
    };
    let entry = Draft {
        subject: format!("item:{name}"),
        at: now,
        actor: "stage-gate".into(),
        action: "item.create".into(),
        phase: Phase::Decision,
        correlation_id: id("c"),
        facts: BTreeMap::new(),
        reasons: vec![],
    };
    let change = ItemChange {
        item: id(name),
        dossier: Some((0, Dossier::new(item))),
        answered: None,
        writes: BTreeMap::new(),
        events: vec![],
        entry,
    };
    assert_eq!(world.commit_item(&change, now).await.unwrap(), ItemCommitted::Done);
}

#[tokio::test]
async fn run_twice_it_changes_nothing() {
    let world = World::new();
    let first = prepare(&world, &governance()).await.unwrap();
    assert_eq!((first.schema_version, first.changed, first.items), (VERSION, true, 0));
    world.heal();
    let second = prepare(&world, &governance()).await.unwrap();
    assert_eq!(second, Prepared { changed: false, ..first });
    assert!(world.calls().iter().all(|call| !call.write), "{:?}", world.calls());
}

#[tokio::test]
async fn a_run_that_failed_half_way_is_resumed_whichever_call_failed() {
    for when in [When::Before, When::After] {
        for number in 0..2 {
            let world = World::new();
            world.fail_call(number, when);
            let fault = prepare(&world, &governance()).await.unwrap_err();
            assert!(fault.is_retry(), "a failure is an error of the run: {fault}");
            world.heal();
            assert_eq!(prepare(&world, &governance()).await.unwrap().schema_version, VERSION);
            assert_eq!(world.schema_version().await.unwrap(), Some(VERSION));
        }
    }
}

#[tokio::test]
async fn a_table_of_another_version_is_refused() {
    let world = World::new();
    assert!(world.record_schema_version(None, VERSION + 1).await.unwrap());
    let fault = prepare(&world, &governance()).await.unwrap_err();
    assert_eq!(
        fault.to_string(),
        "the table's rows have version 2, this code knows 1: deploy the code that knows both"
    );
    // Two at once: one prepares, the other says so and comes again.
    let world = World::new();
    let other = world.clone();
    world.before_call(1, move |_| {
        let racing = other.clone();
        let done = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(racing.record_schema_version(None, VERSION)).unwrap()
        });
        assert!(done.join().unwrap());
    });
    assert!(prepare(&world, &governance()).await.unwrap_err().is_retry());
    assert!(!prepare(&world, &governance()).await.unwrap().changed);
}

#[tokio::test]
async fn what_the_files_do_not_have_is_named_and_what_cannot_be_read_fails() {
    let world = World::new();
    let active = |stage: &str| Position::Active { stage: id(stage) };
    put(&world, "fine", "ratio", "short", active("seed")).await;
    put(&world, "p-1", "gone", "short", active("seed")).await;
    put(&world, "p-2", "ratio", "gone", active("seed")).await;
    put(&world, "p-3", "ratio", "short", active("gone")).await;
    put(&world, "p-4", "ratio", "gone", Position::Killed { from: id("seed") }).await;
    let prepared = prepare(&world, &governance()).await.unwrap();
    assert_eq!((prepared.items, prepared.strays_total), (5, 3));
    insta::assert_snapshot!(prepared.strays.join("\n"), @"
    item p-1: the governance files do not have the pod gone
    item p-2: the governance files do not have the pipeline gone
    item p-3: the governance files do not have the stage gone of the pipeline short
    ");
    world.garble_item(&id("fine"));
    assert!(!prepare(&world, &governance()).await.unwrap_err().is_retry());
}
