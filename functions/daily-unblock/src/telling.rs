//! Events and audit entries. The ids of events follow from what makes a post or an escalation one, so that copies share them.

use std::collections::BTreeMap;

use common::{
    domain::{
        audit::{Draft, Phase},
        id::{CorrelationId, EventId, GroupName},
        rhythm::{BlockerRef, Done, PostKey, Posted},
    },
    event::{Envelope, Event, Meta, SCHEMA_VERSION},
};
use jiff::Timestamp;

fn envelope(subject: String, event: Event, identity: &[&str], cause: &CorrelationId, at: Timestamp) -> Envelope {
    let parts = ["daily-unblock", event.kind().name(), subject.as_str()];
    let event_id = EventId::derived(parts.into_iter().chain(identity.iter().copied()));
    let meta =
        Meta { schema_version: SCHEMA_VERSION, event_id, occurred_at: at, correlation_id: cause.clone(), subject };
    Envelope { meta, event }
}

fn entry(subject: String, action: &str, facts: Vec<(&str, String)>, cause: &CorrelationId, at: Timestamp) -> Draft {
    Draft {
        subject,
        at,
        actor: "daily-unblock".to_owned(),
        action: action.to_owned(),
        phase: Phase::Decision,
        correlation_id: cause.clone(),
        facts: facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<BTreeMap<_, _>>(),
        reasons: Vec::new(),
    }
}

/// The event of a post.
pub fn post(key: &PostKey, event: Event, cause: &CorrelationId, at: Timestamp) -> Envelope {
    envelope(format!("rhythm:{}", key.channel), event, &[&key.date.to_string(), key.kind.as_str()], cause, at)
}

/// The entry of a post.
pub fn posted(key: &PostKey, posted: &Posted, cause: &CorrelationId) -> Draft {
    let mut facts = vec![("date", key.date.to_string()), ("kind", key.kind.as_str().to_owned())];
    if !posted.incomplete.is_empty() {
        facts
            .push(("incomplete", posted.incomplete.iter().map(|source| source.words()).collect::<Vec<_>>().join(", ")));
    }
    entry(format!("rhythm:{}", key.channel), "rhythm.post", facts, cause, posted.at)
}

/// The event of an escalation.
pub fn escalated(
    event: Event,
    which: &BlockerRef,
    group: &GroupName,
    cause: &CorrelationId,
    at: Timestamp,
) -> Envelope {
    let (blocker, opened) = (which.blocker.as_str(), which.opened_at.to_string());
    envelope(format!("item:{}", which.item), event, &[blocker, &opened, group.as_str()], cause, at)
}

/// The entry of an escalation, in the item's chain.
pub fn escalation(which: &BlockerRef, group: &GroupName, hours: i64, cause: &CorrelationId, at: Timestamp) -> Draft {
    let facts = vec![
        ("blocker", which.blocker.to_string()),
        ("group", group.to_string()),
        ("opened_at", which.opened_at.to_string()),
        ("working_hours", hours.to_string()),
    ];
    entry(format!("item:{}", which.item), "item.escalate", facts, cause, at)
}

/// The entry of a task that was done, in its own chain.
pub fn done(done: &Done, cause: &CorrelationId) -> Draft {
    let facts = vec![("by", done.by.to_string()), ("period", done.period.to_string())];
    let draft = entry(format!("maintenance:{}", done.task), "maintenance.done", facts, cause, done.at);
    Draft { reasons: vec![done.evidence.clone()], ..draft }
}
