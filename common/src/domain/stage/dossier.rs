//! An item with all that its gates look at, and how a request for a move was answered.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    evidence::{Evidence, Provenance},
    gate::{Approval, Facts, MoveRequest},
    item::{Destination, Item, Step},
    kill::KillReview,
    obstacle::Obstacle,
    pipeline::StagePipeline,
};
use crate::domain::{
    id::{BlockerId, CommitSha, CriterionKey, GroupName, PersonName},
    rhythm::Blocker,
};

/// An item, the evidence for it, the approvals of its next move, and what stands in its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dossier {
    /// The item.
    pub item: Item,
    /// Evidence by what it is about: the last that was given.
    pub evidence: BTreeMap<CriterionKey, Evidence>,
    /// Who said that it may go on, since it came into its stage: one a person and move.
    pub approvals: Vec<Approval>,
    /// What keeps it from going on, and what did a short while ago.
    pub blockers: BTreeMap<BlockerId, Blocker>,
    /// Whether its end is considered.
    pub kill: KillReview,
}

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The item moved.
    Admit,
    /// It stays: every reason is beside it.
    Reject,
}

/// How a request for a move was answered. It is kept, so that the same request is answered the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// What was asked for.
    pub request: MoveRequest,
    /// Whether it moved.
    pub verdict: Verdict,
    /// What kind of move it is; nothing when there is no such move.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<Step>,
    /// The item's version, after the move or as it was looked at.
    pub version: u64,
    /// Everything that is missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Obstacle>,
    /// When.
    pub at: Timestamp,
}

impl Dossier {
    /// A new item, for which nothing was brought yet.
    pub fn new(item: Item) -> Self {
        Self {
            item,
            evidence: BTreeMap::new(),
            approvals: Vec::new(),
            blockers: BTreeMap::new(),
            kill: KillReview::default(),
        }
    }

    /// What a decision looks at.
    pub fn facts<'f>(
        &'f self,
        pipeline: &'f StagePipeline,
        groups: &'f BTreeMap<GroupName, BTreeSet<PersonName>>,
    ) -> Facts<'f> {
        Facts {
            item: &self.item,
            pipeline,
            evidence: &self.evidence,
            approvals: &self.approvals,
            kill: &self.kill,
            groups,
        }
    }

    /// After a move that was admitted. Approvals given before it count for nothing any more, and go. So does, after a move back, the
    /// evidence for the gates that lie ahead again: it was about work that is to be done anew.
    #[must_use]
    pub fn moved(&self, to: &Destination, pipeline: &StagePipeline, now: Timestamp) -> Self {
        let place = |name| pipeline.position(name);
        let mut evidence = self.evidence.clone();
        if let Destination::Stage(to) = to
            && let Some(to) = place(to)
            && place(self.item.position.stage()).is_none_or(|from| to < from)
        {
            let exits = pipeline.stages.iter().skip(to).flat_map(|stage| &stage.exit);
            let entries = pipeline.stages.iter().skip(to + 1).flat_map(|stage| &stage.entry);
            for criterion in exits.chain(entries) {
                evidence.remove(&criterion.key);
            }
        }
        Self { item: self.item.moved(to, now), evidence, approvals: Vec::new(), ..self.clone() }
    }

    /// With evidence, in the place of what was there. Approvals that were given over other evidence go: whoever gave them has not seen this.
    #[must_use]
    pub fn with_evidence(mut self, key: CriterionKey, evidence: Evidence) -> Self {
        let says = |evidence: &Evidence| (evidence.value.clone(), evidence.head.clone());
        if self.evidence.get(&key).map(says) != Some(says(&evidence)) {
            self.approvals.clear();
        }
        self.item.updated_at = evidence.at;
        self.evidence.insert(key, evidence);
        self.item.version += 1;
        self
    }

    /// As the source host says that it is now: about this commit, with this evidence. What a host said before counts for nothing: it says it
    /// again, or it is not so any more. Somebody's word stands where the host says nothing.
    /// Another commit than before is something that somebody did about it.
    #[must_use]
    pub fn with_sourced(
        mut self,
        head: Option<CommitSha>,
        sourced: BTreeMap<CriterionKey, Evidence>,
        now: Timestamp,
    ) -> Self {
        if self.item.head.is_some() && self.item.head != head {
            self.item.updated_at = now;
        }
        self.item.head = head;
        self.evidence.retain(|_, evidence| matches!(evidence.provenance, Provenance::Attestation { .. }));
        self.evidence.extend(sourced);
        self
    }

    /// With an approval, in the place of the same person's for the same move.
    #[must_use]
    pub fn with_approval(mut self, approval: Approval) -> Self {
        let same =
            |other: &Approval| (&other.by, &other.from, &other.to) == (&approval.by, &approval.from, &approval.to);
        self.approvals.retain(|other| !same(other));
        self.item.updated_at = approval.at;
        self.approvals.push(approval);
        self.item.version += 1;
        self
    }
}
