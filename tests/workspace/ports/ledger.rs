//! The ledger of deliveries: notes that count in any order, deliveries that are listed as they were accepted, and nothing that gets in
//! intake's way.

use common::{
    domain::{
        id::{DeliveryId, EventId, FunctionName},
        ledger::{About, Happening, Note, Notes, State},
    },
    ports::{Intake, LedgerRows, Place, Recorded},
    testing::id,
};
use jiff::Timestamp;

use super::{Case, all, at, delivery, event, table, world};

trait Rows: LedgerRows + Intake + Clone + Send + Sync + 'static {}
impl<S: LedgerRows + Intake + Clone + Send + Sync + 'static> Rows for S {}

suite! {
    notes_count_and_the_latest_speaks_whenever_it_comes,
    a_hundred_notes_side_by_side_are_a_hundred,
    what_is_noted_of_one_is_no_other_s,
    a_delivery_is_read_with_its_notes_and_notes_take_no_delivery_s_place,
    accepted_deliveries_are_listed_by_time_page_by_page,
}

/// One row of each kind that holds notes.
pub(super) async fn make_rows(store: &impl LedgerRows) {
    let message = About::Message(id("message-1"), id("feedback"));
    for about in [of_event("e1", "feedback"), About::Delivery(id("guid")), message] {
        store.note(&about, &note(Happening::Failed, 0)).await.unwrap();
    }
}

fn of_event(name: &str, function: &str) -> About {
    About::Event(id(name), id(function))
}

fn note(what: Happening, second: i64) -> Note {
    Note::new(what, at(second))
}

async fn notes_count_and_the_latest_speaks_whenever_it_comes(Case { store, .. }: Case<impl Rows>) {
    let about = of_event("e1", "feedback");
    let story = [
        note(Happening::Failed, 1).because("GitHub did not answer"),
        note(Happening::Parked, 5).because("GitHub said \u{202e}503"),
        note(Happening::Redriven, 7),
        note(Happening::Processed, 9).by(Some(id("after-the-outage"))),
        note(Happening::Failed, 3).because("still not"),
        note(Happening::Processed, 8),
    ];
    let mut expected = Notes::default();
    // Backwards: the latest of each comes first, so that the others come late.
    for note in story.iter().rev() {
        store.note(&about, note).await.unwrap();
        expected.add(note.clone());
        assert_eq!(store.notes(&about).await.unwrap(), expected);
    }
    assert_eq!(expected.state(), State::Processed);
    let failed = expected.get(Happening::Failed).unwrap();
    assert_eq!((failed.count, failed.at, failed.reason.as_str()), (2, at(3), "still not"));
    let processed = expected.get(Happening::Processed).unwrap();
    assert_eq!((processed.count, processed.at, processed.replay.clone()), (2, at(9), Some(id("after-the-outage"))));
}

async fn a_hundred_notes_side_by_side_are_a_hundred(Case { store, .. }: Case<impl Rows>) {
    let about = About::Delivery(id("guid-1"));
    let write = |number: i64| {
        let (store, about) = (store.clone(), about.clone());
        async move { store.note(&about, &note(Happening::Copied, number % 10)).await.unwrap() }
    };
    all((0..100).map(write)).await;
    let copied = store.notes(&about).await.unwrap().get(Happening::Copied).cloned().unwrap();
    assert_eq!((copied.count, copied.at), (100, at(9)));
}

async fn what_is_noted_of_one_is_no_other_s(Case { store, .. }: Case<impl Rows>) {
    let about = [
        of_event("e1", "feedback"),
        of_event("e1", "wip-limit"),
        of_event("e2", "feedback"),
        About::Delivery(id("e1")),
    ];
    let message = About::Message(id("e1"), id("feedback"));
    for (second, about) in about.iter().chain([&message]).enumerate() {
        store.note(about, &note(Happening::Failed, second as i64)).await.unwrap();
    }
    for (second, about) in about.iter().chain([&message]).enumerate() {
        let notes = store.notes(about).await.unwrap();
        assert_eq!(notes.get(Happening::Failed).map(|noted| (noted.count, noted.at)), Some((1, at(second as i64))));
    }
    let functions: Vec<FunctionName> = store.event(&id::<EventId>("e1")).await.unwrap().into_keys().collect();
    assert_eq!(functions, [id("feedback"), id("wip-limit")]);
    assert_eq!(store.event(&id::<EventId>("e3")).await.unwrap().len(), 0);
    assert_eq!(store.notes(&of_event("e3", "feedback")).await.unwrap(), Notes::default());
}

async fn a_delivery_is_read_with_its_notes_and_notes_take_no_delivery_s_place(Case { store, .. }: Case<impl Rows>) {
    let guid: DeliveryId = id("guid-1");
    let about = About::Delivery(guid.clone());
    store.note(&about, &note(Happening::AskedAgain, 0)).await.unwrap();
    let before = store.delivery(&guid).await.unwrap();
    assert_eq!((before.accepted, before.notes.state()), (None, State::Waiting));
    let accepted = Intake::record(&store, &delivery("guid-1", "push", "body", 1), &event("a")).await.unwrap();
    assert_eq!(accepted, Recorded::Accepted, "a note is in no delivery's way");
    store.note(&about, &note(Happening::Copied, 2)).await.unwrap();
    let rows = store.delivery(&guid).await.unwrap();
    let accepted = rows.accepted.unwrap();
    assert_eq!((accepted.event_name.as_str(), accepted.received_at), ("push", at(1)));
    assert_eq!(accepted.event, event("a").meta.event_id);
    assert_eq!(
        rows.notes.in_order().iter().map(|one| one.what).collect::<Vec<_>>(),
        [Happening::AskedAgain, Happening::Copied]
    );
    assert_eq!(
        Intake::record(&store, &delivery("guid-1", "push", "body", 3), &event("a")).await.unwrap(),
        Recorded::DuplicateDelivery
    );
}

async fn accepted_deliveries_are_listed_by_time_page_by_page(Case { store, .. }: Case<impl Rows>) {
    // Over three days, two of a moment now and then, and copies that are no deliveries of their own.
    let moments: Vec<i64> = (0..40).map(|number| number / 2 * 9_000).collect();
    for (number, second) in moments.iter().enumerate() {
        for _ in 0..2 {
            let one = delivery(&format!("guid-{number:02}"), "push", &format!("body {number}"), *second);
            Intake::record(&store, &one, &event(&format!("e{number}"))).await.unwrap();
        }
    }
    let same_body = delivery("copy", "push", "body 7", 30_000);
    let recorded = Intake::record(&store, &same_body, &event("e7")).await.unwrap();
    assert_eq!(recorded, Recorded::DuplicateBody { first: id("guid-07") });
    let place = |number: usize| Place { at: at(moments[number]), delivery: id(&format!("guid-{number:02}")) };
    let list = async |since: Timestamp, until: Timestamp, most: usize| {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = store.accepted(since, until, after.as_ref(), most).await.unwrap();
            assert!(page.len() <= most);
            after = page.last().cloned();
            found.extend(page.clone());
            if page.len() < most {
                return found;
            }
        }
    };
    let everything: Vec<Place> = (0..40).map(place).collect();
    for most in [1, 3, 40, 100] {
        assert_eq!(list(at(0), at(400_000), most).await, everything, "{most} a page");
    }
    assert_eq!(list(at(9_000), at(18_000), 100).await, everything[2..4], "the end does not belong to it");
    assert_eq!(list(at(9_001), at(18_001), 100).await, everything[4..6], "the beginning does");
    assert_eq!(list(at(400_000), at(500_000), 100).await, []);
}
