//! What is known of an item when its end is considered: evidence that is good now, and what follows from the item's own record. Nobody's
//! word says how long an item has stood still.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    dossier::Dossier,
    evidence::{Evidence, Number, Provenance, Value},
    gate::{Facts, doubt},
    kill::MEASURED,
    pipeline::{Criterion, StagePipeline},
};
use crate::domain::{id::CriterionKey, rhythm::Cause};

/// What the kill rules of an item may look at.
pub fn known(facts: Facts<'_>, dossier: &Dossier, now: Timestamp) -> BTreeMap<CriterionKey, Value> {
    let criteria: BTreeMap<&CriterionKey, &Criterion> = every(facts.pipeline).map(|one| (&one.key, one)).collect();
    let good = |(key, evidence): (&CriterionKey, &Evidence)| {
        let good = match criteria.get(key) {
            Some(criterion) => doubt(criterion, evidence, facts, now).is_none(),
            // What only kill rules ask for is measured, at the commit that there is now.
            None => {
                let measured = matches!(evidence.provenance, Provenance::CheckRun { .. });
                measured && MEASURED.contains(&key.as_str()) && evidence.head == facts.item.head
            }
        };
        good.then(|| (key.clone(), evidence.value.clone()))
    };
    let mut known: BTreeMap<CriterionKey, Value> = facts.evidence.iter().filter_map(good).collect();
    let days = |since: Timestamp| Value::Number(Number::whole(now.duration_since(since).as_hours().max(0) / 24));
    let waits = |cause: &Cause| matches!(cause, Cause::Item(_) | Cause::Outside(_));
    let oldest = dossier.open_blockers().filter(|one| waits(&one.cause)).map(|one| one.opened_at).min();
    let own = [
        ("days_since_update", days(facts.item.updated_at)),
        ("dependencies_blocked_days", oldest.map_or(Value::Number(Number::whole(0)), days)),
    ];
    known.extend(own.into_iter().filter_map(|(key, value)| Some((key.parse().ok()?, value))));
    known
}

fn every(pipeline: &StagePipeline) -> impl Iterator<Item = &Criterion> {
    pipeline.stages.iter().flat_map(|stage| stage.entry.iter().chain(&stage.exit))
}
