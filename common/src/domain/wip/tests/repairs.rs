//! Rows that somebody edited.

use super::{
    super::repair::{repair, suspected_scopes, torn},
    *,
};

fn mend(table: &mut Table) {
    for name in torn(&table.rows, table.now) {
        let scopes = suspected_scopes(&name, &table.rows);
        assert!(table.decide(&scopes, |rows, limits, now| repair(&name, rows, limits, now)));
    }
    assert!(torn(&table.rows, table.now).is_empty());
}

fn two() -> Table {
    let mut table = Table::new(limits(&[("portfolio", 9), ("pod:*", 1)]));
    table.ask(work("a", "ratio", "scaffold"));
    table.ask(work("b", "ratio", "scaffold"));
    table
}

#[test]
fn what_is_whole_is_left_alone() {
    let table = two();
    assert!(torn(&table.rows, table.now).is_empty());
    let rows = table.load(&BTreeSet::from([Scope::Portfolio, scope("pod:ratio")]));
    let Next::Ready(step) = repair(&item("a"), &rows, &table.limits, table.now) else { panic!("all is there") };
    assert_eq!((step.writes.len(), step.answer), (0, false));
}

#[test]
fn a_lease_that_a_scope_has_lost_is_put_back() {
    let mut table = two();
    let whole = table.lease(&item("a")).unwrap();
    table.rows.get_mut(&scope("pod:ratio")).unwrap().leases.clear();
    mend(&mut table);
    assert_eq!(table.row(&scope("pod:ratio")).leases.get(&item("a")), Some(&whole));
}

#[test]
fn a_lease_that_the_portfolio_does_not_know_goes_and_its_place_is_handed_over() {
    let mut table = two();
    table.rows.get_mut(&Scope::Portfolio).unwrap().leases.clear();
    mend(&mut table);
    assert_eq!(table.live(&scope("pod:ratio")).into_keys().collect::<Vec<_>>(), [item("b")]);
    assert!(matches!(&table.facts[..], [.., Fact::Released { by: None, .. }, Fact::Acquired { .. }]));
}

#[test]
fn of_two_fences_the_portfolios_counts() {
    let mut table = two();
    let whole = table.lease(&item("a")).unwrap();
    let row = table.rows.get_mut(&scope("pod:ratio")).unwrap();
    row.leases.get_mut(&item("a")).unwrap().fence.0 -= 1;
    mend(&mut table);
    assert_eq!(table.row(&scope("pod:ratio")).leases.get(&item("a")), Some(&whole));
}

/// `m` holds its place in one stage, and one is kept for it in another.
fn to_move() -> Table {
    let mut table = Table::new(limits(&[("portfolio", 9), ("pod:*", 9), ("stage:*", 1), ("pod-stage:*:*", 1)]));
    let Asked::Admitted { lease, .. } = table.ask(work("s", "ratio", "seed")) else { panic!() };
    table.ask(work("m", "ratio", "spark"));
    table.transfer(work("m", "ratio", "seed"));
    table.release(&item("s"), lease.fence);
    assert!(table.row(&scope("stage:seed")).leases[&item("m")].is_reservation());
    table
}

#[test]
fn a_reservation_that_is_whole_stays_while_the_lease_beside_it_is_mended() {
    let mut table = to_move();
    assert!(torn(&table.rows, table.now).is_empty());
    table.rows.get_mut(&scope("pod:ratio")).unwrap().leases.clear();
    mend(&mut table);
    assert!(table.row(&scope("pod:ratio")).leases.contains_key(&item("m")));
    for kept in ["stage:seed", "pod-stage:ratio:seed"] {
        assert!(table.row(&scope(kept)).leases[&item("m")].is_reservation(), "{kept}");
    }
}

#[test]
fn a_reservation_that_stands_in_some_of_its_scopes_only_goes() {
    let mut table = to_move();
    table.rows.get_mut(&scope("stage:seed")).unwrap().leases.clear();
    mend(&mut table);
    assert!(table.live(&scope("pod-stage:ratio:seed")).is_empty());
    assert!(table.lease(&item("m")).is_some());
}

#[test]
fn a_row_that_cannot_be_read_is_no_proof_against_a_reservation() {
    let mut table = to_move();
    table.rows.insert(scope("stage:seed"), ScopeState::unreadable(scope("stage:seed")));
    let scopes = suspected_scopes(&item("m"), &table.rows);
    let mended = table.decide(&scopes, |rows, limits, now| repair(&item("m"), rows, limits, now));
    assert!(!mended);
    assert!(table.row(&scope("pod-stage:ratio:seed")).leases[&item("m")].is_reservation());
}
