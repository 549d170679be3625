//! Random operations, the same on the world and on the table: after every one both answer the same and hold the same rows.
//!
//! Each run is made from its number alone, so a failure names the run that shows it again.

use std::collections::{BTreeMap, BTreeSet};

use common::{
    domain::{
        id::{Digest, ItemId},
        wip::{Fence, Scope, ScopeState, operation::Operation, state::Override},
    },
    ports::{Committed, WipRows},
    testing::{World, id},
};

use super::{
    Timestamp, at, database, event, rows,
    wip::{lease, ticket},
};

const RUNS: u64 = 6;
const STEPS: usize = 150;

fn scopes() -> [Scope; 3] {
    [Scope::Portfolio, Scope::Pod(id("ratio")), Scope::Owned(id("ada"))]
}

/// What a step is drawn from: mostly what the rows suggest, sometimes not.
struct Draw<'r> {
    dice: fastrand::Rng,
    rows: &'r BTreeMap<Scope, ScopeState>,
}

impl Draw<'_> {
    fn item(&mut self) -> ItemId {
        id(&format!("p-{}", self.dice.u8(0..5)))
    }

    fn digest(&mut self) -> Digest {
        Digest::of(if self.dice.u8(0..8) == 0 { b"before" } else { b"in force" })
    }

    fn time(&mut self) -> Timestamp {
        at(self.dice.i64(500..4_000))
    }

    /// One that is among these, mostly.
    fn known(&mut self, items: impl Iterator<Item = ItemId>) -> ItemId {
        let some: Vec<ItemId> = items.collect();
        match self.dice.choice(&some) {
            Some(item) if self.dice.u8(0..6) > 0 => item.clone(),
            _ => self.item(),
        }
    }

    fn some_scopes(&mut self) -> BTreeSet<Scope> {
        let mut some: BTreeSet<_> = scopes().into_iter().filter(|_| self.dice.bool()).collect();
        some.insert(Scope::Portfolio);
        some
    }

    fn fence(&mut self, scope: &Scope) -> Fence {
        Fence((self.rows[scope].fence.0 + self.dice.u64(0..8)).saturating_sub(1))
    }

    /// The fence and the scopes of the item's lease here, and others at times.
    fn held(&mut self, item: &ItemId, scope: &Scope) -> (Fence, BTreeSet<Scope>) {
        let lease = self.rows[scope].leases.get(item).filter(|_| self.dice.u8(0..6) > 0);
        lease
            .map(|lease| (lease.fence, lease.scopes.clone()))
            .unwrap_or_else(|| (self.fence(scope), self.some_scopes()))
    }

    fn row(&mut self, scope: &Scope) -> ScopeState {
        let mut row = self.rows[scope].clone();
        row.limit = self.dice.u32(0..5);
        row.digest = Some(self.digest());
        row.overridden = self.dice.bool().then(|| Override {
            reason: "an audit".into(),
            by: id("cy"),
            until: self.dice.bool().then(|| self.time()),
        });
        if self.dice.bool() {
            row.tickets.clear();
        }
        let item = self.item();
        match self.dice.u8(0..4) {
            0 => drop(row.leases.insert(item, lease(self.fence(scope).0, self.some_scopes()))),
            1 => drop(row.leases.remove(&item)),
            _ => {}
        }
        row
    }

    fn operation(&mut self, scope: &Scope) -> Operation {
        let item = self.item();
        let mut given = lease(self.fence(scope).0, self.some_scopes());
        given.expires_at = self.time();
        let mut place = ticket(self.fence(scope).0, self.some_scopes());
        place.expires_at = self.time();
        let expires_at = self.time();
        match self.dice.u8(0..20) {
            0..6 => Operation::Admit { item, lease: given, digest: self.digest() },
            6 => {
                let row = &self.rows[scope];
                let (until, first) = (row.until(), row.tickets.is_empty());
                let until = if self.dice.u8(0..5) == 0 { Some(self.time()) } else { until };
                let digest = self.digest();
                Operation::Queue { item, ticket: place, digest, until, first: first ^ (self.dice.u8(0..5) == 0) }
            }
            7 => {
                let first = self.rows[scope].tickets.is_empty() ^ (self.dice.u8(0..5) == 0);
                Operation::QueueRegardless { item, ticket: place, first }
            }
            8..10 => {
                let item = self.known(self.rows[scope].tickets.keys().cloned());
                let known = self.rows[scope].tickets.get(&item).filter(|_| self.dice.u8(0..4) > 0);
                let ticket = known.cloned().unwrap_or(place);
                Operation::KeepTicket { item, ticket, expires_at }
            }
            10..12 => {
                let item = self.known(self.rows[scope].leases.keys().cloned());
                let held = self.rows[scope].leases.get(&item).filter(|_| self.dice.u8(0..4) > 0);
                Operation::Renew { lease: held.cloned().unwrap_or(given), item, expires_at }
            }
            12..15 => {
                let item = self.known(self.rows[scope].leases.keys().cloned());
                let (fence, scopes) = self.held(&item, scope);
                let holder = id(if self.dice.u8(0..8) == 0 { "cy" } else { "ada" });
                Operation::Release { item, fence, holder, scopes }
            }
            _ => {
                let seen = self.rows[scope].fence;
                let seen = if self.dice.u8(0..5) == 0 { seen.next() } else { seen };
                Operation::Replace { seen, row: Box::new(self.row(scope)) }
            }
        }
    }
}

fn kind(operation: &Operation) -> &'static str {
    match operation {
        Operation::Admit { .. } => "admit",
        Operation::Queue { .. } => "queue",
        Operation::QueueRegardless { .. } => "queue regardless",
        Operation::KeepTicket { .. } => "keep a ticket",
        Operation::Renew { .. } => "renew",
        Operation::Release { .. } => "release",
        Operation::Replace { .. } => "replace",
    }
}

#[tokio::test]
async fn any_operations_leave_the_same_rows_in_the_world_and_in_the_table() {
    let mut seen: BTreeMap<(&str, bool), usize> = BTreeMap::new();
    for run in 0..RUNS {
        let (world, (table, database)) = (World::new(), database().await);
        let mut dice = fastrand::Rng::with_seed(run);
        for step in 0..STEPS {
            let before = world.load(&scopes().into()).await.unwrap();
            let mut draw = Draw { dice: dice.fork(), rows: &before };
            let touched = scopes().into_iter().filter(|_| dice.u8(0..3) == 0);
            let writes: BTreeMap<_, _> = touched.map(|scope| (scope.clone(), draw.operation(&scope))).collect();
            let events: Vec<_> = (0..dice.usize(0..3)).map(|number| event(&format!("{run}-{step}-{number}"))).collect();
            let now = at(dice.i64(0..2_000));
            let there = table.commit(&writes, &events, now).await.unwrap();
            let here = WipRows::commit(&world, &writes, &events, now).await.unwrap();
            assert_eq!(there, here, "run {run}, step {step}: {writes:?}");
            let after = table.load(&scopes().into()).await.unwrap();
            assert_eq!(after, world.load(&scopes().into()).await.unwrap(), "run {run}, step {step}: {writes:?}");
            assert_eq!(table.scopes().await.unwrap(), world.scopes().await.unwrap(), "run {run}, step {step}");
            for (scope, operation) in &writes {
                let passed = match &here {
                    Committed::Failed(rows) if rows.contains_key(scope) => false,
                    Committed::Failed(_) | Committed::Conflict => continue,
                    Committed::Done => true,
                };
                *seen.entry((kind(operation), passed)).or_default() += 1;
            }
        }
        let told = rows(&database, "OUTBOX#").into_iter().map(|(_, id)| id).collect::<BTreeSet<_>>();
        assert_eq!(told, world.outbox().into_iter().map(|row| row.event_id.to_string()).collect(), "run {run}");
    }
    // The runs were worth it: each operation passed, and was refused.
    for kind in ["admit", "queue", "queue regardless", "keep a ticket", "renew", "release", "replace"] {
        for passed in [true, false] {
            let times = seen.get(&(kind, passed)).copied().unwrap_or_default();
            assert!(times >= 3, "{kind}, passed {passed}: {times} times only; {seen:?}");
        }
    }
}
