//! What a person who waits can rely on: the same lease again, the dead holder's place, a limit that changes while work goes on.

use std::collections::BTreeSet;

use common::{
    aws::dynamodb::Table,
    domain::wip::{Fence, Scope, holding::LimitChange, limits::Limits, state::Override},
    testing::id,
};
use jiff::SignedDuration;
use serde_json::json;
use wip_limit::{
    Limiter,
    service::{Answer, Ended, LimitAnswer},
};

use super::{Present, Watch, ada, assert_whole, cause, is_yes, lease, limiter, limits, rows, scope, work};
use crate::ports::database;

const POD: &str = "pod:ratio";
const BOTH: [&str; 2] = ["pod:ratio", "portfolio"];

/// A limiter over a new table, and the present.
async fn service(limits: &Limits) -> (Limiter<Table, Watch>, Present) {
    let (present, (table, _)) = (Present::new(), database().await);
    (limiter(table, &Watch::new(&present, 0), limits), present)
}

async fn ask(limiter: &Limiter<Table, Watch>, item: &str) -> Answer {
    limiter.ask(work(item, "ratio"), ada(), None, &cause()).await.unwrap()
}

async fn release(limiter: &Limiter<Table, Watch>, item: &str, fence: Fence, scopes: Option<&BTreeSet<Scope>>) -> Ended {
    limiter.release(&id(item), fence, scopes, &ada(), |_| Ok(()), &cause()).await.unwrap()
}

async fn set_limit(limiter: &Limiter<Table, Watch>, expected_limit: u32, limit: u32) -> LimitAnswer {
    let set = Override { reason: "an audit".into(), by: ada(), until: None };
    let change = LimitChange { scope: scope(POD), limit, expected_limit, set };
    limiter.set_limit(&change, &cause()).await.unwrap()
}

#[tokio::test]
async fn a_row_that_cannot_be_read_stops_no_other() {
    let (present, (table, database)) = (Present::new(), database().await);
    let rules = limits(&[("portfolio", 9), ("pod:*", 1)]);
    let limiter = limiter(table, &Watch::new(&present, 0), &rules);
    for (pod, seconds) in [("nanda", 600), ("ratio", 60)] {
        limiter.ask(work(&format!("p-{pod}"), pod), ada(), Some(seconds), &cause()).await.unwrap();
    }
    database.update_item(damage()).unwrap();
    present.pass(SignedDuration::from_mins(2));
    let swept = limiter.sweep(&cause()).await.unwrap();
    assert!(!swept.failed.is_empty(), "the run fails when it has done what it could");
    assert!(swept.rows[&scope(POD)].leases.is_empty(), "the other pod's lease has gone");
    let view = limiter.view(None).await.unwrap();
    let unreadable: Vec<_> = view.unreadable.iter().map(|(scope, _)| scope.clone()).collect();
    assert_eq!((unreadable, view.rows.len()), (vec![scope("pod:nanda")], 2));
    assert!(limiter.mend(&cause()).await.is_err());
    assert!(matches!(ask(&limiter, "p-2").await, Answer::Admitted { .. }), "and work goes on");
}

/// Makes nanda's row one that nobody can read.
fn damage<T: serde::de::DeserializeOwned>() -> T {
    let update = json!({
        "TableName": "penstock", "Key": {"pk": {"S": "SCOPE#pod:nanda"}, "sk": {"S": "STATE"}},
        "UpdateExpression": "SET releases = :text", "ExpressionAttributeValues": {":text": {"S": "none"}},
    });
    serde_json::from_value(update).unwrap()
}

#[tokio::test]
async fn a_lease_that_ended_in_a_row_that_cannot_be_read_blocks_nobody_elsewhere() {
    let (present, (table, database)) = (Present::new(), database().await);
    let limiter = limiter(table, &Watch::new(&present, 0), &limits(&[("portfolio", 1), ("pod:*", 1)]));
    limiter.ask(work("p-nanda", "nanda"), ada(), Some(60), &cause()).await.unwrap();
    database.update_item(damage()).unwrap();
    present.pass(SignedDuration::from_mins(2));
    let next = ask(&limiter, "p-1").await;
    assert!(matches!(next, Answer::Admitted { .. }), "the portfolio's place is free: {next:?}");
    let refused = limiter.ask(work("p-2", "nanda"), ada(), None, &cause()).await;
    assert!(refused.is_err(), "where a row cannot be read nobody begins");
    assert_eq!(lease(&ask(&limiter, "p-3").await), None);
    limiter.withdraw(&id("p-1"), &BTreeSet::from([Scope::Portfolio, scope("pod:nanda")]), &cause()).await.unwrap();
    assert_eq!(holders(&limiter).await, ["p-3"], "what is given back goes to whoever waits");
}

/// Who holds a place in the pod.
async fn holders(limiter: &Limiter<Table, Watch>) -> Vec<String> {
    let rows = rows(&limiter.rows, &BOTH).await;
    rows[&scope(POD)].leases.keys().map(ToString::to_string).collect()
}

#[tokio::test]
async fn the_same_item_has_the_same_lease_at_once_after_eleven_minutes_and_after_a_day_less_an_hour() {
    let (limiter, present) = service(&limits(&[("portfolio", 9), ("pod:*", 1)])).await;
    let asked = async || limiter.ask(work("p-1", "ratio"), ada(), Some(86_400), &cause()).await.unwrap();
    let Answer::Admitted { lease: first, .. } = asked().await else { panic!("there is room") };
    let written = rows(&limiter.rows, &BOTH).await;
    for minutes in [0, 11, 23 * 60 - 11] {
        present.pass(SignedDuration::from_mins(minutes));
        assert_eq!(asked().await, Answer::Held(first.clone()));
    }
    assert_eq!(rows(&limiter.rows, &BOTH).await, written, "asking again writes nothing");
    present.pass(SignedDuration::from_hours(1));
    let Answer::Admitted { lease: second, .. } = asked().await else { panic!("the lease has ended") };
    assert!(second.fence > first.fence);
}

#[tokio::test]
async fn a_dead_holders_place_goes_to_the_first_in_line_whoever_asks_and_its_late_word_changes_nothing() {
    let (limiter, present) = service(&limits(&[("portfolio", 9), ("pod:*", 1)])).await;
    let dead = lease(&ask(&limiter, "p-1").await).unwrap().clone();
    present.pass(SignedDuration::from_secs(1));
    assert_eq!(lease(&ask(&limiter, "p-2").await), None);
    present.pass(SignedDuration::from_secs(1));
    assert_eq!(lease(&ask(&limiter, "p-3").await), None);
    present.pass(SignedDuration::from_secs(597));
    assert_eq!(lease(&ask(&limiter, "p-2").await), None, "a second before the end it is still the other's");
    present.pass(SignedDuration::from_secs(1));

    // The second in line asks first: the place is the first one's all the same.
    assert_eq!(lease(&ask(&limiter, "p-3").await), None);
    assert_eq!(holders(&limiter).await, ["p-2"]);
    let heir = lease(&ask(&limiter, "p-2").await).unwrap().clone();
    assert!(heir.fence > dead.fence);

    let before = rows(&limiter.rows, &BOTH).await;
    for hint in [None, Some(&dead.scopes)] {
        assert!(!is_yes(&release(&limiter, "p-1", dead.fence, hint).await));
        assert!(!is_yes(&release(&limiter, "p-2", dead.fence, hint).await));
    }
    assert!(!is_yes(&limiter.renew(&id("p-1"), dead.fence, None, |_| Ok(())).await.unwrap()));
    assert_eq!(
        limiter.renew(&id("p-2"), dead.fence, None, |_| Ok(())).await.unwrap(),
        Ended::Stale { present: Some(heir.fence) }
    );
    assert_eq!(rows(&limiter.rows, &BOTH).await, before);

    // Without anybody asking, the sweep hands over.
    present.pass(SignedDuration::from_secs(600));
    limiter.sweep(&cause()).await.unwrap();
    assert_eq!(holders(&limiter).await, ["p-3"]);
}

#[tokio::test]
async fn a_limit_that_falls_evicts_nobody_and_one_that_rises_admits_as_many_as_it_must() {
    let (limiter, present) = service(&limits(&[("portfolio", 99), ("pod:*", 3)])).await;
    let mut leases = Vec::new();
    for number in 1..=9 {
        leases.push(lease(&ask(&limiter, &format!("p-{number}")).await).cloned());
        present.pass(SignedDuration::from_secs(1));
    }
    let held: Vec<_> = leases.iter().flatten().cloned().collect();
    assert_eq!(holders(&limiter).await, ["p-1", "p-2", "p-3"]);

    assert_eq!(
        set_limit(&limiter, 5, 1).await,
        LimitAnswer::Differs { limit: 3 },
        "the person was shown another limit"
    );
    assert!(matches!(set_limit(&limiter, 3, 1).await, LimitAnswer::Set(_)));
    assert_eq!(holders(&limiter).await, ["p-1", "p-2", "p-3"], "nobody is evicted");
    assert!(is_yes(&release(&limiter, "p-1", held[0].fence, Some(&held[0].scopes)).await));
    assert_eq!(holders(&limiter).await, ["p-2", "p-3"], "two are still more than one");
    assert!(is_yes(&release(&limiter, "p-2", held[1].fence, None).await));
    assert_eq!(lease(&ask(&limiter, "p-4").await), None);
    assert_eq!(holders(&limiter).await, ["p-3"], "one is as many as may be");

    assert!(matches!(set_limit(&limiter, 1, 5).await, LimitAnswer::Set(_)));
    assert_eq!(holders(&limiter).await, ["p-3", "p-4", "p-5", "p-6", "p-7"], "four places, to the first four in line");
    let rows = rows(&limiter.rows, &BOTH).await;
    assert_whole(&rows, present.now());
    assert_eq!(rows[&scope(POD)].tickets.len(), 2);
    assert!(matches!(ask(&limiter, "p-7").await, Answer::Held(_)));
}

/// One call where nobody waits, with the lease's scopes named; a list that is not the lease's own changes nothing by itself.
#[tokio::test]
async fn a_release_that_names_other_scopes_than_the_leases_gives_all_of_them_back() {
    let (limiter, _) = service(&limits(&[("portfolio", 9), ("pod:*", 2)])).await;
    for (item, hint) in [("p-1", vec!["portfolio"]), ("p-2", vec!["portfolio", "pod:other"]), ("p-3", BOTH.to_vec())] {
        let held = lease(&ask(&limiter, item).await).unwrap().clone();
        let hint = hint.into_iter().map(scope).collect();
        assert!(is_yes(&release(&limiter, item, held.fence, Some(&hint)).await));
        let rows = rows(&limiter.rows, &BOTH).await;
        assert!(rows.values().all(|row| row.leases.is_empty()), "{item}");
    }
}
