//! The API as a client meets it. Here: an item from its making to its end, and what a gate says. Beside it: who may and what a body must
//! be; places under the limits; what people say, and what is said to them; requests from the bus.

use common::{
    domain::{
        audit::{Entry, verify},
        governance::Governance,
        stage::Position,
        wip::Scope,
    },
    event::{Envelope, telling::Telling},
    http::Request,
    ports::{AuditTrail, Clock},
    testing::{GovernanceFiles, When, World, api_request, id},
};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::{ItemGates, api::serve, telling};

mod blocking;
mod bus;
mod deploying;
mod following;
mod ideas;
mod places;
mod refusals;
mod reviewing;
mod sourcing;
mod unblocking;
mod vouching;

const ADMIN: Option<&str> = Some("sub|ada");
const INTEGRATOR: Option<&str> = Some("sub|bob");
const OWNER: Option<&str> = Some("sub|cy");
const LEAD: Option<&str> = Some("sub|dan");
const OTHER_POD: Option<&str> = Some("sub|finn");
const READER: Option<&str> = Some("sub|rae");

const PEOPLE: &str = "groups: [executive, integrator, technical-lead]
people:
  ada: {slack_id: U0000ADA, jwt_subject: sub|ada, roles: [admin], pods: [ratio], groups: [executive]}
  bob: {jwt_subject: sub|bob, roles: [approver], pods: [ratio], groups: [integrator]}
  cy: {github_id: 1003, jwt_subject: sub|cy, roles: [member], pods: [ratio]}
  dan: {jwt_subject: sub|dan, roles: [member], pods: [ratio], groups: [technical-lead, integrator]}
  finn: {github_id: 1006, jwt_subject: sub|finn, roles: [member], pods: [nanda]}
  rae: {jwt_subject: sub|rae, roles: [reader], pods: []}
  zed: {jwt_subject: sub|zed, roles: [], pods: [ratio]}
";

const STAGES: &str = "parked_review_days: 30
stages:
  - name: spark
    exit:
      strategic_fit: {at_least: 3, from: [attestation], by: [technical-lead]}
      feasible: {is: true, from: [attestation], by: [owner, technical-lead]}
    reviews:
      - {group: integrator, at_least: 1}
    kill_rules:
      no-update: {when: {days_since_update: {more_than: 30}}, action: archive, grace_days: 7, notify: [owner, pod-lead]}
  - name: seed
    exit:
      coverage: {more_than: 60, from: [attestation], by: [owner]}
      tests_pass: {is: true, from: [attestation], by: [owner]}
    reviews:
      - {group: integrator, at_least: 1}
      - {group: executive, at_least: 1}
    kill_rules:
      poor: {when: {coverage: {less_than: 40}}, action: reject, grace_days: 0, notify: [owner]}
      stuck: {when: {dependencies_blocked_days: {more_than: 2}}, action: block, grace_days: 1, notify: [owner, integrator]}
  - name: scaffold
    exit:
      builds: {is: true, from: [check_run]}
  - name: ship
";

const LIMITS: &str = "default_ttl_seconds: 86400
max_ttl_seconds: 604800
ticket_ttl_seconds: 86400
warn_at_percent: 80
limits:
  portfolio: {limit: 10}
  \"pod:*\": {limit: 5}
  \"pod-stage:*:*\": {limit: 2}
";

const REPOSITORIES: &str = "repositories:
  - {id: 42, name: acme/clusters, kind: application, default_branch: main, items: {pod: ratio, pipeline: short, label: work}}
  - {id: 43, name: acme/other, kind: application, default_branch: main, items: {pod: nanda, pipeline: short}}
  - {id: 44, name: acme/third, kind: application, default_branch: main}
";

struct Rig {
    world: World,
    gates: ItemGates<World, World, World>,
}

impl Rig {
    fn new() -> Self {
        Self::with(LIMITS)
    }

    fn with(limits: &str) -> Self {
        Self::by(limits, STAGES)
    }

    fn with_stages(stages: &str) -> Self {
        Self::by(LIMITS, stages)
    }

    fn by(limits: &str, stages: &str) -> Self {
        let files = GovernanceFiles::default();
        let files = files.with("people.yaml", PEOPLE).with("stages/short.yaml", stages).with("limits.yaml", limits);
        let files = files.with("repositories.yaml", REPOSITORIES);
        let governance = Governance::parse(&files.bytes()).unwrap();
        let world = World::new();
        let gates = ItemGates {
            rows: world.clone(),
            host: world.clone(),
            clock: world.clone(),
            governance,
            telling: Telling::default(),
        };
        Self { world, gates }
    }

    async fn raw(&self, request: Value) -> (u16, Value) {
        let request: Request = serde_json::from_value(request).unwrap();
        let response = serve(&self.gates, &request).await;
        let body: Value = serde_json::from_str(&response.body).unwrap();
        if response.status_code >= 400 {
            assert_eq!(response.headers["content-type"], "application/problem+json");
            assert!(body["detail"].as_str().is_some_and(|detail| detail.len() > 10), "no reason: {body}");
        }
        (response.status_code, body)
    }

    async fn ask(&self, token: Option<&str>, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.raw(api_request(token, method, path, &body)).await
    }

    async fn post(&self, token: Option<&str>, path: &str, body: Value) -> (u16, Value) {
        self.ask(token, "POST", path, &body).await
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.ask(READER, "GET", path, &Value::Null).await
    }

    /// A new item of cy's in ratio.
    async fn make(&self, item: &str) -> Value {
        let (status, made) = self.post(OWNER, "/v1/items", new(item)).await;
        assert_eq!(status, 201, "{made}");
        made
    }

    async fn attest(&self, token: Option<&str>, item: &str, key: &str, value: Value) -> (u16, Value) {
        self.post(token, &format!("/v1/items/{item}/evidence"), json!({"key": key, "value": value})).await
    }

    async fn approve(&self, token: Option<&str>, item: &str, from: &str, to: &str) -> (u16, Value) {
        self.post(token, &format!("/v1/items/{item}/approvals"), json!({"from": from, "to": to})).await
    }

    async fn move_to(&self, token: Option<&str>, item: &str, request: &str, from: &str, to: &str) -> (u16, Value) {
        let body = json!({"request_id": request, "from": from, "to": to});
        self.post(token, &format!("/v1/items/{item}/transitions"), body).await
    }

    /// Everything that the gate before seed asks for.
    async fn ready_for_seed(&self, item: &str) {
        assert_eq!(self.attest(LEAD, item, "strategic_fit", json!(3)).await.0, 201);
        assert_eq!(self.attest(OWNER, item, "feasible", json!(true)).await.0, 201);
        assert_eq!(self.approve(INTEGRATOR, item, "spark", "seed").await.0, 201);
    }

    /// An item in seed.
    async fn seed(&self, item: &str) {
        self.make(item).await;
        self.ready_for_seed(item).await;
        let (status, decision) = self.move_to(OWNER, item, "to-seed", "spark", "seed").await;
        assert_eq!((status, &decision["verdict"]), (200, &json!("admit")), "{decision}");
    }

    fn position(&self, item: &str) -> String {
        match &self.world.dossiers()[&id(item)].item.position {
            Position::Active { stage } => stage.to_string(),
            Position::Parked { from } => format!("parked from {from}"),
            Position::Done { from } => format!("done in {from}"),
            Position::Killed { from } => format!("killed in {from}"),
        }
    }

    /// Where an item has its place.
    fn stands_in(&self, item: &str) -> Vec<String> {
        let rows = self.world.wip_rows();
        let held = rows.values().filter(|row| row.lease(&id(item), self.world.now()).is_some());
        held.map(|row| row.scope.to_string()).collect()
    }

    /// The item's chain, which holds.
    async fn chain(&self, item: &str) -> Vec<Entry> {
        let subject = format!("item:{item}");
        let (entries, head) = self.world.chain(&subject).await.unwrap();
        verify(&subject, &entries, &head).unwrap();
        entries
    }

    async fn actions(&self, item: &str) -> Vec<String> {
        self.chain(item).await.into_iter().map(|entry| entry.draft.action).collect()
    }

    /// The events since the last time this was asked, by name.
    fn told(&self) -> Vec<&'static str> {
        self.world.drain().iter().map(|event: &Envelope| event.event.kind().name()).collect()
    }
}

fn new(item: &str) -> Value {
    json!({"id": item, "title": "A product", "type": "project", "pod": "ratio", "owner": "cy", "pipeline": "short"})
}

/// What is missing, in words, with who can clear it.
fn missing(decision: &Value) -> String {
    let reasons = decision["reasons"].as_array().or(decision["explain"]["missing"].as_array()).unwrap();
    let line = |reason: &Value| {
        let who: Vec<&str> = reason["who"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let remedy = reason["remedy"]["action"].as_str().unwrap();
        assert!(reason["how"].as_str().is_some_and(|how| how.len() > 20), "{reason}");
        format!("{} [{}: {}]", reason["missing"].as_str().unwrap(), remedy, who.join(", "))
    };
    reasons.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn an_item_from_its_making_to_its_end() {
    let rig = Rig::new();
    let made = rig.make("p-1").await;
    assert_eq!((&made["position"], &made["version"]), (&json!({"state": "active", "stage": "spark"}), &json!(1)));
    assert_eq!(rig.stands_in("p-1"), ["portfolio", "pod:ratio", "pod-stage:ratio:spark"]);
    rig.ready_for_seed("p-1").await;
    assert_eq!(rig.told(), ["WIP Lock Acquired"]);

    let (status, decision) = rig.move_to(OWNER, "p-1", "r-1", "spark", "seed").await;
    assert_eq!((status, &decision["verdict"], &decision["version"]), (200, &json!("admit"), &json!(5)));
    assert_eq!((rig.position("p-1"), decision["reasons"].clone()), ("seed".to_owned(), json!([])));
    assert_eq!(rig.stands_in("p-1"), ["portfolio", "pod:ratio", "pod-stage:ratio:seed"]);
    let mut told = rig.told();
    told.sort_unstable();
    assert_eq!(told, ["Stage Gate Approved", "WIP Lock Acquired", "WIP Lock Released"]);

    rig.world.pass(SignedDuration::from_hours(1));
    let (_, back) = rig.move_to(LEAD, "p-1", "r-2", "seed", "spark").await;
    assert_eq!((&back["step"], rig.position("p-1")), (&json!("back"), "spark".to_owned()));

    let aside =
        json!({"request_id": "r-3", "from": "spark", "to": "PARKED", "reason": "until the team is back in May"});
    let (status, parked) = rig.post(OWNER, "/v1/items/p-1/transitions", aside).await;
    assert_eq!(
        (status, &parked["verdict"], rig.position("p-1")),
        (200, &json!("admit"), "parked from spark".to_owned())
    );
    assert_eq!(rig.stands_in("p-1"), Vec::<String>::new(), "what is put aside holds no place");
    let (_, resumed) = rig.move_to(OWNER, "p-1", "r-4", "spark", "spark").await;
    assert_eq!((&resumed["step"], rig.position("p-1")), (&json!("resume"), "spark".to_owned()));
    assert_eq!(rig.stands_in("p-1").len(), 3);

    let end = json!({"request_id": "r-5", "from": "spark", "to": "KILLED", "reason": "nobody wants to buy it at all"});
    let (_, killed) = rig.post(OWNER, "/v1/items/p-1/transitions", end).await;
    assert_eq!((&killed["verdict"], rig.position("p-1")), (&json!("admit"), "killed in spark".to_owned()));
    assert_eq!(rig.stands_in("p-1"), Vec::<String>::new());
    let (_, nowhere) = rig.move_to(OWNER, "p-1", "r-6", "spark", "seed").await;
    assert_eq!(
        missing(&nowhere),
        "the item has been killed, and goes nowhere: begin a new one [begin_anew: cy]",
        "of what has ended nothing else is missing"
    );
    assert_eq!(
        rig.actions("p-1").await,
        [
            "item.create",
            "item.attest",
            "item.attest",
            "item.approve",
            "item.forward",
            "item.back",
            "item.park",
            "item.resume",
            "item.kill",
            "item.reject"
        ]
    );
}

/// The five of the issue: each says all that is missing, changes nothing of the item, and is an event and an entry of the audit trail.
#[tokio::test]
async fn five_rejections_that_list_everything_missing() {
    let rig = Rig::new();
    rig.make("p-1").await;
    let mut page = Vec::new();
    let mut reject = |name: &str, (status, decision): (u16, Value)| {
        assert_eq!(
            (status, &decision["verdict"], &decision["moved"]),
            (200, &json!("reject"), &json!(false)),
            "{name}"
        );
        page.push(format!("{name}\n{}", missing(&decision)));
    };
    reject("a stage is skipped", rig.move_to(OWNER, "p-1", "r-1", "spark", "scaffold").await);
    reject("no such stage", rig.move_to(OWNER, "p-1", "r-2", "spark", "bogus").await);
    reject("nothing was brought", rig.move_to(OWNER, "p-1", "r-3", "spark", "seed").await);
    rig.ready_for_seed("p-1").await;
    rig.move_to(OWNER, "p-1", "r-4", "spark", "seed").await;
    rig.told();
    for (key, value) in [("coverage", json!("61")), ("tests_pass", json!("false"))] {
        assert_eq!(rig.attest(OWNER, "p-1", key, value).await.0, 201);
    }
    assert_eq!(rig.approve(LEAD, "p-1", "seed", "scaffold").await.0, 201);
    let version = rig.world.dossiers()[&id("p-1")].item.version;
    reject(
        "a text for a number, a text for a truth, and one's own review",
        rig.move_to(LEAD, "p-1", "r-5", "seed", "scaffold").await,
    );
    reject("it is elsewhere", rig.move_to(OWNER, "p-1", "r-6", "spark", "scaffold").await);
    insta::assert_snapshot!(page.join("\n\n"), @r#"
    a stage is skipped
    a move goes one stage forward: seed lies before it [ask_again: cy]
    strategic_fit is missing: it must be at least 3, from somebody's word [attest: dan]
    feasible is missing: it must be true, from somebody's word [attest: cy, dan]
    0 of 1 approvals of integrator: bob, dan may [approve: bob, dan]

    no such stage
    there is no stage bogus: there are spark, seed, scaffold, ship [ask_again: cy]

    nothing was brought
    strategic_fit is missing: it must be at least 3, from somebody's word [attest: dan]
    feasible is missing: it must be true, from somebody's word [attest: cy, dan]
    0 of 1 approvals of integrator: bob, dan may [approve: bob, dan]

    a text for a number, a text for a truth, and one's own review
    coverage is "61" (a text), and must be a number [attest: cy]
    tests_pass is "false" (a text), and must be true or false [attest: cy]
    0 of 1 approvals of integrator: bob may; who asks for the move does not count [approve: bob]
    0 of 1 approvals of executive: ada may [approve: ada]

    it is elsewhere
    the item is in seed, not in spark: look at it again [ask_again: cy]
    coverage is "61" (a text), and must be a number [attest: cy]
    tests_pass is "false" (a text), and must be true or false [attest: cy]
    0 of 1 approvals of executive: ada may [approve: ada]
    "#);
    assert_eq!((rig.position("p-1"), rig.world.dossiers()[&id("p-1")].item.version), ("seed".to_owned(), version));
    assert_eq!(rig.told(), ["Stage Gate Rejected", "Stage Gate Rejected"]);
    let entries = rig.chain("p-1").await;
    let refused: Vec<_> = entries.iter().filter(|entry| entry.draft.action == "item.reject").collect();
    assert_eq!(refused.len(), 5);
    assert_eq!(refused[3].draft.reasons.len(), 4, "every reason is in the trail: {:?}", refused[3].draft.reasons);
}

#[tokio::test]
async fn the_same_request_is_answered_the_same_whatever_has_changed_since() {
    let rig = Rig::new();
    rig.make("p-1").await;
    let refused = rig.move_to(OWNER, "p-1", "r-1", "spark", "seed").await;
    rig.ready_for_seed("p-1").await;
    assert_eq!(rig.move_to(OWNER, "p-1", "r-1", "spark", "seed").await, refused, "the gate would be open now");
    let admitted = rig.move_to(OWNER, "p-1", "r-2", "spark", "seed").await;
    assert_eq!(admitted.1["verdict"], "admit");
    rig.told();
    let entries = rig.chain("p-1").await.len();
    rig.world.pass(SignedDuration::from_hours(30));
    assert_eq!(rig.move_to(OWNER, "p-1", "r-2", "spark", "seed").await, admitted, "it is there already");
    assert_eq!((rig.told(), rig.chain("p-1").await.len()), (vec![], entries), "a copy has no second effect");

    for (who, from, to) in [(OWNER, "spark", "scaffold"), (OWNER, "seed", "seed"), (LEAD, "spark", "seed")] {
        let (status, problem) = rig.move_to(who, "p-1", "r-2", from, to).await;
        assert_eq!((status, &problem["type"]), (422, &json!("urn:penstock:problem:request-id-reused")));
    }
    // Another item has requests of its own.
    rig.make("p-2").await;
    assert_eq!(rig.move_to(OWNER, "p-2", "r-2", "spark", "seed").await.1["verdict"], "reject");
}

#[tokio::test]
async fn a_move_of_another_version_is_not_decided() {
    let rig = Rig::new();
    rig.make("p-1").await;
    rig.ready_for_seed("p-1").await;
    let ask = |version: u64| {
        let body = json!({"request_id": "r-1", "from": "spark", "to": "seed", "version": version});
        rig.post(OWNER, "/v1/items/p-1/transitions", body)
    };
    let (status, problem) = ask(3).await;
    assert_eq!((status, &problem["present"], rig.position("p-1")), (409, &json!(4), "spark".to_owned()));
    let (status, decision) = ask(4).await;
    assert_eq!((status, &decision["version"]), (200, &json!(5)));
}

/// Threat 55: item, place, answer, entry and events are one transaction, so that a stop anywhere leaves all or nothing, and the same
/// request finds out which.
#[tokio::test]
async fn a_stop_at_any_call_leaves_all_or_nothing_and_the_same_request_has_the_same_answer() {
    let mut stopped = 0;
    for when in [When::Before, When::After] {
        for number in 0.. {
            let rig = Rig::new();
            rig.make("p-1").await;
            rig.ready_for_seed("p-1").await;
            rig.told();
            rig.world.fail_call(number, when);
            let (status, first) = rig.move_to(OWNER, "p-1", "r-1", "spark", "seed").await;
            let calls = rig.world.calls().len();
            rig.world.heal();
            let stands = rig.stands_in("p-1").contains(&"pod-stage:ratio:seed".to_owned());
            assert_eq!(rig.position("p-1") == "seed", stands, "its place is where it is");
            let (again, second) = rig.move_to(OWNER, "p-1", "r-1", "spark", "seed").await;
            assert_eq!((again, &second["verdict"], rig.position("p-1")), (200, &json!("admit"), "seed".to_owned()));
            assert_eq!(rig.told().iter().filter(|name| **name == "Stage Gate Approved").count(), 1);
            assert_eq!(rig.actions("p-1").await.iter().filter(|action| *action == "item.forward").count(), 1);
            if number >= calls {
                assert_eq!((status, &first), (200, &second));
                break;
            }
            assert_eq!(status, 503, "{first}");
            stopped += 1;
        }
    }
    assert!(stopped >= 6, "{stopped}");
}

#[tokio::test]
async fn an_item_is_made_once() {
    let rig = Rig::new();
    let made = rig.make("p-1").await;
    rig.told();
    assert_eq!(rig.post(OWNER, "/v1/items", new("p-1")).await, (200, made));
    let mut other = new("p-1");
    other["title"] = json!("Another product");
    let (status, problem) = rig.post(OWNER, "/v1/items", other).await;
    assert_eq!((status, &problem["type"]), (409, &json!("urn:penstock:problem:item-exists")));
    assert_eq!((rig.told(), rig.actions("p-1").await), (vec![], vec!["item.create".to_owned()]));
    assert!(rig.world.wip_rows().contains_key(&Scope::Portfolio));
}
