//! Blockers: each once, resolved once, put off with an end, and none grows without one.

use super::*;
use crate::domain::{
    rhythm::Cause,
    stage::{Dossier, NewBlocker, NotBlocked},
};

fn new(name: &str) -> NewBlocker {
    NewBlocker { id: id(name), text: "the vendor does not answer".to_owned(), cause: Cause::Outside(id("vendor")) }
}

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

fn dossier() -> Dossier {
    Dossier::new(Case::good().item)
}

#[test]
fn an_item_is_blocked_since_its_oldest_open_blocker() {
    let one = dossier().blocked(&new("one"), now()).unwrap();
    let two = one.blocked(&new("two"), now() + hours(1)).unwrap();
    assert_eq!((two.item.blocked_since, two.item.version), (Some(now()), dossier().item.version + 2));
    assert_eq!(two.blocked(&new("two"), now() + hours(2)), Err(NotBlocked::Same));
    let another = NewBlocker { text: "something else".to_owned(), ..new("two") };
    assert!(matches!(two.blocked(&another, now()), Err(NotBlocked::Another { .. })));
    let left = two.unblocked(&id("one"), now() + hours(3)).unwrap();
    assert_eq!((left.item.blocked_since, left.open_blockers().count()), (Some(now() + hours(1)), 1));
    assert_eq!(left.unblocked(&id("one"), now() + hours(4)), Err(NotBlocked::Same));
    assert!(matches!(left.unblocked(&id("three"), now()), Err(NotBlocked::None { .. })));
    let free = left.unblocked(&id("two"), now() + hours(5)).unwrap();
    assert_eq!((free.item.blocked_since, free.item.updated_at), (None, now() + hours(5)));
    assert!(
        matches!(free.blocked(&new("two"), now()), Err(NotBlocked::Another { .. })),
        "it was resolved: a new one is new"
    );
}

#[test]
fn a_blocker_is_put_off_with_an_end() {
    let blocked = dossier().blocked(&new("one"), now()).unwrap();
    let snooze = |hours_from_now| blocked.snoozed(&id("one"), &id("ivy"), now() + hours(hours_from_now), now());
    let quiet = snooze(24).unwrap();
    assert_eq!(quiet.blockers[&id("one")].snooze.as_ref().map(|snooze| snooze.until), Some(now() + hours(24)));
    assert_eq!(quiet.snoozed(&id("one"), &id("ivy"), now() + hours(24), now()), Err(NotBlocked::Same));
    for wrong in [0, -1, 24 * 14 + 1] {
        assert_eq!(snooze(wrong), Err(NotBlocked::NoEnd), "{wrong} hours");
    }
    let resolved = blocked.unblocked(&id("one"), now()).unwrap();
    assert!(matches!(
        resolved.snoozed(&id("one"), &id("ivy"), now() + hours(24), now()),
        Err(NotBlocked::Resolved { .. })
    ));
}

#[test]
fn what_cannot_be_so_is_refused() {
    let itself = NewBlocker { cause: Cause::Item(dossier().item.id), ..new("one") };
    assert!(matches!(dossier().blocked(&itself, now()), Err(NotBlocked::Itself(_))));
    let mut ended = dossier();
    ended.item = ended.item.moved(&Destination::Killed, now());
    assert!(matches!(ended.blocked(&new("one"), now()), Err(NotBlocked::Ended(_))));
}

#[test]
fn there_is_an_end_to_what_an_item_remembers() {
    let mut full = dossier();
    for number in 0..20 {
        full = full.blocked(&new(&format!("b-{number}")), now()).unwrap();
    }
    assert!(matches!(full.blocked(&new("more"), now()), Err(NotBlocked::TooMany(_))));
    let mut busy = dossier();
    for number in 0..200 {
        let name = format!("b-{number}");
        let at = now() + SignedDuration::from_mins(number);
        busy = busy.blocked(&new(&name), at).unwrap().unblocked(&id(&name), at).unwrap();
    }
    assert_eq!(busy.blockers.len(), 60, "the oldest that are resolved go");
    let later = busy.blocked(&new("later"), now() + hours(24 * 15)).unwrap();
    assert_eq!(later.blockers.len(), 1, "what makes no pattern any more is forgotten");
}
