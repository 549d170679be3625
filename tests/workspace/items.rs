//! Work items as they run: the real service behind its API, over the real adapter and a real DynamoDB implementation in this process, with
//! many at once.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use common::{
    aws::dynamodb::Table,
    domain::{audit::verify, governance::Governance},
    event::telling::Telling,
    http::Request,
    ports::{AuditTrail, Clock, Pause},
    testing::{GovernanceFiles, World, api_request},
};
use jiff::Timestamp;
use serde_json::{Value, json};
use stage_gate::{ItemGates, api::serve};
use tokio::task::JoinSet;

use crate::ports::{database, rows};

const STAGES: &str = "parked_review_days: 30
stages:
  - name: spark
    exit:
      feasible: {is: true, from: [attestation], by: [owner]}
  - name: seed
  - name: scaffold
  - name: ship
";

const LIMITS: &str = "default_ttl_seconds: 86400
max_ttl_seconds: 604800
ticket_ttl_seconds: 86400
warn_at_percent: 80
limits:
  portfolio: {limit: 40}
  \"pod-stage:*:*\": {limit: 20}
  \"pod-stage:*:seed\": {limit: 1}
";

/// A time that stands; waiting lets the others go on. Who waits for longer than the service's patience comes back.
#[derive(Clone, Copy)]
struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_767_603_600).unwrap()
    }
}

impl Pause for Still {
    async fn pause(&self, _: Duration) {
        tokio::task::yield_now().await;
    }
}

#[derive(Clone)]
struct Api {
    gates: Arc<ItemGates<Table, Still, World>>,
    database: dynoxide::Database,
}

impl Api {
    async fn new() -> Self {
        let (table, database) = database().await;
        let files = GovernanceFiles::default().with("stages/short.yaml", STAGES).with("limits.yaml", LIMITS);
        let governance = Governance::parse(&files.bytes()).unwrap();
        let gates =
            ItemGates { rows: table, host: World::new(), clock: Still, governance, telling: Telling::default() };
        Self { gates: Arc::new(gates), database }
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        let request: Request =
            serde_json::from_value(api_request(Some("sub|cy"), "POST", path, &body.to_string())).unwrap();
        let response = serve(&self.gates, &request).await;
        (response.status_code, serde_json::from_str(&response.body).unwrap())
    }

    async fn get(&self, item: &str) -> Value {
        let request = api_request(Some("sub|rae"), "GET", &format!("/v1/items/{item}"), "");
        let response = serve(&self.gates, &serde_json::from_value(request).unwrap()).await;
        serde_json::from_str(&response.body).unwrap()
    }

    /// An item for which the gate before seed is open.
    async fn ready(&self, item: &str) {
        let new = json!({"id": item, "title": "A product", "type": "project", "pod": "ratio", "owner": "cy", "pipeline": "short"});
        assert_eq!(self.post("/v1/items", new).await.0, 201);
        let word = json!({"key": "feasible", "value": true});
        assert_eq!(self.post(&format!("/v1/items/{item}/evidence"), word).await.0, 201);
    }

    async fn to_seed(&self, item: &str, request: &str, version: Option<u64>) -> (u16, Value) {
        let body = json!({"request_id": request, "from": "spark", "to": "seed", "version": version});
        self.post(&format!("/v1/items/{item}/transitions"), body).await
    }

    /// How often each action stands in an item's chain, which holds.
    async fn actions(&self, item: &str) -> BTreeMap<String, usize> {
        let subject = format!("item:{item}");
        let (entries, head) = self.gates.rows.chain(&subject).await.unwrap();
        verify(&subject, &entries, &head).unwrap();
        let mut actions = BTreeMap::new();
        for entry in entries {
            *actions.entry(entry.draft.action).or_default() += 1;
        }
        actions
    }
}

/// All at once, each until it has another answer than "not now".
async fn at_once(requests: impl IntoIterator<Item = (Api, String, String, Option<u64>)>) -> Vec<(u16, Value)> {
    let answer = |(api, item, request, version): (Api, String, String, Option<u64>)| async move {
        loop {
            let (status, body) = api.to_seed(&item, &request, version).await;
            if status != 503 {
                return (status, body);
            }
        }
    };
    requests.into_iter().map(answer).collect::<JoinSet<_>>().join_all().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_move_one_version_of_an_item_one_does() {
    let api = Api::new().await;
    api.ready("p-1").await;
    let version = api.get("p-1").await["version"].as_u64();
    let movers = (0..16).map(|number| (api.clone(), "p-1".to_owned(), format!("r-{number}"), version));
    let answers = at_once(movers).await;
    let moved = answers.iter().filter(|(status, body)| *status == 200 && body["verdict"] == "admit").count();
    let overtaken = answers.iter().filter(|(status, body)| *status == 409 && body["present"] == 3).count();
    assert_eq!((moved, overtaken), (1, 15), "{answers:#?}");
    assert_eq!(api.actions("p-1").await["item.forward"], 1);
    assert_eq!(api.get("p-1").await["version"], 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn copies_of_a_request_at_once_have_one_answer_and_one_effect() {
    let api = Api::new().await;
    api.ready("p-1").await;
    let before = rows(&api.database, "OUTBOX#").len();
    let answers = at_once((0..16).map(|_| (api.clone(), "p-1".to_owned(), "r-1".to_owned(), None))).await;
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:#?}");
    assert_eq!((answers[0].0, &answers[0].1["verdict"]), (200, &json!("admit")));
    // The old place, the new one, the gate.
    assert_eq!(rows(&api.database, "OUTBOX#").len() - before, 3);
    assert_eq!(api.actions("p-1").await["item.forward"], 1);
}

/// The item is in its stage with its place, or in neither: one place, many who could go there.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_items_that_may_go_to_one_place_one_does_and_the_others_stand_in_line() {
    let api = Api::new().await;
    let names: Vec<String> = (0..8).map(|number| format!("p-{number}")).collect();
    for name in &names {
        api.ready(name).await;
    }
    let answers = at_once(names.iter().map(|name| (api.clone(), name.clone(), "r-1".to_owned(), None))).await;
    let moved = answers.iter().filter(|(status, _)| *status == 200).count();
    let waits = answers.iter().filter(|(status, body)| *status == 409 && body["ticket"]["number"].is_u64()).count();
    assert_eq!((moved, waits), (1, 7), "one place, and seven in line: {answers:#?}");
    let mut there = 0;
    for name in &names {
        let item = api.get(name).await;
        there += usize::from(item["position"]["stage"] == "seed");
        if item["position"]["stage"] == "spark" {
            let full = &item["explain"]["full"]["full"][0];
            assert_eq!((&full["scope"], &full["queue"]), (&json!("pod-stage:ratio:seed"), &json!(7)), "{item}");
        }
    }
    assert_eq!(there, 1);
}
