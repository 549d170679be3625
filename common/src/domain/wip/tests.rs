//! The limits as a whole: random histories over rows in memory, run through the same operations as the table's.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::{
    admission::{Asked, Request, Step, admit_at_once, ask, queue_regardless},
    fact::Fact,
    holding::{Held, LimitChange, LimitSet, held_under, release, release_at_once, renew, set_limit, sweep, withdraw},
    limits::{Limits, Mode, Pattern, Rule},
    scope::{Scope, Work},
    settle::{Next, Rows},
    state::{Fence, Lease, Override, ScopeState},
    transfer::transfer,
};
use crate::domain::id::{Digest, ItemId};

mod clocks;
mod fairness;
mod model;
mod moves;
mod order;
mod properties;
mod repairs;
mod sentences;
mod servers;

/// Rows and the present, and how a service would run over them.
struct Table {
    rows: Rows,
    now: Timestamp,
    limits: Limits,
    facts: Vec<Fact>,
}

fn limits(rules: &[(&str, u32)]) -> Limits {
    let rule = |limit| Rule { limit, mode: Mode::Block, fair_share: false };
    Limits {
        digest: Digest::of(b"first"),
        rules: rules.iter().map(|(pattern, limit)| (Pattern::parse(pattern).unwrap(), rule(*limit))).collect(),
        default_ttl_seconds: 600,
        max_ttl_seconds: 3600,
        ticket_ttl_seconds: 300,
        warn_at_percent: 80,
    }
}

fn scope(text: &str) -> Scope {
    text.parse().unwrap()
}

fn item(text: &str) -> ItemId {
    text.parse().unwrap()
}

fn work(item: &str, pod: &str, stage: &str) -> Work {
    serde_json::from_value(serde_json::json!({
        "item": item, "pod": pod, "stage": stage, "type": "project", "owner": "ada",
    }))
    .unwrap()
}

impl Table {
    fn new(limits: Limits) -> Self {
        Self { rows: Rows::new(), now: "2026-01-05T09:00:00Z".parse().unwrap(), limits, facts: Vec::new() }
    }

    fn pass(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
    }

    fn row(&self, scope: &Scope) -> ScopeState {
        self.rows.get(scope).cloned().unwrap_or_else(|| ScopeState::absent(scope.clone()))
    }

    fn load(&self, scopes: &BTreeSet<Scope>) -> Rows {
        scopes.iter().map(|scope| (scope.clone(), self.row(scope))).collect()
    }

    /// One transaction: all or nothing.
    fn commit<A>(&mut self, step: &Step<A>) -> bool {
        let holds = step.writes.iter().all(|(scope, operation)| operation.holds(&self.row(scope), self.now));
        if holds {
            for (scope, operation) in &step.writes {
                let after = operation.apply(self.row(scope), self.now);
                self.rows.insert(scope.clone(), after);
            }
            self.facts.extend(step.facts.iter().cloned());
        }
        holds
    }

    /// Reads what a decision needs, decides, commits: alone, so that it must hold.
    fn decide<A>(
        &mut self,
        scopes: &BTreeSet<Scope>,
        decide: impl Fn(&Rows, &Limits, Timestamp) -> Next<Step<A>>,
    ) -> A {
        let mut rows = self.load(scopes);
        let step = loop {
            match decide(&rows, &self.limits, self.now) {
                Next::Ready(step) => break step,
                Next::Need(more) => {
                    let before = rows.len();
                    rows.extend(self.load(&more));
                    assert!(rows.len() > before, "what was read is asked for again: {more:?}");
                }
            }
        };
        assert!(self.commit(&step), "nobody else wrote, and yet a condition failed: {:?}", step.writes);
        step.answer
    }

    fn request(&self, work: Work) -> Request {
        let holder = work.owner.clone();
        Request::new(work, holder, None, &self.limits).unwrap()
    }

    fn ask_slowly(&mut self, work: Work) -> Asked {
        let request = self.request(work);
        self.decide(&request.scopes, |rows, limits, now| ask(&request, rows, limits, now))
    }

    fn ask(&mut self, work: Work) -> Asked {
        let step = admit_at_once(&self.request(work.clone()), &self.limits, self.now);
        if self.commit(&step) { step.answer } else { self.ask_slowly(work) }
    }

    fn transfer(&mut self, work: Work) -> Asked {
        let request = self.request(work);
        self.decide(&request.scopes, |rows, limits, now| transfer(&request, rows, limits, now))
    }

    fn lease(&self, item: &ItemId) -> Option<Lease> {
        self.row(&Scope::Portfolio).leases.get(item).cloned()
    }

    fn release(&mut self, item: &ItemId, fence: Fence) -> Held {
        let by = "ada".parse().unwrap();
        let known = self.lease(item);
        let step = known.as_ref().and_then(|lease| release_at_once(item, fence, &lease.scopes, &by, self.now));
        if step.is_some_and(|step| self.commit(&step)) {
            return Held::Yes(known.unwrap());
        }
        let portfolio = BTreeSet::from([Scope::Portfolio]);
        self.decide(&portfolio, |rows, limits, now| release(item, fence, &by, rows, limits, now))
    }

    fn renew(&mut self, item: &ItemId, fence: Fence) -> bool {
        let portfolio = self.load(&BTreeSet::from([Scope::Portfolio]));
        let Held::Yes(lease) = held_under(item, fence, &portfolio, self.now) else { return false };
        self.commit(&renew(item, &lease, None, &self.limits, self.now))
    }

    fn set_limit(&mut self, text: &str, limit: u32) -> LimitSet {
        let row = self.row(&scope(text));
        let set = Override { reason: "to test it".into(), by: "ada".parse().unwrap(), until: None };
        let expected_limit = row.limit_in_force(&self.limits, self.now);
        let change = LimitChange { scope: scope(text), limit, expected_limit, set };
        self.decide(&BTreeSet::from([scope(text)]), |rows, limits, now| set_limit(&change, rows, limits, now))
    }

    fn sweep(&mut self) {
        let scopes: Vec<Scope> = self.rows.keys().cloned().collect();
        for scope in scopes {
            self.decide(&BTreeSet::from([scope]), sweep);
        }
    }

    fn live(&self, scope: &Scope) -> BTreeMap<ItemId, Fence> {
        self.row(scope).live_leases(self.now).map(|(item, lease)| (item.clone(), lease.fence)).collect()
    }
}
