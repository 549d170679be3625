//! An HTTP request about runs and holds to a call. The order: route, token, person, role, path, query, body. Whether somebody's answer
//! counts, and whose a hold is, only the rows say: the service asks again once it has them.

use std::borrow::Cow;

use common::{
    domain::{
        access::{self, Action, Actor},
        cluster::{ClusterKey, ClusterKind},
        governance::Governance,
        id::{CommitSha, Digest, ExecutionId, HoldId},
        reason::Reason,
        run::{Answer, HoldScope},
        wip::vet::Misfit,
    },
    http::{
        Refusal, Request,
        refusal::{may, no_query, path, read},
    },
};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::{answering::Saying, holding::NewHold};

/// How the routes begin.
const ROUTES: &str = "/v1/holds, /v1/clusters, /v1/removals";

/// The longest that a hold may stop anything: what is to stop longer is a freeze, or `pause` in `environments.yaml`.
const LONGEST: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What is asked for, parsed and allowed as far as it can be told without the rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// A new hold.
    Place(NewHold),
    /// The holds that stand.
    Holds,
    /// An end of a hold before its time.
    Lift(HoldId),
    /// What keeps the runs of a cluster.
    Explain(ClusterKey),
    /// An answer to a run.
    Answer(ClusterKey, ExecutionId, Saying),
    /// The removals that wait for people.
    Removals,
    /// An approval of removals, with its reason.
    ApproveRemovals(Digest, Option<String>),
}

impl Call {
    /// A word for the log.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Place(_) => "place a hold",
            Self::Holds => "list holds",
            Self::Lift(_) => "lift a hold",
            Self::Explain(_) => "explain a cluster",
            Self::Answer(..) => "answer a run",
            Self::Removals => "list removals",
            Self::ApproveRemovals(..) => "approve removals",
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HoldBody {
    id: HoldId,
    scope: HoldScope,
    reason: Reason,
    until: Timestamp,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RemovalsBody {
    reason: Option<Reason>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerBody {
    answer: Answer,
    commit: Option<CommitSha>,
    reason: Option<Reason>,
}

/// Which route a request is for, with what its path names.
enum Route<'r> {
    Holds,
    Hold(Cow<'r, str>),
    Explain([Cow<'r, str>; 3]),
    Approvals([Cow<'r, str>; 3], Cow<'r, str>),
    Removals,
    Removal(Cow<'r, str>),
}

/// Whether a path is one of these routes: else it is an item's.
pub fn is_ours(path: &str) -> bool {
    ["/v1/holds", "/v1/clusters", "/v1/removals"]
        .iter()
        .any(|start| path.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

/// Who asks, and for what.
///
/// # Errors
/// Why it is no call, or not theirs.
pub fn call(request: &Request, governance: &Governance, now: Timestamp) -> Result<(Actor, Call), Refusal> {
    let route = route(request)?;
    let method = method(request, &route)?;
    let claims = request.claims().ok_or(Refusal::NoToken)?;
    let actor = access::identify(&claims, &governance.people)?;
    let call = match (route, method) {
        (Route::Holds, "POST") => {
            may(&actor, Action::PlaceHold)?;
            no_query(request)?;
            Call::Place(new_hold(read(request)?, now)?)
        }
        (Route::Holds, _) => {
            may(&actor, Action::Read)?;
            no_query(request)?;
            Call::Holds
        }
        (Route::Hold(hold), _) => {
            // Whose hold it is comes later: this is what everybody needs.
            may(&actor, Action::PlaceHold)?;
            no_query(request)?;
            Call::Lift(path(&hold)?)
        }
        (Route::Explain(names), _) => {
            may(&actor, Action::Read)?;
            no_query(request)?;
            Call::Explain(cluster(&names)?)
        }
        (Route::Approvals(names, execution), _) => {
            may(&actor, Action::AnswerRun)?;
            let (cluster, execution, ()) = (cluster(&names)?, path(&execution)?, no_query(request)?);
            let AnswerBody { answer, commit, reason } = read(request)?;
            Call::Answer(cluster, execution, Saying { answer, commit, reason: reason.map(String::from), link: None })
        }
        (Route::Removals, _) => {
            may(&actor, Action::Read)?;
            no_query(request)?;
            Call::Removals
        }
        (Route::Removal(digest), _) => {
            may(&actor, Action::AnswerRun)?;
            let (digest, ()) = (path(&digest)?, no_query(request)?);
            let RemovalsBody { reason } = read(request)?;
            Call::ApproveRemovals(digest, reason.map(String::from))
        }
    };
    Ok((actor, call))
}

fn route(request: &Request) -> Result<Route<'_>, Refusal> {
    let none = || Refusal::NoRoute { path: request.path().to_owned(), routes: ROUTES };
    let segments = request.segments().ok_or_else(none)?;
    let [version, what, rest @ ..] = segments.as_slice() else { return Err(none()) };
    if version != "v1" {
        return Err(none());
    }
    match (what.as_ref(), rest) {
        ("holds", []) => Ok(Route::Holds),
        ("removals", []) => Ok(Route::Removals),
        ("removals", [digest, last]) if last == "approvals" => Ok(Route::Removal(digest.clone())),
        ("holds", [hold]) => Ok(Route::Hold(hold.clone())),
        ("clusters", [environment, alias, cluster, last]) if last == "explain" => {
            Ok(Route::Explain([environment.clone(), alias.clone(), cluster.clone()]))
        }
        ("clusters", [environment, alias, cluster, runs, execution, last]) if runs == "runs" && last == "approvals" => {
            Ok(Route::Approvals([environment.clone(), alias.clone(), cluster.clone()], execution.clone()))
        }
        _ => Err(none()),
    }
}

fn method<'r>(request: &'r Request, route: &Route<'_>) -> Result<&'r str, Refusal> {
    let (allowed, words): (&[&str], &'static str) = match route {
        Route::Holds => (&["GET", "POST"], "GET, POST"),
        Route::Hold(_) => (&["DELETE"], "DELETE"),
        Route::Explain(_) | Route::Removals => (&["GET"], "GET"),
        Route::Approvals(..) | Route::Removal(_) => (&["POST"], "POST"),
    };
    let method = request.method();
    if allowed.contains(&method) {
        return Ok(method);
    }
    Err(Refusal::WrongMethod { method: method.to_owned(), allowed: words })
}

/// The cluster of three segments: `regional` is the regional one, every other name a management cluster's.
fn cluster([environment, alias, name]: &[Cow<'_, str>; 3]) -> Result<ClusterKey, Refusal> {
    let kind = if name == "regional" { ClusterKind::Regional } else { ClusterKind::Management(path(name)?) };
    Ok(ClusterKey { environment: path(environment)?, region_alias: path(alias)?, kind })
}

fn new_hold(body: HoldBody, now: Timestamp) -> Result<NewHold, Refusal> {
    let HoldBody { id, scope, reason, until } = body;
    if until <= now {
        return Err(Refusal::Past { until, now });
    }
    let latest = now.saturating_add(LONGEST).unwrap_or(Timestamp::MAX);
    if until > latest {
        return Err(Refusal::Misfits(vec![Misfit {
            field: "until".to_owned(),
            found: until.to_string(),
            expected: format!(
                "at most 30 days from now, {latest:.0}; what stops longer is a freeze in environments.yaml"
            ),
            nearest: None,
        }]));
    }
    Ok(NewHold { id, scope, reason: reason.into(), until })
}
