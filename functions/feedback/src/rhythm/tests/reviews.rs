//! Kill review as those read it whom it concerns: alone, once a step, and never behind its deadline.

use std::collections::BTreeSet;

use common::{
    domain::stage::kill::{KillAction, Remedy},
    event::ItemKilled,
};
use jiff::Timestamp;

use super::*;

fn review(step: ReviewStep, deadline: Option<Timestamp>) -> ItemUnderKillReview {
    ItemUnderKillReview {
        item: id("p-1"),
        title: Some("Invoices <!channel>".into()),
        pod: id("ratio"),
        owner: id("cy"),
        stage: id("seed"),
        rule: id("no-update"),
        review: step,
        found: "days_since_update is more than 30".into(),
        action: KillAction::Archive,
        deadline,
        remedies: BTreeSet::from([Remedy::Pivot, Remedy::Appeal, Remedy::Exception]),
        notify: ["ada", "bob", "cy"].map(id).into(),
        people: people(),
    }
}

fn killed(by: Option<&str>, people: Vec<Addressee>) -> Event {
    Event::ItemKilled(ItemKilled {
        item: id("p-1"),
        title: Some("Invoices <!channel>".into()),
        pod: id("ratio"),
        owner: id("cy"),
        pipeline: id("candlefish"),
        stage: id("seed"),
        rule: None,
        by: by.map(id),
        reason: "nobody wants it <@U0000BOB>".into(),
        people,
    })
}

/// Each step is an event of its own.
async fn hear_of(world: &World, told: ItemUnderKillReview) {
    let cause = format!("{:?}", told.review);
    let event = envelope(world.now(), &cause, "item:p-1", Event::ItemUnderKillReview(told));
    tell(Some(world), world, world, &event).await.unwrap();
}

fn days(world: &World, days: i64) -> Timestamp {
    world.now() + SignedDuration::from_hours(24 * days)
}

#[tokio::test]
async fn each_step_says_what_is_found_until_when_and_what_may_be_done() {
    let world = World::new();
    let steps: [(_, _, &[Remedy]); 4] = [
        (ReviewStep::Opened, Some(7), &[Remedy::Pivot, Remedy::Appeal, Remedy::Exception]),
        (ReviewStep::Appealed, Some(14), &[Remedy::Exception]),
        (ReviewStep::Excepted, Some(30), &[]),
        (ReviewStep::Cleared, None, &[]),
    ];
    for (step, deadline, remedies) in steps {
        let people = people()[..1].to_vec();
        let told = review(step, deadline.map(|number| days(&world, number)));
        let told = ItemUnderKillReview { people, remedies: remedies.iter().copied().collect(), ..told };
        hear_of(&world, told).await;
    }
    insta::assert_snapshot!(world.chat_text(), @"
    ── @U0000ADA
    *Invoices &lt;!channel&gt;* (p-1, ratio, seed) is under kill review by the rule no-update: days_since_update is more than 30. The grace is 7 days. The rule is judged again at 2026-01-12T09:00:00Z; if it still holds then, it ends, and its places are given back.
    cy, or somebody of ratio, may
    • mend what the rule finds: then the review ends by itself
    • begin anew in the first stage (a pivot): `POST /v1/items/p-1/transitions`
    • appeal, once an item, for the same grace again: `POST /v1/items/p-1/appeals`
    An approver other than cy may take the risk of one exception from no-update: `POST /v1/items/p-1/exceptions`
    ── @U0000ADA
    An appeal was made for *Invoices &lt;!channel&gt;* (p-1, ratio, seed), against the rule no-update: days_since_update is more than 30. The council has 14 days. The rule is judged again at 2026-01-19T09:00:00Z; if it still holds then, it ends, and its places are given back.
    cy, or somebody of ratio, may
    • mend what the rule finds: then the review ends by itself
    An approver other than cy may take the risk of one exception from no-update: `POST /v1/items/p-1/exceptions`
    ── @U0000ADA
    Somebody took the risk of *Invoices &lt;!channel&gt;* (p-1, ratio, seed): the rule no-update (days_since_update is more than 30) rests until 2026-02-04T09:00:00Z.
    There is no second exception from that rule.
    ── @U0000ADA
    *Invoices &lt;!channel&gt;* (p-1, ratio, seed) is no longer under kill review: the rule no-update (days_since_update is more than 30) does not hold any more.
    ");
}

#[tokio::test]
async fn what_is_due_says_what_follows() {
    for action in KillAction::ALL {
        let world = World::new();
        let due = ItemUnderKillReview {
            action,
            remedies: BTreeSet::new(),
            people: people()[..1].to_vec(),
            ..review(ReviewStep::Due, Some(world.now()))
        };
        hear_of(&world, due).await;
        let text = world.chat_text();
        let over = matches!(action, KillAction::Archive | KillAction::Reject);
        assert_eq!(text.contains("mend what the rule finds"), !over, "{action:?}: {text}");
        assert!(text.contains("still holds for") && text.contains("What follows: "), "{text}");
    }
}

#[tokio::test]
async fn a_step_is_told_once_and_not_behind_its_deadline() {
    let world = World::new();
    let opened = Event::ItemUnderKillReview(review(ReviewStep::Opened, Some(days(&world, 7))));
    let event = envelope(world.now(), "sweep-1", "item:p-1", opened);
    for _ in 0..3 {
        tell(Some(&world), &world, &world, &event).await.unwrap();
    }
    assert_eq!(world.chat().len(), 2, "ada and bob; cy has no slack_id");
    for step in [ReviewStep::Opened, ReviewStep::Appealed, ReviewStep::Excepted] {
        let late = review(step, Some(world.now()));
        hear_of(&world, late).await;
    }
    assert_eq!(world.chat().len(), 2, "what was due then says what became of it");
    let nobody = ItemUnderKillReview { people: people()[2..].to_vec(), ..review(ReviewStep::Cleared, None) };
    hear_of(&world, nobody).await;
    assert_eq!(world.chat().len(), 2);
}

#[tokio::test]
async fn an_end_by_a_person_is_told_and_one_by_a_rule_was_told_already() {
    let world = World::new();
    hear(&world, killed(Some("ada"), people()[1..].to_vec())).await.unwrap();
    hear(&world, killed(None, vec![])).await.unwrap();
    insta::assert_snapshot!(world.chat_text(), @"
    ── @U0000BOB
    *Invoices &lt;!channel&gt;* (p-1, ratio) has ended in the stage seed. ada ended it. Why: nobody wants it &lt;@U0000BOB&gt;
    Its places are free. Where it has a repository, a branch and a tag of it are kept, and an issue asks what was learnt.
    ");
}
