//! What the ledger answers over the in-memory world.

use common::{
    domain::{
        governance::Governance,
        id::Digest,
        ledger::{About, Happening, Note},
    },
    ports::{Delivery, Intake, Ledger as _},
    testing::{GovernanceFiles, World, id},
};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::*;

type Sweeper = DeliverySweeper<World, World, World, World>;

fn sweeper() -> (World, Sweeper) {
    let world = World::new();
    let governance = Governance::parse(&GovernanceFiles::default().bytes()).unwrap();
    let (rows, host, queues, clock) = (world.clone(), world.clone(), world.clone(), world.clone());
    (world, DeliverySweeper { rows, host, queues, clock, governance })
}

/// A delivery is accepted a minute later; answers its event.
async fn accept(world: &World, guid: &str) -> EventId {
    world.pass(SignedDuration::from_mins(1));
    let event = world.push("main", &[("a", Some(guid))]);
    let (received_at, body) = (world.now(), Digest::of(guid.as_bytes()));
    let expires_at = received_at + SignedDuration::from_hours(24 * 7);
    let delivery = Delivery { id: id(guid), event_name: "push".into(), body, received_at, expires_at };
    Intake::record(world, &delivery, &event).await.unwrap();
    event.meta.event_id
}

async fn note(world: &World, about: About, note: Note) {
    world.pass(SignedDuration::from_secs(1));
    world.note(&about, &Note { at: world.now(), ..note }).await.unwrap();
}

async fn asked(sweeper: &Sweeper, call: Value) -> Value {
    serde_json::to_value(sweeper.call(call).await.unwrap()).unwrap()
}

#[tokio::test]
async fn a_delivery_is_told_from_its_first_copy_to_the_last_function() {
    let (world, sweeper) = sweeper();
    let event = accept(&world, "guid-1").await;
    let at = |function: &str| About::Event(event.clone(), id(function));
    let now = world.now();
    note(&world, About::Delivery(id("guid-1")), Note::new(Happening::Copied, now)).await;
    note(&world, at("pipeline-provisioner"), Note::new(Happening::Processed, now)).await;
    for _ in 0..4 {
        note(&world, at("feedback"), Note::new(Happening::Failed, now).because("GitHub: try again later")).await;
    }
    note(&world, at("feedback"), Note::new(Happening::Parked, now).because("GitHub: try again later")).await;
    let parked = asked(&sweeper, json!({"ledger": {"delivery": "guid-1"}})).await;
    assert_eq!(parked["standing"], "parked");
    note(&world, at("feedback"), Note::new(Happening::Redriven, now)).await;
    assert_eq!(asked(&sweeper, json!({"ledger": {"event": event.clone()}})).await["standing"], "waiting");
    let replay = Some(id("after-the-outage"));
    note(&world, at("feedback"), Note::new(Happening::Processed, now).by(replay)).await;
    let mut said = asked(&sweeper, json!({"ledger": {"delivery": "guid-1"}})).await;
    assert_eq!(said["event"], event.as_str());
    said["event"] = json!("E");
    insta::assert_snapshot!(serde_json::to_string_pretty(&said).unwrap(), @r#"
    {
      "delivery": "guid-1",
      "event": "E",
      "event_name": "push",
      "functions": {
        "feedback": {
          "happened": [
            {
              "at": "2026-01-05T09:01:06Z",
              "count": 4,
              "reason": "GitHub: try again later",
              "what": "failed"
            },
            {
              "at": "2026-01-05T09:01:07Z",
              "count": 1,
              "reason": "GitHub: try again later",
              "what": "parked"
            },
            {
              "at": "2026-01-05T09:01:08Z",
              "count": 1,
              "what": "redriven"
            },
            {
              "at": "2026-01-05T09:01:09Z",
              "count": 1,
              "replay": "after-the-outage",
              "what": "processed"
            }
          ],
          "state": "processed"
        },
        "pipeline-provisioner": {
          "happened": [
            {
              "at": "2026-01-05T09:01:02Z",
              "count": 1,
              "what": "processed"
            }
          ],
          "state": "processed"
        }
      },
      "happened": [
        {
          "at": "2026-01-05T09:01:01Z",
          "count": 1,
          "what": "copied"
        }
      ],
      "received_at": "2026-01-05T09:01:00Z",
      "standing": "processed"
    }
    "#);
}

#[tokio::test]
async fn one_that_never_was_accepted_and_one_that_nobody_heard_yet() {
    let (world, sweeper) = sweeper();
    let why = "older than the three days for which GitHub sends again";
    note(&world, About::Delivery(id("lost")), Note::new(Happening::GivenUp, world.now()).because(why)).await;
    let lost = asked(&sweeper, json!({"ledger": {"delivery": "lost"}})).await;
    assert_eq!(
        (&lost["event_name"], &lost["event"], &lost["happened"][0]["reason"]),
        (&Value::Null, &Value::Null, &json!(why))
    );
    accept(&world, "new").await;
    let new = asked(&sweeper, json!({"ledger": {"delivery": "new"}})).await;
    assert_eq!((&new["standing"], &new["functions"], &new["happened"]), (&json!("waiting"), &json!({}), &json!([])));
}

#[tokio::test]
async fn the_deliveries_of_a_time_are_all_of_it_page_by_page() {
    let (world, sweeper) = sweeper();
    let since = world.now();
    let mut guids = Vec::new();
    for number in 0..23 {
        guids.push(json!(format!("guid-{number}")));
        accept(&world, &format!("guid-{number}")).await;
    }
    let until = world.now() + SignedDuration::from_secs(1);
    let (mut found, mut after, mut pages) = (Vec::new(), Value::Null, 0);
    loop {
        let page =
            asked(&sweeper, json!({"ledger": {"since": since, "until": until, "most": 10, "after": after}})).await;
        found.extend(page["deliveries"].as_array().unwrap().iter().map(|one| one["delivery"].clone()));
        (after, pages) = (page["next"].clone(), pages + 1);
        if after.is_null() {
            break;
        }
    }
    assert_eq!((found, pages), (guids, 3));
    let none = asked(&sweeper, json!({"ledger": {"since": until, "until": "2027-01-01T00:00:00Z"}})).await;
    assert_eq!(none, json!({"deliveries": [], "next": null}));
    let always = json!({"ledger": {"since": "0001-01-01T00:00:00Z", "until": "9999-01-01T00:00:00Z", "most": 100}});
    let found = asked(&sweeper, always.clone()).await;
    assert_eq!(found["deliveries"].as_array().unwrap().len(), 23, "what was ever");
    world.pass(SignedDuration::from_hours(7 * 24) - SignedDuration::from_secs(630));
    assert_eq!(asked(&sweeper, always.clone()).await["deliveries"].as_array().unwrap().len(), 11, "of seven days");
    world.heal();
    world.pass(SignedDuration::from_hours(24));
    let never = json!({"ledger": {"since": "0001-01-01T00:00:00Z", "until": "0001-01-02T00:00:00Z"}});
    for call in [always, never] {
        assert_eq!(asked(&sweeper, call).await, json!({"deliveries": [], "next": null}));
    }
    assert!(world.calls().len() <= 1, "what lies before is not looked for: {:?}", world.calls());
}
