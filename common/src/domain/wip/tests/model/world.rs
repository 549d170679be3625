//! A world of servers at the same rows: what a request does, and what it may never do.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use super::{
    board::{Age, Board, ITEMS, Layout, present},
    plan::{Plan, Request},
    session::{Holds, Scopes, Session},
    watch::Watch,
    *,
};
use crate::domain::wip::admission::held;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct World {
    pub(super) board: Board,
    /// The fence that the item's client knows, when it is that of its lease.
    pub(super) known: [u64; ITEMS],
    pub(super) session: Option<Session>,
    /// The first safety property that a step broke.
    pub(super) broken: Option<&'static str>,
}

/// Things that must happen sometimes. Kept beside the states, which would be many times as many with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    SameLeaseAgain,
    TookTicket,
    HandedOver,
    Reclaimed,
    WasFaster,
    StaleRefused,
    ReplyLost,
    QueuedOnOldReading,
    LateAdmission,
    Passed,
}

#[derive(Clone, Default)]
pub(super) struct Sightings(Arc<AtomicU32>);

impl Sightings {
    fn see(&self, what: Seen) {
        self.0.fetch_or(1 << what as u32, Ordering::Relaxed);
    }

    pub(super) fn seen(&self, what: Seen) -> bool {
        self.0.load(Ordering::Relaxed) & (1 << what as u32) != 0
    }
}

impl World {
    pub(super) const START: Self = Self { board: Board::EMPTY, known: [0; ITEMS], session: None, broken: None };

    /// Everything that may be asked for now.
    pub(super) fn requests(&self, layout: &Layout) -> Vec<Request> {
        let mut all = Vec::new();
        for at in 0..layout.pods.len() {
            all.extend([Request::AskAtOnce(at), Request::Ask(at)]);
            all.extend([Request::ReleaseAtOnce(at, 0), Request::Release(at, 0)]);
            if self.known[at] > 0 {
                all.extend([Request::ReleaseAtOnce(at, self.known[at]), Request::Release(at, self.known[at])]);
            }
        }
        // The sweep goes through the rows that there are.
        all.extend((0..3).filter(|place| self.board.limits[*place].is_some()).map(Request::Sweep));
        all.extend(layout.settable.iter().map(|(place, limit)| Request::SetLimit(*place, *limit)));
        all
    }

    /// Whether an item before this one could do the same, and nobody could tell which of them did.
    pub(super) fn repeats(&self, request: Request, layout: &Layout) -> bool {
        request.item().is_some_and(|at| (0..at).any(|other| self.alike(at, other, layout)))
    }

    /// Whether these two may change their names and nobody could tell.
    fn alike(&self, one: usize, other: usize, layout: &Layout) -> bool {
        let same = |board: &Board| board.slots[one] == board.slots[other];
        let unnamed = self.session.is_none_or(|session| {
            session.request.item().is_none_or(|named| named != one && named != other)
                && !matches!(session.holds, Holds::Past { read, .. } if !same(&read))
        });
        layout.pods[one] == layout.pods[other] && self.known[one] == self.known[other] && same(&self.board) && unnamed
    }

    pub(super) fn tick(&mut self) {
        self.board.tick();
        if let Some(session) = &mut self.session {
            session.late = !matches!(session.holds, Holds::Ticket { .. } | Holds::Answer(_));
            if let Holds::Past { read, .. } = &mut session.holds {
                read.tick();
            }
        }
    }

    /// A request from beginning to end, with nobody between: what it plans over the rows as they are. The scopes whose rows have changed.
    pub(super) fn run(
        &mut self,
        (request, plan): (Request, &Plan),
        rows: &Rows,
        reply_arrives: bool,
        layout: &Layout,
        seen: &Sightings,
    ) -> Scopes {
        self.commit(request, plan, rows, present(), reply_arrives, layout, seen).unwrap_or_default()
    }

    /// The commit of a server that read some time ago.
    pub(super) fn finish(&mut self, rows: &Rows, reply_arrives: bool, layout: &Layout, seen: &Sightings) {
        let Some(session) = self.session.take() else { return };
        let (plan, now) = (session.plan(&self.board, layout), session.now());
        match self.commit(session.request, &plan, rows, now, reply_arrives, layout, seen) {
            None => seen.see(Seen::WasFaster),
            Some(_) if matches!(session.holds, Holds::Ticket { .. }) => seen.see(Seen::QueuedOnOldReading),
            Some(_) if session.late && plan.facts.iter().any(|fact| matches!(fact, Fact::Acquired { .. })) => {
                seen.see(Seen::LateAdmission);
            }
            Some(_) => {}
        }
    }

    /// One transaction, watched: what it may never do is noted. The scopes whose rows have changed; nothing when it failed.
    #[expect(clippy::too_many_arguments, reason = "who, what, over what, when, and who looks on")]
    fn commit(
        &mut self,
        request: Request,
        plan: &Plan,
        before: &Rows,
        now: Timestamp,
        reply_arrives: bool,
        layout: &Layout,
        seen: &Sightings,
    ) -> Option<Scopes> {
        let failed = plan.writes.iter().filter(|(scope, write)| !write.holds(&before[*scope], now));
        let failed: Rows = failed.map(|(scope, _)| (scope.clone(), before[scope].clone())).collect();
        if !failed.is_empty() {
            // The first attempt is answered from what its condition returned.
            if let Request::AskAtOnce(at) = request
                && let Some(lease) = held(layout.item(at), &failed, now)
            {
                seen.see(Seen::SameLeaseAgain);
                self.learn(at, lease.fence, reply_arrives, seen);
            }
            return None;
        }
        let mut after = before.clone();
        for (scope, write) in &plan.writes {
            after.insert(scope.clone(), write.apply(before[scope].clone(), now));
        }
        let watch = Watch { request, plan, before, after: &after, now, layout };
        let board = Board::read(&after, layout);
        self.broken = watch.broken(board.is_err()).or(self.broken);
        for fact in &plan.facts {
            match fact {
                Fact::Expired { .. } => seen.see(Seen::Reclaimed),
                Fact::Acquired { waited: Some(_), .. } => seen.see(Seen::HandedOver),
                Fact::Waits { .. } => seen.see(Seen::TookTicket),
                _ => {}
            }
        }
        if matches!(request, Request::Release(..)) && plan.writes.is_empty() {
            seen.see(Seen::StaleRefused);
        }
        let number = |rows: &Rows, place: usize| rows[layout.scope(place)].fence;
        let changed = (0..3).filter(|place| number(before, *place) != number(&after, *place));
        let changed = changed.fold(0, |all, place| all | 1 << place);
        self.outdate(changed, layout);
        if let Ok(board) = board {
            let gone = |board: &Board, at: usize| board.slots[at].lease.is_none() && board.slots[at].tickets != [0; 3];
            if (0..layout.pods.len()).any(|at| gone(&board, at))
                && plan.facts.iter().any(|fact| matches!(fact, Fact::Acquired { .. }))
            {
                seen.see(Seen::Passed);
            }
            self.board = board;
        }
        if let (Request::AskAtOnce(at) | Request::Ask(at), Some(fence)) = (request, plan.says) {
            if plan.writes.is_empty() {
                seen.see(Seen::SameLeaseAgain);
            }
            self.learn(at, fence, reply_arrives, seen);
        }
        Some(changed)
    }

    /// What a server under way holds once rows have changed.
    fn outdate(&mut self, changed: Scopes, layout: &Layout) {
        let Some(mut session) = self.session.take() else { return };
        match &mut session.holds {
            Holds::Present if changed > 0 => {
                session.holds = Holds::Past { read: self.board, changed, number: self.highest() + 1 };
            }
            Holds::Past { changed: all, .. } => *all |= changed,
            _ => {}
        }
        let doomed = match session.holds {
            Holds::Past { changed, .. } => {
                let plan = session.plan(&self.board, layout);
                let replaces =
                    |place: usize| matches!(plan.writes.get(layout.scope(place)), Some(Operation::Replace { .. }));
                plan.writes.is_empty() || (0..3).any(|place| changed >> place & 1 == 1 && replaces(place))
            }
            _ => false,
        };
        self.session = Some(session).filter(|_| !doomed);
    }

    fn learn(&mut self, at: usize, fence: Fence, reply_arrives: bool, seen: &Sightings) {
        if !reply_arrives {
            seen.see(Seen::ReplyLost);
        } else if let Some((rank, _)) = self.board.slots[at].lease
            && (Layout::fence(at, rank) == fence || rank == fence.0)
        {
            self.known[at] = rank;
        }
    }

    /// The same world by its shortest name: ranks for numbers, no server under way that can do nothing any more, items in the first of all orders.
    pub(super) fn settled(mut self, layout: &Layout) -> Self {
        for (known, slot) in self.known.iter_mut().zip(&self.board.slots) {
            if slot.lease.is_none_or(|(fence, _)| fence != *known) {
                *known = 0;
            }
        }
        let lease = |at: usize| self.board.slots[at].lease.map(|(fence, _)| fence);
        let in_vain = self.session.is_some_and(|session| match (session.request, session.holds) {
            (Request::Ask(at), Holds::Answer(fence)) => self.known[at] == fence || lease(at) != Some(fence),
            (Request::ReleaseAtOnce(at, fence), _) => lease(at) != Some(fence),
            _ => false,
        });
        if in_vain {
            self.session = None;
        }
        // Only who read the clock before its last tick can tell how long a lease is over.
        if self.session.is_none_or(|session| !session.late) {
            for (_, age) in self.boards().flat_map(|board| &mut board.slots).filter_map(|slot| slot.lease.as_mut()) {
                *age = if *age == Age::JustExpired { Age::Expired } else { *age };
            }
        }
        self.rank();
        layout.renamings.iter().map(|order| self.renamed(order)).min().unwrap_or(self)
    }

    fn boards(&mut self) -> impl Iterator<Item = &mut Board> {
        let past = self.session.as_mut().and_then(|session| match &mut session.holds {
            Holds::Past { read, .. } => Some(read),
            _ => None,
        });
        [&mut self.board].into_iter().chain(past)
    }

    /// The fence that the server under way names, with its item.
    fn named(&mut self) -> Option<(usize, &mut u64)> {
        let session = self.session.as_mut()?;
        match (&mut session.request, &mut session.holds) {
            (Request::ReleaseAtOnce(at, fence) | Request::Release(at, fence), _) => Some((*at, fence)),
            (Request::Ask(at), Holds::Answer(fence)) => Some((*at, fence)),
            _ => None,
        }
    }

    /// The ticket's number that the server under way has drawn.
    fn drawn(&mut self) -> Option<&mut u64> {
        match &mut self.session.as_mut()?.holds {
            Holds::Ticket { number, .. } | Holds::Past { number, .. } => Some(number),
            _ => None,
        }
    }

    fn rank(&mut self) {
        let place = |all: &BTreeSet<u64>, one: u64| all.iter().position(|other| *other == one).unwrap() as u64;
        let mut numbers = BTreeSet::from([0]);
        numbers.extend(self.drawn().copied());
        for at in 0..ITEMS {
            let mut fences = BTreeSet::from([0, self.known[at]]);
            fences.extend(self.named().filter(|(other, _)| *other == at).map(|(_, fence)| *fence));
            for board in self.boards() {
                fences.extend(board.slots[at].lease.map(|(fence, _)| fence));
                numbers.extend(board.slots[at].tickets);
            }
            for board in self.boards() {
                board.slots[at].lease = board.slots[at].lease.map(|(fence, age)| (place(&fences, fence), age));
            }
            self.known[at] = place(&fences, self.known[at]);
            if let Some((_, fence)) = self.named().filter(|(other, _)| *other == at) {
                *fence = place(&fences, *fence);
            }
        }
        for board in self.boards() {
            for number in board.slots.iter_mut().flat_map(|slot| &mut slot.tickets) {
                *number = place(&numbers, *number);
            }
        }
        if let Some(number) = self.drawn() {
            *number = place(&numbers, *number);
        }
    }

    fn renamed(&self, order: &[usize; ITEMS]) -> Self {
        let new = |at: usize| order.iter().position(|old| *old == at).unwrap();
        Self {
            board: self.board.renamed(order),
            known: order.map(|at| self.known[at]),
            session: self.session.map(|session| Session {
                holds: match session.holds {
                    Holds::Past { read, changed, number } => Holds::Past { read: read.renamed(order), changed, number },
                    other => other,
                },
                request: match session.request {
                    Request::AskAtOnce(at) => Request::AskAtOnce(new(at)),
                    Request::Ask(at) => Request::Ask(new(at)),
                    Request::ReleaseAtOnce(at, fence) => Request::ReleaseAtOnce(new(at), fence),
                    Request::Release(at, fence) => Request::Release(new(at), fence),
                    other => other,
                },
                ..session
            }),
            broken: self.broken,
        }
    }
}
