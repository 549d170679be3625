//! Journey 1 with everything that can get lost: the real intake, relay, provisioner, feedback and sweeper over the in-memory world, and
//! between them a host, a stream, a bus and queues that lose, double and shuffle what they carry, while any call may fail.
//!
//! | what | how |
//! |---|---|
//! | a webhook | a fifth fails and stands so in the host's list; some are never sent; some come twice, late, or to an intake that stops |
//! | the stream | a batch may be given up by Lambda: its rows stay until the sweep touches them |
//! | the bus | for each who listens a fifth of the events is lost, three in ten come twice |
//! | a queue | brings its messages in any order; what failed comes again, and is put aside after three times |
//! | a function | stops at any call, before or after its effect, or meets one that fails; another one may come in between |
//!
//! Then nothing is lost any more, sweeps and schedules go on until they find nothing to do, and the end must be the one of a run in which
//! nothing was ever lost. All of it follows from one number. A play that fails says its number and its story, and
//! `PENSTOCK_SEED=<number> cargo test -p tests --lib losses` plays it alone.
//!
//! Not played: removals, and changes by hand that are left (both depend on what stood before, and so on what was lost), CodeCommit, limits
//! on work in progress, gates and certificates. Those have their own tests, which break each call once.

mod acts;
mod carry;
mod end;
mod host;
mod play;

use std::{
    future::Future,
    pin::pin,
    sync::atomic::{AtomicU64, Ordering},
    task::{Context, Poll, Waker},
};

use common::{
    domain::governance::Governance,
    testing::{GovernanceFiles, When, World},
};

use serde_json::Value;

use self::{acts::Act, carry::Listener, end::End, play::Play};
use crate::chance::Chance;

/// How many plays there are.
const PLAYS: u64 = 10_000;

/// The environments of a play: one branch each.
const ENVIRONMENTS: &str = "unlisted: refuse\nenvironments:\n  integration: {branch: main, restore_drift: true}\n  staging: {branch: staging}\n";

/// A mistake that the plays must find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mutant {
    /// None: what ships.
    None,
    /// Nothing asks for what was lost.
    NoSweep,
    /// The provisioner is woken by events alone.
    NoSchedule,
    /// The relay deletes its rows before the bus has them.
    RelayForgetsFirst,
}

/// What a future of this world comes to: it never waits.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("a function waits for something that is not in the world"),
    }
}

/// In two of five cases one of the next calls fails, or everything stops there.
fn stumble(world: &World, chance: &mut Chance, calls: usize) {
    if !chance.percent(40) {
        return;
    }
    let (number, when) = (chance.below(calls), if chance.percent(50) { When::Before } else { When::After });
    if chance.percent(50) { world.fail_call(number, when) } else { world.stop_at_call(number, when) }
}

fn governance() -> Governance {
    let files = GovernanceFiles::default().with("environments.yaml", ENVIRONMENTS);
    Governance::parse(&files.bytes()).expect("the files of the plays are good")
}

/// How many seeds play what the same people did, each with other losses: the perfect run is the same for them.
const CASTS: u64 = 10;

/// What people do in the play of a seed, and how it ends where nothing is lost.
fn script(governance: &Governance, seed: u64) -> Result<(Vec<Act>, End), String> {
    let acts = acts::acts(&mut Chance::new(seed / CASTS));
    let end =
        at_once(Play::new(governance, Mutant::None).perfect(&acts)).map_err(|why| format!("the perfect run: {why}"))?;
    Ok((acts, end))
}

/// What is wrong with the end of a play, in words; nothing when it is that of the perfect run, and stays.
fn played(
    governance: &Governance,
    (acts, expected): &(Vec<Act>, End),
    seed: u64,
    mutant: Mutant,
    story: &mut Option<Vec<String>>,
) -> Option<String> {
    let mut play = Play::new(governance, mutant);
    play.story = story.take();
    let end = at_once(play.lossy(acts, &mut Chance::new(seed ^ u64::MAX), expected));
    let wrong = match end {
        Ok(end) => end.differs_from(expected),
        Err(why) => Some(why),
    };
    // It costs as much as the play: one of each script is enough.
    let wrong = wrong.or_else(|| if seed.is_multiple_of(CASTS) { at_once(play.stays()).err() } else { None });
    *story = play.story;
    wrong
}

/// What a failure says: the same seed, played once more, with its story.
fn report(governance: &Governance, seed: u64) -> String {
    let mut story = Some(Vec::new());
    let why = match script(governance, seed) {
        Ok(script) => played(governance, &script, seed, Mutant::None, &mut story),
        Err(why) => Some(why),
    };
    let (why, story) = (why.unwrap_or_else(|| "it ends well".to_owned()), story.unwrap_or_default().join("\n"));
    format!(
        "PENSTOCK_SEED={seed}\n{story}\n\n{why}\n\nalone: PENSTOCK_SEED={seed} cargo test -p tests --lib losses -- --nocapture"
    )
}

/// Says which play it was when one panics.
struct Named(u64);

impl Drop for Named {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("PENSTOCK_SEED={}", self.0);
        }
    }
}

#[test]
fn the_end_is_that_of_a_run_in_which_nothing_was_lost() {
    #[expect(clippy::disallowed_methods, reason = "who looks into one play says which")]
    let one = std::env::var("PENSTOCK_SEED").ok();
    let governance = &governance();
    if let Some(seed) = one {
        let seed = seed.parse().expect("PENSTOCK_SEED is a number");
        let _named = Named(seed);
        println!("{}", report(governance, seed));
        assert_eq!(played(governance, &script(governance, seed).unwrap(), seed, Mutant::None, &mut None), None);
        return;
    }
    let (next, failed) = (&AtomicU64::new(0), &AtomicU64::new(u64::MAX));
    std::thread::scope(|threads| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            threads.spawn(move || {
                loop {
                    let first = next.fetch_add(CASTS, Ordering::Relaxed);
                    if first >= PLAYS || failed.load(Ordering::Relaxed) < first {
                        return;
                    }
                    let mut named = Named(first);
                    let script = script(governance, first);
                    for seed in first..first + CASTS {
                        named.0 = seed;
                        let well = script
                            .as_ref()
                            .is_ok_and(|script| played(governance, script, seed, Mutant::None, &mut None).is_none());
                        if !well {
                            failed.fetch_min(seed, Ordering::Relaxed);
                            return;
                        }
                    }
                }
            });
        }
    });
    let failed = failed.load(Ordering::Relaxed);
    assert!(failed == u64::MAX, "{}", report(governance, failed));
}

/// How many of so many plays find a mistake.
fn found(mutant: Mutant, plays: u64) -> usize {
    let governance = governance();
    let wrong =
        |seed: &u64| played(&governance, &script(&governance, *seed).unwrap(), *seed, mutant, &mut None).is_some();
    (0..plays).filter(wrong).count()
}

#[test]
fn a_sweep_a_schedule_and_a_relay_that_are_wrong_are_found() {
    for mutant in [Mutant::NoSweep, Mutant::NoSchedule, Mutant::RelayForgetsFirst] {
        assert!(found(mutant, 40) > 0, "{mutant:?}");
    }
}

#[test]
fn the_same_seed_plays_the_same_again() {
    let governance = governance();
    let stories: Vec<Option<Vec<String>>> = [7, 7, 8]
        .map(|seed| {
            let mut story = Some(Vec::new());
            played(&governance, &script(&governance, seed).unwrap(), seed, Mutant::None, &mut story);
            story
        })
        .into();
    assert_eq!(stories[0], stories[1]);
    assert_ne!(stories[0], stories[2]);
}

/// Events go in the plays where they go in AWS.
#[test]
fn who_listens_is_who_the_contract_says() {
    let contract: Value = serde_json::from_str(include_str!("../events/contract.json")).unwrap();
    let functions = [(Listener::Provisioner, "pipeline-provisioner"), (Listener::Feedback, "feedback")];
    let said = contract["functions"]["pipeline-provisioner"]["emits"]
        .as_array()
        .unwrap()
        .iter()
        .map(|kind| kind.as_str().unwrap());
    for kind in said.chain(["Branch Pushed", "Change Opened", "Change Updated"]) {
        let hears = |(_, name): &&(Listener, &str)| {
            let mut patterns = contract["functions"][*name]["patterns"].as_array().unwrap().iter();
            patterns.any(|pattern| pattern["detail-type"].as_array().unwrap().iter().any(|heard| heard == kind))
        };
        let hear: Vec<Listener> = functions.iter().filter(hears).map(|(listener, _)| *listener).collect();
        assert_eq!(carry::listeners(kind), hear, "{kind}");
    }
}
