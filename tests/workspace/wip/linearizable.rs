//! Whether a history could have been a sequence: the search of Wing and Gong, against a specification of the limits that shares no
//! code with them.
//!
//! An operation has a beginning, an end and an answer; one whose reply was lost has no end. The history is linearizable when all
//! answers come from some order of the operations that keeps every end before the beginnings after it. Each operation carries the moment
//! that its caller's watch showed, since watches differ: the specification decides for that moment, whatever the order.

use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Whose.
pub(super) type Item = u8;

/// What was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Ask(Item),
    Release(Item, u64),
    Renew(Item, u64),
    SetLimit { expected: u32, limit: u32 },
}

/// What was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    Admitted(u64),
    Held(u64),
    Waits,
    /// Released, renewed, set.
    Yes,
    /// Stale, not held, another limit.
    No,
}

/// One operation of a history.
#[derive(Debug, Clone, Copy)]
pub(super) struct Op {
    pub(super) begin: u64,
    /// Nothing and no answer when the reply was lost.
    pub(super) end: Option<(u64, Said)>,
    pub(super) act: Act,
    /// The moment for which it was decided, in microseconds.
    pub(super) now: i64,
}

/// One limited scope, with everybody in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Spec {
    pub(super) limit: u32,
    /// The highest number that was given.
    highest: u64,
    /// Fence and end.
    leases: BTreeMap<Item, (u64, i64)>,
    /// Their numbers. They last longer than a history.
    tickets: BTreeMap<Item, u64>,
}

/// How long a lease lasts, in microseconds.
pub(super) const LEASE: i64 = 600_000_000;

impl Spec {
    pub(super) fn new(limit: u32) -> Self {
        Self { limit, highest: 0, leases: BTreeMap::new(), tickets: BTreeMap::new() }
    }

    fn live(&self, item: Item, now: i64) -> Option<u64> {
        self.leases.get(&item).filter(|(_, end)| now < *end).map(|(fence, _)| *fence)
    }

    fn fence(&mut self, now: i64) -> u64 {
        self.highest = (self.highest + 1).max(now as u64);
        self.highest
    }

    /// What has expired goes; who is first in line and has room begins.
    fn settled(mut self, now: i64) -> Self {
        self.leases.retain(|_, (_, end)| now < *end);
        while self.leases.len() < self.limit as usize
            && let Some((&item, _)) = self.tickets.iter().min_by_key(|(item, number)| (**number, **item))
        {
            self.tickets.remove(&item);
            let fence = self.fence(now);
            self.leases.insert(item, (fence, now + LEASE));
        }
        self
    }

    /// Every answer that the act may have in this state, with the state after it. There is more than one where it is left open
    /// whether what has expired is cleared away on the occasion.
    fn answers(&self, op: &Op) -> Vec<(Said, Self)> {
        let now = op.now;
        match op.act {
            Act::Ask(item) => self.ask(item, now),
            Act::Release(item, fence) if self.live(item, now) == Some(fence) => {
                let mut after = self.clone();
                after.leases.remove(&item);
                let mut answers = vec![(Said::Yes, after.clone().settled(now))];
                if self.tickets.is_empty() {
                    answers.push((Said::Yes, after));
                }
                answers
            }
            Act::Renew(item, fence) if self.live(item, now) == Some(fence) => {
                let mut after = self.clone();
                after.leases.insert(item, (fence, now + LEASE));
                vec![(Said::Yes, after)]
            }
            Act::SetLimit { expected, limit } if self.limit == expected => {
                vec![(Said::Yes, Self { limit, ..self.clone() }.settled(now))]
            }
            Act::Release(..) | Act::Renew(..) | Act::SetLimit { .. } => vec![(Said::No, self.clone())],
        }
    }

    fn ask(&self, item: Item, now: i64) -> Vec<(Said, Self)> {
        if let Some(fence) = self.live(item, now) {
            return vec![(Said::Held(fence), self.clone())];
        }
        let mut answers = Vec::new();
        // At once, without looking at what has expired: whatever stands there counts.
        let room = self.tickets.is_empty() && self.leases.len() < self.limit as usize;
        if room && !self.leases.contains_key(&item) && self.highest < now as u64 {
            let mut after = self.clone();
            let fence = after.fence(now);
            after.leases.insert(item, (fence, now + LEASE));
            answers.push((Said::Admitted(fence), after));
        }
        let mut asking = self.clone();
        let number = match self.tickets.get(&item) {
            Some(number) => *number,
            None => asking.highest_ticket().max(asking.highest).saturating_add(1).max(now as u64),
        };
        asking.tickets.insert(item, number);
        let after = asking.settled(now);
        match after.live(item, now) {
            Some(fence) => answers.push((Said::Admitted(fence), after)),
            None => answers.push((Said::Waits, after)),
        }
        answers
    }

    fn highest_ticket(&self) -> u64 {
        self.tickets.values().copied().max().unwrap_or_default()
    }
}

/// How many states a search may see before it gives up; a search that gives up is a failure, not a pass.
const MOST_STATES: usize = 20_000;

/// Whether the history could have been a sequence that begins so. The error says how far the search came.
pub(super) fn check(history: &[Op], start: &Spec) -> Result<(), String> {
    let mut history = history.to_vec();
    history.sort_by_key(|op| op.begin);
    let completed = history.iter().filter(|op| op.end.is_some()).count();
    let mut seen: HashSet<(Vec<u64>, Spec)> = HashSet::new();
    let mut best: (usize, Vec<usize>) = (0, Vec::new());
    let mut stack = vec![(vec![0_u64; history.len().div_ceil(64)], start.clone(), Vec::<usize>::new())];
    while let Some((mut done, state, mut order)) = stack.pop() {
        let next = loop {
            // Only what began before the first end of all that is left may be next.
            let left: Vec<usize> = (0..history.len()).filter(|at| done[at / 64] >> (at % 64) & 1 == 0).collect();
            let first_end = left.iter().filter_map(|at| history[*at].end.map(|(end, _)| end)).min().unwrap_or(u64::MAX);
            let next: Vec<usize> = left.into_iter().filter(|at| history[*at].begin < first_end).collect();
            // What is answered so here and changes nothing may as well come now: every order that has it later has it here too.
            let idle = next.iter().find(|at| {
                let same =
                    |(said, after)| history[**at].end.is_some_and(|(_, answer)| answer == said) && after == state;
                state.answers(&history[**at]).into_iter().any(same)
            });
            match idle {
                Some(at) => {
                    done[at / 64] |= 1 << (at % 64);
                    order.push(*at);
                }
                None => break next,
            }
        };
        let ended = order.iter().filter(|at| history[**at].end.is_some()).count();
        if ended == completed {
            return Ok(());
        }
        if ended >= best.0 {
            best = (ended, order.clone());
        }
        // The stack gives back the last first: those that ended early, and those without an end at last.
        let mut next = next;
        next.sort_by_key(|at| std::cmp::Reverse(history[*at].end.map_or(u64::MAX, |(end, _)| end)));
        for at in next {
            for (said, after) in state.answers(&history[at]) {
                if history[at].end.is_some_and(|(_, answer)| answer != said) {
                    continue;
                }
                let mut now_done = done.clone();
                now_done[at / 64] |= 1 << (at % 64);
                if seen.insert((now_done.clone(), after.clone())) {
                    let mut longer = order.clone();
                    longer.push(at);
                    stack.push((now_done, after, longer));
                }
            }
        }
        if seen.len() > MOST_STATES {
            return Err(format!("gave up after {MOST_STATES} states, with {} of {completed} in order", best.0));
        }
    }
    let order: Vec<String> = best.1.iter().map(|at| format!("{:?}", history[*at])).collect();
    let stuck: BTreeSet<usize> = (0..history.len()).filter(|at| !best.1.contains(at)).collect();
    let stuck: Vec<String> = stuck.into_iter().take(24).map(|at| format!("{:?}", history[at])).collect();
    Err(format!("no order explains it; the longest:\n{}\nand then one of:\n{}", order.join("\n"), stuck.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn op(begin: u64, end: u64, act: Act, said: Said) -> Op {
        Op { begin, end: Some((end, said)), act, now: 1_000 }
    }

    const A: Item = 0;
    const B: Item = 1;

    #[test]
    fn what_overlaps_may_have_been_either_way_round() {
        let first = op(0, 5, Act::Ask(A), Said::Waits);
        let second = op(1, 4, Act::Ask(B), Said::Admitted(1_000));
        assert_eq!(check(&[first, second], &Spec::new(1)), Ok(()));
        let lost = Op { end: None, ..op(0, 0, Act::Ask(A), Said::Waits) };
        assert_eq!(check(&[lost, op(1, 2, Act::Ask(B), Said::Waits)], &Spec::new(1)), Ok(()), "the lost one was first");
        assert_eq!(check(&[lost, op(1, 2, Act::Ask(B), Said::Admitted(1_000))], &Spec::new(1)), Ok(()), "or was not");
    }

    #[test]
    fn what_no_order_explains_is_found() {
        let admitted = op(0, 1, Act::Ask(A), Said::Admitted(1_000));
        let wrong = [
            ("over the limit", vec![admitted, op(2, 3, Act::Ask(B), Said::Admitted(1_001))]),
            ("waits where there is room", vec![op(0, 1, Act::Ask(A), Said::Waits)]),
            ("a fence twice", vec![admitted, op(2, 3, Act::Ask(A), Said::Admitted(1_000))]),
            ("another fence for the same lease", vec![admitted, op(2, 3, Act::Ask(A), Said::Held(1_001))]),
            ("a stale fence passes", vec![admitted, op(2, 3, Act::Release(A, 999), Said::Yes)]),
            ("its own fence is refused", vec![admitted, op(2, 3, Act::Renew(A, 1_000), Said::No)]),
            (
                "passed in the line",
                vec![
                    admitted,
                    op(2, 3, Act::Ask(B), Said::Waits),
                    op(4, 5, Act::Ask(2), Said::Waits),
                    op(6, 7, Act::Release(A, 1_000), Said::Yes),
                    op(8, 9, Act::Ask(2), Said::Held(1_001)),
                ],
            ),
            ("a limit that somebody else changed", vec![op(0, 1, Act::SetLimit { expected: 2, limit: 3 }, Said::Yes)]),
        ];
        for (what, history) in wrong {
            assert!(check(&history, &Spec::new(1)).is_err(), "{what}");
        }
    }
}
