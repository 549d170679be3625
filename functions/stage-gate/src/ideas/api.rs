//! The HTTP API of the idea ledger: a call to the service, its answer to a response.

use common::{
    domain::{
        access::{Actor, Role},
        id::{CorrelationId, ItemId},
        idea::{Idea, IdeaState},
    },
    fault::Fault,
    http::{Problem, Request, Response},
    ports::{ItemRows, Pause, Sources, WipRows},
};
use serde_json::{Value, json};

use super::{
    Deed, Kept,
    http::{Call, call},
};
use crate::{answer, api::answered, service::ItemGates};

/// Answers one request. Total: every failure is an HTTP status.
pub async fn serve<R: ItemRows + WipRows, C: Pause, H: Sources>(
    gates: &ItemGates<R, C, H>,
    request: &Request,
) -> Response {
    answered(request, async {
        let (actor, call) = call(request, &gates.governance)?;
        let (person, role) = (actor.person.as_str(), actor.role.as_str());
        tracing::info!(person, role, call = name(&call), "asked");
        Ok(done(gates, &actor, call, &request.correlation(gates.now())).await)
    })
    .await
}

async fn done<R: ItemRows + WipRows, C: Pause, H: Sources>(
    gates: &ItemGates<R, C, H>,
    actor: &Actor,
    call: Call,
    cause: &CorrelationId,
) -> Result<Response, Fault> {
    Ok(match call {
        Call::Add(new) => kept(&new.id, &gates.add_idea(&new, &actor.person, cause).await?, 201),
        Call::List => {
            let all: Vec<Value> = gates.ledger().await?.iter().map(shown).collect();
            Response::json(200, &json!({ "ideas": all }))
        }
        Call::Look(id) => match gates.rows.idea(&id).await? {
            Some(idea) => Response::json(200, &shown(&idea)),
            None => no_idea(&id).into(),
        },
        Call::Do(id, deed) => {
            let allowed = |idea: &Idea| may_do(actor, idea, &deed);
            let status = if matches!(deed, Deed::Promote(_)) { 201 } else { 200 };
            kept(&id, &gates.do_idea(&id, &deed, &actor.person, allowed, cause).await?, status)
        }
    })
}

/// Whose an idea is: whoever had it grades and archives it, and approvers and admins. What becomes an item is asked of the pod, as for any item.
fn may_do(actor: &Actor, idea: &Idea, deed: &Deed) -> Result<(), String> {
    let theirs = actor.person == idea.by || actor.role >= Role::Approver;
    match deed {
        Deed::Promote(_) => Ok(()),
        Deed::Grade(_) | Deed::Archive { .. } if theirs => Ok(()),
        Deed::Grade(_) | Deed::Archive { .. } => {
            Err(format!("{} had this idea: they may, and whoever has the role approver or admin", idea.by))
        }
    }
}

/// The answer: `status` when something is written; 200, 403, 404, 409, 422.
fn kept(id: &ItemId, kept: &Kept, status: u16) -> Response {
    match kept {
        Kept::Now(idea) => Response::json(status, &shown(idea)),
        Kept::Same(idea) => Response::json(200, &shown(idea)),
        Kept::NoIdea => no_idea(id).into(),
        Kept::Forbidden(reason) => Problem::new(403, "forbidden", "Not allowed", reason.clone()).into(),
        Kept::Another => {
            let detail = format!("there is another idea {id}: look at it, or use another id");
            Problem::new(409, "idea-exists", "There is another idea of this id", detail).into()
        }
        Kept::Closed(idea) => {
            let detail = match &idea.state {
                IdeaState::Promoted { by, at } => format!("{by} made it a work item at {at:.0}: look at the item"),
                IdeaState::Archived { by, at, .. } => {
                    format!("{by} archived it at {at:.0}: add it anew with another id")
                }
                IdeaState::Open => format!("the idea {id} is open"),
            };
            Problem::new(409, "idea-closed", "The idea is not open any more", detail).into()
        }
        Kept::NoItem(why) => {
            let (new, created) = why.as_ref();
            answer::created(new, created)
        }
    }
}

/// An idea with what its grades come to.
fn shown(idea: &Idea) -> Value {
    let mut shown = json!(idea);
    shown["score"] = json!(idea.grades.score());
    shown["suggested"] = json!(idea.grades.triage());
    shown
}

fn no_idea(id: &ItemId) -> Problem {
    Problem::new(404, "no-such-idea", "No such idea", format!("there is no idea {id} in the ledger"))
}

fn name(call: &Call) -> &'static str {
    match call {
        Call::Add(_) => "add an idea",
        Call::List => "list ideas",
        Call::Look(_) => "look at an idea",
        Call::Do(_, Deed::Grade(_)) => "grade an idea",
        Call::Do(_, Deed::Archive { .. }) => "archive an idea",
        Call::Do(_, Deed::Promote(_)) => "promote an idea",
    }
}
