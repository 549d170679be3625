//! The rules for one cluster, over the indexed input.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    Action, PlanInput, Step,
    differing::{Differing, sentences},
};
use crate::{
    domain::{
        cluster::{
            ClusterKey, ClusterKind, ClusterRecord, Desired, Execution, ExecutionStatus, FieldChange, ObservedPipeline,
            diff, names, shape::PLACE, tree::Coverage, wording,
        },
        id::{Digest, PipelineName},
    },
    event::Outcome,
};

/// The input, indexed.
pub(super) struct World<'a> {
    input: &'a PlanInput<'a>,
    pipelines: BTreeMap<&'a PipelineName, &'a ObservedPipeline>,
    records: BTreeMap<&'a ClusterKey, &'a ClusterRecord>,
    /// Our management pipelines by the regional cluster beside them.
    beside: BTreeMap<ClusterKey, Vec<(ClusterKey, &'a PipelineName)>>,
    pub(super) fleet_size: usize,
}

impl<'a> World<'a> {
    pub(super) fn new(input: &'a PlanInput<'a>) -> Self {
        let mut world = Self {
            input,
            pipelines: input.observed.pipelines.iter().map(|pipeline| (&pipeline.definition.name, pipeline)).collect(),
            records: input.records.iter().map(|record| (&record.cluster, record)).collect(),
            beside: BTreeMap::new(),
            fleet_size: 0,
        };
        let unreadable = |record: &&ClusterRecord| input.observed.unreadable.contains_key(&record.pipeline);
        world.fleet_size += input.records.iter().filter(unreadable).count();
        for pipeline in input.observed.pipelines.iter().filter(|pipeline| pipeline.is_ours()) {
            world.fleet_size += usize::from(pipeline.repository() == Some(input.scope.repository));
            if let Some(key) = pipeline.cluster()
                && key.kind != ClusterKind::Regional
            {
                world.beside.entry(key.regional()).or_default().push((key, &pipeline.definition.name));
            }
        }
        world
    }

    pub(super) fn step(
        &self,
        key: &ClusterKey,
        action: Action,
        reasons: Vec<String>,
        changes: Vec<FieldChange>,
        desired: Option<&Arc<Desired>>,
    ) -> Step {
        let accepted = !matches!(action, Action::Refuse | Action::Retire | Action::Orphan | Action::Invalid);
        let stored = self.records.get(key).and_then(|record| record.config_sha256.as_ref());
        Step {
            weakened: Vec::new(),
            cluster: key.clone(),
            pipeline: names::pipeline(key),
            config_path: key.config_path(),
            action,
            reasons,
            changes,
            desired: desired.cloned(),
            publish_spec: accepted
                && desired.is_some_and(|desired| stored != Some(&desired.shape.compiled.config_sha256)),
            destroy_token: matches!(action, Action::Destroy { .. }).then(|| self.destroy_token(key, desired)),
            record_stale: false,
        }
    }

    /// What to do for a cluster whose file is good.
    pub(super) fn decide(&self, key: &ClusterKey, desired: &Arc<Desired>) -> Step {
        let step = |action, reasons, changes| self.step(key, action, reasons, changes, Some(desired));
        let refuse = |reason: String| step(Action::Refuse, vec![reason], Vec::new());
        if let Some(why) = self.input.observed.unreadable.get(&desired.shape.pipeline) {
            return refuse(wording::unreadable(&desired.shape.pipeline, why));
        }
        let Some(observed) = self.pipelines.get(&desired.shape.pipeline) else {
            return match (desired.config.delete, desired.config.delete_pipeline) {
                (_, true) => step(Action::Unchanged, vec![wording::already_gone(key)], Vec::new()),
                (true, false) => refuse(wording::nothing_to_destroy(key)),
                (false, false) => step(Action::Create, wording::created(&desired.shape.definition), Vec::new()),
            };
        };
        if let Some(reason) = self.not_ours(key, observed) {
            // Whoever takes the gate may take the tags in the same breath, and CodePipeline goes on running it. What the table knows as
            // made here is compared all the same.
            let made_here = self.record(key).is_some();
            let weakened = if made_here { self.differing(key, desired, observed).weakened } else { Vec::new() };
            let reasons = std::iter::once(reason).chain(sentences(&weakened)).collect();
            return Step { weakened, ..step(Action::Refuse, reasons, Vec::new()) };
        }
        let destroyed = self.destroyed(key, &observed.definition.name);
        if desired.config.delete_pipeline {
            return match (self.kept(key), destroyed) {
                (Some(reason), _) => refuse(reason),
                (None, false) => refuse(wording::not_destroyed(key, self.execution(&observed.definition.name))),
                (None, true) => step(Action::Retire, vec![wording::retired(key)], Vec::new()),
            };
        }
        let update = observed.definition != desired.shape.definition;
        if desired.config.delete && !self.started(key, desired) {
            return match (self.kept(key), self.moved(key, desired)) {
                (Some(reason), _) => refuse(reason),
                (None, Some(change)) => refuse(wording::moved_while_deleting(&change)),
                (None, None) => {
                    let Differing { by_hand, changes, weakened, told } = self.differing(key, desired, observed);
                    let drift = (update && by_hand).then(|| wording::drift_restored(key));
                    let reasons = std::iter::once(wording::destroying(key)).chain(drift).chain(told).collect();
                    Step { weakened, ..step(Action::Destroy { update }, reasons, changes) }
                }
            };
        }
        if update {
            let Differing { by_hand, changes, weakened, told } = self.differing(key, desired, observed);
            if by_hand && !self.restores(key) {
                let left = std::iter::once(wording::drift_left(key));
                let reasons = left.chain(told).chain([wording::drift_action(key)]).collect();
                return Step { weakened, ..step(Action::Drifted, reasons, changes) };
            }
            let reason = if by_hand { wording::drift_restored(key) } else { wording::changed(key) };
            let moved = self.moved(key, desired).map(|change| wording::moved(&change));
            let reasons = std::iter::once(reason).chain(moved).chain(told).collect();
            return Step { weakened, ..step(Action::Update, reasons, changes) };
        }
        let reasons = match (desired.config.delete, destroyed) {
            (false, _) if self.drift_told(key) => vec![wording::drift_gone(key)],
            (false, _) => Vec::new(),
            (true, true) => vec![wording::destroyed(key)],
            (true, false) => vec![wording::destroy_started(key, self.execution(&observed.definition.name))],
        };
        step(Action::Unchanged, reasons, Vec::new())
    }

    /// Why a pipeline with our name is not this cluster's.
    fn not_ours(&self, key: &ClusterKey, observed: &ObservedPipeline) -> Option<String> {
        if !observed.is_ours() {
            return Some(wording::foreign(&observed.definition.name));
        }
        if observed.repository() != Some(self.input.scope.repository) {
            return Some(wording::other_repository(&observed.definition.name, observed.repository()));
        }
        (observed.cluster().as_ref() != Some(key)).then(|| wording::other_cluster(&observed.definition.name, key))
    }

    fn execution(&self, pipeline: &PipelineName) -> Option<&'a Execution> {
        self.input.executions.get(pipeline)
    }

    /// Whether the latest run is a destroy run that succeeded: said by the run's own variable, or by the record of who started it.
    fn destroyed(&self, key: &ClusterKey, pipeline: &PipelineName) -> bool {
        let started = self.records.get(key).and_then(|record| record.destroy.as_ref());
        self.execution(pipeline).is_some_and(|execution| {
            let destroy = match execution.destroy {
                Some(destroy) => destroy,
                None => started.is_some_and(|run| run.execution == execution.id),
            };
            destroy && execution.status == ExecutionStatus::Succeeded
        })
    }

    /// What was accepted last, when anything was.
    pub(super) fn record(&self, key: &ClusterKey) -> Option<&'a ClusterRecord> {
        self.records.get(key).copied().filter(|record| !record.values.is_empty())
    }

    fn drift_told(&self, key: &ClusterKey) -> bool {
        self.records.get(key).is_some_and(|record| record.drift.is_some())
    }

    /// Whether the environment lets what somebody changed by hand be set back.
    fn restores(&self, key: &ClusterKey) -> bool {
        matches!(self.input.scope.covers(&key.environment), Coverage::Here(environment) if environment.restore_drift)
    }

    /// Whether this version of the file has had its destroy run: and was not taken back since, for the same bytes may come again.
    fn started(&self, key: &ClusterKey, desired: &Desired) -> bool {
        self.records.get(key).is_some_and(|record| {
            let ordered = record.values.get("delete").is_some_and(|value| value == "true");
            ordered && record.destroy.as_ref().is_some_and(|run| run.blob == desired.blob)
        })
    }

    // The run before is part of it: after a cluster was taken back, the same bytes are a new order.
    fn destroy_token(&self, key: &ClusterKey, desired: Option<&Arc<Desired>>) -> Digest {
        let before = self.records.get(key).and_then(|record| record.destroy.as_ref());
        let before = before.map_or("", |run| run.execution.as_str());
        let (subject, blob) = (key.subject(), desired.map_or("", |desired| desired.blob.as_str()));
        Digest::of_parts(["penstock-destroy-v1", &subject, blob, before])
    }

    /// Why a regional cluster is not removed: a management cluster beside it stands, or may stand, for its pipeline cannot be read.
    fn kept(&self, key: &ClusterKey) -> Option<String> {
        if key.kind != ClusterKind::Regional {
            return None;
        }
        let beside = names::beside(key);
        let unread = || self.input.observed.unreadable.keys().find(|name| name.as_str().starts_with(&beside));
        let standing = self.standing_beside(key).map(|other| wording::stands_beside(key, &other));
        standing.or_else(|| unread().map(|name| wording::may_stand_beside(key, name)))
    }

    /// A management cluster that keeps a regional one from being removed: its pipeline is there and not destroyed, or its file asks
    /// for it. A bad file counts as one that asks.
    fn standing_beside(&self, key: &ClusterKey) -> Option<ClusterKey> {
        let fleet = self.input.fleet;
        let asks = |other: &ClusterKey| {
            let removing = |desired: &Arc<Desired>| desired.config.delete || desired.config.delete_pipeline;
            fleet.desired.get(other).is_some_and(|desired| !removing(desired)) || fleet.invalid.contains_key(other)
        };
        let pipelines = self.beside.get(key).into_iter().flatten();
        let standing =
            pipelines.filter(|(other, name)| asks(other) || !self.destroyed(other, name)).map(|(other, _)| other);
        // Keys sort by environment, alias and kind, regional first: the neighbours follow the key itself.
        let desired = fleet.desired.range(key..).map(|(other, _)| other).take_while(|other| other.regional() == *key);
        let invalid = fleet.invalid.range(key..).map(|(other, _)| other).take_while(|other| other.regional() == *key);
        standing.chain(desired.chain(invalid).filter(|other| *other != key && asks(other))).min().cloned()
    }

    /// The first thing that would make a destroy run look in another place than the one that was built.
    fn moved(&self, key: &ClusterKey, desired: &Desired) -> Option<FieldChange> {
        let record = self.record(key)?;
        let changes = diff::changes(&record.values, &desired.shape.values);
        changes.into_iter().find(|change| PLACE.iter().any(|(_, key)| *key == change.field))
    }

    /// Pipelines of ours without a file, and what is wrong with others.
    pub(super) fn leftovers(&self) -> (Vec<Step>, Vec<String>) {
        let (mut orphans, mut notes) = (Vec::new(), Vec::new());
        let ours = |pipeline: &&ObservedPipeline| {
            pipeline.is_ours() && pipeline.repository() == Some(self.input.scope.repository)
        };
        let mut unreadable: BTreeMap<_, _> = self.input.observed.unreadable.iter().collect();
        for desired in self.input.fleet.desired.values() {
            unreadable.remove(&desired.shape.pipeline);
        }
        notes.extend(unreadable.into_iter().map(|(name, why)| wording::unreadable(name, why)));
        for pipeline in self.input.observed.pipelines.iter().filter(ours) {
            let name = &pipeline.definition.name;
            let Some(key) = pipeline.cluster() else {
                notes.push(wording::tags_name_no_cluster(name));
                continue;
            };
            if !matches!(self.input.scope.covers(&key.environment), Coverage::Here(_)) {
                continue;
            }
            if *name != names::pipeline(&key) {
                notes.push(wording::copied(name, &key));
            } else if !self.input.fleet.desired.contains_key(&key) && !self.input.fleet.invalid.contains_key(&key) {
                orphans.push(self.step(&key, Action::Orphan, vec![wording::orphaned(&key)], Vec::new(), None));
            }
        }
        notes.sort();
        (orphans, notes)
    }

    /// Whether the table must be written although no pipeline is.
    pub(super) fn compare_with_record(&self, step: &mut Step) {
        let record = self.records.get(&step.cluster);
        let compared = matches!(step.action, Action::Unchanged | Action::Drifted);
        let Some(desired) = step.desired.as_ref().filter(|_| compared) else {
            step.record_stale = record.is_none_or(|record| record.outcome != step.action.outcome());
            return;
        };
        if !self.pipelines.contains_key(&step.pipeline) {
            // A retired cluster has no record, and needs none.
            step.record_stale = false;
            step.publish_spec = false;
            return;
        }
        let drifted = step.action == Action::Drifted;
        let well: &[Outcome] = match step.action {
            Action::Drifted => &[Outcome::Drifted],
            _ => &[Outcome::Created, Outcome::Updated, Outcome::Unchanged, Outcome::Destroying],
        };
        step.record_stale = record.is_none_or(|record| {
            record.spec_sha256.as_ref() != Some(&desired.shape.spec_sha256)
                || record.config_sha256.as_ref() != Some(&desired.shape.compiled.config_sha256)
                || record.values != desired.shape.values
                || record.intended.is_some()
                || record.drift.is_some() != drifted
                || !well.contains(&record.outcome)
        });
    }
}
