//! Unblocking what is unblockable: a blocker that waits for another item is resolved once that is through its last gate. What was ended or put
//! aside resolves nothing: whoever waited for it must find another way, and the daily unblock says so.

use std::collections::BTreeMap;

use common::{
    domain::{
        id::{BlockerId, CorrelationId, ItemId, PersonName},
        rhythm::Cause,
        stage::{Dossier, Item, Position},
    },
    fault::Fault,
    ports::{ItemRows, Page, Pause, Sources, WipRows},
};

use crate::{blocking::Blocking, service::ItemGates};

/// How many items one read takes.
const PAGE: usize = 100;

/// The blockers of an item that wait for something that is done, each with who answered for that.
fn resolvable(dossier: &Dossier, done: &BTreeMap<ItemId, PersonName>) -> Vec<(BlockerId, PersonName)> {
    let by = |cause: &Cause| match cause {
        Cause::Item(other) => done.get(other).cloned(),
        Cause::Person(_) | Cause::Group(_) | Cause::Outside(_) => None,
    };
    dossier.open_blockers().filter_map(|blocker| Some((blocker.id.clone(), by(&blocker.cause)?))).collect()
}

impl<R: ItemRows + WipRows, C: Pause, H: Sources> ItemGates<R, C, H> {
    /// Resolves the blockers that wait for items that are done. What fails for one item keeps no other from being looked at.
    ///
    /// # Errors
    /// The first fault, after everything was tried.
    pub(crate) async fn unblock_all(&self, cause: &CorrelationId) -> Result<(), Fault> {
        let (mut done, mut blocked) = (BTreeMap::new(), Vec::new());
        let mut after: Option<ItemId> = None;
        loop {
            let Page { items, next, .. } = self.rows.items(after.as_ref(), PAGE).await?;
            for item in items {
                match item.position {
                    Position::Done { .. } => drop(done.insert(item.id, item.owner)),
                    Position::Active { .. } | Position::Parked { .. } if item.blocked_since.is_some() => {
                        blocked.push(item.id);
                    }
                    Position::Active { .. } | Position::Parked { .. } | Position::Killed { .. } => {}
                }
            }
            after = next;
            if after.is_none() {
                break;
            }
        }
        let mut first = Ok(());
        for id in blocked {
            if let Err(fault) = self.unblock(&id, &done, cause).await {
                tracing::error!(item = %id, fault = fault.chain(), "its blockers could not be looked at");
                first = first.and(Err(fault));
            }
        }
        first
    }

    async fn unblock(
        &self,
        id: &ItemId,
        done: &BTreeMap<ItemId, PersonName>,
        cause: &CorrelationId,
    ) -> Result<(), Fault> {
        let Some(dossier) = self.rows.item(id, None).await?.dossier else { return Ok(()) };
        for (blocker, by) in resolvable(&dossier, done) {
            let anybody = |_: &Item| Ok(());
            self.block(id, &Blocking::Resolve(blocker), &by, anybody, cause).await?;
        }
        Ok(())
    }
}
