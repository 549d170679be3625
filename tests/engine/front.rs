//! The engine in front of an emulator: definitions are the emulator's, runs are the engine's. Builds end well at once, an action that
//! invokes a function invokes it, each push that the forge has starts what it should, and what happens is told on the default bus.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, Request, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use common::{
    aws::{Aws, eventbridge::EventBus},
    domain::id::EventId,
    ports::{Bus as _, OutboxRow},
    runtime::AwsSettings,
};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use jiff::Timestamp;
use serde_json::Value;
use tokio::{net::TcpListener, sync::Notify};

use super::{
    execution::{Outcome, Work},
    machine::Machine,
    server::{TARGET, answer, caller, lock},
};

/// How often the forge is asked where its branches stand: it tells nobody but the webhook.
const LOOK: Duration = Duration::from_millis(250);

/// What is around the engine.
#[derive(Debug, Clone)]
pub struct Around {
    /// The emulator that keeps the definitions: `http://127.0.0.1:<port>`.
    pub emulator: String,
    /// The emulator with the default bus.
    pub aws: String,
    /// The source host, and the token of somebody who may read there.
    pub forge: (String, String),
    /// What the host calls the repository that CodeCommit sources name without an owner.
    pub codecommit: Option<String>,
    /// The account of the events.
    pub account: String,
    /// Their region.
    pub region: String,
}

struct Front {
    machine: std::sync::Mutex<Machine>,
    around: Around,
    client: Client<HttpConnector, Full<Bytes>>,
    bus: EventBus,
    changed: Notify,
}

/// Listens and runs until the process ends; says where on its first line, as JSON.
///
/// # Errors
/// The address cannot be listened on.
pub async fn run(around: Around, listen: std::net::SocketAddr, ready: impl FnOnce(&str)) -> anyhow::Result<()> {
    let machine = Machine::new(&around.account, &around.region, now());
    let bus = EventBus::new(&Aws::with(AwsSettings::emulator(&around.aws)), "default");
    let client = Client::builder(TokioExecutor::new()).build_http();
    let front = Arc::new(Front { machine: machine.into(), around, client, bus, changed: Notify::new() });
    let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
    ready(&format!("http://{}", listener.local_addr()?));
    let router = Router::new().fallback(operation).with_state(front.clone());
    let pump = async {
        let mut look = tokio::time::interval(LOOK);
        loop {
            tokio::select! {
                () = front.changed.notified() => {}
                _ = look.tick() => {
                    if let Err(error) = front.look_at_branches().await {
                        // The forge comes after the engine, and may be busy: the next look asks again.
                        eprintln!("engine: {error:#}");
                    }
                }
            }
            front.pump().await;
        }
    };
    tokio::select! {
        served = axum::serve(listener, router) => Ok(served?),
        never = pump => never,
    }
}

/// Answers what is about runs, hands everything else on, and follows what becomes of definitions.
async fn operation(
    State(front): State<Arc<Front>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok());
    let operation = target.and_then(|target| target.strip_prefix(TARGET)).unwrap_or_default().to_owned();
    let asked: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let by = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(caller);
    let answered = {
        let mut machine = lock(&front.machine);
        machine.pass_to(now());
        machine.call(&operation, &asked, &by.unwrap_or_default())
    };
    let response = match answered {
        Some(answered) => answer(answered),
        None => match front.hand_on(&operation, &asked, method, uri, headers, body).await {
            Ok(response) => response,
            Err(error) => (StatusCode::BAD_GATEWAY, format!("the engine: {error:#}")).into_response(),
        },
    };
    front.changed.notify_one();
    response
}

#[allow(clippy::disallowed_methods, reason = "a program of the local stack: its clock is the machine's")]
fn now() -> Timestamp {
    Timestamp::now()
}

impl Front {
    async fn hand_on(
        &self,
        operation: &str,
        asked: &Value,
        method: Method,
        uri: Uri,
        mut headers: HeaderMap,
        body: Bytes,
    ) -> anyhow::Result<Response> {
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.around.emulator));
        headers.remove(header::HOST);
        headers.remove(header::CONTENT_LENGTH);
        if let Some(all) = request.headers_mut() {
            *all = headers;
        }
        let response = self.client.request(request.body(Full::new(body))?).await.context("asking the emulator")?;
        let (mut parts, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        if parts.status.is_success() {
            let told: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
            self.follow(operation, asked, &told).await?;
        }
        parts.headers.remove(header::TRANSFER_ENCODING);
        Ok((parts.status, parts.headers, body).into_response())
    }

    /// What became of a definition. A pipeline that is made runs at once, as AWS's do.
    async fn follow(&self, operation: &str, asked: &Value, told: &Value) -> anyhow::Result<()> {
        match operation {
            "CreatePipeline" | "UpdatePipeline" => {
                let pipeline = &told["pipeline"];
                lock(&self.machine).define(pipeline).map_err(anyhow::Error::msg)?;
                self.look_at_branches().await?;
                if operation == "CreatePipeline"
                    && let Some(name) = pipeline["name"].as_str()
                {
                    lock(&self.machine).trigger(name, "CreatePipeline");
                }
            }
            "DeletePipeline" => lock(&self.machine).forget(asked["name"].as_str().unwrap_or_default()),
            _ => {}
        }
        Ok(())
    }

    /// Asks the forge where the branches stand that pipelines read, and starts what a push starts.
    async fn look_at_branches(&self) -> anyhow::Result<()> {
        let branches = lock(&self.machine).branches();
        for (repository, branch) in branches {
            let Some(found) = self.forge(&repository, &format!("branches/{branch}")).await? else { continue };
            let Some(head) = found["commit"]["sha"].as_str() else { continue };
            let before = lock(&self.machine).head(&repository, &branch).map(str::to_owned);
            match before {
                Some(before) if before == head => {}
                Some(before) => {
                    let compared = self.forge(&repository, &format!("compare/{before}...{head}")).await?;
                    let files = compared.as_ref().and_then(|compared| compared["files"].as_array());
                    let touched: Vec<String> = files
                        .into_iter()
                        .flatten()
                        .filter_map(|file| file["filename"].as_str().map(str::to_owned))
                        .collect();
                    let mut machine = lock(&self.machine);
                    machine.pass_to(now());
                    // Two looks at once see the same push: it is one.
                    if machine.head(&repository, &branch) == Some(before.as_str()) {
                        machine.pushed(&repository, &branch, head, &touched);
                    }
                }
                None => lock(&self.machine).set_head(&repository, &branch, head),
            }
        }
        Ok(())
    }

    async fn forge(&self, repository: &str, below: &str) -> anyhow::Result<Option<Value>> {
        let (url, token) = &self.around.forge;
        let named = self.around.codecommit.as_deref().filter(|_| !repository.contains('/'));
        let repository = named.unwrap_or(repository);
        let request = Request::builder()
            .uri(format!("{url}/repos/{repository}/{below}"))
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .body(Full::default())?;
        let response = self.client.request(request).await.context("asking the forge")?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        anyhow::ensure!(response.status().is_success(), "the forge answered {} to {below}", response.status());
        Ok(Some(serde_json::from_slice(&response.into_body().collect().await?.to_bytes())?))
    }

    /// Does all work that there is, and tells what happened.
    async fn pump(&self) {
        let mut invocations = Vec::new();
        let events = {
            let mut machine = lock(&self.machine);
            machine.pass_to(now());
            loop {
                let work = machine.take_work();
                if work.is_empty() {
                    break;
                }
                for one in work {
                    match one {
                        Work::Build { action, .. } => {
                            machine.done(&action, Outcome::Succeeded { summary: None, by: None });
                        }
                        Work::Invoke { function, event, .. } => invocations.push((function, event)),
                    }
                }
            }
            machine.take_events()
        };
        for (function, event) in invocations {
            if let Err(error) = self.invoke(&function, &event).await {
                // As with AWS: the job is without an answer, and its action hangs until it times out.
                eprintln!("engine: {error:#}");
            }
        }
        if events.is_empty() {
            return;
        }
        let rows: Vec<OutboxRow> = events.iter().filter_map(row).collect();
        match self.bus.publish(&rows).await {
            Ok(refused) => refused.iter().for_each(|(_, why)| eprintln!("engine: the bus refused an event: {why}")),
            Err(fault) => eprintln!("engine: {}", fault.chain()),
        }
    }

    /// Hands a job to its function, as CodePipeline does: asynchronously, so that the function's answer is what it does with the job.
    async fn invoke(&self, function: &str, event: &Value) -> anyhow::Result<()> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}/2015-03-31/functions/{function}/invocations", self.around.aws))
            .header("x-amz-invocation-type", "Event")
            .header(header::AUTHORIZATION, INVOKER)
            .body(Full::from(event.to_string()))?;
        let response = self.client.request(request).await.with_context(|| format!("invoking {function}"))?;
        let status = response.status();
        anyhow::ensure!(status == StatusCode::ACCEPTED, "invoking {function} was answered {status}");
        Ok(())
    }
}

/// Who invokes: the emulated account's root user, by its access key. The emulator looks at no signature.
const INVOKER: &str =
    "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=0";

/// An event as the bus takes it.
fn row(event: &Value) -> Option<OutboxRow> {
    let detail = event["detail"].to_string();
    Some(OutboxRow {
        event_id: EventId::derived([detail.as_str(), event["time"].as_str()?]),
        source: event["source"].as_str()?.to_owned(),
        detail_type: event["detail-type"].as_str()?.to_owned(),
        detail,
        occurred_at: event["time"].as_str()?.parse().ok()?,
    })
}
