//! What a person reads.

use super::{super::explain::explain, *};

#[test]
fn who_waits_learns_where_why_behind_whom_and_how_long() {
    let mut table = Table::new(limits(&[("portfolio", 9), ("pod-stage:*:*", 2)]));
    for number in 0..6 {
        let Asked::Admitted { lease, .. } = table.ask(work(&format!("old-{number}"), "ratio", "scaffold")) else {
            panic!()
        };
        table.pass(120);
        table.release(&item(&format!("old-{number}")), lease.fence);
    }
    table.ask(work("a", "ratio", "scaffold"));
    table.pass(90);
    table.ask(work("b", "ratio", "scaffold"));
    table.ask(work("c", "ratio", "scaffold"));
    let Asked::Waits { rows, .. } = table.ask(work("d", "ratio", "scaffold")) else { panic!("it is full") };
    let waiting = explain(&item("d"), &rows, &table.limits, table.now).unwrap();
    assert_eq!((waiting.position, waiting.full.len()), (Some(2), 1));
    insta::assert_snapshot!(waiting.reasons.join("\n"), @"pod-stage:ratio:scaffold has 2 of 2 places taken: a (ada, 1 min), b (ada, 0 s); place 2 of 2 in its queue. A release frees a place, or 2026-01-05T09:22:00Z if its holder does not renew.");
    let estimate = waiting.estimate.unwrap();
    assert_eq!((estimate.p50_seconds, estimate.p85_seconds), (240, 240));
    insta::assert_snapshot!(estimate.basis, @"6 places in pod-stage:ratio:scaffold came free since 2026-01-05T09:02:00Z; the time between them, 2 times");
    assert_eq!(explain(&item("a"), &rows, &table.limits, table.now), None);
}

#[test]
fn a_head_that_is_passed_learns_so() {
    let mut table = Table::new(limits(&[("portfolio", 9), ("pod:*", 1), ("stage:*", 1)]));
    let Asked::Admitted { lease, .. } = table.ask(work("a", "ratio", "scaffold")) else { panic!() };
    table.ask(work("b", "nanda", "seed"));
    table.ask(work("head", "ratio", "seed"));
    table.release(&item("a"), lease.fence);
    let Asked::Waits { rows, .. } = table.ask(work("head", "ratio", "seed")) else { panic!("seed is full") };
    let waiting = explain(&item("head"), &rows, &table.limits, table.now).unwrap();
    insta::assert_snapshot!(waiting.reasons.join("\n"), @"
    pod:ratio has 0 of 1 places taken; place 1 of 1 in its queue.
    stage:seed has 1 of 1 places taken: b (ada, 0 s); place 1 of 1 in its queue. A release frees a place, or 2026-01-05T09:10:00Z if its holder does not renew.
    It is the first in line for pod:ratio, where there is room, but stage:seed keeps it; until then others may pass it there, and it stays the first.
    ");
}
