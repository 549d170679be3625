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

/// How much a decision may do beside what was asked, so that it fits into a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Budget {
    /// How many leases it may clear away.
    pub(super) cleared: usize,
    /// How many places it may give away.
    pub(super) served: usize,
}

/// Who asks, with a ticket that is not in the rows yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asking<'a> {
    /// The item.
    pub(super) item: &'a ItemId,
    /// Its ticket.
    pub(super) ticket: Ticket,
    /// Whether it is in the expedite lane already: then no limit stops it.
    pub(super) expedited: bool,
}

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
    /// What is left of the budget.
    pub(super) left: Budget,
}

/// Brings rows up to now. `asking` is a ticket that is not in the rows yet: it takes part, and is put where it must wait.
pub fn settle(rows: Rows, asking: Option<(&ItemId, Ticket)>, limits: &Limits, now: Timestamp) -> Next<Settled> {
    let asking = asking.map(|(item, ticket)| Asking { item, ticket, expedited: false });
    settle_within(Budget { cleared: MAX_EXPIRED, served: MAX_SERVED }, rows, asking, limits, now)
}

/// The same within a budget, of which the answer has what is left.
pub(super) fn settle_within(
    mut budget: Budget,
    mut rows: Rows,
    asking: Option<Asking<'_>>,
    limits: &Limits,
    now: Timestamp,
) -> Next<Settled> {
    let mut facts = Vec::new();
    let kept_for_a_move = |row: &ScopeState| {
        row.leases.values().any(Lease::is_reservation) || row.tickets.values().any(Ticket::is_reservation)
    };
    if rows.values().any(kept_for_a_move) && !rows.contains_key(&Scope::Portfolio) {
        return Next::Need(BTreeSet::from([Scope::Portfolio]));
    }
    let mains = Mains::of(&rows, now);
    for row in rows.values_mut().filter(|row| row.readable) {
        take_over_limit(row, limits, now, &mut facts);
        row.tickets.retain(|item, ticket| {
            ticket.is_live(now) && !(ticket.is_reservation() && mains.void(item, ticket.number))
        });
    }
    let missing = clear_ended(&mut rows, &mains, &mut budget.cleared, now, &mut facts);
    if !missing.is_empty() {
        return Next::Need(missing);
    }
    let expedited = asking.as_ref().filter(|asking| asking.expedited).map(|asking| asking.item.clone());
    let mut line = Line { rows, limits, now, waiting: BTreeMap::new(), reserved: BTreeMap::new(), expedited };
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
    let asks = asking.as_ref().map(|asking| asking.item);
    line.waiting.extend(asking.map(|asking| (asking.item.clone(), asking.ticket)));
    let mut served = BTreeMap::new();
    while budget.served > 0 {
        match line.next() {
            Next::Need(missing) => return Next::Need(missing),
            Next::Ready(None) => break,
            Next::Ready(Some(item)) => {
                let Some((lease, fact)) = line.serve(&item) else { break };
                served.insert(item, lease);
                facts.push(fact);
                budget.served -= 1;
            }
        }
    }
    if let Some(item) = asks.filter(|_| budget.served == 0) {
        line.queue(item);
    }
    Next::Ready(Settled { rows: line.rows, facts, served, left: budget })
}

/// The fences of the items' live main leases. Where the portfolio's row cannot be read, nobody knows what has ended.
struct Mains(Option<BTreeMap<ItemId, Fence>>);

impl Mains {
    fn of(rows: &Rows, now: Timestamp) -> Self {
        let home = rows.get(&Scope::Portfolio).filter(|row| row.readable);
        Self(home.map(|row| row.live_leases(now).map(|(item, lease)| (item.clone(), lease.fence)).collect()))
    }

    /// Whether a reservation, or a ticket for one, is worth nothing: the lease that it was made beside has ended, or was moved since.
    fn void(&self, item: &ItemId, number: Fence) -> bool {
        self.0.as_ref().is_some_and(|mains| mains.get(item).is_none_or(|main| number < *main))
    }
}

/// Lets this decision and any that gives a lease back at the same moment see one another. Leases always meet in the portfolio's row, and
/// reservations are not there: without this, whoever needs two places that come free at once, one by each, could be passed by both.
pub(super) fn meet_in_the_portfolio(rows: &mut Rows) {
    if let Some(row) = rows.get_mut(&Scope::Portfolio).filter(|row| row.readable) {
        row.fence = row.fence.next();
    }
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

/// Takes expired leases and void reservations out of all their rows at once, so that each is told of once. Answers the rows that it
/// still needs for that; what does not fit stays, and counts as little as it did before.
fn clear_ended(
    rows: &mut Rows,
    mains: &Mains,
    budget: &mut usize,
    now: Timestamp,
    facts: &mut Vec<Fact>,
) -> BTreeSet<Scope> {
    let mut ended: BTreeMap<(ItemId, Fence), Lease> = BTreeMap::new();
    let has_ended =
        |item: &ItemId, lease: &Lease| !lease.is_live(now) || (lease.is_reservation() && mains.void(item, lease.fence));
    for (item, lease) in rows.values().flat_map(|row| &row.leases).filter(|(item, lease)| has_ended(item, lease)) {
        ended.insert((item.clone(), lease.fence), lease.clone());
    }
    let mut missing = BTreeSet::new();
    for ((item, fence), lease) in ended.into_iter().take(*budget) {
        let absent: Vec<_> = lease.scopes.iter().filter(|scope| !rows.contains_key(scope)).cloned().collect();
        if absent.is_empty() {
            for scope in &lease.scopes {
                let Some(row) = rows.get_mut(scope) else { continue };
                if row.leases.get(&item).is_some_and(|lease| lease.fence == fence) {
                    row.leases.remove(&item);
                    note_release(&mut row.releases, fence, now.min(lease.expires_at));
                }
            }
            if lease.is_reservation() {
                meet_in_the_portfolio(rows);
            }
            *budget -= 1;
            facts.push(if lease.is_live(now) {
                Fact::Released { item, lease, by: None }
            } else {
                Fact::Expired { item, lease }
            });
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
    /// Who asks and is in the expedite lane by the lease that it has.
    expedited: Option<ItemId>,
}

impl Line<'_> {
    /// The first in line with room in all its scopes. Those before it are put into the queue of every scope that keeps them.
    fn next(&mut self) -> Next<Option<ItemId>> {
        self.reserved.clear();
        for (item, ticket) in self.in_order() {
            let read = |scope: &&Scope| self.rows.contains_key(*scope);
            // A reservation is not the place of an item that waits for one altogether.
            let holds = |row: &ScopeState| {
                row.lease(&item, self.now).is_some_and(|lease| !lease.is_reservation() || ticket.is_reservation())
            };
            if ticket.scopes.iter().filter_map(|scope| self.rows.get(scope)).any(holds) {
                // It has its place under other attributes, and waits for nothing.
                self.drop_ticket(&item, &ticket);
                continue;
            }
            // Whoever is kept by a row that was read waits, whatever the others say: they are not read, and nothing is kept for it.
            let full: Vec<_> = ticket
                .scopes
                .iter()
                .filter(read)
                .filter(|scope| !self.has_room(&item, &ticket, scope))
                .cloned()
                .collect();
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

    /// Puts into line who was not looked at any more, because so many before it were served: the sweep goes on with it.
    fn queue(&mut self, item: &ItemId) {
        let Some(ticket) = self.waiting.get(item) else { return };
        if self.rows.values().any(|row| row.tickets.contains_key(item)) {
            return;
        }
        for scope in &ticket.scopes {
            if let Some(row) = self.rows.get_mut(scope).filter(|row| row.takes_a_ticket(item)) {
                row.tickets.insert(item.clone(), ticket.clone());
            }
        }
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

    fn has_room(&self, item: &ItemId, ticket: &Ticket, scope: &Scope) -> bool {
        let Some(row) = self.rows.get(scope).filter(|row| row.readable) else { return false };
        let live = row.live_leases(self.now).count();
        let kept = self.reserved.get(scope).map_or(0, BTreeSet::len);
        let passes = self.expedited.as_ref() == Some(item) || stops_nobody(self.rule(scope), ticket, scope);
        live + kept < MAX_LEASES && (passes || live + kept < row.limit as usize)
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
        // A reservation is younger than the lease that it is made beside.
        let home = ticket.is_reservation().then_some(&Scope::Portfolio);
        let scopes = ticket.scopes.iter().chain(home);
        let highest = scopes.filter_map(|scope| self.rows.get(scope)).map(|row| row.fence).max();
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
