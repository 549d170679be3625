//! How what was done is told: audit entries, events, sentences. Nothing here has ever seen a key.

use std::collections::{BTreeMap, BTreeSet};

use common::{
    domain::{
        audit::{Draft, Phase},
        certificate::{Outcome, Plan, Record, Refused, Status, Step},
        id::{CertificateId, EventId},
    },
    event::{CertificateEnded, CertificateFailed, CertificateStands, Envelope, Event, Meta, SCHEMA_VERSION},
    fault::Fault,
    ports::CertificateChange,
};
use jiff::Timestamp;

use crate::{handler::Work, request::Action};

fn entry(work: &Work, phase: Phase, at: Timestamp, facts: BTreeMap<String, String>, reasons: Vec<String>) -> Draft {
    Draft {
        subject: format!("certificate:{}", work.cluster),
        at,
        actor: "iot-cert-provisioner".to_owned(),
        action: format!("certificate.{}", word(work.action)),
        phase,
        correlation_id: work.cause.clone(),
        facts,
        reasons,
    }
}

fn word(action: Action) -> &'static str {
    if action == Action::Sweep { "upkeep" } else { action.as_str() }
}

fn envelope(work: &Work, at: Timestamp, version: u64, event: Event) -> Envelope {
    let subject = format!("certificate:{}", work.cluster);
    let parts = ["iot-cert-provisioner", &subject, &version.to_string(), event.kind().name(), &at.to_string()];
    let meta = Meta {
        schema_version: SCHEMA_VERSION,
        event_id: EventId::derived(parts),
        occurred_at: at,
        correlation_id: work.cause.clone(),
        subject,
    };
    Envelope { meta, event }
}

fn plain(steps: &[Step]) -> String {
    let names: Vec<String> = steps.iter().map(|step| format!("{step:?}")).collect();
    names.join(", ")
}

/// What is about to be tried.
pub(crate) fn intent(
    work: &Work,
    before: Option<Record>,
    claimed: &Record,
    steps: &[Step],
    at: Timestamp,
) -> CertificateChange {
    let mut facts =
        BTreeMap::from([("request".to_owned(), work.request.to_string()), ("steps".to_owned(), plain(steps))]);
    if let Some(attempt) = claimed.attempts.last().filter(|_| steps.contains(&Step::Issue)) {
        facts.insert("public_key".to_owned(), attempt.public_key.to_string());
    }
    let entry = entry(work, Phase::Intent, at, facts, Vec::new());
    CertificateChange { record: Some((before, claimed.clone())), entry, events: Vec::new() }
}

/// That it stopped half-way.
pub(crate) fn stopped(work: &Work, claimed: Record, freed: Record, fault: &Fault, at: Timestamp) -> CertificateChange {
    let entry = entry(work, Phase::Outcome, at, BTreeMap::new(), vec![fault.to_string()]);
    CertificateChange { record: Some((Some(claimed), freed)), entry, events: Vec::new() }
}

/// That it is done.
pub(crate) fn done(
    work: &Work,
    claimed: Record,
    after: &Record,
    outcome: Outcome,
    steps: &[Step],
    secret: Option<String>,
    at: Timestamp,
) -> CertificateChange {
    let mut facts = BTreeMap::from([("outcome".to_owned(), outcome_word(outcome).to_owned())]);
    let mut events = Vec::new();
    if let Some(current) = &after.current {
        facts.insert("certificate".to_owned(), current.certificate.to_string());
        let stands = || CertificateStands {
            cluster: after.cluster.clone(),
            certificate: current.certificate.clone(),
            thing: after.identity.thing(),
            not_after: current.ends,
            secret: secret.clone().unwrap_or_else(|| after.identity.secret()),
            overlap_until: after.retiring.iter().map(|retiring| retiring.until).max(),
        };
        match outcome {
            Outcome::Issued => events.push(Event::CertificateIssued(stands())),
            Outcome::Rotated => events.push(Event::CertificateRotated(stands())),
            Outcome::Unchanged | Outcome::Revoked | Outcome::Deleted | Outcome::Absent => {}
        }
    }
    let cluster = || after.cluster.clone();
    let revoked: BTreeSet<CertificateId> =
        (steps.iter()).filter_map(|step| if let Step::Revoke(id) = step { Some(id.clone()) } else { None }).collect();
    if !revoked.is_empty() {
        let reason = "it was asked for".to_owned();
        events.push(Event::CertificateRevoked(CertificateEnded { cluster: cluster(), certificates: revoked, reason }));
    }
    let gone: BTreeSet<CertificateId> =
        (steps.iter()).filter_map(|step| if let Step::Delete(id) = step { Some(id.clone()) } else { None }).collect();
    if !gone.is_empty() {
        let reason = match work.action {
            Action::Delete => "the cluster's certificates were deleted",
            _ => "its overlap was over, or it never came into use",
        };
        let ended = CertificateEnded { cluster: cluster(), certificates: gone, reason: reason.to_owned() };
        events.push(Event::CertificateOrphanRemoved(ended));
    }
    let events = events.into_iter().map(|event| envelope(work, at, after.version, event)).collect();
    let entry = entry(work, Phase::Outcome, at, facts, reasons(Some(after), outcome));
    CertificateChange { record: Some((Some(claimed), after.clone())), entry, events }
}

/// That it cannot be done.
pub(crate) fn failed(work: &Work, fault: &Fault, at: Timestamp) -> CertificateChange {
    let action = word(work.action).to_owned();
    let failed = CertificateFailed { cluster: work.cluster.clone(), action, reason: fault.to_string() };
    let entry = entry(work, Phase::Decision, at, BTreeMap::new(), vec![fault.to_string()]);
    let event = envelope(work, at, 0, Event::CertificateFailed(failed));
    CertificateChange { record: None, entry, events: vec![event] }
}

fn outcome_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Issued => "issued",
        Outcome::Rotated => "rotated",
        Outcome::Unchanged => "unchanged",
        Outcome::Revoked => "revoked",
        Outcome::Deleted => "deleted",
        Outcome::Absent => "absent",
    }
}

/// The broker's word for a status.
pub(crate) fn status(status: Status) -> &'static str {
    match status {
        Status::Active => "ACTIVE",
        Status::Inactive => "INACTIVE",
        Status::Revoked => "REVOKED",
        Status::Other => "OTHER",
    }
}

/// How it stands, in sentences: what `ensure` would do, or why it would not.
pub(crate) fn standing(record: Option<&Record>, planned: &Result<Plan, Refused>) -> Vec<String> {
    let mut reasons = match planned {
        Ok(plan) if plan.steps.is_empty() => reasons(record, Outcome::Unchanged),
        Ok(plan) => vec![format!("ensure would do this: {}", plain(&plan.steps))],
        Err(refused) => vec![format!("ensure would be refused: {refused}")],
    };
    if let Some(ended) = record.and_then(|record| record.ended) {
        reasons.push(format!("it is meant to have none since {ended}"));
    }
    reasons
}

/// What is to be known, in sentences.
pub(crate) fn reasons(record: Option<&Record>, outcome: Outcome) -> Vec<String> {
    let mut reasons = vec![
        match outcome {
            Outcome::Issued => "a new certificate is in use",
            Outcome::Rotated => {
                "another certificate is in use; restart the agent, or let the CSI driver mount the secret again"
            }
            Outcome::Unchanged => "everything stands as it should",
            Outcome::Revoked => "no certificate of it works any more; ensure makes a new one",
            Outcome::Deleted => "nothing of it is left at the broker; its secret can be had back for seven days",
            Outcome::Absent => "there is nothing of it",
        }
        .to_owned(),
    ];
    for retiring in record.map_or(&[][..], |record| &record.retiring) {
        reasons.push(format!(
            "the certificate {} works until {}, or until acknowledge says that the agent has connected with the new one",
            retiring.certificate, retiring.until
        ));
    }
    if let Some(ended) = record.and_then(|record| record.ended).filter(|_| outcome == Outcome::Unchanged) {
        reasons.push(format!("it has had no certificate since {ended}, as was asked for"));
    }
    reasons
}
