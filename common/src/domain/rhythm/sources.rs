//! What stands still in each source, as entries: why, since when, the one next action and its owner.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::{
    blocker::{Blocker, Cause},
    maintenance::Done,
    report::{Entry, Kind},
    schedules::Schedules,
};
use crate::{
    domain::{
        certificate::{EXPIRY_WARNING, Record},
        cluster::{ClusterKey, ClusterRecord},
        governance::{People, Pods},
        id::{ExecutionId, ItemId, PersonName, StagePipelineName, quoted},
        run::{Hold, PastRun, RunState},
        stage::{Dossier, Item, Position, StagePipeline},
        wip::{Scope, limits::Limits, settle::Rows},
    },
    event::Outcome,
};

/// What entries about work items follow from.
#[derive(Debug, Clone, Copy)]
pub struct Work<'w> {
    /// The items, each with what keeps it.
    pub dossiers: &'w [Dossier],
    /// The stages that they go through.
    pub pipelines: &'w BTreeMap<StagePipelineName, StagePipeline>,
    /// When their people work.
    pub schedules: &'w Schedules,
    /// Who is in a group.
    pub people: &'w People,
}

/// Items that are blocked, that end soon, or that nobody has touched for days.
pub fn items(work: Work<'_>, now: Timestamp) -> Vec<Entry> {
    let by_id: BTreeMap<&ItemId, &Item> =
        work.dossiers.iter().map(|dossier| (&dossier.item.id, &dossier.item)).collect();
    let active = work.dossiers.iter().filter(|dossier| matches!(dossier.item.position, Position::Active { .. }));
    let mut entries = Vec::new();
    for dossier in active {
        let item = &dossier.item;
        let before = entries.len();
        entries.extend(dossier.open_blockers().map(|blocker| blocked(item, blocker, &by_id, work.people)));
        entries.extend(dossier.kill.open.iter().map(|(rule, open)| Entry {
            reason: format!("the rule {rule} holds since {}: it ends on {}", open.since, open.deadline),
            action: "mend what the rule found, or ask for an exception".to_owned(),
            ..entry(item, Kind::KillReview, open.since)
        }));
        let calendar = &work.schedules.room_of(&item.pod).calendar;
        let quiet = SignedDuration::from_hours(24 * i64::from(work.schedules.stale_after_days));
        if entries.len() == before && !is_last(item, work.pipelines) && calendar.age(item.updated_at, now) >= quiet {
            entries.push(Entry {
                reason: format!("nobody has touched it in {}", item.position.stage()),
                action: "move it, say what keeps it, or park it".to_owned(),
                ..entry(item, Kind::BlockedItem, item.updated_at)
            });
        }
    }
    entries
}

/// Whether the item has come to the end of its stages: there it stays.
fn is_last(item: &Item, pipelines: &BTreeMap<StagePipelineName, StagePipeline>) -> bool {
    let last = pipelines.get(&item.pipeline).and_then(|pipeline| pipeline.stages.last());
    last.is_some_and(|last| last.name == *item.position.stage())
}

fn entry(item: &Item, kind: Kind, since: Timestamp) -> Entry {
    Entry {
        kind,
        subject: format!("item:{}", item.id),
        title: item.title.clone(),
        pod: Some(item.pod.clone()),
        since,
        reason: String::new(),
        action: String::new(),
        owner: Some(item.owner.clone()),
    }
}

fn blocked(item: &Item, blocker: &Blocker, items: &BTreeMap<&ItemId, &Item>, people: &People) -> Entry {
    let reason = format!("it waits for {}: {}", blocker.cause.words(), blocker.text);
    let own = || Some(item.owner.clone());
    let (action, owner) = match &blocker.cause {
        Cause::Person(person) => (format!("answer {}", item.owner), Some(person.clone())),
        Cause::Group(group) => (format!("answer {} for {group}", item.owner), people.group(group).next().cloned()),
        Cause::Item(other) => match items.get(other) {
            Some(Item { position: Position::Active { .. }, owner, .. }) => {
                (format!("say when {other} is done"), Some(owner.clone()))
            }
            Some(Item { position: Position::Parked { .. }, owner, .. }) => {
                (format!("take {other} up again, or say that it will not be"), Some(owner.clone()))
            }
            Some(_) => (format!("{other} has ended: resolve the blocker {}", blocker.id), own()),
            None => (format!("there is no item {other} under way: resolve the blocker {}", blocker.id), own()),
        },
        Cause::Outside(name) => (format!("ask {name} again, or find another way"), own()),
    };
    Entry { reason, action, owner, ..entry(item, Kind::BlockedItem, blocker.opened_at) }
}

/// Scopes with more in progress than their limit, and items that wait for a place.
pub fn limits(rows: &Rows, limits: &Limits, pods: &Pods, now: Timestamp) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut waiting: BTreeSet<&ItemId> = BTreeSet::new();
    for row in rows.values() {
        let pod = match &row.scope {
            Scope::Pod(pod) | Scope::PodStage(pod, _) | Scope::PodType(pod, _) => Some(pod.clone()),
            _ => None,
        };
        let mut leases: Vec<_> = row.live_leases(now).collect();
        leases.sort_by_key(|(item, lease)| (lease.since, (*item).clone()));
        let limit = row.limit_in_force(limits, now) as usize;
        let oldest = leases.first();
        if let Some((_, last)) = leases.get(limit) {
            let lead = pod.as_ref().and_then(|pod| pods.listed.get(pod)).and_then(|pod| pod.lead.clone());
            let owner: Option<PersonName> = lead.or_else(|| oldest.map(|(_, lease)| lease.holder.clone()));
            entries.push(Entry {
                kind: Kind::WipViolation,
                subject: format!("scope:{}", row.scope),
                title: row.scope.to_string(),
                pod: pod.clone(),
                since: last.since,
                reason: format!("{} are in progress, the limit is {limit}", leases.len()),
                action: oldest.map_or(String::new(), |(item, _)| format!("finish or park one, {item} is the oldest")),
                owner,
            });
        }
        for (item, ticket) in row.live_tickets(now) {
            // An item that waits in several scopes is told once.
            if leases.len() < limit || !waiting.insert(item) {
                continue;
            }
            entries.push(Entry {
                kind: Kind::WaitsForPlace,
                subject: format!("item:{item}"),
                title: item.to_string(),
                pod: Some(ticket.pod.clone()),
                since: ticket.since,
                reason: format!("there is no room in {}", row.scope),
                action: oldest.map_or_else(
                    || "raise the limit, or stop waiting".to_owned(),
                    |(other, _)| format!("finish {other}, which has been there the longest, or give its place back"),
                ),
                owner: oldest.map(|(_, lease)| lease.holder.clone()),
            });
        }
    }
    entries
}

/// Holds that stop something now.
pub fn holds(holds: &[Hold], now: Timestamp) -> Vec<Entry> {
    let standing = holds.iter().filter(|hold| hold.stands(now));
    let entry = |hold: &Hold| Entry {
        kind: Kind::Hold,
        subject: format!("hold:{}", hold.id),
        title: format!("hold {} on {}", hold.id, hold.scope),
        pod: None,
        since: hold.at,
        reason: format!("until {}: {}", hold.until, hold.reason),
        action: "lift it as soon as its reason is gone".to_owned(),
        owner: Some(hold.by.clone()),
    };
    standing.map(entry).collect()
}

/// Certificates that end soon: upkeep should have replaced them.
pub fn certificates(records: &[Record], now: Timestamp) -> Vec<Entry> {
    let soon = records.iter().filter_map(|record| {
        let current = record.current.as_ref()?;
        (current.ends.duration_since(now) <= EXPIRY_WARNING).then_some((record, current))
    });
    soon.map(|(record, current)| Entry {
        kind: Kind::Expiring,
        subject: record.subject(),
        title: record.cluster.to_string(),
        pod: None,
        since: current.ends.checked_sub(EXPIRY_WARNING).unwrap_or(current.since),
        reason: format!("its certificate ends on {:.0}", current.ends),
        action: "read why iot-cert-provisioner does not replace it (docs/runbooks.md, Certificates)".to_owned(),
        owner: None,
    })
    .collect()
}

/// Clusters whose pipeline could not be made as their file says.
pub fn clusters(records: &[ClusterRecord]) -> Vec<Entry> {
    let told = |record: &ClusterRecord| {
        let (reason, action) = match record.outcome {
            Outcome::Failed => ("a call to AWS failed for its pipeline", "read why in its audit chain, and mend it"),
            Outcome::Invalid => ("its file has errors", "mend the file: the check run names each line"),
            Outcome::Refused => ("a rule forbids what its file asks for", "read which in its audit chain"),
            Outcome::Orphaned => {
                ("its file is gone and its pipeline is not", "put the file back, or retire the cluster")
            }
            Outcome::Drifted if record.drift.as_ref().is_some_and(|drift| !drift.weakened.is_empty()) => (
                "somebody changed its pipeline by hand, and its runs are no longer safe",
                "set the pipeline back; what differs is in its audit chain (docs/runbooks.md, Unsafe pipelines)",
            ),
            Outcome::Drifted => (
                "somebody changed its pipeline by hand",
                "set the pipeline back; what differs is in its audit chain (docs/runbooks.md, Unsafe pipelines)",
            ),
            Outcome::Created | Outcome::Updated | Outcome::Unchanged | Outcome::Destroying | Outcome::Retired => {
                return None;
            }
        };
        let drift = record.drift.as_ref().filter(|_| record.outcome == Outcome::Drifted);
        let since = drift.map_or(record.at, |drift| drift.since);
        Some(Entry {
            kind: Kind::FailedPipeline,
            subject: format!("cluster:{}", record.cluster),
            title: record.cluster.to_string(),
            pod: None,
            since,
            reason: reason.to_owned(),
            action: action.to_owned(),
            owner: None,
        })
    };
    records.iter().filter_map(told).collect()
}

/// A run of a cluster's pipeline that waits at its gate.
pub fn waits(cluster: &ClusterKey, execution: &ExecutionId, since: Timestamp) -> Entry {
    Entry {
        kind: Kind::WaitingRun,
        subject: format!("run:{execution}"),
        title: cluster.to_string(),
        pod: None,
        since,
        reason: "a run of its pipeline waits at the gate".to_owned(),
        action: format!("look at what it still needs (GET /v1/clusters/{cluster}/explain), and approve or reject it"),
        owner: None,
    }
}

/// That the last run of a cluster's pipeline came to no good end; nothing while one is under way.
pub fn failed(cluster: &ClusterKey, history: &[PastRun]) -> Option<Entry> {
    let last = history.iter().max_by_key(|run| run.began)?;
    (last.state == RunState::Ended).then(|| Entry {
        kind: Kind::FailedPipeline,
        subject: format!("run:{}", last.execution),
        title: cluster.to_string(),
        pod: None,
        since: last.changed,
        reason: "the last run of its pipeline did not come to its end".to_owned(),
        action: format!("read why in the pipeline's execution {}, and start it again", last.execution),
        owner: None,
    })
}

/// Tasks that were not done in time.
pub fn tasks(schedules: &Schedules, done: &[Done], people: &People, now: Timestamp) -> Vec<Entry> {
    let calendar = &schedules.first.calendar;
    let overdue = schedules.maintenance.iter().filter_map(|task| Some((task, task.overdue(done, calendar, now)?)));
    let entry = |(task, (period, since)): (&super::maintenance::Task, _)| Entry {
        kind: Kind::Maintenance,
        subject: format!("maintenance:{}", task.name),
        title: format!("{} for {period}", task.name),
        pod: None,
        since,
        reason: format!("{} has not said what shows that it was done", task.owner),
        action: format!("{} Then say what shows it: {}", task.task, quoted(&task.evidence, 200)),
        owner: people.group(&task.owner).next().cloned(),
    };
    overdue.map(entry).collect()
}
