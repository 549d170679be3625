//! Four ways to keep a limit: ours, and the three that people build first. Each as well as it can be done in its own terms.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, Select, TransactWriteItem, Update};
use common::{
    aws::dynamodb::Table,
    domain::{
        id::{Digest, ItemId},
        wip::{Fence, ItemType, Lease, Scope, ScopeState, operation::Operation, state::note_release},
    },
    event::{Envelope, Event, WipLockAcquired},
    ports::{Committed, OutboxRow, WipRows},
    testing::{envelope, id},
};
use jiff::{SignedDuration, Timestamp};

pub(crate) const LIMIT: u32 = 3;

/// How long a lease lasts, in the benches' time.
pub(crate) const TTL: SignedDuration = SignedDuration::from_millis(500);

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Design {
    /// The lease stands in the row that carries the limit.
    Ours,
    /// Counts the live leases, then puts one.
    QueryThenPut,
    /// A number that goes up and down.
    Counter,
    /// The number and a lease beside it, in one transaction.
    CounterAndLease,
}

impl Design {
    pub(crate) const ALL: [Self; 4] = [Self::Ours, Self::QueryThenPut, Self::Counter, Self::CounterAndLease];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::QueryThenPut => "query, then put",
            Self::Counter => "counter",
            Self::CounterAndLease => "counter and lease",
        }
    }
}

/// The answer to an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Admitted(Fence),
    /// It had its place already.
    Held(Fence),
    Refused,
}

/// A limit of [`LIMIT`] kept in one of these ways.
#[derive(Clone)]
pub(crate) struct Gate {
    pub(crate) design: Design,
    pub(crate) table: Table,
    /// Whether an admission is told with an event, in its transaction.
    pub(crate) told: bool,
    /// Which pod's: so that each run has rows of its own.
    pub(crate) pod: String,
}

fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

fn n(number: impl ToString) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

fn digest() -> Digest {
    Digest::of(b"in force")
}

type Item = HashMap<String, AttributeValue>;

impl Gate {
    fn scope(&self) -> Scope {
        Scope::Pod(id(&self.pod))
    }

    fn key(&self, kind: &str, sk: &str) -> Item {
        [("pk".to_owned(), s(format!("{kind}#{}", self.pod))), ("sk".to_owned(), s(sk))].into()
    }

    /// Makes the row of which `held` places are taken, where the design has one.
    pub(crate) async fn open(&self, held: u32, now: Timestamp) {
        match self.design {
            Design::Ours => {
                let mut row = ScopeState { limit: LIMIT, digest: Some(digest()), ..ScopeState::absent(self.scope()) };
                for number in 0..held {
                    row.leases.insert(id(&format!("before-{number}")), self.lease(Fence(u64::from(number)), now));
                }
                let replace = Operation::Replace { seen: Fence(0), row: Box::new(row) };
                assert_eq!(self.commit(replace, &[], now).await, Committed::Done);
            }
            Design::Counter | Design::CounterAndLease => {
                let mut item = self.key("COUNTER", "STATE");
                item.extend([("v".into(), n(1)), ("limit".into(), n(LIMIT)), ("places".into(), n(held))]);
                let put = Put::builder().table_name("penstock").set_item(Some(item)).build().unwrap();
                assert!(self.write(vec![TransactWriteItem::builder().put(put).build()], None).await);
            }
            Design::QueryThenPut => {}
        }
    }

    fn lease(&self, fence: Fence, now: Timestamp) -> Lease {
        Lease {
            fence,
            holder: id("ada"),
            pod: id("ratio"),
            since: now,
            expires_at: now + TTL,
            scopes: BTreeSet::from([self.scope()]),
        }
    }

    fn event(&self, item: &ItemId, lease: &Lease, now: Timestamp) -> Envelope {
        let acquired = WipLockAcquired {
            item: item.clone(),
            holder: lease.holder.clone(),
            pod: lease.pod.clone(),
            item_type: ItemType::Project,
            fence: lease.fence,
            scopes: lease.scopes.clone(),
            since: lease.since,
            expires_at: lease.expires_at,
            handed_over: false,
            waited_seconds: None,
            exceeded: Vec::new(),
            change: None,
        };
        envelope(now, "bench", &format!("item:{item}"), Event::WipLockAcquired(acquired))
    }

    async fn commit(&self, operation: Operation, events: &[Envelope], now: Timestamp) -> Committed {
        self.table.commit(&BTreeMap::from([(self.scope(), operation)]), events, now).await.unwrap()
    }

    /// One item asks for a place.
    pub(crate) async fn admit(&self, item: &ItemId, now: Timestamp) -> Answer {
        let fence = Fence::after(now, Fence::default());
        let lease = self.lease(fence, now);
        match self.design {
            Design::Ours => self.admit_in_row(item, lease, now).await,
            Design::QueryThenPut => {
                let request = self.table.client().query().table_name("penstock").consistent_read(true);
                let counted = request
                    .select(Select::Count)
                    .key_condition_expression("pk = :pk")
                    .filter_expression("ends > :now")
                    .expression_attribute_values(":pk", s(format!("LEASES#{}", self.pod)))
                    .expression_attribute_values(":now", n(now.as_microsecond()))
                    .send()
                    .await
                    .unwrap();
                if counted.count() >= LIMIT as i32 {
                    return Answer::Refused;
                }
                let event = self.told.then(|| self.event(item, &lease, now));
                assert!(self.write(vec![self.put_lease(item, &lease, None)], event).await);
                Answer::Admitted(fence)
            }
            Design::Counter => {
                let event = self.told.then(|| self.event(item, &lease, now));
                let admitted = self.write(vec![self.count(1)], event).await;
                if admitted { Answer::Admitted(fence) } else { Answer::Refused }
            }
            Design::CounterAndLease => {
                let event = self.told.then(|| self.event(item, &lease, now));
                let lease = self.put_lease(item, &lease, Some("attribute_not_exists(pk)"));
                let admitted = self.write(vec![self.count(1), lease], event).await;
                if admitted { Answer::Admitted(fence) } else { Answer::Refused }
            }
        }
    }

    async fn admit_in_row(&self, item: &ItemId, mut lease: Lease, now: Timestamp) -> Answer {
        loop {
            let events: Vec<_> = self.told.then(|| self.event(item, &lease, now)).into_iter().collect();
            let admit = Operation::Admit { item: item.clone(), lease: lease.clone(), digest: digest() };
            let Committed::Failed(mut rows) = self.commit(admit, &events, now).await else {
                return Answer::Admitted(lease.fence);
            };
            let Some(mut row) = rows.remove(&self.scope()) else { continue };
            if let Some(held) = row.lease(item, now) {
                return Answer::Held(held.fence);
            }
            if row.live_leases(now).count() >= LIMIT as usize {
                return Answer::Refused;
            }
            lease.fence = Fence::after(now, row.fence);
            if row.leases.values().any(|lease| !lease.is_live(now)) {
                // Somebody died: the places that have ended are taken out, if the row is still the one that was seen.
                let seen = row.fence;
                for lease in row.leases.values().filter(|lease| !lease.is_live(now)) {
                    note_release(&mut row.releases, lease.fence, lease.expires_at);
                }
                row.leases.retain(|_, lease| lease.is_live(now));
                self.commit(Operation::Replace { seen, row: Box::new(row) }, &[], now).await;
            }
        }
    }

    /// An item gives its place back.
    pub(crate) async fn release(&self, item: &ItemId, fence: Fence, now: Timestamp) {
        match self.design {
            Design::Ours => {
                let scopes = BTreeSet::from([self.scope()]);
                let release = Operation::Release { item: item.clone(), fence, holder: id("ada"), scopes };
                self.commit(release, &[], now).await;
            }
            // A place that was given back before, by a copy, is no longer there: nothing to do.
            Design::QueryThenPut => {
                self.write(vec![self.delete_lease(item)], None).await;
            }
            Design::Counter => {
                self.write(vec![self.count(-1)], None).await;
            }
            Design::CounterAndLease => {
                self.write(vec![self.count(-1), self.delete_lease(item)], None).await;
            }
        }
    }

    /// The limit stands in the counter's row, so that it may change live.
    fn count(&self, step: i32) -> TransactWriteItem {
        let update = Update::builder()
            .table_name("penstock")
            .set_key(Some(self.key("COUNTER", "STATE")))
            .update_expression("SET places = places + :step")
            .expression_attribute_values(":step", n(step));
        let update = if step > 0 {
            update.condition_expression("places < #limit").expression_attribute_names("#limit", "limit")
        } else {
            update.condition_expression("places > :zero").expression_attribute_values(":zero", n(0))
        };
        TransactWriteItem::builder().update(update.build().unwrap()).build()
    }

    fn put_lease(&self, item: &ItemId, lease: &Lease, condition: Option<&str>) -> TransactWriteItem {
        let mut row = self.key("LEASES", item.as_str());
        row.extend([
            ("v".to_owned(), n(1)),
            ("fence".to_owned(), n(lease.fence)),
            ("holder".to_owned(), s(lease.holder.as_str())),
            ("since".to_owned(), n(lease.since.as_microsecond())),
            ("ends".to_owned(), n(lease.expires_at.as_microsecond())),
        ]);
        let put = Put::builder().table_name("penstock").set_item(Some(row));
        let put = put.set_condition_expression(condition.map(str::to_owned)).build().unwrap();
        TransactWriteItem::builder().put(put).build()
    }

    fn delete_lease(&self, item: &ItemId) -> TransactWriteItem {
        let delete = Delete::builder()
            .table_name("penstock")
            .set_key(Some(self.key("LEASES", item.as_str())))
            .condition_expression("attribute_exists(pk)");
        TransactWriteItem::builder().delete(delete.build().unwrap()).build()
    }

    /// Whether it was written: alone where it is alone, else as a transaction.
    async fn write(&self, mut writes: Vec<TransactWriteItem>, event: Option<Envelope>) -> bool {
        let client = self.table.client();
        writes.extend(event.map(|event| outbox(&event)));
        let written = match writes.as_slice() {
            [TransactWriteItem { update: Some(update), .. }] => {
                let update = update.clone();
                let request = client.update_item().table_name("penstock").set_key(Some(update.key));
                let request = request.update_expression(update.update_expression);
                let request = request.set_condition_expression(update.condition_expression);
                let request = request.set_expression_attribute_names(update.expression_attribute_names);
                let sent = request.set_expression_attribute_values(update.expression_attribute_values).send().await;
                sent.map(drop).map_err(|error| format!("{:?}", error.into_service_error()))
            }
            [TransactWriteItem { put: Some(put), .. }] => {
                let request = client.put_item().table_name("penstock").set_item(Some(put.item.clone()));
                let sent = request.set_condition_expression(put.condition_expression.clone()).send().await;
                sent.map(drop).map_err(|error| format!("{:?}", error.into_service_error()))
            }
            [TransactWriteItem { delete: Some(delete), .. }] => {
                let request = client.delete_item().table_name("penstock").set_key(Some(delete.key.clone()));
                let sent = request.set_condition_expression(delete.condition_expression.clone()).send().await;
                sent.map(drop).map_err(|error| format!("{:?}", error.into_service_error()))
            }
            _ => {
                let sent = client.transact_write_items().set_transact_items(Some(writes)).send().await;
                sent.map(drop).map_err(|error| format!("{:?}", error.into_service_error()))
            }
        };
        match written {
            Ok(()) => true,
            Err(error) if error.contains("ConditionalCheckFailed") => false,
            Err(error) => panic!("{error}"),
        }
    }
}

/// The row that the relay would read, as the adapter writes it.
fn outbox(event: &Envelope) -> TransactWriteItem {
    let row = OutboxRow::of(event).unwrap();
    let mut item: Item = [
        ("pk".to_owned(), s(format!("OUTBOX#{}", row.event_id.shard()))),
        ("sk".to_owned(), s(row.event_id.as_str())),
        ("v".to_owned(), n(1)),
        ("correlation_id".to_owned(), s(event.meta.correlation_id.as_str())),
    ]
    .into();
    let fields = serde_json::to_value(&row).unwrap();
    let fields = fields.as_object().unwrap().iter();
    item.extend(fields.map(|(name, value)| (name.clone(), s(value.as_str().unwrap()))));
    let put = Put::builder().table_name("penstock").set_item(Some(item)).build().unwrap();
    TransactWriteItem::builder().put(put).build()
}
