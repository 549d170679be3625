//! The rows of the limits on work in progress, in memory: the operations run as the domain says them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::{
    domain::{
        audit::Draft,
        wip::{Scope, ScopeState, operation::Operation},
    },
    event::Envelope,
    fault::Fault,
    ports::{Committed, MAX_WEIGHT, OutboxRow, WipRows, weight},
    testing::World,
};

#[derive(Default)]
pub(super) struct State {
    rows: BTreeMap<Scope, ScopeState>,
    /// How many commits from now on meet somebody else at the same rows.
    conflicts: usize,
}

impl State {
    fn row(&self, scope: &Scope) -> ScopeState {
        self.rows.get(scope).cloned().unwrap_or_else(|| ScopeState::absent(scope.clone()))
    }
}

impl World {
    /// The rows of all scopes.
    pub fn wip_rows(&self) -> BTreeMap<Scope, ScopeState> {
        self.state().wip.rows.clone()
    }

    /// Lets the next commits of rows meet somebody else at the same rows: so many of them change nothing.
    pub fn conflict_on_wip_rows(&self, times: usize) {
        self.state().wip.conflicts = times;
    }
}

impl WipRows for World {
    async fn load(&self, scopes: &BTreeSet<Scope>) -> Result<BTreeMap<Scope, ScopeState>, Fault> {
        self.call("WipRows.load", words(scopes), false, |state| {
            if scopes.len() > MAX_WEIGHT {
                return Err(Fault::bug(format!("{} rows do not fit into one read of {MAX_WEIGHT}", scopes.len())));
            }
            Ok(scopes.iter().map(|scope| (scope.clone(), state.wip.row(scope))).collect())
        })
    }

    async fn scopes(&self) -> Result<BTreeSet<Scope>, Fault> {
        self.call("WipRows.scopes", "", false, |state| Ok(state.wip.rows.keys().cloned().collect()))
    }

    async fn commit_recorded(
        &self,
        writes: &BTreeMap<Scope, Operation>,
        events: &[Envelope],
        entry: Option<&Draft>,
        now: Timestamp,
    ) -> Result<Committed, Fault> {
        self.call("WipRows.commit", words(writes.keys()), true, |state| commit(state, writes, events, entry, now))
    }
}

/// One transaction, with everything else that it changes: `World` has one lock, so that nothing comes between.
pub(super) fn commit(
    state: &mut super::State,
    writes: &BTreeMap<Scope, Operation>,
    events: &[Envelope],
    entry: Option<&Draft>,
    now: Timestamp,
) -> Result<Committed, Fault> {
    let weight = weight(writes, events, entry);
    if weight > MAX_WEIGHT {
        return Err(Fault::bug(format!("{weight} changes do not fit into one transaction of {MAX_WEIGHT}")));
    }
    if weight > 0 && state.wip.conflicts > 0 {
        state.wip.conflicts -= 1;
        return Ok(Committed::Conflict);
    }
    for (scope, operation) in writes {
        match operation {
            Operation::Replace { row, .. } if row.scope != *scope => {
                return Err(Fault::bug(format!("the row of {} was to be written as that of {scope}", row.scope)));
            }
            _ => {}
        }
    }
    let events = events.iter().map(OutboxRow::of).collect::<Result<Vec<_>, _>>()?;
    let rows: BTreeMap<_, _> = writes.keys().map(|scope| (scope.clone(), state.wip.row(scope))).collect();
    let failed: BTreeMap<_, _> = rows
        .iter()
        .filter(|(scope, row)| !writes[*scope].holds(row, now))
        .map(|(scope, row)| (scope.clone(), row.clone()))
        .collect();
    if !failed.is_empty() {
        return Ok(Committed::Failed(failed));
    }
    let written = rows.into_iter().map(|(scope, row)| {
        let after = writes[&scope].apply(row, now);
        (scope, after)
    });
    state.wip.rows.extend(written);
    state.store.put_outbox(events);
    if let Some(draft) = entry {
        state.store.append(draft.clone());
    }
    Ok(Committed::Done)
}

fn words<'a>(scopes: impl IntoIterator<Item = &'a Scope>) -> String {
    scopes.into_iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}
