//! Who may ask, and what a request must be.

use serde_json::{Value, json};

use common::{
    domain::cluster::{ToldDrift, Weakness},
    ports::Clock,
    testing::repository,
};

use super::{ADMIN, APPROVER, MEMBER, READER, Rig, execution};

const RUN: &str = "/v1/clusters/production/us-east-1/mc01/runs/00000000-0000-4000-8000-000000000001/approvals";
const EXPLAIN: &str = "/v1/clusters/production/us-east-1/mc01/explain";

#[tokio::test]
async fn what_somebody_changed_by_hand_is_explained() {
    let rig = Rig::new().await;
    assert_eq!(rig.explain().await.get("drift"), None);
    let drift = ToldDrift { since: rig.world.now(), weakened: vec![Weakness::GateGone] };
    super::record(&rig.world, repository().id, super::MC01, Some(drift)).await;
    insta::assert_snapshot!(serde_json::to_string_pretty(&rig.explain().await["drift"]).unwrap(), @r#"
    {
      "how": "set it back in CodePipeline, or have it set back: restore_drift: true for production in environments.yaml",
      "reasons": [
        "unsafe: Deploy has no gate, so runs go on that nobody let through"
      ],
      "since": "2026-01-05T09:00:00Z",
      "weakened": [
        "gate_gone"
      ],
      "who": "whoever may change pipelines in the control plane's account, or environments.yaml"
    }
    "#);
}

#[tokio::test]
async fn each_refusal_has_its_status() {
    let rig = Rig::new().await;
    let approve = json!({"answer": "approve"});
    let hold =
        json!({"id": "h-1", "scope": "all", "reason": "incident 7: the network", "until": "2026-01-05T12:00:00Z"});
    let bad_hold = |field: &str, value: Value| {
        let mut hold = hold.clone();
        hold[field] = value;
        hold
    };
    let table = [
        (None, "POST", RUN, approve.clone(), 401),
        (Some("sub|nobody"), "POST", RUN, approve.clone(), 403),
        (READER, "POST", RUN, approve.clone(), 403),
        (APPROVER, "POST", RUN, approve.clone(), 409),
        (APPROVER, "POST", RUN, json!({"answer": "maybe"}), 422),
        (APPROVER, "POST", RUN, json!({"answer": "approve", "reason": "short"}), 422),
        (APPROVER, "POST", RUN, json!({"answer": "approve", "as": "ada"}), 422),
        (APPROVER, "POST", RUN, json!({"answer": "approve", "commit": "abc"}), 422),
        (APPROVER, "GET", RUN, Value::Null, 405),
        (APPROVER, "POST", "/v1/clusters/production/us-east-1/mc01/runs/latest/approvals", approve.clone(), 422),
        (APPROVER, "POST", "/v1/clusters/production/us-east-1/MC01/runs/x/approvals", approve.clone(), 422),
        (APPROVER, "POST", &RUN.replace("mc01", "mc09"), approve, 404),
        (None, "GET", EXPLAIN, Value::Null, 401),
        (READER, "GET", EXPLAIN, Value::Null, 200),
        (READER, "POST", EXPLAIN, json!({}), 405),
        (READER, "GET", "/v1/clusters/production/us-east-1/mc09/explain", Value::Null, 404),
        (READER, "GET", "/v1/clusters/production/us-east-1/regional/explain", Value::Null, 200),
        (READER, "GET", "/v1/clusters/production/us-east-1/mc01/explain?verbose=1", Value::Null, 422),
        (READER, "GET", "/v1/clusters", Value::Null, 404),
        (READER, "GET", "/v1/holds", Value::Null, 200),
        (READER, "POST", "/v1/holds", hold.clone(), 403),
        (MEMBER, "POST", "/v1/holds", bad_hold("scope", json!("everything")), 422),
        (MEMBER, "POST", "/v1/holds", bad_hold("until", json!("tomorrow")), 422),
        (MEMBER, "POST", "/v1/holds", bad_hold("reason", json!("because")), 422),
        (MEMBER, "POST", "/v1/holds", bad_hold("by", json!("ada")), 422),
        (MEMBER, "POST", "/v1/holds", json!("x"), 422),
        (READER, "DELETE", "/v1/holds/h-1", Value::Null, 403),
        (ADMIN, "DELETE", "/v1/holds/h-1", Value::Null, 404),
        (ADMIN, "PUT", "/v1/holds/h-1", Value::Null, 405),
    ];
    for (token, method, path, body, status) in table {
        let (found, answer) = rig.ask(token, method, path, &body).await;
        assert_eq!(found, status, "{token:?} {method} {path} {body}: {answer}");
    }
    let calls = rig.world.calls();
    assert!(!calls.iter().any(|call| call.write), "{calls:?}");
}

#[tokio::test]
async fn an_unknown_author_costs_one_approval_more() {
    let rig = Rig::new().await;
    let run = rig.wait(super::MC01, 1);
    rig.world.set_authors(&super::commit('a'), &[4242], 0);
    let (status, decided) = rig.answer(APPROVER, &run, "approve").await;
    assert_eq!((status, &decided["verdict"]), (200, &json!("hold")), "{decided}");
    let (_, decided) = rig.answer(ADMIN, &run, "approve").await;
    assert_eq!((&decided["verdict"], &decided["approved_by"]), (&json!("admit"), &json!(["ada", "bob"])), "{decided}");
    assert_eq!(rig.answers().len(), 1);
    assert_ne!(run, execution(2));
}
