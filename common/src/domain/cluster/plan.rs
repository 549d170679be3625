//! Desired and observed become a plan: pure, total, and with the reason of every step. The executor has no choice left.
//!
//! | a cluster's | and | then |
//! |---|---|---|
//! | file is bad | | Invalid: its pipeline stays as it is |
//! | file is gone | its pipeline is there | Orphan: never a delete |
//! | file is good | no pipeline | Create |
//! | | a pipeline with our name and not our tags | Refuse: not ours |
//! | | the same definition, or another | Unchanged, or Update |
//! | `delete: true` | not started for this version of the file | Destroy: a run with `IS_DESTROY=true`, the pipeline stays |
//! | `delete_pipeline: true` | the latest run is a destroy run that succeeded | Retire, else Refuse |
//!
//! A regional cluster is not removed while a management cluster beside it stands. More than [`MAX_REMOVALS`] removals (Destroy and
//! Retire) in a run, or more than a tenth of a fleet of [`LARGE_FLEET`] or more, and all of them are refused: a wrong commit must not
//! empty a fleet. Regional clusters come before their management clusters, removals last and the other way round.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    domain::{
        cluster::{
            ClusterKey, ClusterKind, ClusterRecord, Desired, Execution, ExecutionStatus, FieldChange, Fleet,
            ObservedPipeline, diff, names,
            tree::{Coverage, Scope},
            wording,
        },
        id::PipelineName,
    },
    event::{ClusterResult, Counts, Outcome},
};

/// The most removals of a run.
pub const MAX_REMOVALS: usize = 3;
/// From this size on, a tenth of the fleet is a limit too.
pub const LARGE_FLEET: usize = 20;

/// Everything that a plan is made from.
#[derive(Debug, Clone, Copy)]
pub struct PlanInput<'a> {
    /// Where the run stands.
    pub scope: Scope<'a>,
    /// What the tree asks for.
    pub fleet: &'a Fleet,
    /// Every pipeline that could be ours: the whole listing, never a part.
    pub observed: &'a [ObservedPipeline],
    /// What the table remembers of this repository's clusters.
    pub records: &'a [ClusterRecord],
    /// The latest execution of each pipeline that [`executions_needed`] names; absent when it never ran.
    pub executions: &'a BTreeMap<PipelineName, Execution>,
}

/// What to do for one cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Make the pipeline. AWS starts its first run by itself.
    Create,
    /// Replace its definition.
    Update,
    /// Nothing.
    Unchanged,
    /// Start a destroy run; first replace the definition when `update` says so (a pipeline being removed has no trigger).
    Destroy {
        /// Whether the definition differs.
        update: bool,
    },
    /// Remove the pipeline.
    Retire,
    /// Nothing: a rule forbids what was asked.
    Refuse,
    /// Nothing: the file is gone and nobody said what to do.
    Orphan,
    /// Nothing: the file was refused.
    Invalid,
}

impl Action {
    /// What the step comes to when it succeeds.
    pub fn outcome(self) -> Outcome {
        match self {
            Self::Create => Outcome::Created,
            Self::Update => Outcome::Updated,
            Self::Unchanged => Outcome::Unchanged,
            Self::Destroy { .. } => Outcome::Destroying,
            Self::Retire => Outcome::Retired,
            Self::Refuse => Outcome::Refused,
            Self::Orphan => Outcome::Orphaned,
            Self::Invalid => Outcome::Invalid,
        }
    }

    /// Whether CodePipeline is written.
    pub fn writes(self) -> bool {
        matches!(self, Self::Create | Self::Update | Self::Destroy { .. } | Self::Retire)
    }

    fn removes(self) -> bool {
        matches!(self, Self::Destroy { .. } | Self::Retire)
    }
}

/// One cluster's step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Which cluster.
    pub cluster: ClusterKey,
    /// Its pipeline.
    pub pipeline: PipelineName,
    /// Its file.
    pub config_path: String,
    /// What to do.
    pub action: Action,
    /// Why, in sentences.
    pub reasons: Vec<String>,
    /// Field by field, what changes.
    pub changes: Vec<FieldChange>,
    /// What its file asks for; absent when the file is bad or gone.
    pub desired: Option<Arc<Desired>>,
    /// Whether the compiled specification of this version of the file must be stored (it is not known to be): also for a file
    /// whose change (a comment) changes no pipeline. Before any CodePipeline write.
    pub publish_spec: bool,
    /// Whether the table says something else than this step: a new outcome, or a run that stopped before it could record.
    pub record_stale: bool,
}

impl Step {
    /// The step as a line of the run's result.
    pub fn result(&self) -> ClusterResult {
        ClusterResult {
            cluster: self.cluster.clone(),
            pipeline: self.pipeline.clone(),
            outcome: self.action.outcome(),
            reasons: self.reasons.clone(),
            changes: self.changes.clone(),
        }
    }
}

/// A plan: one step a cluster, in the order to take them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The steps.
    pub steps: Vec<Step>,
    /// What should not be so and is nobody's step, in sentences: a copied pipeline, tags that name no cluster.
    pub notes: Vec<String>,
}

impl Plan {
    /// How many clusters come to which result.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for step in &self.steps {
            count(&mut counts, step.action.outcome());
        }
        counts
    }

    /// Whether CodePipeline is written at all.
    pub fn writes(&self) -> bool {
        self.steps.iter().any(|step| step.action.writes())
    }

    /// The part of the plan that is about these files: what a pull request is told.
    #[must_use]
    pub fn only(mut self, paths: &BTreeSet<String>) -> Self {
        self.steps.retain(|step| paths.contains(&step.config_path));
        self
    }
}

/// Adds one result to the counts.
pub fn count(counts: &mut Counts, outcome: Outcome) {
    let field = match outcome {
        Outcome::Created => &mut counts.created,
        Outcome::Updated => &mut counts.updated,
        Outcome::Unchanged => &mut counts.unchanged,
        Outcome::Destroying => &mut counts.destroying,
        Outcome::Retired => &mut counts.retired,
        Outcome::Refused => &mut counts.refused,
        Outcome::Orphaned => &mut counts.orphaned,
        Outcome::Invalid => &mut counts.invalid,
        Outcome::Failed => &mut counts.failed,
    };
    *field += 1;
}

/// The pipelines whose latest execution a plan needs: those that are to be removed, and the management clusters beside a regional
/// one that is.
pub fn executions_needed(fleet: &Fleet, observed: &[ObservedPipeline]) -> BTreeSet<PipelineName> {
    let removing = |desired: &Desired| desired.config.delete || desired.config.delete_pipeline;
    let leaving: BTreeSet<&ClusterKey> =
        fleet.desired.iter().filter(|(_, desired)| removing(desired)).map(|(key, _)| key).collect();
    let wanted = |key: &ClusterKey| leaving.contains(key) || leaving.contains(&key.regional());
    let clusters = observed.iter().filter(|pipeline| pipeline.is_ours()).filter_map(|pipeline| {
        let key = pipeline.cluster()?;
        wanted(&key).then(|| pipeline.definition.name.clone())
    });
    clusters.collect()
}

/// Makes the plan.
pub fn plan(input: &PlanInput<'_>) -> Plan {
    let world = World::new(input);
    let mut steps: Vec<Step> = input
        .fleet
        .invalid
        .iter()
        .map(|(key, findings)| {
            let reasons = findings.iter().map(ToString::to_string).collect();
            world.step(key, Action::Invalid, reasons, Vec::new(), None)
        })
        .collect();
    steps.extend(input.fleet.desired.iter().map(|(key, desired)| world.decide(key, desired)));
    let (orphans, notes) = world.leftovers();
    steps.extend(orphans);
    limit_removals(&mut steps, world.fleet_size);
    for step in &mut steps {
        world.compare_with_record(step);
    }
    steps.sort_by(|a, b| order(a).cmp(&order(b)));
    Plan { steps, notes }
}

// Regional before management; removals last, management before regional.
fn order(step: &Step) -> (bool, &str, &str, bool, &ClusterKey) {
    let removes = step.action.removes();
    let management = step.cluster.kind != ClusterKind::Regional;
    let key = &step.cluster;
    (removes, key.environment.as_str(), key.region_alias.as_str(), management != removes, key)
}

fn limit_removals(steps: &mut [Step], fleet: usize) {
    let removals = steps.iter().filter(|step| step.action.removes()).count();
    let rule = if removals > MAX_REMOVALS {
        wording::too_many_removals(removals)
    } else if fleet >= LARGE_FLEET && removals * 10 > fleet {
        wording::too_large_a_part(removals, fleet)
    } else {
        return;
    };
    for step in steps.iter_mut().filter(|step| step.action.removes()) {
        step.action = Action::Refuse;
        step.reasons = vec![rule.clone()];
        step.publish_spec = false;
    }
}

/// The input, indexed.
struct World<'a> {
    input: &'a PlanInput<'a>,
    pipelines: BTreeMap<&'a PipelineName, &'a ObservedPipeline>,
    records: BTreeMap<&'a ClusterKey, &'a ClusterRecord>,
    /// Our management pipelines by the regional cluster beside them.
    beside: BTreeMap<ClusterKey, Vec<(ClusterKey, &'a PipelineName)>>,
    fleet_size: usize,
}

impl<'a> World<'a> {
    fn new(input: &'a PlanInput<'a>) -> Self {
        let mut world = Self {
            input,
            pipelines: input.observed.iter().map(|pipeline| (&pipeline.definition.name, pipeline)).collect(),
            records: input.records.iter().map(|record| (&record.cluster, record)).collect(),
            beside: BTreeMap::new(),
            fleet_size: 0,
        };
        for pipeline in input.observed.iter().filter(|pipeline| pipeline.is_ours()) {
            world.fleet_size += usize::from(pipeline.repository() == Some(input.scope.repository));
            if let Some(key) = pipeline.cluster()
                && key.kind != ClusterKind::Regional
            {
                world.beside.entry(key.regional()).or_default().push((key, &pipeline.definition.name));
            }
        }
        world
    }

    fn step(
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
            cluster: key.clone(),
            pipeline: names::pipeline(key),
            config_path: key.config_path(),
            action,
            reasons,
            changes,
            desired: desired.cloned(),
            publish_spec: accepted
                && desired.is_some_and(|desired| stored != Some(&desired.shape.compiled.config_sha256)),
            record_stale: false,
        }
    }

    /// What to do for a cluster whose file is good.
    fn decide(&self, key: &ClusterKey, desired: &Arc<Desired>) -> Step {
        let step = |action, reasons, changes| self.step(key, action, reasons, changes, Some(desired));
        let refuse = |reason: String| step(Action::Refuse, vec![reason], Vec::new());
        let Some(observed) = self.pipelines.get(&desired.shape.pipeline) else {
            return match (desired.config.delete, desired.config.delete_pipeline) {
                (_, true) => step(Action::Unchanged, vec![wording::already_gone(key)], Vec::new()),
                (true, false) => refuse(wording::nothing_to_destroy(key)),
                (false, false) => step(Action::Create, wording::created(&desired.shape.definition), Vec::new()),
            };
        };
        if let Some(reason) = self.not_ours(key, observed) {
            return refuse(reason);
        }
        let destroyed = self.destroyed(key, &observed.definition.name);
        if desired.config.delete_pipeline {
            return match (self.standing_beside(key), destroyed) {
                (Some(other), _) => refuse(wording::stands_beside(key, &other)),
                (None, false) => refuse(wording::not_destroyed(key, self.execution(&observed.definition.name))),
                (None, true) => step(Action::Retire, vec![wording::retired(key)], Vec::new()),
            };
        }
        let update = observed.definition != desired.shape.definition;
        let (reason, changes) = self.difference(key, desired, observed);
        if desired.config.delete && !self.started(key, desired) {
            return match (self.standing_beside(key), self.moved(key, desired)) {
                (Some(other), _) => refuse(wording::stands_beside(key, &other)),
                (None, Some(change)) => refuse(wording::moved_while_deleting(&change)),
                (None, None) => step(Action::Destroy { update }, vec![wording::destroying(key)], changes),
            };
        }
        if update {
            return step(Action::Update, vec![reason], changes);
        }
        let reasons = match (desired.config.delete, destroyed) {
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

    /// Whether this version of the file has had its destroy run.
    fn started(&self, key: &ClusterKey, desired: &Desired) -> bool {
        let run = self.records.get(key).and_then(|record| record.destroy.as_ref());
        run.is_some_and(|run| run.blob == desired.blob)
    }

    /// A management cluster that keeps a regional one from being removed: its pipeline is there and not destroyed, or its file asks
    /// for it. A bad file counts as one that asks.
    fn standing_beside(&self, key: &ClusterKey) -> Option<ClusterKey> {
        if key.kind != ClusterKind::Regional {
            return None;
        }
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
        const PLACE: [&str; 5] =
            ["account_id", "alias", "region", "terraform_vars.cluster_id", "terraform_vars.regional_aws_account_id"];
        let record = self.records.get(key).filter(|record| !record.values.is_empty())?;
        let changes = diff::changes(&record.values, &desired.shape.values);
        changes.into_iter().find(|change| PLACE.contains(&change.field.as_str()))
    }

    /// Why a definition differs, and where. Said from the file's values when the file changed; from the definition when somebody
    /// else changed that, or when nothing is remembered.
    fn difference(
        &self,
        key: &ClusterKey,
        desired: &Desired,
        observed: &ObservedPipeline,
    ) -> (String, Vec<FieldChange>) {
        let shape = &desired.shape;
        let drifted = diff::spec_of(&observed.definition).as_deref() == Some(shape.spec_sha256.as_str());
        let mut structure = diff::changes(&diff::fields(&observed.definition), &diff::fields(&shape.definition));
        if drifted {
            return (wording::drifted(key), structure);
        }
        let spec_variable = format!(" variable {}", diff::SPEC_VARIABLE);
        structure.retain(|change| !change.field.ends_with(&spec_variable));
        let record = self.records.get(key).filter(|record| !record.values.is_empty());
        let Some(record) = record else { return (wording::changed(key), structure) };
        let mut changes = diff::changes(&record.values, &shape.values);
        // The variables of the actions repeat the file's values: they are said once.
        structure.retain(|change| !change.field.contains(" variable "));
        changes.extend(structure);
        (wording::changed(key), changes)
    }

    /// Pipelines of ours without a file, and what is wrong with others.
    fn leftovers(&self) -> (Vec<Step>, Vec<String>) {
        let (mut orphans, mut notes) = (Vec::new(), Vec::new());
        let ours = |pipeline: &&ObservedPipeline| {
            pipeline.is_ours() && pipeline.repository() == Some(self.input.scope.repository)
        };
        for pipeline in self.input.observed.iter().filter(ours) {
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
    fn compare_with_record(&self, step: &mut Step) {
        let record = self.records.get(&step.cluster);
        let Some(desired) = step.desired.as_ref().filter(|_| step.action == Action::Unchanged) else {
            step.record_stale = record.is_none_or(|record| record.outcome != step.action.outcome());
            return;
        };
        if !self.pipelines.contains_key(&step.pipeline) {
            // A retired cluster has no record, and needs none.
            step.record_stale = false;
            step.publish_spec = false;
            return;
        }
        let well = [Outcome::Created, Outcome::Updated, Outcome::Unchanged, Outcome::Destroying];
        step.record_stale = record.is_none_or(|record| {
            record.spec_sha256.as_ref() != Some(&desired.shape.spec_sha256)
                || record.config_sha256.as_ref() != Some(&desired.shape.compiled.config_sha256)
                || record.values != desired.shape.values
                || !well.contains(&record.outcome)
        });
    }
}

#[cfg(test)]
mod tests;
