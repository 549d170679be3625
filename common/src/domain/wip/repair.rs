//! What no transaction of ours leaves behind, but a restored table or an edit by hand could: a lease that stands in some of its scopes
//! only, or differently in two of them.
//!
//! The portfolio's row decides, because that is where an item's lease is looked up: what stands there is put into the scopes that lack
//! it, and what does not stand there is taken out of the others. Both ways. A reservation is no part of that: it stays where it is whole and
//! its item still has the lease that it was made beside.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{
    admission::{Step, writes},
    fact::Fact,
    limits::Limits,
    scope::Scope,
    settle::{Next, Rows, settle},
    state::Lease,
};
use crate::domain::id::ItemId;

/// The items whose lease is not the same in all its scopes, among rows that may be of slightly different moments: suspects.
pub fn torn(rows: &Rows, now: Timestamp) -> BTreeSet<ItemId> {
    let mut suspects = BTreeSet::new();
    for row in rows.values() {
        for (item, lease) in row.live_leases(now) {
            let whole = lease.scopes.contains(&row.scope)
                && lease.scopes.iter().all(|scope| rows.get(scope).and_then(|row| row.leases.get(item)) == Some(lease));
            if !whole {
                suspects.insert(item.clone());
            }
        }
    }
    suspects
}

/// The scopes that a suspect's repair has to look at first: where it stands, and the portfolio.
pub fn suspected_scopes(item: &ItemId, rows: &Rows) -> BTreeSet<Scope> {
    let standing = rows.values().filter(|row| row.leases.contains_key(item)).map(|row| row.scope.clone());
    standing.chain([Scope::Portfolio]).collect()
}

/// Makes an item's lease the same in all its scopes. The answer: whether there was something to mend.
pub fn repair(item: &ItemId, before: &Rows, limits: &Limits, now: Timestamp) -> Next<Step<bool>> {
    let standing: Vec<&Lease> = before.values().filter_map(|row| row.lease(item, now)).collect();
    let needed: BTreeSet<Scope> =
        standing.iter().flat_map(|lease| lease.scopes.iter().cloned()).chain([Scope::Portfolio]).collect();
    let missing: BTreeSet<Scope> = needed.into_iter().filter(|scope| !before.contains_key(scope)).collect();
    if !missing.is_empty() {
        return Next::Need(missing);
    }
    let home = before.get(&Scope::Portfolio).and_then(|row| row.lease(item, now)).cloned();
    // What cannot be read proves nothing against it.
    let good = |lease: &Lease| {
        let whole =
            |scope: &Scope| before.get(scope).is_some_and(|row| !row.readable || row.leases.get(item) == Some(lease));
        let beside = |home: &Lease| home.fence < lease.fence && home.scopes.is_disjoint(&lease.scopes);
        lease.is_reservation() && lease.scopes.iter().all(whole) && home.as_ref().is_some_and(beside)
    };
    let mut rows = before.clone();
    let mut gone: BTreeMap<_, Lease> = BTreeMap::new();
    for row in rows.values_mut().filter(|row| row.readable) {
        let wanted = home.as_ref().filter(|lease| lease.scopes.contains(&row.scope));
        match (row.lease(item, now).cloned(), wanted) {
            (found, Some(lease)) if found.as_ref() != Some(lease) => {
                row.fence = row.fence.max(lease.fence);
                row.leases.insert(item.clone(), lease.clone());
            }
            (Some(found), None) if !good(&found) => {
                row.leases.remove(item);
                gone.insert(found.fence, found);
            }
            _ => {}
        }
    }
    if rows == *before {
        return Next::Ready(Step { writes: BTreeMap::new(), facts: Vec::new(), answer: false });
    }
    settle(rows, None, limits, now).map(|settled| {
        // A lease that stands nowhere any more has ended; one that stands in the portfolio goes on.
        let ended = gone.into_values().filter(|lease| home.as_ref().is_none_or(|home| home.fence != lease.fence));
        let released = ended.map(|lease| Fact::Released { item: item.clone(), lease, by: None });
        Step {
            writes: writes(before, settled.rows, None),
            facts: released.chain(settled.facts).collect(),
            answer: true,
        }
    })
}
