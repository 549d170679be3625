//! Between the functions: the table's stream, the bus and the queues.

use std::collections::{BTreeMap, BTreeSet};

use common::{
    domain::id::EventId,
    event::Envelope,
    ports::{Bus as _, Outbox as _, OutboxRow},
    testing::World,
};
use outbox_relay::stream::{Change, StreamBatch, StreamRecord};
use serde_json::{Value, json};

use super::{Mutant, stumble};
use crate::chance::Chance;

/// How often Lambda brings a batch of the stream before it gives it up.
const TRIES: usize = 3;

/// Who listens to the bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Listener {
    Provisioner,
    Feedback,
}

/// A message in somebody's queue.
#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) to: Listener,
    pub(super) event: Envelope,
    pub(super) tries: usize,
}

/// What is under way.
#[derive(Default)]
pub(super) struct Carrier {
    streamed: BTreeSet<EventId>,
    touched: usize,
    heard: usize,
    pub(super) queue: Vec<Message>,
}

/// Who listens to an event, of those that are played; as the contract says.
pub(super) fn listeners(detail_type: &str) -> &'static [Listener] {
    match detail_type {
        "Branch Pushed" | "Change Opened" | "Change Updated" => &[Listener::Provisioner],
        "Provisioning Started" | "Provisioning Finished" => &[Listener::Feedback],
        _ => &[],
    }
}

impl Carrier {
    /// The stream wakes the relay with every row that was put or touched since. With `chance` it stops anywhere, and the batch may be given
    /// up.
    pub(super) async fn relay(&mut self, world: &World, mut chance: Option<&mut Chance>, mutant: Mutant) {
        let rows = self.woken_by(world);
        if rows.is_empty() {
            return;
        }
        if mutant == Mutant::RelayForgetsFirst {
            let ids: Vec<EventId> = rows.iter().map(|row| row.event_id.clone()).collect();
            let _ = world.accepted(&ids).await;
            if let Some(chance) = chance.as_deref_mut() {
                stumble(world, chance, 1);
            }
            let _ = world.publish(&rows).await;
            world.heal();
            return;
        }
        let batch = StreamBatch { records: rows.iter().map(record).collect() };
        for _ in 0..TRIES {
            if let Some(chance) = chance.as_deref_mut() {
                stumble(world, chance, 3);
            }
            let reply = outbox_relay::handle(world, world, world, batch.clone()).await;
            world.heal();
            if reply.is_ok_and(|reply| reply.failures.is_empty())
                || chance.as_deref_mut().is_some_and(|chance| chance.percent(30))
            {
                return;
            }
        }
    }

    /// What was committed and never came to the bus, although it left the outbox.
    pub(super) fn unpublished(&self, world: &World) -> Vec<EventId> {
        let (bus, waiting) = (world.bus(), world.outbox());
        let there: BTreeSet<&EventId> = bus.iter().chain(&waiting).map(|row| &row.event_id).collect();
        self.streamed.iter().filter(|id| !there.contains(id)).cloned().collect()
    }

    fn woken_by(&mut self, world: &World) -> Vec<OutboxRow> {
        let waiting: BTreeMap<EventId, OutboxRow> =
            world.outbox().into_iter().map(|row| (row.event_id.clone(), row)).collect();
        let touched = world.touched();
        let again = touched.get(self.touched..).unwrap_or_default().iter();
        let new = waiting.keys().filter(|id| !self.streamed.contains(*id));
        let mut ids: Vec<&EventId> = new.chain(again).collect();
        ids.sort();
        ids.dedup();
        let rows = ids.into_iter().filter_map(|id| waiting.get(id)).cloned().collect();
        self.touched = touched.len();
        self.streamed.extend(waiting.into_keys());
        rows
    }

    /// The bus puts what was published into the queues. With `chance` a fifth is lost, and three in ten come twice.
    pub(super) fn hear(&mut self, world: &World, mut chance: Option<&mut Chance>) {
        let rows = world.bus_from(self.heard);
        self.heard += rows.len();
        for row in rows {
            for to in listeners(&row.detail_type) {
                let copies = match chance.as_deref_mut().map(|chance| chance.below(10)) {
                    Some(0 | 1) => 0,
                    Some(2..=4) => 2,
                    _ => 1,
                };
                if copies > 0 {
                    let message = Message { to: *to, event: envelope(&row), tries: 0 };
                    self.queue.extend(std::iter::repeat_n(message, copies));
                }
            }
        }
    }
}

fn envelope(row: &OutboxRow) -> Envelope {
    let detail: Value = serde_json::from_str(&row.detail).expect("the bus carries JSON");
    Envelope::parse(&row.source, &row.detail_type, detail).expect("an event of the contract")
}

fn record(row: &OutboxRow) -> StreamRecord {
    let fields = [
        ("event_id", row.event_id.to_string()),
        ("source", row.source.clone()),
        ("detail_type", row.detail_type.clone()),
        ("detail", row.detail.clone()),
        ("occurred_at", row.occurred_at.to_string()),
    ];
    let image = |fields: Vec<(&str, String)>| {
        fields.into_iter().map(|(name, value)| (name.to_owned(), json!({"S": value}))).collect()
    };
    StreamRecord {
        event_name: "INSERT".into(),
        change: Change {
            keys: image(vec![("pk", "OUTBOX#00".into()), ("sk", row.event_id.to_string())]),
            new_image: image(fields.to_vec()),
            sequence_number: row.event_id.to_string(),
        },
    }
}
