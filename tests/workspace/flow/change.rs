//! Pull requests: a plan in words, and nothing written.

use common::{
    domain::cluster::RunMode,
    event::{Event, Outcome, ProvisioningFinished},
    ports::CheckConclusion,
    testing::ClusterFile,
};
use tests::journey::Journey;

use super::fleet;

async fn open(journey: &Journey, changes: &[(&str, Option<&str>)]) -> ProvisioningFinished {
    let event = journey.world.open_change(7, "main", None, changes);
    journey.wake(&event).await.unwrap()
}

#[tokio::test]
async fn a_pull_request_is_told_what_it_would_do_and_nothing_is_written() {
    let journey = Journey::default();
    journey.push(&fleet()).await.unwrap();
    let before = (journey.world.pipelines(), journey.world.cluster_records(), journey.world.stored_specs());
    journey.world.heal();
    let new = ClusterFile::management("production", "eu-west-1", "mc09").set("region", "eu-west-1");
    let changed = ClusterFile::management("integration", "us-east-1", "mc01").variable("cost_center", "\"123\"");
    let bad = ClusterFile::management("integration", "us-east-1", "mc02").set("account_id", "12");
    let gone = ClusterFile::management("integration", "us-east-1-b", "mc01");
    let (new_text, changed_text, bad_text) = (new.text(), changed.text(), bad.text());
    let run = open(
        &journey,
        &[
            (&new.path, Some(new_text.as_str())),
            (&changed.path, Some(changed_text.as_str())),
            (&bad.path, Some(bad_text.as_str())),
            (&gone.path, None),
        ],
    )
    .await;
    assert_eq!(run.run.mode, RunMode::DryRun { number: 7 });
    let counts = (run.counts.created, run.counts.updated, run.counts.invalid, run.counts.orphaned, run.results.len());
    assert_eq!(counts, (1, 1, 1, 1, 4), "only what the change touches: {:?}", run.results);
    let after = (journey.world.pipelines(), journey.world.cluster_records(), journey.world.stored_specs());
    assert_eq!(before, after);
    let writes: Vec<_> = journey.world.calls().into_iter().filter(|call| call.write).map(|call| call.name).collect();
    assert!(
        !writes
            .iter()
            .any(|name| name.starts_with("CodePipeline") || name.contains("record") || name.contains("generation")),
        "{writes:?}"
    );

    let check = journey.world.checks().pop().unwrap();
    assert_eq!((check.name.as_str(), check.conclusion), ("penstock/clusters plan", CheckConclusion::Failure));
    assert_eq!(check.commit, run.run.head);
    for words in ["Would create", "Would update", "cost\\_center", "`000` → `123`", "Would orphan", "mc09", "Invalid"]
    {
        let found = check.summary.contains(words) || check.summary.contains(&words.replace('\\', ""));
        assert!(found, "{words} is missing in {}", check.summary);
    }
    assert_eq!(check.annotations.len(), 1);
}

#[tokio::test]
async fn a_branch_behind_its_base_shows_no_false_orphan() {
    let journey = Journey::default();
    journey.push(&fleet()[..3]).await.unwrap();
    let old = match journey.world.push("main", &[]).event {
        Event::BranchPushed(push) => push.after,
        other => panic!("{other:?}"),
    };
    journey.push(&fleet()[3..]).await.unwrap();
    let new = ClusterFile::management("integration", "us-east-1", "mc09");
    let text = new.text();
    let event = journey.world.open_change(8, "main", Some(&old), &[(&new.path, Some(text.as_str()))]);
    let run = journey.wake(&event).await.unwrap();
    assert_eq!((run.counts.created, run.results.len()), (1, 1), "{:?}", run.results);
}

#[tokio::test]
async fn a_change_that_breaks_a_neighbour_says_so() {
    let journey = Journey::default();
    journey.push(&fleet()).await.unwrap();
    let regional = ClusterFile::regional("integration", "us-east-1").set("account_id", "\"222222222222\"");
    let text = regional.text();
    let run = open(&journey, &[(&regional.path, Some(text.as_str()))]).await;
    let invalid = run.results.iter().filter(|result| result.outcome == Outcome::Invalid).count();
    assert_eq!(invalid, 2, "both management clusters name the old account: {:?}", run.results);
    assert_eq!(run.findings.len(), 2);
}

#[tokio::test]
async fn a_warning_is_in_the_title_in_the_words_and_at_its_line() {
    let journey = Journey::default();
    journey.push(&fleet()).await.unwrap();
    let alone = ClusterFile::management("integration", "us-west-2", "mc01");
    let text = alone.text();
    let run = open(&journey, &[(&alone.path, Some(text.as_str()))]).await;
    assert_eq!((run.counts.created, run.findings.len()), (1, 1), "{:?}", run.findings);
    let check = journey.world.checks().pop().unwrap();
    assert_eq!((check.conclusion, check.title.as_str()), (CheckConclusion::Success, "1 to create; also 1 warning"));
    let words = check.summary.replace(['\\', '\u{200b}'], "");
    assert!(words.contains("warning: found a management cluster alone in its region alias"), "{words}");
    assert_eq!((check.annotations[0].path.as_str(), check.annotations[0].failure), (alone.path.as_str(), false));
}

#[tokio::test]
async fn what_needs_no_plan_gets_none() {
    let journey = Journey::default();
    journey.push(&fleet()).await.unwrap();
    let (checks, statuses) = (journey.world.checks(), journey.world.statuses());
    let docs = journey.world.open_change(1, "main", None, &[("README.md", Some("x"))]);
    let run = journey.wake(&docs).await.unwrap();
    assert!(run.untouched && run.results.is_empty(), "{run:?}");
    let file = ClusterFile::regional("integration", "eu-central-1");
    let text = file.text();
    let closed = journey.world.open_change(2, "main", None, &[(&file.path, Some(text.as_str()))]);
    journey.world.close_change(2);
    assert!(journey.wake(&closed).await.is_err(), "no run");
    assert_eq!((journey.world.checks(), journey.world.statuses()), (checks, statuses));
}

/// The event's head may be old: the host is asked.
#[tokio::test]
async fn an_old_event_plans_the_present_head() {
    let journey = Journey::default();
    journey.push(&fleet()).await.unwrap();
    let file = ClusterFile::regional("integration", "eu-central-1");
    let text = file.text();
    let first = journey.world.open_change(7, "main", None, &[("deploy/notes", Some("x"))]);
    let second = journey.world.open_change(7, "main", None, &[(&file.path, Some(text.as_str()))]);
    let run = journey.wake(&first).await.unwrap();
    let Event::ChangeOpened(change) = second.event else { panic!("an opened change") };
    assert_eq!((run.run.head, run.counts.created), (change.head, 1));
}

fn planned(journey: &Journey, number: u64) -> usize {
    let head = journey.world.change(number).unwrap().head;
    journey.world.checks().iter().filter(|check| check.commit == head && check.name == "penstock/clusters plan").count()
}

/// Nothing depends on an event arriving: neither on the one that asks for a plan, nor on the one that brings it.
#[tokio::test]
async fn the_schedule_plans_what_no_plan_was_said_about_and_nothing_twice() {
    let journey = Journey::default();
    journey.push(&fleet()).await.unwrap();
    let text = |alias: &str| ClusterFile::regional("integration", alias).text();
    let path = |alias: &str| ClusterFile::regional("integration", alias).path;
    for number in [7, 8] {
        journey.world.open_change(number, "main", None, &[(&path("eu-central-1"), Some(&text("eu-central-1")))]);
    }
    journey.world.open_change(9, "main", None, &[("README.md", Some("x"))]);
    journey.sweep().await.unwrap();
    assert_eq!([7, 8, 9].map(|number| planned(&journey, number)), [1, 1, 0]);

    let plans = |journey: &Journey| journey.world.calls().iter().filter(|call| call.name == "Forge.merge_base").count();
    journey.world.heal();
    journey.sweep().await.unwrap();
    assert_eq!(plans(&journey), 0, "also of the one that touches nothing");

    let moved = journey.world.open_change(7, "main", None, &[(&path("eu-west-2"), Some(&text("eu-west-2")))]);
    journey.provisioner.event(&moved, journey.deadline()).await.unwrap();
    journey.world.drain();
    assert_eq!(planned(&journey, 7), 0, "what it came to was lost");
    journey.world.fail("Forge.merge_base", "", "502", true, 1);
    journey.sweep().await.unwrap_err();
    journey.world.heal();
    journey.sweep().await.unwrap();
    assert_eq!((planned(&journey, 7), plans(&journey)), (1, 1));
}

/// The host finds no commit in common, and never will: that is said to whoever opened it, once, and the schedule goes on.
#[tokio::test]
async fn a_pull_request_that_cannot_be_compared_is_told_once_and_holds_nothing_up() {
    let journey = Journey::default();
    journey.push(&fleet()).await.unwrap();
    let file = ClusterFile::regional("integration", "eu-central-1");
    let orphan = journey.world.open_change(7, "main", None, &[("README.md", Some("x"))]);
    journey.world.open_change(8, "main", None, &[(&file.path, Some(&file.text()))]);
    let Event::ChangeOpened(orphan) = orphan.event else { panic!("opened: {orphan:?}") };
    for round in 0..2 {
        journey.world.fail("Forge.merge_base", orphan.head.as_str(), "404", false, usize::from(round == 0));
        journey.sweep().await.unwrap();
        assert_eq!([7, 8].map(|number| planned(&journey, number)), [1, 1], "round {round}");
        journey.world.heal();
    }
    let said = journey.world.checks().into_iter().find(|check| check.commit == orphan.head).unwrap();
    insta::assert_snapshot!(said.title, @"Not planned: it has no common ancestor with its base that could be found: rebase it");
}
