//! Runs of the clusters' pipelines at their gates, and holds.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Addressee, Repository};
use crate::domain::{
    cluster::ClusterKey,
    id::{BranchName, CommentId, CommitSha, ExecutionId, HoldId, PersonName, PipelineName},
    run::{Hold, HoldScope, Unmet},
};

/// A run of a cluster's pipeline at its gate: what the gate says of it now. Which of the events it is says whether it goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunAtGate {
    /// Where the cluster is configured.
    pub repository: Repository,
    /// The branch that its environment follows.
    pub branch: BranchName,
    /// Whose run.
    pub cluster: ClusterKey,
    /// Its pipeline.
    pub pipeline: PipelineName,
    /// Which run.
    pub execution: ExecutionId,
    /// What it deploys; nothing when CodePipeline does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<CommitSha>,
    /// Since when it waits; of one that left its gate without Penstock, when the gate spoke of it last.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub since: Timestamp,
    /// Everything that is missing, with who can clear it.
    pub reasons: Vec<RunObstacle>,
    /// When it could go on at the earliest; nothing when no time alone leads there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub earliest: Option<Timestamp>,
    /// Who approved it.
    pub approved_by: Vec<PersonName>,
    /// Whose approval would count and is missing: who is told of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asks: Vec<Addressee>,
}

/// One thing that keeps a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunObstacle {
    /// What is missing, as a person reads it.
    pub missing: String,
    /// Who can clear it.
    pub who: String,
    /// What they do.
    pub how: String,
    /// When time alone clears it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub until: Option<Timestamp>,
}

impl From<&Unmet> for RunObstacle {
    fn from(unmet: &Unmet) -> Self {
        let clearing = unmet.clearing();
        Self { missing: unmet.sentence(), who: clearing.who, how: clearing.how, until: unmet.until() }
    }
}

/// A command to a gate, in a comment on a pull request, was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunAnswerRefused {
    /// Where.
    pub repository: Repository,
    /// The pull request.
    pub number: u64,
    /// The comment.
    pub comment: CommentId,
    /// Why.
    pub reason: String,
}

/// Somebody stops runs that have not passed their gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HoldPlaced {
    /// Which hold.
    pub hold: HoldId,
    /// What it stops.
    pub scope: HoldScope,
    /// Why.
    pub reason: String,
    /// Who placed it.
    pub by: PersonName,
    /// From when it stops nothing any more.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub until: Timestamp,
}

/// Somebody took a hold away before its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HoldLifted {
    /// Which hold.
    pub hold: HoldId,
    /// What it stopped.
    pub scope: HoldScope,
    /// Who lifted it.
    pub by: PersonName,
    /// Who had placed it.
    pub placed_by: PersonName,
}

impl From<&Hold> for HoldPlaced {
    fn from(hold: &Hold) -> Self {
        let Hold { id, scope, reason, by, until, .. } = hold.clone();
        Self { hold: id, scope, reason, by, until }
    }
}
