//! What is missing, with who can clear it and by what: the form in which a decision is answered, told and kept.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    evidence::Source,
    gate::{Facts, MoveRequest, asked},
    item::Destination,
    pipeline::Criterion,
    unmet::Unmet,
};
use crate::domain::id::{CommitSha, CriterionKey, GroupName, PersonName, StageName};

/// One thing that keeps an item where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Obstacle {
    /// What is missing, in words.
    pub missing: String,
    /// Who can clear it, by name; nobody when it takes somebody who is not there yet, or no person at all.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub who: BTreeSet<PersonName>,
    /// By what.
    pub remedy: Remedy,
}

/// What clears an obstacle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Remedy {
    /// Evidence by one of these persons' word.
    Attest {
        /// For what.
        key: CriterionKey,
    },
    /// Evidence that no person's word can give: a check run, a merged pull request, a file.
    Bring {
        /// For what.
        key: CriterionKey,
    },
    /// An approval of the move.
    Approve {
        /// From which stage.
        from: StageName,
        /// To which, or out of the last one.
        to: Destination,
        /// Of which commit of the item, when it lives on a source host.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        head: Option<CommitSha>,
    },
    /// Another request: for a move that there is, or with a reason.
    AskAgain,
    /// An item of its own: this one has ended.
    BeginAnew,
    /// Somebody who may: the governance files have nobody, or not this.
    ChangeGovernance,
}

/// What is missing, each with who can clear it, in the order of the decision.
pub fn obstacles(facts: Facts<'_>, request: &MoveRequest, unmet: &[Unmet]) -> Vec<Obstacle> {
    let judged = criteria(facts);
    unmet.iter().map(|unmet| obstacle(facts, request, &judged, unmet)).collect()
}

fn obstacle(
    facts: Facts<'_>,
    request: &MoveRequest,
    judged: &BTreeMap<&CriterionKey, &Criterion>,
    unmet: &Unmet,
) -> Obstacle {
    let owner = || BTreeSet::from([facts.item.owner.clone()]);
    let asker = || BTreeSet::from([request.requested_by.clone()]);
    let (who, remedy) = match unmet {
        Unmet::Missing { key, .. }
        | Unmet::Stopped { key, .. }
        | Unmet::WrongType { key, .. }
        | Unmet::NotSo { key, .. }
        | Unmet::WrongSource { key, .. }
        | Unmet::NotTheirs { key, .. }
        | Unmet::Stale { key, .. }
        | Unmet::TooOld { key, .. }
        | Unmet::FromTheFuture { key, .. } => {
            let by_word = judged.get(key).filter(|criterion| criterion.sources.contains(&Source::Attestation));
            match by_word.map(|criterion| members(facts, &criterion.attested_by)) {
                Some(nobody) if nobody.is_empty() => (nobody, Remedy::ChangeGovernance),
                Some(members) => (members, Remedy::Attest { key: key.clone() }),
                None => (owner(), Remedy::Bring { key: key.clone() }),
            }
        }
        Unmet::NotReviewed { could, .. } if could.is_empty() => (BTreeSet::new(), Remedy::ChangeGovernance),
        Unmet::NotReviewed { could, .. } => {
            let from = facts.item.position.stage().clone();
            // Reviews are asked for before the next stage, however far somebody wants to go.
            match facts.item.next(facts.pipeline) {
                Some(to) => (could.clone(), Remedy::Approve { from, to, head: facts.item.head.clone() }),
                None => (could.clone(), Remedy::AskAgain),
            }
        }
        Unmet::Ended => (asker(), Remedy::BeginAnew),
        Unmet::Elsewhere { .. }
        | Unmet::UnknownStage { .. }
        | Unmet::AlreadyThere
        | Unmet::Skips { .. }
        | Unmet::OnlyBackTo { .. }
        | Unmet::LeftPipeline { .. }
        | Unmet::NoReason { .. } => (asker(), Remedy::AskAgain),
    };
    Obstacle { missing: unmet.sentence(), who, remedy }
}

/// What the gate before the next stage looks at.
fn criteria(facts: Facts<'_>) -> BTreeMap<&CriterionKey, &Criterion> {
    let Some(next) = facts.item.next(facts.pipeline) else { return BTreeMap::new() };
    let all = asked(facts.pipeline, facts.item.position.stage(), &next);
    // Of a thing that is asked for twice the first counts, as in the gate: it is missing once.
    let mut criteria = BTreeMap::new();
    for criterion in all {
        criteria.entry(&criterion.key).or_insert(criterion);
    }
    criteria
}

fn members(facts: Facts<'_>, groups: &BTreeSet<GroupName>) -> BTreeSet<PersonName> {
    groups.iter().filter_map(|group| facts.groups.get(group)).flatten().cloned().collect()
}
