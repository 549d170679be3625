//! Copies and faults: one effect at most, and none acknowledged that is not durable (threats 8, 9, 11).

use std::thread;

use common::{ports::Clock, testing::When};

use super::{
    bodies,
    support::{Rig, SECRET, delivered, sign},
};
use crate::handle;

#[tokio::test]
async fn an_event_is_one_write_and_a_second_copy_is_told_so() {
    let rig = Rig::new();
    let body = bodies::push().to_string();
    let (status, first) = rig.deliver("push", "d-1", body.as_bytes()).await;
    assert_eq!((status, first["status"].as_str()), (202, Some("accepted")));
    assert_eq!(rig.world.calls().len(), 1, "{:?}", rig.world.calls());
    let (status, again) = rig.deliver("push", "d-1", body.as_bytes()).await;
    assert_eq!((status, again["status"].as_str()), (200, Some("duplicate")));
    assert_eq!(first["event_id"], again["event_id"]);
    assert_eq!(rig.event().meta.event_id.as_str(), first["event_id"]);
}

#[test]
fn a_hundred_parallel_copies_leave_one_event() {
    let rig = Rig::new();
    let body = bodies::push().to_string();
    let request =
        serde_json::from_value(delivered("push", "d-1", body.as_bytes(), &sign(SECRET, body.as_bytes()))).unwrap();
    let now = rig.world.now();
    let block_on = |work| tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work);
    block_on(Box::pin(rig.webhook.keyring.warm_up(now)));
    let mut statuses: Vec<u16> = thread::scope(|scope| {
        let copies: Vec<_> = (0..100)
            .map(|_| {
                scope.spawn(|| {
                    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                    runtime.block_on(handle(&rig.webhook, &request, now)).status_code
                })
            })
            .collect();
        copies.into_iter().map(|copy| copy.join().unwrap()).collect()
    });
    statuses.sort_unstable();
    assert_eq!(statuses[..99], [200; 99]);
    assert_eq!(statuses[99], 202);
    rig.event();
}

#[tokio::test]
async fn the_same_body_under_another_delivery_id_has_no_second_effect() {
    let rig = Rig::new();
    let body = bodies::push().to_string();
    let (_, first) = rig.deliver("push", "d-1", body.as_bytes()).await;
    let (status, copy) = rig.deliver("push", "d-2", body.as_bytes()).await;
    assert_eq!((status, copy["status"].as_str()), (200, Some("duplicate")));
    assert_eq!(first["event_id"], copy["event_id"]);
    rig.event();
    // A week later the keys are forgotten by comparison, not by the table's clean-up.
    rig.pass(7 * 24 * 3600);
    assert_eq!(rig.deliver("push", "d-1", body.as_bytes()).await.0, 202);
}

#[tokio::test]
async fn a_delivery_id_with_another_body_is_refused() {
    let rig = Rig::new();
    rig.deliver("push", "d-1", bodies::push().to_string().as_bytes()).await;
    let (status, answer) = rig.deliver("issues", "d-1", bodies::issues("opened").to_string().as_bytes()).await;
    assert_eq!(status, 422, "{answer}");
    rig.event();
}

#[tokio::test]
async fn nothing_is_acknowledged_that_is_not_durable() {
    let body = bodies::push().to_string();
    for when in [When::Before, When::After] {
        let rig = Rig::new();
        rig.world.fail_call(0, when);
        assert_eq!(rig.deliver("push", "d-1", body.as_bytes()).await.0, 503, "{when:?}");
        rig.world.heal();
        // GitHub's redelivery has the same id: it is processed when nothing was written, and a copy when only the reply was lost.
        let expected = if when == When::Before { 202 } else { 200 };
        assert_eq!(rig.deliver("push", "d-1", body.as_bytes()).await.0, expected, "{when:?}");
        rig.event();
    }
    let rig = Rig::new();
    rig.world.fail("Intake.record", "", "AccessDeniedException", false, 1);
    assert_eq!(rig.deliver("push", "d-1", body.as_bytes()).await.0, 503);
    assert_eq!(rig.world.outbox(), []);
}

#[tokio::test]
async fn what_maps_to_nothing_writes_nothing() {
    let rig = Rig::new();
    for (name, body) in [("ping", bodies::all().pop().unwrap().1), ("pull_request", bodies::pull_request("locked"))] {
        assert_eq!(rig.send(name, &body).await.0, 200);
    }
    assert_eq!(rig.world.calls(), []);
}

#[cfg(feature = "lambda")]
/// A ledger that never answers, as a table behind a dead connection.
struct Silent;

#[cfg(feature = "lambda")]
impl common::ports::Intake for Silent {
    async fn record(
        &self,
        _: &common::ports::Delivery,
        _: &common::event::Envelope,
    ) -> Result<common::ports::Recorded, common::fault::Fault> {
        std::future::pending().await
    }
}

#[cfg(feature = "lambda")]
impl common::ports::Ledger for Silent {
    async fn note(
        &self,
        _: &common::domain::ledger::About,
        _: &common::domain::ledger::Note,
    ) -> Result<(), common::fault::Fault> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_copy_is_counted_and_is_answered_the_same_when_it_cannot_be() {
    use common::domain::ledger::{About, Happening};
    let rig = Rig::new();
    let push = bodies::push().to_string();
    let first = rig.deliver("push", "d-1", push.as_bytes()).await;
    for number in 0..100 {
        if number % 10 == 0 {
            rig.world.fail("Ledger.note", "", "ThrottlingException", true, 1);
        }
        let (status, answer) = rig.deliver("push", "d-1", push.as_bytes()).await;
        assert_eq!((first.0, status), (202, 200), "{answer}");
    }
    assert_eq!(rig.deliver("push", "d-2", push.as_bytes()).await.0, 200);
    assert_eq!(rig.deliver("issues", "d-1", bodies::issues("opened").to_string().as_bytes()).await.0, 422);
    let noted = rig.world.noted();
    let count = |delivery: &str, what| {
        noted[&About::Delivery(delivery.parse().unwrap())].get(what).map(|noted| (noted.count, noted.reason.clone()))
    };
    assert_eq!(count("d-1", Happening::Copied), Some((90, String::new())), "ten could not be written");
    assert_eq!(count("d-1", Happening::IdReused), Some((1, String::new())));
    let why = "it came again as the delivery d-2".to_owned();
    assert_eq!(count("d-1", Happening::BodyCopied), Some((1, why)));
    assert_eq!(noted.len(), 1, "an id that anybody can invent has no row");
    rig.event();
}

#[cfg(feature = "lambda")]
#[tokio::test]
async fn a_table_that_never_answers_is_a_503_in_time() {
    let rig = Rig::new();
    let body = bodies::push().to_string();
    let request =
        serde_json::from_value(delivered("push", "d-1", body.as_bytes(), &sign(SECRET, body.as_bytes()))).unwrap();
    let webhook = crate::Webhook {
        intake: Silent,
        keyring: crate::secret::Keyring::new(rig.vault),
        governance: rig.webhook.governance.clone(),
    };
    let limit = std::time::Duration::from_millis(5);
    let response = crate::handle_in_time(&webhook, &request, rig.world.now(), limit).await;
    assert_eq!(response.status_code, 503);
}
