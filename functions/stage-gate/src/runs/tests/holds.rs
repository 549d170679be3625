//! Holds: what waits is kept and told why; lifted, it goes on by itself.

use common::{event::Event, ports::GateAnswer};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{ADMIN, APPROVER, MC01, MEMBER, READER, Rig, missing};

fn hold(name: &str, scope: &str, until: &str) -> Value {
    json!({"id": name, "scope": scope, "reason": "incident 7: the network is being moved", "until": until})
}

impl Rig {
    async fn place(&self, name: &str, scope: &str) -> (u16, Value) {
        self.ask(MEMBER, "POST", "/v1/holds", &hold(name, scope, "2026-01-05T12:00:00Z")).await
    }

    async fn lift(&self, token: Option<&str>, name: &str) -> (u16, Value) {
        self.ask(token, "DELETE", &format!("/v1/holds/{name}"), &Value::Null).await
    }

    /// Delivers what was put into the outbox about holds, as the bus would.
    async fn deliver(&self) -> Vec<&'static str> {
        let events = self.world.drain();
        for event in &events {
            match &event.event {
                Event::HoldPlaced(placed) => self.gates.hold_changed(&placed.scope, &super::cause()).await.unwrap(),
                Event::HoldLifted(lifted) => self.gates.hold_changed(&lifted.scope, &super::cause()).await.unwrap(),
                _ => {}
            }
        }
        events.iter().map(|event| event.event.kind().name()).collect()
    }
}

#[tokio::test]
async fn a_hold_keeps_what_waits_and_lifted_lets_it_go_on_by_itself() {
    let rig = Rig::new().await;
    let run = rig.wait(MC01, 1);
    rig.wake(MC01).await;
    assert_eq!(rig.deliver().await, ["Run Gate Waiting"]);
    let (status, placed) = rig.place("h-1", "region:production/us-east-1").await;
    assert_eq!(status, 201, "{placed}");
    assert_eq!(rig.deliver().await, ["Hold Placed"]);
    assert_eq!(rig.told(), ["Run Gate Waiting"], "those who wait are told at once");
    let (_, decided) = rig.answer(APPROVER, &run, "approve").await;
    assert_eq!(decided["verdict"], "hold");
    insta::assert_snapshot!(missing(&decided), @r#"cy holds region:production/us-east-1 until 2026-01-05T12:00:00Z: "incident 7: the network is being moved" [cy or an administrator: one of them sends DELETE /v1/holds/h-1]"#);
    assert_eq!(decided["earliest"], "2026-01-05T12:00:00Z");
    assert_eq!(rig.explain().await["stops"][0]["until"], "2026-01-05T12:00:00Z");
    rig.sweep().await;
    assert_eq!(rig.answers(), []);

    let (status, refused) = rig.lift(APPROVER, "h-1").await;
    assert_eq!((status, refused["detail"].as_str()), (403, Some("cy placed it: they and admins lift it")));
    assert_eq!(rig.lift(MEMBER, "h-1").await.0, 200);
    rig.told();
    rig.sweep().await;
    assert_eq!(rig.answers(), [(run, GateAnswer::Approve)], "nobody has to ask again");
    assert_eq!(rig.actions("hold:h-1").await, ["hold.place", "hold.lift"]);
}

#[tokio::test]
async fn the_event_of_a_lifted_hold_alone_lets_the_run_go_on() {
    let rig = Rig::new().await;
    let run = rig.wait(MC01, 1);
    rig.place("h-1", "all").await;
    rig.answer(APPROVER, &run, "approve").await;
    rig.deliver().await;
    assert_eq!(rig.answers(), []);
    rig.lift(ADMIN, "h-1").await;
    assert!(rig.deliver().await.contains(&"Hold Lifted"));
    assert_eq!(rig.answers(), [(run, GateAnswer::Approve)]);
}

#[tokio::test]
async fn a_hold_ends_by_itself() {
    let rig = Rig::new().await;
    let run = rig.wait(MC01, 1);
    rig.place("h-1", "cluster:production/us-east-1/management/mc01").await;
    rig.answer(APPROVER, &run, "approve").await;
    rig.world.pass(SignedDuration::from_hours(3));
    rig.sweep().await;
    assert_eq!(rig.answers(), [(run, GateAnswer::Approve)]);
}

#[tokio::test]
async fn a_copy_of_the_request_places_nothing_twice_and_nothing_again() {
    let rig = Rig::new().await;
    assert_eq!(rig.place("h-1", "all").await.0, 201);
    let (status, same) = rig.place("h-1", "all").await;
    assert_eq!((status, same["by"].as_str()), (200, Some("cy")));
    assert_eq!(rig.place("h-1", "environment:production").await.0, 409, "another hold under its id");
    assert_eq!(rig.told(), ["Hold Placed"]);
    let (_, listed) = rig.ask(READER, "GET", "/v1/holds", &Value::Null).await;
    let explain = &listed["holds"][0]["explain"];
    assert_eq!(
        (&explain["who"], &explain["how"]),
        (&json!("cy or an administrator"), &json!("one of them sends DELETE /v1/holds/h-1")),
        "{listed}"
    );
    assert_eq!(
        (&explain["until"], explain["stops"].as_array().map(Vec::len)),
        (&json!("2026-01-05T12:00:00Z"), Some(3)),
        "{listed}"
    );
    assert_eq!((rig.lift(MEMBER, "h-1").await.0, rig.lift(MEMBER, "h-1").await.0), (200, 200));
    let (status, gone) = rig.place("h-1", "all").await;
    assert_eq!((status, gone["type"].as_str()), (409, Some("urn:penstock:problem:hold-exists")), "{gone}");
    assert!(gone["detail"].as_str().unwrap().starts_with("cy lifted the hold h-1"), "{gone}");
    assert_eq!(rig.told(), ["Hold Lifted"]);
    assert_eq!(rig.ask(READER, "GET", "/v1/holds", &Value::Null).await.1, json!({"holds": []}));
}

#[tokio::test]
async fn a_hold_that_would_stop_nothing_is_refused_with_the_nearest_name() {
    let rig = Rig::new().await;
    let (status, refused) = rig.place("h-1", "environment:prodution").await;
    assert_eq!((status, refused["errors"][0]["nearest"].as_str()), (422, Some("environment:production")), "{refused}");
    assert_eq!(rig.place("h-1", "cluster:production/us-east-1/management/mc02").await.0, 422);
    for until in ["2026-01-05T08:59:00Z", "2026-02-05T09:00:00Z"] {
        let (status, refused) = rig.ask(MEMBER, "POST", "/v1/holds", &hold("h-1", "all", until)).await;
        assert_eq!(status, 422, "{refused}");
    }
    assert_eq!((rig.lift(MEMBER, "h-1").await.0, rig.told()), (404, vec![]));
}
