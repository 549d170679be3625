//! Commit statuses: the latest for each context counts.

use std::sync::Arc;

use axum::{body::Bytes, extract::State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    auth::{Access, Visitor},
    clock, payload, repository,
    rest::{Answer, Problem, body, created, ok},
    world::World,
};

#[derive(Deserialize)]
struct NewStatus {
    state: String,
    target_url: Option<String>,
    description: Option<String>,
    context: Option<String>,
}

/// `POST /repos/{owner}/{repo}/statuses/{sha}`
pub(super) async fn create(State(world): State<Arc<World>>, visitor: Visitor, bytes: Bytes) -> Answer {
    visitor.needs("statuses", Access::Write)?;
    let new: NewStatus = body(&bytes)?;
    if !["error", "failure", "pending", "success"].contains(&new.state.as_str()) {
        return Err(Problem::invalid("Validation Failed: state is not included in the list"));
    }
    if new.description.as_deref().is_some_and(|text| text.chars().count() > 140) {
        return Err(Problem::invalid("Validation Failed: description is too long (maximum is 140 characters)"));
    }
    let Some(sha) = world.git.resolve(visitor.part("sha"), "commit").await? else {
        return Err(Problem::invalid(&format!("No commit found for SHA: {}", visitor.part("sha"))));
    };
    let creator = visitor.account(&world);
    let mut memory = world.memory();
    let status = json!({
        "id": memory.next_id(),
        "sha": sha,
        "url": format!("{}/statuses/{sha}", payload::api_url(&world)),
        "state": new.state,
        "target_url": new.target_url,
        "description": new.description,
        "context": new.context.unwrap_or_else(|| "default".to_owned()),
        "creator": creator,
        "created_at": clock::now(),
        "updated_at": clock::now(),
    });
    memory.statuses.push(status.clone());
    created(status)
}

/// `GET /repos/{owner}/{repo}/commits/{sha}/statuses`: all, newest first.
pub(super) async fn list(State(world): State<Arc<World>>, visitor: Visitor) -> Answer {
    visitor.needs("statuses", Access::Read)?;
    let sha = repository::commit_of(&world, visitor.part("sha")).await?;
    ok(json!(visitor.page(of(&world, &sha))))
}

/// `GET /repos/{owner}/{repo}/commits/{sha}/status`: the latest for each context, and what they amount to.
pub(super) async fn combined(State(world): State<Arc<World>>, visitor: Visitor) -> Answer {
    visitor.needs("statuses", Access::Read)?;
    let sha = repository::commit_of(&world, visitor.part("sha")).await?;
    let mut latest: Vec<Value> = Vec::new();
    for status in of(&world, &sha) {
        if latest.iter().all(|seen| seen.get("context") != status.get("context")) {
            latest.push(status);
        }
    }
    let any = |wanted: &[&str]| {
        latest.iter().filter_map(|status| status.get("state")?.as_str()).any(|state| wanted.contains(&state))
    };
    let state = match () {
        () if any(&["error", "failure"]) => "failure",
        () if latest.is_empty() || any(&["pending"]) => "pending",
        () => "success",
    };
    ok(json!({"state": state, "sha": sha, "total_count": latest.len(), "statuses": visitor.page(latest)}))
}

fn of(world: &World, sha: &str) -> Vec<Value> {
    let all = &world.memory().statuses;
    all.iter().rev().filter(|status| status.get("sha").and_then(Value::as_str) == Some(sha)).cloned().collect()
}
