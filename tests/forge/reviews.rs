//! What people say of a pull request: a word on its present head, without comments on lines. <https://docs.github.com/en/rest/pulls/reviews>

use std::sync::Arc;

use axum::{body::Bytes, extract::State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    auth::{Access, Visitor},
    pulls,
    rest::{Answer, Problem, body, ok},
    world::World,
};

#[derive(Deserialize)]
struct Review {
    event: String,
}

/// `POST /repos/{owner}/{repo}/pulls/{number}/reviews` `{"event"}`: nobody approves their own.
pub(super) async fn submit(State(world): State<Arc<World>>, visitor: Visitor, bytes: Bytes) -> Answer {
    visitor.needs("pull_requests", Access::Write)?;
    let pull = pulls::find(&world, &visitor)?;
    let state = match body::<Review>(&bytes)?.event.as_str() {
        "APPROVE" => "APPROVED",
        "REQUEST_CHANGES" => "CHANGES_REQUESTED",
        "COMMENT" => "COMMENTED",
        _ => return Err(Problem::invalid("Variable $event of type PullRequestReviewEvent was provided invalid value")),
    };
    let review = {
        let mut memory = world.memory();
        let id = memory.next_id();
        let review = json!({"id": id, "user": visitor.account(&world), "state": state, "commit_id": pull.head});
        memory.reviews.entry(pull.number).or_default().push(review.clone());
        review
    };
    ok(review)
}

/// `GET /repos/{owner}/{repo}/pulls/{number}/reviews`: oldest first.
pub(super) async fn list(State(world): State<Arc<World>>, visitor: Visitor) -> Answer {
    visitor.needs("pull_requests", Access::Read)?;
    let pull = pulls::find(&world, &visitor)?;
    let all: Vec<Value> = world.memory().reviews.get(&pull.number).cloned().unwrap_or_default();
    ok(json!(visitor.page(all)))
}
