//! The engine over HTTP: the operations of CodePipeline that are about runs.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::Context;
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::oneshot};

use super::{api::ApiError, machine::Machine};

/// A running engine. It stops when it is dropped.
#[derive(Debug)]
pub struct Engine {
    /// Where CodePipeline is: `http://127.0.0.1:<port>`.
    pub url: String,
    machine: Arc<Mutex<Machine>>,
    stop: Option<oneshot::Sender<()>>,
}

impl Engine {
    /// Starts one over a machine.
    ///
    /// # Errors
    /// The address cannot be listened on.
    pub async fn start(machine: Machine, listen: SocketAddr) -> anyhow::Result<Self> {
        let machine = Arc::new(Mutex::new(machine));
        let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
        let url = format!("http://{}", listener.local_addr()?);
        let (stop, stopped) = oneshot::channel();
        let router = Router::new().fallback(operation).with_state(machine.clone());
        let served = axum::serve(listener, router).with_graceful_shutdown(async move {
            // Whoever drops the sender stops the engine too.
            let _dropped_or_sent = stopped.await;
        });
        tokio::spawn(served.into_future());
        Ok(Self { url, machine, stop: Some(stop) })
    }

    /// The machine, for whoever does its work or looks at it.
    pub fn machine(&self) -> MutexGuard<'_, Machine> {
        lock(&self.machine)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _nobody_listens = stop.send(());
        }
    }
}

pub(super) fn lock(machine: &Mutex<Machine>) -> MutexGuard<'_, Machine> {
    // A test that panicked in between has failed already; the state is for the others to look at.
    machine.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) const TARGET: &str = "CodePipeline_20150709.";

/// One call in AWS JSON 1.1: the operation is in a header.
async fn operation(State(machine): State<Arc<Mutex<Machine>>>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok());
    let Some(operation) = target.and_then(|target| target.strip_prefix(TARGET)) else {
        return answer(Err(ApiError { kind: "UnknownOperationException", message: "no X-Amz-Target".to_owned() }));
    };
    let body: Value = match serde_json::from_slice(&body) {
        Ok(body) => body,
        Err(wrong) => return answer(Err(ApiError { kind: "SerializationException", message: wrong.to_string() })),
    };
    let by = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(caller);
    let answered = lock(&machine).call(operation, &body, &by.unwrap_or_default());
    answer(answered.unwrap_or_else(|| {
        let message = format!("the engine has no {operation}: it is the emulator's");
        Err(ApiError { kind: "UnknownOperationException", message })
    }))
}

/// The access key in a signature: who calls, as far as nobody checks it.
pub(super) fn caller(authorization: &str) -> Option<String> {
    let (_, credential) = authorization.split_once("Credential=")?;
    credential.split('/').next().map(str::to_owned)
}

pub(super) fn answer(answered: Result<Value, ApiError>) -> Response {
    let (status, body) = match answered {
        Ok(body) => (StatusCode::OK, body),
        Err(ApiError { kind, message }) => (StatusCode::BAD_REQUEST, json!({"__type": kind, "message": message})),
    };
    (status, [(header::CONTENT_TYPE, "application/x-amz-json-1.1")], body.to_string()).into_response()
}
