//! Each operation with its condition true, and with each clause of it false alone: the table does what the domain says.

use super::*;

suite! {
    operations_do_what_the_domain_says,
}

/// A row, an operation on it, and whether it may.
struct Try {
    what: &'static str,
    /// Nothing: the row does not exist.
    row: Option<ScopeState>,
    operation: Operation,
    holds: bool,
}

fn tries(scope: &Scope) -> Vec<Try> {
    let own = || [scope.clone()];
    let moved = at(NOW + 600);
    let admit = || Operation::Admit { item: item(1), lease: lease(11, own()), digest: digest() };
    let queue_under = |until: Option<Timestamp>, first| Operation::Queue {
        item: item(1),
        ticket: ticket(11, own()),
        digest: digest(),
        until,
        first,
    };
    let (queue, queue_behind) = (|| queue_under(None, true), || queue_under(None, false));
    let regardless_of = |first| Operation::QueueRegardless { item: item(1), ticket: ticket(11, own()), first };
    let (regardless, regardless_behind) = (|| regardless_of(true), || regardless_of(false));
    let keep = || Operation::KeepTicket { item: item(1), ticket: ticket(7, own()), expires_at: moved };
    let renew = || Operation::Renew { item: item(1), lease: lease(9, own()), expires_at: moved };
    let release_from =
        |scopes: BTreeSet<Scope>| Operation::Release { item: item(1), fence: Fence(9), holder: id("ada"), scopes };
    let release = || release_from(own().into());
    let full = || with_leases(open(scope), [(2, 8), (3, 9)]);
    let held = || with_leases(open(scope), [(1, 9)]);
    let ending = |end: Timestamp| {
        let mut row = held();
        row.leases.values_mut().for_each(|lease| lease.expires_at = end);
        row
    };
    let theirs = || {
        let mut row = held();
        row.leases.values_mut().for_each(|lease| lease.holder = id("bob"));
        row
    };
    let expired_ticket = || {
        let mut row = with_tickets(open(scope), [(1, 7)]);
        row.tickets.values_mut().for_each(|ticket| ticket.expires_at = at(0));
        row
    };
    let crowd = || with_tickets(full(), (10..10 + MAX_TICKETS).map(|number| (number, number as u64)));
    let nearly = || with_tickets(full(), (10..9 + MAX_TICKETS).map(|number| (number, number as u64)));
    let yes = |what, row: ScopeState, operation| Try { what, row: Some(row), operation, holds: true };
    let no = |what, row: ScopeState, operation| Try { what, row: Some(row), operation, holds: false };
    let none = |what, operation| Try { what, row: None, operation, holds: false };
    let other_digest = |row: ScopeState| ScopeState { digest: Some(Digest::of(b"before")), ..row };
    let no_digest = |row: ScopeState| ScopeState { digest: None, ..row };
    vec![
        yes("admit into an empty row", open(scope), admit()),
        yes("admit beside another", with_leases(open(scope), [(2, 8)]), admit()),
        yes("admit under a person's limit", overridden_until(open(scope), None), admit()),
        none("admit where no row is", admit()),
        no("admit under another digest", other_digest(open(scope)), admit()),
        no("admit under no digest", no_digest(open(scope)), admit()),
        no("admit under a person's limit that ends", overridden_until(open(scope), Some(at(NOW + 1))), admit()),
        no("admit with the row's own fence", ScopeState { fence: Fence(11), ..open(scope) }, admit()),
        no("admit with a lower fence", ScopeState { fence: Fence(12), ..open(scope) }, admit()),
        no("admit what holds a lease", held(), admit()),
        no("admit what holds an expired lease", ending(at(0)), admit()),
        no("admit past a ticket", with_tickets(open(scope), [(2, 7)]), admit()),
        no("admit past an expired ticket", expired_ticket(), admit()),
        no("admit into a full row", full(), admit()),
        no("admit over a limit that was lowered", ScopeState { limit: 1, ..full() }, admit()),
        no("admit where nothing may be", ScopeState { limit: 0, ..open(scope) }, admit()),
        yes("queue at a full row", full(), queue()),
        yes("queue over a limit that was lowered", ScopeState { limit: 1, ..full() }, queue()),
        yes("queue behind a ticket", with_tickets(full(), [(4, 7)]), queue_behind()),
        yes("queue in the last place", nearly(), queue_behind()),
        yes("queue under a person's limit", overridden_until(full(), None), queue()),
        yes(
            "queue under a person's limit that ends",
            overridden_until(full(), Some(moved)),
            queue_under(Some(moved), true),
        ),
        none("queue where no row is", queue()),
        none("queue behind nobody where no row is", queue_behind()),
        no("queue behind a ticket where there is room", with_tickets(open(scope), [(2, 7)]), queue_behind()),
        no("queue under another digest", other_digest(full()), queue()),
        no("queue under a limit that ends and does not", full(), queue_under(Some(moved), true)),
        no("queue under a limit that ends at another moment", overridden_until(full(), Some(now())), queue()),
        no("queue what holds a lease", with_leases(held(), [(2, 8)]), queue()),
        no("queue twice", with_tickets(full(), [(1, 7)]), queue_behind()),
        no("queue first behind a ticket", with_tickets(full(), [(4, 7)]), queue()),
        no("queue behind nobody", full(), queue_behind()),
        no("queue where there is no more place", crowd(), queue_behind()),
        no("queue where there is room and nobody waits", with_leases(open(scope), [(2, 8)]), queue()),
        yes("queue regardless of room", open(scope), regardless()),
        yes("queue regardless of room behind a ticket", with_tickets(open(scope), [(2, 7)]), regardless_behind()),
        yes("queue regardless of the digest", other_digest(full()), regardless()),
        none("queue regardless where no row is", regardless()),
        none("queue regardless behind nobody where no row is", regardless_behind()),
        no("queue regardless what holds a lease", held(), regardless()),
        no("queue regardless behind nobody", open(scope), regardless_behind()),
        no("queue regardless first behind a ticket", with_tickets(open(scope), [(2, 7)]), regardless()),
        no("queue regardless twice", with_tickets(open(scope), [(1, 7)]), regardless_behind()),
        no("queue regardless where there is no more place", crowd(), regardless_behind()),
        yes("keep a ticket", with_tickets(open(scope), [(1, 7)]), keep()),
        none("keep a ticket where no row is", keep()),
        no("keep a ticket that is not there", with_tickets(open(scope), [(2, 7)]), keep()),
        no("keep a ticket that was kept since", expired_ticket(), keep()),
        no("keep a ticket of another number", with_tickets(open(scope), [(1, 6)]), keep()),
        yes("renew", held(), renew()),
        none("renew where no row is", renew()),
        no("renew what is not held", with_leases(open(scope), [(2, 9)]), renew()),
        no("renew under another fence", with_leases(open(scope), [(1, 8)]), renew()),
        no("renew what was renewed since", ending(moved), renew()),
        yes("release at the last moment", ending(now() + std::time::Duration::from_nanos(1)), release()),
        yes("release", held(), release()),
        yes("release into a ring that is full", ScopeState { releases: vec![1; 32], ..held() }, release()),
        none("release where no row is", release()),
        no("release what is not held", with_leases(open(scope), [(2, 9)]), release()),
        no("release under another fence", with_leases(open(scope), [(1, 10)]), release()),
        no("release what another holds", theirs(), release()),
        no("release when it has ended", ending(now()), release()),
        no("release past a ticket", with_tickets(held(), [(2, 7)]), release()),
        no("release from more scopes", held(), release_from([scope.clone(), Scope::Portfolio].into())),
        no("release from other scopes", held(), release_from([Scope::Portfolio].into())),
        yes("replace the row that was read", held(), replace(SEEN, full())),
        yes(
            "forget the digest and what a person set",
            overridden_until(held(), None),
            replace(SEEN, no_digest(open(scope))),
        ),
        no("replace a row that is another now", held(), replace(SEEN.next(), full())),
        no("make a row that exists", held(), replace(Fence(0), full())),
        none("replace a row that is gone", replace(SEEN, full())),
        Try { what: "make a row", row: None, operation: replace(Fence(0), full()), holds: true },
    ]
}

async fn operations_do_what_the_domain_says<S: Rows>(Case { store, outbox }: Case<S>) {
    let scope = scope("ada");
    // First those that need that there is no row, at last of them the one that makes it.
    let (mut tries, others): (Vec<_>, Vec<_>) = tries(&scope).into_iter().partition(|one| one.row.is_none());
    tries.sort_by_key(|one| one.holds);
    for (number, Try { what, row, mut operation, holds }) in tries.into_iter().chain(others).enumerate() {
        let mut before = read(&store, &scope).await;
        if let Some(row) = row {
            // The row goes on from the one before it; what an operation names of its number goes with it.
            let writes = BTreeMap::from([(scope.clone(), replace(before.fence, row.clone()))]);
            assert_eq!(store.commit(&writes, &[], at(0)).await.unwrap(), Committed::Done, "{what}");
            let raised = before.fence.next().max(row.fence).0 - row.fence.0;
            before = ScopeState { fence: Fence(row.fence.0 + raised), ..row };
            match &mut operation {
                Operation::Replace { seen: Fence(seen @ 1..), .. } => *seen += raised,
                Operation::Admit { lease, .. } => lease.fence.0 += raised,
                _ => {}
            }
        }
        assert_eq!(operation.holds(&before, now()), holds, "{what}: the domain");
        let news = event(&format!("try-{number}"));
        let writes = BTreeMap::from([(scope.clone(), operation.clone())]);
        let committed = store.commit(&writes, std::slice::from_ref(&news), now()).await.unwrap();
        let (answer, after) = if holds {
            (Committed::Done, operation.apply(before.clone(), now()))
        } else {
            (Committed::Failed([(scope.clone(), before.clone())].into()), before)
        };
        assert_eq!(committed, answer, "{what}: the answer");
        assert_eq!(read(&store, &scope).await, after, "{what}: the row");
        assert_eq!(outbox().contains(&news.meta.event_id.to_string()), holds, "{what}: the event");
        // The same alone, without an event: some operations go another way then.
        let again = store.commit(&writes, &[], now()).await.unwrap();
        let expected = match operation.holds(&after, now()) {
            true => Committed::Done,
            false => Committed::Failed([(scope.clone(), after)].into()),
        };
        assert_eq!(again, expected, "{what}: once more, without the event");
    }
}
