//! `/_forge/…`: what GitHub has in its settings pages (the webhook, its deliveries), what a test reads to see what was
//! asked, and what a test cannot wait for (a token's end, a tree of 100,000 files, a bad hour). No credentials needed.

use std::{collections::HashMap, sync::Arc};

use axum::{
    body::Bytes,
    extract::{Path, State},
    http::StatusCode,
};
use serde::Deserialize;
use serde_json::json;

use super::{
    auth::Access,
    rest::{Answer, Problem, body, created, ok},
    webhook::Hook,
    world::{Outage, World},
};

/// `GET /_forge/deliveries`: every delivery, oldest first, with what was sent and what came back.
pub(super) async fn deliveries(State(world): State<Arc<World>>) -> Answer {
    ok(json!(world.memory().deliveries))
}

/// `POST /_forge/redeliver/{id}`
pub(super) async fn redeliver(State(world): State<Arc<World>>, Path(id): Path<u64>) -> Answer {
    world.redeliver(id).map_or_else(|| Err(Problem::not_found()), |id| created(json!({"id": id})))
}

/// `GET /_forge/webhook`, without the secret.
pub(super) async fn webhook(State(world): State<Arc<World>>) -> Answer {
    ok(json!(world.memory().hook))
}

/// `PUT /_forge/webhook` `{"url", "secret"}`; `null` sends nothing any more.
pub(super) async fn set_webhook(State(world): State<Arc<World>>, bytes: Bytes) -> Answer {
    let hook: Option<Hook> = body(&bytes)?;
    if hook.as_ref().is_some_and(|hook| !hook.url.starts_with("http://")) {
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "url: expected http://… (a local receiver)"));
    }
    world.memory().hook = hook;
    ok(json!(world.memory().hook))
}

/// `GET /_forge/requests`: one line each, oldest first.
pub(super) async fn requests(State(world): State<Arc<World>>) -> Answer {
    ok(json!(world.memory().requests))
}

/// `GET /_forge/token-requests`: what tokens were asked for, without the tokens.
pub(super) async fn token_requests(State(world): State<Arc<World>>) -> Answer {
    ok(json!(world.memory().token_requests))
}

/// `POST /_forge/expire-tokens`: as if an hour had passed.
pub(super) async fn expire_tokens(State(world): State<Arc<World>>) -> Answer {
    world.memory().tokens.clear();
    ok(json!({}))
}

/// `PUT /_forge/grant` `{"contents": "read"}`: what the installation's owner grants from now on, beside the rest.
pub(super) async fn grant(State(world): State<Arc<World>>, bytes: Bytes) -> Answer {
    let asked: HashMap<String, Access> = body(&bytes)?;
    world.memory().granted.extend(asked);
    ok(json!(world.memory().granted))
}

#[derive(Deserialize)]
struct TreeLimit {
    entries: usize,
}

/// `PUT /_forge/tree-limit` `{"entries"}`: from how many entries on a tree's answer is truncated.
pub(super) async fn set_tree_limit(State(world): State<Arc<World>>, bytes: Bytes) -> Answer {
    world.memory().tree_limit = body::<TreeLimit>(&bytes)?.entries;
    ok(json!({}))
}

/// `PUT /_forge/outage` `{"after", "failures", "status"}`: after so many answers below `/repos`, so many fail.
pub(super) async fn set_outage(State(world): State<Arc<World>>, bytes: Bytes) -> Answer {
    let outage: Option<Outage> = body(&bytes)?;
    if outage.as_ref().is_some_and(|outage| StatusCode::from_u16(outage.status).is_err()) {
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "status: expected an HTTP status"));
    }
    world.memory().outage = outage;
    ok(json!({}))
}
