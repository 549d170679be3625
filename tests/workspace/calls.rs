//! What a webhook costs: every HTTP request that leaves the function, counted at an endpoint, through the real handler, the real
//! adapters and the SDK. The endpoint answers as Secrets Manager and hands DynamoDB's calls to a real implementation in process.
//!
//! `make release-check` counts the same of the program that ships.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{ConnectInfo, State},
    http::{HeaderMap, Request as HttpRequest, Response as HttpResponse},
};
use common::{
    aws::{Aws, dynamodb::Table, secrets::Secrets},
    domain::id::Digest,
    ports::Clock,
    runtime::AwsSettings,
    testing::World,
    webhook_secret::StoredSecret,
};
use github_webhook::{Webhook, handle_in_time, handler::LIMIT, secret::Keyring};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::{Value, json};
use tests::intake::{self, Intake};
use tokio::net::TcpListener;

use crate::ports::{in_process_dynamodb, rows};

const READ_SECRET: &str = "secretsmanager.GetSecretValue";
const COMMIT: &str = "DynamoDB_20120810.TransactWriteItems";
const NOTE: &str = "DynamoDB_20120810.UpdateItem";

/// How many events go over one connection in the long test.
const MANY: usize = 1_000;

/// AWS as the function sees it: one address, and a memory of what was asked there.
#[derive(Clone)]
struct Endpoint {
    seen: Arc<Mutex<Seen>>,
    dynamodb: String,
    client: Client<HttpConnector, Full<Bytes>>,
}

#[derive(Default)]
struct Seen {
    calls: Vec<String>,
    connections: BTreeSet<SocketAddr>,
}

impl Endpoint {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap()
    }

    /// The calls since the last time this was asked.
    fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.seen().calls)
    }
}

async fn answer(
    State(endpoint): State<Endpoint>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Bytes,
) -> HttpResponse<Body> {
    let call = headers["x-amz-target"].to_str().unwrap().to_owned();
    {
        let mut seen = endpoint.seen();
        seen.connections.insert(peer);
        seen.calls.push(call.clone());
    }
    if call == READ_SECRET {
        let secret = json!({"Name": "webhook", "SecretString": intake::secret()});
        return HttpResponse::builder()
            .header("content-type", "application/x-amz-json-1.1")
            .body(Body::from(secret.to_string()))
            .unwrap();
    }
    let mut request = HttpRequest::post(&endpoint.dynamodb).body(Full::new(body)).unwrap();
    *request.headers_mut() = headers;
    let (parts, body) = endpoint.client.request(request).await.unwrap().into_parts();
    HttpResponse::from_parts(parts, Body::from(body.collect().await.unwrap().to_bytes()))
}

/// The function as its `main.rs` wires it, against a counting endpoint.
struct Function {
    webhook: Webhook<Table, StoredSecret>,
    endpoint: Endpoint,
    database: dynoxide::Database,
    world: World,
    sender: Intake,
}

impl Function {
    async fn start() -> Self {
        let (dynamodb, database) = in_process_dynamodb().await;
        let client = Client::builder(TokioExecutor::new()).build_http();
        let endpoint = Endpoint { seen: Arc::default(), dynamodb, client };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(endpoint.clone());
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });

        let aws = Aws::with(AwsSettings::emulator(&address));
        let secret = StoredSecret { secrets: Secrets::new(&aws), id: "webhook".into() };
        let intake = Table::new(&aws, "penstock");
        let webhook = Webhook { intake, keyring: Keyring::new(secret), governance: Digest::of(b"governance") };
        let world = World::new();
        Self { webhook, endpoint, database, sender: Intake::new(&world), world }
    }

    /// What INIT does before the first event.
    async fn init(&self) {
        self.webhook.keyring.warm_up(self.world.now()).await;
    }

    /// Hands a request over as Lambda does; answers the status, and the calls that were made for it.
    async fn invoke(&self, request: Value) -> (u64, Vec<String>) {
        let request = serde_json::from_value(request).unwrap();
        let response = handle_in_time(&self.webhook, &request, self.world.now(), LIMIT).await;
        let response = serde_json::to_value(response).unwrap();
        (response["statusCode"].as_u64().unwrap(), self.endpoint.calls())
    }
}

#[tokio::test]
async fn a_webhook_is_one_call() {
    let function = Function::start().await;
    assert_eq!(function.endpoint.calls(), [""; 0], "making the clients calls nobody");
    function.init().await;
    assert_eq!(function.endpoint.calls(), [READ_SECRET], "INIT reads the secret");

    let (body, delivery) = function.sender.push(&[("deploy/a.yaml", Some("1"))]);
    let accepted = function.invoke(intake::posted(&delivery, &body, true)).await;
    assert_eq!(accepted, (202, vec![COMMIT.to_owned()]), "an event is one call");
    assert_eq!(rows(&function.database, "OUTBOX#").len(), 1, "and that call committed it");

    let copy = function.invoke(intake::posted(&delivery, &body, true)).await;
    let noted = vec![COMMIT.to_owned(), NOTE.to_owned()];
    assert_eq!(copy, (200, noted.clone()), "a copy is one call more: it is noted");
    let same_body = function.invoke(intake::posted("another-delivery", &body, true)).await;
    assert_eq!(same_body, (200, noted), "so is the same body under another delivery");
    assert_eq!(rows(&function.database, "OUTBOX#").len(), 1);
}

#[tokio::test]
async fn what_is_no_event_calls_nobody() {
    let function = Function::start().await;
    function.init().await;
    function.endpoint.calls();
    let (body, delivery) = function.sender.push(&[("deploy/a.yaml", Some("1"))]);
    assert_eq!(function.invoke(intake::posted(&delivery, &body, false)).await, (401, vec![]), "a wrong signature");
    for (sample, status) in [
        (include_str!("../../events/github-webhook/ping.json"), 200),
        (include_str!("../../events/github-webhook/tag-pushed.json"), 200),
        (include_str!("../../events/github-webhook/health.json"), 200),
        (include_str!("../../events/github-webhook/forged-signature.json"), 401),
    ] {
        assert_eq!(function.invoke(serde_json::from_str(sample).unwrap()).await, (status, vec![]), "{sample}");
    }
    assert_eq!(rows(&function.database, "").len(), 0, "nothing was written");
}

#[tokio::test]
async fn a_thousand_webhooks_are_a_thousand_calls_over_one_connection() {
    let function = Function::start().await;
    function.init().await;
    assert_eq!(function.endpoint.calls(), [READ_SECRET]);
    for number in 0..MANY {
        let (body, delivery) = function.sender.push(&[("deploy/a.yaml", Some(&number.to_string()))]);
        let accepted = function.invoke(intake::posted(&delivery, &body, true)).await;
        assert_eq!(accepted, (202, vec![COMMIT.to_owned()]), "event {number}");
    }
    assert_eq!(function.endpoint.seen().connections.len(), 1, "both services have one address here, so one connection");
}
