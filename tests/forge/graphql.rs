//! `POST /graphql`: the two mutations that REST does not have, recognised by their names; a query that is anything else is an error.
//!
//! As on GitHub the answer is 200 whatever happened, with `errors`, and an App needs to write pull requests and contents: with
//! one of them alone it is told "Resource not accessible by integration".

use std::sync::Arc;

use axum::{body::Bytes, extract::State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    auth::Visitor,
    rest::{Answer, body, ok},
    talk,
    world::World,
};

#[derive(Deserialize)]
struct Query {
    query: String,
    variables: Variables,
}

#[derive(Deserialize)]
struct Variables {
    id: String,
}

pub(super) async fn answer(State(world): State<Arc<World>>, visitor: Visitor, bytes: Bytes) -> Answer {
    let Query { query, variables } = body(&bytes)?;
    let known = [("convertPullRequestToDraft", true), ("markPullRequestReadyForReview", false)];
    let Some((name, draft)) = known.into_iter().find(|(name, _)| query.contains(&format!("{name}(input:"))) else {
        return failed(Value::Null, "UNKNOWN_MUTATION", "this forge knows only the mutations of drafts");
    };
    let nothing = json!({name: null});
    let known = world.memory().pulls.values().find(|pull| format!("PR_{}", pull.id) == variables.id).cloned();
    let Some(mut pull) = known else {
        return failed(nothing, "NOT_FOUND", "Could not resolve to a node with the global id");
    };
    if !visitor.may_write(&["pull_requests", "contents"]) {
        return failed(nothing, "FORBIDDEN", "Resource not accessible by integration");
    }
    if !pull.open {
        return failed(nothing, "UNPROCESSABLE", "Pull request is closed");
    }
    if pull.draft != draft {
        pull.draft = draft;
        let action = if draft { "converted_to_draft" } else { "ready_for_review" };
        talk::keep(&world, &visitor, pull, action, json!({}));
    }
    ok(json!({"data": {name: {"clientMutationId": null}}}))
}

fn failed(data: Value, kind: &str, message: &str) -> Answer {
    ok(json!({"data": data, "errors": [{"type": kind, "message": message}]}))
}
