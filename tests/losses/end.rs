//! What must be equal in the end: what stands, what is remembered of it, and what people are shown. Not who wrote it, when, and how often.

use std::collections::BTreeMap;

use common::{
    domain::{
        cluster::{ClusterRecord, PipelineDefinition},
        id::{CommitSha, EventId, Generation},
    },
    event::Outcome,
    ports::{CheckConclusion, StatusState},
    testing::World,
};
use jiff::Timestamp;

use super::host::CHANGE;

/// The branches that are played on.
pub(super) const BRANCHES: [&str; 2] = ["main", "staging"];

/// What a commit shows: the state of the status, the conclusions of the check runs by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Shown {
    status: Option<StatusState>,
    checks: BTreeMap<String, CheckConclusion>,
}

/// The end of a play.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct End {
    pipelines: BTreeMap<String, (PipelineDefinition, BTreeMap<String, String>)>,
    records: Vec<ClusterRecord>,
    /// What the heads of the branches show, and the pull request's.
    shown: BTreeMap<&'static str, Shown>,
    /// What must be nowhere: a head that was not taken up, an accepted file without its specification, an event that waits or never came to
    /// the bus, a webhook that the host has given up.
    amiss: Vec<String>,
}

impl End {
    /// As it is in a world.
    pub(super) fn of(world: &World, unpublished: &[EventId]) -> Self {
        let records: Vec<ClusterRecord> = world.cluster_records().into_iter().map(lasting).collect();
        let specs = world.stored_specs();
        let accepted = records.iter().filter_map(|record| Some((record, record.config_sha256.clone()?)));
        let without_spec = accepted.filter(|(record, digest)| {
            let at = (record.pipeline.to_string(), digest.clone());
            !specs.contains_key(&at)
        });
        let mut amiss: Vec<String> =
            without_spec.map(|(record, _)| format!("no specification of {}", record.cluster)).collect();
        let mut shown = BTreeMap::new();
        for branch in BRANCHES {
            let Some(head) = world.head(branch) else { continue };
            if world.taken_up(branch).as_ref() != Some(&head) {
                amiss.push(format!("the head of {branch} was not taken up"));
            }
            shown.insert(branch, Shown::at(world, &head));
        }
        shown.extend(world.change(CHANGE).map(|change| ("change", Shown::at(world, &change.head))));
        amiss.extend(world.outbox().iter().map(|row| format!("{} waits in the outbox", row.detail_type)));
        amiss.extend(
            unpublished.iter().map(|event| format!("the event {event} was committed, and never came to the bus")),
        );
        let mut arrived = BTreeMap::new();
        for attempt in world.attempts_made() {
            *arrived.entry(attempt.guid.clone()).or_insert(false) |= attempt.succeeded();
        }
        let lost = arrived.into_iter().filter(|(_, arrived)| !arrived);
        amiss.extend(lost.map(|(delivery, _)| format!("the webhook {delivery} never arrived")));
        let pipelines = world.pipelines().into_iter();
        let pipelines = pipelines.map(|(name, found)| (name, (found.definition, found.tags))).collect();
        Self { pipelines, records, shown, amiss }
    }

    /// What another end has otherwise, in words; nothing when they are equal.
    pub(super) fn differs_from(&self, other: &Self) -> Option<String> {
        let mut words: Vec<String> = self.amiss.iter().chain(&other.amiss).cloned().collect();
        if self.pipelines.keys().ne(other.pipelines.keys()) {
            let names = |end: &Self| end.pipelines.keys().cloned().collect::<Vec<_>>().join(", ");
            words.push(format!("pipelines {}, expected {}", names(self), names(other)));
        }
        for (name, found) in self.pipelines.iter().filter(|(name, found)| other.pipelines.get(*name) != Some(found)) {
            words.push(format!("pipeline {name}: {found:?}, expected {:?}", other.pipelines.get(name)));
        }
        if self.records != other.records {
            words.push(format!("records {:?}, expected {:?}", self.records, other.records));
        }
        for (place, found) in self.shown.iter().filter(|(place, found)| other.shown.get(*place) != Some(found)) {
            words.push(format!("{place} shows {found:?}, expected {:?}", other.shown.get(place)));
        }
        if words.is_empty() { None } else { Some(words.join("\n")) }
    }
}

// Who wrote a record, when, and what it said before may differ.
fn lasting(record: ClusterRecord) -> ClusterRecord {
    let outcome = if record.outcome == Outcome::Updated || record.outcome == Outcome::Created {
        Outcome::Unchanged
    } else {
        record.outcome
    };
    ClusterRecord {
        generation: Generation(0),
        at: Timestamp::UNIX_EPOCH,
        outcome,
        lately: Vec::new(),
        said: None,
        ..record
    }
}

impl Shown {
    fn at(world: &World, commit: &CommitSha) -> Self {
        let status = world.statuses().into_iter().rfind(|status| status.commit == *commit).map(|status| status.state);
        let checks = world.checks().into_iter().filter(|check| check.commit == *commit);
        Self { status, checks: checks.map(|check| (check.name, check.conclusion)).collect() }
    }
}
