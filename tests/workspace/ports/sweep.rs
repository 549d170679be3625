//! What a sweep remembers: each change over what was read, with its event or not at all; the outbox rows that stay, and touching them.

use common::{
    domain::{id::RepositoryId, sweep::Seen},
    ports::{BranchRows, ClusterLedger, Outbox, SaidCommitted, SeenChange, SweepRows},
    testing::{id, main_branch},
};

use super::{Case, all, at, event, table, world};

trait Rows: SweepRows + ClusterLedger + Outbox + Clone + Send + Sync + 'static {}
impl<S: SweepRows + ClusterLedger + Outbox + Clone + Send + Sync + 'static> Rows for S {}

suite! {
    a_branch_is_remembered_over_what_was_read_with_its_event,
    of_many_sweeps_over_the_same_reading_one_tells,
    the_generation_says_at_which_head_a_branch_was_taken_up,
    how_far_deliveries_are_settled_is_what_was_written_last,
    rows_that_stay_are_listed_by_age_and_touching_brings_none_back,
}

const OURS: RepositoryId = RepositoryId::GitHub(42);

fn seen(head: &str, second: i64) -> Seen {
    Seen { head: Some(id(&head.repeat(20))), at: at(second), differs_since: None }
}

fn change(before: Option<Seen>, now: Seen, told: Option<&str>) -> SeenChange {
    SeenChange { repository: OURS, branch: main_branch(), before, now, event: told.map(event) }
}

async fn a_branch_is_remembered_over_what_was_read_with_its_event(Case { store, outbox }: Case<impl Rows>) {
    assert_eq!(store.branch_rows(OURS, &main_branch()).await.unwrap(), BranchRows::default());
    let waiting = Seen { head: None, at: at(0), differs_since: Some(at(0)) };
    let first = change(None, waiting.clone(), None);
    assert_eq!(store.commit_seen(&first).await.unwrap(), SaidCommitted::Done);
    assert_eq!(store.commit_seen(&first).await.unwrap(), SaidCommitted::Already);
    assert_eq!(outbox().len(), 0);
    let told = change(Some(waiting.clone()), seen("0a", 1), Some("gap"));
    assert_eq!(store.commit_seen(&told).await.unwrap(), SaidCommitted::Done);
    assert_eq!(store.commit_seen(&told).await.unwrap(), SaidCommitted::Already, "it reads otherwise by now");
    let late = change(Some(waiting), seen("0b", 2), Some("late"));
    assert_eq!(store.commit_seen(&late).await.unwrap(), SaidCommitted::Already);
    assert_eq!(store.branch_rows(OURS, &main_branch()).await.unwrap().seen, Some(seen("0a", 1)));
    assert_eq!(outbox().len(), 1, "what was not written tells nothing");
    assert_eq!(store.branch_rows(RepositoryId::GitHub(43), &main_branch()).await.unwrap(), BranchRows::default());
    assert_eq!(store.branch_rows(OURS, &id("other")).await.unwrap(), BranchRows::default());
}

async fn of_many_sweeps_over_the_same_reading_one_tells(Case { store, outbox }: Case<impl Rows>) {
    let tell = |number: i64| {
        let (store, change) = (store.clone(), change(None, seen("0a", number), Some(&format!("gap-{number}"))));
        async move { store.commit_seen(&change).await.unwrap() }
    };
    let ended = all((0..16).map(tell)).await;
    let done = ended.iter().filter(|committed| **committed == SaidCommitted::Done).count();
    assert_eq!((done, outbox().len()), (1, 1), "{ended:?}");
}

async fn the_generation_says_at_which_head_a_branch_was_taken_up(Case { store, .. }: Case<impl Rows>) {
    for head in ["0a", "0b"] {
        let head = id(&head.repeat(20));
        store.take_generation(OURS, &main_branch(), &head, at(0)).await.unwrap();
        assert_eq!(store.branch_rows(OURS, &main_branch()).await.unwrap().reconciled, Some(head));
    }
    assert_eq!(store.branch_rows(OURS, &main_branch()).await.unwrap().seen, None);
}

async fn how_far_deliveries_are_settled_is_what_was_written_last(Case { store, .. }: Case<impl Rows>) {
    assert_eq!(store.settled_before().await.unwrap(), None);
    for second in [7, 3] {
        store.settle_before(at(second)).await.unwrap();
        assert_eq!(store.settled_before().await.unwrap(), Some(at(second)));
    }
}

async fn rows_that_stay_are_listed_by_age_and_touching_brings_none_back(Case { store, outbox }: Case<impl Rows>) {
    let mut events: Vec<_> = (0..40).map(|number| event(&format!("e{number}"))).collect();
    for (event, second) in events.iter_mut().zip((0..40).rev()) {
        event.meta.occurred_at = at(second);
    }
    store.announce(&events).await.unwrap();
    let stuck = store.stuck(at(30)).await.unwrap();
    let ids: Vec<_> = events.iter().rev().take(30).map(|event| event.meta.event_id.clone()).collect();
    assert_eq!(
        stuck.iter().map(|event| event.event_id.clone()).collect::<Vec<_>>(),
        ids,
        "of every shard, the oldest first"
    );
    assert_eq!(stuck[0].occurred_at, at(0));
    assert!(store.touch(&ids[0], at(99)).await.unwrap());
    assert_eq!(store.pending(&ids[..1]).await.unwrap(), ids[..1], "it is the same event");
    assert_eq!(store.stuck(at(30)).await.unwrap().len(), 30, "and still waits");
    store.accepted(&ids[..1]).await.unwrap();
    assert!(!store.touch(&ids[0], at(99)).await.unwrap());
    assert_eq!((store.stuck(at(30)).await.unwrap().len(), outbox().len()), (29, 39));
}
