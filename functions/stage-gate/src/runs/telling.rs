//! What the gates of runs say, as events and as entries of audit chains: a cluster's for its runs, a hold's own for a hold.

use std::collections::{BTreeMap, BTreeSet};

use common::{
    domain::{
        audit::{Draft, Phase},
        governance::People,
        id::{CorrelationId, EventId, PersonName},
        run::{Approval, Hold, Lifted, Told, Unmet, Verdict},
    },
    event::{
        Addressee, ChangeCommented, Envelope, Event, HoldLifted, HoldPlaced, Meta, RemovalsApproved, Repository,
        RunAnswerRefused, RunAtGate, RunObstacle, SCHEMA_VERSION,
    },
};
use jiff::Timestamp;

use super::{Cluster, case::Case, removing::Asked};
use crate::telling::in_the_chat;

const ACTOR: &str = "stage-gate";

/// What the gate says of a run.
pub fn at_gate(cluster: &Cluster, case: &Case, people: &People, cause: &CorrelationId) -> Envelope {
    let told = RunAtGate {
        repository: cluster.repository.clone(),
        branch: cluster.branch.clone(),
        cluster: cluster.key.clone(),
        pipeline: cluster.pipeline.clone(),
        execution: case.waiting.execution.clone(),
        commit: case.waiting.commit.clone(),
        since: case.waiting.since,
        reasons: case.decision.unmet.iter().map(RunObstacle::from).collect(),
        earliest: case.decision.earliest,
        approved_by: case.approved_by(),
        asks: asks(case, people),
    };
    let event = match case.decision.verdict {
        Verdict::Hold => Event::RunGateWaiting(told),
        Verdict::Admit => Event::RunGateApproved(told),
        Verdict::Reject => Event::RunGateRejected(told),
    };
    // The same may be said twice of a run, with something else in between.
    let when = case.at.to_string();
    envelope(cluster.key.subject(), event, &[case.waiting.execution.as_str(), &when], cause, case.at)
}

/// Whose approval a run lacks: everybody who could give one.
fn asks(case: &Case, people: &People) -> Vec<Addressee> {
    let could = case.decision.unmet.iter().filter_map(|unmet| match unmet {
        Unmet::NotApproved { could, .. } if case.decision.verdict == Verdict::Hold => Some(could),
        _ => None,
    });
    let asked: BTreeSet<&PersonName> = could.flatten().collect();
    // Links go into the chat alone.
    in_the_chat(asked, people)
}

/// That a run left its gate without us.
pub fn left(
    cluster: &Cluster,
    before: &Told,
    reason: RunObstacle,
    went_on: bool,
    cause: &CorrelationId,
    now: Timestamp,
) -> Envelope {
    let told = RunAtGate {
        repository: cluster.repository.clone(),
        branch: cluster.branch.clone(),
        cluster: cluster.key.clone(),
        pipeline: cluster.pipeline.clone(),
        execution: before.execution.clone(),
        commit: before.commit.clone(),
        since: before.at,
        reasons: vec![reason],
        earliest: None,
        approved_by: Vec::new(),
        asks: Vec::new(),
    };
    let event = if went_on { Event::RunGateBypassed(told) } else { Event::RunGateRejected(told) };
    envelope(cluster.key.subject(), event, &[before.execution.as_str(), "left"], cause, now)
}

/// The entry of that.
pub fn noticed(cluster: &Cluster, after: &Told, went_on: bool, cause: &CorrelationId) -> Draft {
    let facts = [
        ("pipeline", cluster.pipeline.to_string()),
        ("execution", after.execution.to_string()),
        ("commit", after.commit.as_ref().map_or_else(String::new, ToString::to_string)),
    ];
    let action = if went_on { "run.bypassed" } else { "run.left" };
    Draft { reasons: after.reasons.clone(), ..entry(cluster.key.subject(), action, facts, cause, after.at) }
}

/// The entry of what the gate says.
pub fn decided(cluster: &Cluster, case: &Case, cause: &CorrelationId) -> Draft {
    let action = match case.decision.verdict {
        Verdict::Hold => "run.wait",
        Verdict::Admit => "run.approve",
        Verdict::Reject => "run.reject",
    };
    let names: Vec<String> = case.approved_by().iter().map(ToString::to_string).collect();
    let facts = [
        ("pipeline", cluster.pipeline.to_string()),
        ("execution", case.waiting.execution.to_string()),
        ("commit", case.waiting.commit.as_ref().map_or_else(String::new, ToString::to_string)),
        ("approved_by", names.join(", ")),
    ];
    Draft { reasons: case.told().reasons, ..entry(cluster.key.subject(), action, facts, cause, case.at) }
}

/// The entry of somebody's answer.
pub fn answered(cluster: &Cluster, approval: &Approval, cause: &CorrelationId) -> Draft {
    let facts = [
        ("pipeline", cluster.pipeline.to_string()),
        ("execution", approval.execution.to_string()),
        ("commit", approval.commit.to_string()),
        ("by", approval.by.to_string()),
        ("answer", approval.answer.as_str().to_owned()),
        ("by_link", approval.link.is_some().to_string()),
    ];
    let entry = entry(cluster.key.subject(), "run.answer", facts, cause, approval.at);
    Draft { reasons: approval.reason.iter().cloned().collect(), ..entry }
}

/// The event of a hold that was placed.
pub fn placed(hold: &Hold, cause: &CorrelationId) -> Envelope {
    envelope(subject(hold), Event::HoldPlaced(HoldPlaced::from(hold)), &[], cause, hold.at)
}

/// The event of a hold that was lifted.
pub fn lifted(hold: &Hold, lifted: &Lifted, cause: &CorrelationId) -> Envelope {
    let told = HoldLifted {
        hold: hold.id.clone(),
        scope: hold.scope.clone(),
        by: lifted.by.clone(),
        placed_by: hold.by.clone(),
    };
    envelope(subject(hold), Event::HoldLifted(told), &[], cause, lifted.at)
}

/// An entry of a hold's chain.
pub fn hold_entry(hold: &Hold, action: &str, by: &PersonName, cause: &CorrelationId, at: Timestamp) -> Draft {
    let facts = [("by", by.to_string()), ("scope", hold.scope.to_string()), ("until", hold.until.to_string())];
    Draft { reasons: vec![hold.reason.clone()], ..entry(subject(hold), action, facts, cause, at) }
}

/// That a command in a comment is not taken.
pub fn not_taken(
    repository: &Repository,
    said: &ChangeCommented,
    reason: String,
    cause: &CorrelationId,
    now: Timestamp,
) -> Envelope {
    let (number, comment) = (said.number, said.comment.clone());
    let subject = format!("change:{}/{number}", repository.id);
    let identity = [comment.to_string(), reason.clone()];
    let told = RunAnswerRefused { repository: repository.clone(), number, comment, reason };
    envelope(subject, Event::RunAnswerRefused(told), &[&identity[0], &identity[1]], cause, now)
}

/// That people let removals through.
pub fn removals_approved(asked: &Asked, cause: &CorrelationId) -> Envelope {
    let removals = &asked.refused.removals;
    let told = RemovalsApproved {
        repository: asked.repository.clone(),
        branch: removals.branch.clone(),
        head: removals.head.clone(),
        digest: removals.digest(),
        count: u32::try_from(removals.clusters.len()).unwrap_or(u32::MAX),
        approved_by: asked.approved_by(),
        until: asked.until.unwrap_or(asked.at),
    };
    // The same may be let through again, once the day is over.
    envelope(removals.subject(), Event::RemovalsApproved(told), &[&asked.at.to_string()], cause, asked.at)
}

/// The entry of somebody's approval; whether it was the last that was asked for.
pub fn removals_answered(
    asked: &Asked,
    by: &PersonName,
    reason: Option<&str>,
    approved: bool,
    cause: &CorrelationId,
) -> Draft {
    let removals = &asked.refused.removals;
    let facts = [
        ("repository", removals.repository.to_string()),
        ("branch", removals.branch.to_string()),
        ("head", removals.head.to_string()),
        ("by", by.to_string()),
    ];
    let action = if approved { "removals.approve" } else { "removals.answer" };
    let missing = asked.unmet.iter().map(Unmet::sentence);
    let reasons = reason.map(str::to_owned).into_iter().chain(missing).collect();
    Draft { reasons, ..entry(removals.subject(), action, facts, cause, asked.at) }
}

fn subject(hold: &Hold) -> String {
    format!("hold:{}", hold.id)
}

fn envelope(
    subject: String,
    event: Event,
    identity: &[&str],
    cause: &CorrelationId,
    occurred_at: Timestamp,
) -> Envelope {
    let parts = [ACTOR, event.kind().name(), &subject].into_iter().chain(identity.iter().copied());
    let (event_id, correlation_id) = (EventId::derived(parts), cause.clone());
    Envelope { meta: Meta { schema_version: SCHEMA_VERSION, event_id, occurred_at, correlation_id, subject }, event }
}

fn entry<const N: usize>(
    subject: String,
    action: &str,
    facts: [(&str, String); N],
    cause: &CorrelationId,
    at: Timestamp,
) -> Draft {
    Draft {
        subject,
        at,
        actor: ACTOR.to_owned(),
        action: action.to_owned(),
        phase: Phase::Decision,
        correlation_id: cause.clone(),
        facts: facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<BTreeMap<_, _>>(),
        reasons: Vec::new(),
    }
}
