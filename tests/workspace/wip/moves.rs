//! Work that goes on elsewhere, over the real table: its place goes with it, and the service hands over what is kept for it.

use std::collections::BTreeSet;

use common::{
    aws::dynamodb::Table,
    domain::wip::{
        Fence, Lease, Work,
        admission::{Asked, Request},
        settle::Next,
        transfer::transfer,
    },
    ports::Committed,
    testing::id,
};
use wip_limit::{Limiter, service::Answer};

use super::{Present, Watch, WipRows, ada, assert_whole, cause, is_yes, lease, limiter, limits, rows, scope, work};
use crate::ports::database;

const SEED: &str = "pod-stage:ratio:seed";
const ALL: [&str; 3] = ["portfolio", "pod-stage:ratio:scaffold", SEED];

/// One place in each stage.
async fn service() -> (Limiter<Table, Watch>, Present) {
    let (present, (table, _)) = (Present::new(), database().await);
    let limits = limits(&[("portfolio", 9), ("pod-stage:*:*", 1)]);
    (limiter(table, &Watch::new(&present, 0), &limits), present)
}

fn in_seed(item: &str) -> Work {
    Work { stage: id("seed"), ..work(item, "ratio") }
}

async fn ask(limiter: &Limiter<Table, Watch>, work: Work) -> Answer {
    limiter.ask(work, ada(), None, &cause()).await.unwrap()
}

/// What whoever moves work does.
async fn moved(limiter: &Limiter<Table, Watch>, work: Work) -> Asked {
    let request = Request::new(work, ada(), None, &limiter.limits).unwrap();
    let mut read = limiter.rows.load(&request.scopes).await.unwrap();
    let step = loop {
        match transfer(&request, &read, &limiter.limits, limiter.now()) {
            Next::Need(more) => read.extend(limiter.rows.load(&more).await.unwrap()),
            Next::Ready(step) => break step,
        }
    };
    assert_eq!(limiter.rows.commit(&step.writes, &[], limiter.now()).await.unwrap(), Committed::Done);
    step.answer
}

async fn release(
    limiter: &Limiter<Table, Watch>,
    item: &str,
    fence: Fence,
    scopes: Option<&BTreeSet<common::domain::wip::Scope>>,
) {
    assert!(is_yes(&limiter.release(&id(item), fence, scopes, &ada(), |_| Ok(()), &cause()).await.unwrap()));
}

/// `m` works in scaffold, and its place in seed is kept: `s` has just left it.
async fn kept(limiter: &Limiter<Table, Watch>) -> Lease {
    let s = lease(&ask(limiter, in_seed("s")).await).unwrap().fence;
    let main = lease(&ask(limiter, work("m", "ratio")).await).unwrap().clone();
    assert!(matches!(moved(limiter, in_seed("m")).await, Asked::Waits { .. }));
    release(limiter, "s", s, None).await;
    let rows = rows(&limiter.rows, &ALL).await;
    assert!(rows[&scope(SEED)].leases[&id("m")].is_reservation());
    assert_whole(&rows, limiter.now());
    main
}

#[tokio::test]
async fn a_move_waits_is_handed_its_place_by_the_service_and_takes_it() {
    let (limiter, _) = service().await;
    let main = kept(&limiter).await;
    let held = limiter.renew(&id("m"), main.fence, None, |_| Ok(())).await.unwrap();
    assert!(is_yes(&held), "its holder goes on meanwhile");
    assert!(matches!(ask(&limiter, in_seed("later")).await, Answer::Waits(_)), "that place is kept");
    let Asked::Admitted { lease, .. } = moved(&limiter, in_seed("m")).await else { panic!("its place was kept") };
    let rows = rows(&limiter.rows, &ALL).await;
    assert_whole(&rows, limiter.now());
    assert_eq!(rows[&scope(SEED)].leases.get(&id("m")), Some(&lease));
    assert!(rows[&scope("pod-stage:ratio:scaffold")].leases.is_empty());
    assert_eq!(moved(&limiter, in_seed("m")).await, Asked::Held(lease), "a lost answer is asked for again");
}

#[tokio::test]
async fn the_sweep_takes_what_was_kept_for_work_that_has_ended() {
    let (limiter, _) = service().await;
    let main = kept(&limiter).await;
    release(&limiter, "m", main.fence, Some(&main.scopes)).await;
    limiter.sweep(&cause()).await.unwrap();
    let rows = rows(&limiter.rows, &ALL).await;
    assert!(rows.values().all(|row| row.leases.is_empty() && row.tickets.is_empty()), "{rows:?}");
}
