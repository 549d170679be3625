//! Letters, over the in-memory mail service.

use std::collections::BTreeMap;

use common::{
    domain::rhythm::{Aged, Cause, Entry, Kind, Report, Source, Unread, Urgency, Whole},
    testing::{World, envelope, id},
};
use jiff::civil::date;

use super::*;

fn people() -> Vec<Addressee> {
    let one =
        |person: &str, email: Option<&str>| Addressee { person: id(person), slack_id: None, email: email.map(id) };
    vec![one("ada", Some("ada@example.org")), one("bob", None), one("cy", Some("cy@example.org"))]
}

fn report(kind: PostKind) -> Event {
    let entry = Entry {
        kind: Kind::BlockedItem,
        subject: "item:p-1".into(),
        title: "Invoices <!channel>\r\nBcc: all@example.org".into(),
        pod: Some(id("ratio")),
        since: "2026-01-05T18:00:00Z".parse().unwrap(),
        reason: "it waits for vendor-api, outside: &lt;soon&gt;".into(),
        action: "ask vendor-api again, or find another way".into(),
        owner: Some(id("cy")),
    };
    let report = Report {
        date: date(2026, 1, 6),
        entries: vec![Aged { entry, age_minutes: 24 * 60 }],
        counts: BTreeMap::from([(Kind::BlockedItem, 1)]),
        patterns: vec![],
        incomplete: vec![Unread { source: Source::Limits, why: "the table did not answer".into() }],
        urgency: Urgency::Low,
    };
    Event::DailyUnblockReport(DailyUnblockReport { kind, channel: id("unblock"), report, people: people() })
}

fn escalation() -> Event {
    Event::ItemEscalated(ItemEscalated {
        item: id("p-1"),
        title: "Invoices\nBcc: all@example.org".into(),
        pod: id("ratio"),
        owner: id("cy"),
        blocker: id("b-1"),
        text: "they do not answer".into(),
        cause: Cause::Outside(id("vendor-api")),
        opened_at: "2026-01-05T18:00:00Z".parse().unwrap(),
        working_hours: 24,
        group: id("integrator"),
        people: people(),
        channel: None,
    })
}

async fn hear(world: &World, event: Event) -> Result<(), Fault> {
    let event = envelope("2026-01-06T18:00:00Z".parse().unwrap(), "sweep-1", "rhythm:unblock", event);
    tell(Some(world), world, world, &event).await
}

const THREAD: PostKind = PostKind::Slot(SlotKind::Thread);

#[tokio::test]
async fn who_is_named_and_has_an_address_gets_one_letter() {
    let world = World::new();
    for _ in 0..2 {
        hear(&world, report(THREAD)).await.unwrap();
        hear(&world, escalation()).await.unwrap();
    }
    let letters = world.letters();
    let to: Vec<(&str, &str)> = letters.iter().map(|letter| (letter.to.as_str(), letter.subject.as_str())).collect();
    assert_eq!(
        to,
        [
            ("ada@example.org", "Daily unblock: unblock 2026-01-06"),
            ("cy@example.org", "Daily unblock: unblock 2026-01-06"),
            ("ada@example.org", "Blocked: p-1 (ratio); you are told as integrator"),
            ("cy@example.org", "Blocked: p-1 (ratio); you are told as integrator"),
        ]
    );
    insta::assert_snapshot!(format!("{}\n────\n{}", letters[0].text, letters[2].text), @"
    Daily unblock 2026-01-06: 1 thing, urgency low, incomplete

    ⚠️ *Incomplete:* the limits on work in progress could not be read (the table did not answer). What stands still there is not below.

    Invoices <!channel>  Bcc: all@example.org (ratio), for *1 working day*: it waits for vendor-api, outside: &lt;soon&gt;
    → cy: ask vendor-api again, or find another way
    ────
    *Invoices Bcc: all@example.org* (p-1, ratio) has been blocked for 1 working day. It waits for vendor-api, outside: they do not answer

    You are told as integrator. Next: settle it with cy, or take it on until a moment that you name (blocker b-1).
    ");
}

#[tokio::test]
async fn the_rest_of_the_day_is_talk_in_a_thread() {
    let world = World::new();
    for kind in [SlotKind::Reminder, SlotKind::Summary, SlotKind::Council] {
        hear(&world, report(PostKind::Slot(kind))).await.unwrap();
    }
    assert_eq!(world.letters(), []);
    hear(&world, report(PostKind::Whole(Whole::Whole))).await.unwrap();
    assert_eq!(world.letters()[0].subject, "Daily unblock, the whole report: unblock 2026-01-06");
    let event = envelope("2026-01-06T18:00:00Z".parse().unwrap(), "sweep-1", "rhythm:unblock", report(THREAD));
    tell(None::<&World>, &world, &world, &event).await.unwrap();
    assert_eq!(world.letters().len(), 2, "without a sender nothing is mailed, and nothing fails");
}

#[tokio::test]
async fn what_is_refused_is_told_of_once_and_what_fails_comes_again() {
    let world = World::new();
    world.refuse_mail_for("ada@example.org");
    world.fail("Mailer.send", "cy@", "TooManyRequestsException", true, 1);
    assert!(hear(&world, escalation()).await.unwrap_err().is_retry());
    assert_eq!(world.letters(), []);
    world.heal();
    hear(&world, escalation()).await.unwrap();
    let sent: Vec<&str> = world.calls().iter().filter(|call| call.name == "Mailer.send").map(|_| "sent").collect();
    assert_eq!((sent.len(), world.letters().len()), (1, 1), "who was refused is not tried again");
    assert_eq!(world.letters()[0].to.as_str(), "cy@example.org");
}
