//! What the gate said, as events and as entries of the item's audit chain. The ids of events are the same for every copy of a request.

use std::collections::{BTreeMap, BTreeSet};

use common::{
    domain::{
        audit::{Draft, Phase},
        governance::{Governance, People},
        id::{CorrelationId, EventId, ItemId, PersonName},
        stage::{Answered, Item, MoveRequest, Obstacle, Step, kill::Ended},
    },
    event::{Addressee, Envelope, Event, ItemKilled, Meta, SCHEMA_VERSION, StageGateApproved, StageGateRejected},
};
use jiff::Timestamp;

use crate::moving::Hand;

/// What an item's events and its chain are about.
pub fn subject(item: &ItemId) -> String {
    format!("item:{item}")
}

/// The event of a move that was made: `item` as it is now.
pub fn approved(item: &Item, step: Step, request: &MoveRequest, cause: &CorrelationId, now: Timestamp) -> Envelope {
    let told = StageGateApproved {
        item: item.id.clone(),
        request_id: request.request_id.clone(),
        item_type: item.item_type,
        pod: item.pod.clone(),
        owner: item.owner.clone(),
        pipeline: item.pipeline.clone(),
        step,
        from: request.from.clone(),
        to: request.to.clone(),
        requested_by: request.requested_by.clone(),
        reason: request.reason.clone(),
        version: item.version,
    };
    envelope(&item.id, Event::StageGateApproved(told), &[request.request_id.as_str()], cause, now)
}

/// Persons as the chat knows them: feedback, which tells them, reads no governance.
pub(crate) fn in_the_chat<'p>(names: impl IntoIterator<Item = &'p PersonName>, people: &People) -> Vec<Addressee> {
    let slack = |person: &PersonName| people.listed.get(person).and_then(|person| person.slack_id.clone());
    let told = |person: &PersonName| Addressee { person: person.clone(), slack_id: slack(person), email: None };
    names.into_iter().map(told).collect()
}

/// Who hears of an item's end that no rule made: whose work it was and who leads it, unless they ended it.
fn bereft(item: &Item, ended: &Ended, governance: &Governance) -> BTreeSet<PersonName> {
    let lead = governance.pods.listed.get(&item.pod).and_then(|pod| pod.lead.clone());
    let hears = |person: &PersonName| ended.rule.is_none() && ended.by.as_ref() != Some(person);
    lead.into_iter().chain([item.owner.clone()]).filter(hears).collect()
}

/// The event of an item's end: `item` as it is now.
pub fn killed(
    item: &Item,
    ended: Ended,
    request: &MoveRequest,
    governance: &Governance,
    cause: &CorrelationId,
    now: Timestamp,
) -> Envelope {
    let people = in_the_chat(&bereft(item, &ended, governance), &governance.people);
    let Ended { rule, by, reason } = ended;
    let told = ItemKilled {
        item: item.id.clone(),
        title: Some(item.title.clone()),
        pod: item.pod.clone(),
        owner: item.owner.clone(),
        pipeline: item.pipeline.clone(),
        stage: item.position.stage().clone(),
        rule,
        by,
        reason,
        people,
    };
    envelope(&item.id, Event::ItemKilled(told), &[request.request_id.as_str()], cause, now)
}

/// An entry of what nobody asked for.
pub(crate) fn by_hand(mut entry: Draft, hand: Hand<'_>) -> Draft {
    let (name, value) = match hand {
        Hand::Person => return entry,
        Hand::Rule(rule) => ("rule", rule.to_string()),
        Hand::Issue => ("issue", "true".to_owned()),
    };
    entry.facts.remove("by");
    entry.facts.insert(name.to_owned(), value);
    entry
}

/// The event of a move that was not made.
pub fn rejected(
    item: &ItemId,
    request: &MoveRequest,
    reasons: Vec<Obstacle>,
    cause: &CorrelationId,
    now: Timestamp,
) -> Envelope {
    // What is not kept as the request's answer may be refused for something else when it comes again.
    let words: Vec<String> = reasons.iter().map(|reason| reason.missing.clone()).collect();
    let identity: Vec<&str> =
        [request.request_id.as_str()].into_iter().chain(words.iter().map(String::as_str)).collect();
    let told = StageGateRejected {
        item: item.clone(),
        request_id: request.request_id.clone(),
        from: request.from.clone(),
        to: request.to.clone(),
        requested_by: request.requested_by.clone(),
        reasons,
    };
    envelope(item, Event::StageGateRejected(told), &identity, cause, now)
}

/// An event about an item. Its id follows from what it says and from `identity`.
pub fn envelope(
    item: &ItemId,
    event: Event,
    identity: &[&str],
    cause: &CorrelationId,
    occurred_at: Timestamp,
) -> Envelope {
    let parts = ["stage-gate", event.kind().name(), item.as_str()].into_iter().chain(identity.iter().copied());
    let (event_id, correlation_id) = (EventId::derived(parts), cause.clone());
    let subject = subject(item);
    Envelope { meta: Meta { schema_version: SCHEMA_VERSION, event_id, occurred_at, correlation_id, subject }, event }
}

/// An entry of the item's chain.
pub fn entry<const N: usize>(
    item: &ItemId,
    action: &str,
    facts: [(&str, String); N],
    cause: &CorrelationId,
    at: Timestamp,
) -> Draft {
    Draft {
        subject: subject(item),
        at,
        actor: "stage-gate".to_owned(),
        action: action.to_owned(),
        phase: Phase::Decision,
        correlation_id: cause.clone(),
        facts: BTreeMap::from(facts.map(|(name, value)| (name.to_owned(), value))),
        reasons: Vec::new(),
    }
}

/// The entry of a decision over a move.
pub fn decided(item: &ItemId, answered: &Answered, cause: &CorrelationId) -> Draft {
    let request = &answered.request;
    let facts = [
        ("by", request.requested_by.to_string()),
        ("from", request.from.to_string()),
        ("to", request.to.to_string()),
        ("request", request.request_id.to_string()),
        ("version", answered.version.to_string()),
    ];
    let action = answered.step.filter(|_| answered.reasons.is_empty()).map_or("item.reject", |step| match step {
        Step::Forward => "item.forward",
        Step::Back => "item.back",
        Step::Park => "item.park",
        Step::Resume => "item.resume",
        Step::Finish => "item.finish",
        Step::Kill => "item.kill",
    });
    let missing = answered.reasons.iter().map(|reason| reason.missing.clone());
    let reasons = request.reason.clone().into_iter().chain(missing).collect();
    Draft { reasons, ..entry(item, action, facts, cause, answered.at) }
}
