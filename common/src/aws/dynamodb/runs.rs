//! Holds in one partition, and what is said of a run in a partition of the run's own.
//!
//! Both carry an end, long after which TTL collects them; the audit chain keeps what was said. What a hold's end means is compared by who
//! reads it, never left to TTL.

use aws_sdk_dynamodb::types::TransactWriteItem;
use jiff::{SignedDuration, Timestamp};

use super::{
    Table,
    item::{epoch, from_json, row, to_json},
    key::{GATE_ROW, HOLDS, Key, LINK_PREFIX, run_of},
};
use crate::{
    domain::{
        id::{ExecutionId, PipelineName},
        run::{Approval, Hold, Told},
    },
    fault::Fault,
    ports::{RunChange, RunRecord, RunRows, RunSaid, SaidCommitted},
};

/// The IAM actions that [`RunRows`] needs: a transaction needs the right to each of its parts.
pub const RUN_ACTIONS: &[&str] = &["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"];

/// How long a row stays after it has ended: longer than any execution that could still ask, whose gate waits 60 days at most.
const KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);

impl RunRows for Table {
    async fn holds(&self) -> Result<Vec<Hold>, Fault> {
        self.query("listing holds", HOLDS).await?.iter().map(from_json).collect()
    }

    async fn run(&self, pipeline: &PipelineName, execution: &ExecutionId) -> Result<RunRecord, Fault> {
        let mut record = RunRecord::default();
        for row in self.query("reading what is kept of a run", &run_of(pipeline, execution)).await? {
            let sk = row.get("sk").and_then(|sk| sk.as_s().ok()).map_or("", String::as_str);
            if sk == GATE_ROW {
                record.told = Some(from_json(&row)?);
            } else if let Some(digest) = sk.strip_prefix(LINK_PREFIX) {
                let broken = |error| Fault::bug_from("reading a link that was used", error);
                record.links.insert(digest.parse().map_err(broken)?);
            } else {
                record.approvals.push(from_json(&row)?);
            }
        }
        Ok(record)
    }

    async fn commit_run(&self, change: &RunChange) -> Result<SaidCommitted, Fault> {
        let mut once = vec![self.said(&change.said)?];
        once.extend(self.used(&change.said)?);
        self.commit_said("writing what was said of a run", once, &change.events, &change.entry).await
    }
}

impl Table {
    /// That a link has taken its answer, for one that came by it.
    fn used(&self, said: &RunSaid) -> Result<Option<TransactWriteItem>, Fault> {
        let RunSaid::Answer(pipeline, approval) = said else { return Ok(None) };
        let Some(link) = &approval.link else { return Ok(None) };
        let key = Key::Link(pipeline.clone(), approval.execution.clone(), link.clone());
        let end = epoch(approval.at.saturating_add(KEPT).unwrap_or(Timestamp::MAX));
        let put = self.over(self.put(row(&key, [("expires_at", end)])), None).build();
        put.map(Self::put_item).map(Some).map_err(|error| Fault::bug_from("writing that a link was used", error))
    }

    fn said(&self, said: &RunSaid) -> Result<TransactWriteItem, Fault> {
        let end = |from: Timestamp| epoch(from.saturating_add(KEPT).unwrap_or(Timestamp::MAX));
        // What is overwritten must be what was read.
        let (key, json, expires_at, before) = match said {
            RunSaid::Hold(hold) => (Key::Hold(hold.id.clone()), to_json(hold)?, end(hold.until), None),
            RunSaid::Lift(hold, lifted) => {
                let after = Hold { lifted: Some(lifted.clone()), ..hold.clone() };
                (Key::Hold(hold.id.clone()), to_json(&after)?, end(hold.until), Some(to_json(hold)?))
            }
            RunSaid::Answer(pipeline, approval) => {
                let Approval { execution, by, answer, commit, at, .. } = approval;
                let key = Key::Answer(pipeline.clone(), execution.clone(), by.clone(), *answer, commit.clone());
                (key, to_json(approval)?, end(*at), None)
            }
            RunSaid::Gate { pipeline, before, now } => {
                let Told { execution, at, .. } = now;
                let before = before.as_ref().map(to_json).transpose()?;
                (Key::Gate(pipeline.clone(), execution.clone()), to_json(now)?, end(*at), before)
            }
        };
        let put = self.put(row(&key, [("json", json), ("expires_at", expires_at)]));
        let put =
            self.over(put, before).build().map_err(|error| Fault::bug_from("writing what was said of a run", error))?;
        Ok(Self::put_item(put))
    }
}
