//! An HTTP request about ideas to a call. The order: route, token, person, role, path, query, body. Whose an idea is, only the rows say.

use std::borrow::Cow;

use common::{
    domain::{
        access::{self, Action, Actor},
        governance::Governance,
        id::{ItemId, PersonName, PodName, StagePipelineName},
        idea::Grades,
        reason::Reason,
        wip::ItemType,
    },
    http::{
        Refusal, Request,
        refusal::{may, no_query, path, read},
    },
};
use serde::Deserialize;

use super::{Deed, NewIdea, Place};
use crate::http::{bodies::Line, vetted};

/// How the routes begin.
const ROUTES: &str = "/v1/ideas";

/// What is asked for, parsed and allowed as far as it can be told without the rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// A new idea.
    Add(NewIdea),
    /// The ledger.
    List,
    /// One idea.
    Look(ItemId),
    /// Something is done with one.
    Do(ItemId, Deed),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IdeaBody {
    id: ItemId,
    title: Line,
    problem: Reason,
    hypothesis: Reason,
    grades: Grades,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PromotionBody {
    pod: PodName,
    owner: PersonName,
    pipeline: StagePipelineName,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ArchiveBody {
    reason: Reason,
}

/// Which route a request is for, with what its path names.
enum Route<'r> {
    Ideas,
    Idea(Cow<'r, str>),
    Grades(Cow<'r, str>),
    Promotion(Cow<'r, str>),
    Archive(Cow<'r, str>),
}

/// Whether a path is one of these routes.
pub fn is_ours(path: &str) -> bool {
    path.strip_prefix(ROUTES).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Who asks, and for what.
///
/// # Errors
/// Why it is no call, or not theirs.
pub fn call(request: &Request, governance: &Governance) -> Result<(Actor, Call), Refusal> {
    let route = route(request)?;
    let method = method(request, &route)?;
    let claims = request.claims().ok_or(Refusal::NoToken)?;
    let actor = access::identify(&claims, &governance.people)?;
    let reads = matches!(method, "GET");
    may(&actor, if reads { Action::Read } else { Action::Work })?;
    let call = match route {
        Route::Ideas if reads => {
            no_query(request)?;
            Call::List
        }
        Route::Ideas => {
            no_query(request)?;
            let IdeaBody { id, title: Line(title), problem, hypothesis, grades } = read(request)?;
            Call::Add(NewIdea { id, title, problem: problem.into(), hypothesis: hypothesis.into(), grades })
        }
        Route::Idea(idea) => {
            let (idea, ()) = (path(&idea)?, no_query(request)?);
            Call::Look(idea)
        }
        Route::Grades(idea) => {
            let (idea, ()) = (path(&idea)?, no_query(request)?);
            Call::Do(idea, Deed::Grade(read(request)?))
        }
        Route::Archive(idea) => {
            let (idea, ()) = (path(&idea)?, no_query(request)?);
            let ArchiveBody { reason } = read(request)?;
            Call::Do(idea, Deed::Archive { reason: reason.into() })
        }
        Route::Promotion(idea) => {
            let (idea, ()) = (path(&idea)?, no_query(request)?);
            let PromotionBody { pod, owner, pipeline } = read(request)?;
            let place = Place { pod, owner, pipeline };
            vetted(&idea, ItemType::Idea, (&place.pod, &place.owner, &place.pipeline), governance, &actor)?;
            Call::Do(idea, Deed::Promote(place))
        }
    };
    Ok((actor, call))
}

fn route(request: &Request) -> Result<Route<'_>, Refusal> {
    let none = || Refusal::NoRoute { path: request.path().to_owned(), routes: ROUTES };
    let segments = request.segments().ok_or_else(none)?;
    let [version, ideas, rest @ ..] = segments.as_slice() else { return Err(none()) };
    if version != "v1" || ideas != "ideas" {
        return Err(none());
    }
    match rest {
        [] => Ok(Route::Ideas),
        [idea] => Ok(Route::Idea(idea.clone())),
        [idea, what] if what == "grades" => Ok(Route::Grades(idea.clone())),
        [idea, what] if what == "promotion" => Ok(Route::Promotion(idea.clone())),
        [idea, what] if what == "archive" => Ok(Route::Archive(idea.clone())),
        _ => Err(none()),
    }
}

fn method<'r>(request: &'r Request, route: &Route<'_>) -> Result<&'r str, Refusal> {
    let (allowed, words): (&[&str], &'static str) = match route {
        Route::Ideas => (&["GET", "POST"], "GET, POST"),
        Route::Idea(_) => (&["GET"], "GET"),
        Route::Grades(_) => (&["PUT"], "PUT"),
        Route::Promotion(_) | Route::Archive(_) => (&["POST"], "POST"),
    };
    let method = request.method();
    if allowed.contains(&method) {
        return Ok(method);
    }
    Err(Refusal::WrongMethod { method: method.to_owned(), allowed: words })
}
