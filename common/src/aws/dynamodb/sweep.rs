//! What the sweep remembers, and the outbox as it sees it: rows that the relay has not published.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use jiff::{SignedDuration, Timestamp};

use super::{
    Table,
    item::{Item, from_json, known, place, row, s, text, to_json},
    key::{Key, OUTBOX_PREFIX},
    transact::{Attempt, retry},
};
use crate::{
    aws::fault,
    domain::id::{BranchName, EventId, RepositoryId},
    fault::Fault,
    ports::{BranchRows, SaidCommitted, SeenChange, StuckEvent, SweepRows},
    runtime::SystemClock,
};

/// The IAM actions that [`SweepRows`] needs: a transaction needs the right to each of its parts.
pub const SWEEP_ACTIONS: &[&str] = &["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"];

/// How many partitions the outbox has: [`EventId::shard`].
const SHARDS: u8 = 16;

/// How long a lost race is tried again: only another sweep is at the same rows.
const BUDGET: SignedDuration = SignedDuration::from_secs(2);

impl SweepRows for Table {
    async fn branch_rows(&self, repository: RepositoryId, branch: &BranchName) -> Result<BranchRows, Fault> {
        let seen = self.one("reading a branch as it was seen", &Key::Seen(repository, branch.clone())).await?;
        let fence = self.one("reading a branch's generation", &Key::Fence(repository, branch.clone())).await?;
        let reconciled = fence.as_ref().map(|fence| {
            let head = text(known(fence)?, "head")?;
            head.parse().map_err(|error| Fault::bug(format!("the row {} has no head: {error}", place(fence))))
        });
        Ok(BranchRows { seen: seen.as_ref().map(from_json).transpose()?, reconciled: reconciled.transpose()? })
    }

    async fn commit_seen(&self, change: &SeenChange) -> Result<SaidCommitted, Fault> {
        let what = "writing a branch as it was seen";
        let key = Key::Seen(change.repository, change.branch.clone());
        let put = self.put(row(&key, [("json", to_json(&change.now)?)]));
        let put = self.over(put, change.before.as_ref().map(to_json).transpose()?);
        let mut parts = vec![Self::put_item(put.build().map_err(|error| Fault::bug_from(what, error))?)];
        parts.extend(self.event_puts(change.event.as_slice())?.into_iter().flatten());
        retry(&SystemClock, BUDGET, what, || {
            let parts = parts.clone();
            async move {
                Ok(match self.transact(what, parts).await? {
                    Attempt::Done(failed) if failed.is_empty() => Attempt::Done(SaidCommitted::Done),
                    Attempt::Done(_) => Attempt::Done(SaidCommitted::Already),
                    Attempt::Again => Attempt::Again,
                })
            }
        })
        .await
    }

    async fn settled_before(&self) -> Result<Option<Timestamp>, Fault> {
        let item = self.one("reading how far deliveries are settled", &Key::Deliveries).await?;
        item.as_ref().map(from_json).transpose()
    }

    async fn settle_before(&self, at: Timestamp) -> Result<(), Fault> {
        let put = self.client.put_item().table_name(&self.name);
        let put = put.set_item(Some(row(&Key::Deliveries, [("json", to_json(&at)?)])));
        put.send().await.map(drop).map_err(|error| fault("writing how far deliveries are settled", error))
    }

    async fn stuck(&self, before: Timestamp) -> Result<Vec<StuckEvent>, Fault> {
        let mut found = Vec::new();
        for shard in 0..SHARDS {
            for item in
                self.query("looking for events that were not published", &format!("{OUTBOX_PREFIX}{shard}")).await?
            {
                match stuck_event(&item) {
                    Ok(event) if event.occurred_at < before => found.push(event),
                    Ok(_) => {}
                    // The relay reports it, too; it keeps no other row from being touched.
                    Err(fault) => tracing::error!(fault = "bug", "{}", fault.chain()),
                }
            }
        }
        found.sort_by(|one, other| (one.occurred_at, &one.event_id).cmp(&(other.occurred_at, &other.event_id)));
        Ok(found)
    }

    async fn touch(&self, event: &EventId, now: Timestamp) -> Result<bool, Fault> {
        let update = self.client.update_item().table_name(&self.name);
        let update = update
            .set_key(Some(Key::Outbox(event.clone()).attributes()))
            .update_expression("SET touched_at = :now")
            // An update makes a row that is not there: a row of nothing but its keys would be no event.
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":now", s(now.to_string()));
        match update.send().await {
            Ok(_) => Ok(true),
            Err(error)
                if matches!(error.as_service_error(), Some(UpdateItemError::ConditionalCheckFailedException(_))) =>
            {
                Ok(false)
            }
            Err(error) => Err(fault("touching an outbox row", error)),
        }
    }
}

impl Table {
    pub(super) async fn one(&self, what: &str, key: &Key) -> Result<Option<Item>, Fault> {
        let request = self.client.get_item().table_name(&self.name).consistent_read(true);
        let answer = request.set_key(Some(key.attributes())).send().await;
        Ok(answer.map_err(|error| fault(what, error))?.item)
    }
}

fn stuck_event(item: &Item) -> Result<StuckEvent, Fault> {
    let malformed = || Fault::bug(format!("the outbox row {} is malformed", place(item)));
    let Some(Key::Outbox(event_id)) = Key::parse(text(item, "pk")?, text(item, "sk")?) else { return Err(malformed()) };
    let occurred_at = text(item, "occurred_at")?.parse().map_err(|_| malformed())?;
    Ok(StuckEvent { event_id, occurred_at })
}
