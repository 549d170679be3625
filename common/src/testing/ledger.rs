//! The ledger of deliveries, in memory.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::{
    domain::{
        id::{DeliveryId, EventId, FunctionName},
        ledger::{About, Note, Notes},
    },
    fault::Fault,
    ports::{Accepted, DeliveryRows, Ledger, LedgerRows, Place},
    testing::World,
};

#[derive(Default)]
pub(super) struct State {
    accepted: BTreeMap<DeliveryId, Accepted>,
    places: BTreeSet<Place>,
    notes: BTreeMap<About, Notes>,
}

impl State {
    /// As intake writes it, with the delivery.
    pub(super) fn accept(&mut self, delivery: &DeliveryId, accepted: Accepted) {
        // A list's moments are to the microsecond.
        let at = Timestamp::from_microsecond(accepted.received_at.as_microsecond()).expect("a moment");
        self.places.insert(Place { at, delivery: delivery.clone() });
        self.accepted.insert(delivery.clone(), accepted);
    }
}

impl World {
    /// All that is noted, by what it is about.
    pub fn noted(&self) -> BTreeMap<About, Notes> {
        self.state().ledger.notes.clone()
    }
}

impl Ledger for World {
    async fn note(&self, about: &About, note: &Note) -> Result<(), Fault> {
        self.call("Ledger.note", note.what.as_str(), true, |state| {
            state.ledger.notes.entry(about.clone()).or_default().add(note.clone());
            Ok(())
        })
    }
}

impl LedgerRows for World {
    async fn delivery(&self, delivery: &DeliveryId) -> Result<DeliveryRows, Fault> {
        self.call("LedgerRows.delivery", delivery.as_str(), false, |state| {
            let notes = state.ledger.notes.get(&About::Delivery(delivery.clone()));
            let accepted = state.ledger.accepted.get(delivery).cloned();
            Ok(DeliveryRows { accepted, notes: notes.cloned().unwrap_or_default() })
        })
    }

    async fn event(&self, event: &EventId) -> Result<BTreeMap<FunctionName, Notes>, Fault> {
        self.call("LedgerRows.event", event.as_str(), false, |state| {
            let of_it = state.ledger.notes.iter().filter_map(|(about, notes)| match about {
                About::Event(found, function) if found == event => Some((function.clone(), notes.clone())),
                _ => None,
            });
            Ok(of_it.collect())
        })
    }

    async fn notes(&self, about: &About) -> Result<Notes, Fault> {
        self.call("LedgerRows.notes", "", false, |state| Ok(state.ledger.notes.get(about).cloned().unwrap_or_default()))
    }

    async fn accepted(
        &self,
        since: Timestamp,
        until: Timestamp,
        after: Option<&Place>,
        most: usize,
    ) -> Result<Vec<Place>, Fault> {
        self.call("LedgerRows.accepted", "", false, |state| {
            let places = state.ledger.places.iter().filter(|place| place.at >= since && place.at < until);
            Ok(places.filter(|place| after.is_none_or(|after| *place > after)).take(most).cloned().collect())
        })
    }
}
