//! Webhooks that never come: the real webhook, sweeper and provisioner end where a run without losses ends.

use common::{
    domain::governance::Governance,
    event::{Envelope, Event},
    ports::Clock as _,
    testing::{ClusterFile, GovernanceFiles, World, id},
};
use delivery_sweeper::DeliverySweeper;
use jiff::SignedDuration;
use tests::{chance::Chance, intake::Intake, journey::Journey};

use super::fleet;

pub(super) type Sweeper = DeliverySweeper<World, World, World, World>;

pub(super) fn sweeper(journey: &Journey) -> Sweeper {
    let governance = Governance::parse(&GovernanceFiles::default().bytes()).unwrap();
    let (rows, host, queues, clock) =
        (journey.world.clone(), journey.world.clone(), journey.world.clone(), journey.world.clone());
    DeliverySweeper { rows, host, queues, clock, governance }
}

/// Five minutes later; answers the gaps that were told, brought to the provisioner.
async fn sweep(journey: &Journey, sweeper: &Sweeper) -> usize {
    journey.world.pass(SignedDuration::from_mins(5));
    sweeper.schedule("sweep").await.unwrap();
    hear(journey).await
}

/// What the relay and the bus do with what waits: pushes wake the provisioner. Answers how many there were.
async fn hear(journey: &Journey) -> usize {
    let events = journey.world.drain();
    let pushes: Vec<&Envelope> = events.iter().filter(|event| matches!(event.event, Event::BranchPushed(_))).collect();
    for event in &pushes {
        journey.wake(event).await.unwrap();
    }
    pushes.len()
}

#[tokio::test]
async fn a_push_that_nobody_heard_of_becomes_its_pipelines_and_a_late_webhook_changes_nothing() {
    let journey = Journey::default();
    let sweeper = sweeper(&journey);
    let texts: Vec<(String, String)> = fleet().iter().map(|file| (file.path.clone(), file.text())).collect();
    let changes: Vec<(&str, Option<&str>)> =
        texts.iter().map(|(path, text)| (path.as_str(), Some(text.as_str()))).collect();
    let late = journey.world.push("main", &changes);
    assert_eq!(sweep(&journey, &sweeper).await, 0, "a webhook may be on its way");
    assert_eq!(sweep(&journey, &sweeper).await, 1);
    assert_eq!(journey.world.pipelines().len(), 7);
    journey.world.heal();
    assert_eq!(journey.wake(&late).await.unwrap().counts.unchanged, 7);
    for _ in 0..3 {
        assert_eq!(sweep(&journey, &sweeper).await, 0);
    }
    assert_eq!(journey.world.pipeline_writes(), []);
    journey.verify_audit().await.unwrap();
}

/// Of pushes a fifth is never delivered, a third twice, and in any order; whatever arrives late is older than the head. The sweep alone mends
/// it: with the schedule and everything else that can get lost, `losses` plays.
#[tokio::test]
async fn whatever_is_dropped_doubled_and_shuffled_the_end_is_that_of_a_perfect_run() {
    for seed in 0..60 {
        let (lossy, perfect) = (Journey::default(), Journey::default());
        let (sweeper, intake, mut chance) = (sweeper(&lossy), Intake::new(&lossy.world), Chance::new(seed));
        let mut bodies = Vec::new();
        for number in 0..8 {
            let file = &fleet()[chance.below(7)];
            let file: ClusterFile = file.clone().variable("cost_center", &format!("\"{number:03}\""));
            let (path, text) = (file.path.clone(), file.text());
            let change = [(path.as_str(), Some(text.as_str()))];
            perfect.push_raw(&change).await.unwrap();
            lossy.world.pass(SignedDuration::from_secs(60));
            let (body, delivery) = intake.push(&change);
            let copies = match chance.below(10) {
                0 | 1 => 0,
                2..=4 => 2,
                _ => 1,
            };
            bodies.extend(std::iter::repeat_n((body, delivery), copies));
            while !bodies.is_empty() && chance.below(3) > 0 {
                let (body, delivery) = bodies.swap_remove(chance.below(bodies.len()));
                let status = intake.deliver(&delivery, &body, true).await;
                assert!(matches!(status, 200 | 202), "seed {seed}: {status}");
                hear(&lossy).await;
            }
        }
        sweep(&lossy, &sweeper).await;
        sweep(&lossy, &sweeper).await;
        let definitions = |journey: &Journey| {
            let pipelines = journey.world.pipelines();
            let values = pipelines.into_iter().map(|(name, pipeline)| (name, pipeline.definition));
            values.collect::<Vec<_>>()
        };
        assert_eq!(definitions(&lossy), definitions(&perfect), "seed {seed}");
        let (seen, head) = (lossy.world.seen(common::testing::repository().id, &id("main")), lossy.world.head("main"));
        assert_eq!(seen.and_then(|seen| seen.head), head, "seed {seed}: at {}", lossy.world.now());
        assert_eq!(sweep(&lossy, &sweeper).await, 0, "seed {seed}: nothing is left to tell");
        lossy.verify_audit().await.unwrap();
    }
}
