//! Random histories of sixteen clients, from the real service over a real DynamoDB implementation, each checked for linearizability
//! against the specification in `linearizable.rs`; and rows checked whole after each.
//!
//! Each request is decided for one moment, however often it is tried: that a request which is tried for two seconds takes a ticket
//! without looking is tested in `crowd.rs`, and would be no order here. A history is made from its number: who asks what, and which replies get lost. How the calls interleave is the machine's.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering},
};

use common::{
    domain::wip::{Fence, holding::LimitChange, state::Override},
    ports::Clock as _,
    testing::id,
};
use jiff::SignedDuration;
use tokio::task::JoinSet;
use wip_limit::{
    Limiter,
    service::{Answer, Ended, LimitAnswer},
};

use super::{
    Present, Rough, Watch, ada, assert_whole, cause, limiter, limits,
    linearizable::{Act, Item, LEASE, Op, Said, Spec, check},
    rows, scope, work,
};
use crate::ports::database;

const HISTORIES: u64 = 10;
const CLIENTS: u64 = 16;
const STEPS: usize = 5;
const ITEMS: u8 = 5;
const LIMIT: u32 = 3;
const BOTH: [&str; 2] = ["pod:ratio", "portfolio"];

/// What the clients of one history share.
#[derive(Clone)]
struct Shared {
    present: Present,
    order: Arc<AtomicU64>,
    history: Arc<Mutex<Vec<Op>>>,
    trace: Arc<Mutex<Vec<String>>>,
    /// The last fence that anybody heard of, by item.
    heard: Arc<Mutex<[u64; ITEMS as usize]>>,
}

impl Shared {
    fn mark(&self) -> u64 {
        self.order.fetch_add(1, Ordering::SeqCst)
    }
}

fn name(item: Item) -> String {
    format!("p-{item}")
}

fn said(answer: &Answer) -> Said {
    match answer {
        Answer::Admitted { lease, .. } => Said::Admitted(lease.fence.0),
        Answer::Held(lease) => Said::Held(lease.fence.0),
        Answer::Waits(waiting) => {
            assert!(waiting.ticket.is_some(), "the queue is short");
            Said::Waits
        }
        Answer::NoRule(scopes) => panic!("no rule for {scopes:?}"),
    }
}

fn ended(ended: &Ended) -> Said {
    match ended {
        Ended::Yes(_) => Said::Yes,
        Ended::Stale { .. } | Ended::No => Said::No,
        Ended::Forbidden(reason) => panic!("{reason}"),
    }
}

async fn run(act: Act, limiter: &Limiter<Rough<common::aws::dynamodb::Table>, Watch>, hint: bool) -> Option<Said> {
    let all = || Ok(());
    let done = match act {
        Act::Ask(item) => {
            limiter.ask(work(&name(item), "ratio"), ada(), None, &cause()).await.map(|answer| said(&answer))
        }
        Act::Release(item, fence) => {
            let scopes = BOTH.map(scope).into();
            let scopes = hint.then_some(&scopes);
            let done = limiter.release(&id(&name(item)), Fence(fence), scopes, &ada(), |_| all(), &cause()).await;
            done.map(|done| ended(&done))
        }
        Act::Renew(item, fence) => {
            limiter.renew(&id(&name(item)), Fence(fence), None, |_| all()).await.map(|done| ended(&done))
        }
        Act::SetLimit { expected, limit } => {
            let set = Override { reason: "an audit".into(), by: ada(), until: None };
            let change = LimitChange { scope: scope(BOTH[0]), limit, expected_limit: expected, set };
            limiter.set_limit(&change, &cause()).await.map(|answer| match answer {
                LimitAnswer::Set(_) => Said::Yes,
                LimitAnswer::Differs { .. } => Said::No,
                LimitAnswer::NoRule => panic!("there is a rule"),
            })
        }
    };
    match done {
        Ok(said) => Some(said),
        Err(fault) if fault.is_retry() => None,
        Err(fault) => panic!("{}", fault.chain()),
    }
}

async fn client(seed: u64, table: common::aws::dynamodb::Table, shared: Shared) {
    let mut dice = fastrand::Rng::with_seed(seed);
    let limits = limits(&[("portfolio", 99), ("pod:*", LIMIT)]);
    for step in 0..STEPS {
        let item = dice.u8(0..ITEMS);
        let fence = shared.heard.lock().unwrap()[usize::from(item)] - u64::from(dice.u8(0..6) == 0);
        let act = match dice.u8(0..20) {
            0..10 => Act::Ask(item),
            10..15 => Act::Release(item, fence),
            15..17 => Act::Renew(item, fence),
            17 => Act::SetLimit { expected: dice.u32(2..4), limit: dice.u32(2..4) },
            _ => {
                shared.present.pass(SignedDuration::from_secs(dice.i64(0..250)));
                continue;
            }
        };
        let number = seed * 1_000 + step as u64;
        let rough = Rough { trace: shared.trace.clone(), ..Rough::new(table.clone(), 0, 2, number) };
        let watch = Watch::standing(&shared.present);
        let limiter = limiter(rough, &watch, &limits);
        let begin = shared.mark();
        let answer = run(act, &limiter, dice.bool()).await;
        let end = answer.map(|said| (shared.mark(), said));
        if let (Act::Ask(item), Some(Said::Admitted(fence) | Said::Held(fence))) = (act, answer) {
            let mut heard = shared.heard.lock().unwrap();
            heard[usize::from(item)] = heard[usize::from(item)].max(fence);
        }
        let now = watch.now().as_microsecond();
        shared.history.lock().unwrap().push(Op { begin, end, act, now });
    }
}

#[tokio::test]
async fn sixteen_clients_could_have_come_one_after_another() {
    let limits = limits(&[("portfolio", 99), ("pod:*", LIMIT)]);
    assert_eq!(i64::from(limits.default_ttl_seconds) * 1_000_000, LEASE);
    let mut sometimes = std::collections::BTreeMap::<&str, usize>::new();
    for number in 0..HISTORIES {
        let (table, _) = database().await;
        let shared = Shared {
            present: Present::new(),
            order: Arc::default(),
            history: Arc::default(),
            trace: Arc::default(),
            heard: Arc::new(Mutex::new([1; ITEMS as usize])),
        };
        let mut clients = JoinSet::new();
        for seat in 0..CLIENTS {
            clients.spawn(client(number * CLIENTS + seat, table.clone(), shared.clone()));
        }
        clients.join_all().await;
        let history = shared.history.lock().unwrap().clone();
        if let Err(why) = check(&history, &Spec::new(LIMIT)) {
            let commits = shared.trace.lock().unwrap().join("\n");
            panic!(
                "history {number} of {} operations: {why}\nThe commits as they were answered:\n{commits}",
                history.len()
            );
        }
        // A limit that fell evicts nobody, so rows are whole but for that: after the sweep, when what is left has expired.
        let quiet = limiter(table.clone(), &Watch::new(&shared.present, 0), &limits);
        shared.present.pass(SignedDuration::from_hours(48));
        quiet.sweep(&cause()).await.unwrap();
        let rows = rows(&table, &BOTH).await;
        assert_whole(&rows, shared.present.now());
        assert!(rows.values().all(|row| row.leases.is_empty() && row.tickets.is_empty()), "{rows:?}");
        for op in &history {
            let what = match (op.act, op.end.map(|(_, said)| said)) {
                (_, None) => "a reply is lost",
                (Act::Ask(_), Some(Said::Admitted(_))) => "admitted",
                (Act::Ask(_), Some(Said::Held(_))) => "held since before",
                (Act::Ask(_), Some(_)) => "waits",
                (Act::Release(..), Some(Said::Yes)) => "released",
                (Act::Release(..), Some(_)) => "a stale release",
                (Act::Renew(..), Some(Said::Yes)) => "renewed",
                (Act::Renew(..), Some(_)) => "a stale renewal",
                (Act::SetLimit { .. }, Some(Said::Yes)) => "a limit is set",
                (Act::SetLimit { .. }, Some(_)) => "another limit was shown",
            };
            *sometimes.entry(what).or_default() += 1;
        }
    }
    assert_eq!(sometimes.len(), 10, "the histories never came to something: {sometimes:?}");
}
