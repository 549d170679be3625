//! What is kept for an item that is to move: it is used, or it goes with the lease beside it, or it expires.

use super::*;

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
    assert_eq!(super::super::super::admission::held(&item("m"), &seed, table.now), None);
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
