//! Pull requests that wait, over the in-memory host: what their authors see, whatever order the events come in.

use common::{
    domain::{
        id::ItemId,
        wip::{Fence, ItemType},
    },
    event::{ChangeRef, Envelope, Event, FullScope, Holding, TicketTold},
    fault::Fault,
    testing::{When, World, envelope, id, repository},
};
use jiff::SignedDuration;

use super::*;
use crate::handler::{Settings, handle};

mod refused;

const NUMBER: u64 = 7;

fn host() -> World {
    let world = World::new();
    world.push("main", &[("a", Some("1"))]);
    world.open_change(NUMBER, "main", None, &[("a", Some("2"))]);
    world
}

fn change() -> Option<ChangeRef> {
    Some(ChangeRef { repository: repository(), number: NUMBER })
}

fn item() -> ItemId {
    ItemId::of_pull_request(repository().id, NUMBER)
}

/// The event that the pull request must wait, a second after the last one.
fn exceeded(world: &World) -> Envelope {
    world.pass(SignedDuration::from_secs(1));
    let since = |hour: &str| format!("2026-01-05T{hour}:00:00Z").parse().unwrap();
    let holding = |item: &str, holder: &str, hour| Holding { item: id(item), holder: id(holder), since: since(hour) };
    let scope = FullScope {
        scope: id("pod-stage:ratio:scaffold"),
        limit: 3,
        active: 3,
        holders: vec![holding("p-1", "ada", "07"), holding("pr-42-5", "bob", "08")],
        holders_omitted: 1,
    };
    let event = Event::WipLimitExceeded(WipLimitExceeded {
        cause: ExceededCause::Waiting,
        full: vec![scope],
        item: Some(item()),
        holder: Some(id("cy")),
        pod: Some(id("ratio")),
        ticket: Some(TicketTold { number: Fence(1_767_603_601_000_000), position: 2, expires_at: since("10") }),
        change: change(),
    });
    envelope(common::ports::Clock::now(world), "wait", "item:pr-42-7", event)
}

/// The event that it got its place.
fn acquired(world: &World) -> Envelope {
    world.pass(SignedDuration::from_secs(1));
    let now = common::ports::Clock::now(world);
    let event = Event::WipLockAcquired(WipLockAcquired {
        item: item(),
        holder: id("cy"),
        pod: id("ratio"),
        item_type: ItemType::PullRequest,
        fence: Fence(1_767_603_602_000_000),
        scopes: [id("pod-stage:ratio:scaffold")].into(),
        since: now,
        expires_at: now + SignedDuration::from_hours(1),
        handed_over: true,
        waited_seconds: Some(7_500),
        exceeded: Vec::new(),
        change: change(),
    });
    envelope(now, "got", "item:pr-42-7", event)
}

async fn try_tell(world: &World, event: &Envelope) -> Result<(), Fault> {
    let settings = Settings { pipelines_url: "https://console.example/pipelines".into() };
    handle(world, world, world, &settings, event).await
}

async fn tell(world: &World, event: &Envelope) {
    try_tell(world, event).await.unwrap();
}

/// Whether it has the label, and whether it is a draft.
fn shown(world: &World) -> (bool, bool) {
    (world.labels(NUMBER).contains(LABEL), world.change(NUMBER).unwrap().draft)
}

#[tokio::test]
async fn who_waits_sees_why_and_for_whom_and_who_is_served_sees_that() {
    let world = host();
    let waits = exceeded(&world);
    tell(&world, &waits).await;
    assert_eq!(shown(&world), (true, true));
    insta::assert_snapshot!(world.comment(NUMBER, COMMENT).unwrap(), @r"
    **This pull request waits: there is no room for it under the limits on work in progress.**

    | scope | in progress | limit | held by |
    |---|---|---|---|
    | `pod-stage:ratio:scaffold` | 3 | 3 | `p-1` (`ada`, since 2026-01-05 07:00 UTC)<br>`pr-42-5` (`bob`, since 2026-01-05 08:00 UTC)<br>and 1 more |

    It is number 2 in the queue, with ticket 1767603601000000. The ticket counts until 2026-01-05 10:00 UTC, and longer while the pull request stays open.

    **What to do.** Finish something above, or ask who holds it. The next in line then gets the place by itself: Penstock takes the label off, and marks the pull request ready for review if it was Penstock that made it a draft.
    ");

    world.heal();
    tell(&world, &waits).await;
    let writes: Vec<_> = world.calls().into_iter().filter(|call| call.name.starts_with("ChangeMarks.set")).collect();
    assert!(writes.is_empty(), "the copy says nothing: {writes:?}");

    let got = acquired(&world);
    tell(&world, &got).await;
    tell(&world, &got).await;
    assert_eq!(shown(&world), (false, false));
    insta::assert_snapshot!(world.comment(NUMBER, COMMENT).unwrap(), @"This pull request has its place under the limits on work in progress since 2026-01-05 09:00 UTC after 2 h 5 min. It keeps it until it is merged or closed.");
}

#[tokio::test]
async fn what_comes_late_blocks_nobody_who_has_a_place() {
    let world = host();
    for _ in 0..2 {
        let (waits, got) = (exceeded(&world), acquired(&world));
        tell(&world, &got).await;
        tell(&world, &waits).await;
        assert_eq!((shown(&world), world.comment(NUMBER, COMMENT)), ((false, false), None));
    }
    tell(&world, &exceeded(&world)).await;
    assert_eq!(shown(&world), (true, true));
    world.pass(SignedDuration::from_secs(1));
    world.close_change(NUMBER);
    let merged = world.about_change(NUMBER, "closed", Event::ChangeClosed);
    tell(&world, &merged).await;
    assert!(!shown(&world).0, "closed while it waited");
}

#[tokio::test]
async fn a_draft_of_the_authors_stays_one() {
    let world = host();
    world.edit_change(NUMBER, |change| change.draft = true);
    tell(&world, &exceeded(&world)).await;
    tell(&world, &acquired(&world)).await;
    assert_eq!(shown(&world), (false, true));
}

#[tokio::test]
async fn an_author_who_marks_it_ready_is_left_alone() {
    let world = host();
    tell(&world, &exceeded(&world)).await;
    world.edit_change(NUMBER, |change| change.draft = false);
    tell(&world, &exceeded(&world)).await;
    assert_eq!(shown(&world), (true, false));
    tell(&world, &acquired(&world)).await;
    assert_eq!(shown(&world), (false, false));
}

#[tokio::test]
async fn a_host_that_makes_no_drafts_still_gets_label_and_comment() {
    let world = host();
    world.forbid_drafts();
    tell(&world, &exceeded(&world)).await;
    assert_eq!(shown(&world), (true, false));
    assert!(world.comment(NUMBER, COMMENT).is_some());
    tell(&world, &acquired(&world)).await;
    assert_eq!(shown(&world), (false, false));
}

/// Stopped at each call, before it had an effect and after, and sent again: the same end, and a draft of ours is let go.
#[tokio::test]
async fn a_stop_anywhere_changes_nothing_in_the_end() {
    let calls = {
        let world = host();
        let waits = exceeded(&world);
        world.heal();
        tell(&world, &waits).await;
        world.calls().len()
    };
    assert!(calls > 6, "{calls}");
    for at in 0..calls {
        for when in [When::Before, When::After] {
            let world = host();
            let waits = exceeded(&world);
            world.fail_call(at, when);
            assert!(try_tell(&world, &waits).await.is_err(), "call {at} {when:?}");
            world.heal();
            tell(&world, &waits).await;
            assert_eq!(shown(&world), (true, true), "call {at} {when:?}");
            let got = acquired(&world);
            world.fail_call(at, when);
            let stopped = try_tell(&world, &got).await;
            world.heal();
            if stopped.is_err() {
                tell(&world, &got).await;
            }
            assert_eq!(shown(&world), (false, false), "call {at} {when:?}");
        }
    }
}

#[tokio::test]
async fn an_item_that_is_no_pull_request_says_nothing_here() {
    let world = host();
    let mut waits = exceeded(&world);
    if let Event::WipLimitExceeded(exceeded) = &mut waits.event {
        exceeded.change = None;
    }
    world.heal();
    tell(&world, &waits).await;
    assert!(world.calls().is_empty());
    let mut over = exceeded(&world);
    if let Event::WipLimitExceeded(exceeded) = &mut over.event {
        exceeded.cause = ExceededCause::AdmittedOver;
    }
    tell(&world, &over).await;
    assert!(world.calls().is_empty());
}
