//! The rhythm as people read it, over the in-memory chat: each post once, in its thread, and nobody named who has posted.

use std::collections::BTreeMap;

use common::{
    domain::rhythm::{
        Aged, Candidate, Cause, Entry, Kind, Pattern, PodWeek, Preparation, Report, Source, Unread, Urgency, Whole,
    },
    event::{Addressee, WeeklyDemoPreparation},
    testing::{When, World, envelope, id},
};
use jiff::{SignedDuration, civil::date};

use super::*;

mod reviews;

fn report(incomplete: bool) -> Report {
    let entry = Entry {
        kind: Kind::BlockedItem,
        subject: "item:p-1".into(),
        title: "Invoices <!channel>".into(),
        pod: Some(id("ratio")),
        since: "2026-01-05T18:00:00Z".parse().unwrap(),
        reason: "it waits for vendor-api, outside: they do not answer".into(),
        action: "ask vendor-api again, or find another way".into(),
        owner: Some(id("cy")),
    };
    let unread = Unread { source: Source::Limits, why: "the table did not answer".into() };
    Report {
        date: date(2026, 1, 6),
        entries: vec![Aged { entry, age_minutes: 24 * 60 }],
        counts: BTreeMap::from([(Kind::BlockedItem, 1)]),
        patterns: vec![Pattern { cause: Cause::Person(id("bob")), items: ["p-1", "p-2", "p-3"].map(id).into() }],
        incomplete: if incomplete { vec![unread] } else { vec![] },
        urgency: Urgency::Low,
    }
}

fn people() -> Vec<Addressee> {
    let one =
        |person: &str, slack: Option<&str>| Addressee { person: id(person), slack_id: slack.map(id), email: None };
    vec![one("ada", Some("U0000ADA")), one("bob", Some("U0000BOB")), one("cy", None)]
}

fn daily(kind: PostKind, incomplete: bool) -> Event {
    let people = if matches!(kind, PostKind::Slot(SlotKind::Thread)) { vec![] } else { people() };
    Event::DailyUnblockReport(DailyUnblockReport { kind, channel: id("unblock"), report: report(incomplete), people })
}

fn slot(kind: SlotKind) -> Event {
    daily(PostKind::Slot(kind), false)
}

async fn hear(world: &World, event: Event) -> Result<(), Fault> {
    let event = envelope(world.now(), "sweep-1", "rhythm:unblock", event);
    tell(Some(world), world, world, &event).await
}

const HEAD: &str = "unblock/2026-01-06/thread";

#[tokio::test]
async fn a_morning_in_the_channel() {
    let world = World::new();
    hear(&world, daily(PostKind::Slot(SlotKind::Thread), true)).await.unwrap();
    world.reply(HEAD, id("U0000BOB"));
    for event in [slot(SlotKind::Reminder), slot(SlotKind::Summary), daily(PostKind::Whole(Whole::Whole), false)] {
        hear(&world, event).await.unwrap();
    }
    insta::assert_snapshot!(world.chat_text(), @"
    ── #unblock
    Daily unblock 2026-01-06: 1 thing, urgency low, incomplete
    ⚠️ *Incomplete:* the limits on work in progress could not be read (the table did not answer). What stands still there is not below.
    Invoices &lt;!channel&gt; (ratio), for *1 working day*: it waits for vendor-api, outside: they do not answer
    → cy: ask vendor-api again, or find another way
    🔁 3 items wait for bob: p-1, p-2, p-3. Settle the cause once.
    ── #unblock (in the thread)
    <@U0000ADA>: what you completed, what blocks you, and one to three things that you commit to.
    ── #unblock (in the thread)
    Summary: 1 thing stands still.
    The oldest: Invoices &lt;!channel&gt;
    → cy: ask vendor-api again, or find another way
    Not heard from: <@U0000ADA>
    ── #unblock (in the thread)
    Everything can be read again. The whole report:
    Daily unblock 2026-01-06: 1 thing, urgency low
    Invoices &lt;!channel&gt; (ratio), for *1 working day*: it waits for vendor-api, outside: they do not answer
    → cy: ask vendor-api again, or find another way
    🔁 3 items wait for bob: p-1, p-2, p-3. Settle the cause once.
    ");
    assert!(world.chat().iter().all(|post| post.blocks.len() <= 50));
}

#[tokio::test]
async fn who_has_posted_is_not_reminded_and_when_all_have_nobody_is() {
    let world = World::new();
    hear(&world, slot(SlotKind::Thread)).await.unwrap();
    for person in ["U0000ADA", "U0000BOB"] {
        world.reply(HEAD, id(person));
    }
    hear(&world, slot(SlotKind::Reminder)).await.unwrap();
    assert_eq!(world.chat().len(), 1);
    // A token that may not read the thread names nobody, and says so.
    let blind: Vec<String> = words::reminder(&people(), None)
        .iter()
        .chain(&words::summary(&report(false), &people(), None))
        .map(|block| block.text().to_owned())
        .collect();
    insta::assert_snapshot!(blind.join("\n"), @"
    Whoever has not posted yet: what you completed, what blocks you, and one to three things that you commit to. (The token may not read this thread, so nobody is named.)
    Summary: 1 thing stands still.
    The oldest: Invoices &lt;!channel&gt;
    → cy: ask vendor-api again, or find another way
    Who has posted is not known: the token may not read this thread (scope channels:history).
    ");
}

#[tokio::test]
async fn demo_council_and_escalation() {
    let world = World::new();
    let candidate = |item: &str, stage: &str| Candidate {
        item: id(item),
        title: format!("Product <{item}>"),
        pod: id("ratio"),
        owner: id("cy"),
        stage: id(stage),
        since: world.now(),
    };
    let week = PodWeek { pod: id("ratio"), active: 3, moved: 1, finished: 0, blocked: 1 };
    let preparation = Preparation {
        week_ending: date(2026, 1, 9),
        candidates: vec![candidate("p-1", "ship"), candidate("p-2", "scale")],
        later: vec![id("p-9")],
        moved: vec![candidate("p-1", "ship")],
        pods: vec![week],
        incomplete: vec![],
    };
    for kind in [SlotKind::SignUp, SlotKind::Demo] {
        let kind = PostKind::Slot(kind);
        let told = WeeklyDemoPreparation { kind, channel: id("demos"), preparation: preparation.clone() };
        hear(&world, Event::WeeklyDemoPreparation(told)).await.unwrap();
    }
    hear(&world, slot(SlotKind::Council)).await.unwrap();
    let escalated = ItemEscalated {
        item: id("p-1"),
        title: "Invoices <!channel>".into(),
        pod: id("ratio"),
        owner: id("cy"),
        blocker: id("b-1"),
        text: "they do not answer\n<@U0000BOB>".into(),
        cause: Cause::Outside(id("vendor-api")),
        opened_at: world.now(),
        working_hours: 48,
        group: id("executive"),
        people: people(),
        channel: Some(id("incidents")),
    };
    hear(&world, Event::ItemEscalated(escalated)).await.unwrap();
    insta::assert_snapshot!(world.chat_text(), @"
    ── #demos
    Weekly demo, week ending 2026-01-09: sign up
    Seven demos of at most seven minutes, of software that runs. Say here what you show:
    1. Product &lt;p-1&gt; (ratio, ship): cy
    2. Product &lt;p-2&gt; (ratio, scale): cy
    Next week: p-9
    ── #demos
    Weekly demo, week ending 2026-01-09: programme
    1. Product &lt;p-1&gt; (ratio, ship): cy
    2. Product &lt;p-2&gt; (ratio, scale): cy
    Next week: p-9
    Moved this week: p-1 → ship
    ratio: 3 under way, 1 moved, 0 finished, 1 blocked
    ── #unblock
    Council 2026-01-06
    One decision, three paths, what would take it back.
    Daily unblock 2026-01-06: 1 thing, urgency low
    Invoices &lt;!channel&gt; (ratio), for *1 working day*: it waits for vendor-api, outside: they do not answer
    → cy: ask vendor-api again, or find another way
    🔁 3 items wait for bob: p-1, p-2, p-3. Settle the cause once.
    ── @U0000ADA
    *Invoices &lt;!channel&gt;* (p-1, ratio) has been blocked for 2 working days. It waits for vendor-api, outside: they do not answer &lt;@U0000BOB&gt;
    You are told as executive. Next: settle it with cy, or take it on until a moment that you name (blocker b-1).
    ── @U0000BOB
    *Invoices &lt;!channel&gt;* (p-1, ratio) has been blocked for 2 working days. It waits for vendor-api, outside: they do not answer &lt;@U0000BOB&gt;
    You are told as executive. Next: settle it with cy, or take it on until a moment that you name (blocker b-1).
    ── #incidents
    *Invoices &lt;!channel&gt;* (p-1, ratio) has been blocked for 2 working days. It waits for vendor-api, outside: they do not answer &lt;@U0000BOB&gt;
    You are told as executive. Next: settle it with cy, or take it on until a moment that you name (blocker b-1).
    ");
}

#[tokio::test]
async fn a_copy_posts_nothing_and_what_overtakes_its_thread_comes_again() {
    let world = World::new();
    assert!(hear(&world, slot(SlotKind::Reminder)).await.unwrap_err().is_retry());
    for _ in 0..3 {
        hear(&world, slot(SlotKind::Thread)).await.unwrap();
        hear(&world, slot(SlotKind::Reminder)).await.unwrap();
    }
    assert_eq!(world.chat().len(), 2);
    let event = envelope(world.now(), "sweep-1", "rhythm:unblock", slot(SlotKind::Thread));
    tell(None::<&World>, &world, &world, &event).await.unwrap();
    assert_eq!(world.chat().len(), 2, "without a token nothing is posted, and nothing fails");
}

/// Whichever call fails, before its effect or after it: the copy makes it good, and each post stands once.
#[tokio::test]
async fn a_lost_reply_is_no_second_post() {
    for when in [When::Before, When::After] {
        for number in 0..8 {
            let world = World::new();
            // The channel is known by an earlier day.
            let yesterday = Report { date: date(2026, 1, 5), ..report(false) };
            let kind = PostKind::Slot(SlotKind::Thread);
            let told = DailyUnblockReport { kind, channel: id("unblock"), report: yesterday, people: vec![] };
            hear(&world, Event::DailyUnblockReport(told)).await.unwrap();
            world.pass(SignedDuration::from_hours(24));
            world.fail_call(number, when);
            let mut failed = 0;
            for event in [slot(SlotKind::Thread), slot(SlotKind::Reminder)] {
                while let Err(fault) = hear(&world, event.clone()).await {
                    assert!(fault.is_retry(), "{fault}");
                    failed += 1;
                }
            }
            assert!(failed <= 1, "call {number}");
            assert_eq!(world.chat().len(), 3, "call {number}, {when:?}");
        }
    }
}
