//! What people without a right to the protected branch can do: forks, pull requests of any size, old events in any order.

use common::{
    domain::id::RepositoryId,
    event::{Envelope, Event, Outcome, Repository},
    fault::Fault,
    ports::CheckConclusion,
    testing::{ClusterFile, id, repository},
};
use pipeline_provisioner::dry_run::MAX_TOUCHED;
use tests::journey::Journey;

use super::fleet;

/// A push as the host would report it, with one thing that is not so.
fn pushed(journey: &Journey, change: impl FnOnce(&mut common::event::BranchPushed)) -> Envelope {
    let mut event = journey.world.push("elsewhere", &[("deploy/README.md", Some("x"))]);
    let Event::BranchPushed(push) = &mut event.event else { panic!("a push") };
    push.branch = id("main");
    change(push);
    event
}

/// Threat 31. A fork has a branch of the protected branch's name; its commits are in the same object store, and can be read by their id.
#[tokio::test]
async fn a_fork_s_branch_of_the_same_name_changes_nothing() {
    let journey = Journey::default();
    journey.push(&fleet()[..1]).await.unwrap();
    let before = journey.world.pipelines();
    let mut files = journey.world.files("main");
    let evil = ClusterFile::management("integration", "us-east-1", "evil");
    files.insert(evil.path.clone(), evil.text().into_bytes());
    let theirs = journey.world.commit(None, files);

    // The fork's own push: another repository, whatever its branch and its name are.
    journey.world.heal();
    let fork = Repository { id: RepositoryId::GitHub(43), ..repository() };
    let event = pushed(&journey, |push| (push.repository, push.after) = (fork, theirs.clone()));
    assert!(journey.wake(&event).await.is_err(), "no run");
    assert_eq!(journey.world.calls().iter().filter(|call| call.write).count(), 0);

    // A push of ours that names the fork's commit: the branch is asked, not the event.
    let event = pushed(&journey, |push| push.after = theirs.clone());
    let run = journey.wake(&event).await.unwrap();
    assert_ne!(run.run.head, theirs);
    assert_eq!((run.counts.unchanged, run.results.len()), (1, 1), "{:?}", run.results);
    assert_eq!(journey.world.pipelines(), before);

    // A pull request from the fork is planned, and a plan writes nothing.
    let text = evil.text();
    let event = journey.world.open_change(9, "main", None, &[(&evil.path, Some(text.as_str()))]);
    let run = journey.wake(&event).await.unwrap();
    assert_eq!(run.results[0].outcome, Outcome::Created, "it would be");
    assert_eq!(journey.world.pipelines(), before);
}

/// Threat 13. Six events in each of their 720 orders come to one end: the host's state decides, never the order of arrival.
#[tokio::test]
async fn six_events_in_any_order_come_to_the_same_end() {
    let mut ends = Vec::new();
    for order in permutations(6) {
        let journey = Journey::default();
        let regional = ClusterFile::regional("integration", "us-east-1");
        let changed = regional.clone().variable("cost_center", "\"123\"");
        let bad = regional.clone().set("account_id", "12");
        let management = ClusterFile::management("integration", "us-east-1", "mc01");
        let push = |file: &ClusterFile| journey.world.push("main", &[(&file.path, Some(file.text().as_str()))]);
        let mut events = vec![push(&regional), push(&bad), push(&management), push(&changed)];
        let text = management.clone().set("delet", "true").text();
        let opened = journey.world.open_change(7, "main", None, &[(&management.path, Some(text.as_str()))]);
        let mut updated = opened.clone();
        updated.meta.event_id = id("updated-7");
        if let Event::ChangeOpened(change) = opened.event.clone() {
            updated.event = Event::ChangeUpdated(change);
        }
        events.extend([opened, updated]);
        for at in order {
            journey.wake(&events[at]).await.unwrap();
        }
        journey.verify_audit().await.unwrap();
        let definitions: Vec<_> = journey.world.pipelines().into_values().map(|found| found.definition).collect();
        let records: Vec<_> = journey.world.cluster_records().into_iter().map(|record| record.values).collect();
        ends.push((definitions, records, journey.world.statuses().pop().unwrap().state));
    }
    assert_eq!((ends.len(), ends[0].0.len()), (720, 2));
    assert!(ends.iter().all(|end| *end == ends[0]));
}

fn permutations(count: usize) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for item in 0..count {
        let insert = |order: &Vec<usize>| {
            let order = order.clone();
            (0..=order.len()).map(move |at| {
                let mut longer = order.clone();
                longer.insert(at, item);
                longer
            })
        };
        all = all.iter().flat_map(insert).collect();
    }
    all
}

/// Each file costs a request of an hourly budget that all repositories share, and anybody may open a pull request.
#[tokio::test]
async fn a_pull_request_of_any_size_costs_little_and_is_told_why_it_has_no_plan() {
    let journey = Journey::default();
    journey.push(&fleet()[..1]).await.unwrap();
    journey.world.heal();
    let files: Vec<ClusterFile> = (0..=MAX_TOUCHED)
        .map(|number| ClusterFile::management("integration", "us-east-1", &format!("mc{number}")))
        .collect();
    let texts: Vec<(String, String)> = files.iter().map(|file| (file.path.clone(), file.text())).collect();
    let changes: Vec<(&str, Option<&str>)> =
        texts.iter().map(|(path, text)| (path.as_str(), Some(text.as_str()))).collect();
    let run = journey.wake(&journey.world.open_change(7, "main", None, &changes)).await.unwrap();
    assert!(!run.complete && run.results.is_empty());
    assert!(journey.world.calls().iter().all(|call| call.name != "Forge.blob"), "no file was read");
    let check = journey.world.checks().pop().unwrap();
    assert_eq!(check.conclusion, CheckConclusion::Neutral);
    insta::assert_snapshot!(check.title, @"Not planned: it touches 501 files below deploy/, and a plan reads at most 500: split it, or run `penstock plan`");
    assert!(!check.summary.contains("would change"), "{}", check.summary);

    let fewer = journey.world.open_change(8, "main", None, &changes[..3]);
    assert_eq!(journey.wake(&fewer).await.unwrap().counts.created, 3);
}

/// A listing that the host truncates is never whole. On a pull request its author is told; on the branch a person must look.
#[tokio::test]
async fn a_tree_that_cannot_be_listed_is_told_to_whom_it_concerns() {
    let journey = Journey::default();
    journey.push(&fleet()[..1]).await.unwrap();
    let before = journey.world.pipelines();
    journey.world.truncate_trees(1);
    let more = journey.world.open_change(7, "main", None, &[("deploy/a", Some("a")), ("deploy/b", Some("b"))]);
    let run = journey.wake(&more).await.unwrap();
    assert_eq!(run.stopped.as_deref(), Some("the listing of deploy/ is truncated"));
    assert_eq!(journey.world.checks().pop().unwrap().conclusion, CheckConclusion::Neutral);

    let fault = journey.push_raw(&[("deploy/c", Some("c"))]).await.unwrap_err();
    assert!(matches!(fault, Fault::Bug { .. }), "it stays in the queue until somebody looks: {fault:?}");
    assert_eq!(journey.world.pipelines(), before, "what cannot be listed is not gone");
}
