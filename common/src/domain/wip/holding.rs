//! What a holder does with its place, and what a person does with a limit: renewal, release, change, and the sweep.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::{
    admission::{Step, writes},
    fact::{Fact, LimitCause, Over},
    limits::Limits,
    operation::Operation,
    scope::Scope,
    settle::{Next, Rows, meet_in_the_portfolio, settle},
    state::{Fence, Lease, Override, ScopeState, note_release},
};
use crate::domain::id::{ItemId, PersonName};

/// What rows know of an item's lease and of the fence that somebody names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// The lease is live and the fence is its own.
    Yes(Lease),
    /// The lease is live under another fence, or this one has expired: the place may be somebody else's already.
    Stale {
        /// The fence of the item's live lease, when it has one.
        present: Option<Fence>,
    },
    /// The item holds nothing.
    No,
}

/// Whether an item holds its place under this fence. A reservation's fence is no word for it: nobody renews one or gives it back alone.
pub fn held_under(item: &ItemId, fence: Fence, rows: &Rows, now: Timestamp) -> Held {
    let mut leases = rows.values().filter_map(|row| row.leases.get(item)).filter(|lease| !lease.is_reservation());
    match (leases.clone().find(|lease| lease.is_live(now)), leases.next()) {
        (Some(lease), _) if lease.fence == fence => Held::Yes(lease.clone()),
        (Some(lease), _) => Held::Stale { present: Some(lease.fence) },
        (None, Some(_)) => Held::Stale { present: None },
        (None, None) => Held::No,
    }
}

/// Moves a lease's end to `ttl_seconds` from now, in all its rows.
pub fn renew(item: &ItemId, lease: &Lease, ttl_seconds: Option<u32>, limits: &Limits, now: Timestamp) -> Step<Lease> {
    let seconds = ttl_seconds.unwrap_or(limits.default_ttl_seconds).clamp(1, limits.max_ttl_seconds);
    let expires_at = now.saturating_add(SignedDuration::from_secs(seconds.into())).unwrap_or(Timestamp::MAX);
    let renew = || Operation::Renew { item: item.clone(), lease: lease.clone(), expires_at };
    Step {
        writes: lease.scopes.iter().map(|scope| (scope.clone(), renew())).collect(),
        facts: Vec::new(),
        answer: Lease { expires_at, ..lease.clone() },
    }
}

/// Gives a place back without having read its rows. It holds when the lease is live under this fence, is this person's, has exactly
/// these scopes, and nobody waits in them.
///
/// Nothing when the scopes do not say whose pod it is. When the lease began is read off its fence, which is made from the clock.
pub fn release_at_once(
    item: &ItemId,
    fence: Fence,
    scopes: &BTreeSet<Scope>,
    holder: &PersonName,
    now: Timestamp,
) -> Option<Step<Lease>> {
    let pod = scopes.iter().find_map(|scope| match scope {
        Scope::Pod(pod) | Scope::PodStage(pod, _) | Scope::PodType(pod, _) => Some(pod.clone()),
        _ => None,
    })?;
    let since = i64::try_from(fence.0).ok().and_then(|at| Timestamp::from_microsecond(at).ok())?;
    let lease = Lease { fence, holder: holder.clone(), pod, since, expires_at: now, scopes: scopes.clone() };
    let release = || Operation::Release { item: item.clone(), fence, holder: holder.clone(), scopes: scopes.clone() };
    Some(Step {
        writes: scopes.iter().map(|scope| (scope.clone(), release())).collect(),
        facts: vec![Fact::Released { item: item.clone(), lease: lease.clone(), by: Some(holder.clone()) }],
        answer: lease,
    })
}

/// Gives a place back and hands it to whoever is next. A place that is kept for the item elsewhere counts no more from then on: it goes
/// as an expired lease does, with whoever looks at its row next.
pub fn release(
    item: &ItemId,
    fence: Fence,
    by: &PersonName,
    before: &Rows,
    limits: &Limits,
    now: Timestamp,
) -> Next<Step<Held>> {
    let held = held_under(item, fence, before, now);
    let Held::Yes(lease) = &held else {
        return Next::Ready(Step { writes: BTreeMap::new(), facts: Vec::new(), answer: held });
    };
    let missing: BTreeSet<_> = lease.scopes.iter().filter(|scope| !before.contains_key(scope)).cloned().collect();
    if !missing.is_empty() {
        return Next::Need(missing);
    }
    let mut rows = before.clone();
    for row in rows.values_mut().filter(|row| lease.scopes.contains(&row.scope)) {
        if row.leases.remove(item).is_some() {
            note_release(&mut row.releases, fence, now);
        }
    }
    settle_into(before, rows, limits, now).map(|mut step| {
        step.facts.insert(0, Fact::Released { item: item.clone(), lease: lease.clone(), by: Some(by.clone()) });
        Step { writes: step.writes, facts: step.facts, answer: held.clone() }
    })
}

/// Takes an item out: its leases, whatever their fences, and its tickets in these rows. For work that has ended. Nothing to do is no error.
pub fn withdraw(item: &ItemId, before: &Rows, limits: &Limits, now: Timestamp) -> Next<Step<()>> {
    let standing = |row: &ScopeState| {
        let home = row.leases.get(item).map(|_| BTreeSet::from([Scope::Portfolio]));
        let lease = row.leases.get(item).map(|lease| lease.scopes.clone());
        home.into_iter().chain(lease).chain(row.tickets.get(item).map(|ticket| ticket.scopes.clone()))
    };
    let everywhere: BTreeSet<Scope> = before.values().flat_map(standing).flatten().collect();
    let missing: BTreeSet<Scope> = everywhere.into_iter().filter(|scope| !before.contains_key(scope)).collect();
    if !missing.is_empty() {
        return Next::Need(missing);
    }
    let mut ended: BTreeMap<Fence, Lease> = BTreeMap::new();
    let mut rows = before.clone();
    for row in rows.values_mut() {
        row.tickets.remove(item);
        // An expired one is left to the sweep, which tells of it.
        if let Some(lease) = row.leases.get(item).filter(|lease| lease.is_live(now)).cloned() {
            row.leases.remove(item);
            note_release(&mut row.releases, lease.fence, now);
            ended.insert(lease.fence, lease);
        }
    }
    if rows == *before {
        return Next::Ready(Step { writes: BTreeMap::new(), facts: Vec::new(), answer: () });
    }
    if ended.values().any(Lease::is_reservation) {
        meet_in_the_portfolio(&mut rows);
    }
    settle_into(before, rows, limits, now).map(|mut step| {
        let released = ended.into_values().map(|lease| Fact::Released { item: item.clone(), lease, by: None });
        step.facts.splice(0..0, released);
        step
    })
}

/// What becomes of a limit that a person sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LimitSet {
    /// It is set.
    Done {
        /// What it was.
        from: u32,
    },
    /// It is another one than the person was shown. Nothing changes.
    Differs {
        /// What it is.
        limit: u32,
    },
}

/// A person's change of a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitChange {
    /// Which scope.
    pub scope: Scope,
    /// To what.
    pub limit: u32,
    /// What the person was shown.
    pub expected_limit: u32,
    /// Why, and until when.
    pub set: Override,
}

/// Sets a limit in place of the file's: evicts nobody, and admits at once whoever has room now.
///
/// It writes every row that it has read. Whoever is passed here because another of its scopes is full is passed there because this one
/// is, when a place is given back at the same moment: one of the two has to see the other. Leases always meet in the portfolio's row;
/// a limit would not.
pub fn set_limit(change: &LimitChange, before: &Rows, limits: &Limits, now: Timestamp) -> Next<Step<LimitSet>> {
    let Some(row) = before.get(&change.scope) else { return Next::Need(BTreeSet::from([change.scope.clone()])) };
    let from = row.limit_in_force(limits, now);
    if from != change.expected_limit {
        let answer = LimitSet::Differs { limit: from };
        return Next::Ready(Step { writes: BTreeMap::new(), facts: Vec::new(), answer });
    }
    let mut rows = before.clone();
    let mut facts = Vec::new();
    if let Some(row) = rows.get_mut(&change.scope) {
        row.limit = change.limit;
        row.digest = Some(limits.digest.clone());
        row.overridden = Some(change.set.clone());
        let Override { reason, by, until } = change.set.clone();
        let cause = LimitCause::Person { by, reason, until };
        facts.push(Fact::LimitChanged { scope: change.scope.clone(), from, to: change.limit, cause });
        let active = row.live_leases(now).count();
        if active > change.limit as usize && active <= from as usize {
            let over = Over { scope: change.scope.clone(), limit: change.limit, active };
            facts.push(Fact::LimitBelowUse { over });
        }
    }
    settle_into(before, rows, limits, now).map(|mut step| {
        for (scope, row) in before.iter().filter(|(_, row)| row.readable) {
            let as_it_is = || Operation::Replace { seen: row.fence, row: Box::new(row.clone()) };
            step.writes.entry(scope.clone()).or_insert_with(as_it_is);
        }
        facts.extend(step.facts);
        Step { writes: step.writes, facts, answer: LimitSet::Done { from } }
    })
}

/// Brings rows up to now without anybody asking.
pub fn sweep(before: &Rows, limits: &Limits, now: Timestamp) -> Next<Step<()>> {
    settle_into(before, before.clone(), limits, now)
}

fn settle_into(before: &Rows, rows: Rows, limits: &Limits, now: Timestamp) -> Next<Step<()>> {
    settle(rows, None, limits, now).map(|settled| Step {
        writes: writes(before, settled.rows, None),
        facts: settled.facts,
        answer: (),
    })
}
