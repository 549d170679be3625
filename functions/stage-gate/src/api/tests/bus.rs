//! Requests from the bus: whatever is wrong with one is an event with the reasons, and never a dead letter.

use common::{
    event::{BranchDeleted, Event, StageGateRejected, StageTransitionRequested},
    testing::{envelope, repository},
};

use super::*;

fn asked(item: &str, request: &str, to: &str, by: &str) -> StageTransitionRequested {
    serde_json::from_value(json!({"item": item, "request_id": request, "from": "spark", "to": to, "requested_by": by}))
        .unwrap()
}

impl Rig {
    /// Sends a request, twice as the bus may, and answers what was told of it: the same both times.
    async fn send(&self, asked: StageTransitionRequested) -> Vec<Event> {
        let event = envelope(self.world.now(), "c-1", "item:p-1", Event::StageTransitionRequested(asked));
        self.gates.event(&event).await.unwrap();
        let first = self.world.drain();
        assert!(first.iter().all(|told| told.meta.correlation_id == event.meta.correlation_id));
        self.gates.event(&event).await.unwrap();
        for copy in self.world.drain() {
            assert!(first.iter().any(|told| told.meta.event_id == copy.meta.event_id), "news of a copy: {copy:?}");
        }
        first.into_iter().map(|told| told.event).collect()
    }

    async fn refused(&self, asked: StageTransitionRequested) -> String {
        match self.send(asked).await.as_slice() {
            [Event::StageGateRejected(StageGateRejected { reasons, .. })] => {
                reasons.iter().map(|reason| reason.missing.clone()).collect::<Vec<_>>().join("; ")
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_request_from_the_bus_moves_what_its_person_could_move() {
    let rig = Rig::new();
    rig.make("p-1").await;
    rig.ready_for_seed("p-1").await;
    rig.told();
    // Who asks is proved by nobody: it takes the approval of one more.
    let alone = rig.refused(asked("p-1", "r-0", "seed", "cy")).await;
    insta::assert_snapshot!(alone, @"1 of 2 approvals of integrator: dan may; nobody proved who asks, so it takes one more than else");
    assert_eq!(rig.approve(LEAD, "p-1", "spark", "seed").await.0, 201);
    let told = rig.send(asked("p-1", "r-1", "seed", "cy")).await;
    assert!(told.iter().any(|event| matches!(event, Event::StageGateApproved(told) if told.version == 6)), "{told:?}");
    assert_eq!((told.len(), rig.position("p-1")), (3, "seed".to_owned()));
    // The same request by the API has the same answer.
    assert_eq!(rig.move_to(OWNER, "p-1", "r-1", "spark", "seed").await.1["verdict"], "admit");
}

#[tokio::test]
async fn whatever_is_wrong_with_a_request_is_an_event_with_the_reasons() {
    let rig = Rig::new();
    rig.make("p-1").await;
    rig.move_to(OWNER, "p-1", "r-0", "spark", "seed").await;
    rig.told();
    let mut page = Vec::new();
    for asked in [
        asked("p-1", "r-1", "seed", "cy"),
        asked("p-1", "r-2", "seed", "nobody"),
        asked("p-1", "r-3", "seed", "zed"),
        asked("p-1", "r-4", "seed", "rae"),
        asked("p-1", "r-5", "seed", "finn"),
        asked("p-9", "r-6", "seed", "cy"),
        asked("p-1", "r-0", "scaffold", "cy"),
        StageTransitionRequested { version: Some(7), ..asked("p-1", "r-7", "seed", "cy") },
        StageTransitionRequested { reason: Some("no".into()), ..asked("p-1", "r-8", "KILLED", "cy") },
        asked("p-1", "r-9", "PARKED", "cy"),
    ] {
        page.push(rig.refused(asked).await);
    }
    insta::assert_snapshot!(page.join("\n"), @r"
    strategic_fit is missing: it must be at least 3, from somebody's word; feasible is missing: it must be true, from somebody's word; 0 of 2 approvals of integrator: bob, dan may; nobody proved who asks, so it takes one more than else
    requested_by: nobody is not in people.yaml: an administrator adds them there
    requested_by: zed has no role: an administrator gives one in people.yaml
    rae has the role reader, and to make, move, attest or approve work items needs the role member
    finn is not in pod ratio: only its members and admins move its items
    there is no item p-9
    the request id r-0 names another request: use another id
    the item is of version 1 now: look at it again
    reason: found 2 characters, expected a reason of 15 to 500
    give a reason of at least 15 characters
    ");
    assert_eq!(rig.position("p-1"), "spark");
}

#[tokio::test]
async fn an_event_that_no_rule_sends_is_a_mistake_of_ours() {
    let rig = Rig::new();
    let sender = common::event::Actor { id: common::domain::id::HostAccount::github(1), login: "octo".into() };
    let gone = BranchDeleted { repository: repository(), branch: id("b"), before: id(&"0a".repeat(20)), sender };
    let fault = rig.gates.event(&envelope(rig.world.now(), "c", "x", Event::BranchDeleted(gone))).await.unwrap_err();
    assert!(!fault.is_retry(), "{fault}");
}
