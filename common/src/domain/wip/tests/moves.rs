//! Work that goes on elsewhere: its place goes with it, or it waits and nothing of it changes.

use super::{super::explain::explain, *};

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
fn what_comes_free_is_kept_for_it_and_its_next_move_joins_both() {
    let (mut table, main) = waiting();
    assert!(waits(&table.ask(at("later", "seed"))));
    let s = table.live(&stage("seed"))[&item("s-0")];
    table.facts.clear();
    table.release(&item("s-0"), s);
    assert_eq!(names(&table, "seed"), ["m", "s-1"], "it was first");
    assert_eq!(table.lease(&item("m")), Some(main.clone()), "and has its own place still");
    assert_eq!(leases(&table, "m").len(), 2);
    let kept = table.row(&stage("seed")).leases[&item("m")].clone();
    assert!(kept.fence > main.fence && kept.is_reservation());
    let told = |fact: &Fact| matches!(fact, Fact::Acquired { item, waited: Some(_), .. } if item.as_str() == "m");
    assert!(table.facts.iter().any(told), "whoever moves it is told: {:?}", table.facts);
    assert_eq!(explain(&item("m"), &table.rows, &table.limits, table.now), None, "nothing keeps it");
    table.facts.clear();
    let is = begun(table.transfer(at("m", "seed")));
    assert!(is.fence > kept.fence);
    assert_eq!(leases(&table, "m"), BTreeSet::from([is.scopes]));
    assert_eq!(names(&table, "seed"), ["m", "s-1"]);
    let ended: Vec<Fence> = table
        .facts
        .iter()
        .filter_map(|fact| match fact {
            Fact::Released { lease, .. } => Some(lease.fence),
            _ => None,
        })
        .collect();
    assert_eq!(ended, [main.fence, kept.fence]);
    assert_eq!(table.row(&stage("seed")).releases.len(), 1, "only s-0's place came free there");
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
fn a_reservation_that_is_not_used_expires_and_goes_to_the_next() {
    let (mut table, main) = waiting();
    table.pass(100);
    assert!(waits(&table.transfer(at("m", "seed"))) && waits(&table.ask(at("later", "seed"))));
    let s = table.live(&stage("seed"))[&item("s-0")];
    table.release(&item("s-0"), s);
    assert_eq!(names(&table, "seed"), ["m", "s-1"]);
    table.limits.ticket_ttl_seconds = 6_000;
    for _ in 0..2 {
        table.pass(290);
        assert!(table.renew(&item("m"), main.fence));
        assert!(table.renew(&item("s-1"), table.live(&stage("seed"))[&item("s-1")]));
        table.ask(at("later", "seed"));
    }
    table.pass(100);
    table.facts.clear();
    table.sweep();
    assert_eq!(names(&table, "seed"), ["later", "s-1"]);
    assert!(table.facts.iter().any(|fact| matches!(fact, Fact::Expired { item, .. } if item.as_str() == "m")));
    assert_eq!(leases(&table, "m"), BTreeSet::from([main.scopes]));
}

/// A reservation, and another who waits behind it.
fn reserved() -> (Table, Lease) {
    let (mut table, main) = waiting();
    assert!(waits(&table.ask(at("later", "seed"))));
    let s = table.live(&stage("seed"))[&item("s-0")];
    table.release(&item("s-0"), s);
    assert_eq!(leases(&table, "m").len(), 2);
    (table, main)
}

#[test]
fn work_that_ends_leaves_no_reservation_behind() {
    let (mut table, main) = reserved();
    table.release(&item("m"), main.fence);
    table.sweep();
    assert_eq!((leases(&table, "m").len(), names(&table, "seed")), (0, vec!["later".to_owned(), "s-1".to_owned()]));
    assert!(
        table.facts.iter().any(|fact| matches!(fact, Fact::Released { item, lease, by: None }
            if item.as_str() == "m" && lease.is_reservation())),
        "its end is told"
    );

    // Without anybody in line and without a sweep: who asks there next finds it.
    let (mut table, main) = waiting();
    let s = table.live(&stage("seed"))[&item("s-0")];
    table.release(&item("s-0"), s);
    table.release(&item("m"), main.fence);
    begun(table.ask(at("next", "seed")));
    assert_eq!(names(&table, "seed"), ["next", "s-1"]);
}

#[test]
fn withdrawing_takes_both_and_the_ticket() {
    let (mut table, _) = reserved();
    table.facts.clear();
    let scopes = table.request(at("m", "seed")).scopes;
    table.decide(&scopes, |rows, limits, now| withdraw(&item("m"), rows, limits, now));
    assert_eq!((leases(&table, "m").len(), names(&table, "seed")), (0, vec!["later".to_owned(), "s-1".to_owned()]));
    assert_eq!(table.facts.iter().filter(|fact| matches!(fact, Fact::Released { by: None, .. })).count(), 2);

    let (mut table, _) = waiting();
    table.decide(&scopes, |rows, limits, now| withdraw(&item("m"), rows, limits, now));
    assert!(leases(&table, "m").is_empty());
    assert!(table.rows.values().all(|row| !row.tickets.contains_key(&item("m"))));
}

#[test]
fn a_ticket_to_move_is_worth_nothing_without_the_lease_it_was_taken_beside() {
    let (mut table, main) = waiting();
    table.release(&item("m"), main.fence);
    let s = table.live(&stage("seed"))[&item("s-0")];
    table.release(&item("s-0"), s);
    assert_eq!(names(&table, "seed"), ["s-1"]);
    assert!(table.row(&stage("seed")).tickets.is_empty());
}

#[test]
fn an_item_that_went_elsewhere_is_kept_no_place() {
    let (mut table, _) = reserved();
    begun(table.transfer(at("m", "other")));
    table.sweep();
    assert_eq!(names(&table, "seed"), ["later", "s-1"]);
    assert_eq!(leases(&table, "m").len(), 1);

    // The same while it still waits.
    let (mut table, _) = waiting();
    begun(table.transfer(at("m", "other")));
    let s = table.live(&stage("seed"))[&item("s-0")];
    table.release(&item("s-0"), s);
    assert_eq!(names(&table, "seed"), ["s-1"]);
}

#[test]
fn a_reservation_is_not_the_items_place_and_its_fence_is_no_word_for_it() {
    let (mut table, main) = reserved();
    let kept = table.row(&stage("seed")).leases[&item("m")].fence;
    let seed = table.load(&BTreeSet::from([stage("seed")]));
    assert_eq!(super::super::admission::held(&item("m"), &seed, table.now), None);
    assert_eq!(held_under(&item("m"), kept, &table.rows, table.now), Held::Stale { present: Some(main.fence) });
    assert_eq!(table.release(&item("m"), kept), Held::Stale { present: Some(main.fence) });
    assert!(!table.renew(&item("m"), kept));
    assert_eq!(table.ask(at("m", "seed")), Asked::Held(main), "asking does not move it");
    assert_eq!(leases(&table, "m").len(), 2);
}

#[test]
fn an_item_whose_lease_ran_out_while_a_place_was_kept_begins_anew_with_one() {
    let (mut table, _) = reserved();
    table.limits.default_ttl_seconds = 3_600;
    for name in ["s-1", "later"] {
        table.ask(at(name, "seed"));
    }
    table.pass(601);
    begun(table.transfer(at("m", "spark")));
    table.sweep();
    assert_eq!(leases(&table, "m").len(), 1);
    assert!(!names(&table, "seed").contains(&"m".to_owned()));
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

/// Two places that one item needs come free at the same moment: one is given back, the other was kept for somebody who did not come.
#[test]
fn a_reservation_that_ends_while_a_place_is_given_back_leaves_nobody_between_the_two() {
    let both = |first_the_release: bool| {
        let mut table = Table::new(limits(&[("portfolio", 99), ("pod-stage:*:*", 1), ("owned:*", 1)]));
        table.limits.ticket_ttl_seconds = 9_000;
        let by = |name: &str, owner: &str, stage: &str| Work { owner: owner.parse().unwrap(), ..at(name, stage) };
        let s = begun(table.ask(by("s-0", "cy", "seed"))).fence;
        let m = begun(table.ask(by("m", "dan", "spark"))).fence;
        assert!(waits(&table.transfer(by("m", "dan", "seed"))));
        table.decide(&BTreeSet::from([Scope::Portfolio]), |rows, limits, now| {
            release(&item("s-0"), s, &"cy".parse().unwrap(), rows, limits, now)
        });
        table.pass(300);
        assert!(table.renew(&item("m"), m));
        let bobs = begun(table.ask(by("b", "bob", "ship"))).fence;
        // Needs bob and the stage seed: the one is busy, the other kept.
        assert!(waits(&table.ask(by("between", "bob", "seed"))));
        let bob = "bob".parse().unwrap();
        let give_back =
            |rows: &Rows, limits: &Limits, now: Timestamp| release(&item("b"), bobs, &bob, rows, limits, now);
        let Next::Ready(given) = give_back(&table.rows, &table.limits, table.now) else { panic!("all rows were read") };
        table.pass(301);
        let Next::Ready(swept) = sweep(&table.rows, &table.limits, table.now) else { panic!("all rows were read") };
        if first_the_release {
            assert!(table.commit(&given));
            assert!(!table.commit(&swept), "what it rests on has changed");
            table.decide(&BTreeSet::from([stage("seed")]), sweep);
        } else {
            assert!(table.commit(&swept));
            assert!(!table.commit(&given), "what it rests on has changed");
            table.decide(&BTreeSet::from([Scope::Portfolio]), give_back);
        }
        table.lease(&item("between")).is_some()
    };
    assert!(both(true) && both(false));
}

#[test]
fn a_row_that_cannot_be_read_closes_the_move_and_is_never_written() {
    let (mut table, main) = reserved();
    let row = |table: &mut Table, scope: &Scope, readable| table.rows.get_mut(scope).unwrap().readable = readable;
    let broken = |table: &mut Table, broken: Scope| {
        let whole = table.rows.insert(broken.clone(), ScopeState::unreadable(broken.clone())).unwrap();
        let asked = table.transfer(at("m", "seed"));
        assert!(!table.rows[&broken].readable && table.rows[&broken].leases.is_empty(), "{broken} was written");
        table.rows.insert(broken, whole);
        asked
    };
    for common in ["pod:ratio", "portfolio"] {
        assert!(matches!(broken(&mut table, scope(common)), Asked::NoTicket { .. }), "{common}");
        assert_eq!(table.lease(&item("m")), Some(main.clone()));
        assert_eq!(leases(&table, "m").len(), 2, "what is kept for it is kept, as nobody knows what has ended");
    }
    assert!(matches!(broken(&mut table, stage("seed")), Asked::NoTicket { .. }));
    // What it leaves needs not be read.
    row(&mut table, &stage("spark"), false);
    begun(table.transfer(at("m", "seed")));
}

#[test]
fn what_was_kept_for_another_move_is_handed_over_with_the_next_one() {
    let mut table = Table::new(limits(&[("portfolio", 99), ("pod:*", 2), ("pod-stage:*:*", 1)]));
    let s = begun(table.ask(work("s", "nanda", "seed"))).fence;
    begun(table.ask(at("m", "spark")));
    assert!(waits(&table.transfer(work("m", "nanda", "seed"))));
    table.release(&item("s"), s);
    assert!(waits(&table.ask(work("later", "nanda", "seed"))), "that place is kept");
    // Another stage of the same pod: the place in the pod is used, that in the stage is not.
    begun(table.transfer(work("m", "nanda", "ship")));
    assert_eq!(table.live(&scope("pod-stage:nanda:seed")).into_keys().collect::<Vec<_>>(), [item("later")]);
    assert_eq!(table.live(&scope("pod:nanda")).len(), 2);
    assert_eq!(leases(&table, "m").len(), 1);
    let kept = |fact: &&Fact| matches!(fact, Fact::Released { lease, .. } if lease.is_reservation());
    assert_eq!(table.facts.iter().filter(kept).count(), 1, "its end is told once");
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
