//! Ask the table which rows are still there, publish those, delete what the bus accepted, report the rest.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use common::{
    domain::id::EventId,
    fault::Fault,
    ports::{Bus, Outbox, OutboxRow, Pause},
};

use crate::stream::{StreamBatch, StreamFailure, StreamReply};

/// How often an entry is put on the bus within one invocation.
const ATTEMPTS: usize = 3;

/// The longest pause before each further attempt; the pause itself is of random length.
const PAUSES: [Duration; ATTEMPTS - 1] = [Duration::from_millis(200), Duration::from_millis(800)];

/// Publishes a batch.
///
/// # Errors
/// When the table cannot be asked: then nothing was sent. Everything after that fails record by record.
pub async fn handle(
    outbox: &impl Outbox,
    bus: &impl Bus,
    pause: &impl Pause,
    batch: StreamBatch,
) -> Result<StreamReply, Fault> {
    // In the order of the stream; a row that was put and touched within one batch is one event.
    let (mut rows, mut malformed) = (Vec::<OutboxRow>::new(), BTreeSet::new());
    let mut records = BTreeMap::<EventId, Vec<&str>>::new();
    for record in batch.records.iter().filter(|record| record.is_outbox()) {
        let number = record.change.sequence_number.as_str();
        match record.row() {
            Ok(row) => {
                let numbers = records.entry(row.event_id.clone()).or_default();
                if numbers.is_empty() {
                    rows.push(row);
                }
                numbers.push(number);
            }
            Err(fault) => {
                tracing::error!(sequence_number = number, fault = "bug", "{}", fault.chain());
                malformed.insert(number);
            }
        }
    }
    count("OutboxMalformed", malformed.len());

    let failed = if rows.is_empty() { BTreeSet::new() } else { deliver(outbox, bus, pause, rows).await? };
    let failed: BTreeSet<&str> =
        failed.iter().filter_map(|id| records.get(id)).flatten().copied().chain(malformed).collect();
    let in_order = batch.records.iter().map(|record| &record.change.sequence_number);
    let failures = in_order.filter(|number| failed.contains(number.as_str()));
    Ok(StreamReply { failures: failures.map(|number| StreamFailure { sequence_number: number.clone() }).collect() })
}

/// Publishes what is still in the outbox and answers what could not be brought to its end.
async fn deliver(
    outbox: &impl Outbox,
    bus: &impl Bus,
    pause: &impl Pause,
    mut rows: Vec<OutboxRow>,
) -> Result<BTreeSet<EventId>, Fault> {
    let ids: Vec<EventId> = rows.iter().map(|row| row.event_id.clone()).collect();
    let pending: BTreeSet<EventId> = outbox.pending(&ids).await?.into_iter().collect();
    rows.retain(|row| pending.contains(&row.event_id));

    let mut accepted = Vec::new();
    for attempt in 0..ATTEMPTS {
        if rows.is_empty() {
            break;
        }
        if let Some(longest) = attempt.checked_sub(1).and_then(|pauses| PAUSES.get(pauses)) {
            pause.pause(*longest).await;
        }
        let refused: BTreeMap<EventId, String> = match bus.publish(&rows).await {
            Ok(refused) => refused.into_iter().collect(),
            Err(fault) => {
                tracing::warn!(attempt, events = rows.len(), "{}", fault.chain());
                continue;
            }
        };
        for (event_id, reason) in &refused {
            tracing::warn!(attempt, %event_id, "the bus refused an event: {reason}");
        }
        accepted.extend(rows.iter().map(|row| row.event_id.clone()).filter(|id| !refused.contains_key(id)));
        rows.retain(|row| refused.contains_key(&row.event_id));
    }
    count("OutboxPublished", accepted.len());
    count("OutboxRefused", rows.len());

    let mut failed: BTreeSet<EventId> = rows.into_iter().map(|row| row.event_id).collect();
    if let Err(fault) = outbox.accepted(&accepted).await {
        // The events are out. They are reported so that the rows do not stay: a copy does less harm than a row nobody deletes.
        tracing::warn!(events = accepted.len(), "{}", fault.chain());
        failed.extend(accepted);
    }
    Ok(failed)
}

fn count(name: &'static str, value: usize) {
    if value > 0 {
        tracing::info!(target: "metric", name, value = value as u64);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use common::{
        domain::id::{CommitSha, RepositoryId},
        event::{Actor, BranchDeleted, Envelope, Event, Host, Repository},
        ports::Clock,
        testing::{World, envelope, id},
    };
    use serde_json::{Value, json};

    use super::*;

    fn event(number: usize) -> Envelope {
        let repository = Repository { host: Host::Github, id: RepositoryId::GitHub(1), name: id("o/r") };
        let before: CommitSha = id(&"0a".repeat(20));
        let sender = Actor { id: common::domain::id::HostAccount::github(1), login: "l".into() };
        let gone = BranchDeleted { repository, branch: id("b"), before, sender };
        envelope(
            "2026-01-01T00:00:00Z".parse().unwrap(),
            &format!("c{number}"),
            "repository:1",
            Event::BranchDeleted(gone),
        )
    }

    /// A stream record as the table's stream shows an outbox row.
    fn record(number: usize, name: &str, row: &OutboxRow) -> Value {
        let text = |value: &str| json!({"S": value});
        let keys = json!({"pk": text(&format!("{}3", crate::PREFIX)), "sk": text(row.event_id.as_str())});
        let mut image = keys.clone();
        if let (Value::Object(image), Ok(Value::Object(fields))) = (&mut image, serde_json::to_value(row)) {
            image.extend(fields.into_iter().map(|(name, value)| (name, json!({"S": value}))));
            image.insert("v".into(), json!({"N": "1"}));
        }
        json!({"eventName": name, "dynamodb": {"Keys": keys, "NewImage": image, "SequenceNumber": number.to_string()}})
    }

    fn batch(records: &[Value]) -> StreamBatch {
        serde_json::from_value(json!({"Records": records})).unwrap()
    }

    fn numbers(reply: StreamReply) -> Vec<String> {
        reply.failures.into_iter().map(|failure| failure.sequence_number).collect()
    }

    /// Counts pauses and takes no time.
    #[derive(Default)]
    struct Still(Mutex<Vec<Duration>>);

    impl Clock for Still {
        fn now(&self) -> jiff::Timestamp {
            jiff::Timestamp::UNIX_EPOCH
        }
    }

    impl Pause for Still {
        async fn pause(&self, longest: Duration) {
            self.0.lock().unwrap().push(longest);
        }
    }

    /// A bus that answers each call as its script says: the ids to refuse, or a fault.
    struct Scripted<'a> {
        world: &'a World,
        script: Mutex<Vec<Result<Vec<EventId>, Fault>>>,
        sizes: Mutex<Vec<usize>>,
    }

    impl Bus for Scripted<'_> {
        async fn publish(&self, rows: &[OutboxRow]) -> Result<Vec<(EventId, String)>, Fault> {
            self.sizes.lock().unwrap().push(rows.len());
            let refused = self.script.lock().unwrap().remove(0)?;
            let accepted: Vec<_> = rows.iter().filter(|row| !refused.contains(&row.event_id)).cloned().collect();
            self.world.publish(&accepted).await?;
            Ok(refused.into_iter().map(|id| (id, "ThrottlingException".to_owned())).collect())
        }
    }

    #[tokio::test(flavor = "current_thread")]
    async fn rows_are_published_once_and_deleted() {
        let world = World::new();
        let rows: Vec<_> = (0..3).map(|number| world.put_outbox(&event(number))).collect();
        // The second row is touched within the batch, the third's record comes without need: it is no insert.
        let records = [
            record(1, "INSERT", &rows[0]),
            record(2, "INSERT", &rows[1]),
            record(3, "MODIFY", &rows[1]),
            record(4, "REMOVE", &rows[2]),
            json!({"eventName": "INSERT", "dynamodb": {"Keys": {"pk": {"S": "CLUSTERS#1"}}, "SequenceNumber": "5"}}),
        ];
        let still = Still::default();
        assert!(numbers(handle(&world, &world, &still, batch(&records)).await.unwrap()).is_empty());
        assert_eq!(world.bus(), rows[..2]);
        assert_eq!(world.outbox(), rows[2..]);

        // The same batch again: its rows are gone, so nothing is sent.
        assert!(numbers(handle(&world, &world, &still, batch(&records)).await.unwrap()).is_empty());
        assert_eq!(world.bus().len(), 2);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn only_refused_entries_are_sent_again_and_what_stays_refused_is_reported() {
        let world = World::new();
        let rows: Vec<_> = (0..4).map(|number| world.put_outbox(&event(number))).collect();
        let records: Vec<_> = rows.iter().enumerate().map(|(at, row)| record(10 + at, "INSERT", row)).collect();
        let (one, three) = (rows[1].event_id.clone(), rows[3].event_id.clone());
        let script = vec![Ok(vec![one.clone(), three.clone()]), Ok(vec![three.clone()]), Ok(vec![three.clone()])];
        let bus = Scripted { world: &world, script: Mutex::new(script), sizes: Mutex::default() };
        let still = Still::default();

        let reply = handle(&world, &bus, &still, batch(&records)).await.unwrap();
        assert_eq!(numbers(reply), ["13"]);
        assert_eq!(*bus.sizes.lock().unwrap(), [4, 2, 1], "entries that were accepted are not sent again");
        assert_eq!(*still.0.lock().unwrap(), PAUSES);
        assert_eq!(world.outbox(), rows[3..], "what was refused stays in the outbox");
        let mut published: Vec<_> = world.bus().into_iter().map(|row| row.event_id).collect();
        published.sort();
        let mut expected: Vec<_> = rows[..3].iter().map(|row| row.event_id.clone()).collect();
        expected.sort();
        assert_eq!(published, expected, "each once");
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_call_that_fails_accepts_nothing() {
        let world = World::new();
        let row = world.put_outbox(&event(1));
        let script = (0..ATTEMPTS).map(|_| Err(Fault::retry("putting events on the bus"))).collect();
        let bus = Scripted { world: &world, script: Mutex::new(script), sizes: Mutex::default() };
        let reply = handle(&world, &bus, &Still::default(), batch(&[record(7, "INSERT", &row)])).await.unwrap();
        assert_eq!(numbers(reply), ["7"]);
        assert_eq!(world.outbox(), [row]);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_malformed_row_is_reported_and_its_neighbours_are_published() {
        let world = World::new();
        let rows: Vec<_> = (0..2).map(|number| world.put_outbox(&event(number))).collect();
        let mut no_detail = record(2, "INSERT", &rows[0]);
        no_detail["dynamodb"]["NewImage"]["detail"] = json!({"S": "not json"});
        let mut other_key = record(3, "INSERT", &rows[0]);
        other_key["dynamodb"]["Keys"]["sk"] = json!({"S": "another"});
        let no_image =
            json!({"eventName": "INSERT", "dynamodb": {"Keys": {"pk": {"S": "OUTBOX#1"}}, "SequenceNumber": "4"}});
        let records = [record(1, "INSERT", &rows[0]), no_detail, other_key, no_image, record(5, "INSERT", &rows[1])];
        let reply = handle(&world, &world, &Still::default(), batch(&records)).await.unwrap();
        assert_eq!(numbers(reply), ["2", "3", "4"]);
        assert_eq!(world.bus(), rows);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_table_that_does_not_answer_fails_the_batch_before_anything_is_sent() {
        let world = World::new();
        let row = world.put_outbox(&event(1));
        world.fail("Outbox.pending", "", "InternalServerError", true, 1);
        let fault = handle(&world, &world, &Still::default(), batch(&[record(1, "INSERT", &row)])).await.unwrap_err();
        assert!(fault.is_retry());
        assert!(world.bus().is_empty());
    }

    #[tokio::test(flavor = "current_thread")]
    async fn rows_that_could_not_be_deleted_come_again() {
        let world = World::new();
        let row = world.put_outbox(&event(1));
        world.fail("Outbox.accepted", "", "InternalServerError", true, 1);
        let records = [record(1, "INSERT", &row)];
        assert_eq!(numbers(handle(&world, &world, &Still::default(), batch(&records)).await.unwrap()), ["1"]);
        assert!(numbers(handle(&world, &world, &Still::default(), batch(&records)).await.unwrap()).is_empty());
        assert!(world.outbox().is_empty());
        assert_eq!(world.bus(), [row.clone(), row], "twice, with one event id for consumers to see");
    }

    #[test]
    fn every_sample_is_a_batch() {
        let samples = [
            include_str!("../../../events/outbox-relay/row-inserted.json"),
            include_str!("../../../events/outbox-relay/row-touched.json"),
            include_str!("../../../events/outbox-relay/row-deleted.json"),
            include_str!("../../../events/outbox-relay/row-malformed.json"),
        ];
        let read: Vec<_> = samples
            .iter()
            .flat_map(|text| serde_json::from_str::<StreamBatch>(text).unwrap().records)
            .map(|record| (record.is_outbox(), record.row().is_ok()))
            .collect();
        assert_eq!(read, [(true, true), (true, true), (false, false), (true, false)]);
    }

    #[cfg(feature = "lambda")]
    #[test]
    fn the_prefix_is_the_one_that_the_table_writes() {
        assert_eq!(crate::PREFIX, common::aws::dynamodb::key::OUTBOX_PREFIX);
    }
}
