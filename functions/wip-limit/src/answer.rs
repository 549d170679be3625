//! The service's answers as HTTP: JSON for what was done, problem documents for what was not.
//!
//! Every refusal says in `detail`, in words, what a program finds in the fields beside it.

use std::collections::BTreeSet;

use common::{
    domain::{
        id::ItemId,
        wip::{
            Fence, Lease, Scope, ScopeState,
            explain::holders,
            fact::Over,
            limits::{Limits, Rule},
            settle::Rows,
        },
    },
    http::{
        Problem, Response,
        places::{held_otherwise, no_rule, waits},
    },
};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::service::{Answer, Ended, LimitAnswer};

/// The answer to a request for a place: 201, 200, 409 with everything that keeps it, 422.
pub fn asked(item: &ItemId, answer: &Answer) -> Response {
    match answer {
        Answer::Admitted { lease, over } => Response::json(201, &lease_document(item, lease, over)),
        Answer::Held(lease) => Response::json(200, &lease_document(item, lease, &[])),
        Answer::Waits(waiting) => waits(waiting).into(),
        Answer::NoRule(scopes) => no_rule(scopes).into(),
    }
}

/// The answer to a request for an item that has its place as something else: 409. The fence is only for who may renew the lease.
pub fn held_elsewhere(item: &ItemId, lease: &Lease, elsewhere: &BTreeSet<Scope>, theirs: bool) -> Response {
    let problem = held_otherwise(item, lease, elsewhere);
    if theirs { problem.with("fence", json!(lease.fence)).into() } else { problem.into() }
}

/// The answer to a renewal: 200, 403, 404, 409.
pub fn renewed(item: &ItemId, fence: Fence, ended: &Ended) -> Response {
    match ended {
        Ended::Yes(lease) => Response::json(200, &lease_document(item, lease, &[])),
        other => not_ended(item, fence, other).into(),
    }
}

/// The answer to a release: 200, 403, 404, 409.
pub fn released(item: &ItemId, fence: Fence, ended: &Ended) -> Response {
    match ended {
        Ended::Yes(lease) => {
            Response::json(200, &json!({"item": item, "released": true, "fence": lease.fence, "scopes": lease.scopes}))
        }
        other => not_ended(item, fence, other).into(),
    }
}

/// The answer to a change of a limit: 200 with the scope as it is now, 409, 422.
pub fn limit_set(scope: &Scope, expected: u32, answer: &LimitAnswer, limits: &Limits, now: Timestamp) -> Response {
    match answer {
        LimitAnswer::Set(row) => Response::json(200, &scope_document(row, limits, now)),
        LimitAnswer::Differs { limit } => {
            let detail = format!(
                "the limit of {scope} is {limit}, and you were shown {expected}: somebody changed it since; look again and say expected_limit {limit}"
            );
            Problem::new(409, "limit-differs", "The limit differs", detail).with("limit", *limit).into()
        }
        LimitAnswer::NoRule => no_rule(std::slice::from_ref(scope)).into(),
    }
}

/// Every scope: those with a row, and those that `limits.yaml` names without one. A row that cannot be read is named beside them.
pub fn scopes(rows: &Rows, unreadable: &[Scope], limits: &Limits, now: Timestamp) -> Response {
    let named = limits.rules.keys().filter_map(|pattern| pattern.as_str().parse::<Scope>().ok());
    let mut all = rows.clone();
    for scope in named.filter(|scope| !unreadable.contains(scope)) {
        all.entry(scope.clone()).or_insert_with(|| ScopeState::absent(scope));
    }
    let documents: Vec<Value> = all.values().map(|row| scope_document(row, limits, now)).collect();
    let mut answer = json!({"scopes": documents, "governance_digest": limits.digest});
    if !unreadable.is_empty() {
        answer["unreadable"] = json!(unreadable);
    }
    Response::json(200, &answer)
}

/// One scope; 404 when no rule makes it one and nothing is left in it.
pub fn scope(row: &ScopeState, limits: &Limits, now: Timestamp) -> Response {
    if !row.exists() && limits.rule(&row.scope).is_none() {
        let detail = format!("limits.yaml has no rule for {}, and nothing is in progress there", row.scope);
        return Problem::new(404, "no-such-scope", "No such scope", detail).into();
    }
    Response::json(200, &scope_document(row, limits, now))
}

fn lease_document(item: &ItemId, lease: &Lease, over: &[Over]) -> Value {
    let mut document = json!({
        "item": item, "scopes": lease.scopes, "fence": lease.fence, "holder": lease.holder, "pod": lease.pod,
        "since": lease.since, "expires_at": lease.expires_at,
    });
    if !over.is_empty() {
        let told = |over: &Over| json!({"scope": over.scope, "limit": over.limit, "active": over.active});
        document["over"] = over.iter().map(told).collect();
    }
    document
}

fn not_ended(item: &ItemId, fence: Fence, ended: &Ended) -> Problem {
    match ended {
        Ended::Stale { present: Some(present) } => {
            let detail = format!(
                "the lease of {item} has the fence {present}, not {fence}: yours has ended, and nothing changed"
            );
            Problem::new(409, "stale-fence", "Stale fence", detail).with("present", present.0)
        }
        Ended::Stale { present: None } => {
            let detail = format!(
                "the lease of {item} with the fence {fence} has expired, and nothing changed: ask for a place again"
            );
            Problem::new(409, "stale-fence", "Stale fence", detail).with("present", Value::Null)
        }
        Ended::Forbidden(reason) => Problem::new(403, "forbidden", "Not allowed", reason.clone()),
        Ended::No | Ended::Yes(_) => Problem::new(
            404,
            "no-lease",
            "No lease",
            format!("{item} holds no place: ask for one, or for its place in line"),
        ),
    }
}

fn scope_document(row: &ScopeState, limits: &Limits, now: Timestamp) -> Value {
    let rule = limits.rule(&row.scope).unwrap_or(Rule::CLOSED);
    let limit = row.limit_in_force(limits, now);
    let age = |since: Timestamp| now.duration_since(since).as_secs().max(0);
    let holders = holders(row, now);
    let active = holders.len();
    let held: Vec<Value> = holders
        .iter()
        .map(|holder| {
            let mut told = json!(holder);
            told["age_seconds"] = age(holder.since).into();
            told
        })
        .collect();
    let mut line: Vec<_> = row.live_tickets(now).collect();
    line.sort_by_key(|(_, ticket)| ticket.number);
    let queue: Vec<Value> = line
        .iter()
        .zip(1..)
        .map(|((item, ticket), position)| {
            json!({
                "position": position, "item": item, "holder": ticket.holder, "pod": ticket.pod, "ticket": ticket.number,
                "since": ticket.since, "age_seconds": age(ticket.since), "expires_at": ticket.expires_at,
            })
        })
        .collect();
    let mut document = json!({
        "scope": row.scope, "limit": limit, "mode": rule.mode, "fair_share": rule.fair_share, "active": active,
        "nearly_full": active > 0 && active as u64 * 100 >= u64::from(limit) * u64::from(limits.warn_at_percent), "holders": held, "queue": queue,
    });
    // A person's limit counts while the row's is the one in force.
    if let Some(set) = row.overridden.as_ref().filter(|_| row.is_current(&limits.digest, now)) {
        document["overridden"] = json!(set);
    }
    document
}
