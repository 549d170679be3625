//! Many servers at once: each decides over rows and a clock of some moments ago, and commits now. What it commits may be refused, and
//! breaks no rule. (`model.rs` has every history of a small world, without moves; this has random ones, with moves.)

use super::*;

const PODS: [&str; 2] = ["ratio", "nanda"];
const STAGES: [&str; 3] = ["seed", "scaffold", "ship"];
const ITEMS: usize = 6;

/// What a server has read: the rows, and its clock.
type Read = (Rows, Timestamp);

#[derive(Default)]
struct Seen {
    moved: usize,
    kept: usize,
    joined: usize,
    refused: usize,
}

/// Decides over what was read, of which it sees what it asks for.
fn over<A>(read: &Read, first: &BTreeSet<Scope>, decide: impl Fn(&Rows, Timestamp) -> Next<Step<A>>) -> Step<()> {
    let row = |scope: &Scope| read.0.get(scope).cloned().unwrap_or_else(|| ScopeState::absent(scope.clone()));
    let mut rows: Rows = first.iter().map(|scope| (scope.clone(), row(scope))).collect();
    loop {
        match decide(&rows, read.1) {
            Next::Need(more) => rows.extend(more.iter().map(|scope| (scope.clone(), row(scope)))),
            Next::Ready(step) => return Step { writes: step.writes, facts: step.facts, answer: () },
        }
    }
}

/// The moves for which a place is kept.
fn expected(rows: &Rows) -> Vec<Work> {
    let home = rows.get(&Scope::Portfolio);
    let of = |name: &ItemId, kept: &Lease| {
        let all = kept.scopes.iter().chain(&home?.leases.get(name)?.scopes);
        let pod = all.clone().find_map(|scope| if let Scope::Pod(pod) = scope { Some(pod) } else { None })?;
        let stage = all.clone().find_map(|scope| if let Scope::Stage(stage) = scope { Some(stage) } else { None })?;
        Some(work(name.as_str(), pod.as_str(), stage.as_str()))
    };
    let leases = rows.values().flat_map(|row| &row.leases).filter(|(_, lease)| lease.is_reservation());
    leases.filter_map(|(name, lease)| of(name, lease)).collect()
}

fn decided(dice: &mut fastrand::Rng, table: &Table, read: &Read) -> Step<()> {
    let any = |dice: &mut fastrand::Rng| {
        work(&format!("i-{}", dice.usize(0..ITEMS)), PODS[dice.usize(0..2)], STAGES[dice.usize(0..3)])
    };
    let expected = expected(&read.0);
    let work = dice.choice(expected).filter(|_| dice.bool()).unwrap_or_else(|| any(dice));
    let name = work.item.clone();
    let request = table.request(work);
    let (limits, home) = (&table.limits, BTreeSet::from([Scope::Portfolio]));
    let ada = "ada".parse().unwrap();
    let known = read.0.get(&Scope::Portfolio).and_then(|row| row.leases.get(&name)).cloned();
    let nothing = || Step { writes: BTreeMap::new(), facts: Vec::new(), answer: () };
    let unit = |step: Step<Lease>| Step { writes: step.writes, facts: step.facts, answer: () };
    match dice.u8(0..16) {
        0..3 => over(read, &request.scopes, |rows, now| ask(&request, rows, limits, now)),
        3 => {
            let step = admit_at_once(&request, limits, read.1);
            Step { writes: step.writes, facts: step.facts, answer: () }
        }
        4..10 => over(read, &request.scopes, |rows, now| transfer(&request, rows, limits, now)),
        10 => known.map_or_else(nothing, |lease| {
            over(read, &home, |rows, now| release(&name, lease.fence, &ada, rows, limits, now))
        }),
        11 => known
            .and_then(|lease| release_at_once(&name, lease.fence, &lease.scopes, &ada, read.1))
            .map_or_else(nothing, unit),
        12 => match known.map(|lease| held_under(&name, lease.fence, &read.0, read.1)) {
            Some(Held::Yes(lease)) => unit(renew(&name, &lease, None, limits, read.1)),
            _ => nothing(),
        },
        13 => over(read, &home, |rows, now| withdraw(&name, rows, limits, now)),
        14 => {
            let scopes: Vec<&Scope> = read.0.keys().collect();
            dice.choice(scopes).map_or_else(nothing, |scope| {
                over(read, &BTreeSet::from([scope.clone()]), |rows, now| sweep(rows, limits, now))
            })
        }
        _ => {
            let scope = scope(["portfolio", "pod:ratio", "stage:seed"][dice.usize(0..3)]);
            let row = read.0.get(&scope).cloned().unwrap_or_else(|| ScopeState::absent(scope.clone()));
            let set = Override { reason: "to see".into(), by: ada, until: None };
            let expected_limit = row.limit_in_force(limits, read.1);
            let change = LimitChange { scope: scope.clone(), limit: dice.u32(1..5), expected_limit, set };
            over(read, &BTreeSet::from([scope]), |rows, now| set_limit(&change, rows, limits, now))
        }
    }
}

fn history(number: u64, seen: &mut Seen) {
    let mut dice = fastrand::Rng::with_seed(number);
    let mut table = Table::new(limits(&[("portfolio", 4), ("pod:*", 2), ("stage:*", 2), ("owned:*", 9)]));
    let mut reads: Vec<Read> = vec![(table.rows.clone(), table.now)];
    for _ in 0..60 {
        let read = reads[reads.len() - 1 - dice.usize(0..reads.len().min(4))].clone();
        let step = decided(&mut dice, &table, &read);
        let (before, told) = (table.rows.clone(), table.facts.len());
        if !table.commit(&step) {
            seen.refused += 1;
        }
        check(number, &table, &before, read.1);
        for fact in &table.facts[told..] {
            match fact {
                Fact::Acquired { lease, .. } if lease.is_reservation() => seen.kept += 1,
                Fact::Released { lease, by: Some(_), .. } if lease.is_reservation() => seen.joined += 1,
                Fact::Released { lease, by: Some(_), item }
                    if table.lease(item).is_some_and(|is| is.fence > lease.fence) =>
                {
                    seen.moved += 1;
                }
                _ => {}
            }
        }
        table.pass(if dice.u8(0..12) == 0 { 400 } else { dice.i64(0..3) });
        reads.push((table.rows.clone(), table.now));
    }
    // Whatever happened at once, two sweeps put it right.
    table.sweep();
    table.sweep();
    for row in table.rows.values() {
        for (name, lease) in row.live_leases(table.now).filter(|(_, lease)| lease.is_reservation()) {
            assert!(table.lease(name).is_some_and(|main| main.fence < lease.fence), "history {number}: {name}");
        }
        for (name, ticket) in row.live_tickets(table.now) {
            let full = |scope: &Scope| {
                let row = table.row(scope);
                row.live_leases(table.now).count() >= row.limit_in_force(&table.limits, table.now) as usize
            };
            let other =
                table.rows.values().filter_map(|row| row.tickets.get(name)).any(|other| other.scopes != ticket.scopes);
            assert!(other || ticket.scopes.iter().any(full), "history {number}: {name} waits for nothing");
        }
    }
}

/// Every lease is whole, in none of its rows beside another of its item, and no row that has changed has more than it may or had.
///
/// By the clock of whoever decided: a lease that it renews or moves had not ended for it.
fn check(number: u64, table: &Table, before: &Rows, clock: Timestamp) {
    for row in table.rows.values() {
        for (name, lease) in row.live_leases(table.now) {
            for scope in &lease.scopes {
                assert_eq!(table.row(scope).leases.get(name), Some(lease), "history {number}: {name} in {scope}");
            }
        }
        let was = before.get(&row.scope).map_or(0, |row| row.live_leases(clock).count());
        let is = row.live_leases(table.now).count();
        let limit = row.limit_in_force(&table.limits, table.now) as usize;
        assert!(is <= limit.max(was), "history {number}: {} has {is} of {limit}", row.scope);
    }
}

fn histories(count: u64) {
    let mut seen = Seen::default();
    for number in 0..count {
        history(number, &mut seen);
    }
    let Seen { moved, kept, joined, refused } = seen;
    assert!(
        moved > 0 && kept > 0 && joined > 0 && refused > 0,
        "{moved} moved, {kept} kept, {joined} joined, {refused}"
    );
}

#[test]
fn whatever_servers_do_at_once_leases_stay_whole_and_limits_hold() {
    histories(80);
}

#[test]
#[ignore = "takes long unless it is optimised: make model"]
fn whatever_servers_do_at_once_leases_stay_whole_and_limits_hold_in_many_histories() {
    histories(50_000);
}
