//! The same repository as CodeCommit has it: `POST /` in AWS JSON 1.1, the operation in a header. No emulator answers these calls over git.
//!
//! Exactly the operations that Penstock and the people of its tests call, held to the API reference: fields, codes, limits, pages.
//! <https://docs.aws.amazon.com/codecommit/latest/APIReference/Welcome.html>
//!
//! | file | what |
//! |---|---|
//! | here | who calls, which operation, what answers look like |
//! | `read` | the repository: branches, directories, contents, comparisons |
//! | `changes` | pull requests, approvals, merging |
//! | `comments` | comments on commits and pull requests |
//! | `events` | what EventBridge would be told |
//!
//! # What it is not
//! Signatures are not verified: an access key that begins with `user-` is the IAM user of that name, every other is the session of a
//! function's role. A pull request has one target and merges by squash; of approval rules it knows how many approvals each asks for.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use common::domain::id::{CodeCommitArn, CodeCommitId};
use jiff::Timestamp;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    auth::PERSON,
    rest::{Answer, body, ok},
    world::World,
};

pub(super) mod changes;
pub(super) mod comments;
pub(super) mod events;
mod read;

/// What an operation's header begins with.
const TARGET: &str = "CodeCommit_20150413.";
/// How many results a page has when nobody says.
const PAGE: usize = 100;
/// The largest file that the API reads: 6 MB.
const LARGEST_FILE: usize = 6 * 1024 * 1024;

/// Who the repository is on CodeCommit.
#[derive(Debug, Clone)]
pub struct CodeCommitIdentity {
    /// Its ARN: account, region and name.
    pub arn: CodeCommitArn,
    /// Its `repositoryId`.
    pub id: CodeCommitId,
}

/// What is kept in memory for CodeCommit.
pub(super) struct Aside {
    identity: Option<CodeCommitIdentity>,
    comments: Vec<comments::Comment>,
    /// Who approves which revision of which pull request.
    approvals: BTreeMap<(u64, String), BTreeSet<String>>,
    /// How many approvals each rule of a pull request asks for.
    rules: BTreeMap<u64, BTreeMap<String, usize>>,
    /// Who set the rules of a revision aside.
    overridden: BTreeMap<(u64, String), String>,
    events: Vec<Value>,
    sink: Option<Sink>,
    page: usize,
    largest_file: usize,
    trouble: Option<Trouble>,
}

/// Where events are sent: an EventBridge, and the access key with which they are put there.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Sink {
    url: String,
    #[serde(default)]
    access_key: Option<String>,
}

/// Some calls that fail, as in a bad hour.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Trouble {
    after: usize,
    failures: usize,
    code: String,
    message: Option<String>,
}

impl Aside {
    pub(super) fn new(identity: Option<CodeCommitIdentity>) -> Self {
        Self {
            identity,
            comments: Vec::new(),
            approvals: BTreeMap::new(),
            rules: BTreeMap::new(),
            overridden: BTreeMap::new(),
            events: Vec::new(),
            sink: None,
            page: PAGE,
            largest_file: LARGEST_FILE,
            trouble: None,
        }
    }
}

/// An error of the service.
#[derive(Debug)]
struct ApiError {
    code: String,
    message: String,
}

type Answered = Result<Value, ApiError>;

fn error(code: &str, message: &str) -> ApiError {
    ApiError { code: code.to_owned(), message: message.to_owned() }
}

impl From<anyhow::Error> for ApiError {
    fn from(failed: anyhow::Error) -> Self {
        error("InternalFailure", &format!("the forge failed: {failed:#}"))
    }
}

/// One call.
struct Call<'a> {
    world: &'a World,
    identity: CodeCommitIdentity,
    /// The caller's ARN.
    caller: String,
    asked: Value,
}

impl Call<'_> {
    /// The request in the form that an operation wants.
    fn asked<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        serde_json::from_value(self.asked.clone()).map_err(|wrong| error("SerializationException", &wrong.to_string()))
    }

    /// Makes sure that the name is this repository's.
    fn named(&self, name: &str) -> Result<(), ApiError> {
        if name == self.identity.arn.name() {
            return Ok(());
        }
        Err(error("RepositoryDoesNotExistException", &format!("{name} does not exist")))
    }

    /// A page of a list under its name, and the token of the next one.
    fn page(&self, name: &str, all: Vec<Value>) -> Answered {
        // GetDifferences alone has capital letters.
        let given = |small: &str, capital: &str| match &self.asked[small] {
            Value::Null => self.asked[capital].clone(),
            value => value.clone(),
        };
        let from = match given("nextToken", "NextToken").as_str() {
            Some(token) => token.parse().map_err(|_| error("InvalidContinuationTokenException", "invalid"))?,
            None => 0_usize,
        };
        let asked =
            given("maxResults", "MaxResults").as_u64().and_then(|most| usize::try_from(most).ok()).unwrap_or(PAGE);
        let size = asked.min(self.world.memory().codecommit.page).max(1);
        let next = (from + size < all.len()).then(|| (from + size).to_string());
        let page: Vec<Value> = all.into_iter().skip(from).take(size).collect();
        let mut answer = json!({ name: page });
        if let Some(next) = next {
            answer["nextToken"] = json!(next);
        }
        Ok(answer)
    }
}

/// A moment in AWS JSON 1.1: seconds since 1970.
fn time(at: Timestamp) -> Value {
    json!(at.as_millisecond() as f64 / 1000.0)
}

/// Who somebody of the forge is for AWS: whoever called AWS has an ARN already, the one person is a user, and the App is a function.
fn arn_of(user: &Value, identity: &CodeCommitIdentity) -> String {
    let account = identity.arn.account();
    match user["login"].as_str() {
        Some(login) if login.starts_with("arn:") => login.to_owned(),
        Some(PERSON) => format!("arn:aws:iam::{account}:user/{PERSON}"),
        _ => function_arn(identity, "forge"),
    }
}

fn function_arn(identity: &CodeCommitIdentity, name: &str) -> String {
    let name = format!("penstock-{name}");
    format!("arn:aws:sts::{}:assumed-role/{name}/{name}", identity.arn.account())
}

/// The access key and the region of a signature.
fn signer(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let mut scope = value.split_once("Credential=")?.1.split(['/', ',']);
    let (key, _day, region) = (scope.next()?, scope.next()?, scope.next()?);
    Some((key.to_owned(), region.to_owned()))
}

/// `POST /`
pub(super) async fn answer(State(world): State<Arc<World>>, headers: HeaderMap, bytes: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let operation = target.strip_prefix(TARGET).unwrap_or_default();
    let answered = call(&world, operation, &headers, &bytes).await;
    let (status, body) = match answered {
        Ok(body) => (StatusCode::OK, body),
        Err(ApiError { code, message }) => {
            let server = code == "InternalFailure";
            let status = if server { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::BAD_REQUEST };
            (status, json!({"__type": code, "message": message}))
        }
    };
    (status, [(header::CONTENT_TYPE, "application/x-amz-json-1.1")], body.to_string()).into_response()
}

async fn call(world: &World, operation: &str, headers: &HeaderMap, bytes: &Bytes) -> Answered {
    let Some((key, region)) = signer(headers) else {
        return Err(error("MissingAuthenticationTokenException", "Missing Authentication Token"));
    };
    if let Some(trouble) = trouble(world) {
        return Err(trouble);
    }
    let identity = world.memory().codecommit.identity.clone();
    let Some(identity) = identity.filter(|identity| identity.arn.region().as_str() == region) else {
        return Err(error("RepositoryDoesNotExistException", "there is no repository here"));
    };
    let caller = match key.strip_prefix("user-") {
        Some(name) => format!("arn:aws:iam::{}:user/{name}", identity.arn.account()),
        None => function_arn(&identity, &key.to_ascii_lowercase()),
    };
    let asked = serde_json::from_slice(bytes).map_err(|wrong| error("SerializationException", &wrong.to_string()))?;
    let call = Call { world, identity, caller, asked };
    match operation {
        "CreateBranch" => read::create_branch(&call).await,
        "GetBlob" => read::blob(&call).await,
        "GetBranch" => read::branch(&call).await,
        "GetCommit" => read::commit(&call).await,
        "GetDifferences" => read::differences(&call).await,
        "GetFolder" => read::folder(&call).await,
        "GetMergeOptions" => read::merge_options(&call).await,
        "GetRepository" => read::repository(&call),
        "CreatePullRequest" => changes::create(&call).await,
        "EvaluatePullRequestApprovalRules" => changes::evaluate(&call),
        "GetPullRequest" => changes::show(&call).await,
        "GetPullRequestApprovalStates" => changes::approval_states(&call),
        "GetPullRequestOverrideState" => changes::override_state(&call),
        "ListPullRequests" => changes::list(&call),
        "MergePullRequestBySquash" => changes::merge(&call).await,
        "OverridePullRequestApprovalRules" => changes::set_aside(&call),
        "UpdatePullRequestApprovalState" => changes::approve(&call),
        "UpdatePullRequestStatus" => changes::set_status(&call).await,
        "DeleteCommentContent" => comments::delete(&call),
        "GetCommentsForComparedCommit" => comments::of_commit(&call).await,
        "GetCommentsForPullRequest" => comments::of_change(&call),
        "PostCommentForComparedCommit" => comments::post_on_commit(&call).await,
        "PostCommentForPullRequest" => comments::post_on_change(&call),
        "UpdateComment" => comments::update(&call),
        _ => Err(error("UnknownOperationException", &format!("the forge does not answer {operation:?}"))),
    }
}

fn trouble(world: &World) -> Option<ApiError> {
    let mut memory = world.memory();
    let trouble = memory.codecommit.trouble.as_mut()?;
    if trouble.after > 0 {
        trouble.after -= 1;
        return None;
    }
    trouble.failures = trouble.failures.checked_sub(1)?;
    Some(error(&trouble.code, trouble.message.as_deref().unwrap_or("as the test asked for")))
}

/// `GET /_forge/codecommit/events`: as EventBridge would be told, oldest first.
pub(super) async fn all_events(State(world): State<Arc<World>>) -> Answer {
    ok(json!(world.memory().codecommit.events))
}

/// `PUT /_forge/codecommit/sink` `{"url", "access_key"}`: events go there from now on; `null` sends none any more.
pub(super) async fn set_sink(State(world): State<Arc<World>>, bytes: Bytes) -> Answer {
    let sink: Option<Sink> = body(&bytes)?;
    world.memory().codecommit.sink = sink;
    ok(json!({}))
}

/// `PUT /_forge/codecommit/outage` `{"after", "failures", "code", "message"?}`: after so many calls, so many fail.
pub(super) async fn set_trouble(State(world): State<Arc<World>>, bytes: Bytes) -> Answer {
    let trouble: Option<Trouble> = body(&bytes)?;
    world.memory().codecommit.trouble = trouble;
    ok(json!({}))
}

#[derive(Deserialize)]
struct Limits {
    page: Option<usize>,
    file_bytes: Option<usize>,
}

/// `PUT /_forge/codecommit/limits` `{"page", "file_bytes"}`: how much a page has at most, and a file that the API reads.
pub(super) async fn set_limits(State(world): State<Arc<World>>, bytes: Bytes) -> Answer {
    let Limits { page, file_bytes } = body(&bytes)?;
    let mut memory = world.memory();
    memory.codecommit.page = page.unwrap_or(memory.codecommit.page);
    memory.codecommit.largest_file = file_bytes.unwrap_or(memory.codecommit.largest_file);
    ok(json!({}))
}

#[derive(Deserialize)]
struct Identity {
    arn: Option<String>,
    id: Option<String>,
}

/// `PUT /_forge/codecommit/identity` `{"arn", "id"}`: the repository was deleted and made again, or is another's now.
pub(super) async fn set_identity(State(world): State<Arc<World>>, bytes: Bytes) -> Answer {
    let Identity { arn, id } = body(&bytes)?;
    let wrong = |error: common::domain::id::IdError| super::rest::Problem::invalid(&error.to_string());
    let mut memory = world.memory();
    if let Some(identity) = &mut memory.codecommit.identity {
        if let Some(arn) = arn {
            identity.arn = arn.parse().map_err(wrong)?;
        }
        if let Some(id) = id {
            identity.id = id.parse().map_err(wrong)?;
        }
    }
    ok(json!({}))
}

#[derive(Deserialize)]
struct Rules {
    number: u64,
    rules: BTreeMap<String, usize>,
}

/// `PUT /_forge/codecommit/rules` `{"number", "rules": {"two": 2}}`: how many approvals each approval rule of a pull request asks for.
pub(super) async fn set_rules(State(world): State<Arc<World>>, bytes: Bytes) -> Answer {
    let Rules { number, rules } = body(&bytes)?;
    world.memory().codecommit.rules.insert(number, rules);
    ok(json!({}))
}
