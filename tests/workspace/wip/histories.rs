//! Random histories of sixteen clients, from the real service, each checked for linearizability against the specification in
//! `linearizable.rs`; and rows checked whole after each. Few over a real DynamoDB implementation, many over the rows in memory, which the port
//! suite holds to it.
//!
//! Each request is decided for one moment, however often it is tried: that a request which is tried for two seconds takes a ticket
//! without looking is tested in `crowd.rs`, and would be no order here. A history is made from its number: who asks what, which replies get
//! lost, how long each call to the table lasts in turns of the others. In memory the number says it all; over the network of one machine
//! the interleaving is a little the machine's too.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use common::{
    domain::{
        audit::Draft,
        id::ItemId,
        wip::{
            Fence, Scope, ScopeState, Work, holding::LimitChange, limits::Limits, operation::Operation, state::Override,
        },
    },
    event::Envelope,
    fault::Fault,
    ports::{Clock as _, Committed, WipRows},
    testing::{World, id},
};
use jiff::{SignedDuration, Timestamp};
use tokio::{sync::RwLock, task::JoinSet};
use wip_limit::{
    Limiter,
    service::{Answer, Ended, LimitAnswer},
};

use super::{
    Present, Watch, ada, assert_whole, cause, limiter, limits,
    linearizable::{Act, Item, LEASE, Op, Said, Spec, check},
    work,
};
use crate::ports::database;

const CLIENTS: u64 = 16;
const STEPS: usize = 10;

/// Histories over DynamoDB, in each place.
const FEW: u64 = 2;

/// Histories in memory, in each place.
const MANY: u64 = 12;

/// Where a history happens: which items there are, and what limits them.
struct Place {
    items: Vec<Work>,
    /// Those whose limit changes.
    scopes: Vec<(Scope, u32)>,
    limits: Limits,
}

impl Place {
    /// All items in one scope of three places, under a portfolio that is wide enough.
    fn one_scope() -> Arc<Self> {
        let items = (0..5).map(|item| work(&name(item), "ratio")).collect();
        Self::new(items, &[("portfolio", 99), ("pod:*", 3)])
    }

    /// Two pods and two stages, crosswise, under a portfolio that is tight too: who is blocked in one scope has room in another.
    fn overlapping() -> Arc<Self> {
        let of = |item: Item| {
            let mut work = work(&name(item), if item.is_multiple_of(2) { "ratio" } else { "nanda" });
            work.stage = id(if (item / 2).is_multiple_of(2) { "seed" } else { "scaffold" });
            work
        };
        Self::new((0..8).map(of).collect(), &[("portfolio", 4), ("pod:*", 2), ("stage:*", 2)])
    }

    fn new(items: Vec<Work>, rules: &[(&str, u32)]) -> Arc<Self> {
        let limits = limits(rules);
        assert_eq!(i64::from(limits.default_ttl_seconds) * 1_000_000, LEASE);
        let all: BTreeSet<Scope> = items.iter().flat_map(|work| work.scopes(&limits.kinds())).collect();
        let scopes = all.into_iter().map(|scope| (scope.clone(), limits.rule(&scope).unwrap().limit)).collect();
        Arc::new(Self { items, scopes, limits })
    }

    fn needs(&self, item: Item) -> BTreeSet<Scope> {
        self.items[usize::from(item)].scopes(&self.limits.kinds())
    }

    fn spec(&self) -> Spec {
        let at = |scope: Scope| self.scopes.iter().position(|(other, _)| *other == scope).unwrap();
        Spec {
            needs: (0..self.items.len()).map(|item| self.needs(item as Item).into_iter().map(at).collect()).collect(),
            limits: self.scopes.iter().map(|(_, limit)| *limit).collect(),
        }
    }
}

fn name(item: Item) -> String {
    format!("p-{item}")
}

/// What the clients of one history share.
#[derive(Clone)]
struct Shared {
    place: Arc<Place>,
    present: Present,
    /// Time passes in long strides only while no request is under way: none lasts longer than the service's patience.
    strides: Arc<RwLock<()>>,
    order: Arc<AtomicU64>,
    history: Arc<Mutex<Vec<Op>>>,
    trace: Arc<Mutex<Vec<String>>>,
    /// The last fence that anybody heard of, by item.
    heard: Arc<Mutex<BTreeMap<Item, u64>>>,
}

impl Shared {
    fn new(place: &Arc<Place>) -> Self {
        Self {
            place: place.clone(),
            present: Present::new(),
            strides: Arc::default(),
            order: Arc::default(),
            history: Arc::default(),
            trace: Arc::default(),
            heard: Arc::default(),
        }
    }

    fn mark(&self) -> u64 {
        self.order.fetch_add(1, Ordering::SeqCst)
    }
}

/// The table as one request sees it: every call takes its time, and now and then a reply is lost after the commit. What was lost is
/// noted, because it has happened all the same.
struct Watched<R> {
    rows: R,
    shared: Shared,
    dice: Mutex<fastrand::Rng>,
    act: Act,
    /// When the commit was done, or else when the table was last asked.
    touched: AtomicU64,
    done: AtomicBool,
    lost: Mutex<Option<Said>>,
}

impl<R> Watched<R> {
    async fn take_turns(&self) {
        let turns = self.dice.lock().unwrap().u8(0..4);
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
    }

    fn touch(&self, what: String) {
        let mark = self.shared.mark();
        if !self.done.load(Ordering::SeqCst) {
            self.touched.store(mark, Ordering::SeqCst);
        }
        self.shared.trace.lock().unwrap().push(format!("{mark} {:?}: {what}", self.act));
    }

    /// What would have been answered to a commit that was done.
    fn answer(&self, writes: &BTreeMap<Scope, Operation>) -> Said {
        let Act::Ask(item) = self.act else { return Said::Yes };
        let item: ItemId = id(&name(item));
        let all = writes.values().filter_map(|operation| match operation {
            Operation::Admit { lease, .. } => Some(Said::Admitted(lease.fence.0)),
            Operation::Queue { ticket, .. } | Operation::QueueRegardless { ticket, .. } => {
                Some(Said::Waits(ticket.number.0))
            }
            Operation::KeepTicket { ticket, .. } => Some(Said::Waits(ticket.number.0)),
            Operation::Replace { row, .. } => match (row.leases.get(&item), row.tickets.get(&item)) {
                (Some(lease), _) => Some(Said::Admitted(lease.fence.0)),
                (None, Some(ticket)) => Some(Said::Waits(ticket.number.0)),
                (None, None) => None,
            },
            Operation::Renew { .. } | Operation::Release { .. } => None,
        });
        let all: Vec<Said> = all.collect();
        assert!(all.iter().all(|said| *said == all[0]), "{all:?}");
        all[0]
    }
}

impl<R: WipRows> WipRows for Watched<R> {
    async fn load(&self, scopes: &BTreeSet<Scope>) -> Result<BTreeMap<Scope, ScopeState>, Fault> {
        self.take_turns().await;
        let rows = self.rows.load(scopes).await;
        self.touch(format!("load {rows:?}"));
        self.take_turns().await;
        rows
    }

    async fn scopes(&self) -> Result<BTreeSet<Scope>, Fault> {
        self.rows.scopes().await
    }

    async fn commit_recorded(
        &self,
        writes: &BTreeMap<Scope, Operation>,
        events: &[Envelope],
        entry: Option<&Draft>,
        now: Timestamp,
    ) -> Result<Committed, Fault> {
        self.take_turns().await;
        let committed = self.rows.commit_recorded(writes, events, entry, now).await?;
        self.touch(format!("commit {writes:?} -> {committed:?}"));
        self.done.store(committed == Committed::Done, Ordering::SeqCst);
        self.take_turns().await;
        if self.dice.lock().unwrap().u8(0..100) < 3 {
            if committed == Committed::Done {
                *self.lost.lock().unwrap() = Some(self.answer(writes));
            }
            return Err(Fault::retry("the reply was lost"));
        }
        Ok(committed)
    }
}

fn said(answer: &Answer) -> Said {
    match answer {
        Answer::Admitted { lease, .. } => Said::Admitted(lease.fence.0),
        Answer::Held(lease) => Said::Held(lease.fence.0),
        Answer::Waits(waiting) => Said::Waits(waiting.ticket.as_ref().expect("the queue is short").number.0),
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

async fn run<R: WipRows>(act: Act, limiter: &Limiter<Watched<R>, Watch>, place: &Place, hint: bool) -> Option<Said> {
    let done = match act {
        Act::Ask(item) => {
            let work = place.items[usize::from(item)].clone();
            limiter.ask(work, ada(), None, &cause()).await.map(|answer| said(&answer))
        }
        Act::Release(item, fence) => {
            let scopes = hint.then(|| place.needs(item));
            let item = id(&name(item));
            let done = limiter.release(&item, Fence(fence), scopes.as_ref(), &ada(), |_| Ok(()), &cause()).await;
            done.map(|done| ended(&done))
        }
        Act::Renew(item, fence) => {
            limiter.renew(&id(&name(item)), Fence(fence), None, |_| Ok(())).await.map(|done| ended(&done))
        }
        Act::SetLimit { at, expected, limit } => {
            let set = Override { reason: "an audit".into(), by: ada(), until: None };
            let change = LimitChange { scope: place.scopes[at].0.clone(), limit, expected_limit: expected, set };
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

fn draw(dice: &mut fastrand::Rng, shared: &Shared) -> Option<Act> {
    let item = dice.u8(0..shared.place.items.len() as u8);
    let known = shared.heard.lock().unwrap().get(&item).copied().unwrap_or(1);
    let fence = known - u64::from(dice.u8(0..6) == 0);
    Some(match dice.u8(0..20) {
        0..10 => Act::Ask(item),
        10..15 => Act::Release(item, fence),
        15..17 => Act::Renew(item, fence),
        17 => {
            let at = dice.usize(0..shared.place.scopes.len());
            let near = |limit: u32, by: u32| limit + by - 1;
            let limit = shared.place.scopes[at].1;
            Act::SetLimit { at, expected: near(limit, dice.u32(0..2)), limit: near(limit, dice.u32(0..2)) }
        }
        _ => return None,
    })
}

async fn client<R: WipRows + Clone>(seed: u64, rows: R, shared: Shared) {
    let mut dice = fastrand::Rng::with_seed(seed);
    for _ in 0..STEPS {
        let Some(act) = draw(&mut dice, &shared) else {
            let _all = shared.strides.write().await;
            shared.present.pass(SignedDuration::from_secs(dice.i64(0..250)));
            continue;
        };
        let _this = shared.strides.read().await;
        let rows = Watched {
            rows: rows.clone(),
            shared: shared.clone(),
            dice: Mutex::new(dice.fork()),
            act,
            touched: AtomicU64::new(0),
            done: AtomicBool::new(false),
            lost: Mutex::new(None),
        };
        // Who begins later has a later moment.
        shared.present.pass(SignedDuration::from_millis(dice.i64(1..100)));
        let watch = Watch::standing(&shared.present);
        let limiter = limiter(rows, &watch, &shared.place.limits);
        let begin = shared.mark();
        let answer = run(act, &limiter, &shared.place, dice.bool()).await;
        let end = shared.mark();
        if let (Act::Ask(item), Some(Said::Admitted(fence) | Said::Held(fence))) = (act, answer) {
            let mut heard = shared.heard.lock().unwrap();
            let known = heard.entry(item).or_default();
            *known = fence.max(*known);
        }
        let lost = *limiter.rows.lost.lock().unwrap();
        // Neither an answer nor an effect: the reply that was lost said that nothing was done.
        let Some(said) = answer.or(lost) else { continue };
        let touched = limiter.rows.touched.load(Ordering::SeqCst);
        let now = watch.now().as_microsecond();
        let op = Op { begin, touched, end, act, said, reply_lost: answer.is_none(), now };
        shared.history.lock().unwrap().push(op);
    }
}

/// One history: that there is an order for it, and whole rows at the end. What came to pass is counted.
async fn happen<R>(number: u64, table: R, place: &Arc<Place>, sometimes: &mut BTreeMap<&str, usize>)
where
    R: WipRows + Clone + Send + Sync + 'static,
{
    let shared = Shared::new(place);
    let mut clients = JoinSet::new();
    for seat in 0..CLIENTS {
        clients.spawn(client(number * CLIENTS + seat, table.clone(), shared.clone()));
    }
    clients.join_all().await;
    let history = shared.history.lock().unwrap().clone();
    if let Err(why) = check(&history, &place.spec()) {
        let trace = shared.trace.lock().unwrap().join("\n");
        panic!("history {number} of {} operations: {why}\nWhat the table saw:\n{trace}", history.len());
    }
    // A limit that fell evicts nobody, so rows are whole but for that: after the sweep, when what is left has expired.
    let quiet = limiter(table, &Watch::new(&shared.present, 0), &place.limits);
    shared.present.pass(SignedDuration::from_hours(48));
    let rows = quiet.sweep(&cause()).await.unwrap().rows;
    assert_whole(&rows, shared.present.now());
    assert!(rows.values().all(|row| row.leases.is_empty() && row.tickets.is_empty()), "history {number}: {rows:?}");
    for op in &history {
        *sometimes.entry(what(op)).or_default() += 1;
    }
}

fn what(op: &Op) -> &'static str {
    match (op.act, op.said) {
        _ if op.reply_lost => "a reply is lost",
        (Act::Ask(_), Said::Admitted(_)) => "admitted",
        (Act::Ask(_), Said::Held(_)) => "held since before",
        (Act::Ask(_), _) => "waits",
        (Act::Release(..), Said::Yes) => "released",
        (Act::Release(..), _) => "a stale release",
        (Act::Renew(..), Said::Yes) => "renewed",
        (Act::Renew(..), _) => "a stale renewal",
        (Act::SetLimit { .. }, Said::Yes) => "a limit is set",
        (Act::SetLimit { .. }, _) => "another limit was shown",
    }
}

#[tokio::test]
async fn sixteen_clients_could_have_come_one_after_another() {
    let mut sometimes = BTreeMap::new();
    for place in [Place::one_scope(), Place::overlapping()] {
        for number in 0..FEW {
            happen(number, database().await.0, &place, &mut sometimes).await;
        }
    }
    assert_eq!(sometimes.len(), 10, "the histories never came to something: {sometimes:?}");
}

#[tokio::test]
async fn sixteen_clients_in_memory_could_have_come_one_after_another() {
    let mut sometimes = BTreeMap::new();
    for place in [Place::one_scope(), Place::overlapping()] {
        for number in 0..MANY {
            happen(number, World::new(), &place, &mut sometimes).await;
        }
    }
    assert_eq!(sometimes.len(), 10, "the histories never came to something: {sometimes:?}");
}
