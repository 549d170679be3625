//! The limits on work in progress as they run: the real service over the real adapter and a real DynamoDB implementation in this
//! process, with many at once.
//!
//! Time is a number that the tests move. Whoever waits between attempts moves a clock of its own, so that nothing here takes longer
//! than its calls do, and the service's patience is measured without a watch.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use common::{
    domain::{
        audit::Draft,
        id::{CorrelationId, Digest, PersonName},
        wip::{
            Lease, Scope, ScopeState, Work,
            limits::{Limits, Mode, Pattern, Rule},
            operation::Operation,
        },
    },
    event::{Envelope, telling::Telling},
    fault::Fault,
    ports::{Clock, Committed, Pause, WipRows},
    testing::id,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use wip_limit::{
    Limiter,
    service::{Answer, Ended},
};

mod acceptance;
mod crowd;
mod histories;
mod linearizable;
mod moves;

/// The present of everybody, in microseconds since 1970.
#[derive(Debug, Clone)]
struct Present(Arc<AtomicI64>);

impl Present {
    fn new() -> Self {
        Self(Arc::new(AtomicI64::new(1_767_603_600_000_000)))
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.0.load(Ordering::SeqCst)).unwrap()
    }

    fn pass(&self, time: SignedDuration) {
        self.0.fetch_add(i64::try_from(time.as_micros()).unwrap(), Ordering::SeqCst);
    }
}

/// One caller's watch: the present, and what the caller has spent waiting.
#[derive(Debug, Clone)]
struct Watch {
    present: Present,
    waited: Arc<Mutex<(SignedDuration, fastrand::Rng)>>,
    stands: bool,
}

impl Watch {
    fn new(present: &Present, seed: u64) -> Self {
        let waited = (SignedDuration::ZERO, fastrand::Rng::with_seed(seed));
        Self { present: present.clone(), waited: Arc::new(Mutex::new(waited)), stands: false }
    }

    /// A watch that stands still: whoever has it tries again until it succeeds, all for one moment.
    fn standing(present: &Present) -> Self {
        let moment = Present(Arc::new(AtomicI64::new(present.0.load(Ordering::SeqCst))));
        Self { stands: true, ..Self::new(&moment, 0) }
    }

    fn waited(&self) -> SignedDuration {
        self.waited.lock().unwrap().0
    }
}

impl Clock for Watch {
    fn now(&self) -> Timestamp {
        self.present.now() + self.waited()
    }
}

impl Pause for Watch {
    async fn pause(&self, longest: Duration) {
        if !self.stands {
            let mut waited = self.waited.lock().unwrap();
            let most = i64::try_from(longest.as_micros()).unwrap();
            let time = SignedDuration::from_micros(waited.1.i64(0..=most));
            waited.0 += time;
        }
        tokio::task::yield_now().await;
    }
}

fn limits(rules: &[(&str, u32)]) -> Limits {
    let rule = |limit| Rule { limit, mode: Mode::Block, fair_share: false };
    Limits {
        digest: Digest::of(b"in force"),
        rules: rules.iter().map(|(pattern, limit)| (Pattern::parse(pattern).unwrap(), rule(*limit))).collect(),
        default_ttl_seconds: 600,
        max_ttl_seconds: 86_400,
        ticket_ttl_seconds: 86_400,
        warn_at_percent: 80,
    }
}

fn work(item: &str, pod: &str) -> Work {
    let work = json!({"item": item, "pod": pod, "stage": "scaffold", "type": "project", "owner": "ada"});
    serde_json::from_value(work).unwrap()
}

fn scope(text: &str) -> Scope {
    text.parse().unwrap()
}

fn ada() -> PersonName {
    id("ada")
}

fn cause() -> CorrelationId {
    id("test")
}

fn limiter<R: WipRows>(rows: R, watch: &Watch, limits: &Limits) -> Limiter<R, Watch> {
    Limiter { rows, clock: watch.clone(), limits: limits.clone(), telling: Telling::default() }
}

/// The rows of these scopes.
async fn rows(table: &impl WipRows, scopes: &[&str]) -> BTreeMap<Scope, ScopeState> {
    table.load(&scopes.iter().map(|text| scope(text)).collect()).await.unwrap()
}

fn lease(answer: &Answer) -> Option<&Lease> {
    match answer {
        Answer::Held(lease) | Answer::Admitted { lease, .. } => Some(lease),
        Answer::Waits(_) | Answer::NoRule(_) => None,
    }
}

fn is_yes(ended: &Ended) -> bool {
    matches!(ended, Ended::Yes(_))
}

/// What must be true of rows whenever nobody is at them: nothing above a limit, every lease in all its scopes and the same in all of
/// them, no fence above its row's, no item that holds and waits.
fn assert_whole(rows: &BTreeMap<Scope, ScopeState>, now: Timestamp) {
    let mut fences = BTreeMap::new();
    for (scope, row) in rows {
        let live = row.live_leases(now).count();
        assert!(live <= row.limit as usize, "{scope} holds {live} of {}", row.limit);
        for (item, lease) in &row.leases {
            assert!(lease.fence <= row.fence, "{scope}: {item}");
            let other = fences.insert(lease.fence, item).filter(|other| *other != item);
            assert_eq!(other, None, "{item} has the same fence {}", lease.fence);
            for elsewhere in &lease.scopes {
                assert_eq!(rows[elsewhere].leases.get(item), Some(lease), "{item} in {scope} and in {elsewhere}");
            }
        }
        let both = row.live_leases(now).find(|(item, _)| row.tickets.contains_key(*item));
        assert_eq!(both, None, "{scope}: holds and waits");
    }
}

/// Rows at which others are all the time, and whose answers get lost: each commit meets a conflict, or loses its reply after it was
/// done, so many times in a hundred.
#[derive(Clone)]
struct Rough<R> {
    rows: R,
    conflicts: u8,
    lost: u8,
    dice: Arc<Mutex<fastrand::Rng>>,
}

impl<R> Rough<R> {
    fn new(rows: R, conflicts: u8, lost: u8, seed: u64) -> Self {
        let dice = Arc::new(Mutex::new(fastrand::Rng::with_seed(seed)));
        Self { rows, conflicts, lost, dice }
    }
}

impl<R: WipRows> WipRows for Rough<R> {
    async fn load(&self, scopes: &BTreeSet<Scope>) -> Result<BTreeMap<Scope, ScopeState>, Fault> {
        self.rows.load(scopes).await
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
        let (conflict, lost) = {
            let mut dice = self.dice.lock().unwrap();
            (dice.u8(0..100) < self.conflicts, dice.u8(0..100) < self.lost)
        };
        if conflict {
            return Ok(Committed::Conflict);
        }
        let committed = self.rows.commit_recorded(writes, events, entry, now).await?;
        if lost { Err(Fault::retry("the reply was lost")) } else { Ok(committed) }
    }
}
