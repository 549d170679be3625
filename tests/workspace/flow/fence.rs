//! Two runs at once, late events, moving heads: an older run changes nothing (threat 33).

use common::{
    event::Outcome,
    ports::ClusterLedger,
    testing::{ClusterFile, World, id, main_branch, repository},
};
use tests::journey::{Journey, provisioner};

use super::fleet;

#[tokio::test]
async fn a_late_event_for_an_old_commit_changes_nothing() {
    let journey = Journey::default();
    let file = ClusterFile::regional("integration", "us-east-1");
    let text = file.text();
    let old = journey.world.push("main", &[(&file.path, Some(text.as_str()))]);
    journey.wake(&old).await.unwrap();
    let newer = file.variable("cost_center", "\"123\"");
    journey.push(&[newer]).await.unwrap();
    let before = journey.world.pipelines();
    journey.world.heal();
    let run = journey.wake(&old).await.unwrap();
    assert_eq!(run.results[0].outcome, Outcome::Unchanged);
    assert_eq!((journey.world.pipelines(), journey.world.pipeline_writes()), (before, vec![]));
}

/// The schedule comes to the same end without any event.
#[tokio::test]
async fn a_push_whose_event_was_lost_is_found_by_the_schedule() {
    let journey = Journey::default();
    journey.push(&fleet()[..1]).await.unwrap();
    let file = ClusterFile::management("integration", "us-east-1", "mc01");
    let lost = journey.world.push("main", &[(&file.path, Some(file.text().as_str()))]);
    let run = journey.sweep().await.unwrap();
    assert_eq!((run.counts.created, run.counts.unchanged), (1, 1), "{:?}", run.results);
    journey.world.heal();
    assert_eq!(
        journey.wake(&lost).await.unwrap().counts.unchanged,
        2,
        "and when it comes at last, nothing is left to do"
    );
    assert_eq!(journey.world.pipeline_writes(), []);
}

/// Whenever a newer run takes the fence, the older one makes no further change and says why it stopped.
#[tokio::test]
async fn a_newer_generation_stops_the_older_run_at_every_call() {
    let calls = {
        let journey = Journey::default();
        journey.push(&fleet()).await.unwrap();
        journey.world.calls().len()
    };
    // From the third call on the older run has its generation.
    for call in 2..calls {
        let journey = Journey::default();
        let event = event(&journey);
        let seen = std::sync::Arc::new(std::sync::Mutex::new(None));
        let at_takeover = std::sync::Arc::clone(&seen);
        journey.world.before_call(call, move |world| {
            let taken = world.clone();
            take_generation(&taken);
            *at_takeover.lock().unwrap() = Some(world.pipelines());
        });
        let _ = journey.wake(&event).await;
        let Some(at_takeover) = seen.lock().unwrap().clone() else { continue };
        let written = journey.world.pipelines().len() - at_takeover.len();
        // The comparison and the call are two steps: what was sent in between still lands, one call at most.
        assert!(written <= 1, "call {call}: {written} pipelines were made after a newer run began");
        journey.world.heal();
        let run = journey.sweep().await.unwrap();
        assert_eq!(run.counts.created + run.counts.unchanged, 7, "call {call}: {:?}", run.results);
        journey.verify_audit().await.unwrap();
    }
}

#[tokio::test]
async fn a_head_that_moves_during_a_run_stops_it_and_the_next_run_finishes() {
    let journey = Journey::default();
    let event = event(&journey);
    journey.world.before_call(20, |world| {
        world.push("main", &[(&ClusterFile::regional("production", "eu-west-1").path, None)]);
    });
    let run = journey.wake(&event).await.unwrap();
    assert!(!run.complete, "{run:?}");
    assert!(run.stopped.as_deref().unwrap().contains("moved on to"), "{:?}", run.stopped);
    assert!(journey.world.pipelines().len() < 6);
    let run = journey.sweep().await.unwrap();
    assert!(run.complete);
    assert_eq!(journey.world.pipelines().len(), 6, "the removed file's cluster was never made");
}

#[tokio::test]
async fn a_run_that_takes_too_long_stops_in_time_and_is_taken_up_again() {
    let journey = Journey::default();
    let event = event(&journey);
    // Ten minutes for one call: fourteen of fifteen are gone after the second.
    journey.world.before_call(14, |world| world.pass(jiff::SignedDuration::from_mins(14)));
    let fault = journey.provisioner.event(&event, journey.deadline()).await.unwrap_err();
    assert!(fault.is_retry(), "the message comes again: {fault}");
    journey.tell().await.unwrap();
    let made = journey.world.pipelines().len();
    assert!((1..7).contains(&made), "{made}");
    let run = journey.wake(&event).await.unwrap();
    assert_eq!((run.counts.created as usize, run.counts.unchanged as usize), (7 - made, made));
}

/// Two provisioners on one world, in every interleaving of "the other runs whole before my call k": the end is the same.
#[tokio::test]
async fn two_runs_in_any_order_come_to_the_same_end() {
    let perfect = Journey::default();
    perfect.push(&fleet()).await.unwrap();
    let expected = perfect.world.pipelines();
    for call in (0..perfect.world.calls().len()).step_by(3) {
        let journey = Journey::default();
        let event = event(&journey);
        let copy = event.clone();
        journey.world.before_call(call, move |world| {
            let other = provisioner(world, &Default::default());
            block_on(other.event(&copy, jiff::Timestamp::MAX)).unwrap();
        });
        let _ = journey.wake(&event).await;
        journey.world.heal();
        assert_eq!(journey.world.pipelines(), expected, "call {call}");
        let run = journey.sweep().await.unwrap();
        assert_eq!((run.counts.unchanged, journey.world.pipeline_writes()), (7, vec![]), "call {call}");
        journey.verify_audit().await.unwrap();
    }
}

fn event(journey: &Journey) -> common::event::Envelope {
    let texts: Vec<(String, String)> = fleet().iter().map(|file| (file.path.clone(), file.text())).collect();
    let changes: Vec<(&str, Option<&str>)> =
        texts.iter().map(|(path, text)| (path.as_str(), Some(text.as_str()))).collect();
    journey.world.push("main", &changes)
}

fn take_generation(world: &World) {
    let head = id(&"ab".repeat(20));
    let branch = main_branch();
    let taking = world.take_generation(repository().id, &branch, &head, jiff::Timestamp::UNIX_EPOCH);
    block_on(taking).unwrap();
}

// The world's futures never wait, so one poll finishes them: also inside a hook, where no runtime may be entered.
pub(super) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
}
