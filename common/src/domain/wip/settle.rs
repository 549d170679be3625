//! Who is served next: the one function that every slow way ends in.
//!
//! [`settle`] takes rows as they were read and brings them up to now: limits that changed, leases and tickets that expired, places
//! for those who wait. The fast operations ([`super::operation::Operation::Admit`] and its neighbours) are what it would do in the
//! common case, without reading; a property holds the two together.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{
    fact::{Fact, LimitCause, Over},
    limits::{Limits, Mode, Rule},
    scope::Scope,
    state::{Fence, Lease, MAX_LEASES, ScopeState, Ticket, note_release},
};
use crate::domain::id::{ItemId, PodName};

/// Rows by scope.
pub type Rows = BTreeMap<Scope, ScopeState>;

/// The most rows that one decision looks at. A transaction takes 100 items: two for each of these rows (its entry in the list of rows
/// when it is new, or the event when its limit changed), those for `MAX_EXPIRED` and `MAX_SERVED`, and two for what was asked: the
/// event of a release, or that of a limit below its use and the audit entry of a person's limit, which is two.
pub const MAX_ROWS: usize = 36;

/// How many rows the clearing away of expired leases may bring in: the rest is for those who wait.
const ROWS_FOR_EXPIRED: usize = MAX_ROWS / 2;

/// The most expired leases that one decision clears away. The others count as little as they did before.
const MAX_EXPIRED: usize = 8;

/// The most places that one decision gives away: three events each, when it stands above a limit that only warns. The sweep goes on
/// with the rest.
const MAX_SERVED: usize = 5;

/// An answer, or what has to be read first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next<T> {
    /// These rows too.
    Need(BTreeSet<Scope>),
    /// Decided.
    Ready(T),
}

impl<T> Next<T> {
    /// The same with another answer.
    pub fn map<U>(self, answer: impl FnOnce(T) -> U) -> Next<U> {
        match self {
            Self::Need(scopes) => Next::Need(scopes),
            Self::Ready(value) => Next::Ready(answer(value)),
        }
    }
}

/// What settling did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The rows after it. Those that are as before need no write.
    pub rows: Rows,
    /// What happened, in order.
    pub facts: Vec<Fact>,
    /// Who got a place.
    pub served: BTreeMap<ItemId, Lease>,
}

/// Brings rows up to now. `asking` is a ticket that is not in the rows yet: it takes part, and is put where it must wait.
pub fn settle(mut rows: Rows, asking: Option<(&ItemId, Ticket)>, limits: &Limits, now: Timestamp) -> Next<Settled> {
    let mut facts = Vec::new();
    for row in rows.values_mut().filter(|row| row.readable) {
        take_over_limit(row, limits, now, &mut facts);
        row.tickets.retain(|_, ticket| ticket.is_live(now));
    }
    let missing = clear_expired(&mut rows, now, &mut facts);
    if !missing.is_empty() {
        return Next::Need(missing);
    }
    let mut line = Line { rows, limits, now, waiting: BTreeMap::new(), reserved: BTreeMap::new() };
    for row in line.rows.values() {
        for (item, ticket) in &row.tickets {
            let known = line.waiting.entry(item.clone()).or_insert_with(|| ticket.clone());
            if known.scopes == ticket.scopes {
                // Two requests at once, for which other scopes were full, leave two numbers: the lower is the item's place.
                let expires_at = known.expires_at.max(ticket.expires_at);
                let first = if ticket.number < known.number { ticket } else { &*known };
                *known = Ticket { expires_at, ..first.clone() };
            } else if known.expires_at < ticket.expires_at {
                // The later request counts: the item is another one now, and waits elsewhere.
                known.clone_from(ticket);
            }
        }
    }
    line.waiting.extend(asking.map(|(item, ticket)| (item.clone(), ticket)));
    let mut served = BTreeMap::new();
    while served.len() < MAX_SERVED {
        match line.next() {
            Next::Need(missing) => return Next::Need(missing),
            Next::Ready(None) => break,
            Next::Ready(Some(item)) => {
                let Some((lease, fact)) = line.serve(&item) else { break };
                served.insert(item, lease);
                facts.push(fact);
            }
        }
    }
    Next::Ready(Settled { rows: line.rows, facts, served })
}

/// Writes the limit in force into a row whose own is not: the governance files changed, or a person's limit ran out.
fn take_over_limit(row: &mut ScopeState, limits: &Limits, now: Timestamp, facts: &mut Vec<Fact>) {
    if row.is_current(&limits.digest, now) {
        return;
    }
    let governed = row.digest.as_ref() == Some(&limits.digest);
    let to = limits.rule(&row.scope).map_or(0, |rule| rule.limit);
    if row.digest.is_some() && row.limit != to {
        let cause = if governed { LimitCause::Expiry } else { LimitCause::Governance };
        facts.push(Fact::LimitChanged { scope: row.scope.clone(), from: row.limit, to, cause });
    }
    row.limit = to;
    row.overridden = None;
    row.digest = Some(limits.digest.clone());
}

/// Takes expired leases out of all their rows at once, so that each is told of once. Answers the rows that it still needs for that;
/// what does not fit stays, and counts as little as it did before.
fn clear_expired(rows: &mut Rows, now: Timestamp, facts: &mut Vec<Fact>) -> BTreeSet<Scope> {
    let mut expired: BTreeMap<(ItemId, Fence), Lease> = BTreeMap::new();
    for (item, lease) in rows.values().flat_map(|row| &row.leases).filter(|(_, lease)| !lease.is_live(now)) {
        expired.insert((item.clone(), lease.fence), lease.clone());
    }
    let mut missing = BTreeSet::new();
    for ((item, fence), lease) in expired.into_iter().take(MAX_EXPIRED) {
        let absent: Vec<_> = lease.scopes.iter().filter(|scope| !rows.contains_key(scope)).cloned().collect();
        if absent.is_empty() {
            for scope in &lease.scopes {
                let Some(row) = rows.get_mut(scope) else { continue };
                if row.leases.get(&item).is_some_and(|lease| lease.fence == fence) {
                    row.leases.remove(&item);
                    note_release(&mut row.releases, fence, lease.expires_at);
                }
            }
            facts.push(Fact::Expired { item, lease });
        } else if rows.len() + missing.len() + absent.len() <= ROWS_FOR_EXPIRED {
            missing.extend(absent);
        }
    }
    missing
}

/// Everybody who waits in rows that are being settled.
struct Line<'l> {
    rows: Rows,
    limits: &'l Limits,
    now: Timestamp,
    waiting: BTreeMap<ItemId, Ticket>,
    /// Places kept for tickets that could not be judged because their rows did not fit: nobody behind them may take those.
    reserved: BTreeMap<Scope, BTreeSet<ItemId>>,
}

impl Line<'_> {
    /// The first in line with room in all its scopes. Those before it are put into the queue of every scope that keeps them.
    fn next(&mut self) -> Next<Option<ItemId>> {
        self.reserved.clear();
        for (item, ticket) in self.in_order() {
            let read = |scope: &&Scope| self.rows.contains_key(*scope);
            if ticket
                .scopes
                .iter()
                .filter_map(|scope| self.rows.get(scope))
                .any(|row| row.lease(&item, self.now).is_some())
            {
                // It has its place under other attributes, and waits for nothing.
                self.drop_ticket(&item, &ticket);
                continue;
            }
            // Whoever is kept by a row that was read waits, whatever the others say: they are not read, and nothing is kept for it.
            let full: Vec<_> =
                ticket.scopes.iter().filter(read).filter(|scope| !self.has_room(&ticket, scope)).cloned().collect();
            for scope in &full {
                if let Some(row) = self.rows.get_mut(scope).filter(|row| row.takes_a_ticket(&item)) {
                    row.tickets.entry(item.clone()).or_insert_with(|| ticket.clone());
                }
            }
            if !full.is_empty() {
                continue;
            }
            let missing: BTreeSet<_> =
                ticket.scopes.iter().filter(|scope| !self.rows.contains_key(scope)).cloned().collect();
            if missing.is_empty() {
                return Next::Ready(Some(item));
            }
            if self.rows.len() + missing.len() <= MAX_ROWS {
                return Next::Need(missing);
            }
            for scope in &ticket.scopes {
                self.reserved.entry(scope.clone()).or_default().insert(item.clone());
            }
        }
        Next::Ready(None)
    }

    fn drop_ticket(&mut self, item: &ItemId, ticket: &Ticket) {
        self.waiting.remove(item);
        for scope in &ticket.scopes {
            if let Some(row) = self.rows.get_mut(scope) {
                row.tickets.remove(item);
            }
        }
    }

    /// The tickets as they are served: by number; but where shares are fair, pods that have theirs come after those that have not.
    fn in_order(&self) -> Vec<(ItemId, Ticket)> {
        let mut line: Vec<_> = self.waiting.iter().map(|(item, ticket)| (item.clone(), ticket.clone())).collect();
        line.sort_by_cached_key(|(item, ticket)| (self.has_its_share(ticket), ticket.number, item.clone()));
        line
    }

    fn rule(&self, scope: &Scope) -> Rule {
        self.limits.rule(scope).unwrap_or(Rule::CLOSED)
    }

    fn has_room(&self, ticket: &Ticket, scope: &Scope) -> bool {
        let Some(row) = self.rows.get(scope).filter(|row| row.readable) else { return false };
        let live = row.live_leases(self.now).count();
        let kept = self.reserved.get(scope).map_or(0, BTreeSet::len);
        live + kept < MAX_LEASES && (stops_nobody(self.rule(scope), ticket, scope) || live + kept < row.limit as usize)
    }

    /// Whether a pod holds as much as its share of a scope where shares are fair: the limit over the pods that work or wait there.
    fn has_its_share(&self, ticket: &Ticket) -> bool {
        let fair = ticket.scopes.iter().filter(|scope| self.rule(scope).fair_share);
        fair.filter_map(|scope| self.rows.get(scope)).any(|row| {
            let mut pods: BTreeSet<&PodName> = row.live_leases(self.now).map(|(_, lease)| &lease.pod).collect();
            let here = row.live_leases(self.now).filter(|(_, lease)| lease.pod == ticket.pod).count();
            let waiting = self.waiting.values().filter(|waiting| waiting.scopes.contains(&row.scope));
            pods.extend(waiting.map(|waiting| &waiting.pod));
            here >= (row.limit as usize).div_ceil(pods.len().max(1))
        })
    }

    /// Gives the place: the lease into all its rows, the ticket out of them.
    fn serve(&mut self, item: &ItemId) -> Option<(Lease, Fact)> {
        let ticket = self.waiting.remove(item)?;
        let highest = ticket.scopes.iter().filter_map(|scope| self.rows.get(scope)).map(|row| row.fence).max();
        let lease = ticket.served(Fence::after(self.now, highest.unwrap_or_default()), self.now);
        let mut over = Vec::new();
        let mut waited = false;
        for scope in &ticket.scopes {
            let Some(row) = self.rows.get_mut(scope) else { continue };
            waited |= row.tickets.remove(item).is_some();
            row.fence = lease.fence;
            row.leases.insert(item.clone(), lease.clone());
            let active = row.live_leases(self.now).count();
            if active > row.limit as usize {
                over.push(Over { scope: scope.clone(), limit: row.limit, active });
            }
        }
        let (item, item_type) = (item.clone(), ticket.item_type);
        let waited = waited.then_some(ticket);
        Some((lease.clone(), Fact::Acquired { item, item_type, lease, waited, over }))
    }
}

/// Whether a limit only warns here: the rule says so, or the ticket is in the expedite lane, whose own cap decides.
fn stops_nobody(rule: Rule, ticket: &Ticket, scope: &Scope) -> bool {
    rule.mode == Mode::Warn || (*scope != Scope::Expedite && ticket.scopes.contains(&Scope::Expedite))
}
