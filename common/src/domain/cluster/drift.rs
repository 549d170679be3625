//! A pipeline that somebody changed by hand: whether it is one, and what that takes from the safety of its runs.
//!
//! Compared is what is wanted with what stands, so a definition whose `SPEC_SHA256` was edited too differs all the same. Whether a
//! person or the file made the difference says the record: it knows which specification was written last. Only what is in the
//! definition is seen. A transition that was disabled, a role's policies and a project's buildspec are not in it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{
    cluster::{
        Action, ClusterKey, ClusterRecord, FieldChange, GATE_ACTION, GATE_STAGE, PipelineDefinition, Stage, Trigger,
        diff, shape,
    },
    id::Digest,
};

/// What a change by hand took from a pipeline that keeps its runs safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Weakness {
    /// Deploy has no gate.
    GateGone,
    /// Something else of Deploy runs beside the gate or before it.
    GateLate,
    /// The gate is another: who answers it, how long it waits, what it calls.
    GateChanged,
    /// What runs before Deploy, and so before the gate, is not what was written there.
    BeforeGate,
    /// What starts the pipeline, or where it takes its files from, is another.
    Source,
    /// The role that CodePipeline assumes is another.
    Role,
    /// What its stages do, how its runs follow one another, or the default of its variables, is another.
    Work,
}

/// What somebody changed by hand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edits {
    /// Field by field, from what stands to what was written.
    pub changes: Vec<FieldChange>,
    /// What that takes from its safety.
    pub weakened: Vec<Weakness>,
}

impl Edits {
    /// What differs between a pipeline as it stands and as it was written.
    pub fn between(found: &PipelineDefinition, written: &PipelineDefinition) -> Self {
        let changes = diff::changes(&diff::fields(found), &diff::fields(written));
        Self { changes, weakened: weakened(found, written) }
    }
}

/// Whether a definition that is not the wanted one is so by hand: what was written last is what is wanted, and this is not the late call of
/// a run that was overtaken. Who hides behind such a run's specification is taken for it, and set back.
pub fn by_hand(record: Option<&ClusterRecord>, wanted: &Digest, found: &PipelineDefinition) -> bool {
    written_last(record, found).as_deref() == Some(wanted.as_str()) && !late(record, wanted, found)
}

// Whether it carries a specification that a run set out to write lately.
fn late(record: Option<&ClusterRecord>, wanted: &Digest, found: &PipelineDefinition) -> bool {
    let mut lately = record.iter().flat_map(|record| &record.lately).filter(|intent| intent.spec_sha256 != *wanted);
    let carried = diff::spec_of(found);
    lately.any(|intent| Some(intent.spec_sha256.as_str()) == carried.as_deref())
}

// The record's word. Where it has none, because it is missing or a run did not come to its end, the definition's.
fn written_last(record: Option<&ClusterRecord>, found: &PipelineDefinition) -> Option<String> {
    let recorded = record.filter(|record| record.intended.is_none()).and_then(|record| record.spec_sha256.as_ref());
    recorded.map(ToString::to_string).or_else(|| diff::spec_of(found))
}

/// What somebody changed by hand in a pipeline whose file has changed since: known when what was written before can be made again
/// from the record.
pub fn edits_before(
    key: &ClusterKey,
    record: &ClusterRecord,
    present: &PipelineDefinition,
    found: &PipelineDefinition,
) -> Option<Edits> {
    let spec = record.spec_sha256.as_ref().filter(|_| record.intended.is_none())?;
    if late(Some(record), spec, found) {
        return None;
    }
    let written = shape::before(key, present, &record.values, spec)?;
    Some(Edits::between(found, &written))
}

/// What a definition that stands has lost of the safety of the one that was written.
pub fn weakened(found: &PipelineDefinition, written: &PipelineDefinition) -> Vec<Weakness> {
    let (had, has) = (Parts::of(written), Parts::of(found));
    let (gated, staged) = (had.gate.is_some(), has.stage.is_some());
    let beside = |gate: &Action| {
        let mut others =
            has.stage.iter().flat_map(|stage| &stage.actions).filter(|action| !std::ptr::eq(*action, gate));
        others.any(|other| other.run_order <= gate.run_order)
    };
    let known = |trigger: &Trigger| written.triggers.iter().any(|other| starts(other) == starts(trigger));
    let store = |one: &PipelineDefinition| (one.artifact_bucket.clone(), one.artifact_key_arn.clone());
    let before = had.before != has.before;
    let signs = [
        (gated && has.gate.is_none(), Weakness::GateGone),
        (gated && has.gate.is_some_and(beside), Weakness::GateLate),
        (gated && has.gate.is_some() && has.gate != had.gate, Weakness::GateChanged),
        // Without the stage of the gate everything comes before it.
        (gated && staged && before, Weakness::BeforeGate),
        (
            has.sources != had.sources || !found.triggers.iter().all(known) || store(found) != store(written),
            Weakness::Source,
        ),
        (found.role_arn != written.role_arn, Weakness::Role),
        (
            has.after != had.after
                || (!(gated && staged) && before)
                || found.variables != written.variables
                // One after another is what keeps a push from overtaking a destroy run.
                || found.execution_mode != written.execution_mode,
            Weakness::Work,
        ),
    ];
    signs.into_iter().filter_map(|(is, weakness)| is.then_some(weakness)).collect()
}

// Which files must be touched is left out: it decides when a pipeline runs, and not what.
fn starts(trigger: &Trigger) -> (&str, &[String], bool) {
    (&trigger.source_action, &trigger.branches, trigger.foreign_settings)
}

/// One stage's name, its actions but for sources and the gate, and whether it has settings that we never write.
type Work<'a> = (&'a str, Vec<&'a Action>, bool);

/// A definition's stages, taken apart at the gate.
struct Parts<'a> {
    sources: Vec<&'a Action>,
    before: Vec<Work<'a>>,
    stage: Option<&'a Stage>,
    gate: Option<&'a Action>,
    after: Vec<Work<'a>>,
}

impl<'a> Parts<'a> {
    fn of(definition: &'a PipelineDefinition) -> Self {
        let stages = &definition.stages;
        let at = stages.iter().position(|stage| stage.name == GATE_STAGE);
        let stage = at.and_then(|at| stages.get(at));
        let gate = stage.and_then(|stage| stage.actions.iter().find(|action| action.name == GATE_ACTION));
        let is_source = |action: &&Action| action.category == "Source";
        let work = |stage: &'a Stage| {
            let actions = stage.actions.iter().filter(|action| !is_source(action));
            let actions = actions.filter(|action| gate.is_none_or(|gate| !std::ptr::eq(*action, gate)));
            (stage.name.as_str(), actions.collect(), stage.foreign_settings)
        };
        let (before, after) = stages.split_at(at.unwrap_or(stages.len()));
        Self {
            sources: stages.iter().flat_map(|stage| &stage.actions).filter(is_source).collect(),
            before: before.iter().map(work).collect(),
            stage,
            gate,
            after: after.iter().map(work).collect(),
        }
    }
}

#[cfg(test)]
mod tests;
