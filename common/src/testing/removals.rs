//! Refused removals, in memory.

use std::collections::BTreeMap;

use crate::{
    domain::{
        cluster::RefusedRemovals,
        id::{Digest, RepositoryId},
    },
    fault::Fault,
    ports::{OutboxRow, RemovalRows, RemovalsChange, SaidCommitted},
    testing::World,
};

#[derive(Default)]
pub(super) struct State {
    refused: BTreeMap<(RepositoryId, Digest), RefusedRemovals>,
}

impl RemovalRows for World {
    async fn removals(&self, repository: RepositoryId) -> Result<Vec<RefusedRemovals>, Fault> {
        self.call("RemovalRows.removals", "", false, |state| {
            let of_it = state.removals.refused.iter().filter(|((owner, _), _)| *owner == repository);
            Ok(of_it.map(|(_, refused)| refused.clone()).collect())
        })
    }

    async fn commit_removals(&self, change: &RemovalsChange) -> Result<SaidCommitted, Fault> {
        self.call("RemovalRows.commit", &change.entry.subject, true, |state| {
            let events = change.events.iter().map(OutboxRow::of).collect::<Result<Vec<_>, _>>()?;
            let key = (change.now.removals.repository, change.now.removals.digest());
            if state.removals.refused.get(&key) != change.before.as_ref() {
                return Ok(SaidCommitted::Already);
            }
            state.removals.refused.insert(key, change.now.clone());
            state.store.put_outbox(events);
            state.store.append(change.entry.clone());
            Ok(SaidCommitted::Done)
        })
    }
}
