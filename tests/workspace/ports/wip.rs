//! The rows of the limits on work in progress: what a transaction of several operations does, and what is only the table's. Beside it:
//! each operation with each clause of its condition, and rows that change with an audit entry.

use std::collections::{BTreeMap, BTreeSet};

use common::{
    domain::{
        id::{Digest, ItemId},
        wip::{
            Fence, ItemType, Lease, Scope, ScopeState, Ticket,
            operation::Operation,
            state::{MAX_TICKETS, Override},
        },
    },
    fault::Fault,
    ports::{Committed, MAX_WEIGHT, WipRows},
    testing::id,
};
use serde_json::json;

use super::{Case, Timestamp, all, at, database, event, table, world};

mod operations;
mod recorded;

/// What the rows must be for a suite.
pub(super) trait Rows: WipRows + Clone + Send + Sync + 'static {}
impl<S: WipRows + Clone + Send + Sync + 'static> Rows for S {}

suite! {
    a_transaction_is_all_or_nothing_with_its_events,
    of_many_writers_as_many_pass_as_there_is_room,
    of_two_that_replace_a_row_one_does,
    rows_are_read_together_and_listed,
    what_does_not_fit_is_refused_before_it_is_sent,
}

/// The moment of every commit here.
const NOW: i64 = 1_000;

fn now() -> Timestamp {
    at(NOW)
}

fn digest() -> Digest {
    Digest::of(b"in force")
}

fn scope(name: &str) -> Scope {
    Scope::Owned(id(name))
}

fn item(number: usize) -> ItemId {
    id(&format!("p-{number}"))
}

/// A lease that is live, of these scopes.
pub(super) fn lease(fence: u64, scopes: impl IntoIterator<Item = Scope>) -> Lease {
    let (since, expires_at) = (at(0), at(NOW + 60));
    Lease {
        fence: Fence(fence),
        holder: id("ada"),
        pod: id("ratio"),
        since,
        expires_at,
        scopes: scopes.into_iter().collect(),
    }
}

/// A ticket that is live, of these scopes.
pub(super) fn ticket(number: u64, scopes: impl IntoIterator<Item = Scope>) -> Ticket {
    Ticket {
        number: Fence(number),
        holder: id("bob"),
        pod: id("ratio"),
        item_type: ItemType::Project,
        since: at(0),
        expires_at: at(NOW + 60),
        ttl_seconds: 600,
        scopes: scopes.into_iter().collect(),
    }
}

/// The number that [`open`] rows have.
const SEEN: Fence = Fence(10);

/// A row with a limit of 2 under the digest in force, whose highest fence is 10.
fn open(scope: &Scope) -> ScopeState {
    ScopeState { fence: Fence(10), limit: 2, digest: Some(digest()), ..ScopeState::absent(scope.clone()) }
}

fn with_leases(mut row: ScopeState, leases: impl IntoIterator<Item = (usize, u64)>) -> ScopeState {
    let scope = row.scope.clone();
    row.leases.extend(leases.into_iter().map(|(number, fence)| (item(number), lease(fence, [scope.clone()]))));
    row
}

fn with_tickets(mut row: ScopeState, tickets: impl IntoIterator<Item = (usize, u64)>) -> ScopeState {
    let scope = row.scope.clone();
    row.tickets.extend(tickets.into_iter().map(|(number, place)| (item(number), ticket(place, [scope.clone()]))));
    row
}

fn overridden_until(mut row: ScopeState, until: Option<Timestamp>) -> ScopeState {
    row.overridden = Some(Override { reason: "an audit".into(), by: id("cy"), until });
    row
}

fn replace(seen: Fence, row: ScopeState) -> Operation {
    Operation::Replace { seen, row: Box::new(row) }
}

/// Puts a row that does not exist yet, and answers it as it stands then.
async fn make<S: Rows>(store: &S, row: ScopeState) -> ScopeState {
    let writes = BTreeMap::from([(row.scope.clone(), replace(Fence(0), row.clone()))]);
    assert_eq!(store.commit(&writes, &[], at(0)).await.unwrap(), Committed::Done);
    row
}

/// A row, for whoever needs that there is one.
pub(super) async fn make_a_row<S: Rows>(store: &S) {
    make(store, open(&Scope::Portfolio)).await;
}

async fn read<S: Rows>(store: &S, scope: &Scope) -> ScopeState {
    store.load(&[scope.clone()].into()).await.unwrap().remove(scope).unwrap()
}

async fn a_transaction_is_all_or_nothing_with_its_events<S: Rows>(Case { store, outbox }: Case<S>) {
    let names = ["a", "b", "c"].map(scope);
    let [a, b, c] = &names;
    make(&store, open(a)).await;
    make(&store, with_leases(open(b), [(2, 8), (3, 9)])).await;
    let admit = || Operation::Admit { item: item(1), lease: lease(12, names.clone()), digest: digest() };
    let writes: BTreeMap<_, _> = names.iter().map(|scope| (scope.clone(), admit())).collect();
    let before = store.load(&names.clone().into()).await.unwrap();

    let failed = [(b.clone(), before[b].clone()), (c.clone(), before[c].clone())];
    let committed = store.commit(&writes, &[event("admitted")], now()).await.unwrap();
    assert_eq!(
        committed,
        Committed::Failed(failed.into()),
        "the full one and the one that is not there, not the other"
    );
    assert_eq!(store.load(&names.clone().into()).await.unwrap(), before);
    assert_eq!(outbox(), Vec::<String>::new());

    let makes = BTreeMap::from([(b.clone(), replace(SEEN, open(b))), (c.clone(), replace(Fence(0), open(c)))]);
    assert_eq!(store.commit(&makes, &[], now()).await.unwrap(), Committed::Done);
    let events = [event("admitted"), event("nearly-full")];
    assert_eq!(store.commit(&writes, &events, now()).await.unwrap(), Committed::Done);
    let rows = store.load(&names.clone().into()).await.unwrap();
    assert!(rows.values().all(|row| row.leases[&item(1)] == lease(12, names.clone()) && row.fence == Fence(12)));
    assert_eq!(outbox().len(), 2);
    // The reply was lost and the same is sent again: nothing is written twice, and the rows say why.
    assert_eq!(store.commit(&writes, &events, now()).await.unwrap(), Committed::Failed(rows.clone()));

    // Of a lease in three scopes, a release that names two of them changes neither.
    let part: BTreeSet<_> = [a.clone(), b.clone()].into();
    let release = |held: &BTreeSet<Scope>, rows: &BTreeSet<Scope>| -> BTreeMap<Scope, Operation> {
        let release =
            || Operation::Release { item: item(1), fence: Fence(12), holder: id("ada"), scopes: held.clone() };
        rows.iter().map(|scope| (scope.clone(), release())).collect()
    };
    let wrong = store.commit(&release(&part, &part), &[event("released")], now()).await.unwrap();
    let named: BTreeMap<_, _> = rows.iter().filter(|(scope, _)| part.contains(scope)).collect();
    assert!(
        matches!(&wrong, Committed::Failed(found) if found.iter().collect::<BTreeMap<_, _>>() == named),
        "{wrong:?}"
    );
    let own: BTreeSet<_> = names.clone().into();
    assert_eq!(store.commit(&release(&own, &own), &[event("released")], now()).await.unwrap(), Committed::Done);
    let rows = store.load(&own).await.unwrap();
    assert!(rows.values().all(|row| row.leases.is_empty() && row.releases == [now().as_second()]));
    assert_eq!(outbox().len(), 3);
    assert_eq!(store.commit(&BTreeMap::new(), &[event("alone")], now()).await.unwrap(), Committed::Done);
    assert_eq!(outbox().len(), 4);
}

/// The same operation until nobody else is at the row.
async fn insist<S: Rows>(store: &S, scope: &Scope, operation: Operation) -> Committed {
    let writes = BTreeMap::from([(scope.clone(), operation)]);
    loop {
        match store.commit(&writes, &[], now()).await.unwrap() {
            Committed::Conflict => tokio::task::yield_now().await,
            decided => return decided,
        }
    }
}

async fn of_many_writers_as_many_pass_as_there_is_room<S: Rows>(Case { store, .. }: Case<S>) {
    let scope = scope("crowded");
    make(&store, ScopeState { limit: 3, ..open(&scope) }).await;
    let writers = (0..64).map(|number| {
        let (store, scope) = (store.clone(), scope.clone());
        async move {
            // Fences rise with time; here several ask at once, so each tries with the next one above what it saw.
            let mut fence = 11;
            loop {
                let lease = lease(fence, [scope.clone()]);
                let admit = Operation::Admit { item: item(number), lease, digest: digest() };
                match insist(&store, &scope, admit).await {
                    Committed::Done => return true,
                    Committed::Failed(rows) if rows[&scope].leases.len() < 3 => fence = rows[&scope].fence.0 + 1,
                    _ => return false,
                }
            }
        }
    });
    assert_eq!(all(writers).await.into_iter().filter(|admitted| *admitted).count(), 3);
    let row = read(&store, &scope).await;
    assert_eq!((row.leases.len(), row.fence), (3, Fence(13)));
    assert_eq!(row.leases.values().map(|lease| lease.fence).collect::<BTreeSet<_>>().len(), 3);
}

async fn of_two_that_replace_a_row_one_does<S: Rows>(Case { store, .. }: Case<S>) {
    let scope = scope("contended");
    let writers = (0..16).map(|number| {
        let (store, scope) = (store.clone(), scope.clone());
        async move { insist(&store, &scope, replace(Fence(0), ScopeState { limit: number, ..open(&scope) })).await }
    });
    let answers = all(writers).await;
    assert_eq!(answers.iter().filter(|answer| **answer == Committed::Done).count(), 1);
    let row = read(&store, &scope).await;
    for answer in answers.into_iter().filter(|answer| *answer != Committed::Done) {
        assert_eq!(answer, Committed::Failed([(scope.clone(), row.clone())].into()), "the row that was first");
    }
}

async fn rows_are_read_together_and_listed<S: Rows>(Case { store, .. }: Case<S>) {
    assert_eq!(store.scopes().await.unwrap(), BTreeSet::new());
    assert_eq!(store.load(&BTreeSet::new()).await.unwrap(), BTreeMap::new());
    let scopes: BTreeSet<_> = (0..MAX_WEIGHT).map(|number| scope(&format!("person-{number}"))).collect();
    let made: BTreeSet<_> = scopes.iter().take(MAX_WEIGHT / 2).cloned().collect();
    let writes = made.iter().map(|scope| (scope.clone(), replace(Fence(0), open(scope)))).collect();
    assert_eq!(store.commit(&writes, &[], now()).await.unwrap(), Committed::Done);
    assert_eq!(store.scopes().await.unwrap(), made);
    let rows = store.load(&scopes).await.unwrap();
    assert_eq!(rows.len(), MAX_WEIGHT);
    for (scope, row) in rows {
        let expected = if made.contains(&scope) { open(&scope) } else { ScopeState::absent(scope.clone()) };
        assert_eq!(row, expected);
    }
}

async fn what_does_not_fit_is_refused_before_it_is_sent<S: Rows>(Case { store, outbox }: Case<S>) {
    let scopes: BTreeSet<_> = (0..=MAX_WEIGHT).map(|number| scope(&format!("person-{number}"))).collect();
    let bug = |fault: Fault| assert!(matches!(fault, Fault::Bug { .. }), "{}", fault.chain());
    bug(store.load(&scopes).await.unwrap_err());
    let half: Vec<_> = scopes.iter().take(MAX_WEIGHT / 2).collect();
    let writes: BTreeMap<_, _> = half.iter().map(|scope| ((*scope).clone(), replace(Fence(0), open(scope)))).collect();
    bug(store.commit(&writes, &[event("one-too-many")], now()).await.unwrap_err());
    let elsewhere = BTreeMap::from([(scope("a"), replace(Fence(0), open(&scope("b"))))]);
    bug(store.commit(&elsewhere, &[], now()).await.unwrap_err());
    assert_eq!((store.scopes().await.unwrap().len(), outbox().len()), (0, 0));
}

// ---- what only the table can do wrong -------------------------------------------------------------------------------

#[tokio::test]
async fn a_row_that_cannot_be_read_is_named_wherever_it_is_met() {
    let (store, database) = database().await;
    let scope = scope("ada");
    make(&store, open(&scope)).await;
    let key = json!({"pk": {"S": "SCOPE#owned:ada"}, "sk": {"S": "STATE"}});
    let damage = json!({
        "TableName": "penstock", "Key": key, "UpdateExpression": "SET leases.#item = :text",
        "ExpressionAttributeNames": {"#item": "p-1"}, "ExpressionAttributeValues": {":text": {"S": "mine"}},
    });
    database.update_item(serde_json::from_value(damage).unwrap()).unwrap();
    let read = store.load(&[scope.clone()].into()).await.unwrap_err();
    assert_eq!(
        read.to_string(),
        r#"the row SCOPE#owned:ada / STATE cannot be read: leases, "p-1": the text is not what it should be"#
    );
    let writes = BTreeMap::from([(scope.clone(), replace(Fence(7), open(&scope)))]);
    let written = store.commit(&writes, &[], now()).await.unwrap_err();
    assert_eq!(written.to_string(), read.to_string(), "a condition's answer is read with the same care");

    let entry = json!({"TableName": "penstock", "Item": {"pk": {"S": "SCOPES#ALL"}, "sk": {"S": "pods:ratio"}}});
    database.put_item(serde_json::from_value(entry).unwrap()).unwrap();
    let listed = store.scopes().await.unwrap_err();
    assert!(listed.to_string().starts_with("the row SCOPES#ALL / pods:ratio names no scope"), "{listed}");
}

/// The widest row that the limits allow is one that the table takes.
#[tokio::test]
async fn a_row_too_large_for_the_table_is_our_mistake_and_said() {
    let (store, _) = database().await;
    let scope = scope("ada");
    let reason = "x".repeat(450_000);
    let mut row = open(&scope);
    row.overridden = Some(Override { reason, by: id("cy"), until: None });
    let fault = store.commit(&[(scope.clone(), replace(Fence(0), row))].into(), &[], now()).await.unwrap_err();
    assert!(matches!(fault, Fault::Bug { .. }), "{}", fault.chain());
}
