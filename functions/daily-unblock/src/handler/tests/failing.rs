//! What cannot be read or written: said, counted, made good once, and never an empty list.

use common::domain::rhythm::Source;

use super::*;

fn drained(case: &Case) -> Vec<String> {
    let mut told: Vec<String> = case.world.drain().iter().map(|event| words(&event.event)).collect();
    // What one sweep tells has one moment, and so no order.
    told.sort();
    told
}

async fn heard(case: &Case) -> Vec<String> {
    case.sweep().await.unwrap();
    drained(case)
}

const TEN: &str = "2026-01-06T18:00:00Z";

/// The items cannot be read at ten: the report says so. When they can again, the whole report of the day is posted, once.
#[tokio::test]
async fn what_cannot_be_read_is_said_and_the_whole_report_follows_once() {
    let case = Case::new();
    let item = case.item("p-1", "ratio", "seed").await;
    case.block(&item, "b-1").await;
    case.go_to(TEN);
    case.world.fail("ItemRows.items", "", "timeout", true, 4);
    let told = heard(&case).await;
    assert_eq!(told, ["unblock thread: 0, incomplete"]);
    // The table still does not answer: nothing new is said, and the escalation waits.
    case.world.pass(SignedDuration::from_mins(5));
    assert_eq!(heard(&case).await, [""; 0]);
    case.world.pass(SignedDuration::from_mins(5));
    let told = heard(&case).await;
    assert_eq!(told, ["p-1 b-1: integrator (bob)", "unblock reminder: 1", "unblock whole: 1"]);
    for _ in 0..3 {
        case.world.pass(SignedDuration::from_mins(5));
        case.sweep().await.unwrap();
    }
    let told = drained(&case);
    assert_eq!(told, [""; 0]);
}

/// Nothing can be written at all: the message fails, so that it comes again, and then everything is told once.
#[tokio::test]
async fn a_table_that_takes_nothing_fails_the_message_and_the_next_one_makes_it_good() {
    let case = Case::new();
    let item = case.item("p-1", "ratio", "seed").await;
    case.block(&item, "b-1").await;
    case.go_to(TEN);
    case.world.fail("RhythmRows.commit", "", "timeout", true, 2);
    let fault = case.sweep().await.unwrap_err();
    assert!(fault.is_retry(), "{fault}");
    assert!(case.world.drain().is_empty());
    let told = heard(&case).await;
    assert_eq!(told, ["p-1 b-1: integrator (bob)", "unblock thread: 1"]);
    // The reply is lost, the work was done: the copy finds it.
    case.world.pass(SignedDuration::from_mins(10));
    let calls = 20;
    for number in 0..calls {
        case.world.fail_call(number, common::testing::When::After);
        let _ = case.sweep().await;
    }
    case.world.heal();
    case.sweep().await.unwrap();
    let told = drained(&case);
    assert_eq!(told, ["unblock reminder: 1"]);
}

/// Each source by itself: the others are read, and the report says which is missing.
#[tokio::test]
async fn each_source_that_fails_is_named_and_hides_nothing_of_the_others() {
    for (call, source) in [
        ("ItemRows.items", Source::Items),
        ("WipRows.scopes", Source::Limits),
        ("RunRows.holds", Source::Pipelines),
        ("ClusterLedger.records", Source::Pipelines),
        ("CertificateRecords.certificates", Source::Certificates),
        ("RhythmRows.done", Source::Maintenance),
        ("Forge.open_pull_requests", Source::Changes),
    ] {
        let case = Case::new();
        case.go_to("2026-01-13T18:00:00Z");
        case.world.fail(call, "", "AccessDenied", false, 2);
        let events = case.told().await;
        let Some(Event::DailyUnblockReport(told)) = events.first() else { panic!("{call}: {events:?}") };
        let missing: Vec<Source> = told.report.incomplete.iter().map(|unread| unread.source).collect();
        assert_eq!(missing, [source], "{call}");
        assert!(!told.report.is_all_clear() && told.report.text().contains("Incomplete"), "{call}");
        let overdue = told.report.counts.values().sum::<usize>();
        assert_eq!(
            overdue,
            usize::from(source != Source::Maintenance),
            "{call}: the overdue task is named all the same"
        );
    }
}

/// One item's row is broken: the others are named and escalated, and the report says that one is missing.
#[tokio::test]
async fn one_item_that_cannot_be_read_hides_none_of_the_others() {
    let case = Case::new();
    for name in ["p-1", "p-2", "p-3"] {
        let item = case.item(name, "ratio", "seed").await;
        case.block(&item, "b-1").await;
    }
    case.world.garble_item(&id("p-2"));
    case.go_to(TEN);
    let told = heard(&case).await;
    assert_eq!(told, ["p-1 b-1: integrator (bob)", "p-3 b-1: integrator (bob)", "unblock thread: 2, incomplete"]);
}

/// The posts of the day cannot be read: nothing is posted twice for that, and the message comes again.
#[tokio::test]
async fn without_knowing_what_was_posted_nothing_is() {
    let case = Case::new();
    case.go_to(TEN);
    case.world.fail("RhythmRows.posts", "", "timeout", true, 1);
    assert!(case.sweep().await.unwrap_err().is_retry());
    assert!(case.world.drain().is_empty());
    let told = heard(&case).await;
    assert_eq!(told, ["unblock thread: 0"]);
    assert_eq!(PostKind::Whole(Whole::Whole).as_str(), "whole");
}

#[tokio::test]
async fn a_pull_request_that_nobody_has_touched_for_five_working_days_is_named() {
    let case = Case::new();
    case.go_to("2026-01-05T18:00:00Z");
    case.world.push("main", &[("a", Some("1"))]);
    case.world.open_change(7, "main", None, &[("a", Some("2"))]);
    case.world.drain();
    case.go_to("2026-01-12T18:00:00Z");
    let events = case.told().await;
    let Some(Event::DailyUnblockReport(told)) = events.first() else { panic!("{events:?}") };
    let changes: Vec<_> = told.report.entries.iter().filter(|aged| aged.entry.subject == "change:42/7").collect();
    assert_eq!(changes.iter().map(|aged| aged.age().as_hours()).collect::<Vec<_>>(), [5 * 24]);
}
