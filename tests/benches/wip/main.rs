//! `make bench`: what an admission costs, ours beside the ways that people build first, over a DynamoDB in this process. Performance P8.
//!
//! 1. The admission write alone, in the database: the very requests that the adapters send, on rows with one place left. Processor time of
//!    the one thread that does it, designs by turns, the median of the rounds. Goal: counter and lease costs at least 1.7 times ours.
//! 2. Through the SDK and a socket, at 1, 8 and 64 clients: admissions a second, processor time, calls.
//! 3. A quarter of all requests twice, one holder in fifty dead before the answer: what was admitted above the limit, and how many
//!    places are lost for good once every lease has ended. Ours must be exact; the others need not.
//!
//! Exit code 1 when a goal is missed. Time of leases is a number here; nothing waits.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a measurement that cannot be made should stop there and then")]

use std::{
    collections::BTreeMap,
    process::ExitCode,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
};

use common::{
    aws::{Aws, dynamodb::Table},
    domain::{
        id::{EventId, ItemId},
        wip::Fence,
    },
    runtime::AwsSettings,
    testing::id,
};
use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinSet;

use self::{
    database::Database,
    designs::{Answer, Design, Gate, LIMIT, TTL},
};

mod database;
mod designs;

const GOAL: f64 = 1.7;
/// Rows that one round of the first part writes, and how many rounds.
const WRITES: usize = 400;
const ROUNDS: usize = 15;
/// Attempts of one run of the second part, and how many runs of each.
const TRIES: usize = 600;
const RUNS: usize = 3;
/// Attempts of one run of the third part.
const FAULTY_TRIES: usize = 1_600;
/// For how many turns of the others a place is kept.
const TURNS: usize = 8;
const CLIENTS: [usize; 3] = [1, 8, 64];

/// Milliseconds of processor: this thread's, or all threads' together.
fn spent(threads: &str) -> f64 {
    let account = |path: std::path::PathBuf| {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        text.split(' ').next().and_then(|nanoseconds| nanoseconds.parse::<f64>().ok()).unwrap_or_default() / 1e6
    };
    match threads {
        "all" => std::fs::read_dir("/proc/self/task")
            .unwrap()
            .map(|task| account(task.unwrap().path().join("schedstat")))
            .sum(),
        _ => account("/proc/thread-self/schedstat".into()),
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Time that goes on by a millisecond with every attempt.
#[derive(Clone, Default)]
struct Ticks(Arc<AtomicI64>);

impl Ticks {
    fn next(&self) -> Timestamp {
        Timestamp::from_millisecond(1_767_603_600_000 + self.0.fetch_add(1, Ordering::SeqCst)).unwrap()
    }

    fn pass(&self, time: SignedDuration) {
        self.0.fetch_add(i64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

/// A database of its own, and the adapter at its address. The database walks through all the tokens of the last ten minutes with
/// every transaction, so what is compared must not share one.
fn fresh() -> (Database, Table) {
    let database = Database::new();
    let table = Table::new(&Aws::with(AwsSettings::emulator(&database.serve())), "penstock");
    (database, table)
}

/// What the adapter sends, with words in the places of the pod, the token and the event.
struct Template {
    /// The rows before the admission, as `PutItem` takes them.
    rows: Vec<String>,
    target: String,
    admission: String,
}

async fn template(design: Design, told: bool, now: Timestamp) -> Template {
    let (database, table) = fresh();
    let gate = Gate { design, table, told, pod: "thepod".to_owned() };
    gate.open(LIMIT - 1, now).await;
    let opened: serde_json::Value = serde_json::from_str(&database.last().1).unwrap();
    let put = |item: &serde_json::Value| serde_json::json!({"TableName": "penstock", "Item": item}).to_string();
    let rows = match opened["TransactItems"].as_array() {
        Some(writes) => writes.iter().map(|write| put(&write["Put"]["Item"])).collect(),
        None => vec![put(&opened["Item"])],
    };
    let calls = database.calls();
    assert_eq!(gate.admit(&id("item"), now).await, Answer::Admitted(Fence::after(now, Fence::default())));
    assert_eq!(database.calls() - calls, 1, "{}: an admission is one call", design.name());
    let (target, mut admission) = database.last();
    if let Some((before, after)) = admission.split_once("\"ClientRequestToken\":\"") {
        let (_, after) = after.split_once('"').unwrap();
        admission = format!("{before}\"ClientRequestToken\":\"thetoken\"{after}");
    }
    // As `testing::envelope` makes it.
    let event = EventId::derived(["bench", "item:item", "WIP Lock Acquired", &now.to_string()]);
    assert_eq!(admission.contains(event.as_str()), told, "the event is in the transaction");
    Template { rows, target, admission: admission.replace(event.as_str(), "theevent") }
}

/// Part 1: how many times ours the write of counter and lease costs.
async fn write_alone(told: bool) -> f64 {
    let now = Ticks::default().next();
    let templates = [template(Design::Ours, told, now).await, template(Design::CounterAndLease, told, now).await];
    let (mut ratios, mut costs) = (Vec::new(), [Vec::new(), Vec::new()]);
    for round in 0..ROUNDS {
        let mut cost = [0.0; 2];
        let turns = if round % 2 == 0 { [0, 1] } else { [1, 0] };
        for turn in turns {
            let (database, template) = (Database::new(), &templates[turn]);
            let filled = |text: &String, number: usize| {
                let text = text.replace("thepod", &format!("pod-{number}"));
                text.replace("thetoken", &format!("token-{number}")).replace("theevent", &format!("event-{number}"))
            };
            for number in 0..WRITES {
                for row in &template.rows {
                    database.call("PutItem", &filled(row, number)).unwrap();
                }
            }
            let admissions: Vec<String> = (0..WRITES).map(|number| filled(&template.admission, number)).collect();
            let before = spent("this");
            for admission in &admissions {
                database.call(&template.target, admission).unwrap();
            }
            cost[turn] = (spent("this") - before) / WRITES as f64 * 1e3;
        }
        ratios.push(cost[1] / cost[0]);
        costs[0].push(cost[0]);
        costs[1].push(cost[1]);
    }
    let [ours, other] = costs.map(median);
    let ratio = median(ratios);
    let with = if told { "with its event" } else { "alone" };
    println!("  {with:15} ours {ours:6.1} µs   counter and lease {other:6.1} µs   ratio {ratio:.2}");
    ratio
}

/// Who really has a place, as the clients know it.
#[derive(Clone, Default)]
struct Truth(Arc<Mutex<(BTreeMap<ItemId, Timestamp>, usize)>>);

impl Truth {
    fn admitted(&self, item: &ItemId, now: Timestamp) {
        let mut truth = self.0.lock().unwrap();
        truth.0.retain(|_, end| now < *end);
        truth.0.insert(item.clone(), now + TTL);
        if truth.0.len() > LIMIT as usize {
            truth.1 += 1;
        }
    }

    fn gave_back(&self, item: &ItemId) {
        self.0.lock().unwrap().0.remove(item);
    }

    fn over(&self) -> usize {
        self.0.lock().unwrap().1
    }
}

/// What one run came to.
#[derive(Default)]
struct Run {
    admissions: usize,
    over: usize,
    lost: usize,
    wall_s: f64,
    cpu_ms: f64,
    calls_per_try: f64,
}

/// Clients that ask, and give back what they get, until all attempts are made.
#[expect(clippy::disallowed_methods, reason = "this measures time")]
async fn run(design: Design, told: bool, clients: usize, tries: usize, faults: bool) -> Run {
    let (database, table) = fresh();
    let gate = Gate { design, table, told, pod: "ratio".to_owned() };
    let (ticks, truth) = (Ticks::default(), Truth::default());
    gate.open(0, ticks.next()).await;
    let (start, cpu) = (std::time::Instant::now(), spent("all"));
    let asked = Arc::new(AtomicI64::new(0));
    let calls = Arc::new(AtomicI64::new(0));
    let mut working = JoinSet::new();
    for seat in 0..clients {
        let (gate, ticks, truth, database) = (gate.clone(), ticks.clone(), truth.clone(), database.clone());
        let (asked, calls) = (asked.clone(), calls.clone());
        working.spawn(async move {
            let mut dice = fastrand::Rng::with_seed(seat as u64);
            let mut admissions = 0;
            for number in 0..tries / clients {
                let item: ItemId = id(&format!("p-{seat}-{number}"));
                let copies = if faults && dice.u8(0..100) < 25 { 2 } else { 1 };
                let mut held = None;
                for _ in 0..copies {
                    let now = ticks.next();
                    let before = database.calls();
                    let answer = gate.admit(&item, now).await;
                    asked.fetch_add(1, Ordering::SeqCst);
                    // With others at work the difference counts their calls too: it is only used where there is one client.
                    calls.fetch_add((database.calls() - before) as i64, Ordering::SeqCst);
                    if let Answer::Admitted(fence) = answer {
                        admissions += usize::from(held.is_none());
                        truth.admitted(&item, now);
                        held = Some(fence);
                    } else if let Answer::Held(fence) = answer {
                        held = Some(fence);
                    }
                }
                // The dead never hear the answer.
                let dead = faults && dice.u8(0..50) == 0;
                // What is in progress takes a while: meanwhile the others ask.
                for _ in 0..TURNS {
                    tokio::task::yield_now().await;
                }
                if let Some(fence) = held.filter(|_| !dead) {
                    truth.gave_back(&item);
                    gate.release(&item, fence, ticks.next()).await;
                }
            }
            admissions
        });
    }
    let admissions = working.join_all().await.into_iter().sum();
    let (wall_s, cpu_ms) = (start.elapsed().as_secs_f64(), spent("all") - cpu);
    // Every lease has ended: how many places are there?
    ticks.pass(TTL * 4);
    let mut places = 0;
    for number in 0..LIMIT {
        let answer = gate.admit(&id(&format!("after-{number}")), ticks.next()).await;
        places += usize::from(matches!(answer, Answer::Admitted(_)));
    }
    let lost = LIMIT as usize - places;
    let asked = asked.load(Ordering::SeqCst) as f64;
    let calls_per_try = calls.load(Ordering::SeqCst) as f64 / asked;
    Run { admissions, over: truth.over(), lost, wall_s, cpu_ms, calls_per_try }
}

async fn throughput(told: bool) -> bool {
    let mut exact = true;
    for clients in CLIENTS {
        let mut runs: BTreeMap<Design, Vec<Run>> = BTreeMap::new();
        for round in 0..RUNS {
            let mut designs = Design::ALL;
            designs.rotate_left(round);
            for design in designs {
                runs.entry(design).or_default().push(run(design, told, clients, TRIES, false).await);
            }
        }
        for (design, runs) in runs {
            let of = |value: fn(&Run) -> f64| median(runs.iter().map(value).collect());
            let over: usize = runs.iter().map(|run| run.over).sum();
            let lost: usize = runs.iter().map(|run| run.lost).sum();
            let calls = if clients == 1 { format!("{:.1}", of(|run| run.calls_per_try)) } else { "-".to_owned() };
            println!(
                "  {clients:7}   {:18} {:10.0}   {:8.2}   {calls:>5}   {over:4}",
                design.name(),
                of(|run| run.admissions as f64 / run.wall_s),
                of(|run| run.cpu_ms / run.admissions as f64),
            );
            exact &= design != Design::Ours || over + lost == 0;
        }
    }
    exact
}

async fn faults() -> bool {
    let mut exact = true;
    for clients in CLIENTS {
        for design in Design::ALL {
            // The others may end with no place left, and then fail fast: fewer attempts show it.
            let tries = if design == Design::Ours { FAULTY_TRIES } else { FAULTY_TRIES / 4 };
            let run = run(design, true, clients, tries, true).await;
            println!(
                "  {clients:7}   {:18} {tries:6}   {:10}   {:10}   {:10}",
                design.name(),
                run.admissions,
                run.over,
                run.lost
            );
            exact &= design != Design::Ours || run.over + run.lost == 0;
        }
    }
    exact
}

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        println!("the admission write in the database (median of {ROUNDS} rounds of {WRITES}, processor time a write)");
        let ratio = write_alone(false).await;
        write_alone(true).await;
        println!("through the SDK and a socket, limit {LIMIT} (median of {RUNS} runs of {TRIES} attempts)");
        println!("  clients   design              admits/s   cpu ms   calls   over");
        let quiet = throughput(false).await;
        println!("the same, each admission with its event in the outbox");
        let told = throughput(true).await;
        println!("a quarter of the requests twice, a holder in fifty dead before the answer");
        println!("  clients   design               tries     admitted   over limit   lost places of {LIMIT}");
        let faulty = faults().await;
        println!("goal: counter and lease at least {GOAL} times ours (found {ratio:.2}); ours exact, nothing lost (found {})", {
            if quiet && told && faulty { "exact" } else { "NOT exact" }
        });
        if ratio >= GOAL && quiet && told && faulty { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    })
}
