//! Why a pipeline's definition is not the one that is wanted: its file asks for something else than before, or somebody changed it.

use super::world::World;
use crate::domain::cluster::{
    ClusterKey, Desired, FieldChange, ObservedPipeline, Weakness, diff,
    drift::{Edits, by_hand, edits_before},
    wording,
};

/// Why, and where.
pub(super) struct Differing {
    /// Whether what was written last is still what is wanted: then somebody changed it.
    pub(super) by_hand: bool,
    /// From what stands to what is wanted.
    pub(super) changes: Vec<FieldChange>,
    /// What a change by hand took from the safety of its runs.
    pub(super) weakened: Vec<Weakness>,
    /// That in sentences; of a file that changed too, which change by hand goes with it.
    pub(super) told: Vec<String>,
}

impl World<'_> {
    pub(super) fn differing(&self, key: &ClusterKey, desired: &Desired, observed: &ObservedPipeline) -> Differing {
        let (shape, found) = (&desired.shape, &observed.definition);
        let record = self.record(key);
        let Edits { changes, weakened } = Edits::between(found, &shape.definition);
        if by_hand(record, &shape.spec_sha256, found) {
            let told = sentences(&weakened).collect();
            return Differing { by_hand: true, changes, weakened, told };
        }
        let Some(record) = record else {
            let changes = without_digest(changes);
            return Differing { by_hand: false, changes, weakened: Vec::new(), told: Vec::new() };
        };
        let edits = edits_before(key, record, &shape.definition, found);
        let told = match &edits {
            Some(edits) if edits.changes.is_empty() => Vec::new(),
            Some(edits) => {
                std::iter::once(wording::edits_go(&edits.changes)).chain(sentences(&edits.weakened)).collect()
            }
            None if record.drift.is_some() => vec![wording::told_edits_go(key)],
            None => Vec::new(),
        };
        // The variables of the actions repeat the file's values: they are said once.
        let structure = without_digest(changes).into_iter().filter(|change| !change.field.contains(" variable "));
        let mut changes = diff::changes(&record.values, &shape.values);
        changes.extend(structure);
        Differing { by_hand: false, changes, weakened: edits.map(|edits| edits.weakened).unwrap_or_default(), told }
    }
}

pub(super) fn sentences(weakened: &[Weakness]) -> impl Iterator<Item = String> {
    weakened.iter().map(|one| wording::weakness(*one).to_owned())
}

fn without_digest(changes: Vec<FieldChange>) -> Vec<FieldChange> {
    let digest = format!(" variable {}", diff::SPEC_VARIABLE);
    changes.into_iter().filter(|change| !change.field.ends_with(&digest)).collect()
}
