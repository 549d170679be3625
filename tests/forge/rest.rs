//! Routes, and how an answer looks: JSON objects in GitHub's form, errors as `{"message", "documentation_url"}`.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderName, HeaderValue, StatusCode},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{delete, get, patch, post, put},
};
use common::domain::id::quoted;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{
    auth, checks, codecommit, control, deployments, graphql, issues, pulls, repository, reviews, smart_http, statuses,
    talk, world::World,
};

/// The largest push in bytes: more than any test or demo has.
const LARGEST_PUSH: usize = 256 * 1024 * 1024;

pub(super) type Answer = Result<Response, Problem>;

/// An error answer.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    message: String,
    header: Option<(HeaderName, String)>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, message: &str) -> Self {
        Self { status, message: message.to_owned(), header: None }
    }

    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not Found")
    }

    pub(super) fn unauthorized(message: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, message)
    }

    /// 422: understood, and cannot be.
    pub(super) fn invalid(message: &str) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, message)
    }

    pub(super) fn with(mut self, name: &'static str, value: String) -> Self {
        self.header = Some((HeaderName::from_static(name), value));
        self
    }
}

impl From<anyhow::Error> for Problem {
    fn from(error: anyhow::Error) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, &format!("the forge failed: {error:#}"))
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = json!({"message": self.message, "documentation_url": "https://docs.github.com/rest", "status": self.status.as_str()});
        let mut response = (self.status, Json(body)).into_response();
        if let Some((name, value)) = self.header
            && let Ok(value) = HeaderValue::from_str(&value)
        {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

pub(super) fn ok(value: Value) -> Answer {
    Ok(Json(value).into_response())
}

pub(super) fn created(value: Value) -> Answer {
    Ok((StatusCode::CREATED, Json(value)).into_response())
}

/// A request's JSON body.
pub(super) fn body<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|error| {
        let (status, what) = match error.is_data() {
            true => (StatusCode::UNPROCESSABLE_ENTITY, "Invalid request"),
            false => (StatusCode::BAD_REQUEST, "Problems parsing JSON"),
        };
        Problem::new(status, &format!("{what}: {}", quoted(&error.to_string(), 300)))
    })
}

/// All routes. What is not a route may be git's: `/<owner>/<name>.git/…`.
pub(super) fn router(world: Arc<World>) -> Router {
    let repository = Router::new()
        .route("/", get(repository::show))
        .route("/installation", get(auth::installation))
        .route("/branches/{*branch}", get(repository::branch))
        .route("/git/refs", post(repository::create_reference))
        .route("/git/ref/{*name}", get(repository::reference))
        .route("/git/refs/{*name}", get(repository::reference))
        .route("/git/trees/{sha}", get(repository::tree))
        .route("/git/blobs/{sha}", get(repository::blob))
        .route("/git/commits/{sha}", get(repository::git_commit))
        .route("/compare/{*range}", get(repository::compare))
        .route("/pulls", get(pulls::list).post(pulls::open))
        .route("/pulls/{number}", get(pulls::show).patch(pulls::edit))
        .route("/pulls/{number}/files", get(pulls::files))
        .route("/pulls/{number}/merge", put(pulls::merge))
        .route("/pulls/{number}/reviews", get(reviews::list).post(reviews::submit))
        .route("/issues", get(issues::list).post(issues::open))
        .route("/issues/{number}", get(issues::show).patch(issues::edit))
        .route("/issues/{number}/labels", get(talk::labels).post(talk::add_labels))
        .route("/issues/{number}/labels/{name}", delete(talk::remove_label))
        .route("/issues/{number}/comments", get(talk::comments).post(talk::add_comment))
        .route("/issues/comments/{id}", get(talk::show_comment).patch(talk::edit_comment))
        .route("/statuses/{sha}", post(statuses::create))
        .route("/activity", get(repository::activity))
        .route("/deployments", get(deployments::list).post(deployments::create))
        .route("/deployments/{id}", get(deployments::show))
        .route("/deployments/{id}/statuses", get(deployments::statuses).post(deployments::report))
        .route("/commits/{sha}", get(repository::commit))
        .route("/commits/{sha}/pulls", get(pulls::with_commit))
        .route("/commits/{sha}/statuses", get(statuses::list))
        .route("/commits/{sha}/status", get(statuses::combined))
        .route("/check-runs", post(checks::create))
        .route("/check-runs/{id}", patch(checks::update).get(checks::show))
        .route("/check-runs/{id}/annotations", get(checks::annotations))
        .route("/commits/{sha}/check-runs", get(checks::list));
    let control = Router::new()
        .route("/deliveries", get(control::deliveries))
        .route("/redeliver/{id}", post(control::redeliver))
        .route("/webhook", get(control::webhook).put(control::set_webhook))
        .route("/requests", get(control::requests))
        .route("/token-requests", get(control::token_requests))
        .route("/grant", put(control::grant))
        .route("/expire-tokens", post(control::expire_tokens))
        .route("/outage", put(control::set_outage))
        .route("/codecommit/events", get(codecommit::all_events))
        .route("/codecommit/sink", put(codecommit::set_sink))
        .route("/codecommit/outage", put(codecommit::set_trouble))
        .route("/codecommit/limits", put(codecommit::set_limits))
        .route("/codecommit/identity", put(codecommit::set_identity))
        .route("/codecommit/rules", put(codecommit::set_rules))
        .route("/issue-gone", put(issues::set_gone))
        .route("/tree-limit", put(control::set_tree_limit));
    Router::new()
        .route("/app", get(auth::app))
        .route("/app/hook/deliveries", get(auth::hook_deliveries))
        .route("/app/hook/deliveries/{id}/attempts", post(auth::hook_attempt))
        .route("/app/installations/{id}/access_tokens", post(auth::access_token))
        .route("/graphql", post(graphql::answer))
        .route("/", post(codecommit::answer))
        .route("/repositories/{id}", get(repository::show_by_id))
        .nest("/repos/{owner}/{repo}", repository)
        .nest("/_forge", control)
        .fallback(smart_http::serve)
        .layer(middleware::from_fn_with_state(Arc::clone(&world), remember))
        .layer(DefaultBodyLimit::max(LARGEST_PUSH))
        .with_state(world)
}

/// Keeps a line for each request, so that a test can say how many writes there were; answers for an outage.
async fn remember(State(world): State<Arc<World>>, request: Request, next: Next) -> Response {
    // Of AWS's calls the header says which.
    let operation = request.headers().get("x-amz-target").and_then(|target| target.to_str().ok()?.split('.').nth(1));
    let line = format!("{} {}{}", request.method(), request.uri().path(), operation.unwrap_or_default());
    let own = request.uri().path().starts_with("/_forge");
    let failure = if request.uri().path().starts_with("/repos/") { outage(&world) } else { None };
    let response = match failure {
        Some(status) => Problem::new(status, "an outage, as the test asked for").into_response(),
        None => next.run(request).await,
    };
    if !own {
        world.memory().requests.push(format!("{line} {}", response.status().as_u16()));
    }
    response
}

fn outage(world: &World) -> Option<StatusCode> {
    let mut memory = world.memory();
    let outage = memory.outage.as_mut()?;
    if outage.after > 0 {
        outage.after -= 1;
        return None;
    }
    outage.failures = outage.failures.checked_sub(1)?;
    StatusCode::from_u16(outage.status).ok()
}
