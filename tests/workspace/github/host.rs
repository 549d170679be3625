//! One forge with one App, a receiver of its webhooks, and a working copy that pushes over HTTP.

use std::{net::SocketAddr, path::Path, process::Stdio, sync::Arc, sync::OnceLock, time::Duration};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, Request, StatusCode},
};
use common::{
    aws::{Aws, codecommit::CodeCommit},
    domain::id::{CommitSha, RepositoryId},
    event::{Host as SourceHost, Repository},
    github::GitHub,
    runtime::AwsSettings,
};
use hmac::{Hmac, KeyInit, Mac};
use http_body_util::{BodyExt, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rand_chacha::rand_core::SeedableRng;
use rsa::{RsaPrivateKey, pkcs1::EncodeRsaPrivateKey, pkcs8::EncodePublicKey, pkcs8::LineEnding};
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::forge::{CodeCommitIdentity, Forge, Hook, PERSON_TOKEN, Settings};
use tokio::sync::mpsc;

pub(crate) const APP: u64 = 77;
pub(crate) const ID: u64 = 4242;
/// Who the repository is on CodeCommit.
pub(crate) const ARN: &str = "arn:aws:codecommit:us-east-1:111122223333:fleet";
pub(crate) const UUID: &str = "f7579e13-b83e-4027-aaef-650c0a1b2c3d";
const SECRET: &str = "It's a Secret to Everybody";

/// The App's key, private and public, as PEM text: the same in every run, made once.
pub(crate) fn key() -> &'static (String, String) {
    static KEY: OnceLock<(String, String)> = OnceLock::new();
    KEY.get_or_init(|| {
        let key = RsaPrivateKey::new(&mut rand_chacha::ChaCha20Rng::seed_from_u64(7), 2048).unwrap();
        let private = key.to_pkcs1_pem(LineEnding::LF).unwrap().to_string();
        (private, key.to_public_key().to_public_key_pem(LineEnding::LF).unwrap())
    })
}

/// A received webhook whose signature held.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) event: String,
    pub(crate) guid: String,
    pub(crate) body: Value,
    pub(crate) bytes: Bytes,
}

pub(crate) struct Host {
    pub(crate) forge: Forge,
    pub(crate) github: GitHub,
    received: mpsc::UnboundedReceiver<Received>,
    directory: TempDir,
}

impl Host {
    /// An empty repository.
    pub(crate) async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (sender, received) = mpsc::unbounded_channel();
        let receiver = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/webhooks/github", receiver.local_addr().unwrap());
        let router = Router::new().fallback(receive).with_state(Arc::new(sender));
        tokio::spawn(async { axum::serve(receiver, router).await });
        let forge = Forge::start(Settings {
            repository: "acme/fleet".parse().unwrap(),
            id: ID,
            also_installed_for: vec![ID + 1],
            default_branch: "main".parse().unwrap(),
            root: directory.path().join("host"),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            app_id: APP,
            app_public_key: key().1.clone(),
            webhook: Some(Hook { url, secret: SECRET.to_owned() }),
            codecommit: Some(CodeCommitIdentity { arn: ARN.parse().unwrap(), id: UUID.parse().unwrap() }),
        })
        .await
        .unwrap();
        let github = GitHub::new(&forge.url, APP, &key().0.clone().into()).unwrap();
        let host = Self { forge, github, received, directory };
        std::fs::create_dir(host.work()).unwrap();
        host.git("init --quiet --initial-branch=main .").await;
        host.git(&format!("remote add origin {}", host.forge.git_url)).await;
        host
    }

    /// A repository with one commit on main, whose webhook has been received.
    pub(crate) async fn with_main(files: &[(&str, &str)]) -> (Self, CommitSha) {
        let mut host = Self::start().await;
        let sha = host.commit(files, "first").await;
        host.git("push --quiet origin main").await;
        host.next("push").await;
        (host, sha)
    }

    pub(crate) fn repository(&self) -> Repository {
        Repository { host: SourceHost::Github, id: RepositoryId::GitHub(ID), name: "acme/fleet".parse().unwrap() }
    }

    pub(crate) fn work(&self) -> std::path::PathBuf {
        self.directory.path().join("work")
    }

    /// The same repository on CodeCommit.
    pub(crate) fn on_codecommit(&self) -> Repository {
        Repository::new(UUID.parse().unwrap(), "111122223333/fleet".parse().unwrap())
    }

    /// CodeCommit as a caller sees it: a key that begins with `user-` is that person's, any other a function's.
    pub(crate) fn codecommit(&self, key: &str) -> CodeCommit {
        CodeCommit::new(&Aws::with(AwsSettings {
            access_key_id: key.to_owned(),
            function_name: (!key.starts_with("user-")).then(|| format!("penstock-{key}")),
            ..AwsSettings::emulator(&self.forge.url)
        }))
    }

    /// A call of CodeCommit's API as somebody does it by hand.
    pub(crate) async fn call(&self, operation: &str, key: &str, body: Value) -> (StatusCode, Value) {
        let signed =
            format!("AWS4-HMAC-SHA256 Credential={key}/20260101/us-east-1/codecommit/aws4_request, Signature=0");
        let request = Request::post(&self.forge.url)
            .header("x-amz-target", format!("CodeCommit_20150413.{operation}"))
            .header("authorization", signed)
            .body(Full::<Bytes>::from(body.to_string()))
            .unwrap();
        answered(request).await
    }

    /// Runs git in the working copy; the arguments are separated by blanks.
    pub(crate) async fn git(&self, arguments: &str) -> String {
        let output = tokio::process::Command::new("git")
            .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.com"])
            .args(arguments.split(' '))
            .current_dir(self.work())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env_remove("GIT_DIR")
            .stdin(Stdio::null())
            .output()
            .await
            .unwrap();
        assert!(output.status.success(), "git {arguments}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Writes files (an empty text removes one) and commits them on the present branch.
    pub(crate) async fn commit(&self, files: &[(&str, &str)], message: &str) -> CommitSha {
        for (path, text) in files {
            let path = self.work().join(path);
            if text.is_empty() {
                std::fs::remove_file(path).unwrap();
            } else {
                std::fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).unwrap();
                std::fs::write(path, text).unwrap();
            }
        }
        self.git("add --all").await;
        self.git(&format!("commit --quiet --allow-empty --message={message}")).await;
        self.git("rev-parse HEAD").await.parse().unwrap()
    }

    /// The next webhook; it must be of this event.
    pub(crate) async fn next(&mut self, event: &str) -> Received {
        let received = tokio::time::timeout(Duration::from_secs(20), self.received.recv());
        let received = received.await.expect("a webhook within 20 s").unwrap();
        assert_eq!(received.event, event, "{}", received.body);
        received
    }

    /// One request as the forge's person.
    pub(crate) async fn person(&self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        self.request(method, path, PERSON_TOKEN, body).await
    }

    pub(crate) async fn request(&self, method: Method, path: &str, token: &str, body: Value) -> (StatusCode, Value) {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.forge.url))
            .header("authorization", format!("Bearer {token}"))
            .body(Full::<Bytes>::from(if body.is_null() { String::new() } else { body.to_string() }))
            .unwrap();
        answered(request).await
    }

    /// What was asked of the API, without the forge's own routes and without git's.
    /// What an App signs itself in with, good for so many seconds.
    pub(crate) fn app_jwt(issuer: u64, lifetime: i64) -> String {
        let now = common::ports::Clock::now(&common::runtime::SystemClock).as_second();
        let claims = json!({"iss": issuer, "iat": now - 60, "exp": now + lifetime});
        let signing = EncodingKey::from_rsa_pem(key().0.as_bytes()).unwrap();
        jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &signing).unwrap()
    }

    /// A token of the App for the one repository.
    pub(crate) async fn token(&self, permissions: Value) -> String {
        let path = format!("/app/installations/{APP}1/access_tokens");
        let asked = json!({"repository_ids": [ID], "permissions": permissions});
        let (status, made) = self.request(Method::POST, &path, &Self::app_jwt(APP, 540), asked).await;
        assert_eq!(status, 201, "{made}");
        made["token"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn requests(&self) -> Vec<String> {
        let (_, lines) = self.person(Method::GET, "/_forge/requests", Value::Null).await;
        let lines: Vec<String> = serde_json::from_value(lines).unwrap();
        lines.into_iter().filter(|line| !line.contains(".git/")).collect()
    }

    pub(crate) async fn open_pull(&self, head: &str) -> u64 {
        let body = json!({"title": "Add a cluster", "head": head, "base": "main"});
        let (status, pull) = self.person(Method::POST, "/repos/acme/fleet/pulls", body).await;
        assert_eq!(status, 201, "{pull}");
        pull["number"].as_u64().unwrap()
    }
}

async fn answered(request: Request<Full<Bytes>>) -> (StatusCode, Value) {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let response = client.request(request).await.unwrap();
    let status = response.status();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

async fn receive(
    State(sender): State<Arc<mpsc::UnboundedSender<Received>>>,
    headers: HeaderMap,
    bytes: Bytes,
) -> StatusCode {
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(&bytes);
    let expected = format!("sha256={}", hex::encode(mac.finalize().into_bytes()));
    if header("x-hub-signature-256") != expected {
        return StatusCode::UNAUTHORIZED;
    }
    let body = serde_json::from_slice(&bytes).unwrap();
    sender.send(Received { event: header("x-github-event"), guid: header("x-github-delivery"), body, bytes }).unwrap();
    StatusCode::ACCEPTED
}
