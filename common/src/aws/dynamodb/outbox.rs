//! The outbox as the relay sees it: which rows are still there, and deleting those that the bus accepted.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use aws_sdk_dynamodb::types::KeysAndAttributes;
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::{Table, item::text, key::Key};
use crate::{
    aws::fault,
    domain::id::EventId,
    fault::Fault,
    ports::{Outbox, Pause as _},
    runtime::SystemClock,
};

/// The IAM actions that [`Outbox`] needs. Rows are deleted one by one: the right to write in batches would be the right to put.
pub const OUTBOX_ACTIONS: &[&str] = &["dynamodb:BatchGetItem", "dynamodb:DeleteItem"];

/// The most keys that `BatchGetItem` takes.
const MAX_KEYS: usize = 100;

/// How many rows are deleted side by side.
const DELETES: usize = 16;

/// How often keys that the service left unread are asked for, with pauses between.
const ATTEMPTS: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(25);

impl Outbox for Table {
    async fn pending(&self, ids: &[EventId]) -> Result<Vec<EventId>, Fault> {
        let what = "reading the outbox";
        let wanted: Vec<&EventId> = ids.iter().collect::<BTreeSet<_>>().into_iter().collect();
        let mut there = BTreeSet::new();
        for chunk in wanted.chunks(MAX_KEYS) {
            let keys = chunk.iter().map(|id| Key::Outbox((*id).clone()).attributes()).collect();
            let ask = KeysAndAttributes::builder()
                .set_keys(Some(keys))
                .projection_expression("pk, sk")
                .consistent_read(true)
                .build()
                .map_err(|error| Fault::bug_from(what, error))?;
            let mut ask = Some(HashMap::from([(self.name.clone(), ask)]));
            for attempt in 0..ATTEMPTS {
                let answer = self.client.batch_get_item().set_request_items(ask).send().await;
                let answer = answer.map_err(|error| fault(what, error))?;
                for item in answer.responses.into_iter().flat_map(|mut tables| tables.remove(&self.name)).flatten() {
                    match Key::parse(text(&item, "pk")?, text(&item, "sk")?) {
                        Some(Key::Outbox(id)) => drop(there.insert(id)),
                        _ => return Err(Fault::bug("the table answered with a row that was not asked for")),
                    }
                }
                ask = answer.unprocessed_keys.filter(|unread| !unread.is_empty());
                if ask.is_none() {
                    break;
                }
                SystemClock.pause(FIRST_PAUSE * 2u32.pow(attempt)).await;
            }
            if ask.is_some() {
                return Err(Fault::retry(format!("{what}: the table left keys unread {ATTEMPTS} times")));
            }
        }
        Ok(ids.iter().filter(|id| there.contains(*id)).cloned().collect())
    }

    async fn accepted(&self, ids: &[EventId]) -> Result<(), Fault> {
        let deletes = ids.iter().map(|id| async move {
            let request = self.client.delete_item().table_name(&self.name);
            let deleted = request.set_key(Some(Key::Outbox(id.clone()).attributes())).send().await;
            deleted.map_err(|error| fault("deleting an outbox row after the bus accepted it", error)).map(drop)
        });
        stream::iter(deletes.collect::<Vec<_>>()).buffer_unordered(DELETES).try_collect().await
    }
}
