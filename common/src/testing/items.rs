//! Work items, in memory.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::wip::commit;
use crate::{
    domain::{
        id::{ItemId, RequestId},
        stage::{Answered, Dossier},
    },
    fault::Fault,
    ports::{Committed, Found, ItemChange, ItemCommitted, ItemRows, MAX_WEIGHT, Page},
    testing::World,
};

#[derive(Default)]
pub(super) struct State {
    dossiers: BTreeMap<ItemId, Dossier>,
    answered: BTreeMap<(ItemId, RequestId), Answered>,
    unreadable: BTreeSet<ItemId>,
}

impl World {
    /// Every item with what its gates look at.
    pub fn dossiers(&self) -> BTreeMap<ItemId, Dossier> {
        self.state().items.dossiers.clone()
    }

    /// From now on the row of this item cannot be read.
    pub fn garble_item(&self, id: &ItemId) {
        self.state().items.unreadable.insert(id.clone());
    }
}

impl ItemRows for World {
    async fn item(&self, id: &ItemId, request: Option<&RequestId>) -> Result<Found, Fault> {
        self.call("ItemRows.item", id.as_str(), false, |state| {
            if state.items.unreadable.contains(id) {
                return Err(Fault::bug(format!("the row of {id} does not hold what it should")));
            }
            let answered = request.and_then(|request| state.items.answered.get(&(id.clone(), request.clone())));
            Ok(Found { dossier: state.items.dossiers.get(id).cloned(), answered: answered.cloned() })
        })
    }

    async fn items(&self, after: Option<&ItemId>, most: usize) -> Result<Page, Fault> {
        self.call("ItemRows.items", "", false, |state| {
            let mut rest = state
                .items
                .dossiers
                .values()
                .map(|dossier| &dossier.item)
                .filter(|item| after.is_none_or(|id| *id < item.id));
            let (unreadable, items): (Vec<_>, Vec<_>) =
                rest.by_ref().take(most).cloned().partition(|item| state.items.unreadable.contains(&item.id));
            let last = items.iter().chain(&unreadable).map(|item| item.id.clone()).max();
            let unreadable =
                unreadable.iter().map(|item| format!("the row of {} does not hold what it should", item.id));
            Ok(Page { items, unreadable: unreadable.collect(), next: last.filter(|_| rest.next().is_some()) })
        })
    }

    async fn commit_item(&self, change: &ItemChange, now: Timestamp) -> Result<ItemCommitted, Fault> {
        self.call("ItemRows.commit", change.item.as_str(), true, |state| {
            if !change.fits() {
                let weight = change.weight();
                return Err(Fault::bug(format!("{weight} changes do not fit into one transaction of {MAX_WEIGHT}")));
            }
            let stands = state.items.dossiers.get(&change.item).map_or(0, |dossier| dossier.item.version);
            let request =
                change.answered.as_ref().map(|answered| (change.item.clone(), answered.request.request_id.clone()));
            let seen = change.dossier.as_ref().is_none_or(|(seen, _)| *seen == stands);
            let new = request.as_ref().is_none_or(|key| !state.items.answered.contains_key(key));
            if !seen || !new {
                return Ok(ItemCommitted::Lost);
            }
            match commit(state, &change.writes, &change.events, Some(&change.entry), now)? {
                Committed::Done => {}
                Committed::Failed(_) | Committed::Conflict => return Ok(ItemCommitted::Lost),
            }
            if let Some((_, dossier)) = &change.dossier {
                state.items.dossiers.insert(change.item.clone(), dossier.clone());
            }
            state.items.answered.extend(request.zip(change.answered.clone()));
            Ok(ItemCommitted::Done)
        })
    }
}
