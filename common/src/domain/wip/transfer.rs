//! An item's work goes on elsewhere, in another stage or with another owner: its place goes with it, or nothing changes and it waits.
//!
//! What the item has in common before and after stays its own, whoever waits there. What it newly enters has to have room, and who waits
//! there goes first. When it is its turn, [`settle`](super::settle) keeps the place for it: a *reservation*, a second lease in those scopes
//! alone, because only whoever moves the work may move the lease. The next transfer joins the two. A reservation that nobody uses expires;
//! one whose main lease has ended or was moved is void, and goes with whoever looks at its row next.
//!
//! Idempotent by the request's scopes: an item that has its place there already is answered with that lease.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{
    admission::{Asked, Request, Step, ask, held, writes},
    fact::Fact,
    limits::Limits,
    scope::Scope,
    settle::{Asking, Budget, MAX_ROWS, Next, Rows, Settled, settle_within},
    state::{Fence, Lease, ScopeState, Ticket, note_release},
};

/// What happens beside the move: less than elsewhere, because whoever moves the work writes in the same transaction.
const BESIDE: Budget = Budget { cleared: 7, served: 3 };

/// How much of the transaction is left for whoever moves the work, of the 100 items that it takes.
pub const LEFT: usize = 8;

// Each row may be two (it, and its entry or its event), a lease that ends is one event, a place that is given three; the item's own lease
// and what was kept for it end too.
const _: () = assert!(2 * MAX_ROWS + BESIDE.cleared + 3 * BESIDE.served + 3 + LEFT <= 100);

/// Moves an item's place to where its work goes: like [`ask`], for an item that may hold a lease under other attributes.
///
/// `request` is for the work as it will be. The answer is `Held` where the lease is the right one already, `Admitted` with the one lease in
/// place of what the item had, `Waits` or `NoTicket` with the rows that keep it: then no lease of the item has changed.
pub fn transfer(request: &Request, before: &Rows, limits: &Limits, now: Timestamp) -> Next<Step<Asked>> {
    let home = [Scope::Portfolio];
    if let Some(missing) = missing(request.scopes.iter().chain(&home), before) {
        return Next::Need(missing);
    }
    let item = &request.work.item;
    let Some(main) = held(item, before, now) else { return ask(request, before, limits, now) };
    if main.scopes == request.scopes && main.pod == request.work.pod {
        return Next::Ready(Step { writes: BTreeMap::new(), facts: Vec::new(), answer: Asked::Held(main.clone()) });
    }
    if let Some(missing) = missing(&main.scopes, before) {
        return Next::Need(missing);
    }
    // A place that cannot be written cannot be moved. (Where it only leaves a row that cannot be read, `repair` takes it out later.)
    let closed = |scope: &Scope| before.get(scope).filter(|row| main.scopes.contains(scope) && !row.readable);
    let closed: Rows =
        request.scopes.iter().filter_map(|scope| Some((scope.clone(), closed(scope)?.clone()))).collect();
    if !closed.is_empty() {
        let answer = Asked::NoTicket { rows: closed };
        return Next::Ready(Step { writes: BTreeMap::new(), facts: Vec::new(), answer });
    }
    let entered: BTreeSet<&Scope> = request.scopes.difference(&main.scopes).collect();
    let reserved = reservations(request, main, before, now);
    // An earlier ticket for the same or for another move, since this lease was given: its number is the item's place in line.
    let tickets = before.values().filter_map(|row| row.tickets.get(item));
    let earlier = tickets
        .filter(|ticket| ticket.is_live(now) && ticket.is_reservation() && main.fence < ticket.number)
        .min_by_key(|ticket| ticket.number);
    let elsewhere = reserved.values().flat_map(|lease| &lease.scopes).chain(earlier.iter().flat_map(|one| &one.scopes));
    // Where these do not fit, what is left of them is void once this is done, or expires.
    if let Some(missing) = missing(elsewhere, before).filter(|missing| before.len() + missing.len() <= MAX_ROWS) {
        return Next::Need(missing);
    }
    let kept = |scope: &Scope| reserved.values().any(|lease| lease.scopes.contains(scope));
    let wanted: BTreeSet<Scope> = entered.into_iter().filter(|scope| !kept(scope)).cloned().collect();
    let number = earlier.map_or_else(|| Fence::after(now, highest(before)), |ticket| ticket.number);
    let since = earlier.map_or(now, |ticket| ticket.since);
    let ticket = Ticket { scopes: wanted.clone(), ..request.ticket(number, since, limits, now) };

    let mut rows = before.clone();
    for row in rows.values_mut().filter(|row| row.tickets.contains_key(item)) {
        // Where it stood and does not have to any more, it stands no more.
        if wanted.contains(&row.scope) && earlier.is_some() {
            row.tickets.insert(item.clone(), ticket.clone());
        } else {
            row.tickets.remove(item);
        }
    }
    let expedited = request.scopes.contains(&Scope::Expedite) && !wanted.contains(&Scope::Expedite);
    let asking = Asking { item, ticket: ticket.clone(), expedited };
    let asking = (!wanted.is_empty()).then_some(asking);
    let settled = match settle_within(BESIDE, rows, asking, limits, now) {
        Next::Need(missing) => return Next::Need(missing),
        Next::Ready(settled) => settled,
    };
    if wanted.is_empty() || settled.served.contains_key(item) {
        return join(request, main, &reserved, settled, before, limits, now);
    }
    Next::Ready(waits(&ticket, earlier.is_some(), request, settled, before, limits))
}

/// Puts one lease in the place of all that the item has, and hands over what comes free.
fn join(
    request: &Request,
    main: &Lease,
    reserved: &BTreeMap<Fence, Lease>,
    settled: Settled,
    before: &Rows,
    limits: &Limits,
    now: Timestamp,
) -> Next<Step<Asked>> {
    let item = &request.work.item;
    let Settled { mut rows, mut facts, left, .. } = settled;
    // That it got its place in what it newly enters is told as one with the rest.
    let of_item = |fact: &Fact| matches!(fact, Fact::Acquired { item: served, .. } if served == item);
    let (waited, over) = match facts.iter().position(of_item).map(|at| facts.remove(at)) {
        Some(Fact::Acquired { waited, over, .. }) => (waited, over),
        _ => (None, Vec::new()),
    };
    let fence = Fence::after(now, highest(&rows));
    let lease = request.ticket(fence, now, limits, now).served(fence, now);
    for row in rows.values_mut().filter(|row| row.readable) {
        if request.scopes.contains(&row.scope) {
            row.fence = fence;
            row.leases.insert(item.clone(), lease.clone());
        } else if let Some(was) = row.leases.get(item).map(|was| was.fence)
            && (was == main.fence || reserved.contains_key(&was))
        {
            row.leases.remove(item);
            note_release(&mut row.releases, was, now);
        }
    }
    let ended = [main].into_iter().chain(reserved.values());
    let by = Some(request.holder.clone());
    facts.extend(ended.map(|lease| Fact::Released { item: item.clone(), lease: lease.clone(), by: by.clone() }));
    let (item, item_type) = (item.clone(), request.work.item_type);
    facts.push(Fact::Acquired { item, item_type, lease: lease.clone(), waited, over: over.clone() });
    settle_within(left, rows, None, limits, now).map(|settled| {
        facts.extend(settled.facts);
        let writes = writes(before, settled.rows, None);
        Step { writes, facts, answer: Asked::Admitted { lease, over } }
    })
}

/// It waits in line for what it newly enters; its lease stays as it is.
fn waits(
    ticket: &Ticket,
    told: bool,
    request: &Request,
    settled: Settled,
    before: &Rows,
    limits: &Limits,
) -> Step<Asked> {
    let item = &request.work.item;
    let Settled { rows, mut facts, .. } = settled;
    // Those alone can keep it.
    let keep: Rows = rows
        .iter()
        .filter(|(scope, _)| ticket.scopes.contains(scope))
        .map(|(s, row)| (s.clone(), row.clone()))
        .collect();
    let stands = keep.values().filter(|row| row.tickets.contains_key(item));
    let full: Vec<Scope> = stands.map(|row| row.scope.clone()).collect();
    let answer = if full.is_empty() {
        Asked::NoTicket { rows: keep }
    } else {
        if !told {
            facts.push(Fact::Waits { item: item.clone(), ticket: ticket.clone(), full });
        }
        Asked::Waits { ticket: ticket.clone(), rows: keep }
    };
    Step { writes: writes(before, rows, Some((item, ticket, limits))), facts, answer }
}

/// The places that are kept for the item where it is to go, by fence.
fn reservations(request: &Request, main: &Lease, rows: &Rows, now: Timestamp) -> BTreeMap<Fence, Lease> {
    let leases = rows.values().filter_map(|row| row.lease(&request.work.item, now));
    leases
        .filter(|lease| {
            lease.is_reservation() && main.fence < lease.fence && !lease.scopes.is_disjoint(&request.scopes)
        })
        .map(|lease| (lease.fence, lease.clone()))
        .collect()
}

/// Those of these scopes whose rows are not there, when there are any.
fn missing<'s>(scopes: impl IntoIterator<Item = &'s Scope>, rows: &Rows) -> Option<BTreeSet<Scope>> {
    let missing: BTreeSet<Scope> = scopes.into_iter().filter(|scope| !rows.contains_key(scope)).cloned().collect();
    (!missing.is_empty()).then_some(missing)
}

fn highest(rows: &Rows) -> Fence {
    rows.values().map(ScopeState::highest).max().unwrap_or_default()
}
