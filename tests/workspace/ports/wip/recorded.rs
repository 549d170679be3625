//! Rows that change together with an entry of an audit chain.

use common::{
    domain::audit::{Draft, Phase, verify},
    ports::AuditTrail,
};

use super::*;

trait Recorded: Rows + AuditTrail {}
impl<S: Rows + AuditTrail> Recorded for S {}

suite! {
    an_entry_is_written_with_its_rows_and_its_events_or_not_at_all,
    entries_of_one_chain_come_one_after_another,
}

const SUBJECT: &str = "scope:owned:ada";

fn draft(number: u32) -> Draft {
    Draft {
        subject: SUBJECT.into(),
        at: now(),
        actor: "wip-limit".into(),
        action: "limit.set".into(),
        phase: Phase::Decision,
        correlation_id: id("c"),
        facts: [("to".to_owned(), number.to_string())].into(),
        reasons: vec!["because".into()],
    }
}

/// The numbers in the chain's entries; the chain holds.
async fn chained<S: Recorded>(store: &S) -> Vec<u32> {
    let (entries, head) = store.chain(SUBJECT).await.unwrap();
    verify(SUBJECT, &entries, &head).unwrap();
    entries.iter().map(|entry| entry.draft.facts["to"].parse().unwrap()).collect()
}

async fn an_entry_is_written_with_its_rows_and_its_events_or_not_at_all<S: Recorded>(Case { store, outbox }: Case<S>) {
    let scope = scope("ada");
    let makes = BTreeMap::from([(scope.clone(), replace(Fence(0), open(&scope)))]);
    let first = draft(1);
    let committed = store.commit_recorded(&makes, &[event("set")], Some(&first), now()).await.unwrap();
    assert_eq!((committed, chained(&store).await, outbox().len()), (Committed::Done, vec![1], 1));

    // The same again meets the row that it made: no entry, no event.
    let row = read(&store, &scope).await;
    let committed = store.commit_recorded(&makes, &[event("again")], Some(&draft(2)), now()).await.unwrap();
    assert_eq!(committed, Committed::Failed([(scope.clone(), row.clone())].into()));
    assert_eq!((chained(&store).await, outbox().len()), (vec![1], 1));

    let next = BTreeMap::from([(scope.clone(), replace(row.fence, ScopeState { limit: 5, ..open(&scope) }))]);
    let committed = store.commit_recorded(&next, &[], Some(&draft(3)), now()).await.unwrap();
    assert_eq!((committed, chained(&store).await), (Committed::Done, vec![1, 3]));
    // Without an entry the chain stays as it is.
    let row = read(&store, &scope).await;
    let last = BTreeMap::from([(scope.clone(), replace(row.fence, open(&scope)))]);
    assert_eq!(store.commit(&last, &[], now()).await.unwrap(), Committed::Done);
    assert_eq!(chained(&store).await, [1, 3]);
}

/// Sixteen rows that have nothing to do with one another, and one chain: only the chain's head can be lost.
async fn entries_of_one_chain_come_one_after_another<S: Recorded>(Case { store, .. }: Case<S>) {
    let writers = (1..=16).map(|number| {
        let (store, scope) = (store.clone(), scope(&format!("person-{number}")));
        async move {
            let writes = BTreeMap::from([(scope.clone(), replace(Fence(0), open(&scope)))]);
            let mut lost = 0;
            loop {
                match store.commit_recorded(&writes, &[], Some(&draft(number)), now()).await.unwrap() {
                    Committed::Done => return lost,
                    Committed::Conflict => lost += 1,
                    Committed::Failed(rows) => panic!("a lost race for the chain is no matter of a row: {rows:?}"),
                }
                tokio::task::yield_now().await;
            }
        }
    });
    all(writers).await;
    let mut numbers = chained(&store).await;
    numbers.sort_unstable();
    assert_eq!(numbers, Vec::from_iter(1..=16));
    assert_eq!(store.scopes().await.unwrap().len(), 16);
}
