//! The service's answers as HTTP: JSON for what was done or decided, problem documents for what was not.

use common::{
    domain::{
        id::ItemId,
        stage::{
            Answered, Dossier, MoveRequest, NotBlocked, Obstacle, Remedy, Verdict,
            kill::{KillReview, NoMercy},
        },
    },
    http::{
        Problem, Refusal, Response,
        places::{held_otherwise, no_rule, waits},
    },
    ports::Page,
};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    blocking::{Blocked, Blocking},
    linking::Linked,
    looking::Explanation,
    moving::{Moved, Undecided},
    reviewing::Pleaded,
    service::{Created, NewItem},
    vouching::Vouched,
};

/// The answer to a request for an item: 201, 200, 409, 422.
pub fn created(new: &NewItem, created: &Created) -> Response {
    match created {
        Created::New(item) => Response::json(201, &json!(item)),
        Created::Same(item) => Response::json(200, &json!(item)),
        Created::Another => {
            let detail = format!("there is another item {}: look at it, or use another id", new.id);
            Problem::new(409, "item-exists", "There is another item of this id", detail).into()
        }
        Created::Waits(waiting) => waits(waiting).into(),
        // The fence is only for who may renew the lease: asking for that is another call.
        Created::HeldOtherwise { lease, elsewhere } => held_otherwise(&new.id, lease, elsewhere).into(),
        Created::NoRule(scopes) => no_rule(scopes).into(),
    }
}

/// Some of the items; `next` is what to ask for to see the others, `unreadable` why some of these are not shown.
pub fn listed(page: &Page) -> Response {
    let mut document = json!({"items": page.items});
    if let Some(last) = &page.next {
        document["next"] = json!(format!("/v1/items?after={last}"));
    }
    if !page.unreadable.is_empty() {
        document["unreadable"] = json!(page.unreadable);
    }
    Response::json(200, &document)
}

/// An item with its evidence, its approvals and what keeps it: 200, 404.
pub fn looked(id: &ItemId, found: Option<&(Dossier, Explanation)>, now: Timestamp) -> Response {
    let Some((dossier, explanation)) = found else { return no_item(id).into() };
    let Dossier { item, evidence, approvals, blockers, kill } = dossier;
    let mut document = json!(item);
    document["age_seconds"] = now.duration_since(item.since).as_secs().max(0).into();
    document["evidence"] = json!(evidence);
    document["approvals"] = json!(approvals);
    if *kill != KillReview::default() {
        document["kill"] = json!(kill);
    }
    document["blockers"] = json!(blockers.values().collect::<Vec<_>>());
    let mut explain = json!({
        "next": explanation.next, "open": explanation.is_open(),
        "missing": told(&item.id, &explanation.missing),
    });
    if let Some(full) = &explanation.full {
        explain["full"] = json!(full);
    }
    if !explanation.no_rule.is_empty() {
        explain["no_rule"] = json!(explanation.no_rule);
    }
    document["explain"] = explain;
    Response::json(200, &document)
}

/// The answer to a request for a move: 200 with the decision, 403, 404, 409, 422.
pub fn moved(id: &ItemId, request: &MoveRequest, moved: &Moved) -> Response {
    match moved {
        Moved::Decided(answered) => Response::json(200, &decision(id, answered)),
        Moved::Waits(waiting) => waits(waiting).into(),
        Moved::Not(Undecided::NoItem) => no_item(id).into(),
        Moved::Not(Undecided::Forbidden(reason)) => {
            Problem::new(403, "forbidden", "Not allowed", reason.clone()).into()
        }
        Moved::Not(Undecided::Version { present }) => {
            let detail = format!("{id} is of version {present} now: somebody wrote it since you looked; look again");
            Problem::new(409, "version", "The item is another by now", detail).with("present", *present).into()
        }
        Moved::Not(Undecided::Reused) => {
            let detail =
                format!("the request id {} names another request for {id}: use an id of its own", request.request_id);
            Problem::new(422, "request-id-reused", "The request id is another request's", detail).into()
        }
        Moved::Not(Undecided::NoRule(scopes)) => no_rule(scopes).into(),
    }
}

/// The answer to evidence or an approval: 201, 200, 403, 404, 409, 422.
pub fn vouched(id: &ItemId, vouched: &Vouched) -> Response {
    match vouched {
        Vouched::Taken(dossier) => Response::json(201, &written(dossier)),
        Vouched::Same(dossier) => Response::json(200, &written(dossier)),
        Vouched::NoItem => no_item(id).into(),
        Vouched::Forbidden(reason) => Problem::new(403, "forbidden", "Not allowed", reason.clone()).into(),
        Vouched::Otherwise(reason) => {
            Problem::new(409, "not-as-you-saw-it", "The item is not as you saw it", reason.clone()).into()
        }
        Vouched::Misfit(misfit) => (&Refusal::Misfits(vec![misfit.clone()])).into(),
    }
}

/// The answer to where an item lives: 200, 403, 404, 422.
pub fn linked(id: &ItemId, linked: &Linked) -> Response {
    match linked {
        Linked::Done(dossier) | Linked::Same(dossier) => {
            Response::json(200, &json!({"item": id, "version": dossier.item.version, "link": dossier.item.link}))
        }
        Linked::NoItem => no_item(id).into(),
        Linked::Forbidden(reason) => Problem::new(403, "forbidden", "Not allowed", reason.clone()).into(),
        Linked::Misfit(misfit) => (&Refusal::Misfits(vec![misfit.clone()])).into(),
    }
}

/// The answer to what was asked for an item whose end is considered: 200, 403, 404, 409, 422.
pub fn pleaded(id: &ItemId, pleaded: &Pleaded) -> Response {
    match pleaded {
        Pleaded::Granted(dossier) => {
            Response::json(200, &json!({"item": id, "version": dossier.item.version, "kill": dossier.kill}))
        }
        Pleaded::NoItem => no_item(id).into(),
        Pleaded::Forbidden(reason) => Problem::new(403, "forbidden", "Not allowed", reason.clone()).into(),
        Pleaded::Not(why @ (NoMercy::NoEnd { .. } | NoMercy::NoPlan { .. })) => {
            Problem::new(422, "no-mercy", "It cannot be so", why.to_string()).into()
        }
        Pleaded::Not(why) => {
            Problem::new(409, "not-as-you-saw-it", "The item is not as you saw it", why.to_string()).into()
        }
    }
}

/// The answer to what was said of a blocker: 201 when one is opened, 200, 403, 404, 409, 422.
pub fn blocked(id: &ItemId, what: &Blocking, blocked: &Blocked) -> Response {
    let document = |dossier: &Dossier| {
        let blocker = dossier.blockers.get(what.blocker());
        json!({"item": id, "version": dossier.item.version, "blocker": blocker})
    };
    let not = |status, kind: &'static str, title: &'static str, why: &NotBlocked| {
        Problem::new(status, kind, title, why.to_string()).into()
    };
    match blocked {
        Blocked::Taken(dossier) if matches!(what, Blocking::Open(_)) => Response::json(201, &document(dossier)),
        Blocked::Taken(dossier) | Blocked::Same(dossier) => Response::json(200, &document(dossier)),
        Blocked::NoItem => no_item(id).into(),
        Blocked::Forbidden(reason) => Problem::new(403, "forbidden", "Not allowed", reason.clone()).into(),
        Blocked::Not(why @ NotBlocked::None { .. }) => not(404, "no-such-blocker", "No such blocker", why),
        Blocked::Not(why @ (NotBlocked::NoEnd | NotBlocked::Itself(_))) => {
            not(422, "not-a-blocker", "It cannot be so", why)
        }
        Blocked::Not(why) => not(409, "not-as-you-saw-it", "The item is not as you saw it", why),
    }
}

fn written(dossier: &Dossier) -> Value {
    let Dossier { item, evidence, approvals, .. } = dossier;
    json!({"item": item.id, "version": item.version, "evidence": evidence, "approvals": approvals})
}

/// Only what is kept of the decision: the same request is answered in the same words.
fn decision(id: &ItemId, answered: &Answered) -> Value {
    let Answered { request, verdict, step, version, reasons, at } = answered;
    let moved = *verdict == Verdict::Admit;
    json!({
        "item": id, "request_id": request.request_id, "verdict": verdict, "moved": moved, "step": step,
        "from": request.from, "to": request.to, "version": version, "at": at, "reasons": told(id, reasons),
    })
}

/// What is missing, with the request that clears it where there is one.
fn told(id: &ItemId, obstacles: &[Obstacle]) -> Vec<Value> {
    obstacles
        .iter()
        .map(|obstacle| {
            let mut told = json!(obstacle);
            told["how"] = json!(how(id, &obstacle.remedy));
            told
        })
        .collect()
}

fn how(id: &ItemId, remedy: &Remedy) -> String {
    match remedy {
        Remedy::Attest { key } => {
            format!(r#"one of them sends POST /v1/items/{id}/evidence {{"key": "{key}", "value": …}}"#)
        }
        Remedy::Bring { key } => {
            format!("{key} is read from its source and never from a request: let it be so there")
        }
        Remedy::Approve { from, to, head } => {
            let head = head.as_ref().map(|head| format!(r#", "head": "{head}""#)).unwrap_or_default();
            format!(r#"one of them sends POST /v1/items/{id}/approvals {{"from": "{from}", "to": "{to}"{head}}}"#)
        }
        Remedy::AskAgain => format!("send POST /v1/items/{id}/transitions again, with another request id"),
        Remedy::BeginAnew => "send POST /v1/items with another id".to_owned(),
        Remedy::ChangeGovernance => "an administrator changes the governance files".to_owned(),
    }
}

fn no_item(id: &ItemId) -> Problem {
    Problem::new(404, "no-such-item", "No such item", format!("there is no item {id}"))
}
