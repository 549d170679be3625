//! Desired and observed become a plan: pure, total, and with the reason of every step. The executor has no choice left.
//!
//! | a cluster's | and | then |
//! |---|---|---|
//! | file is bad | | Invalid: its pipeline stays as it is |
//! | file is gone | its pipeline is there | Orphan: never a delete |
//! | file is good | no pipeline | Create |
//! | | a pipeline with our name and not our tags | Refuse: not ours |
//! | | a pipeline with our name that cannot be read | Refuse: nobody knows whose |
//! | | the same definition | Unchanged |
//! | | another, and the file asks for something else than before | Update |
//! | | another, by hand | Drifted: left, unless the environment says `restore_drift` (Update) |
//! | `delete: true` | not started for this version of the file | Destroy: a run with `IS_DESTROY=true`, the pipeline stays |
//! | `delete_pipeline: true` | the latest run is a destroy run that succeeded | Retire, else Refuse |
//!
//! A destroy run is never given a definition of somebody's own: it is set back first, whatever the environment says.
//! A regional cluster is not removed while a management cluster beside it stands. More than [`MAX_REMOVALS`] removals (Destroy and
//! Retire) in a run, or more than a tenth of a fleet of [`LARGE_FLEET`] or more, and all of them are refused: a wrong commit must not
//! empty a fleet. People may let exactly these through ([`removals`](super::removals)). Regional clusters come before their management clusters, removals last and the other way round.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    domain::{
        cluster::{
            ClusterKey, ClusterKind, ClusterRecord, Desired, Execution, FieldChange, Fleet, Listing, Removal, Removals,
            Weakness, removals::MAX_APPROVABLE, tree::Scope, wording,
        },
        id::{CommitSha, Digest, PipelineName},
    },
    event::{ClusterResult, Counts, Outcome},
};

mod differing;
mod world;

use world::World;

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
    pub observed: &'a Listing,
    /// What the table remembers of this repository's clusters.
    pub records: &'a [ClusterRecord],
    /// The latest execution of each pipeline that [`executions_needed`] names; absent when it never ran.
    pub executions: &'a BTreeMap<PipelineName, Execution>,
    /// The commit, when it is the branch's head: removals are approved at one. A proposal has none.
    pub head: Option<&'a CommitSha>,
    /// The removals that people let through, as far as that is good still.
    pub approved: &'a [Removals],
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
    /// Nothing: somebody changed the definition by hand, and the environment says that this is only told.
    Drifted,
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
            Self::Drifted => Outcome::Drifted,
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

    fn removal(self) -> Option<Removal> {
        match self {
            Self::Destroy { .. } => Some(Removal::Destroy),
            Self::Retire => Some(Removal::Retire),
            _ => None,
        }
    }

    fn removes(self) -> bool {
        self.removal().is_some()
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
    /// What somebody's change by hand took from the safety of its runs.
    pub weakened: Vec<Weakness>,
    /// What its file asks for; absent when the file is bad or gone.
    pub desired: Option<Arc<Desired>>,
    /// Whether the compiled specification of this version of the file must be stored (it is not known to be): also for a file
    /// whose change (a comment) changes no pipeline. Before any CodePipeline write.
    pub publish_spec: bool,
    /// What to give CodePipeline as the token of a destroy run: the same until that run is recorded, so that a lost reply starts no
    /// second one, and another for a later order.
    pub destroy_token: Option<Digest>,
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
            weakened: self.weakened.clone(),
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
    /// The removals that a rule refused together and that people may let through, with the rule.
    pub refused: Option<(Removals, String)>,
}

impl Plan {
    /// How many clusters come to which result.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for step in &self.steps {
            count(&mut counts, step.action.outcome(), &step.weakened);
        }
        counts
    }

    /// Whether CodePipeline is written at all.
    pub fn writes(&self) -> bool {
        self.steps.iter().any(|step| step.action.writes())
    }
}

/// Adds one result to the counts.
pub fn count(counts: &mut Counts, outcome: Outcome, weakened: &[Weakness]) {
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
        Outcome::Drifted => {
            counts.weakened += u32::from(!weakened.is_empty());
            &mut counts.drifted
        }
    };
    *field += 1;
}

/// The pipelines whose latest execution a plan needs: those that are to be removed, and the management clusters beside a regional
/// one that is.
pub fn executions_needed(fleet: &Fleet, observed: &Listing) -> BTreeSet<PipelineName> {
    let removing = |desired: &Desired| desired.config.delete || desired.config.delete_pipeline;
    let leaving: BTreeSet<&ClusterKey> =
        fleet.desired.iter().filter(|(_, desired)| removing(desired)).map(|(key, _)| key).collect();
    let wanted = |key: &ClusterKey| leaving.contains(key) || leaving.contains(&key.regional());
    let clusters = observed.pipelines.iter().filter(|pipeline| pipeline.is_ours()).filter_map(|pipeline| {
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
    let refused = limit_removals(&mut steps, world.fleet_size, input);
    for step in &mut steps {
        world.compare_with_record(step);
    }
    steps.sort_by(|a, b| order(a).cmp(&order(b)));
    Plan { steps, notes, refused }
}

// Regional before management; removals last, management before regional.
fn order(step: &Step) -> (bool, &str, &str, bool, &ClusterKey) {
    let removes = step.action.removes();
    let management = step.cluster.kind != ClusterKind::Regional;
    let key = &step.cluster;
    (removes, key.environment.as_str(), key.region_alias.as_str(), management != removes, key)
}

// Refuses too many removals together, unless people let them through; answers what they could let through.
fn limit_removals(steps: &mut [Step], fleet: usize, input: &PlanInput<'_>) -> Option<(Removals, String)> {
    let removing = |step: &Step| Some((step.cluster.clone(), step.action.removal()?));
    let clusters: BTreeMap<ClusterKey, Removal> = steps.iter().filter_map(removing).collect();
    let count = clusters.len();
    let rule = if count > MAX_REMOVALS {
        wording::too_many_removals(count)
    } else if fleet >= LARGE_FLEET && count * 10 > fleet {
        wording::too_large_a_part(count, fleet)
    } else {
        return None;
    };
    let Scope { repository, branch, .. } = input.scope;
    let asked = |head: &CommitSha| Removals { repository, branch: branch.clone(), head: head.clone(), clusters };
    let asked = input.head.map(asked).filter(|_| count <= MAX_APPROVABLE);
    let removals = steps.iter_mut().filter(|step| step.action.removes());
    if let Some(approved) = asked.as_ref().and_then(|asked| input.approved.iter().find(|one| one.cover(asked))) {
        let approved = wording::removals_approved(&approved.digest());
        removals.for_each(|step| step.reasons.push(approved.clone()));
        return None;
    }
    for step in removals {
        step.action = Action::Refuse;
        step.reasons = vec![rule.clone()];
        step.publish_spec = false;
    }
    asked.map(|asked| (asked, rule))
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod unreadable;
