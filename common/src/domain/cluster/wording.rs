//! Every sentence about clusters that a person reads: in the command's output, a check run, a commit status, an audit entry.
//!
//! Headlines come from results ([`lines`], [`counts`], [`status`]), so that the command, the provisioner and feedback say the same
//! words about the same thing; the other functions make the reasons that a plan carries. Values are quoted and escaped, names have
//! passed their grammar.

use std::collections::BTreeSet;

use crate::{
    domain::{
        cluster::{
            ClusterKey, Execution, ExecutionStatus, FieldChange, GATE_ACTION, PipelineDefinition, RunMode, Weakness,
            plan::{LARGE_FLEET, MAX_REMOVALS},
        },
        id::{Digest, PipelineName, RepositoryId, quoted},
    },
    event::{ClusterResult, Counts, Outcome},
};

// ---- headlines ------------------------------------------------------------------------------------------------------

/// One result as lines: the headline first, then its reasons and changes.
pub fn lines(result: &ClusterResult, mode: &RunMode) -> Vec<String> {
    let mut lines = vec![headline(result, mode)];
    lines.extend(result.reasons.iter().cloned());
    lines.extend(result.changes.iter().map(change));
    lines
}

/// One result in one line.
pub fn headline(result: &ClusterResult, mode: &RunMode) -> String {
    let ClusterResult { cluster, pipeline, outcome, .. } = result;
    let verb = |done: &str, would: &str| match mode {
        RunMode::Reconcile => done.to_owned(),
        RunMode::DryRun { .. } => would.to_owned(),
    };
    match outcome {
        Outcome::Created => format!("{} pipeline {pipeline} for {cluster}", verb("created", "would create")),
        Outcome::Updated => format!("{} pipeline {pipeline} of {cluster}", verb("updated", "would update")),
        Outcome::Unchanged => format!("{cluster} {}", verb("is unchanged", "would stay as it is")),
        Outcome::Destroying => {
            format!("{} a destroy run of {cluster} in pipeline {pipeline}", verb("started", "would start"))
        }
        Outcome::Retired => format!("{} pipeline {pipeline} of {cluster}", verb("removed", "would remove")),
        Outcome::Refused => format!("{} {cluster}", verb("refused", "would refuse")),
        Outcome::Orphaned => {
            format!("{cluster} {}: pipeline {pipeline} stays", verb("has lost its file", "would lose its file"))
        }
        Outcome::Invalid => format!(
            "the file of {cluster} has errors: its pipeline {}",
            verb("was left as it is", "would be left as it is")
        ),
        Outcome::Failed => format!("a call failed for {cluster} (pipeline {pipeline})"),
        Outcome::Drifted => format!(
            "somebody changed pipeline {pipeline} of {cluster} by hand: it {}",
            verb("was left as it is", "would be left as it is")
        ),
    }
}

/// One field's change: `region: "us-east-1" → "us-east-2"`.
pub fn change(change: &FieldChange) -> String {
    let FieldChange { field, from, to } = change;
    let value = |value: &String| quoted(value, 120);
    match (from, to) {
        (Some(from), Some(to)) => format!("{field}: {} → {}", value(from), value(to)),
        (None, Some(to)) => format!("{field}: new, {}", value(to)),
        (Some(from), None) => format!("{field}: {} goes", value(from)),
        (None, None) => field.clone(),
    }
}

/// The counts in words, what needs somebody first: `1 file with errors, 2 pipelines created, 3 unchanged`.
pub fn counts(counts: &Counts, mode: &RunMode) -> String {
    let Counts {
        created,
        updated,
        unchanged,
        destroying,
        retired,
        refused,
        orphaned,
        invalid,
        failed,
        drifted,
        weakened,
    } = *counts;
    let dry = matches!(mode, RunMode::DryRun { .. });
    let to = |done: &'static str, would: &'static str| if dry { would } else { done };
    let parts = [
        (failed, "failed"),
        (weakened, "unsafe since changed by hand"),
        (invalid, "with errors in the file"),
        (refused, to("refused", "to refuse")),
        (drifted.saturating_sub(weakened), "changed by hand"),
        (orphaned, "without a file"),
        (created, to("created", "to create")),
        (updated, to("updated", "to update")),
        (destroying, to("being destroyed", "to destroy")),
        (retired, to("removed", "to remove")),
        (unchanged, "unchanged"),
    ];
    let parts: Vec<String> =
        parts.iter().filter(|(number, _)| *number > 0).map(|(number, word)| format!("{number} {word}")).collect();
    if parts.is_empty() { "no clusters".to_owned() } else { parts.join(", ") }
}

/// A commit status's line, at most 140 characters.
pub fn status(tally: &Counts, mode: &RunMode, complete: bool) -> String {
    let text = format!("Clusters: {}", counts(tally, mode));
    let text = if complete { text } else { format!("{text}; not all were looked at") };
    text.chars().take(140).collect()
}

// ---- reasons --------------------------------------------------------------------------------------------------------

/// What a new pipeline looks like.
pub(super) fn created(definition: &PipelineDefinition) -> Vec<String> {
    let mut actions = definition.stages.iter().flat_map(|stage| &stage.actions);
    let gate = match actions.find(|action| action.name == GATE_ACTION).map(|gate| gate.category.as_str()) {
        Some("Invoke") => "Deploy waits for stage-gate, which it invokes",
        Some(_) => "Deploy waits for an approval",
        None => "Deploy does not wait: gate: false in environments.yaml",
    };
    let stages: Vec<&str> = definition.stages.iter().map(|stage| stage.name.as_str()).collect();
    let mut reasons = vec![format!("stages {}; {gate}", stages.join(" → "))];
    reasons.extend(definition.triggers.iter().map(|trigger| {
        format!("runs on a push to {} that touches {}", trigger.branches.join(", "), trigger.paths.join(", "))
    }));
    reasons
}

pub(super) fn changed(key: &ClusterKey) -> String {
    format!("what {} asks for has changed", key.config_path())
}

pub(super) fn drift_restored(key: &ClusterKey) -> String {
    format!("drift: somebody changed the pipeline; it is set back to what {} asks for", key.config_path())
}

pub(super) fn drift_left(key: &ClusterKey) -> String {
    format!("drift: somebody changed the pipeline; it is left so, and is not what {} asks for", key.config_path())
}

pub(super) fn drift_gone(key: &ClusterKey) -> String {
    format!("the drift is gone: the pipeline is again what {} asks for", key.config_path())
}

/// Who can clear a change by hand that is left.
pub const DRIFT_CLEARERS: &str = "whoever may change pipelines in the control plane's account, or environments.yaml";

/// What to do about a change by hand that is left.
pub fn drift_action(key: &ClusterKey) -> String {
    format!(
        "set it back in CodePipeline, or have it set back: restore_drift: true for {} in environments.yaml",
        key.environment
    )
}

/// What a change by hand took from the safety of a pipeline's runs.
pub fn weakness(weakness: Weakness) -> &'static str {
    match weakness {
        Weakness::GateGone => "unsafe: Deploy has no gate, so runs go on that nobody let through",
        Weakness::GateLate => "unsafe: something of Deploy runs without waiting for the gate",
        Weakness::GateChanged => "unsafe: the gate is another, so somebody else may let runs through",
        Weakness::BeforeGate => "unsafe: what runs before the gate is not what was written, and may deploy without it",
        Weakness::Source => {
            "unsafe: what starts it or where it takes its files from is another, so runs may deploy what nobody reviewed"
        }
        Weakness::Role => "unsafe: it runs with another role",
        Weakness::Work => "unsafe: what its stages do, or how its runs follow one another, is not what was written",
    }
}

/// The most things that one sentence about changes by hand names.
const NAMED_EDITS: usize = 8;

pub(super) fn edits_go(edits: &[FieldChange]) -> String {
    // Of an action its name is enough: what it had stands in the changes.
    let thing = |edit: &FieldChange| match edit.field.split_once(' ') {
        Some((action, _)) if action.contains('/') => action.to_owned(),
        _ => edit.field.clone(),
    };
    let things: BTreeSet<String> = edits.iter().map(thing).collect();
    let mut named: Vec<String> = things.iter().take(NAMED_EDITS).cloned().collect();
    if things.len() > NAMED_EDITS {
        named.push(format!("{} more", things.len() - NAMED_EDITS));
    }
    format!("drift: somebody had changed the pipeline, and that goes with it: {}", named.join(", "))
}

pub(super) fn told_edits_go(key: &ClusterKey) -> String {
    format!("drift: what somebody had changed in the pipeline of {key}, as was told before, goes with it")
}

pub(super) fn destroying(key: &ClusterKey) -> String {
    format!("{} says delete: true; the pipeline stays until delete_pipeline: true", key.config_path())
}

pub(super) fn destroy_started(key: &ClusterKey, latest: Option<&Execution>) -> String {
    let path = key.config_path();
    match latest.map(|execution| execution.status) {
        Some(ExecutionStatus::Failed) => {
            format!(
                "the latest run after delete: true failed; mend the cause, then change {path} (a comment will do) to start another destroy run"
            )
        }
        Some(ExecutionStatus::Running) => format!("the destroy run that {path} asked for is under way"),
        Some(ExecutionStatus::Succeeded) | None => format!(
            "the destroy run for this version of {path} was started; the latest run is not a finished destroy run"
        ),
    }
}

pub(super) fn destroyed(key: &ClusterKey) -> String {
    format!("destroyed; write delete_pipeline: true into {} to remove the pipeline", key.config_path())
}

pub(super) fn retired(key: &ClusterKey) -> String {
    format!("{} says delete_pipeline: true and the latest run destroyed the infrastructure", key.config_path())
}

pub(super) fn already_gone(key: &ClusterKey) -> String {
    format!("there is no pipeline any more: {} can be removed", key.config_path())
}

pub(super) fn nothing_to_destroy(key: &ClusterKey) -> String {
    format!(
        "delete: true needs the cluster's pipeline, and there is none: take delete out of {} to make it, or remove the file",
        key.config_path()
    )
}

pub(super) fn not_destroyed(key: &ClusterKey, latest: Option<&Execution>) -> String {
    let found = match latest {
        None => "the pipeline has no run".to_owned(),
        Some(Execution { id, status, destroy }) => {
            let id = quoted(id, 60);
            match (status, destroy) {
                (ExecutionStatus::Running, _) => format!("the latest run {id} is under way"),
                (ExecutionStatus::Failed, _) => format!("the latest run {id} failed"),
                (ExecutionStatus::Succeeded, _) => format!("the latest run {id} is not known to be a destroy run"),
            }
        }
    };
    format!(
        "rule retire-after-destroy: a pipeline is removed only when its latest run is a destroy run that succeeded; {found}. \
         Write delete: true into {} first",
        key.config_path()
    )
}

pub(super) fn stands_beside(key: &ClusterKey, other: &ClusterKey) -> String {
    format!("rule management-first: {key} is not removed while {other} stands; destroy that one first")
}

pub(super) fn moved_while_deleting(change: &FieldChange) -> String {
    format!(
        "rule delete-alone: delete: true came together with another change of where the cluster is ({}), and the destroy run would \
         look in the wrong place; push delete: true with the values that were deployed",
        self::change(change)
    )
}

pub(super) fn moved(change: &FieldChange) -> String {
    format!(
        "attention: the cluster moves ({}); what was built in the old place stays there, and no later destroy run looks for it",
        self::change(change)
    )
}

/// What to do about removals that are too many for one run.
const TOGETHER: &str = "Push them in smaller steps, or have them approved together at the branch's head";

pub(super) fn too_many_removals(removals: usize) -> String {
    format!(
        "rule removals: {removals} clusters would be destroyed or removed in one run, at most {MAX_REMOVALS} may; none was. \
         {TOGETHER}"
    )
}

pub(super) fn too_large_a_part(removals: usize, fleet: usize) -> String {
    format!(
        "rule removals: {removals} of {fleet} clusters would be destroyed or removed in one run, at most a tenth of a fleet of \
         {LARGE_FLEET} or more may; none was. {TOGETHER}"
    )
}

pub(super) fn removals_approved(digest: &Digest) -> String {
    format!("rule removals: people let these removals through together ({digest})")
}

pub(super) fn foreign(pipeline: &PipelineName) -> String {
    format!(
        "rule ownership: a pipeline named {pipeline} is there and was not made by Penstock (no tag managed-by = penstock); \
         it is not touched. Remove or rename it"
    )
}

pub(super) fn unreadable(pipeline: &PipelineName, why: &str) -> String {
    format!(
        "rule ownership: a pipeline named {pipeline} is there and cannot be read ({why}), so nobody knows whose it is; it is not \
         touched. Let the provisioner's role read it, or rename it if it is not Penstock's"
    )
}

pub(super) fn may_stand_beside(key: &ClusterKey, pipeline: &PipelineName) -> String {
    format!(
        "rule management-first: {key} is not removed while pipeline {pipeline}, which may be of a management cluster beside it, \
         cannot be read"
    )
}

pub(super) fn other_repository(pipeline: &PipelineName, owner: Option<RepositoryId>) -> String {
    let owner = owner.map_or("no repository that its tag names".to_owned(), |id| format!("repository {id}"));
    format!(
        "rule ownership: pipeline {pipeline} belongs to {owner}; it is not touched. Two repositories configure the same cluster: \
         remove one of the files"
    )
}

pub(super) fn other_cluster(pipeline: &PipelineName, key: &ClusterKey) -> String {
    format!("rule ownership: the tags of pipeline {pipeline} do not name {key}; it is not touched. Set its tags right")
}

pub(super) fn orphaned(key: &ClusterKey) -> String {
    format!(
        "{} is gone and did not say delete: true first; nothing was removed. Restore the file, then write delete: true into it, or \
         keep it",
        key.config_path()
    )
}

pub(super) fn tags_name_no_cluster(pipeline: &PipelineName) -> String {
    format!(
        "pipeline {pipeline} is tagged managed-by = penstock, but its other tags name no cluster; it is not touched"
    )
}

pub(super) fn copied(pipeline: &PipelineName, key: &ClusterKey) -> String {
    format!("pipeline {pipeline} carries the tags of {key} and is not its pipeline: a copy by hand? It is not touched")
}

#[cfg(test)]
mod tests;
