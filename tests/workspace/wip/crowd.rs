//! Many at once: as many begin as there is room, the others wait in one line, and nobody is lost however much they get in one
//! another's way.

use std::collections::{BTreeMap, BTreeSet};

use common::{
    aws::dynamodb::Table,
    domain::{
        id::ItemId,
        wip::{Fence, Lease, limits::Limits},
    },
    ports::{PATIENCE, WipRows},
    testing::id,
};
use jiff::SignedDuration;
use tokio::task::JoinSet;
use wip_limit::service::{Answer, Ended};

use super::{Present, Rough, Watch, ada, assert_whole, cause, lease, limiter, limits, rows, scope, work};
use crate::ports::database;

const BOTH: [&str; 2] = ["pod:ratio", "portfolio"];

/// Everybody asks at the same moment, each once; the answers by item, with the time that each spent waiting between attempts.
async fn all_ask<R: WipRows + Clone + Send + 'static>(
    rows: impl Fn(u64) -> R,
    present: &Present,
    limits: &Limits,
    crowd: u64,
) -> BTreeMap<ItemId, (Answer, SignedDuration)> {
    let mut asking = JoinSet::new();
    for number in 0..crowd {
        let watch = Watch::new(present, number);
        let limiter = limiter(rows(number), &watch, limits);
        asking.spawn(async move {
            let item = format!("p-{number}");
            // A reply that was lost is asked for again, as a program that was told "try again later" does.
            loop {
                match limiter.ask(work(&item, "ratio"), ada(), None, &cause()).await {
                    Ok(answer) => return (id(&item), (answer, watch.waited())),
                    Err(fault) => assert!(fault.is_retry(), "{}", fault.chain()),
                }
            }
        });
    }
    asking.join_all().await.into_iter().collect()
}

fn leases(answers: &BTreeMap<ItemId, (Answer, SignedDuration)>) -> BTreeMap<&ItemId, &Lease> {
    answers.iter().filter_map(|(item, (answer, _))| Some((item, lease(answer)?))).collect()
}

#[tokio::test]
async fn of_192_who_ask_at_once_for_three_places_three_begin_and_the_others_stand_in_one_line() {
    let (present, (table, _)) = (Present::new(), database().await);
    let limits = limits(&[("portfolio", 99), ("pod:*", 3)]);
    let answers = all_ask(|_| table.clone(), &present, &limits, 192).await;
    assert_eq!(leases(&answers).len(), 3);

    let after = rows(&table, &BOTH).await;
    let pod = &after[&scope("pod:ratio")];
    assert_whole(&after, present.now());
    assert_eq!((pod.leases.len(), pod.tickets.len()), (3, 189));
    assert_eq!(pod.leases.keys().collect::<BTreeSet<_>>(), leases(&answers).into_keys().collect());
    for (item, (answer, _)) in &answers {
        let Answer::Waits(waiting) = answer else { continue };
        assert_eq!(
            waiting.ticket.as_ref().map(|ticket| ticket.number),
            pod.tickets.get(item).map(|ticket| ticket.number)
        );
    }
    // Asking again: the same leases, the same tickets.
    let again = all_ask(|_| table.clone(), &present, &limits, 24).await;
    assert!(again.iter().all(|(item, (answer, _))| lease(answer) == lease(&answers[item].0)));
    let line = |rows: &BTreeMap<_, common::domain::wip::ScopeState>| -> BTreeMap<ItemId, Fence> {
        rows[&scope("pod:ratio")].tickets.iter().map(|(item, ticket)| (item.clone(), ticket.number)).collect()
    };
    assert_eq!(line(&rows(&table, &BOTH).await), line(&after));

    // Each release hands over to the next in line, and to nobody else.
    let mut order: Vec<(Fence, ItemId)> = line(&after).into_iter().map(|(item, number)| (number, item)).collect();
    order.sort();
    let mut places: Vec<(ItemId, Lease)> =
        leases(&answers).into_iter().map(|(item, lease)| (item.clone(), lease.clone())).collect();
    let limiter = limiter(table.clone(), &Watch::new(&present, 0), &limits);
    for (_, next) in order.into_iter().take(5) {
        let (item, held) = places.remove(0);
        let ended = limiter.release(&item, held.fence, None, &ada(), |_| Ok(()), &cause()).await.unwrap();
        assert!(matches!(ended, Ended::Yes(_)));
        let pod = rows(&table, &BOTH).await.remove(&scope("pod:ratio")).unwrap();
        let served = pod.leases.get(&next).unwrap_or_else(|| panic!("{next} is the next in line"));
        assert_eq!(pod.leases.len(), 3);
        places.push((next, served.clone()));
    }
}

/// Commits meet conflicts nine times in ten: a request gives up looking after two seconds and takes a ticket; the sweep makes it
/// good.
#[tokio::test]
async fn of_500_in_one_anothers_way_each_has_an_answer_within_two_seconds_and_nobody_is_lost() {
    let (present, (table, _)) = (Present::new(), database().await);
    let limits = limits(&[("portfolio", 99), ("pod:*", 3)]);
    let rough = |number| Rough::new(table.clone(), 90, 0, number);
    // The rows are there: this is about admission, not about the first of all requests.
    let quiet = limiter(table.clone(), &Watch::new(&present, 0), &limits);
    let first = quiet.ask(work("p-0", "ratio"), ada(), None, &cause()).await.unwrap();
    assert!(lease(&first).is_some());
    let mut asking = JoinSet::new();
    for number in 1..500 {
        let watch = Watch::new(&present, number);
        let limiter = limiter(rough(number), &watch, &limits);
        asking.spawn(async move {
            let answer = limiter.ask(work(&format!("p-{number}"), "ratio"), ada(), None, &cause()).await;
            (number, answer, watch.waited())
        });
    }
    let mut busy = BTreeSet::new();
    for (number, answer, waited) in asking.join_all().await {
        // At most two seconds of looking, and two of taking a ticket.
        assert!(waited <= PATIENCE * 2, "p-{number} waited {waited}");
        match answer {
            Ok(_) => {}
            Err(fault) if fault.is_retry() => drop(busy.insert(number)),
            Err(fault) => panic!("p-{number}: {}", fault.chain()),
        }
    }
    present.pass(SignedDuration::from_secs(5));
    quiet.sweep(&cause()).await.unwrap();
    let after = rows(&table, &BOTH).await;
    let pod = &after[&scope("pod:ratio")];
    assert_whole(&after, present.now());
    assert_eq!(pod.leases.len(), 3, "there are three places and many who wait");
    for number in 1..500_u64 {
        let item: ItemId = id(&format!("p-{number}"));
        let known = pod.leases.contains_key(&item) || pod.tickets.contains_key(&item);
        assert!(known || busy.contains(&number), "{item} had an answer and is lost");
    }
}

/// A quarter of the requests come twice, replies get lost, holders die: when all have ended, nothing is left in any row.
#[tokio::test]
async fn copies_lost_replies_and_dead_holders_leave_nothing_behind() {
    let (present, (table, _)) = (Present::new(), database().await);
    let limits = limits(&[("portfolio", 5), ("pod:*", 3)]);
    for round in 0..6_u64 {
        let mut clients = JoinSet::new();
        for number in 0..16_u64 {
            let (seed, table, present, limits) = (round * 100 + number, table.clone(), present.clone(), limits.clone());
            clients.spawn(async move { client(seed, table, &present, &limits).await });
        }
        clients.join_all().await;
        present.pass(SignedDuration::from_secs(200));
        let now = rows(&table, &["pod:nanda", "pod:ratio", "portfolio"]).await;
        assert_whole(&now, present.now());
    }
    present.pass(SignedDuration::from_hours(48));
    let quiet = limiter(table.clone(), &Watch::new(&present, 0), &limits);
    let swept = quiet.sweep(&cause()).await.unwrap();
    assert!(swept.rows.values().all(|row| row.leases.is_empty() && row.tickets.is_empty()), "{:?}", swept.rows);
    assert_eq!(swept.rows.len(), 3);
}

async fn client(seed: u64, table: Table, present: &Present, limits: &Limits) {
    let mut dice = fastrand::Rng::with_seed(seed);
    let rough = Rough::new(table, 5, 10, seed);
    let (item, pod) = (format!("p-{seed}"), if dice.bool() { "ratio" } else { "nanda" });
    let watch = Watch::new(present, seed);
    let limiter = limiter(rough, &watch, limits);
    let mut held = None;
    for _ in 0..if dice.u8(0..4) == 0 { 2 } else { 1 } {
        match limiter.ask(work(&item, pod), ada(), None, &cause()).await {
            Ok(answer) => {
                if let (Some(before), Some(now)) = (&held, lease(&answer)) {
                    assert_eq!(before, now, "a copy has the same lease");
                }
                held = lease(&answer).cloned();
            }
            Err(fault) => assert!(fault.is_retry(), "{}", fault.chain()),
        }
    }
    // One holder in five dies here.
    let Some(lease) = held.filter(|_| dice.u8(0..5) > 0) else { return };
    for _ in 0..if dice.u8(0..4) == 0 { 2 } else { 1 } {
        let scopes = dice.bool().then_some(&lease.scopes);
        let ended = limiter.release(&id(&item), lease.fence, scopes, &ada(), |_| Ok(()), &cause()).await;
        assert!(ended.as_ref().map_or_else(common::fault::Fault::is_retry, |_| true), "{ended:?}");
    }
}
