//! Who looks on at every transaction of the model: what it may never do.

use super::{
    board::{Age, Layout},
    plan::{Plan, Request},
    *,
};

/// One transaction.
pub(super) struct Watch<'w> {
    pub(super) request: Request,
    pub(super) plan: &'w Plan,
    pub(super) before: &'w Rows,
    pub(super) after: &'w Rows,
    /// As the server read it.
    pub(super) now: Timestamp,
    pub(super) layout: &'w Layout,
}

impl Watch<'_> {
    fn row<'r>(&self, rows: &'r Rows, place: usize) -> &'r ScopeState {
        &rows[self.layout.scope(place)]
    }

    fn lease<'r>(&self, rows: &'r Rows, at: usize) -> Option<&'r Lease> {
        self.row(rows, 0).leases.get(self.layout.item(at))
    }

    fn live<'r>(&self, rows: &'r Rows, at: usize) -> Option<&'r Lease> {
        self.lease(rows, at).filter(|lease| Age::of(lease.expires_at) == Age::Live)
    }

    /// The first rule that it breaks. `torn`: some lease is not the same in all its scopes.
    pub(super) fn broken(&self, torn: bool) -> Option<&'static str> {
        let all = 0..self.layout.pods.len();
        let begun: Vec<usize> = all
            .clone()
            .filter(|at| {
                let fence = |rows| self.lease(rows, *at).map(|lease| lease.fence);
                fence(self.after).is_some() && fence(self.after) != fence(self.before)
            })
            .collect();
        let over = |at: &usize| {
            let over = |place: &usize| {
                let row = self.row(self.after, *place);
                row.live_leases(self.now).count() > row.limit as usize
            };
            self.layout.needs(*at).iter().any(over)
        };
        let falls = |at: &usize| {
            let fence = self.lease(self.after, *at).map(|lease| lease.fence);
            self.layout.needs(*at).iter().any(|place| fence <= Some(self.row(self.before, *place).fence))
        };
        let released = match self.request {
            Request::Release(at, _) | Request::ReleaseAtOnce(at, _) => Some(at),
            _ => None,
        };
        let changed = |at: usize| {
            self.live(self.before, at)
                .is_some_and(|was| self.lease(self.after, at).is_some_and(|is| is.fence != was.fence))
        };
        let lost = |at: usize| {
            self.live(self.before, at).is_some() && self.lease(self.after, at).is_none() && released != Some(at)
        };
        let stale = matches!(self.request, Request::Release(_, 0) | Request::ReleaseAtOnce(_, 0));
        let waits = matches!(self.request, Request::Ask(at) if self.plan.says.is_none()
            && self.layout.needs(at).iter().all(|place| !self.row(self.after, *place).tickets.contains_key(self.layout.item(at)))
            && self.lease(self.after, at).is_none());
        [
            (torn, "a lease stands in all its scopes under one fence"),
            (begun.iter().any(over), "nothing begins above a limit"),
            (begun.iter().any(falls), "a fence rises with every lease"),
            (all.clone().any(changed), "a live lease keeps its fence"),
            (all.clone().any(lost), "nobody loses a live lease but by its own release"),
            (begun.iter().any(|at| self.passes_somebody(*at)), "nobody is passed in one scope"),
            (stale && !self.plan.writes.is_empty(), "a stale word changes nothing"),
            (waits, "who waits has a ticket"),
        ]
        .into_iter()
        .find_map(|(broken, what)| broken.then_some(what))
    }

    /// Whether somebody who stands before it in one of its scopes could have had this place.
    fn passes_somebody(&self, at: usize) -> bool {
        let number = |at: usize, place: usize| {
            self.row(self.before, place).tickets.get(self.layout.item(at)).map(|ticket| ticket.number)
        };
        // Who asked twice at once may have two numbers. The lower is its place; but where the row that has it is not read, it goes by the other.
        let mine = self.layout.needs(at).iter().filter_map(|place| number(at, *place)).min();
        // As it stands: a lease that is over keeps its place for who is first in line, until somebody finds it.
        let room = |place: &usize| {
            let row = self.row(self.after, *place);
            row.leases.keys().filter(|item| *item != self.layout.item(at)).count() < row.limit as usize
        };
        (0..self.layout.pods.len()).filter(|other| *other != at).any(|other| {
            let before_me =
                |place: &usize| number(other, *place).is_some_and(|theirs| mine.is_none_or(|mine| theirs < mine));
            self.layout.needs(at).iter().any(before_me)
                && self.lease(self.after, other).is_none()
                && self.layout.needs(other).iter().all(room)
        })
    }
}
