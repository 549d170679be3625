//! Deployments and their statuses, as a person's pipeline makes them. <https://docs.github.com/en/rest/deployments>

use std::sync::Arc;

use axum::{body::Bytes, extract::State};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    auth::{Access, Visitor},
    clock, payload,
    rest::{Answer, Problem, body, created, ok},
    world::World,
};

/// A deployment.
#[derive(Debug, Clone)]
pub(super) struct Deployment {
    id: u64,
    sha: String,
    environment: String,
    created_at: Timestamp,
    statuses: Vec<Value>,
}

impl Deployment {
    fn show(&self) -> Value {
        json!({"id": self.id, "sha": self.sha, "environment": self.environment, "created_at": self.created_at})
    }
}

#[derive(Deserialize)]
struct Asked {
    #[serde(rename = "ref")]
    reference: String,
    environment: String,
}

#[derive(Deserialize)]
struct Status {
    state: String,
}

fn find(world: &World, visitor: &Visitor) -> Result<Deployment, Problem> {
    let id = visitor.number("id")?;
    let found = world.memory().deployments.iter().find(|one| one.id == id).cloned();
    found.ok_or_else(Problem::not_found)
}

/// `POST /repos/{owner}/{repo}/deployments`; `ref` is a commit here.
pub(super) async fn create(State(world): State<Arc<World>>, visitor: Visitor, bytes: Bytes) -> Answer {
    visitor.needs("deployments", Access::Write)?;
    let Asked { reference, environment } = body(&bytes)?;
    let sha = world.git.resolve(&reference, "commit").await?;
    let sha = sha.ok_or_else(|| Problem::invalid("No ref found for the deployment"))?;
    let mut memory = world.memory();
    let id = memory.next_id();
    let deployment = Deployment { id, sha, environment, created_at: clock::now(), statuses: Vec::new() };
    memory.deployments.push(deployment.clone());
    created(deployment.show())
}

/// `GET /repos/{owner}/{repo}/deployments`, the newest first.
pub(super) async fn list(State(world): State<Arc<World>>, visitor: Visitor) -> Answer {
    visitor.needs("deployments", Access::Read)?;
    let all: Vec<Value> = world.memory().deployments.iter().rev().map(Deployment::show).collect();
    ok(json!(visitor.page::<Value>(all)))
}

/// `GET /repos/{owner}/{repo}/deployments/{id}`
pub(super) async fn show(State(world): State<Arc<World>>, visitor: Visitor) -> Answer {
    visitor.needs("deployments", Access::Read)?;
    ok(find(&world, &visitor)?.show())
}

/// `POST /repos/{owner}/{repo}/deployments/{id}/statuses`, with the webhook `deployment_status`.
pub(super) async fn report(State(world): State<Arc<World>>, visitor: Visitor, bytes: Bytes) -> Answer {
    visitor.needs("deployments", Access::Write)?;
    let Status { state } = body(&bytes)?;
    let deployment = find(&world, &visitor)?;
    let status = {
        let mut memory = world.memory();
        let status = json!({"id": memory.next_id(), "state": state, "created_at": clock::now()});
        let kept = memory.deployments.iter_mut().find(|one| one.id == deployment.id);
        kept.ok_or_else(Problem::not_found)?.statuses.push(status.clone());
        status
    };
    let payload = json!({
        "action": "created",
        "deployment_status": status,
        "deployment": deployment.show(),
        "repository": payload::repository(&world),
        "sender": visitor.account(&world),
        "installation": payload::installation(&world),
    });
    world.emit("deployment_status", &payload);
    created(status)
}

/// `GET /repos/{owner}/{repo}/deployments/{id}/statuses`, the newest first.
pub(super) async fn statuses(State(world): State<Arc<World>>, visitor: Visitor) -> Answer {
    visitor.needs("deployments", Access::Read)?;
    let all: Vec<Value> = find(&world, &visitor)?.statuses.into_iter().rev().collect();
    ok(json!(visitor.page(all)))
}
