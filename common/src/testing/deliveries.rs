//! What the source host says of its webhooks, and what the sweep remembers, in memory.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{
    domain::{
        id::{BranchName, EventId, RepositoryId},
        sweep::{Attempt, Seen},
    },
    fault::Fault,
    ports::{Attempts, BranchRows, Cursor, Deliveries, OutboxRow, SaidCommitted, SeenChange, StuckEvent, SweepRows},
    testing::{World, id},
};

/// How many attempts a page has: few, so that a test needs few for a second one.
const PAGE: usize = 3;

#[derive(Default)]
pub(super) struct State {
    attempts: Vec<Attempt>,
    receiver: Option<u16>,
    seen: BTreeMap<(RepositoryId, BranchName), Seen>,
    settled_before: Option<Timestamp>,
}

impl World {
    /// What the receiver answers from now on; nothing when nobody is there.
    pub fn receiver(&self, answers: Option<u16>) {
        self.state().deliveries.receiver = answers;
    }

    /// The host sends a webhook, once. Answers the attempt's number.
    pub fn sends(&self, guid: &str) -> u64 {
        let mut state = self.state();
        let at = state.now;
        state.deliveries.attempt(guid, at)
    }

    /// What the receiver answered to one attempt.
    pub fn answered(&self, attempt: u64, answer: Option<u16>) {
        if let Some(made) = self.state().deliveries.attempts.iter_mut().find(|made| made.id == attempt) {
            made.answered = answer;
        }
    }

    /// Every attempt so far, the oldest first.
    pub fn attempts_made(&self) -> Vec<Attempt> {
        self.state().deliveries.attempts.clone()
    }

    /// What a sweep remembers of a branch.
    pub fn seen(&self, repository: RepositoryId, branch: &BranchName) -> Option<Seen> {
        self.state().deliveries.seen.get(&(repository, branch.clone())).cloned()
    }
}

impl State {
    fn attempt(&mut self, guid: &str, at: Timestamp) -> u64 {
        let number = u64::try_from(self.attempts.len()).unwrap_or(u64::MAX) + 1;
        self.attempts.push(Attempt { id: number, guid: id(guid), at, answered: self.receiver });
        number
    }
}

impl Deliveries for World {
    async fn attempts(&self, from: Option<&Cursor>) -> Result<Attempts, Fault> {
        let from = from.map(ToString::to_string);
        self.call("Deliveries.attempts", from.clone().unwrap_or_default(), false, |state| {
            let below = from.and_then(|from| from.parse::<u64>().ok()).unwrap_or(u64::MAX);
            let mut rest = state.deliveries.attempts.iter().rev().filter(|attempt| attempt.id < below);
            let attempts: Vec<Attempt> = rest.by_ref().take(PAGE).cloned().collect();
            let next = match (rest.next(), attempts.last()) {
                (Some(_), Some(last)) => Some(last.id.to_string().parse()?),
                _ => None,
            };
            Ok(Attempts { attempts, next })
        })
    }

    async fn redeliver(&self, attempt: u64) -> Result<(), Fault> {
        self.call("Deliveries.redeliver", attempt.to_string(), true, |state| {
            let found = state.deliveries.attempts.iter().find(|one| one.id == attempt);
            let found = found.ok_or_else(|| Fault::reject(format!("there is no attempt {attempt}")))?;
            let (guid, now) = (found.guid.clone(), state.now);
            state.deliveries.attempt(guid.as_str(), now);
            Ok(())
        })
    }
}

impl SweepRows for World {
    async fn branch_rows(&self, repository: RepositoryId, branch: &BranchName) -> Result<BranchRows, Fault> {
        self.call("SweepRows.branch_rows", branch.as_str(), false, |state| {
            let key = (repository, branch.clone());
            Ok(BranchRows {
                seen: state.deliveries.seen.get(&key).cloned(),
                reconciled: state.store.reconciled(&key).cloned(),
            })
        })
    }

    async fn commit_seen(&self, change: &SeenChange) -> Result<SaidCommitted, Fault> {
        self.call("SweepRows.commit_seen", change.branch.as_str(), true, |state| {
            let event = change.event.as_ref().map(OutboxRow::of).transpose()?;
            let key = (change.repository, change.branch.clone());
            if state.deliveries.seen.get(&key) != change.before.as_ref() {
                return Ok(SaidCommitted::Already);
            }
            state.deliveries.seen.insert(key, change.now.clone());
            state.store.put_outbox(event);
            Ok(SaidCommitted::Done)
        })
    }

    async fn settled_before(&self) -> Result<Option<Timestamp>, Fault> {
        self.call("SweepRows.settled_before", "", false, |state| Ok(state.deliveries.settled_before))
    }

    async fn settle_before(&self, at: Timestamp) -> Result<(), Fault> {
        self.call("SweepRows.settle_before", at.to_string(), true, |state| {
            state.deliveries.settled_before = Some(at);
            Ok(())
        })
    }

    async fn stuck(&self, before: Timestamp) -> Result<Vec<StuckEvent>, Fault> {
        self.call("SweepRows.stuck", "", false, |state| Ok(state.store.stuck(before)))
    }

    async fn touch(&self, event: &EventId, _: Timestamp) -> Result<bool, Fault> {
        self.call("SweepRows.touch", event.as_str(), true, |state| Ok(state.store.touch(event)))
    }
}
