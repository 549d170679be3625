//! Keeping the places of items that are under way. A lease ends unless it is renewed; an item is under way until it is moved aside or to its
//! end, whoever forgets it. Level-triggered: what stands in the rows decides.

use std::collections::BTreeSet;

use common::{
    domain::{
        id::{CorrelationId, ItemId},
        stage::{Item, Position},
        wip::{
            Lease, Scope,
            admission::{Asked, held},
            holding,
            settle::Rows,
            transfer::transfer,
        },
    },
    fault::Fault,
    ports::{ItemRows, Page, Patience, Pause, Sources, WipRows},
};
use jiff::{SignedDuration, Timestamp};

use crate::service::ItemGates;

/// How many items one read takes.
const PAGE: usize = 100;

impl<R: ItemRows + WipRows, C: Pause, H: Sources> ItemGates<R, C, H> {
    /// Moves the end of each lease that has less than half of its time left, and asks again for the place of an item that has none.
    /// What fails for one item keeps no other from being looked at.
    ///
    /// # Errors
    /// The first fault, after everything was tried.
    pub async fn keep_places(&self, cause: &CorrelationId) -> Result<(), Fault> {
        let rows = WipRows::load(&self.rows, &BTreeSet::from([Scope::Portfolio])).await?;
        let mut first = Ok(());
        let mut after: Option<ItemId> = None;
        loop {
            let Page { items, unreadable, next } = self.rows.items(after.as_ref(), PAGE).await?;
            for fault in unreadable {
                tracing::error!(fault, "this item cannot be read: its place is not kept");
                first = first.and(Err(Fault::bug("an item's row cannot be read: the log says which")));
            }
            for item in items.iter().filter(|item| matches!(item.position, Position::Active { .. })) {
                if let Err(fault) = self.keep(item, &rows, cause).await {
                    tracing::error!(item = %item.id, fault = fault.chain(), "its place could not be kept");
                    first = first.and(Err(fault));
                }
            }
            after = next;
            if after.is_none() {
                return first;
            }
        }
    }

    async fn keep(&self, item: &Item, seen: &Rows, cause: &CorrelationId) -> Result<(), Fault> {
        let limits = &self.governance.limits;
        let now = self.now();
        // A lease under other attributes is none of this stage's: whoever moved it counts where they are not.
        let here = |lease: &&Lease| self.place(item).is_ok_and(|place| place.scopes == lease.scopes);
        if let Some(lease) = held(&item.id, seen, now).filter(here) {
            let half = SignedDuration::from_secs(i64::from(limits.default_ttl_seconds) / 2);
            if lease.expires_at.duration_since(now) < half {
                let step = holding::renew(&item.id, lease, None, limits, now);
                // When it is not any more as it was read, it was just moved or given back: the next look finds what is.
                WipRows::commit(&self.rows, &step.writes, &[], now).await?;
            }
            return Ok(());
        }
        let mut patience = Patience::new(&self.clock);
        loop {
            // As it is now: it may have moved or ended since the list was read.
            let Some(dossier) = self.rows.item(&item.id, None).await?.dossier else { return Ok(()) };
            if !matches!(dossier.item.position, Position::Active { .. }) {
                return Ok(());
            }
            let request = match self.place(&dossier.item) {
                Ok(request) => request,
                Err(scopes) => {
                    let scopes: Vec<String> = scopes.iter().map(ToString::to_string).collect();
                    let what = format!("{} has no place: limits.yaml has no rule for {}", item.id, scopes.join(", "));
                    return Err(Fault::bug(what));
                }
            };
            let ask = |rows: &Rows, now: Timestamp| transfer(&request, rows, limits, now);
            let decided = self.over(&request.scopes, ask).await?;
            if self.commit_places(&decided, cause).await? {
                if let Asked::Waits { .. } | Asked::NoTicket { .. } = decided.answer.answer {
                    tracing::warn!(item = %item.id, "it is under way without a place, and waits for one");
                }
                return Ok(());
            }
            self.again(&mut patience, "keeping the place of", &item.id).await?;
        }
    }
}
