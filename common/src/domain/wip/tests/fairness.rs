//! That nobody is passed and nobody starves: random arrivals, releases, deaths and renewed requests, each history made from its number.
//!
//! In one scope the line is served in the order of its tickets, exactly. Where an item needs several scopes, one that another scope blocks is
//! passed; one that could begin never is; and everybody who waits is served once places come free.

use super::*;

/// What one run came to.
#[derive(Default)]
struct Run {
    served: usize,
    expired: usize,
    blocked: usize,
}

struct Crowd {
    table: Table,
    dice: fastrand::Rng,
    items: Vec<Work>,
    run: Run,
}

impl Crowd {
    fn new(seed: u64, rules: &[(&str, u32)], items: Vec<Work>) -> Self {
        let mut table = Table::new(limits(rules));
        table.limits.ticket_ttl_seconds = u32::MAX;
        Self { table, dice: fastrand::Rng::with_seed(seed), items, run: Run::default() }
    }

    fn waiting(&self) -> BTreeMap<ItemId, (Fence, BTreeSet<Scope>)> {
        let tickets = self.table.rows.values().flat_map(|row| &row.tickets);
        tickets.map(|(item, ticket)| (item.clone(), (ticket.number, ticket.scopes.clone()))).collect()
    }

    /// Whether there is room whatever has expired: what has is found by the next who asks, or the sweep.
    fn has_room(&self, scopes: &BTreeSet<Scope>) -> bool {
        scopes.iter().all(|scope| {
            let row = self.table.row(scope);
            row.leases.len() < row.limit as usize
        })
    }

    /// An item comes, or comes again.
    fn arrive(&mut self) {
        let work = self.items[self.dice.usize(0..self.items.len())].clone();
        self.table.ask(work);
    }

    /// A holder gives its place back, if there is one.
    fn leave(&mut self) -> bool {
        let row = self.table.row(&Scope::Portfolio);
        let live: Vec<(ItemId, Fence)> =
            row.live_leases(self.table.now).map(|(item, lease)| (item.clone(), lease.fence)).collect();
        let Some((item, fence)) = self.dice.choice(live) else { return false };
        assert!(matches!(self.table.release(&item, fence), Held::Yes(_)));
        true
    }

    /// One act, and what must be true of whoever began in it. Those who waited before are `line`.
    fn step(&mut self, line: &BTreeMap<ItemId, (Fence, BTreeSet<Scope>)>) {
        self.table.pass(1);
        match self.dice.u8(0..100) {
            0..55 => self.arrive(),
            55..98 => drop(self.leave()),
            // Holders die: their leases run out, and the sweep finds it.
            98 => {
                self.table.pass(601);
                self.table.sweep();
            }
            _ => self.table.sweep(),
        }
        let waiting = self.waiting();
        for fact in std::mem::take(&mut self.table.facts) {
            match fact {
                Fact::Acquired { item, lease, waited, .. } => {
                    self.run.served += 1;
                    let number = waited.map_or(lease.fence, |ticket| ticket.number);
                    for (other, (theirs, scopes)) in line {
                        let passed =
                            waiting.contains_key(other) && *theirs < number && !scopes.is_disjoint(&lease.scopes);
                        let could = passed && self.would_have_room(scopes, &item);
                        assert!(!could, "{item} began before {other}, which was before it and had room");
                        self.run.blocked += usize::from(passed);
                    }
                }
                Fact::Expired { .. } => self.run.expired += 1,
                _ => {}
            }
        }
        for (item, (_, scopes)) in &waiting {
            assert!(!self.has_room(scopes), "{item} waits, and there is room");
        }
    }

    /// Whether there would be room, whatever has expired, if this item had not begun.
    fn would_have_room(&self, scopes: &BTreeSet<Scope>, without: &ItemId) -> bool {
        scopes.iter().all(|scope| {
            let row = self.table.row(scope);
            row.leases.keys().filter(|item| *item != without).count() < row.limit as usize
        })
    }

    /// Nobody comes any more; places come free: everybody is served, in at most as many releases as there are items.
    fn drain(&mut self) {
        for _ in 0..=2 * self.items.len() {
            self.table.pass(1);
            if !self.leave() {
                break;
            }
        }
        assert!(self.waiting().is_empty(), "somebody is left: {:?}", self.waiting());
        assert!(self.table.row(&Scope::Portfolio).leases.is_empty());
        self.table.facts.clear();
    }
}

fn simulate(steps: usize) {
    let one: Vec<Work> = (0..12).map(|at| work(&format!("i-{at}"), "ratio", "scaffold")).collect();
    let mut crowd = Crowd::new(1, &[("portfolio", 99), ("pod:*", 3)], one);
    for at in 1..=steps / 2 {
        let line = crowd.waiting();
        crowd.step(&line);
        if at % 500 == 0 {
            crowd.drain();
        }
    }
    assert_eq!(crowd.run.blocked, 0, "in one scope nobody is passed, whatever the reason");
    assert!(crowd.run.served > steps / 10 && crowd.run.expired > 0, "the scope was never busy");

    // Three pods and three stages, crosswise, under a portfolio that is tight too.
    let pods = ["ratio", "nanda", "media"];
    let stages = ["seed", "scaffold", "ship"];
    let cross = (0..18).map(|at| work(&format!("i-{at:02}"), pods[at % 3], stages[at / 3 % 3])).collect();
    let mut crowd = Crowd::new(2, &[("portfolio", 5), ("pod:*", 2), ("stage:*", 2)], cross);
    for at in 1..=steps / 2 {
        let line = crowd.waiting();
        crowd.step(&line);
        if at % 500 == 0 {
            crowd.drain();
        }
    }
    assert!(crowd.run.blocked > 0, "nobody was ever blocked elsewhere");
}

#[test]
fn nobody_is_passed_who_could_begin_and_everybody_is_served() {
    simulate(2_000);
}

#[test]
#[ignore = "takes long unless it is optimised: make model"]
fn nobody_is_passed_in_100_000_arrivals_and_releases() {
    simulate(100_000);
}
