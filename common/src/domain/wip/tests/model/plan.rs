//! What a server of the model is asked, and what it decides: the functions that ship, over rows of one moment.

use super::{board::Layout, *};

/// What a server is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Request {
    /// The first attempt, without reading.
    AskAtOnce(usize),
    /// After that has failed, or met a conflict.
    Ask(usize),
    /// By a client that knows its fence, or with fence 0: an older one than the item's.
    ReleaseAtOnce(usize, u64),
    Release(usize, u64),
    Sweep(usize),
    SetLimit(usize, u8),
}

impl Request {
    /// The item that it is about.
    pub(super) fn item(self) -> Option<usize> {
        match self {
            Self::AskAtOnce(at) | Self::Ask(at) | Self::ReleaseAtOnce(at, _) | Self::Release(at, _) => Some(at),
            Self::Sweep(_) | Self::SetLimit(..) => None,
        }
    }
}

/// Numbers above it were made from the clock, in this step; the others are ranks.
pub(super) const DRAWN: Fence = Fence(1_000);

/// A decision: what to write, and the fence that its answer names.
pub(super) struct Plan {
    pub(super) writes: BTreeMap<Scope, Operation>,
    pub(super) facts: Vec<Fact>,
    pub(super) says: Option<Fence>,
}

impl Plan {
    fn of<A>(step: Step<A>, says: impl FnOnce(&A) -> Option<Fence>) -> Self {
        Self { says: says(&step.answer), writes: step.writes, facts: step.facts }
    }
}

/// Decides over rows of one moment, of which it sees those that it asks for.
pub(super) fn decide(request: Request, rows: &Rows, now: Timestamp, layout: &Layout) -> Plan {
    let limits = &layout.limits;
    let over = |first: BTreeSet<Scope>, decide: &dyn Fn(&Rows) -> Next<Plan>| {
        let some = |scopes: BTreeSet<Scope>| scopes.into_iter().map(|scope| (scope.clone(), rows[&scope].clone()));
        let mut read: Rows = some(first).collect();
        loop {
            match decide(&read) {
                Next::Ready(plan) => return plan,
                Next::Need(more) => read.extend(some(more)),
            }
        }
    };
    let portfolio = || BTreeSet::from([Scope::Portfolio]);
    let ada = "ada".parse().unwrap();
    match request {
        Request::AskAtOnce(at) => Plan::of(admit_at_once(layout.request(at), limits, now), fence),
        Request::Ask(at) => {
            let request = layout.request(at);
            over(request.scopes.clone(), &|rows| ask(request, rows, limits, now).map(|step| Plan::of(step, fence)))
        }
        Request::ReleaseAtOnce(at, rank) => {
            let fence = Layout::fence(at, rank);
            let step = release_at_once(layout.item(at), fence, layout.scopes_of(at), &ada, now).unwrap();
            Plan::of(step, |_| None)
        }
        Request::Release(at, rank) => over(portfolio(), &|rows| {
            let step = release(layout.item(at), Layout::fence(at, rank), &ada, rows, limits, now);
            step.map(|step| Plan::of(step, |_| None))
        }),
        Request::Sweep(place) => over(BTreeSet::from([layout.scope(place).clone()]), &|rows| {
            sweep(rows, limits, now).map(|step| Plan::of(step, |()| None))
        }),
        Request::SetLimit(place, limit) => over(BTreeSet::from([layout.scope(place).clone()]), &|rows| {
            let scope = layout.scope(place).clone();
            let expected_limit = rows[&scope].limit_in_force(limits, now);
            let set = Override { reason: "to see".into(), by: "ada".parse().unwrap(), until: None };
            let change = LimitChange { scope, limit: limit.into(), expected_limit, set };
            set_limit(&change, rows, limits, now).map(|step| Plan::of(step, |_| None))
        }),
    }
}

fn fence(asked: &Asked) -> Option<Fence> {
    match asked {
        Asked::Held(lease) | Asked::Admitted { lease, .. } => Some(lease.fence),
        Asked::Waits { .. } | Asked::NoTicket { .. } => None,
    }
}
