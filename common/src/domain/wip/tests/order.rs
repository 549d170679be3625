//! Who is next, in the cases that people ask about.

use super::*;

const THREE: &[(&str, u32)] = &[("portfolio", 100), ("pod-stage:*:*", 3)];

fn fence(asked: &Asked) -> Fence {
    match asked {
        Asked::Held(lease) | Asked::Admitted { lease, .. } => lease.fence,
        other => panic!("it has no place: {other:?}"),
    }
}

fn waits(asked: &Asked) -> bool {
    matches!(asked, Asked::Waits { .. })
}

#[test]
fn three_of_192_begin_and_the_others_wait_in_the_order_they_came() {
    let mut table = Table::new(limits(THREE));
    let names: Vec<String> = (0..192).map(|number| format!("i-{number}")).collect();
    for (at, name) in names.iter().enumerate() {
        assert_eq!(waits(&table.ask(work(name, "ratio", "scaffold"))), at >= 3, "{name}");
    }
    let pod = scope("pod-stage:ratio:scaffold");
    assert_eq!((table.live(&pod).len(), table.row(&pod).tickets.len()), (3, 189));
    for name in &names[3..20] {
        let (first, lease) = table.live(&pod).into_iter().next().unwrap();
        assert!(matches!(table.release(&first, lease), Held::Yes(_)));
        assert!(table.live(&pod).contains_key(&item(name)), "{name} was the next");
    }
}

#[test]
fn the_same_item_again_has_the_same_lease_and_the_same_ticket() {
    let mut table = Table::new(limits(&[("portfolio", 1)]));
    let first = fence(&table.ask(work("a", "ratio", "scaffold")));
    let Asked::Waits { ticket, .. } = table.ask(work("b", "ratio", "scaffold")) else { panic!("it is full") };
    table.pass(200);
    assert_eq!(fence(&table.ask(work("a", "ratio", "scaffold"))), first);
    let Asked::Waits { ticket: again, .. } = table.ask(work("b", "ratio", "scaffold")) else { panic!("still full") };
    assert_eq!((again.number, again.since), (ticket.number, ticket.since));
    assert!(again.expires_at > ticket.expires_at);
}

#[test]
fn a_dead_holders_place_goes_to_the_first_in_line_and_its_late_word_changes_nothing() {
    let mut table = Table::new(limits(&[("portfolio", 1), ("pod:*", 1)]));
    let dead = fence(&table.ask(work("dead", "ratio", "scaffold")));
    table.pass(500);
    assert!(
        waits(&table.ask(work("first", "ratio", "scaffold"))) && waits(&table.ask(work("second", "ratio", "scaffold")))
    );
    table.pass(100);
    // The second asks first after the expiry: the place is the first one's all the same.
    assert!(waits(&table.ask(work("second", "ratio", "scaffold"))));
    let taken = fence(&table.ask(work("first", "ratio", "scaffold")));
    assert!(taken > dead);
    assert!(table.facts.iter().any(|fact| matches!(fact, Fact::Expired { item, .. } if item.as_str() == "dead")));
    let before = table.rows.clone();
    assert_eq!(table.release(&item("dead"), dead), Held::No);
    assert!(!table.renew(&item("dead"), dead));
    assert_eq!(table.release(&item("first"), dead), Held::Stale { present: Some(taken) });
    assert_eq!(table.rows, before);
}

#[test]
fn without_anybody_asking_the_sweep_hands_over() {
    let mut table = Table::new(limits(&[("portfolio", 1)]));
    table.ask(work("dead", "ratio", "scaffold"));
    table.pass(400);
    table.ask(work("next", "ratio", "scaffold"));
    table.pass(200);
    table.sweep();
    assert_eq!(table.live(&Scope::Portfolio).into_keys().collect::<Vec<_>>(), [item("next")]);
}

#[test]
fn a_head_that_another_scope_keeps_is_passed_and_stays_the_first() {
    let mut table = Table::new(limits(&[("portfolio", 9), ("pod:*", 1), ("stage:*", 1)]));
    let a = fence(&table.ask(work("a", "ratio", "scaffold")));
    let b = fence(&table.ask(work("b", "nanda", "seed")));
    // Needs ratio's pod and the stage seed: both full.
    assert!(waits(&table.ask(work("head", "ratio", "seed"))));
    // Needs ratio's pod alone.
    assert!(waits(&table.ask(work("later", "ratio", "ship"))));
    table.release(&item("a"), a);
    assert_eq!(table.live(&scope("pod:ratio")).into_keys().collect::<Vec<_>>(), [item("later")]);
    assert!(table.row(&scope("pod:ratio")).tickets.contains_key(&item("head")), "it keeps its place");
    table.release(&item("b"), b);
    assert!(table.live(&scope("stage:seed")).is_empty(), "its pod keeps it still");
    let later = table.live(&scope("pod:ratio"))[&item("later")];
    table.release(&item("later"), later);
    assert!(table.live(&scope("stage:seed")).contains_key(&item("head")));
}

#[test]
fn a_limit_that_goes_down_and_up_evicts_nobody_and_admits_exactly_what_it_must() {
    let mut table = Table::new(limits(THREE));
    let pod = scope("pod-stage:ratio:scaffold");
    let names: Vec<String> = (0..8).map(|number| format!("i-{number}")).collect();
    for name in &names {
        table.ask(work(name, "ratio", "scaffold"));
    }
    assert_eq!(table.set_limit("pod-stage:ratio:scaffold", 1), LimitSet::Done { from: 3 });
    assert!(table.facts.iter().any(|fact| matches!(fact, Fact::LimitBelowUse { .. })));
    assert_eq!(table.live(&pod).len(), 3);
    for left in [2, 1] {
        let (name, fence) = table.live(&pod).into_iter().next().unwrap();
        table.release(&name, fence);
        assert_eq!(table.live(&pod).len(), left, "a release below the new limit admits nobody");
    }
    table.set_limit("pod-stage:ratio:scaffold", 5);
    assert_eq!(table.live(&pod).len(), 5);
    table.limits.digest = Digest::of(b"second");
    table.sweep();
    assert_eq!((table.row(&pod).limit, table.row(&pod).overridden), (3, None), "the files changed: they decide again");
}

#[test]
fn a_person_who_was_shown_another_limit_changes_nothing() {
    let mut table = Table::new(limits(THREE));
    let set = Override { reason: "x".into(), by: "ada".parse().unwrap(), until: None };
    let change = LimitChange { scope: Scope::Portfolio, limit: 5, expected_limit: 99, set };
    let portfolio = BTreeSet::from([Scope::Portfolio]);
    let answer = table.decide(&portfolio, |rows, limits, now| set_limit(&change, rows, limits, now));
    assert_eq!((answer, table.rows.len()), (LimitSet::Differs { limit: 100 }, 0));
}

#[test]
fn a_limit_that_only_warns_admits_and_says_so() {
    let mut limits = limits(&[("portfolio", 9), ("pod:*", 1)]);
    let warn = Rule { limit: 1, mode: Mode::Warn, fair_share: false };
    limits.rules.insert(Pattern::parse("pod:*").unwrap(), warn);
    let mut table = Table::new(limits);
    table.ask(work("a", "ratio", "scaffold"));
    let Asked::Admitted { over, .. } = table.ask(work("b", "ratio", "scaffold")) else { panic!("it only warns") };
    assert_eq!(over.iter().map(|over| (over.limit, over.active)).collect::<Vec<_>>(), [(1, 2)]);
}

#[test]
fn the_expedite_lane_has_its_own_cap_and_counts_everywhere() {
    let mut table = Table::new(limits(&[("portfolio", 9), ("expedite", 1), ("pod:*", 1)]));
    let hurried = |name| Work { expedite: true, ..work(name, "ratio", "scaffold") };
    table.ask(work("a", "ratio", "scaffold"));
    let fast = fence(&table.ask(hurried("fire")));
    assert!(waits(&table.ask(hurried("second-fire"))), "the lane's own cap is reached");
    assert_eq!(table.live(&scope("pod:ratio")).len(), 2, "it is counted");
    table.release(&item("fire"), fast);
    assert!(table.live(&scope("expedite")).contains_key(&item("second-fire")));
}

#[test]
fn where_shares_are_fair_a_pod_with_its_share_lets_others_go_first() {
    let fair = |fair_share| {
        let mut limits = limits(&[("portfolio", 2)]);
        limits.rules.insert(Pattern::parse("portfolio").unwrap(), Rule { limit: 2, mode: Mode::Block, fair_share });
        let mut table = Table::new(limits);
        let first = fence(&table.ask(work("r-1", "ratio", "scaffold")));
        table.ask(work("r-2", "ratio", "scaffold"));
        table.ask(work("r-3", "ratio", "scaffold"));
        table.ask(work("n-1", "nanda", "scaffold"));
        table.release(&item("r-1"), first);
        table.live(&Scope::Portfolio).into_keys().map(String::from).collect::<Vec<_>>()
    };
    assert_eq!(fair(true), ["n-1", "r-2"]);
    assert_eq!(fair(false), ["r-2", "r-3"]);
}

#[test]
fn a_queue_ends_at_500_tickets_and_says_so() {
    let mut table = Table::new(limits(&[("portfolio", 0)]));
    for number in 0..500 {
        assert!(waits(&table.ask(work(&format!("i-{number}"), "ratio", "scaffold"))));
    }
    assert!(matches!(table.ask(work("too-many", "ratio", "scaffold")), Asked::NoTicket { .. }));
    assert_eq!(table.row(&Scope::Portfolio).tickets.len(), 500);
}

#[test]
fn an_item_that_became_another_while_it_waited_gets_one_place() {
    let mut table = Table::new(limits(&[("portfolio", 9), ("pod:*", 1)]));
    let a = fence(&table.ask(work("a", "ratio", "scaffold")));
    let b = fence(&table.ask(work("b", "nanda", "scaffold")));
    assert!(waits(&table.ask(work("c", "ratio", "scaffold"))));
    table.pass(1);
    assert!(waits(&table.ask(work("c", "nanda", "scaffold"))));
    table.release(&item("b"), b);
    let place = table.lease(&item("c")).unwrap();
    assert!(place.scopes.contains(&scope("pod:nanda")));
    table.release(&item("a"), a);
    assert_eq!(table.lease(&item("c")), Some(place), "its older ticket is worth nothing");
    assert!(table.live(&scope("pod:ratio")).is_empty() && table.row(&scope("pod:ratio")).tickets.is_empty());
}

#[test]
fn a_ticket_taken_without_looking_is_served_by_the_sweep() {
    let mut table = Table::new(limits(THREE));
    table.ask(work("a", "ratio", "scaffold"));
    let request = table.request(work("b", "ratio", "scaffold"));
    let step = queue_regardless(&request, &table.load(&request.scopes), &table.limits, table.now);
    assert!(table.commit(&step));
    assert!(!table.commit(&step), "once");
    assert!(!table.commit(&admit_at_once(&table.request(work("c", "ratio", "scaffold")), &table.limits, table.now)));
    table.sweep();
    assert!(table.live(&scope("pod-stage:ratio:scaffold")).contains_key(&item("b")));
}

#[test]
fn work_that_has_ended_leaves_its_place_and_its_line() {
    let mut table = Table::new(limits(&[("portfolio", 1)]));
    table.ask(work("a", "ratio", "scaffold"));
    table.ask(work("b", "ratio", "scaffold"));
    table.ask(work("c", "ratio", "scaffold"));
    let portfolio = BTreeSet::from([Scope::Portfolio]);
    table.decide(&portfolio, |rows, limits, now| withdraw(&item("b"), rows, limits, now));
    table.decide(&portfolio, |rows, limits, now| withdraw(&item("a"), rows, limits, now));
    assert_eq!(table.live(&Scope::Portfolio).into_keys().collect::<Vec<_>>(), [item("c")]);
    assert!(
        matches!(&table.facts[..], [.., Fact::Released { by: None, .. }, Fact::Acquired { .. }]),
        "{:?}",
        table.facts
    );
    let before = table.rows.clone();
    table.decide(&portfolio, |rows, limits, now| withdraw(&item("a"), rows, limits, now));
    assert_eq!(table.rows, before);
}

#[test]
fn a_ticket_taken_without_deciding_stands_behind_those_that_are_there_whatever_the_clock_says() {
    let mut table = Table::new(limits(&[("portfolio", 9), ("pod-stage:*:*", 1)]));
    let a = fence(&table.ask(work("a", "ratio", "scaffold")));
    assert!(waits(&table.ask(work("first", "ratio", "scaffold"))));
    // Another server, whose clock is behind.
    table.pass(-3);
    let request = table.request(work("later", "ratio", "scaffold"));
    let before = table.load(&BTreeSet::from([request.narrowest()]));
    let step = queue_regardless(&request, &before, &table.limits, table.now);
    assert!(table.commit(&step));
    table.release(&item("a"), a);
    assert_eq!(table.live(&scope("pod-stage:ratio:scaffold")).into_keys().collect::<Vec<_>>(), [item("first")]);
}

#[test]
fn a_place_that_comes_free_between_reading_and_queueing_is_not_overlooked() {
    let mut table = Table::new(limits(&[("portfolio", 9), ("pod:nanda", 1), ("pod:ratio", 9), ("stage:*", 1)]));
    table.ask(work("a", "ratio", "seed"));
    table.ask(work("b", "nanda", "scaffold"));
    assert!(waits(&table.ask(work("blocked-twice", "nanda", "seed"))));
    let request = table.request(work("late", "ratio", "seed"));
    let read = table.rows.clone();
    let Next::Ready(step) = ask(&request, &read, &table.limits, table.now) else { panic!("all rows were read") };
    assert!(waits(&step.answer), "its stage is full");
    // Meanwhile its stage gets a second place, for which the one who is before it has no use: its pod is full.
    table.set_limit("stage:seed", 2);
    assert!(!table.commit(&step), "it would wait for a place that nobody wants");
    assert!(matches!(table.ask(work("late", "ratio", "seed")), Asked::Admitted { .. }));
}

#[test]
fn a_limit_that_rises_while_a_place_is_given_back_leaves_nobody_between_the_two() {
    let both = |first_the_limit: bool| {
        let mut table = Table::new(limits(&[("portfolio", 9), ("pod:*", 1), ("stage:*", 1)]));
        table.ask(work("in-the-pod", "ratio", "scaffold"));
        let in_the_stage = fence(&table.ask(work("in-the-stage", "nanda", "seed")));
        assert!(waits(&table.ask(work("blocked-twice", "ratio", "seed"))));
        let set = Override { reason: "to test it".into(), by: "ada".parse().unwrap(), until: None };
        let change = LimitChange { scope: scope("pod:ratio"), limit: 2, expected_limit: 1, set };
        let raise = |rows: &Rows, limits: &Limits, now: Timestamp| set_limit(&change, rows, limits, now);
        let ada = "ada".parse().unwrap();
        let give_back = |rows: &Rows, limits: &Limits, now: Timestamp| {
            release(&item("in-the-stage"), in_the_stage, &ada, rows, limits, now)
        };
        // Each has read what the other is about to change.
        let Next::Ready(raised) = raise(&table.rows, &table.limits, table.now) else { panic!("all rows were read") };
        let Next::Ready(given) = give_back(&table.rows, &table.limits, table.now) else { panic!("all rows were read") };
        if first_the_limit {
            assert!(table.commit(&raised));
            assert!(!table.commit(&given), "what it rests on has changed");
            table.decide(&BTreeSet::from([Scope::Portfolio]), give_back);
        } else {
            assert!(table.commit(&given));
            assert!(!table.commit(&raised), "what it rests on has changed");
            table.decide(&BTreeSet::from([scope("pod:ratio")]), raise);
        }
        table.live(&Scope::Portfolio).contains_key(&item("blocked-twice"))
    };
    assert!(both(true) && both(false));
}

/// Many who wait elsewhere, each with so many scopes that their rows do not fit into one decision: what they cannot use is not kept for
/// them, and whoever can use it begins.
#[test]
fn those_who_are_kept_elsewhere_keep_nothing_from_whoever_can_begin() {
    let mut table = Table::new(limits(&[("portfolio", 10), ("pod:*", 9), ("owned:*", 1), ("involved:*", 9)]));
    let crowded = |name: &str, owner: &str| Work {
        owner: owner.parse().unwrap(),
        involved: (0..8).map(|at| format!("{name}-{at}").parse().unwrap()).collect(),
        ..work(name, "ratio", "seed")
    };
    table.ask(crowded("busy", "ada"));
    for name in ["a", "b", "c", "d", "e"] {
        assert!(waits(&table.ask(crowded(name, "ada"))), "ada has one already");
    }
    assert!(matches!(table.ask(crowded("free", "bo")), Asked::Admitted { .. }));
}

#[test]
fn an_item_that_asked_twice_at_once_and_has_two_tickets_is_served_by_the_lower() {
    let mut table = Table::new(limits(&[("portfolio", 2), ("pod:ratio", 1), ("pod:nanda", 9)]));
    let a = fence(&table.ask(work("a", "ratio", "scaffold")));
    let request = table.request(work("twice", "ratio", "scaffold"));
    let decided = |table: &Table| match ask(&request, &table.rows.clone(), &table.limits, table.now) {
        Next::Ready(step) => step,
        Next::Need(more) => panic!("all rows were read, and not {more:?}"),
    };
    table.ask(work("b", "nanda", "scaffold"));
    table.set_limit("portfolio", 3);
    let first = decided(&table);
    assert_eq!(first.writes.keys().collect::<Vec<_>>(), [&scope("pod:ratio")]);
    // Between its two readings the pod gets room and the portfolio loses it; then it is the other way round again.
    table.pass(1);
    table.set_limit("pod:ratio", 2);
    table.set_limit("portfolio", 2);
    assert!(waits(&table.ask(work("between", "nanda", "scaffold"))));
    table.pass(1);
    let second = decided(&table);
    assert_eq!(second.writes.keys().collect::<Vec<_>>(), [&scope("portfolio")]);
    table.set_limit("pod:ratio", 1);
    assert!(table.commit(&second) && table.commit(&first));
    table.release(&item("a"), a);
    assert!(table.lease(&item("twice")).is_some(), "its first ticket is before the other's");
}
