//! The idea ledger, in memory.

use std::collections::BTreeMap;

use crate::{
    domain::{id::ItemId, idea::Idea},
    fault::Fault,
    ports::{IdeaChange, IdeaRows, SaidCommitted},
    testing::World,
};

#[derive(Default)]
pub(super) struct State {
    ideas: BTreeMap<ItemId, Idea>,
}

impl IdeaRows for World {
    async fn idea(&self, id: &ItemId) -> Result<Option<Idea>, Fault> {
        self.call("IdeaRows.idea", id.as_str(), false, |state| Ok(state.ideas.ideas.get(id).cloned()))
    }

    async fn ideas(&self) -> Result<Vec<Idea>, Fault> {
        self.call("IdeaRows.ideas", "", false, |state| Ok(state.ideas.ideas.values().cloned().collect()))
    }

    async fn commit_idea(&self, change: &IdeaChange) -> Result<SaidCommitted, Fault> {
        self.call("IdeaRows.commit", change.after.id.as_str(), true, |state| {
            let after = &change.after;
            if state.ideas.ideas.get(&after.id) != change.before.as_ref() {
                return Ok(SaidCommitted::Already);
            }
            state.store.append(change.entry.clone());
            state.ideas.ideas.insert(after.id.clone(), after.clone());
            Ok(SaidCommitted::Done)
        })
    }
}
