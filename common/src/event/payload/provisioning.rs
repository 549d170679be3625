//! Runs of the provisioner and what became of each cluster.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Repository;
use crate::domain::{
    cluster::{ClusterKey, FieldChange, Finding, RunMode, Severity, Weakness},
    id::{BranchName, CommitSha, Digest, Generation, PersonName, PipelineName},
};

/// Which run of the provisioner this is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    /// The repository.
    pub repository: Repository,
    /// The branch that is reconciled, or that a change would be merged into.
    pub branch: BranchName,
    /// The commit that was read: the branch's head, or the change's.
    pub head: CommitSha,
    /// The fence of this run. A plan for a change takes none and says 0.
    pub generation: Generation,
    /// Whether it writes or only says what it would write.
    pub mode: RunMode,
}

impl Run {
    /// What its marks stand under: generations count for each branch, so two branches that stand on one commit are two subjects.
    pub fn subject(&self) -> String {
        let commit = format!("commit:{}/{}/{}", self.repository.id, self.branch, self.head);
        match self.mode {
            RunMode::Reconcile => commit,
            // Two pull requests may have the same head and the same base.
            RunMode::DryRun { number } => format!("{commit}#{number}"),
        }
    }
}

/// The provisioner began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProvisioningStarted {
    /// Which run.
    pub run: Run,
}

/// How many clusters came to which result.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// Pipelines made, or to be made.
    pub created: u32,
    /// Pipelines changed.
    pub updated: u32,
    /// Pipelines that are as they should be.
    pub unchanged: u32,
    /// Destroy runs started.
    pub destroying: u32,
    /// Pipelines removed.
    pub retired: u32,
    /// Requests that a rule forbids.
    pub refused: u32,
    /// Pipelines whose file is gone.
    pub orphaned: u32,
    /// Files that were refused.
    pub invalid: u32,
    /// Clusters for which a call failed.
    pub failed: u32,
    /// Pipelines that somebody changed by hand, and that are left so.
    #[serde(default)]
    pub drifted: u32,
    /// Those of them whose runs are no longer safe.
    #[serde(default)]
    pub weakened: u32,
}

/// What became of one cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The pipeline was made.
    Created,
    /// The pipeline has a new definition.
    Updated,
    /// Nothing to do.
    Unchanged,
    /// A destroy run was started; the pipeline stays.
    Destroying,
    /// The pipeline was removed.
    Retired,
    /// A rule forbids it.
    Refused,
    /// The file is gone, the pipeline stays.
    Orphaned,
    /// The file was refused; the pipeline stays as it is.
    Invalid,
    /// A call failed.
    Failed,
    /// Somebody changed the pipeline by hand; it stays so.
    Drifted,
}

/// One cluster's line in the result of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClusterResult {
    /// Which cluster.
    pub cluster: ClusterKey,
    /// Its pipeline.
    pub pipeline: PipelineName,
    /// What became of it.
    pub outcome: Outcome,
    /// Why, in sentences, each complete on its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// Field by field, what an update changed; of a pipeline that stays as somebody changed it, what setting it back would.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<FieldChange>,
    /// What somebody's change by hand took from the safety of its runs: still, when it stays so, and until now, when it was set right.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weakened: Vec<Weakness>,
}

/// The end of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProvisioningFinished {
    /// Which run.
    pub run: Run,
    /// Whether every cluster was looked at; false when a newer run took over or time ran out, and the reason is in `stopped`.
    pub complete: bool,
    /// Why the run stopped early, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
    /// How many clusters came to which result.
    pub counts: Counts,
    /// One line a cluster, first those that need somebody.
    pub results: Vec<ClusterResult>,
    /// How many lines did not fit.
    #[serde(default)]
    pub results_omitted: u32,
    /// Everything that was found in the files, errors first.
    pub findings: Vec<Finding>,
    /// How many findings did not fit.
    #[serde(default)]
    pub findings_omitted: u32,
    /// What should not be so and is no cluster's, in sentences: a copied pipeline, tags that name no cluster.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// How many notes did not fit.
    #[serde(default)]
    pub notes_omitted: u32,
    /// The removals that a rule refused together, when people may let them through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removals: Option<RemovalsRefused>,
    /// Whether the change touches nothing that is planned. Then nothing is said, and that is remembered.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub untouched: bool,
}

/// Removals that people may let through together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RemovalsRefused {
    /// What they are approved by: over repository, branch, commit, and each cluster with how it is removed.
    pub digest: Digest,
    /// Of how many clusters.
    pub count: u32,
}

/// People let removals through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RemovalsApproved {
    /// Where the clusters are configured.
    pub repository: Repository,
    /// The branch that asks for it.
    pub branch: BranchName,
    /// The commit at which they may be done.
    pub head: CommitSha,
    /// Which removals.
    pub digest: Digest,
    /// Of how many clusters.
    pub count: u32,
    /// Who approved them.
    pub approved_by: Vec<PersonName>,
    /// Until when they may be done.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub until: Timestamp,
}

impl ProvisioningFinished {
    /// Whether a file or a request must be mended by its author.
    pub fn wants_mending(&self) -> bool {
        let errors = self.findings.iter().any(|finding| finding.severity == Severity::Error);
        errors || self.counts.invalid + self.counts.refused > 0
    }

    /// Whether our side failed, or stopped before its end, or a pipeline stays as somebody made it unsafe.
    pub fn fell_short(&self) -> bool {
        self.counts.failed + self.counts.weakened > 0 || !self.complete
    }
}

/// Something happened to one pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PipelineResult {
    /// Which run.
    pub run: Run,
    /// The cluster, its pipeline, the outcome and the reasons.
    #[serde(flatten)]
    pub result: ClusterResult,
    /// The file that says so, or said so.
    pub config_path: String,
    /// The digest of the specification the pipeline now has; absent when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spec_sha256: Option<Digest>,
}

/// Somebody changed a pipeline by hand, and it stays so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PipelineDrift {
    /// The pipeline, with what differs.
    #[serde(flatten)]
    pub pipeline: PipelineResult,
    /// Who can clear it, in words.
    pub who: String,
    /// What to do, in words.
    pub action: String,
}

/// A file was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConfigurationRejected {
    /// Which run.
    pub run: Run,
    /// The file.
    pub path: String,
    /// Every finding in it.
    pub findings: Vec<Finding>,
}
