//! A server that is under way while something changes: when it differs from one that has not begun, and by what.

use super::{
    board::{Board, Layout, TICK, present},
    plan::{DRAWN, Plan, Request, decide},
    world::World,
    *,
};

/// A server that has read, or looked at the clock, before something changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Session {
    pub(super) request: Request,
    /// Whether the clock has ticked since, where that makes a difference.
    pub(super) late: bool,
    pub(super) holds: Holds,
}

/// What a server under way has in its hands: as much of it as can make a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Holds {
    /// The time alone.
    Clock,
    /// The rows as they still are.
    Present,
    /// A ticket with its number, to be put into some scopes, in some of them as the first, and kept in others.
    Ticket { number: u64, put: Scopes, keep: Scopes, first: Scopes },
    /// An answer: the fence of a lease.
    Answer(u64),
    /// Rows of which some have changed, but none that it would replace. The ticket that it takes if it must has this number.
    Past { read: Board, changed: Scopes, number: u64 },
}

/// A bit for each scope.
pub(super) type Scopes = u8;

/// What a server would do that reads now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    pub(super) request: Request,
    replaces: Scopes,
    put: Scopes,
    keep: Scopes,
    first: Scopes,
    number: u64,
    says: u64,
}

/// A step that was taken: the world after it, and what changed.
pub(super) struct After {
    pub(super) next: World,
    pub(super) changed: Scopes,
    pub(super) ticked: bool,
}

impl World {
    /// What a server would do that reads now; nothing when it would do nothing, whatever happens next.
    pub(super) fn reading(&self, request: Request, plan: &Plan, layout: &Layout) -> Option<Reading> {
        let mut reading = Reading { request, replaces: 0, put: 0, keep: 0, first: 0, number: 0, says: 0 };
        if matches!(request, Request::Release(_, 0) | Request::ReleaseAtOnce(_, 0)) {
            return None;
        }
        if matches!(request, Request::AskAtOnce(_) | Request::ReleaseAtOnce(..)) {
            return Some(reading);
        }
        for (place, write) in (0..3).filter_map(|place| Some((place, plan.writes.get(layout.scope(place))?))) {
            match write {
                Operation::Queue { ticket, first, .. } => {
                    reading.put |= 1 << place;
                    reading.first |= u8::from(*first) << place;
                    // Drawn now: above all that there are, below all that are drawn later.
                    reading.number = if ticket.number < DRAWN { ticket.number.0 } else { self.highest() + 1 };
                }
                Operation::KeepTicket { ticket, .. } => {
                    reading.keep |= 1 << place;
                    reading.number = ticket.number.0;
                }
                Operation::Replace { .. } => reading.replaces |= 1 << place,
                other => panic!("who reads does not {other:?}"),
            }
        }
        if let (Request::Ask(at), Some(fence)) = (request, plan.says.filter(|_| plan.writes.is_empty())) {
            let rank = self.board.slots[at].lease.map_or(0, |(rank, _)| rank);
            assert_eq!(Layout::fence(at, rank), fence);
            reading.says = if self.known[at] == rank { 0 } else { rank };
        }
        (reading.replaces | reading.put > 0 || reading.says > 0).then_some(reading)
    }

    pub(super) fn highest(&self) -> u64 {
        self.board.slots.iter().flat_map(|slot| slot.tickets).max().unwrap_or_default()
    }

    /// The world after `step` for a server that had read just before it; nothing when that makes no difference.
    pub(super) fn with(&self, reading: &Reading, step: &After) -> Option<Self> {
        let Reading { request, replaces, put, keep, first, number, says } = *reading;
        let blind = matches!(request, Request::AskAtOnce(_) | Request::ReleaseAtOnce(..));
        let holds = if blind {
            Holds::Clock
        } else if replaces & step.changed > 0 {
            return None;
        } else if replaces > 0 && step.changed > 0 {
            Holds::Past { read: self.board, changed: step.changed, number: self.highest() + 1 }
        } else if replaces > 0 {
            Holds::Present
        } else if put > 0 {
            Holds::Ticket { number, put, keep, first }
        } else {
            Holds::Answer(says)
        };
        let clock = matches!(holds, Holds::Clock | Holds::Present);
        let late = step.ticked && clock;
        (late || (step.changed > 0 || step.ticked) && !clock)
            .then_some(Self { session: Some(Session { request, late, holds }), ..step.next })
    }
}

impl Session {
    /// The clock as it was read.
    pub(super) fn now(&self) -> Timestamp {
        if self.late { present() - TICK } else { present() }
    }

    /// What it commits.
    pub(super) fn plan(&self, board: &Board, layout: &Layout) -> Plan {
        match self.holds {
            Holds::Clock | Holds::Present => decide(self.request, &board.rows(layout, 0), self.now(), layout),
            Holds::Past { read, changed, number } => {
                let mut plan = decide(self.request, &read.rows(layout, changed), self.now(), layout);
                for write in plan.writes.values_mut() {
                    if let Operation::Queue { ticket, .. } = write
                        && ticket.number > DRAWN
                    {
                        ticket.number = Fence(number);
                    }
                }
                plan
            }
            Holds::Answer(fence) => {
                let (Request::Ask(at), writes) = (self.request, BTreeMap::new()) else {
                    panic!("who asks is answered")
                };
                Plan { writes, facts: Vec::new(), says: Some(Layout::fence(at, fence)) }
            }
            Holds::Ticket { number, put, keep, first } => {
                let Request::Ask(at) = self.request else { panic!("who asks takes a ticket") };
                let (item, ticket) = (layout.item(at).clone(), layout.ticket(at, number));
                let digest = layout.limits.digest.clone();
                let writes = (0..3).filter_map(|place| {
                    let operation = if put >> place & 1 == 1 {
                        Operation::Queue {
                            item: item.clone(),
                            ticket: ticket.clone(),
                            digest: digest.clone(),
                            until: None,
                            first: first >> place & 1 == 1,
                        }
                    } else if keep >> place & 1 == 1 {
                        let expires_at = ticket.expires_at;
                        Operation::KeepTicket { item: item.clone(), ticket: ticket.clone(), expires_at }
                    } else {
                        return None;
                    };
                    Some((layout.scope(place).clone(), operation))
                });
                Plan { writes: writes.collect(), facts: Vec::new(), says: None }
            }
        }
    }
}
