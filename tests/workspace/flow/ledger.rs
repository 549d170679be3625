//! What the ledger says after the worst: an outage, copies without end, a thousand old messages sent again. The webhook, the queue, the
//! provisioner and the sweeper are the real ones.

use std::collections::BTreeSet;

use common::{
    domain::ledger::Happening,
    event::{Envelope, Event},
    ports::{Clock as _, OutboxRow},
    runtime::{
        QueueMessage,
        queue::{Desk, QueueReply, process},
    },
    testing::{ClusterFile, World},
};
use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::{intake::Intake, journey::Journey};

use super::gaps::{Sweeper, sweeper};

const FUNCTION: &str = "pipeline-provisioner";

/// An event as it stands in a function's queue.
fn message(event: &Envelope) -> String {
    let row = OutboxRow::of(event).unwrap();
    let detail: Value = serde_json::from_str(&row.detail).unwrap();
    json!({"version": "0", "source": row.source, "detail-type": row.detail_type, "detail": detail}).to_string()
}

/// Brings messages to the provisioner as Lambda does, for the `receives`th time. Answers those that come again.
async fn bring(journey: &Journey, bodies: &[String], receives: u32) -> Vec<String> {
    let mut again = Vec::new();
    for (at, batch) in bodies.chunks(10).enumerate() {
        let record = |(number, body): (usize, &String)| {
            let id = format!("message-{}", at * 10 + number);
            json!({"messageId": id, "body": body, "attributes": {"ApproximateReceiveCount": receives.to_string()}})
        };
        let records: Vec<Value> = batch.iter().enumerate().map(record).collect();
        let input = serde_json::from_value(json!({"Records": records})).unwrap();
        let desk = Desk::of(FUNCTION, &journey.world, journey.world.clone()).unwrap();
        let reply = process(&desk, input, |message| async move {
            match message {
                QueueMessage::Event(event) => journey.provisioner.event(&event, journey.deadline()).await,
                other => Err(other.unexpected(FUNCTION)),
            }
        });
        let QueueReply::Batch(reply) = reply.await.unwrap() else { panic!("a batch is answered as one") };
        let failed: BTreeSet<String> =
            reply.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect();
        let number = |number: usize| format!("message-{}", at * 10 + number);
        again.extend(
            batch.iter().enumerate().filter(|(at, _)| failed.contains(&number(*at))).map(|(_, body)| body.clone()),
        );
    }
    again
}

/// What waits in the outbox for the provisioner, on its way.
fn pushes(world: &World) -> Vec<String> {
    let events = world.drain();
    events.iter().filter(|event| matches!(event.event, Event::BranchPushed(_))).map(message).collect()
}

async fn asked(sweeper: &Sweeper, call: Value) -> Value {
    serde_json::to_value(sweeper.call(call).await.unwrap()).unwrap()
}

fn change(number: usize) -> (String, String) {
    let file = ClusterFile::regional("integration", "us-east-1").variable("cost_center", &format!("\"{number:03}\""));
    (file.path.clone(), file.text())
}

#[tokio::test]
async fn a_hundred_redeliveries_of_one_delivery_change_nothing_and_are_counted() {
    let journey = Journey::default();
    let (sweeper, intake) = (sweeper(&journey), Intake::new(&journey.world));
    let (path, text) = change(1);
    let (body, guid) = intake.push(&[(&path, Some(&text))]);
    let mut answers = Vec::new();
    for _ in 0..100 {
        answers.push(intake.deliver(&guid, &body, true).await);
    }
    assert_eq!((answers[0], answers.iter().filter(|status| **status == 200).count()), (202, 99));
    assert_eq!(journey.world.outbox().len(), 1);
    let sent = pushes(&journey.world);
    assert_eq!(bring(&journey, &sent, 1).await, [""; 0]);
    let (pipelines, writes) = (journey.world.pipelines(), journey.world.pipeline_writes());
    // SQS brings some messages twice, too.
    assert_eq!(bring(&journey, &sent, 2).await, [""; 0]);
    assert_eq!((journey.world.pipelines(), journey.world.pipeline_writes()), (pipelines, writes));
    let said = asked(&sweeper, json!({"ledger": {"delivery": guid}})).await;
    assert_eq!(
        (&said["standing"], &said["happened"][0]["what"], &said["happened"][0]["count"]),
        (&json!("processed"), &json!("copied"), &json!(99))
    );
    assert_eq!(said["functions"].as_object().unwrap().keys().collect::<Vec<_>>(), [FUNCTION], "one row a function");
    assert_eq!(said["functions"][FUNCTION]["happened"][0]["count"], 2);
}

/// Of 60 pushes half are lost at first, and all come once or more, in any order, over a provisioner that fails now and then.
#[tokio::test]
async fn after_an_outage_the_deliveries_that_were_handled_are_those_that_were_sent() {
    let journey = Journey::default();
    let (sweeper, intake) = (sweeper(&journey), Intake::new(&journey.world));
    let since = journey.world.now();
    let mut sent = Vec::new();
    for number in 0..60 {
        journey.world.pass(SignedDuration::from_secs(1));
        let (path, text) = change(number);
        sent.push(intake.push(&[(&path, Some(&text))]));
    }
    // Those that came, those that were lost, and all of them once more: a sweep that was too careful.
    let order = (0..60).step_by(2).chain((1..60).step_by(2).rev()).chain((0..60).rev());
    for at in order {
        journey.world.pass(SignedDuration::from_secs(1));
        let (body, guid) = &sent[at];
        assert!(matches!(intake.deliver(guid, body, true).await, 200 | 202), "{guid}");
    }
    journey.world.fail("Forge.branch_head", "", "502", true, 40);
    journey.world.fail("Ledger.note", "processed", "ThrottlingException", true, 10);
    let (mut waiting, mut receives) = (pushes(&journey.world), 0);
    while !waiting.is_empty() && receives < common::manifest::MAX_RECEIVES {
        receives += 1;
        waiting = bring(&journey, &waiting, receives).await;
    }
    assert_eq!(waiting, [""; 0], "all within {receives} receives");
    let (mut handled, mut copies, mut after) = (BTreeSet::new(), 0, Value::Null);
    loop {
        let until = journey.world.now() + SignedDuration::from_secs(1);
        let page =
            asked(&sweeper, json!({"ledger": {"since": since, "until": until, "most": 25, "after": after}})).await;
        for one in page["deliveries"].as_array().unwrap() {
            assert_eq!(one["standing"], "processed", "{one}");
            assert!(handled.insert(one["delivery"].as_str().unwrap().to_owned()), "each once");
            copies += one["happened"][0]["count"].as_u64().unwrap();
        }
        after = page["next"].clone();
        if after.is_null() {
            break;
        }
    }
    assert_eq!(handled, sent.into_iter().map(|(_, guid)| guid).collect::<BTreeSet<_>>());
    assert_eq!(copies, 60);
}

#[tokio::test]
async fn a_thousand_old_messages_that_are_redriven_have_one_effect_and_redriven_twice_no_second() {
    let (journey, perfect) = (Journey::default(), Journey::default());
    let sweeper = sweeper(&journey);
    let mut bodies = Vec::new();
    for number in 0..1_000 {
        let (path, text) = change(number % 7);
        bodies.push(message(&journey.world.push("main", &[(&path, Some(&text))])));
        journey.world.park(FUNCTION, &bodies[number]);
    }
    let (path, text) = change(999 % 7);
    perfect.push_raw(&[(&path, Some(&text))]).await.unwrap();
    journey.world.pass(SignedDuration::from_hours(13 * 24));

    // Now and then a redrive ends between sending a message and removing it.
    let mut brought = 0;
    for round in 0..40 {
        if round < 10 {
            journey.world.fail("DeadLetters.remove", &format!("message-{}", 97 * round + 50), "timeout", true, 1);
        }
        let said = asked(&sweeper, json!({"redrive": {"function": FUNCTION, "dry_run": false, "most": 1_000}})).await;
        let sent = journey.world.take_sent(FUNCTION);
        brought += sent.len();
        assert_eq!(bring(&journey, &sent, 1).await, [""; 0]);
        journey.world.pass(SignedDuration::from_mins(5));
        if said["stopped"].is_null() {
            break;
        }
    }
    assert_eq!(journey.world.parked(FUNCTION), []);
    assert!((1_000..=1_010).contains(&brought), "{brought}");
    let definition = |journey: &Journey| {
        let all = journey.world.pipelines().into_iter().map(|(name, pipeline)| (name, pipeline.definition));
        all.collect::<Vec<_>>()
    };
    assert_eq!(definition(&journey), definition(&perfect));
    assert_eq!(journey.world.pipeline_writes(), perfect.world.pipeline_writes(), "one effect");
    let processed = journey.world.noted().values().filter(|notes| notes.get(Happening::Processed).is_some()).count();
    assert_eq!(processed, 1_000, "and each event is accounted for");

    for body in &bodies {
        journey.world.park(FUNCTION, body);
    }
    let writes = journey.world.pipeline_writes();
    let said = asked(&sweeper, json!({"redrive": {"function": FUNCTION, "dry_run": false, "most": 1_000}})).await;
    assert_eq!(said["counts"], json!({"sent": 1_000, "removed": 0, "left": 0}));
    assert_eq!(bring(&journey, &journey.world.take_sent(FUNCTION), 1).await, [""; 0]);
    assert_eq!(journey.world.pipeline_writes(), writes, "no second effect");
    assert_eq!(definition(&journey), definition(&perfect));
    journey.verify_audit().await.unwrap();
}
