//! An HTTP request to a call: who asks, and for what. Cheap refusals first; nothing of a body is read for somebody who is nobody.
//!
//! The order: route, token, person, role, path, query, body, and then the rules that depend on what is asked. Whose an item is, only the
//! rows say: the service asks [`crate::api`] again once it has them.

use std::borrow::Cow;

use self::bodies::{
    AppealBody, ApprovalBody, BlockerBody, ByWord, CreateBody, EvidenceBody, ExceptionBody, Line, LinkBody, Said,
    SnoozeBody, TransitionBody,
};
use crate::{
    blocking::Blocking,
    reviewing::Plea,
    service::NewItem,
    vouching::{Consent, Word},
};
use common::{
    domain::{
        access::{self, Action, Actor},
        cluster::nearest,
        governance::Governance,
        id::{ItemId, PersonName, PodName, StagePipelineName, quoted},
        stage::{Link, MoveRequest, NewBlocker},
        wip::{
            ItemType, Work,
            vet::{Misfit, vet},
        },
    },
    http::{
        Refusal, Request,
        refusal::{may, no_query, path, read},
    },
};

pub(crate) mod bodies;

/// How the routes begin.
const ROUTES: &str = "/v1/items";

/// The most items that one answer lists, and how many it lists when nothing is said.
const MOST: usize = 100;

/// What is asked for, parsed and allowed as far as it can be told without the rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// A new item.
    Create(NewItem),
    /// Some of the items.
    List {
        /// Beginning after this one.
        after: Option<ItemId>,
        /// How many at most.
        most: usize,
    },
    /// An item, and what keeps it.
    Look(ItemId),
    /// A move.
    Transition(ItemId, MoveRequest),
    /// Evidence by the person's word.
    Attest(ItemId, Word),
    /// An approval.
    Approve(ItemId, Consent),
    /// Where an item lives on a source host.
    Link(ItemId, Link),
    /// Something for an item whose end is considered.
    Plead(ItemId, Plea),
    /// Something of a blocker.
    Block(ItemId, Blocking),
}

/// Which route a request is for, with what its path names.
enum Route<'r> {
    Items,
    Item(Cow<'r, str>),
    Transitions(Cow<'r, str>),
    Evidence(Cow<'r, str>),
    Approvals(Cow<'r, str>),
    Link(Cow<'r, str>),
    Exceptions(Cow<'r, str>),
    Appeals(Cow<'r, str>),
    Blockers(Cow<'r, str>),
    Blocker(Cow<'r, str>, Cow<'r, str>),
    Snooze(Cow<'r, str>, Cow<'r, str>),
}

/// Who asks, and for what.
///
/// # Errors
/// Why it is no call, or not theirs.
pub fn call(request: &Request, governance: &Governance) -> Result<(Actor, Call), Refusal> {
    let route = route(request)?;
    let posts = posts(request, &route)?;
    let claims = request.claims().ok_or(Refusal::NoToken)?;
    let actor = access::identify(&claims, &governance.people)?;
    let call = match (&route, posts) {
        (Route::Items, true) => create(request, governance, &actor)?,
        (Route::Items, false) => {
            may(&actor, Action::Read)?;
            list(request)?
        }
        (Route::Item(item), _) => {
            may(&actor, Action::Read)?;
            no_query(request)?;
            Call::Look(path(item)?)
        }
        (Route::Transitions(item), _) => {
            // Whose item it is comes later: this is what everybody needs.
            may(&actor, Action::Work)?;
            let (item, ()) = (path(item)?, no_query(request)?);
            let TransitionBody { request_id, from, to, reason, version } = read(request)?;
            let (requested_by, reason) = (actor.person.clone(), reason.map(String::from));
            Call::Transition(item, MoveRequest { request_id, from, to, requested_by, unproven: false, reason, version })
        }
        (Route::Evidence(item), _) => {
            may(&actor, Action::Work)?;
            let (item, ()) = (path(item)?, no_query(request)?);
            let EvidenceBody { key, value: Said(value), head, source: ByWord } = read(request)?;
            Call::Attest(item, Word { key, value, head })
        }
        (Route::Approvals(item), _) => {
            may(&actor, Action::Work)?;
            let (item, ()) = (path(item)?, no_query(request)?);
            let ApprovalBody { from, to, head, version } = read(request)?;
            Call::Approve(item, Consent { from, to, head, version })
        }
        (Route::Link(item), _) => {
            may(&actor, Action::Work)?;
            let (item, ()) = (path(item)?, no_query(request)?);
            let LinkBody { repository, issue, change } = read(request)?;
            Call::Link(item, Link { repository, issue, change, aside: false })
        }
        (Route::Exceptions(item), _) => {
            may(&actor, Action::Except)?;
            let (item, ()) = (path(item)?, no_query(request)?);
            let ExceptionBody { rule, until, plan } = read(request)?;
            Call::Plead(item, Plea::Except { rule, until, plan: plan.into() })
        }
        (Route::Appeals(item), _) => {
            may(&actor, Action::Work)?;
            let (item, ()) = (path(item)?, no_query(request)?);
            let AppealBody { reason } = read(request)?;
            Call::Plead(item, Plea::Appeal { reason: reason.into() })
        }
        (Route::Blockers(item), _) => {
            may(&actor, Action::Work)?;
            let (item, ()) = (path(item)?, no_query(request)?);
            let BlockerBody { id, text: Line(text), cause } = read(request)?;
            Call::Block(item, Blocking::Open(NewBlocker { id, text, cause }))
        }
        (Route::Blocker(item, blocker), _) => {
            may(&actor, Action::Work)?;
            no_query(request)?;
            Call::Block(path(item)?, Blocking::Resolve(path(blocker)?))
        }
        (Route::Snooze(item, blocker), _) => {
            may(&actor, Action::Work)?;
            let (item, blocker, ()) = (path(item)?, path(blocker)?, no_query(request)?);
            let SnoozeBody { until } = read(request)?;
            Call::Block(item, Blocking::Snooze(blocker, until))
        }
    };
    Ok((actor, call))
}

fn route(request: &Request) -> Result<Route<'_>, Refusal> {
    let none = || Refusal::NoRoute { path: request.path().to_owned(), routes: ROUTES };
    let segments = request.segments().ok_or_else(none)?;
    let [version, items, rest @ ..] = segments.as_slice() else { return Err(none()) };
    if version != "v1" || items != "items" {
        return Err(none());
    }
    match rest {
        [] => Ok(Route::Items),
        [item] => Ok(Route::Item(item.clone())),
        [item, what] if what == "transitions" => Ok(Route::Transitions(item.clone())),
        [item, what] if what == "evidence" => Ok(Route::Evidence(item.clone())),
        [item, what] if what == "approvals" => Ok(Route::Approvals(item.clone())),
        [item, what] if what == "link" => Ok(Route::Link(item.clone())),
        [item, what] if what == "exceptions" => Ok(Route::Exceptions(item.clone())),
        [item, what] if what == "appeals" => Ok(Route::Appeals(item.clone())),
        [item, what] if what == "blockers" => Ok(Route::Blockers(item.clone())),
        [item, what, blocker] if what == "blockers" => Ok(Route::Blocker(item.clone(), blocker.clone())),
        [item, what, blocker, last] if what == "blockers" && last == "snooze" => {
            Ok(Route::Snooze(item.clone(), blocker.clone()))
        }
        _ => Err(none()),
    }
}

/// Whether it posts; else it is the route's one other method.
fn posts(request: &Request, route: &Route<'_>) -> Result<bool, Refusal> {
    let (allowed, other, post) = match route {
        Route::Items => ("GET, POST", Some("GET"), true),
        Route::Item(_) => ("GET", Some("GET"), false),
        Route::Link(_) => ("PUT", Some("PUT"), false),
        Route::Blocker(..) => ("DELETE", Some("DELETE"), false),
        Route::Transitions(_)
        | Route::Evidence(_)
        | Route::Approvals(_)
        | Route::Exceptions(_)
        | Route::Appeals(_)
        | Route::Blockers(_)
        | Route::Snooze(..) => ("POST", None, true),
    };
    match request.method() {
        "POST" if post => Ok(true),
        method if other == Some(method) => Ok(false),
        method => Err(Refusal::WrongMethod { method: method.to_owned(), allowed }),
    }
}

fn create(request: &Request, governance: &Governance, actor: &Actor) -> Result<Call, Refusal> {
    may(actor, Action::Work)?;
    no_query(request)?;
    let CreateBody { id, title: Line(title), item_type, pod, owner, pipeline } = read(request)?;
    vetted(&id, item_type, (&pod, &owner, &pipeline), governance, actor)?;
    Ok(Call::Create(NewItem { id, title, item_type, pod, owner, pipeline }))
}

/// Whether an item can be made so, and this person may.
pub(crate) fn vetted(
    id: &ItemId,
    item_type: ItemType,
    (pod, owner, pipeline): (&PodName, &PersonName, &StagePipelineName),
    governance: &Governance,
    actor: &Actor,
) -> Result<(), Refusal> {
    let known = governance.stages.get(pipeline);
    // An item of no pipeline is in no stage; what else is wrong with it is said all the same.
    let any = || governance.stages.values().next();
    let first = known.or_else(any).and_then(|pipeline| pipeline.stages.first()).map(|stage| stage.name.clone());
    let mut misfits = Vec::new();
    if known.is_none() {
        misfits.push(Misfit {
            field: "pipeline".to_owned(),
            found: quoted(pipeline.as_str(), 80),
            expected: "a pipeline in stages/".to_owned(),
            nearest: nearest(pipeline.as_str(), governance.stages.keys().map(|name| name.as_str())),
        });
    }
    if let Some(stage) = first {
        let work = Work {
            item: id.clone(),
            pod: pod.clone(),
            stage,
            item_type,
            owner: owner.clone(),
            involved: [].into(),
            environment: None,
            account: None,
            expedite: false,
        };
        misfits.extend(vet(&work, governance).into_iter().map(renamed));
    }
    if !misfits.is_empty() {
        return Err(Refusal::Misfits(misfits));
    }
    may(actor, Action::Ask { pod, expedite: false })?;
    may(actor, Action::Own { owner, pod, theirs: governance.people.in_pod(owner, pod) })
}

/// Under the name that the field has here.
fn renamed(misfit: Misfit) -> Misfit {
    if misfit.field == "item" { Misfit { field: "id".to_owned(), ..misfit } } else { misfit }
}

fn list(request: &Request) -> Result<Call, Refusal> {
    let bad = |what: String| Refusal::BadQuery { what };
    let (mut after, mut most) = (None, None);
    for (name, value) in request.query() {
        let again = match name.as_ref() {
            "after" => {
                let item = value.parse().map_err(|error| bad(format!("has after=…: {error}")))?;
                after.replace(item).is_some()
            }
            "limit" => {
                let number = value.parse().ok().filter(|number| (1..=MOST).contains(number));
                let wrong = || bad(format!("has limit={}, expected 1 to {MOST}", quoted(&value, 40)));
                most.replace(number.ok_or_else(wrong)?).is_some()
            }
            _ => return Err(bad(format!("has {}, expected after and limit", quoted(&name, 40)))),
        };
        if again {
            return Err(bad(format!("has {} twice", quoted(&name, 40))));
        }
    }
    Ok(Call::List { after, most: most.unwrap_or(MOST) })
}
