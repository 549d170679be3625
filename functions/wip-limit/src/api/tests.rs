//! The API as a client meets it. Here: what comes back. Beside it: who may and what the body must be, and limits that people set.

use std::time::Duration;

use common::{
    domain::{
        governance::Governance,
        wip::{ItemType, Work},
    },
    event::telling::Telling,
    http::Request,
    ports::{Clock, Pause},
    testing::{GovernanceFiles, World, api_request},
};
use jiff::{SignedDuration, Timestamp};
use proptest::{prelude::*, sample::select};
use serde_json::{Value, json};

use crate::{Limiter, api::serve};

/// Who asks: what API Gateway passes on of a verified token.
#[derive(Debug, Clone, Copy)]
enum Token {
    None,
    Of(&'static str),
}

const ADMIN: Token = Token::Of("sub|ada");
const APPROVER: Token = Token::Of("sub|bob");
const MEMBER: Token = Token::Of("sub|cy");
const COLLEAGUE: Token = Token::Of("sub|dan");
const OTHER_POD: Token = Token::Of("sub|finn");
const READER: Token = Token::Of("sub|rae");

/// The world's clock; waiting only moves it.
struct Time(World);

impl Clock for Time {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

impl Pause for Time {
    async fn pause(&self, longest: Duration) {
        self.0.pass(SignedDuration::try_from(longest).unwrap());
    }
}

struct Rig {
    world: World,
    governance: Governance,
    limiter: Limiter<World, Time>,
}

impl Rig {
    fn new() -> Self {
        let world = World::new();
        let governance = Governance::parse(&GovernanceFiles::default().bytes()).unwrap();
        let (limits, telling) = (governance.limits.clone(), Telling::default());
        let limiter = Limiter { rows: world.clone(), clock: Time(world.clone()), limits, telling };
        Self { world, governance, limiter }
    }

    async fn raw(&self, request: Value) -> (u16, Value) {
        let request: Request = serde_json::from_value(request).unwrap();
        let response = serve(&self.limiter, &self.governance, &request).await;
        let body: Value = serde_json::from_str(&response.body).unwrap();
        if response.status_code >= 400 {
            assert_eq!(response.headers["content-type"], "application/problem+json");
            assert_eq!(body["status"], response.status_code, "{body}");
            assert!(
                body["detail"].as_str().is_some_and(|detail| detail.len() > 10),
                "a refusal without a reason: {body}"
            );
        }
        match response.status_code {
            401 => assert_eq!(response.headers["www-authenticate"], "Bearer"),
            405 => assert!(response.headers.contains_key("allow")),
            503 => assert_eq!(response.headers["retry-after"], "1"),
            _ => {}
        }
        (response.status_code, body)
    }

    async fn ask(&self, token: Token, method: &str, path: &str, body: &str) -> (u16, Value) {
        self.raw(request(token, method, path, body)).await
    }

    async fn lease(&self, token: Token, item: &str) -> (u16, Value) {
        self.ask(token, "POST", "/v1/wip/leases", &work(item).to_string()).await
    }

    fn calls(&self) -> usize {
        self.world.calls().len()
    }
}

fn request(token: Token, method: &str, path: &str, body: &str) -> Value {
    let subject = match token {
        Token::None => None,
        Token::Of(subject) => Some(subject),
    };
    api_request(subject, method, path, body)
}

fn work(item: &str) -> Value {
    json!({"item": item, "pod": "ratio", "stage": "scaffold", "type": "project", "owner": "cy", "involved": ["dan"]})
}

fn patched(field: &str, value: Value) -> String {
    let mut body = work("p-1");
    body[field] = value;
    body.to_string()
}

mod limits;
mod refusals;

const LIMIT: &str = r#"{"limit": 4, "expected_limit": 3, "reason": "two of us come back from leave"}"#;
const SCOPE: &str = "/v1/wip/scopes/pod-stage:ratio:scaffold";

#[tokio::test]
async fn a_lease_from_asking_to_release() {
    let rig = Rig::new();
    let (status, lease) = rig.lease(MEMBER, "p-1").await;
    assert_eq!(status, 201, "{lease}");
    assert_eq!(lease["scopes"], json!(["portfolio", "pod:ratio", "pod-stage:ratio:scaffold"]));
    assert_eq!((&lease["item"], &lease["holder"]), (&json!("p-1"), &json!("cy")));
    assert_eq!(lease["expires_at"], json!(rig.world.now() + SignedDuration::from_hours(24)));
    rig.world.pass(SignedDuration::from_mins(11));
    let (status, again) = rig.lease(MEMBER, "p-1").await;
    assert_eq!((status, &again), (200, &lease), "the same lease, the same fence");

    let renew = |token, fence: Value| {
        let (rig, body) = (&rig, json!({"fence": fence, "ttl_seconds": 3600}).to_string());
        async move { rig.ask(token, "POST", "/v1/wip/leases/p-1/renew", &body).await }
    };
    let fence = lease["fence"].clone();
    let (status, renewed) = renew(COLLEAGUE, fence.clone()).await;
    assert_eq!((status, &renewed["fence"]), (200, &fence), "{renewed}");
    assert_eq!(renewed["expires_at"], json!(rig.world.now() + SignedDuration::from_hours(1)));
    assert_eq!(renew(MEMBER, json!(7)).await.0, 409);
    let (status, refused) = renew(OTHER_POD, fence.clone()).await;
    assert_eq!(
        (status, &refused["detail"]),
        (403, &json!("finn is not in pod ratio: only its members and admins renew or release its leases"))
    );

    let give = format!("/v1/wip/leases/p-1?fence={fence}");
    assert_eq!(rig.ask(OTHER_POD, "DELETE", &give, "").await.0, 403);
    let scopes = "scopes=portfolio,pod:ratio,pod-stage%3Aratio%3Ascaffold";
    let (status, done) = rig.ask(MEMBER, "DELETE", &format!("{give}&{scopes}"), "").await;
    assert_eq!((status, &done["released"]), (200, &json!(true)), "{done}");
    assert_eq!(rig.ask(MEMBER, "DELETE", &give, "").await.0, 404);
    assert_eq!(renew(MEMBER, fence).await.0, 404);
}

#[tokio::test]
async fn who_comes_too_late_is_told_who_holds_and_where_they_stand() {
    let rig = Rig::new();
    for item in ["p-1", "p-2", "p-3"] {
        assert_eq!(rig.lease(MEMBER, item).await.0, 201, "{item}");
    }
    let (status, first) = rig.lease(COLLEAGUE, "p-4").await;
    assert_eq!(
        (status, &first["type"], &first["position"]),
        (409, &json!("urn:penstock:problem:queued"), &json!(1)),
        "{first}"
    );
    assert_eq!(first["full"][0]["scope"], "pod-stage:ratio:scaffold");
    assert_eq!(first["full"][0]["limit"], 3);
    assert_eq!(first["full"][0]["holders"].as_array().unwrap().len(), 3);
    let (_, again) = rig.lease(COLLEAGUE, "p-4").await;
    assert_eq!(again["ticket"]["number"], first["ticket"]["number"], "the same ticket");
    let (_, second) = rig.lease(COLLEAGUE, "p-5").await;
    assert_eq!(second["position"], 2);

    let (status, scope) = rig.ask(READER, "GET", SCOPE, "").await;
    assert_eq!(status, 200);
    assert_eq!((&scope["limit"], &scope["active"], &scope["nearly_full"]), (&json!(3), &json!(3), &json!(true)));
    let items = |list: &Value| list.as_array().unwrap().iter().map(|entry| entry["item"].clone()).collect::<Vec<_>>();
    assert_eq!((items(&scope["holders"]).len(), items(&scope["queue"])), (3, vec![json!("p-4"), json!("p-5")]));
    assert_eq!(scope["holders"][0]["age_seconds"], 0);

    let (status, all) = rig.ask(READER, "GET", "/v1/wip/scopes", "").await;
    let scopes: Vec<&str> =
        all["scopes"].as_array().unwrap().iter().map(|scope| scope["scope"].as_str().unwrap()).collect();
    assert_eq!((status, scopes), (200, vec!["portfolio", "expedite", "pod:ratio", "pod-stage:ratio:scaffold"]));
}

#[tokio::test]
async fn the_expedite_lane_is_for_approvers_and_admins() {
    let rig = Rig::new();
    let hurried = patched("expedite", json!(true));
    let (status, refused) = rig.ask(MEMBER, "POST", "/v1/wip/leases", &hurried).await;
    assert_eq!(
        (status, refused["detail"].as_str().unwrap()),
        (403, "cy has the role member, and to take the expedite lane needs the role approver")
    );
    assert_eq!(rig.ask(APPROVER, "POST", "/v1/wip/leases", &hurried).await.0, 201);
}

#[tokio::test]
async fn an_item_whose_scope_has_no_rule_is_refused() {
    let rig = Rig::new();
    let mut limiter = rig.limiter;
    limiter.limits.rules.retain(|pattern, _| pattern.as_str() != "pod:*");
    limiter.limits.rules.retain(|pattern, _| pattern.as_str() != "pod-stage:*:*");
    let rig = Rig { limiter, ..rig };
    let body = patched("stage", json!("seed"));
    let (status, refused) = rig.ask(MEMBER, "POST", "/v1/wip/leases", &body).await;
    assert_eq!((status, &refused["scopes"]), (422, &json!(["pod-stage:ratio:seed"])), "{refused}");
    assert_eq!(rig.calls(), 0);
}

#[tokio::test]
async fn a_table_that_does_not_answer_is_503_and_a_mistake_of_ours_500_without_its_words() {
    let rig = Rig::new();
    rig.world.fail("WipRows.commit", "", "the table of account 12", true, 1);
    assert_eq!(rig.lease(MEMBER, "p-1").await.0, 503);
    rig.world.fail("WipRows.commit", "", "the table of account 12", false, 1);
    let (status, problem) = rig.lease(MEMBER, "p-1").await;
    assert_eq!(status, 500);
    assert!(!problem.to_string().contains("account 12"), "{problem}");
}

#[test]
fn the_body_of_a_request_is_the_work_and_how_long() {
    let body = r#"{"item": "p-1", "pod": "ratio", "stage": "scaffold", "type": "deployment", "owner": "cy", "involved": ["dan", "eve"],
        "environment": "staging", "account": "000000000012", "expedite": true, "ttl_seconds": 60}"#;
    let rig = Rig::new();
    let request: Request = serde_json::from_value(request(ADMIN, "POST", "/v1/wip/leases", body)).unwrap();
    let (actor, call) = crate::http::call(&request, &rig.governance, rig.world.now()).unwrap();
    let mut plain: Value = serde_json::from_str(body).unwrap();
    plain.as_object_mut().unwrap().remove("ttl_seconds");
    let work: Work = serde_json::from_value(plain).unwrap();
    assert_eq!((work.item_type, actor.person.as_str()), (ItemType::Deployment, "ada"));
    assert_eq!(call, crate::http::Call::Ask { work, ttl_seconds: Some(60) });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever comes, one answer goes back, in plain words; nothing of it reaches the table unless it is a call.
    #[test]
    fn any_request_is_answered(
        method in select(&["GET", "POST", "PUT", "DELETE", "TRACE", ""][..]),
        path in "/v1/wip/(leases|scopes)(/[a-zA-Z0-9:%*.-]{0,12}){0,2}|.{0,20}",
        query in "(fence|scopes|x)?=?[a-z0-9:,%&+=-]{0,12}",
        body in prop_oneof![any::<String>(), "[{}\\[\\]\":,a-z0-9]{0,40}", Just(work("p-1").to_string())],
        token in select(&[Token::None, READER, MEMBER, ADMIN][..]),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let rig = Rig::new();
        let (status, answer) = runtime.block_on(rig.ask(token, method, &format!("{path}?{query}"), &body));
        prop_assert!([200, 201, 400, 401, 403, 404, 405, 409, 422].contains(&status), "{status} {answer}");
        if status >= 400 {
            let said = answer["detail"].as_str().unwrap();
            prop_assert!(said.chars().all(|character| matches!(character, ' '..='~' | '…' | '·')), "{said:?}");
        }
        prop_assert!(status < 400 || status == 404 || status == 409 || rig.calls() == 0);
    }
}
