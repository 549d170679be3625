//! Holds in one partition, and the answers to a run in a partition of the run's own.
//!
//! Both carry an end, long after which TTL collects them; the audit chain keeps what was said. What a hold's end means is compared by who
//! reads it, never left to TTL.

use aws_sdk_dynamodb::types::TransactWriteItem;
use jiff::{SignedDuration, Timestamp};

use super::{
    Table,
    item::{epoch, from_json, row, to_json},
    key::{HOLDS, Key, answers_of},
    transact::{Attempt, MAX_ITEMS},
};
use crate::{
    domain::{
        id::{ExecutionId, PipelineName},
        run::{Approval, Hold},
    },
    fault::Fault,
    ports::{RunChange, RunCommitted, RunRows, RunSaid},
};

/// The IAM actions that [`RunRows`] needs: a transaction needs the right to each of its parts.
pub const RUN_ACTIONS: &[&str] = &["dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"];

/// How long a row stays after it has ended: longer than any execution that could still ask, whose gate waits 60 days at most.
const KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);

impl RunRows for Table {
    async fn holds(&self) -> Result<Vec<Hold>, Fault> {
        self.query("listing holds", HOLDS).await?.iter().map(from_json).collect()
    }

    async fn approvals(&self, pipeline: &PipelineName, execution: &ExecutionId) -> Result<Vec<Approval>, Fault> {
        let partition = answers_of(pipeline, execution);
        self.query("reading the answers to a run", &partition).await?.iter().map(from_json).collect()
    }

    async fn commit_run(&self, change: &RunChange) -> Result<RunCommitted, Fault> {
        let what = "writing what was said of a run";
        let mut parts = vec![self.said(&change.said)?];
        parts.extend(self.event_puts(&change.events)?.into_iter().flatten());
        parts.extend(self.append(change.entry.clone()).await?);
        if parts.len() > MAX_ITEMS {
            let count = parts.len();
            return Err(Fault::bug(format!("{what}: {count} writes do not fit into one transaction of {MAX_ITEMS}")));
        }
        Ok(match self.transact(what, parts).await? {
            Attempt::Done(failed) if failed.is_empty() => RunCommitted::Done,
            Attempt::Done(failed) if failed.iter().any(|failed| failed.at == 0) => RunCommitted::Already,
            // Another entry joined the chain after its head was read.
            Attempt::Done(_) | Attempt::Again => RunCommitted::Conflict,
        })
    }
}

impl Table {
    fn said(&self, said: &RunSaid) -> Result<TransactWriteItem, Fault> {
        let broken = |error| Fault::bug_from("writing what was said of a run", error);
        let end = |from: Timestamp| epoch(from.saturating_add(KEPT).unwrap_or(Timestamp::MAX));
        let (key, json, expires_at) = match said {
            RunSaid::Hold(hold) => (Key::Hold(hold.id.clone()), to_json(hold)?, end(hold.until)),
            RunSaid::Answer(pipeline, approval) => {
                let Approval { execution, by, answer, at, .. } = approval;
                let key = Key::Answer(pipeline.clone(), execution.clone(), by.clone(), *answer);
                (key, to_json(approval)?, end(*at))
            }
            RunSaid::Lift(hold) => {
                let delete = self.delete(Key::Hold(hold.clone()).attributes());
                let delete = delete.condition_expression("attribute_exists(pk)").build().map_err(broken)?;
                return Ok(TransactWriteItem::builder().delete(delete).build());
            }
        };
        let put = self.put(row(&key, [("json", json), ("expires_at", expires_at)]));
        Ok(Self::put_item(put.condition_expression("attribute_not_exists(pk)").build().map_err(broken)?))
    }
}
