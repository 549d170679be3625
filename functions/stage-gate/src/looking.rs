//! Items as they are, and everything that keeps one from its next stage. Nothing here writes.

use std::collections::BTreeSet;

use common::{
    domain::{
        id::ItemId,
        stage::{Destination, Dossier, MoveRequest, Obstacle, decide, obstacles},
        wip::{
            Scope,
            admission::Asked,
            explain::{Waiting, explain, waiting},
            settle::Rows,
            transfer::transfer,
        },
    },
    fault::Fault,
    ports::{ItemRows, Page, Pause, Sources, WipRows},
};
use jiff::Timestamp;

use crate::service::ItemGates;

/// What keeps an item from where it would go next, if this person asked now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Where it would go; nothing at the end.
    pub next: Option<Destination>,
    /// Everything that the gate would find missing.
    pub missing: Vec<Obstacle>,
    /// The limits that have no room for it there.
    pub full: Option<Waiting>,
    /// The scopes there for which limits.yaml has no rule.
    pub no_rule: Vec<Scope>,
}

impl Explanation {
    /// Whether nothing keeps it.
    pub fn is_open(&self) -> bool {
        self.next.is_some() && self.missing.is_empty() && self.full.is_none() && self.no_rule.is_empty()
    }
}

impl<R: ItemRows + WipRows, C: Pause, H: Sources> ItemGates<R, C, H> {
    /// An item, with what keeps it.
    ///
    /// # Errors
    /// Those of the table.
    pub async fn look(&self, id: &ItemId) -> Result<Option<(Dossier, Explanation)>, Fault> {
        let Some(dossier) = self.rows.item(id, None).await?.dossier else { return Ok(None) };
        let dossier = self.as_it_is(dossier).await?;
        let explanation = self.explain(&dossier).await?;
        Ok(Some((dossier, explanation)))
    }

    /// Some of the items, beginning after this one.
    ///
    /// # Errors
    /// Those of the table.
    pub async fn list(&self, after: Option<&ItemId>, most: usize) -> Result<Page, Fault> {
        self.rows.items(after, most).await
    }

    async fn explain(&self, dossier: &Dossier) -> Result<Explanation, Fault> {
        let item = &dossier.item;
        let pipeline = self.pipeline(&item.pipeline);
        let nothing = Explanation { next: None, missing: Vec::new(), full: None, no_rule: Vec::new() };
        let Some(next) = item.next(&pipeline) else { return Ok(nothing) };
        let request = MoveRequest {
            request_id: "explain".parse().map_err(|error| Fault::bug_from("explaining an item", error))?,
            from: item.position.stage().clone(),
            to: next.clone(),
            // Whoever looks is not who asks: for them the gate would say that their own approval does not count.
            requested_by: item.owner.clone(),
            unproven: false,
            reason: None,
            version: None,
        };
        let groups = self.governance.people.groups_of(item, &self.governance.pods);
        let now = self.now();
        let facts = dossier.facts(&pipeline, &groups);
        let missing = obstacles(facts, &request, &decide(facts, &request, now).unmet);
        let out = next == Destination::Done;
        let explanation = Explanation { next: Some(next), missing, ..nothing };
        // Whoever leaves the last stage takes no place.
        if out {
            return Ok(explanation);
        }
        let limits = &self.governance.limits;
        let place = match self.place(&item.moved(&request.to, now)) {
            Ok(place) => place,
            Err(no_rule) => return Ok(Explanation { no_rule, ..explanation }),
        };
        let decided =
            self.over(&place.scopes, |rows: &Rows, now: Timestamp| transfer(&place, rows, limits, now)).await?;
        let full = match &decided.answer.answer {
            Asked::Held(_) | Asked::Admitted { .. } => None,
            Asked::Waits { rows, .. } | Asked::NoTicket { rows } => {
                // As it is, and not as it would be after asking: it may have no ticket yet.
                let there: BTreeSet<&Scope> = rows.keys().collect();
                let as_it_is: Rows = decided
                    .rows
                    .iter()
                    .filter(|(scope, _)| there.contains(scope))
                    .map(|(scope, row)| (scope.clone(), row.clone()))
                    .collect();
                let found = explain(&item.id, &as_it_is, limits, decided.now).filter(|found| !found.full.is_empty());
                // There is room, and others stand in line for it.
                let behind =
                    || Waiting { ticket: None, position: None, ..waiting(&item.id, rows, limits, decided.now) };
                Some(found.unwrap_or_else(behind))
            }
        };
        Ok(Explanation { full, ..explanation })
    }
}
