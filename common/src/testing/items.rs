//! Work items, in memory.

use std::collections::BTreeMap;

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
}

impl World {
    /// Every item with what its gates look at.
    pub fn dossiers(&self) -> BTreeMap<ItemId, Dossier> {
        self.state().items.dossiers.clone()
    }
}

impl ItemRows for World {
    async fn item(&self, id: &ItemId, request: Option<&RequestId>) -> Result<Found, Fault> {
        self.call("ItemRows.item", id.as_str(), false, |state| {
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
            let items: Vec<_> = rest.by_ref().take(most).cloned().collect();
            Ok(Page { items, more: rest.next().is_some() })
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
