//! Work that goes on elsewhere: its place goes with it, or it waits and nothing of it changes.

use super::{super::explain::explain, *};

mod reservations;

/// Two places a stage, many everywhere else.
fn table() -> Table {
    Table::new(limits(&[("portfolio", 99), ("pod:*", 99), ("pod-stage:*:*", 2)]))
}

fn stage(name: &str) -> Scope {
    scope(&format!("pod-stage:ratio:{name}"))
}

fn at(name: &str, stage: &str) -> Work {
    work(name, "ratio", stage)
}

fn begun(asked: Asked) -> Lease {
    match asked {
        Asked::Held(lease) | Asked::Admitted { lease, .. } => lease,
        other => panic!("it has no place: {other:?}"),
    }
}

fn waits(asked: &Asked) -> bool {
    matches!(asked, Asked::Waits { .. })
}

fn names(table: &Table, stage_name: &str) -> Vec<String> {
    table.live(&stage(stage_name)).into_keys().map(String::from).collect()
}

/// Everything that an item holds, once each.
fn leases(table: &Table, name: &str) -> BTreeSet<BTreeSet<Scope>> {
    let rows = table.rows.values();
    rows.filter_map(|row| row.lease(&item(name), table.now)).map(|lease| lease.scopes.clone()).collect()
}

/// `seed` is full of `s-0` and `s-1`; `m` is in `spark` and has asked to go to `seed`.
fn waiting() -> (Table, Lease) {
    let mut table = table();
    for name in ["s-0", "s-1"] {
        begun(table.ask(at(name, "seed")));
    }
    let main = begun(table.ask(at("m", "spark")));
    assert!(waits(&table.transfer(at("m", "seed"))));
    (table, main)
}

#[test]
fn an_item_that_holds_nothing_begins_as_if_it_had_asked() {
    let mut asked = table();
    let mut moved = table();
    assert_eq!(moved.transfer(at("m", "seed")), asked.ask_slowly(at("m", "seed")));
    assert_eq!(moved.rows, asked.rows);
}

#[test]
fn an_item_that_has_its_place_there_keeps_it_and_nothing_is_written() {
    let mut table = table();
    let lease = begun(table.ask(at("m", "seed")));
    let before = table.rows.clone();
    assert_eq!(table.transfer(at("m", "seed")), Asked::Held(lease));
    assert_eq!(table.rows, before);
}

#[test]
fn a_move_is_one_lease_with_a_higher_fence_in_the_new_scopes_alone() {
    let mut table = table();
    let was = begun(table.ask(at("m", "spark")));
    table.pass(60);
    table.facts.clear();
    let is = begun(table.transfer(at("m", "seed")));
    assert!(is.fence > was.fence);
    assert_eq!((names(&table, "spark"), names(&table, "seed")), (vec![], vec!["m".to_owned()]));
    assert_eq!(leases(&table, "m"), BTreeSet::from([table.request(at("m", "seed")).scopes]));
    assert_eq!(table.row(&stage("spark")).releases.len(), 1, "a place came free there");
    assert_eq!(table.row(&Scope::Portfolio).releases.len(), 0, "and none here");
    let ada = Some("ada".parse().unwrap());
    let m = item("m");
    let acquired = Fact::Acquired {
        item: m.clone(),
        item_type: super::super::ItemType::Project,
        lease: is,
        waited: None,
        over: vec![],
    };
    assert_eq!(table.facts, [Fact::Released { item: m, lease: was.clone(), by: ada }, acquired]);
    assert!(!table.renew(&item("m"), was.fence), "the fence of before is worth nothing");
}

#[test]
fn the_place_that_a_move_frees_goes_to_who_waits_for_it() {
    let mut table = table();
    for name in ["a", "b"] {
        begun(table.ask(at(name, "spark")));
    }
    assert!(waits(&table.ask(at("c", "spark"))) && waits(&table.ask(at("d", "spark"))));
    begun(table.transfer(at("a", "seed")));
    assert_eq!(names(&table, "spark"), ["b", "c"]);
    assert!(table.row(&stage("spark")).tickets.contains_key(&item("d")));
}

#[test]
fn full_scopes_that_it_has_already_do_not_keep_it() {
    let mut table = Table::new(limits(&[("portfolio", 2), ("pod:*", 2), ("pod-stage:*:*", 2)]));
    begun(table.ask(at("m", "spark")));
    begun(table.ask(at("n", "spark")));
    assert!(waits(&table.ask(at("later", "seed"))), "the portfolio is full");
    begun(table.transfer(at("m", "seed")));
    assert_eq!(names(&table, "seed"), ["m"]);
    assert!(table.live(&Scope::Portfolio).contains_key(&item("m")));
}

#[test]
fn a_move_into_a_full_stage_changes_no_lease_and_takes_a_ticket_there_alone() {
    let (mut table, main) = waiting();
    assert_eq!(leases(&table, "m"), BTreeSet::from([main.scopes.clone()]));
    assert_eq!(table.lease(&item("m")), Some(main.clone()));
    let stands: Vec<&Scope> =
        table.rows.values().filter(|row| row.tickets.contains_key(&item("m"))).map(|row| &row.scope).collect();
    assert_eq!(stands, [&stage("seed")]);
    assert_eq!(table.row(&stage("seed")).tickets[&item("m")].scopes, BTreeSet::from([stage("seed")]));
    assert!(table.renew(&item("m"), main.fence), "its holder goes on");
    table.sweep();
    let again = table.transfer(at("m", "seed"));
    let told = table.facts.iter().filter(|fact| matches!(fact, Fact::Waits { .. })).count();
    assert!(waits(&again) && told == 1, "asked again, it is the same ticket, and told once");
}

#[test]
fn who_waits_to_move_learns_what_keeps_it() {
    let (mut table, _) = waiting();
    let Asked::Waits { rows, ticket } = table.transfer(at("m", "seed")) else { panic!("seed is full") };
    let of_the_answer = explain(&item("m"), &rows, &table.limits, table.now).unwrap();
    assert_eq!(of_the_answer.ticket.as_ref().map(|ticket| ticket.number), Some(ticket.number));
    insta::assert_snapshot!(of_the_answer.reasons.join("\n"), @"pod-stage:ratio:seed has 2 of 2 places taken: s-0 (ada, 0 s), s-1 (ada, 0 s); place 1 of 1 in its queue. A release frees a place, or 2026-01-05T09:10:00Z if its holder does not renew.");
    let of_all_rows = explain(&item("m"), &table.rows, &table.limits, table.now).unwrap();
    assert_eq!(of_all_rows, of_the_answer);
    assert_eq!(explain(&item("s-0"), &table.rows, &table.limits, table.now), None);
}

#[test]
fn who_waits_in_what_it_newly_enters_goes_first() {
    let mut table = table();
    for name in ["s-0", "s-1"] {
        begun(table.ask(at(name, "seed")));
    }
    begun(table.ask(at("m", "spark")));
    assert!(waits(&table.ask(at("first", "seed"))));
    // A place comes free by expiry: nobody has looked yet.
    table.pass(500);
    begun(table.ask(at("x", "other")));
    let m = table.lease(&item("m")).unwrap().fence;
    assert!(table.renew(&item("m"), m) && table.renew(&item("s-1"), table.live(&stage("seed"))[&item("s-1")]));
    assert!(waits(&table.ask(at("first", "seed"))));
    table.pass(200);
    assert!(waits(&table.transfer(at("m", "seed"))), "the place is the first one's");
    assert_eq!(names(&table, "seed"), ["first", "s-1"]);
}

#[test]
fn an_item_in_the_lane_moves_past_full_stages_and_one_that_leaves_it_does_not() {
    let hurried = |name: &str, stage: &str| Work { expedite: true, ..at(name, stage) };
    let mut table = Table::new(limits(&[("portfolio", 99), ("expedite", 1), ("pod-stage:*:*", 1)]));
    begun(table.ask(at("s-0", "seed")));
    begun(table.ask(hurried("m", "spark")));
    let Asked::Admitted { over, .. } = table.transfer(hurried("m", "seed")) else { panic!("no limit stops it") };
    assert_eq!(over.len(), 1, "and it says so");
    begun(table.ask(at("t-0", "other")));
    assert!(waits(&table.transfer(at("m", "other"))));
    // Into the lane: its own cap decides.
    begun(table.ask(at("n", "spark")));
    assert!(waits(&table.transfer(hurried("n", "seed"))));
    begun(table.transfer(at("m", "ship")));
    assert!(matches!(table.transfer(hurried("n", "seed")), Asked::Admitted { .. }));
}

#[test]
fn leaving_scopes_alone_needs_no_room() {
    let mut table = table();
    let both = Work { involved: ["bob".parse().unwrap()].into(), ..at("m", "spark") };
    table.limits.rules.extend(limits(&[("involved:*", 1)]).rules);
    begun(table.ask(both.clone()));
    assert!(waits(&table.ask(Work { item: item("n"), ..both })));
    begun(table.transfer(at("m", "spark")));
    assert_eq!(table.live(&scope("involved:bob")).into_keys().collect::<Vec<_>>(), [item("n")]);
}

#[test]
fn a_pod_that_is_another_is_written_even_where_no_scope_tells_pods_apart() {
    let mut table = Table::new(limits(&[("portfolio", 9)]));
    begun(table.ask(at("m", "spark")));
    assert_eq!(begun(table.transfer(work("m", "nanda", "spark"))).pod.as_str(), "nanda");
}

#[test]
fn two_who_move_at_once_into_the_last_place_do_not_both_get_it() {
    let mut table = table();
    begun(table.ask(at("s-0", "seed")));
    for name in ["a", "b"] {
        begun(table.ask(at(name, "spark")));
    }
    let read = table.rows.clone();
    let decided = |table: &Table, name: &str| {
        let Next::Ready(step) = transfer(&table.request(at(name, "seed")), &read, &table.limits, table.now) else {
            panic!("all rows were read")
        };
        step
    };
    let (one, other) = (decided(&table, "a"), decided(&table, "b"));
    assert!(table.commit(&one) && !table.commit(&other));
    assert!(waits(&table.transfer(at("b", "seed"))));
    assert_eq!(names(&table, "seed"), ["a", "s-0"]);
}

/// A move between everything an item may count in, where every limit has changed, leases have ended, and others wait for what it leaves.
#[test]
fn the_largest_move_leaves_room_in_the_transaction_for_whoever_moves_the_work() {
    let kinds = [
        "pod:*",
        "pod-stage:*:*",
        "pod-type:*:*",
        "involved:*",
        "stage:*",
        "environment:*",
        "account:*",
        "owned:eve",
        "owned:fay",
    ];
    let mut rules: Vec<(&str, u32)> = kinds.map(|kind| (kind, 50)).into();
    rules.extend([("portfolio", 99), ("expedite", 9), ("owned:*", 1), ("stage:seed", 0)]);
    let mut table = Table::new(limits(&rules));
    let people = |from: &str| (0..8).map(|at| format!("{from}-{at}").parse().unwrap()).collect();
    let owned = |work: Work, owner: &str| Work { owner: owner.parse().unwrap(), ..work };
    let old = Work {
        involved: people("old"),
        environment: Some("staging".parse().unwrap()),
        account: Some("000000000012".parse().unwrap()),
        ..at("m", "spark")
    };
    let new = Work {
        involved: people("new"),
        environment: Some("production".parse().unwrap()),
        account: Some("000000000013".parse().unwrap()),
        expedite: true,
        ..owned(work("m", "nanda", "seed"), "eve")
    };
    // Leases that will have ended, where it goes to.
    table.limits.rules.insert(
        Pattern::parse("stage:seed").unwrap(),
        limits(&[("stage:seed", 9)]).rules.into_values().next().unwrap(),
    );
    for number in 0..9 {
        begun(table.ask(owned(work(&format!("ended-{number}"), "nanda", "seed"), "eve")));
    }
    table.pass(400);
    begun(table.ask(old.clone()));
    // They wait for what it leaves: its owner, and one who takes part.
    table
        .limits
        .rules
        .insert(Pattern::parse("involved:old-0").unwrap(), Rule { limit: 1, mode: Mode::Block, fair_share: false });
    assert!(waits(&table.ask(at("after-ada", "spark"))));
    let with = Work { involved: ["old-0".parse().unwrap()].into(), ..owned(at("after-old-0", "spark"), "fay") };
    table.pass(1);
    table.ask(with);
    let both: BTreeSet<Scope> = table.request(old).scopes.union(&table.request(new.clone()).scopes).cloned().collect();
    for scope in &both {
        table.set_limit(
            &scope.to_string(),
            if scope.to_string().contains("old-0") || scope.to_string() == "owned:ada" { 1 } else { 80 },
        );
    }
    table.pass(250);
    table.limits.digest = Digest::of(b"second");
    let (told, writes) = (table.facts.len(), std::cell::Cell::new(0));
    let request = table.request(new);
    let asked = table.decide(&request.scopes, |rows, limits, now| {
        transfer(&request, rows, limits, now).map(|step| {
            let created = step.writes.values().filter(|write| write.creates()).count();
            writes.set(step.writes.len() + created);
            step
        })
    });
    begun(asked);
    let events = |fact: &Fact| match fact {
        Fact::Acquired { waited, over, .. } => 1 + usize::from(waited.is_some()) + usize::from(!over.is_empty()),
        _ => 1,
    };
    let told: Vec<usize> = table.facts[told..].iter().map(events).collect();
    let weight = writes.get() + told.iter().sum::<usize>();
    assert!(
        told.len() > both.len() && weight + super::super::transfer::LEFT <= 100,
        "{weight}: {} and {told:?}",
        writes.get()
    );
}
