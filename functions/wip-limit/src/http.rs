//! An HTTP request to a call: who asks, and for what. Cheap refusals first; nothing of a body is read for somebody who is nobody.
//!
//! The order: route, token, person, role, path, query, body, and then the rules that depend on what is asked. Renewal and release
//! depend on whose the lease is, which only the rows say: the service asks [`crate::api`] again once it has them.

use std::{borrow::Cow, collections::BTreeSet, num::NonZeroU32};

use common::{
    domain::{
        access::{self, Action, Actor},
        governance::Governance,
        id::{AccountId, EnvironmentName, IdError, ItemId, PersonName, PodName, StageName, quoted},
        reason::Reason,
        wip::{
            Fence, ItemType, Scope, Work,
            holding::LimitChange,
            state::{MAX_LEASES, Override},
            vet::vet,
        },
    },
    http::{
        Refusal, Request,
        refusal::{may, no_query, path, read},
    },
};
use jiff::Timestamp;
use serde::Deserialize;

/// How the routes begin.
const ROUTES: &str = "/v1/wip/leases and /v1/wip/scopes";

/// What is asked for, parsed and allowed as far as it can be told without the rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// A place for an item.
    Ask {
        /// The item.
        work: Work,
        /// For how long.
        ttl_seconds: Option<u32>,
    },
    /// More time for a lease.
    Renew {
        /// Whose.
        item: ItemId,
        /// Which.
        fence: Fence,
        /// For how long, from now.
        ttl_seconds: Option<u32>,
    },
    /// To give a place back.
    Release {
        /// Whose.
        item: ItemId,
        /// Which.
        fence: Fence,
        /// The lease's scopes, when its holder says them: then it is one call.
        scopes: Option<BTreeSet<Scope>>,
    },
    /// To see every scope.
    Scopes,
    /// To see one.
    Scope(Scope),
    /// Another limit.
    SetLimit(LimitChange),
}

// The fields of `Work` and one more: serde cannot both flatten a type and refuse unknown fields.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AskBody {
    item: ItemId,
    pod: PodName,
    stage: StageName,
    #[serde(rename = "type")]
    item_type: ItemType,
    owner: PersonName,
    #[serde(default)]
    involved: BTreeSet<PersonName>,
    environment: Option<EnvironmentName>,
    account: Option<AccountId>,
    #[serde(default)]
    expedite: bool,
    ttl_seconds: Option<NonZeroU32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RenewBody {
    fence: Fence,
    ttl_seconds: Option<NonZeroU32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitBody {
    limit: Limit,
    expected_limit: u32,
    reason: Reason,
    until: Option<Timestamp>,
}

/// A limit that a row can hold.
#[derive(Deserialize)]
#[serde(try_from = "u32")]
struct Limit(u32);

impl TryFrom<u32> for Limit {
    type Error = String;

    fn try_from(number: u32) -> Result<Self, String> {
        let fits = usize::try_from(number).is_ok_and(|number| number <= MAX_LEASES);
        if fits { Ok(Self(number)) } else { Err(format!("found {number}, expected 0 to {MAX_LEASES}")) }
    }
}

/// Which route a request is for, with what its path names.
enum Route<'r> {
    Leases,
    Lease(Cow<'r, str>),
    Renewal(Cow<'r, str>),
    Scopes,
    Scope(Cow<'r, str>),
}

/// Who asks, and for what.
///
/// # Errors
/// Why it is no call, or not theirs.
pub fn call(request: &Request, governance: &Governance, now: Timestamp) -> Result<(Actor, Call), Refusal> {
    let route = route(request)?;
    let method = allowed(request, &route)?;
    let claims = request.claims().ok_or(Refusal::NoToken)?;
    let actor = access::identify(&claims, &governance.people)?;
    let call = match (&route, method) {
        (Route::Leases, _) => ask(request, governance, &actor)?,
        (Route::Renewal(item), _) => {
            holds_places(&actor)?;
            let (item, ()) = (path(item)?, no_query(request)?);
            let RenewBody { fence, ttl_seconds } = read(request)?;
            Call::Renew { item, fence, ttl_seconds: ttl_seconds.map(NonZeroU32::get) }
        }
        (Route::Lease(item), _) => {
            holds_places(&actor)?;
            let item = path(item)?;
            let (fence, scopes) = release_query(request)?;
            Call::Release { item, fence, scopes }
        }
        (Route::Scopes, _) => {
            may(&actor, Action::Read)?;
            no_query(request)?;
            Call::Scopes
        }
        (Route::Scope(scope), Method::Put) => {
            may(&actor, Action::SetLimit)?;
            no_query(request)?;
            Call::SetLimit(limit_change(path(scope)?, read(request)?, &actor, now)?)
        }
        (Route::Scope(scope), _) => {
            may(&actor, Action::Read)?;
            no_query(request)?;
            Call::Scope(path(scope)?)
        }
    };
    Ok((actor, call))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Method {
    Get,
    Post,
    Put,
    Delete,
}

fn route(request: &Request) -> Result<Route<'_>, Refusal> {
    let none = || Refusal::NoRoute { path: request.path().to_owned(), routes: ROUTES };
    let mut segments = request.segments().ok_or_else(none)?.into_iter();
    let fixed: Vec<_> = segments.by_ref().take(3).collect();
    let rest: Vec<_> = segments.collect();
    let named: Vec<&str> = fixed.iter().map(AsRef::as_ref).collect();
    match (named.as_slice(), rest.as_slice()) {
        (["v1", "wip", "leases"], []) => Ok(Route::Leases),
        (["v1", "wip", "leases"], [item]) => Ok(Route::Lease(item.clone())),
        (["v1", "wip", "leases"], [item, verb]) if verb == "renew" => Ok(Route::Renewal(item.clone())),
        (["v1", "wip", "scopes"], []) => Ok(Route::Scopes),
        (["v1", "wip", "scopes"], [scope]) => Ok(Route::Scope(scope.clone())),
        _ => Err(none()),
    }
}

fn allowed(request: &Request, route: &Route<'_>) -> Result<Method, Refusal> {
    let (words, methods): (_, &[(&str, Method)]) = match route {
        Route::Leases | Route::Renewal(_) => ("POST", &[("POST", Method::Post)]),
        Route::Lease(_) => ("DELETE", &[("DELETE", Method::Delete)]),
        Route::Scopes => ("GET", &[("GET", Method::Get)]),
        Route::Scope(_) => ("GET, PUT", &[("GET", Method::Get), ("PUT", Method::Put)]),
    };
    let found = methods.iter().find(|(word, _)| *word == request.method()).map(|(_, method)| *method);
    found.ok_or_else(|| Refusal::WrongMethod { method: request.method().to_owned(), allowed: words })
}

/// Whether somebody could hold a place at all; whose it is, the rows say later.
fn holds_places(actor: &Actor) -> Result<(), Refusal> {
    may(actor, Action::Hold)
}

fn ask(request: &Request, governance: &Governance, actor: &Actor) -> Result<Call, Refusal> {
    holds_places(actor)?;
    no_query(request)?;
    let asked: AskBody = read(request)?;
    let work = Work {
        item: asked.item,
        pod: asked.pod,
        stage: asked.stage,
        item_type: asked.item_type,
        owner: asked.owner,
        involved: asked.involved,
        environment: asked.environment,
        account: asked.account,
        expedite: asked.expedite,
    };
    let misfits = vet(&work, governance);
    if !misfits.is_empty() {
        return Err(Refusal::Misfits(misfits));
    }
    may(actor, Action::Ask { pod: &work.pod, expedite: work.expedite })?;
    may(
        actor,
        Action::Own { owner: &work.owner, pod: &work.pod, theirs: governance.people.in_pod(&work.owner, &work.pod) },
    )?;
    Ok(Call::Ask { work, ttl_seconds: asked.ttl_seconds.map(NonZeroU32::get) })
}

fn limit_change(scope: Scope, body: LimitBody, actor: &Actor, now: Timestamp) -> Result<LimitChange, Refusal> {
    let LimitBody { limit: Limit(limit), expected_limit, reason, until } = body;
    if let Some(until) = until.filter(|until| *until <= now) {
        return Err(Refusal::Past { until, now });
    }
    let set = Override { reason: reason.into(), by: actor.person.clone(), until };
    Ok(LimitChange { scope, limit, expected_limit, set })
}

fn release_query(request: &Request) -> Result<(Fence, Option<BTreeSet<Scope>>), Refusal> {
    let bad = |what: String| Refusal::BadQuery { what };
    let (mut fence, mut scopes) = (None, None);
    for (name, value) in request.query() {
        let again = match name.as_ref() {
            "fence" => {
                let number = value.parse().map_err(|_| {
                    bad(format!("has fence={}, expected the fence of the lease, a whole number", quoted(&value, 40)))
                })?;
                fence.replace(Fence(number)).is_some()
            }
            "scopes" => {
                let listed = value.split(',').map(str::parse).collect::<Result<BTreeSet<Scope>, IdError>>();
                scopes.replace(listed.map_err(|error| bad(format!("has scopes=…: {error}")))?).is_some()
            }
            _ => return Err(bad(format!("has {}, expected fence and, if you like, scopes", quoted(&name, 40)))),
        };
        if again {
            return Err(bad(format!("has {} twice", quoted(&name, 40))));
        }
    }
    let fence = fence.ok_or_else(|| bad("has no fence: say ?fence=<the fence of the lease>".to_owned()))?;
    Ok((fence, scopes))
}
