//! The canary over HTTP: the adapter that ships against a server, behind which the webhook's real handler stands.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Method, Uri},
    response::Response,
};
use canary::{Canary, check::Expected};
use common::{
    domain::id::Digest, fault::Fault, http::Request, ports::Clock as _, testing::World, web::Web,
    webhook_secret::SecretSource,
};
use github_webhook::{Webhook, handle, secret::Keyring};
use jiff::SignedDuration;
use secrecy::SecretString;
use serde_json::{Value, json};
use tests::intake;
use tokio::net::TcpListener;

/// What the server does to one path instead of answering as it should.
#[derive(Clone)]
enum Broken {
    Status(u16),
    Body(&'static str),
    Slow(SignedDuration),
    Silent,
}

#[derive(Clone)]
struct Vault(String);

impl SecretSource for Vault {
    async fn fetch(&self) -> Result<SecretString, Fault> {
        Ok(self.0.clone().into())
    }
}

struct Server {
    world: World,
    webhook: Webhook<World, Vault>,
    broken: Mutex<Option<(&'static str, Broken)>>,
    answered: Mutex<Vec<String>>,
}

impl Server {
    async fn start() -> (Arc<Self>, Canary<Web, Vault, World>) {
        Self::with_limit(Duration::from_secs(60)).await
    }

    /// With the longest that one request may take.
    async fn with_limit(limit: Duration) -> (Arc<Self>, Canary<Web, Vault, World>) {
        let world = World::new();
        let (governance, secret) = (Digest::of(b"governance"), Vault(intake::secret()));
        let keyring = Keyring::new(secret.clone());
        let webhook = Webhook { intake: world.clone(), keyring, governance: governance.clone() };
        let (broken, answered) = (Mutex::default(), Mutex::default());
        let server = Arc::new(Self { world: world.clone(), webhook, broken, answered });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(Arc::clone(&server));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let site = Web::new("API_URL", &base, "", limit).unwrap();
        let expected = Expected { version: env!("CARGO_PKG_VERSION"), governance, issuer: true };
        (server, Canary { site, secret, clock: world, expected })
    }

    fn breaks(&self, path: &'static str, how: Broken) {
        *self.broken.lock().unwrap() = Some((path, how));
    }
}

/// As API Gateway: a token where one is needed, else the function.
async fn answer(
    State(server): State<Arc<Server>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let broken = server.broken.lock().unwrap().clone().filter(|(path, _)| *path == uri.path());
    let whole = |status: u16, body: String| Response::builder().status(status).body(Body::from(body)).unwrap();
    let (mut status, mut text) = match uri.path() {
        path if path.starts_with("/v1/") => (401, json!({"message": "Unauthorized"}).to_string()),
        path => {
            let headers: serde_json::Map<String, Value> =
                headers.iter().map(|(name, value)| (name.to_string(), json!(value.to_str().unwrap()))).collect();
            let request: Request = serde_json::from_value(json!({
                "version": "2.0", "rawPath": path, "isBase64Encoded": false, "headers": headers,
                "requestContext": {"http": {"method": method.as_str(), "path": path}},
                "body": String::from_utf8_lossy(&body),
            }))
            .unwrap();
            let answer = serde_json::to_value(handle(&server.webhook, &request, server.world.now()).await).unwrap();
            let status = u16::try_from(answer["statusCode"].as_u64().unwrap()).unwrap();
            (status, answer["body"].as_str().unwrap_or_default().to_owned())
        }
    };
    match broken {
        Some((_, Broken::Status(other))) => (status, text) = (other, "boom".into()),
        Some((_, Broken::Body(other))) => text = other.to_owned(),
        Some((_, Broken::Slow(time))) => server.world.pass(time),
        Some((_, Broken::Silent)) => std::future::pending().await,
        None => {}
    }
    server.answered.lock().unwrap().push(format!("{method} {} → {status}", uri.path()));
    whole(status, text)
}

#[tokio::test]
async fn a_healthy_api_passes_and_a_look_leaves_nothing() {
    let (server, canary) = Server::start().await;
    for _ in 0..3 {
        canary.look().await.unwrap();
    }
    let answered = server.answered.lock().unwrap().clone();
    assert_eq!(
        answered[..5],
        [
            "GET /health → 200",
            "GET /v1/items → 401",
            "GET /v1/wip/scopes → 401",
            "POST /webhooks/github → 200",
            "POST /webhooks/github → 401",
        ]
    );
    assert_eq!(answered.len(), 15);
    assert_eq!(server.world.calls(), [], "nothing was read or written");
}

#[tokio::test]
async fn what_is_broken_fails_the_look() {
    let (server, canary) = Server::start().await;
    let mut page = String::new();
    for (path, how) in [
        ("/health", Broken::Status(500)),
        ("/health", Broken::Slow(SignedDuration::from_millis(2_001))),
        ("/health", Broken::Body("<html>welcome</html>")),
        ("/v1/items", Broken::Status(200)),
        ("/v1/wip/scopes", Broken::Status(503)),
        ("/webhooks/github", Broken::Status(502)),
    ] {
        server.breaks(path, how);
        page.push_str(&format!("{}\n", canary.look().await.unwrap_err().chain()));
    }
    insta::assert_snapshot!(page, @r#"
    1 of 5 checks from outside failed: health: answered 500, not 200: "boom"
    1 of 5 checks from outside failed: health: took 2001 ms, and must take less than 2000 ms
    1 of 5 checks from outside failed: health: the body is not {status, version, governance_digest}: "<html>welcome</html>"
    1 of 5 checks from outside failed: items-closed: answered 200, not 401: "boom"
    1 of 5 checks from outside failed: scopes-closed: answered 503, not 401: "boom"
    2 of 5 checks from outside failed: ping: answered 502, not 200: "boom"; forged-ping: answered 502, not 401: "boom"
    "#);
    server.breaks("/health", Broken::Slow(SignedDuration::from_millis(1_999)));
    canary.look().await.unwrap();
}

#[tokio::test]
async fn another_deployment_another_secret_and_no_server_fail_the_look() {
    let (_server, mut canary) = Server::start().await;
    canary.expected.governance = Digest::of(b"of yesterday");
    let said = canary.look().await.unwrap_err().chain();
    assert!(said.contains("health: governance_digest is "), "{said}");
    canary.expected.governance = Digest::of(b"governance");
    canary.secret = Vault(json!({"current": "some other secret"}).to_string());
    let said = canary.look().await.unwrap_err().chain();
    assert!(said.starts_with("1 of 5 checks from outside failed: ping: answered 401, not 200"), "{said}");
}

#[tokio::test]
async fn a_server_that_is_silent_or_gone_is_told_of() {
    let (server, canary) = Server::with_limit(Duration::from_millis(20)).await;
    server.breaks("/health", Broken::Silent);
    let said = canary.look().await.unwrap_err().chain();
    assert!(said.contains("health: GET /health: no answer within 0.02 s"), "{said}");

    let (_server, mut canary) = Server::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    canary.site = Web::new("API_URL", &base, "", Duration::from_secs(60)).unwrap();
    let said = canary.look().await.unwrap_err().chain();
    assert!(said.starts_with("5 of 5 checks from outside failed: health: GET /health"), "{said}");
}
