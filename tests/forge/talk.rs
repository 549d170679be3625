//! What is said on a pull request: labels and comments. As on GitHub they belong to the issue of the same number, either of the
//! permissions for issues and pull requests is enough, a label that is not known yet is made by giving it, and whoever may
//! write may edit a comment, whoever made it.

use std::sync::Arc;

use axum::{body::Bytes, extract::State};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    auth::{Access, Caller, Visitor},
    clock, payload, pulls,
    rest::{Answer, Problem, body, created, ok},
    world::World,
};

/// GitHub's limit of a comment in characters.
const LONGEST: usize = 65_536;

/// A comment on a pull request.
#[derive(Debug, Clone)]
pub(super) struct Comment {
    id: u64,
    number: u64,
    body: String,
    user: Value,
    /// Whether the App made it.
    by_app: bool,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl Comment {
    fn show(&self, world: &World) -> Value {
        json!({
            "id": self.id,
            "node_id": format!("IC_{}", self.id),
            "url": format!("{}/issues/comments/{}", payload::api_url(world), self.id),
            "issue_url": format!("{}/issues/{}", payload::api_url(world), self.number),
            "body": self.body,
            "user": self.user,
            "performed_via_github_app": self.by_app.then(|| payload::app(world)),
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        })
    }
}

fn needs(visitor: &Visitor, access: Access) -> Result<(), Problem> {
    visitor.needs("issues", access).or_else(|_| visitor.needs("pull_requests", access))
}

/// `GET /repos/{owner}/{repo}/issues/{number}/labels`
pub(super) async fn labels(State(world): State<Arc<World>>, visitor: Visitor) -> Answer {
    needs(&visitor, Access::Read)?;
    let pull = pulls::find(&world, &visitor)?;
    ok(pull.labels.iter().map(|name| payload::label(&world, name)).collect())
}

#[derive(Deserialize)]
struct NewLabels {
    labels: Vec<String>,
}

/// `POST /repos/{owner}/{repo}/issues/{number}/labels`: one `labeled` webhook for each that is new.
pub(super) async fn add_labels(State(world): State<Arc<World>>, visitor: Visitor, bytes: Bytes) -> Answer {
    needs(&visitor, Access::Write)?;
    let asked: NewLabels = body(&bytes)?;
    if asked.labels.iter().any(|name| name.is_empty() || name.chars().count() > 50) {
        return Err(Problem::invalid("Validation Failed: a label's name has 1 to 50 characters"));
    }
    for name in asked.labels {
        let mut pull = pulls::find(&world, &visitor)?;
        if pull.labels.insert(name.clone()) {
            keep(&world, &visitor, pull, "labeled", json!({"label": payload::label(&world, &name)}));
        }
    }
    labels(State(world), visitor).await
}

/// `DELETE /repos/{owner}/{repo}/issues/{number}/labels/{name}`: 404 when it has no such label.
pub(super) async fn remove_label(State(world): State<Arc<World>>, visitor: Visitor) -> Answer {
    needs(&visitor, Access::Write)?;
    let mut pull = pulls::find(&world, &visitor)?;
    let name = visitor.part("name").to_owned();
    if !pull.labels.remove(&name) {
        return Err(Problem::not_found());
    }
    keep(&world, &visitor, pull, "unlabeled", json!({"label": payload::label(&world, &name)}));
    labels(State(world), visitor).await
}

/// Keeps a changed pull request and sends the webhook.
pub(super) fn keep(world: &World, visitor: &Visitor, mut pull: pulls::Pull, action: &str, more: Value) {
    pull.updated_at = clock::now();
    world.memory().pulls.insert(pull.number, pull.clone());
    pulls::announce(world, action, &pull, &visitor.account(world), more);
}

/// `GET /repos/{owner}/{repo}/issues/{number}/comments`: oldest first.
pub(super) async fn comments(State(world): State<Arc<World>>, visitor: Visitor) -> Answer {
    needs(&visitor, Access::Read)?;
    let pull = pulls::find(&world, &visitor)?;
    let all: Vec<Comment> = world.memory().comments.iter().filter(|one| one.number == pull.number).cloned().collect();
    ok(visitor.page(all).iter().map(|comment| comment.show(&world)).collect())
}

#[derive(Deserialize)]
struct Text {
    body: String,
}

fn text(bytes: &Bytes) -> Result<String, Problem> {
    let Text { body } = body(bytes)?;
    if body.is_empty() || body.chars().count() > LONGEST {
        return Err(Problem::invalid("Validation Failed: body is empty or too long (maximum is 65536 characters)"));
    }
    Ok(body)
}

/// `POST /repos/{owner}/{repo}/issues/{number}/comments`
pub(super) async fn add_comment(State(world): State<Arc<World>>, visitor: Visitor, bytes: Bytes) -> Answer {
    needs(&visitor, Access::Write)?;
    let body = text(&bytes)?;
    let number = pulls::find(&world, &visitor)?.number;
    let (user, now) = (visitor.account(&world), clock::now());
    let by_app = matches!(visitor.caller, Caller::Installation(_));
    let mut memory = world.memory();
    let id = memory.next_id();
    let comment = Comment { id, number, body, user, by_app, created_at: now, updated_at: now };
    memory.comments.push(comment.clone());
    drop(memory);
    created(comment.show(&world))
}

/// `GET /repos/{owner}/{repo}/issues/comments/{id}`
pub(super) async fn show_comment(State(world): State<Arc<World>>, visitor: Visitor) -> Answer {
    needs(&visitor, Access::Read)?;
    let id = visitor.number("id")?;
    let found = world.memory().comments.iter().find(|comment| comment.id == id).cloned();
    ok(found.ok_or_else(Problem::not_found)?.show(&world))
}

/// `PATCH /repos/{owner}/{repo}/issues/comments/{id}`
pub(super) async fn edit_comment(State(world): State<Arc<World>>, visitor: Visitor, bytes: Bytes) -> Answer {
    needs(&visitor, Access::Write)?;
    let body = text(&bytes)?;
    let id = visitor.number("id")?;
    let mut memory = world.memory();
    let comment = memory.comments.iter_mut().find(|comment| comment.id == id).ok_or_else(Problem::not_found)?;
    (comment.body, comment.updated_at) = (body, clock::now());
    let comment = comment.clone();
    drop(memory);
    ok(comment.show(&world))
}
