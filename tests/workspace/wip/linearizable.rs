//! Whether a history could have been a sequence: the search of Wing and Gong, against a specification of the limits that shares no
//! code with them.
//!
//! An operation has a beginning, an end and an answer. The history is linearizable when all answers come from some order of the
//! operations that keeps every end before the beginnings after it. Each operation carries the moment that its caller's watch showed,
//! since watches differ: the specification decides for that moment, whatever the order.
//!
//! The specification knows no rows. A place is taken in all of an item's scopes or in none; who waits is one line, by number; the lowest
//! number with room in all its scopes is served at once, whoever's act made the room. What it leaves open, and why:
//! - **The number of a new ticket** is read off the answer, and held to two bounds: not below the asker's own clock, which makes it higher
//!   than the number of everybody who was told to wait before the asker came; and not above the next one that is free.
//! - **A fence** rises by more than one where writes that gave none came between ([`SLACK`]): of a place that was handed over it is known
//!   once somebody was told it, and the same for everybody from then on.
//! - **What has expired** may be cleared away on the occasion of an act or stay, as long as nobody who waits could have had the place.

use std::collections::{BTreeMap, HashSet};

/// Whose: the place of the item in [`Spec::needs`].
pub(super) type Item = u8;

/// Where: the place of the scope in [`State::scopes`].
pub(super) type At = usize;

/// What was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Ask(Item),
    Release(Item, u64),
    Renew(Item, u64),
    SetLimit { at: At, expected: u32, limit: u32 },
}

/// What was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    Admitted(u64),
    Held(u64),
    /// Under this number.
    Waits(u64),
    /// Released, renewed, set.
    Yes,
    /// Stale, not held, another limit.
    No,
}

/// One operation of a history.
#[derive(Debug, Clone, Copy)]
pub(super) struct Op {
    pub(super) begin: u64,
    /// When it last touched the table: where to look for its place first. The search does not rely on it.
    pub(super) touched: u64,
    pub(super) end: u64,
    pub(super) act: Act,
    pub(super) said: Said,
    /// Whether its caller never had the answer. What was done was done all the same.
    pub(super) reply_lost: bool,
    /// The moment for which it was decided, in microseconds.
    pub(super) now: i64,
}

/// A lease: its fence, or what it is at least while nobody was told it, and its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Held {
    fence: u64,
    told: bool,
    end: i64,
}

/// A scope: its limit, and what the highest fence that was given there is at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Room {
    limit: u32,
    highest: u64,
}

/// What is in progress and who waits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct State {
    scopes: Vec<Room>,
    leases: BTreeMap<Item, Held>,
    /// Their numbers. They last longer than a history.
    tickets: BTreeMap<Item, u64>,
    /// The highest number of a ticket.
    highest: u64,
}

/// The rules of one history: which scopes each item needs, and the limits at its beginning.
pub(super) struct Spec {
    pub(super) needs: Vec<Vec<At>>,
    pub(super) limits: Vec<u32>,
}

/// How long a lease lasts, in microseconds.
pub(super) const LEASE: i64 = 600_000_000;

/// How far above the lowest number that is right a fence may be: one for each write of a row that gave none.
const SLACK: u64 = 1_000;

impl Held {
    /// Whether its fence may be this one.
    fn may_be(self, fence: u64) -> bool {
        if self.told { fence == self.fence } else { (self.fence..=self.fence + SLACK).contains(&fence) }
    }
}

impl State {
    fn live(&self, item: Item, now: i64) -> Option<Held> {
        self.leases.get(&item).filter(|held| now < held.end).copied()
    }

    fn without_expired(mut self, now: i64) -> Self {
        self.leases.retain(|_, held| now < held.end);
        self
    }
}

impl Spec {
    fn start(&self) -> State {
        State {
            scopes: self.limits.iter().map(|limit| Room { limit: *limit, highest: 0 }).collect(),
            leases: BTreeMap::new(),
            tickets: BTreeMap::new(),
            highest: 0,
        }
    }

    fn needs(&self, item: Item) -> &[At] {
        &self.needs[usize::from(item)]
    }

    fn has_room(&self, state: &State, item: Item) -> bool {
        self.needs(item).iter().all(|at| {
            let held = state.leases.keys().filter(|other| self.needs(**other).contains(at)).count();
            held < state.scopes[*at].limit as usize
        })
    }

    /// The first in line that has room everywhere.
    fn next(&self, state: &State) -> Option<Item> {
        let could = state.tickets.iter().filter(|(item, _)| self.has_room(state, **item));
        could.min_by_key(|(item, number)| (**number, **item)).map(|(item, _)| *item)
    }

    fn admit(&self, state: &mut State, item: Item, now: i64) {
        let highest = self.needs(item).iter().map(|at| state.scopes[*at].highest).max().unwrap_or_default();
        let fence = (highest + 1).max(now as u64);
        for at in self.needs(item) {
            state.scopes[*at].highest = fence;
        }
        state.leases.insert(item, Held { fence, told: false, end: now + LEASE });
    }

    /// The state once somebody was told this fence of a live lease, if that may be its fence.
    fn told(&self, mut state: State, item: Item, fence: u64, now: i64) -> Option<State> {
        let held = state.live(item, now).filter(|held| held.may_be(fence))?;
        for at in self.needs(item) {
            let room = &mut state.scopes[*at];
            room.highest = room.highest.max(fence);
        }
        state.leases.insert(item, Held { fence, told: true, ..held });
        Some(state)
    }

    /// What has expired goes; who is first in line and has room begins.
    fn settled(&self, state: State, now: i64) -> State {
        let mut state = state.without_expired(now);
        while let Some(item) = self.next(&state) {
            state.tickets.remove(&item);
            self.admit(&mut state, item, now);
        }
        state
    }

    /// Settled, or left as it is where nobody who waits could have a place.
    fn settled_or_not(&self, state: State, now: i64) -> Vec<State> {
        let settled = self.settled(state.clone(), now);
        if settled == state || self.next(&state).is_some() { vec![settled] } else { vec![settled, state] }
    }

    /// The states after this act that its answer allows.
    fn after(&self, state: &State, op: &Op) -> Vec<State> {
        let now = op.now;
        match (op.act, op.said) {
            (Act::Ask(item), said) => self.after_asking(state, item, said, now),
            (Act::Release(item, fence), Said::Yes) => match self.told(state.clone(), item, fence, now) {
                Some(mut after) => {
                    after.leases.remove(&item);
                    self.settled_or_not(after, now)
                }
                None => Vec::new(),
            },
            (Act::Renew(item, fence), Said::Yes) => match self.told(state.clone(), item, fence, now) {
                Some(mut after) => {
                    after.leases.entry(item).and_modify(|held| held.end = now + LEASE);
                    vec![after]
                }
                None => Vec::new(),
            },
            (Act::Release(item, fence) | Act::Renew(item, fence), said) => {
                let its_own = state.live(item, now).is_some_and(|held| held.told && held.fence == fence);
                if said == Said::No && !its_own { vec![state.clone()] } else { Vec::new() }
            }
            (Act::SetLimit { at, expected, limit }, said) if state.scopes[at].limit == expected => {
                let mut after = state.clone();
                after.scopes[at].limit = limit;
                if said == Said::Yes { self.settled_or_not(after, now) } else { Vec::new() }
            }
            (_, Said::No) => vec![state.clone()],
            _ => Vec::new(),
        }
    }

    fn after_asking(&self, state: &State, item: Item, said: Said, now: i64) -> Vec<State> {
        if state.live(item, now).is_some() {
            let Said::Held(fence) = said else { return Vec::new() };
            return self.told(state.clone(), item, fence, now).into_iter().collect();
        }
        let mut states = Vec::new();
        // At once: there is room whatever has expired, and nobody who waits is passed.
        let fresh = !state.leases.contains_key(&item) && !state.tickets.contains_key(&item);
        let rises = self.needs(item).iter().all(|at| state.scopes[*at].highest < now as u64);
        if fresh
            && rises
            && self.has_room(state, item)
            && self.next(state).is_none()
            && said == Said::Admitted(now as u64)
        {
            let mut after = state.clone();
            self.admit(&mut after, item, now);
            states.extend(self.told(after, item, now as u64, now));
        }
        let highest = state.scopes.iter().map(|room| room.highest).fold(state.highest, u64::max);
        let next_free = (highest + 1 + SLACK).max(now as u64);
        let number = match (state.tickets.get(&item), said) {
            (Some(number), _) => *number,
            (None, Said::Waits(number)) if (now as u64..=next_free).contains(&number) => number,
            (None, Said::Waits(_)) => return Vec::new(),
            (None, _) => next_free,
        };
        let mut asking = state.clone();
        asking.tickets.insert(item, number);
        let mut after = self.settled(asking, now);
        match said {
            Said::Admitted(fence) => states.extend(self.told(after, item, fence, now)),
            Said::Waits(told) if told == number && after.live(item, now).is_none() => {
                after.highest = after.highest.max(number);
                states.push(after);
            }
            _ => {}
        }
        states
    }
}

/// How many states a search may see before it gives up; a search that gives up is a failure, not a pass.
const MOST_STATES: usize = 200_000;

/// A set of operations.
type Done = Vec<u64>;

fn is_done(done: &Done, at: usize) -> bool {
    done[at / 64] >> (at % 64) & 1 == 1
}

/// Whether the history could have been a sequence under these rules. The error says how far the search came.
pub(super) fn check(history: &[Op], spec: &Spec) -> Result<(), String> {
    let mut history = history.to_vec();
    history.sort_by_key(|op| op.begin);
    let mut seen: HashSet<(Done, State)> = HashSet::new();
    let mut best = 0;
    let mut stack = vec![(vec![0_u64; history.len().div_ceil(64)], spec.start(), 0)];
    while let Some((mut done, state, mut order)) = stack.pop() {
        let mut next = loop {
            // Only what began before the first end of all that is left may be next.
            let left: Vec<usize> = (0..history.len()).filter(|at| !is_done(&done, *at)).collect();
            let first_end = left.iter().map(|at| history[*at].end).min().unwrap_or(u64::MAX);
            let next: Vec<usize> = left.into_iter().filter(|at| history[*at].begin < first_end).collect();
            // What only looks may as well come now, where its answer is right: every order that has it later has it here too. The
            // others may not, even if they would change nothing here: what they clear away later may be what somebody needs.
            let looks = |at: &&usize| matches!(history[**at].said, Said::Held(_) | Said::No);
            match next.iter().filter(looks).find(|at| spec.after(&state, &history[**at]) == [state.clone()]) {
                Some(at) => {
                    done[at / 64] |= 1 << (at % 64);
                    order += 1;
                }
                None => break next,
            }
        };
        best = best.max(order);
        if order == history.len() {
            return Ok(());
        }
        // The stack gives back the last first.
        next.sort_by_key(|at| std::cmp::Reverse(history[*at].touched));
        for at in next {
            for after in spec.after(&state, &history[at]) {
                let mut done = done.clone();
                done[at / 64] |= 1 << (at % 64);
                if seen.insert((done.clone(), after.clone())) {
                    stack.push((done, after, order + 1));
                }
            }
        }
        if seen.len() > MOST_STATES {
            return Err(format!("gave up after {MOST_STATES} states, with {best} of {} in order", history.len()));
        }
    }
    Err(format!("no order of {} explains it, the longest has {}\n{}", history.len(), best, as_touched(&history, spec)))
}

/// How far one comes in the order in which the table was touched: where to begin reading.
fn as_touched(history: &[Op], spec: &Spec) -> String {
    let mut history = history.to_vec();
    history.sort_by_key(|op| op.touched);
    let mut states = vec![spec.start()];
    let mut text = String::new();
    for op in &history {
        let after: Vec<State> = states.iter().flat_map(|state| spec.after(state, op)).collect();
        if after.is_empty() {
            return format!("{text}after which this is not right: {op:?}\nin any of {states:#?}");
        }
        states = after;
        text.push_str(&format!("{op:?}\n"));
    }
    text + "which would do, but for what ended before something else began"
}

#[cfg(test)]
mod tests;
