//! May this item move: the decision, with everything that is missing.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    evidence::{Evidence, Provenance},
    item::{Destination, Item, Position, Step},
    kill::{self, KillReview},
    pipeline::{Condition, Criterion, Review, Stage, StagePipeline},
    unmet::Unmet,
};
use crate::domain::{
    id::{CommitSha, CriterionKey, GroupName, PersonName, RequestId, StageName},
    reason,
};

/// By how much the clock of whoever wrote evidence may be ahead of that of whoever judges it.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_secs(5);

/// Somebody asks for a move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoveRequest {
    /// Names the request: the same one is answered the same.
    pub request_id: RequestId,
    /// The stage that whoever asks believes the item is in.
    pub from: StageName,
    /// Where it shall go.
    pub to: Destination,
    /// Who asks. They review nothing of it.
    pub requested_by: PersonName,
    /// Whether nobody proved to be that person, as on the bus: then any reviewer may be the one who asks in another's name, so each review
    /// takes one approval more, and one by everybody that of whoever is named as well.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unproven: bool,
    /// Why. Needed to put an item aside or to end it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The item's version that whoever asks saw, when they say it: a move of another one is not decided at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
}

impl MoveRequest {
    /// Whether it asks for the same, whichever way it came.
    pub fn is_the_same_as(&self, other: &Self) -> bool {
        Self { unproven: other.unproven, ..self.clone() } == *other
    }
}

/// Somebody said that an item may go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Who.
    pub by: PersonName,
    /// From which stage.
    pub from: StageName,
    /// To which, or out of the last one.
    pub to: Destination,
    /// What they saw: the item's commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<CommitSha>,
    /// When.
    pub at: Timestamp,
}

/// What was read at the moment of the decision.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'f> {
    /// The item.
    pub item: &'f Item,
    /// Its pipeline.
    pub pipeline: &'f StagePipeline,
    /// Evidence by what it is about, as its sources gave it.
    pub evidence: &'f BTreeMap<CriterionKey, Evidence>,
    /// Who said that it may go on.
    pub approvals: &'f [Approval],
    /// Whether its end is considered.
    pub kill: &'f KillReview,
    /// Who is in each group. A group that is not there has nobody.
    pub groups: &'f BTreeMap<GroupName, BTreeSet<PersonName>>,
}

/// The answer, with all its reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What kind of move it is; nothing when there is no such move.
    pub step: Option<Step>,
    /// Everything that is missing. Nothing: the item may move.
    pub unmet: Vec<Unmet>,
}

impl Decision {
    /// Whether the item may move.
    pub fn admits(&self) -> bool {
        self.step.is_some() && self.unmet.is_empty()
    }
}

/// Decides over a move. Nothing that is missing is left out, whatever else is.
pub fn decide(facts: Facts<'_>, request: &MoveRequest, now: Timestamp) -> Decision {
    let mut unmet = Vec::new();
    if request.from != *facts.item.position.stage() {
        unmet.push(Unmet::Elsewhere { believed: request.from.clone(), is: facts.item.position.stage().clone() });
    }
    let step = match facts.item.step_to(&request.to, facts.pipeline) {
        Ok(step) => Some(step),
        Err(none) => {
            // Whoever wants further is told what the first gate on the way lacks, too.
            let first = match &none {
                Unmet::Skips { stages } => stages.first().cloned().map(Destination::Stage),
                _ => None,
            };
            unmet.push(none);
            unmet.extend(first.into_iter().flat_map(|first| gate(facts, &first, request, now)));
            None
        }
    };
    match (step, &request.to) {
        (Some(Step::Forward | Step::Finish), to) => unmet.extend(gate(facts, to, request, now)),
        (Some(Step::Park | Step::Kill), _) => {
            let length = request.reason.as_deref().map_or(0, |reason| reason.trim().chars().count());
            if length < reason::SHORTEST {
                unmet.push(Unmet::NoReason { least: reason::SHORTEST });
            }
        }
        _ => {}
    }
    Decision { step, unmet }
}

/// What the gate before a stage still lacks: of the exit of the stage that the item is in, of the entry of the next, of reviews.
pub(super) fn gate(facts: Facts<'_>, to: &Destination, request: &MoveRequest, now: Timestamp) -> Vec<Unmet> {
    let mut unmet = Vec::new();
    let Position::Active { stage: from } = &facts.item.position else { return unmet };
    for criterion in asked(facts.pipeline, from, to) {
        // The same thing may be asked for on both sides of the gate: it is missing once.
        if falls_away(&criterion.when, facts, (from, to), now) {
            continue;
        }
        unmet.extend(judge(criterion, facts, now).filter(|missing| !unmet.contains(missing)));
    }
    let rules = facts.pipeline.stage(from).map(|stage| stage.kill_rules.as_slice()).unwrap_or_default();
    unmet.extend(kill::stops(rules, facts.kill).map(|rule| {
        let (key, requirement) = &rule.when;
        Unmet::Stopped { rule: rule.name.clone(), key: key.clone(), found: requirement.words() }
    }));
    for review in facts.pipeline.stage(from).map(|stage| stage.reviews.as_slice()).unwrap_or_default() {
        unmet.extend(reviewed(review, facts, (from, to), request, now));
    }
    unmet
}

/// What the gate between two stages asks for: the exit of the one, the entry of the other; and the entry of the first stage, which no gate
/// stands before.
pub(super) fn asked<'p>(
    pipeline: &'p StagePipeline,
    from: &StageName,
    to: &Destination,
) -> impl Iterator<Item = &'p Criterion> {
    let first = pipeline.stages.first().filter(|stage| stage.name == *from);
    let of = |stage: Option<&'p Stage>, side: fn(&'p Stage) -> &'p [Criterion]| stage.map(side).unwrap_or_default();
    let entered = of(first, |stage| &stage.entry);
    let exit = of(pipeline.stage(from), |stage| &stage.exit);
    let next = match to {
        Destination::Stage(to) => pipeline.stage(to),
        Destination::Parked | Destination::Done | Destination::Killed => None,
    };
    let entry = of(next, |stage| &stage.entry);
    entered.iter().chain(exit).chain(entry)
}

/// What is wrong with the evidence for a criterion; nothing when it is satisfied.
fn judge(criterion: &Criterion, facts: Facts<'_>, now: Timestamp) -> Option<Unmet> {
    let key = criterion.key.clone();
    let Some(evidence) = facts.evidence.get(&key) else {
        return Some(Unmet::Missing { key, wanted: criterion.words(), sources: criterion.sources.clone() });
    };
    if let Some(doubt) = doubt(criterion, evidence, facts, now) {
        return Some(doubt);
    }
    match criterion.requirement.holds(&evidence.value) {
        Some(true) => None,
        Some(false) => Some(Unmet::NotSo { key, found: evidence.value.found(), wanted: criterion.words() }),
        None => Some(Unmet::WrongType { key, found: evidence.value.found(), wanted: criterion.requirement.kind() }),
    }
}

/// Why evidence proves nothing, whatever it says: where it comes from, whose word it is, what it is about, how old it is.
pub(super) fn doubt(criterion: &Criterion, evidence: &Evidence, facts: Facts<'_>, now: Timestamp) -> Option<Unmet> {
    let key = criterion.key.clone();
    let source = evidence.provenance.source();
    if !criterion.sources.contains(&source) {
        return Some(Unmet::WrongSource { key, source, sources: criterion.sources.clone() });
    }
    if let Provenance::Attestation { by } = &evidence.provenance {
        let entitled = |group| facts.groups.get(group).is_some_and(|members| members.contains(by));
        if !criterion.attested_by.iter().any(entitled) {
            return Some(Unmet::NotTheirs { key, by: by.clone(), groups: criterion.attested_by.clone() });
        }
    }
    // An attestation may speak of the item as a whole, as the ledger does; whatever speaks of a commit speaks of the one that there is now.
    let whole = matches!(evidence.provenance, Provenance::Attestation { .. } | Provenance::IdeaLedger { .. });
    let of_whole = whole && evidence.head.is_none();
    if !of_whole && evidence.head != facts.item.head {
        return Some(Unmet::Stale { key, found: evidence.head.clone(), head: facts.item.head.clone() });
    }
    if evidence.at > now.saturating_add(CLOCKS_DIFFER).unwrap_or(Timestamp::MAX) {
        return Some(Unmet::FromTheFuture { key, at: evidence.at });
    }
    if let Some(fresh_for) = criterion.fresh_for
        && evidence.at.saturating_add(fresh_for).is_ok_and(|end| end < now)
    {
        return Some(Unmet::TooOld { key, at: evidence.at });
    }
    None
}

/// Whether what hangs on conditions is not needed here: the evidence for each of them is good, as the gate asks for it, and says otherwise.
/// Where one is missing, doubtful or of another type, it is needed. Without a condition it always is.
fn falls_away(when: &[Condition], facts: Facts<'_>, (from, to): (&StageName, &Destination), now: Timestamp) -> bool {
    let otherwise = |(key, requirement): &Condition| {
        let criterion = asked(facts.pipeline, from, to).find(|criterion| criterion.key == *key);
        let (Some(criterion), Some(evidence)) = (criterion, facts.evidence.get(key)) else { return false };
        doubt(criterion, evidence, facts, now).is_none() && requirement.holds(&evidence.value) == Some(false)
    };
    !when.is_empty() && when.iter().all(otherwise)
}

/// What a review still lacks. An approval counts when it is a member's, not the requester's, for this move, of what is there now,
/// and given since the item came into its stage.
fn reviewed(
    review: &Review,
    facts: Facts<'_>,
    (from, to): (&StageName, &Destination),
    request: &MoveRequest,
    now: Timestamp,
) -> Option<Unmet> {
    if falls_away(review.when.as_slice(), facts, (from, to), now) {
        return None;
    }
    let none = BTreeSet::new();
    let members = facts.groups.get(&review.group).unwrap_or(&none);
    if members.is_empty() && review.if_any {
        return None;
    }
    let good = |approval: &&Approval| {
        approval.from == *from
            && approval.to == *to
            && approval.head == facts.item.head
            && approval.at >= facts.item.since
            && members.contains(&approval.by)
    };
    let mut have: BTreeSet<PersonName> =
        facts.approvals.iter().filter(good).map(|approval| approval.by.clone()).collect();
    let own = !request.unproven && have.remove(&request.requested_by);
    let counts = |member: &&PersonName| request.unproven || **member != request.requested_by;
    let could: BTreeSet<PersonName> = members.iter().filter(counts).cloned().collect();
    let more = usize::from(request.unproven);
    let need = review.at_least.map_or(could.len().max(1), |least| least as usize + more);
    (have.len() < need).then(|| Unmet::NotReviewed {
        group: review.group.clone(),
        have: have.clone(),
        need,
        own,
        unproven: request.unproven,
        could: could.difference(&have).cloned().collect(),
    })
}
