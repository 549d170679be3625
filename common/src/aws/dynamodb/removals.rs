//! Refused removals, in one partition a repository.

use jiff::SignedDuration;

use super::{
    Table,
    item::{epoch, from_json, row, to_json},
    key::{Key, removals_of},
};
use crate::{
    domain::{cluster::RefusedRemovals, id::RepositoryId},
    fault::Fault,
    ports::{RemovalRows, RemovalsChange, SaidCommitted},
};

/// The IAM actions that [`RemovalRows`] needs: a transaction needs the right to each of its parts.
pub const REMOVAL_ACTIONS: &[&str] = &["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"];

/// How long a row stays after it was written. Who made an earlier commit that asked for the same is known for so long; the audit chain
/// keeps what was said.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

impl RemovalRows for Table {
    async fn removals(&self, repository: RepositoryId) -> Result<Vec<RefusedRemovals>, Fault> {
        self.query("listing refused removals", &removals_of(repository)).await?.iter().map(from_json).collect()
    }

    async fn commit_removals(&self, change: &RemovalsChange) -> Result<SaidCommitted, Fault> {
        let RemovalsChange { before, now, events, entry } = change;
        let what = "writing what was said of refused removals";
        let key = Key::Removals(now.removals.repository, now.removals.digest());
        let end = epoch(entry.at.saturating_add(KEPT).unwrap_or(jiff::Timestamp::MAX));
        let put = self.put(row(&key, [("json", to_json(now)?), ("expires_at", end)]));
        let put = self.over(put, before.as_ref().map(to_json).transpose()?);
        let put = put.build().map_err(|error| Fault::bug_from(what, error))?;
        self.commit_said(what, vec![Self::put_item(put)], events, entry).await
    }
}
