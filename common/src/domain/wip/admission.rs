//! May this item begin: the first attempt without reading, and the decision over the rows when that did not hold.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::{
    fact::Fact,
    limits::{Limits, Terms},
    operation::Operation,
    scope::{Scope, ScopeKind, Work},
    settle::{Next, Rows, settle},
    state::{Fence, Lease, ScopeState, Ticket},
};
use crate::domain::id::{ItemId, PersonName};

/// Who asks for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The item.
    pub work: Work,
    /// Who asks, and holds the lease then.
    pub holder: PersonName,
    /// For how long, in seconds; [`Request::new`] has capped it.
    pub ttl_seconds: u32,
    /// The scopes that apply.
    pub scopes: BTreeSet<Scope>,
}

/// What to write, and what to answer once it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step<A> {
    /// The changes of rows, one transaction. None: there is nothing to write.
    pub writes: BTreeMap<Scope, Operation>,
    /// What happened, for the same transaction.
    pub facts: Vec<Fact>,
    /// What to answer.
    pub answer: A,
}

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// It has its place since before: the same lease, the same fence.
    Held(Lease),
    /// It has a place now.
    Admitted {
        /// Which.
        lease: Lease,
        /// Every scope where the limit only warns and is exceeded now is named in the facts; here: whether there is one.
        over: Vec<super::fact::Over>,
    },
    /// It waits.
    Waits {
        /// Its place in the queue.
        ticket: Ticket,
        /// The rows of its scopes, as they are now: what [`super::explain`] reads.
        rows: Rows,
    },
    /// It neither begins nor waits: the queues of the scopes that have no room are as long as they may be.
    NoTicket {
        /// The rows of its scopes.
        rows: Rows,
    },
}

impl Request {
    /// A request under these limits: how long a lease lasts when nothing is said, and at most.
    ///
    /// # Errors
    /// The scopes for which there is no rule.
    pub fn new(work: Work, holder: PersonName, ttl_seconds: Option<u32>, limits: &Limits) -> Result<Self, Vec<Scope>> {
        let terms: Terms = limits.terms(&work)?;
        let ttl_seconds = ttl_seconds.unwrap_or(limits.default_ttl_seconds).clamp(1, limits.max_ttl_seconds);
        Ok(Self { work, holder, ttl_seconds, scopes: terms.into_keys().collect() })
    }

    /// The scope that says the most about the item, of those that apply.
    pub fn narrowest(&self) -> Scope {
        let narrow = Scope::PodStage(self.work.pod.clone(), self.work.stage.clone());
        self.scopes.get(&narrow).cloned().unwrap_or(Scope::Portfolio)
    }

    pub(super) fn ticket(&self, number: Fence, since: Timestamp, limits: &Limits, now: Timestamp) -> Ticket {
        Ticket {
            number,
            holder: self.holder.clone(),
            pod: self.work.pod.clone(),
            item_type: self.work.item_type,
            since,
            expires_at: now
                .saturating_add(SignedDuration::from_secs(limits.ticket_ttl_seconds.into()))
                .unwrap_or(Timestamp::MAX),
            ttl_seconds: self.ttl_seconds,
            scopes: self.scopes.clone(),
        }
    }
}

/// The first attempt: takes a place in every scope without having read any. It holds exactly when nobody waits, there is room
/// everywhere, and every limit is the one in force.
pub fn admit_at_once(request: &Request, limits: &Limits, now: Timestamp) -> Step<Asked> {
    let ticket = request.ticket(Fence::default(), now, limits, now);
    let lease = ticket.served(Fence::after(now, Fence::default()), now);
    let item = &request.work.item;
    let admit = || Operation::Admit { item: item.clone(), lease: lease.clone(), digest: limits.digest.clone() };
    Step {
        writes: request.scopes.iter().map(|scope| (scope.clone(), admit())).collect(),
        facts: vec![Fact::Acquired {
            item: item.clone(),
            item_type: request.work.item_type,
            lease: lease.clone(),
            waited: None,
            over: Vec::new(),
        }],
        answer: Asked::Admitted { lease: lease.clone(), over: Vec::new() },
    }
}

/// The lease that an item holds in any of these rows. A reservation is none: the item's place is elsewhere.
pub fn held<'r>(item: &ItemId, rows: &'r Rows, now: Timestamp) -> Option<&'r Lease> {
    rows.values().find_map(|row| row.lease(item, now).filter(|lease| !lease.is_reservation()))
}

/// Where an item would have to count as what it is said to be now, and does not under the lease that it holds: another pod, stage, type,
/// owner, environment or account, or somebody more who takes part. Who names them is not answered with that lease: the work would go on
/// where it counts nowhere. What rules there are may have changed since, so a kind of scope that the lease does not know is no
/// difference, but for those that an item may have or not.
pub fn elsewhere(work: &Work, lease: &Lease, limits: &Limits) -> BTreeSet<Scope> {
    let may_be_absent = [ScopeKind::Environment, ScopeKind::Account, ScopeKind::Involved];
    let known: BTreeSet<ScopeKind> = lease.scopes.iter().map(Scope::kind).chain(may_be_absent).collect();
    let terms = limits.terms(work).unwrap_or_default();
    let differs =
        |scope: &Scope| *scope != Scope::Expedite && known.contains(&scope.kind()) && !lease.scopes.contains(scope);
    let mut scopes: BTreeSet<Scope> = terms.into_keys().filter(differs).collect();
    if lease.pod != work.pod {
        scopes.insert(Scope::Pod(work.pod.clone()));
    }
    scopes
}

/// Decides over the rows.
pub fn ask(request: &Request, before: &Rows, limits: &Limits, now: Timestamp) -> Next<Step<Asked>> {
    let missing: BTreeSet<_> = request.scopes.iter().filter(|scope| !before.contains_key(scope)).cloned().collect();
    if !missing.is_empty() {
        return Next::Need(missing);
    }
    let item = &request.work.item;
    if let Some(lease) = held(item, before, now) {
        return Next::Ready(Step { writes: BTreeMap::new(), facts: Vec::new(), answer: Asked::Held(lease.clone()) });
    }
    let tickets = before.values().filter_map(|row| row.tickets.get(item));
    let earlier = tickets.filter(|ticket| ticket.is_live(now)).min_by_key(|ticket| ticket.number).cloned();
    let highest = before.values().map(ScopeState::highest).max().unwrap_or_default();
    let ticket = match &earlier {
        Some(earlier) => request.ticket(earlier.number, earlier.since, limits, now),
        None => request.ticket(Fence::after(now, highest), now, limits, now),
    };
    let mut rows = before.clone();
    if let Some(earlier) = &earlier {
        // An item that is another now (another pod, another stage) keeps its number; where it stood it stands no more.
        let missing: BTreeSet<_> = earlier.scopes.iter().filter(|scope| !before.contains_key(scope)).cloned().collect();
        if !missing.is_empty() {
            return Next::Need(missing);
        }
        for row in rows.values_mut().filter(|row| row.tickets.contains_key(item)) {
            if ticket.scopes.contains(&row.scope) {
                row.tickets.insert(item.clone(), ticket.clone());
            } else {
                row.tickets.remove(item);
            }
        }
    }
    let settled = match settle(rows, Some((item, ticket.clone())), limits, now) {
        Next::Need(missing) => return Next::Need(missing),
        Next::Ready(settled) => settled,
    };
    let of_item = |rows: &Rows| {
        rows.iter()
            .filter(|(scope, _)| request.scopes.contains(scope))
            .map(|(scope, row)| (scope.clone(), row.clone()))
            .collect::<Rows>()
    };
    let mut facts = settled.facts;
    let waits: Vec<Scope> =
        settled.rows.values().filter(|row| row.tickets.contains_key(item)).map(|row| row.scope.clone()).collect();
    let answer = if let Some(lease) = settled.served.get(item) {
        let over = facts.iter().find_map(|fact| match fact {
            Fact::Acquired { item: served, over, .. } if served == item => Some(over.clone()),
            _ => None,
        });
        Asked::Admitted { lease: lease.clone(), over: over.unwrap_or_default() }
    } else if waits.is_empty() {
        Asked::NoTicket { rows: of_item(&settled.rows) }
    } else {
        if earlier.is_none() {
            facts.push(Fact::Waits { item: item.clone(), ticket: ticket.clone(), full: waits });
        }
        Asked::Waits { ticket: ticket.clone(), rows: of_item(&settled.rows) }
    };
    Next::Ready(Step { writes: writes(before, settled.rows, Some((item, &ticket, limits))), facts, answer })
}

/// Takes a ticket whether there is room or not, after conflicts that lasted too long: in the narrowest scope alone. The next sweep, or
/// whoever asks there, serves it or puts it where it must wait. `before` has that scope's row, so that the ticket stands behind those
/// that are there, whatever the clock says.
pub fn queue_regardless(request: &Request, before: &Rows, limits: &Limits, now: Timestamp) -> Step<Ticket> {
    let highest = before.values().map(ScopeState::highest).max().unwrap_or_default();
    let ticket = request.ticket(Fence::after(now, highest), now, limits, now);
    let item = request.work.item.clone();
    let scope = request.narrowest();
    let first = before.get(&scope).is_none_or(|row| row.tickets.is_empty());
    Step {
        facts: vec![Fact::Waits { item: item.clone(), ticket: ticket.clone(), full: vec![scope.clone()] }],
        writes: BTreeMap::from([(scope, Operation::QueueRegardless { item, ticket: ticket.clone(), first })]),
        answer: ticket,
    }
}

/// How rows come from what they were to what they shall be. A row that is full, where only the ticket of who asks is new, and one where it
/// lasts longer, is written by an operation that others at the same row do not disturb; any other by compare-and-set.
pub(super) fn writes(
    before: &Rows,
    after: Rows,
    asking: Option<(&ItemId, &Ticket, &Limits)>,
) -> BTreeMap<Scope, Operation> {
    let mut writes = BTreeMap::new();
    for (scope, row) in after {
        let Some(was) = before.get(&scope).filter(|was| **was != row) else { continue };
        let light = asking.and_then(|(item, ticket, limits)| {
            let add = || Operation::Queue {
                item: item.clone(),
                ticket: ticket.clone(),
                digest: limits.digest.clone(),
                until: was.until(),
                first: was.tickets.is_empty(),
            };
            let with = |mut was: ScopeState| {
                was.tickets.insert(item.clone(), ticket.clone());
                was
            };
            if !was.exists() || with(was.clone()) != row {
                return None;
            }
            match was.tickets.get(item) {
                // Places that are kept for others make a row full too: that the operation's condition does not know.
                None => (was.leases.len() >= was.limit as usize).then(add),
                Some(known) => {
                    let only_later = Ticket { expires_at: ticket.expires_at, ..known.clone() } == *ticket;
                    let (item, expires_at) = (item.clone(), ticket.expires_at);
                    only_later.then(|| Operation::KeepTicket { item, ticket: known.clone(), expires_at })
                }
            }
        });
        let replace = || Operation::Replace { seen: was.fence, row: Box::new(row.clone()) };
        writes.insert(scope, light.unwrap_or_else(replace));
    }
    writes
}
