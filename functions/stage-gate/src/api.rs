//! The HTTP API: a request to a call, the call to the service, its answer to a response.

use common::{
    domain::{
        access::{self, Action, Actor},
        id::{CorrelationId, quoted},
        stage::Item,
    },
    fault::Fault,
    http::{Refusal, Request, Response, failed},
    ports::{ItemRows, Pause, Sources, WipRows},
};

use crate::{
    answer,
    http::{Call, call},
    reviewing::Plea,
    service::ItemGates,
};

#[cfg(test)]
mod tests;

/// Answers one request. Total: every failure is an HTTP status.
pub async fn serve<R: ItemRows + WipRows, C: Pause, H: Sources>(
    gates: &ItemGates<R, C, H>,
    request: &Request,
) -> Response {
    answered(request, async {
        let (actor, call) = call(request, &gates.governance)?;
        tracing::info!(person = actor.person.as_str(), role = actor.role.as_str(), call = name(&call), "asked");
        Ok(done(gates, &actor, call, &request.correlation(gates.now())).await)
    })
    .await
}

/// The response to a request, whatever comes of it: a refusal, a fault, or what was done. One line of log for it.
pub(crate) async fn answered(
    request: &Request,
    work: impl Future<Output = Result<Result<Response, Fault>, Refusal>>,
) -> Response {
    let response = match work.await {
        Err(refusal) => (&refusal).into(),
        Ok(done) => done.unwrap_or_else(|fault| {
            let chain = fault.chain();
            match &fault {
                Fault::Retry { .. } | Fault::Reject { .. } => tracing::warn!(fault = chain, "it could not be done"),
                Fault::Bug { .. } => tracing::error!(fault = chain, "it could not be done"),
            }
            failed(&fault, "stage-gate")
        }),
    };
    // One line a request. Neither the token nor the body is in it; the path is foreign text, quoted and cut.
    let (method, path) = (quoted(request.method(), 10), quoted(request.path(), 160));
    tracing::info!(status = response.status_code, method, path, request_id = request.id(), "answered");
    response
}

async fn done<R: ItemRows + WipRows, C: Pause, H: Sources>(
    gates: &ItemGates<R, C, H>,
    actor: &Actor,
    call: Call,
    cause: &CorrelationId,
) -> Result<Response, Fault> {
    let person = &actor.person;
    Ok(match call {
        Call::Create(new) => answer::created(&new, &gates.create(&new, person, cause).await?),
        Call::List { after, most } => answer::listed(&gates.list(after.as_ref(), most).await?),
        Call::Look(item) => answer::looked(&item, gates.look(&item).await?.as_ref(), gates.now()),
        Call::Transition(item, request) => {
            let allowed = |item: &Item| may_move(actor, item);
            answer::moved(&item, &request, &gates.transition(&item, &request, allowed, cause).await?)
        }
        Call::Link(item, link) => {
            let allowed = |item: &Item| may_move(actor, item);
            answer::linked(&item, &gates.link(&item, &link, person, allowed, cause).await?)
        }
        Call::Plead(item, plea) => {
            // Who takes the risk answers for it, whosever work it is; who appeals speaks for it.
            let allowed = |item: &Item| match &plea {
                Plea::Except { .. } => Ok(()),
                Plea::Appeal { .. } => may_move(actor, item),
            };
            answer::pleaded(&item, &gates.plead(&item, &plea, person, allowed, cause).await?)
        }
        Call::Block(item, blocking) => {
            let allowed = |item: &Item| may_move(actor, item);
            answer::blocked(&item, &blocking, &gates.block(&item, &blocking, person, allowed, cause).await?)
        }
        Call::Attest(item, word) => answer::vouched(&item, &gates.attest(&item, &word, person, cause).await?),
        Call::Approve(item, consent) => answer::vouched(&item, &gates.approve(&item, &consent, person, cause).await?),
    })
}

/// Whether somebody does the work of an item: moves it, says what keeps it, speaks for it.
pub(crate) fn may_move(actor: &Actor, item: &Item) -> Result<(), String> {
    let action = Action::Move { pod: &item.pod, owner: &item.owner };
    access::may(actor, action).map_err(|forbidden| forbidden.reason)
}

fn name(call: &Call) -> &'static str {
    match call {
        Call::Create(_) => "create",
        Call::List { .. } => "list",
        Call::Look(_) => "look",
        Call::Transition(..) => "transition",
        Call::Link(..) => "link",
        Call::Plead(..) => "plead",
        Call::Block(..) => "block",
        Call::Attest(..) => "attest",
        Call::Approve(..) => "approve",
    }
}
