//! Intake: delivery, body key, outbox row and the delivery's place in the list of all, in one call.
//!
//! The delivery id is not signed, so the body's own digest is the second key. Both are guarded; the outbox row needs no guard of its
//! own, because the same event id holds the same event.
//!
//! The list of deliveries is rows of its own and not the index: it is read consistently, so that what was answered 202 stands in it.

use jiff::SignedDuration;

use super::{
    Table,
    item::{Item, epoch, outbox, place, row, s, text},
    key::Key,
    transact::{Attempt, Failed, retry},
};
use crate::{
    event::Envelope,
    fault::Fault,
    ports::{Delivery, Intake, Recorded},
    runtime::SystemClock,
};

/// The IAM actions that [`Intake`] needs: a transaction of puts needs the right to put.
pub const INTAKE_ACTIONS: &[&str] = &["dynamodb:PutItem"];

/// How long a conflict with a concurrent copy is retried; GitHub waits ten seconds for an answer.
const BUDGET: SignedDuration = SignedDuration::from_secs(2);

const DELIVERY: usize = 0;

impl Intake for Table {
    async fn record(&self, delivery: &Delivery, event: &Envelope) -> Result<Recorded, Fault> {
        let what = format!("recording the delivery {}", delivery.id);
        let outbox = outbox(event)?;
        let body = Key::Body { event_name: delivery.event_name.clone(), body: delivery.body.clone() };
        let rows = [
            row(
                &Key::Delivery(delivery.id.clone()),
                [
                    ("event_name", s(&delivery.event_name)),
                    ("body", s(delivery.body.as_str())),
                    ("received_at", s(delivery.received_at.to_string())),
                    ("event_id", s(event.meta.event_id.as_str())),
                    ("expires_at", epoch(delivery.expires_at)),
                ],
            ),
            row(&body, [("delivery", s(delivery.id.as_str())), ("expires_at", epoch(delivery.expires_at))]),
        ];
        let guarded = |item: &Item| {
            self.put(item.clone())
                .condition_expression("attribute_not_exists(pk) OR expires_at <= :now")
                .expression_attribute_values(":now", epoch(delivery.received_at))
                .build()
                .map_err(|error| Fault::bug_from(&what, error))
        };
        let [delivery_put, body_put] = [guarded(&rows[DELIVERY])?, guarded(&rows[1])?];
        let plain = |item: Item| self.put(item).build().map_err(|error| Fault::bug_from(&what, error));
        let listed = Key::Received(delivery.received_at, delivery.id.clone());
        let listed_put = plain(row(&listed, [("expires_at", epoch(delivery.expires_at))]))?;
        let items = [delivery_put, body_put, plain(outbox)?, listed_put].map(Table::put_item).to_vec();

        retry(&SystemClock, BUDGET, &what, || {
            let (items, what) = (items.clone(), &what);
            async move {
                Ok(match self.transact(what, items).await? {
                    Attempt::Done(failed) => Attempt::Done(judge(delivery, &failed)?),
                    Attempt::Again => Attempt::Again,
                })
            }
        })
        .await
    }
}

/// What the rows that stand in the way say: the delivery's own comes before the body's.
fn judge(delivery: &Delivery, failed: &[Failed]) -> Result<Recorded, Fault> {
    let Some(first) = failed.first() else { return Ok(Recorded::Accepted) };
    let found = first.found.as_ref().ok_or_else(|| {
        Fault::bug("the table did not say which delivery stands in the way: is this an emulator without ALL_OLD?")
    })?;
    if first.at != DELIVERY {
        let first = text(found, "delivery")?.parse();
        return Ok(Recorded::DuplicateBody {
            first: first.map_err(|error| Fault::bug(format!("the row {} has no delivery: {error}", place(found))))?,
        });
    }
    let same = text(found, "body")? == delivery.body.as_str() && text(found, "event_name")? == delivery.event_name;
    Ok(if same { Recorded::DuplicateDelivery } else { Recorded::DeliveryIdReused })
}
