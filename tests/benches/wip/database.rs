//! A DynamoDB in this process: behind an address, where every call is counted, and directly, for what the database's own share costs.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE},
    response::IntoResponse,
};
use serde_json::json;

/// One call: which, and its body.
pub(crate) type Call = (String, String);

/// The database with its table `penstock`.
#[derive(Clone)]
pub(crate) struct Database {
    inner: dynoxide::Database,
    calls: Arc<AtomicU64>,
    last: Arc<Mutex<Call>>,
}

macro_rules! operations {
    ($database:expr, $call:expr, $body:expr, $($name:literal => $method:ident),*) => {
        match $call {
            $($name => {
                let request = serde_json::from_str($body).map_err(|error| error.to_string())?;
                let answer = $database.$method(request).map_err(|error| error.to_json())?;
                serde_json::to_string(&answer).map_err(|error| error.to_string())
            })*
            other => Err(format!("the benches do not call {other}")),
        }
    };
}

impl Database {
    pub(crate) fn new() -> Self {
        let inner = dynoxide::Database::memory().unwrap();
        let text = |name: &str| json!({"AttributeName": name, "AttributeType": "S"});
        let key = |name: &str, kind: &str| json!({"AttributeName": name, "KeyType": kind});
        let table = json!({
            "TableName": "penstock",
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [text("pk"), text("sk")],
            "KeySchema": [key("pk", "HASH"), key("sk", "RANGE")],
        });
        inner.create_table(serde_json::from_value(table).unwrap()).unwrap();
        Self { inner, calls: Arc::default(), last: Arc::default() }
    }

    /// One call, as its address takes it, without the network.
    pub(crate) fn call(&self, target: &str, body: &str) -> Result<String, String> {
        let name = target.rsplit('.').next().unwrap_or_default();
        operations!(self.inner, name, body,
            "DeleteItem" => delete_item,
            "PutItem" => put_item,
            "Query" => query,
            "TransactGetItems" => transact_get_items,
            "TransactWriteItems" => transact_write_items,
            "UpdateItem" => update_item)
    }

    /// How many calls the address has had.
    pub(crate) fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }

    /// The last call at the address.
    pub(crate) fn last(&self) -> Call {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Its address: a thread of its own serves it.
    pub(crate) fn serve(&self) -> String {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(self.clone());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                axum::serve(listener, router).await.unwrap();
            });
        });
        endpoint
    }
}

async fn answer(State(database): State<Database>, headers: HeaderMap, body: String) -> impl IntoResponse {
    let target = headers["x-amz-target"].to_str().unwrap().to_owned();
    database.calls.fetch_add(1, Ordering::SeqCst);
    let answer = database.call(&target, &body);
    *database.last.lock().unwrap_or_else(PoisonError::into_inner) = (target, body);
    let json = [(CONTENT_TYPE, "application/x-amz-json-1.0")];
    match answer {
        Ok(body) => (StatusCode::OK, json, body),
        Err(body) => (StatusCode::BAD_REQUEST, json, body),
    }
}
