//! Both directions: nothing over a limit, and no waiting while there is room and nobody is before; and that the fast operations
//! are what the slow decision would do.

use super::{super::state::Ticket, *};

#[derive(Debug, Clone)]
enum Act {
    Ask { item: u8, pod: u8, stage: u8, slowly: bool },
    Transfer { item: u8, pod: u8, stage: u8 },
    Withdraw { item: u8 },
    Release { item: u8, stale: bool },
    Renew { item: u8, stale: bool },
    SetLimit { scope: u8, limit: u32 },
    Pass { seconds: i64 },
    Sweep,
}

const PODS: [&str; 2] = ["ratio", "nanda"];
const STAGES: [&str; 2] = ["seed", "scaffold"];
const LIMITED: [&str; 4] = ["portfolio", "pod:ratio", "stage:seed", "pod:nanda"];

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let one = prop_oneof![
        6 => (0..8u8, 0..2u8, 0..2u8, any::<bool>()).prop_map(|(item, pod, stage, slowly)| Act::Ask { item, pod, stage, slowly }),
        4 => (0..8u8, 0..2u8, 0..2u8).prop_map(|(item, pod, stage)| Act::Transfer { item, pod, stage }),
        4 => (0..8u8, prop::bool::weighted(0.2)).prop_map(|(item, stale)| Act::Release { item, stale }),
        1 => (0..8u8).prop_map(|item| Act::Withdraw { item }),
        1 => (0..8u8, prop::bool::weighted(0.2)).prop_map(|(item, stale)| Act::Renew { item, stale }),
        1 => (0..4u8, 0..4u32).prop_map(|(scope, limit)| Act::SetLimit { scope, limit }),
        2 => (-5..700i64).prop_map(|seconds| Act::Pass { seconds }),
        1 => Just(Act::Sweep),
    ];
    prop::collection::vec(one, 1..40)
}

fn table() -> Table {
    Table::new(limits(&[("portfolio", 4), ("pod:*", 2), ("stage:*", 3), ("owned:*", 9)]))
}

fn counts(table: &Table) -> BTreeMap<Scope, usize> {
    table.rows.keys().map(|scope| (scope.clone(), table.live(scope).len())).collect()
}

fn full(table: &Table, scope: &Scope) -> bool {
    let row = table.row(scope);
    table.live(scope).len() >= row.limit_in_force(&table.limits, table.now) as usize
}

fn work_of(item: u8, pod: u8, stage: u8) -> Work {
    work(&format!("i-{item}"), PODS[usize::from(pod)], STAGES[usize::from(stage)])
}

/// No waiting while there is room: some scope where it stands is full, and it stands in all that are.
fn justified(table: &Table, item: &ItemId, asked: &Asked) {
    match asked {
        Asked::Held(lease) | Asked::Admitted { lease, .. } => assert_eq!(table.lease(item).as_ref(), Some(lease)),
        Asked::Waits { rows, ticket } => {
            let stands = |scope: &&Scope| table.row(scope).tickets.contains_key(item);
            let stands: BTreeSet<&Scope> = ticket.scopes.iter().filter(stands).collect();
            assert!(stands.iter().any(|scope| full(table, scope)), "{ticket:?} waits where there is room: {rows:?}");
            for scope in ticket.scopes.iter().filter(|scope| full(table, scope)) {
                assert!(stands.contains(scope), "{scope} is full, and the ticket is not there");
            }
        }
        Asked::NoTicket { .. } => panic!("the queue is short"),
    }
}

/// What an item holds, wherever; without what was kept for it beside a lease that was moved since.
fn leases(table: &Table, item: &ItemId) -> BTreeMap<Scope, Lease> {
    let main = table.live(&Scope::Portfolio).get(item).copied();
    let counts = |lease: &&Lease| main.is_some_and(|main| main <= lease.fence);
    let rows = table.rows.values();
    rows.filter_map(|row| Some((row.scope.clone(), row.lease(item, table.now).filter(counts)?.clone()))).collect()
}

/// How many places this decision gave: those that are left when it has given three are the sweep's.
fn given(table: &Table, told: usize) -> usize {
    table.facts[told..].iter().filter(|fact| matches!(fact, Fact::Acquired { .. })).count()
}

/// A move: it has its place in all that is new and in nothing else, or it waits for what is new alone and nothing of it has changed.
fn moved(table: &mut Table, work: Work) {
    let (item, scopes) = (work.item.clone(), table.request(work.clone()).scopes);
    let (before, rows, told) = (leases(table, &item), table.rows.clone(), table.facts.len());
    let main = before.get(&Scope::Portfolio).cloned();
    let asked = table.transfer(work);
    let after = leases(table, &item);
    if given(table, told) < 3 {
        justified(table, &item, &asked);
    }
    match (&asked, main) {
        (_, None) => {}
        (Asked::Held(lease), Some(main)) => {
            assert_eq!((lease, &lease.scopes, &table.rows), (&main, &scopes, &rows), "nothing is to be done");
        }
        (Asked::Admitted { lease, .. }, Some(main)) => {
            assert!(lease.scopes == scopes && lease.fence > main.fence);
            assert!(
                after.values().all(|other| other == lease),
                "what was kept for it elsewhere counts no more: {after:?}"
            );
            // What comes free goes to who waits for it, as far as one decision goes.
            let freed = main.scopes.iter().map(|scope| table.row(scope)).filter(|_| given(table, told) < 3);
            for (other, ticket) in freed.flat_map(|row| row.tickets).filter(|(_, ticket)| ticket.is_live(table.now)) {
                // Who has asked as two different items goes by the later ticket, wherever that stands.
                let all = table.rows.values().filter_map(|row| row.tickets.get(&other));
                let one = all.clone().all(|another| another.scopes == ticket.scopes);
                let full = ticket.scopes.iter().any(|scope| full(table, scope));
                assert!(full || !one, "{other} waits for what {item} has left");
            }
        }
        (Asked::Waits { ticket, .. }, Some(main)) => {
            assert_eq!(after, before, "it waits, and something of it has changed");
            let is_new = |scope: &Scope| scopes.contains(scope) && !main.scopes.contains(scope);
            assert!(ticket.scopes.iter().all(is_new), "{ticket:?} waits for what it has");
        }
        (Asked::NoTicket { .. }, Some(_)) => unreachable!("that is looked at before"),
    }
}

fn run(table: &mut Table, act: &Act) {
    match act {
        Act::Ask { item, pod, stage, slowly } => {
            let work = work_of(*item, *pod, *stage);
            let asked = if *slowly { table.ask_slowly(work.clone()) } else { table.ask(work.clone()) };
            justified(table, &work.item, &asked);
        }
        Act::Transfer { item, pod, stage } => moved(table, work_of(*item, *pod, *stage)),
        Act::Withdraw { item } => {
            let item = self::item(&format!("i-{item}"));
            let portfolio = BTreeSet::from([Scope::Portfolio]);
            table.decide(&portfolio, |rows, limits, now| withdraw(&item, rows, limits, now));
            assert!(table.lease(&item).is_none_or(|lease| !lease.is_live(table.now)));
        }
        Act::Release { item, stale } | Act::Renew { item, stale } => {
            let item = self::item(&format!("i-{item}"));
            let lease = table.lease(&item);
            let fence = lease.as_ref().map_or(Fence(7), |lease| lease.fence);
            let named = if *stale { Fence(fence.0 - 1) } else { fence };
            let counts = |rows: &Rows| -> BTreeMap<Scope, Option<Lease>> {
                rows.iter().map(|(scope, row)| (scope.clone(), row.leases.get(&item).cloned())).collect()
            };
            let before = counts(&table.rows);
            let good = !stale && lease.as_ref().is_some_and(|lease| lease.is_live(table.now));
            if matches!(act, Act::Renew { .. }) {
                assert_eq!(table.renew(&item, named), good);
            } else {
                let held = table.release(&item, named);
                assert_eq!(matches!(held, Held::Yes(_)), good, "{held:?}");
            }
            if !good {
                assert_eq!(counts(&table.rows), before, "a stale word changed a lease");
            }
        }
        Act::SetLimit { scope, limit } => {
            // A reservation is nobody's once the lease that it was made beside has ended or was moved.
            let home = table.live(&Scope::Portfolio);
            let mut before = table.live(&self::scope(LIMITED[usize::from(*scope)]));
            before.retain(|item, fence| home.get(item).is_some_and(|main| main <= fence));
            table.set_limit(LIMITED[usize::from(*scope)], *limit);
            let after = table.live(&self::scope(LIMITED[usize::from(*scope)]));
            assert!(before.keys().all(|item| after.contains_key(item)), "a limit evicted somebody");
        }
        Act::Pass { seconds } => table.pass(*seconds),
        Act::Sweep => table.sweep(),
    }
}

/// A lease stands in all its scopes, under one fence; and nobody both holds and waits.
fn consistent(table: &Table) {
    for row in table.rows.values() {
        for (item, lease) in row.live_leases(table.now) {
            for scope in &lease.scopes {
                assert_eq!(table.row(scope).leases.get(item), Some(lease), "{item} in {scope}");
            }
            let waits = |row: &ScopeState| row.tickets.get(item).is_some_and(|ticket| ticket.scopes == lease.scopes);
            assert!(!table.rows.values().any(waits), "{item} holds and waits for the same");
            assert!(row.fence >= lease.fence);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn limits_hold_and_nobody_waits_for_nothing(acts in acts()) {
        let mut table = table();
        let mut fences: BTreeMap<Scope, Fence> = BTreeMap::new();
        for act in &acts {
            let before = counts(&table);
            let known = table.facts.len();
            run(&mut table, act);
            consistent(&table);
            for (scope, count) in counts(&table) {
                let limit = table.row(&scope).limit_in_force(&table.limits, table.now) as usize;
                let was = before.get(&scope).copied().unwrap_or_default();
                // Time may only take leases away; a limit that is lowered leaves what is there.
                prop_assert!(count <= limit.max(was), "{scope} has {count} of {limit} after {act:?}");
                let fence = table.row(&scope).fence;
                prop_assert!(fences.insert(scope, fence).is_none_or(|was| was <= fence), "a fence fell");
            }
            for fact in &table.facts[known..] {
                if let Fact::Acquired { lease, .. } = fact {
                    let same = |other: &&Fact| matches!(other, Fact::Acquired { lease: other, .. } if other.fence == lease.fence
                        && !other.scopes.is_disjoint(&lease.scopes));
                    prop_assert_eq!(table.facts.iter().filter(same).count(), 1, "a fence was given twice");
                }
            }
        }
    }

    #[test]
    fn after_every_sweep_whoever_has_no_lease_has_no_reservation_either(acts in acts()) {
        let mut table = table();
        for act in &acts {
            run(&mut table, act);
        }
        table.sweep();
        let home = table.live(&Scope::Portfolio);
        for row in table.rows.values() {
            for (item, lease) in row.live_leases(table.now).filter(|(_, lease)| lease.is_reservation()) {
                prop_assert!(home.get(item).is_some_and(|main| *main < lease.fence), "{} in {}", item, row.scope);
            }
            for (item, _) in row.live_tickets(table.now).filter(|(_, ticket)| ticket.is_reservation()) {
                prop_assert!(home.contains_key(item), "{} waits in {} to move, and has nothing", item, row.scope);
            }
        }
    }

    #[test]
    fn every_lease_is_told_of_when_it_begins_and_once_when_it_ends(acts in acts()) {
        let mut table = table();
        for act in &acts {
            run(&mut table, act);
        }
        let mut begun = BTreeSet::new();
        for fact in &table.facts {
            match fact {
                Fact::Acquired { item, lease, .. } => prop_assert!(begun.insert((item.clone(), lease.fence))),
                Fact::Released { item, lease, .. } | Fact::Expired { item, lease } => {
                    prop_assert!(begun.remove(&(item.clone(), lease.fence)), "{} ends, and had not begun", item);
                }
                _ => {}
            }
        }
        let stand = table.rows.values().flat_map(|row| &row.leases).map(|(item, lease)| (item.clone(), lease.fence));
        prop_assert_eq!(stand.collect::<BTreeSet<_>>(), begun);
    }

    #[test]
    fn after_every_sweep_nobody_waits_who_could_begin(acts in acts()) {
        let mut table = table();
        for act in &acts {
            run(&mut table, act);
        }
        table.sweep();
        table.sweep();
        let mut waiting = BTreeMap::<ItemId, Vec<Ticket>>::new();
        for (item, ticket) in table.rows.values().flat_map(|row| row.live_tickets(table.now)) {
            waiting.entry(item.clone()).or_default().push(ticket.clone());
        }
        for (item, tickets) in waiting {
            // Who has asked as two different items goes by the later ticket; by either when they are of the same moment.
            let last = tickets.iter().map(|ticket| ticket.expires_at).max();
            let mut counting = tickets.iter().filter(|ticket| Some(ticket.expires_at) == last);
            let kept = counting.any(|ticket| ticket.scopes.iter().any(|scope| full(&table, scope)));
            prop_assert!(kept, "{} waits for nothing", item);
        }
    }

    #[test]
    fn everybody_who_waits_is_served_once_the_others_are_gone(acts in acts()) {
        let mut table = table();
        table.limits.ticket_ttl_seconds = 100_000;
        for act in acts.iter().filter(|act| !matches!(act, Act::SetLimit { .. })) {
            run(&mut table, act);
        }
        for _ in 0..8 {
            table.pass(601);
            for _ in 0..3 {
                table.sweep();
            }
        }
        prop_assert!(table.rows.values().all(|row| row.live_tickets(table.now).count() == 0));
    }

    #[test]
    fn what_is_admitted_without_reading_is_what_the_decision_admits(acts in acts(), pod in 0..2usize, stage in 0..2usize) {
        let mut table = table();
        for act in &acts {
            run(&mut table, act);
        }
        let request = table.request(work("new", PODS[pod], STAGES[stage]));
        // The rows exist and are clean, as after anybody's decision: only then may it hold without reading.
        table.sweep();
        let rows = table.load(&request.scopes);
        let step = admit_at_once(&request, &table.limits, table.now);
        let holds = step.writes.iter().all(|(scope, operation)| operation.holds(&table.row(scope), table.now));
        let Next::Ready(slow) = ask(&request, &rows, &table.limits, table.now) else { return Ok(()) };
        if holds {
            prop_assert_eq!(&slow.answer, &step.answer);
            prop_assert_eq!(&slow.facts, &step.facts);
            for (scope, operation) in &step.writes {
                let slowly = slow.writes[scope].apply(table.row(scope), table.now);
                prop_assert_eq!(operation.apply(table.row(scope), table.now), slowly);
            }
        } else if let Asked::Admitted { .. } = slow.answer {
            let why = request.scopes.iter().any(|scope| {
                let row = table.row(scope);
                !row.exists() || !row.tickets.is_empty() || row.fence >= Fence::after(table.now, Fence::default())
                    || !row.is_current(&table.limits.digest, table.now)
            });
            prop_assert!(why, "there was room, nobody waited, and it did not hold");
        }
    }
}
