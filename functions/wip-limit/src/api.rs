//! The HTTP API: a request to a call, the call to the service, its answer to a response.

use std::collections::BTreeSet;

use common::{
    domain::{
        access::{self, Action, Actor},
        governance::Governance,
        id::{CorrelationId, quoted},
        wip::{Lease, Scope, admission::elsewhere},
    },
    fault::Fault,
    http::{Request, Response, failed},
    ports::{Pause, View, WipRows},
};

use crate::{
    answer,
    http::{Call, call},
    service::{Answer, Limiter},
};

/// Answers one request. Total: every failure is an HTTP status.
///
/// `governance` must be the bundle that the limiter's limits come from.
pub async fn serve<R: WipRows, C: Pause>(
    limiter: &Limiter<R, C>,
    governance: &Governance,
    request: &Request,
) -> Response {
    let now = limiter.now();
    let response = match call(request, governance, now) {
        Err(refusal) => (&refusal).into(),
        Ok((actor, call)) => {
            tracing::info!(person = actor.person.as_str(), role = actor.role.as_str(), call = name(&call), "asked");
            done(limiter, &actor, call, &request.correlation(now)).await.unwrap_or_else(|fault| {
                let chain = fault.chain();
                match &fault {
                    Fault::Retry { .. } | Fault::Reject { .. } => tracing::warn!(fault = chain, "it could not be done"),
                    Fault::Bug { .. } => tracing::error!(fault = chain, "it could not be done"),
                }
                failed(&fault, "wip-limit")
            })
        }
    };
    log(request, &response);
    response
}

async fn done<R: WipRows, C: Pause>(
    limiter: &Limiter<R, C>,
    actor: &Actor,
    call: Call,
    cause: &CorrelationId,
) -> Result<Response, Fault> {
    let person = &actor.person;
    let allowed = |lease: &Lease| {
        let keep = Action::Keep { pod: &lease.pod, holder: &lease.holder };
        access::may(actor, keep).map_err(|forbidden| forbidden.reason)
    };
    let limits = &limiter.limits;
    Ok(match call {
        Call::Ask { work, ttl_seconds } => {
            let answer = limiter.ask(work.clone(), person.clone(), ttl_seconds, cause).await?;
            let elsewhere = match &answer {
                Answer::Held(lease) => elsewhere(&work, lease, limits),
                _ => BTreeSet::new(),
            };
            match &answer {
                Answer::Held(lease) if !elsewhere.is_empty() => {
                    answer::held_elsewhere(&work.item, lease, &elsewhere, allowed(lease).is_ok())
                }
                answer => answer::asked(&work.item, answer),
            }
        }
        Call::Renew { item, fence, ttl_seconds } => {
            answer::renewed(&item, fence, &limiter.renew(&item, fence, ttl_seconds, allowed).await?)
        }
        Call::Release { item, fence, scopes } => {
            let ended = limiter.release(&item, fence, scopes.as_ref(), person, allowed, cause).await?;
            answer::released(&item, fence, &ended)
        }
        Call::Scopes => {
            let View { rows, unreadable } = limiter.view(None).await?;
            let unreadable: Vec<Scope> = unreadable.into_iter().map(|(scope, _)| scope).collect();
            answer::scopes(&rows, &unreadable, limits, limiter.now())
        }
        Call::Scope(scope) => {
            let rows = limiter.view(Some(&scope)).await?.rows;
            let row = rows.get(&scope).ok_or_else(|| Fault::bug("a row that was read is not in the answer"))?;
            answer::scope(row, limits, limiter.now())
        }
        Call::SetLimit(change) => {
            let set = limiter.set_limit(&change, cause).await?;
            answer::limit_set(&change.scope, change.expected_limit, &set, limits, limiter.now())
        }
    })
}

fn name(call: &Call) -> &'static str {
    match call {
        Call::Ask { .. } => "ask",
        Call::Renew { .. } => "renew",
        Call::Release { .. } => "release",
        Call::Scopes => "scopes",
        Call::Scope(_) => "scope",
        Call::SetLimit(_) => "set-limit",
    }
}

/// One line a request. Neither the token nor the body is in it; the path is foreign text, quoted and cut.
fn log(request: &Request, response: &Response) {
    let (method, path) = (quoted(request.method(), 10), quoted(request.path(), 120));
    tracing::info!(status = response.status_code, method, path, request_id = request.id(), "answered");
}

#[cfg(test)]
mod tests;
