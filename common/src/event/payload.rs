//! The payloads of the contract: what each event says beside its envelope.
//!
//! Payloads wake people and functions; they are never evidence. Whoever decides reads the state again by API. Free text from
//! outside (titles, messages, comment bodies) is left out on purpose: what is not carried cannot be injected or leaked.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{
    cluster::{ClusterKey, FieldChange, Finding, RunMode},
    id::{BranchName, CommitSha, Digest, Generation, PipelineName, RepositoryId, RepositoryName},
};

/// Where a repository lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Host {
    /// GitHub, or a host with its API.
    Github,
}

/// A repository: its id is its identity, its name only says where to find it now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Repository {
    /// The source host.
    pub host: Host,
    /// The numeric id.
    pub id: RepositoryId,
    /// `owner/name` at the time of the event.
    pub name: RepositoryName,
}

/// Who did it. The id authorises, the login is for people to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Actor {
    /// The numeric id.
    pub id: u64,
    /// The login, escaped when rendered.
    pub login: String,
}

/// A branch got a new head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BranchPushed {
    /// Where.
    pub repository: Repository,
    /// Which branch.
    pub branch: BranchName,
    /// The head before; absent for a new branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<CommitSha>,
    /// The head after.
    pub after: CommitSha,
    /// Whether history was rewritten.
    pub forced: bool,
    /// Who pushed.
    pub sender: Actor,
    /// The first path segments of what changed, sorted, for filters on the bus. `["*"]` when the payload does not tell
    /// (forced, new branch, commits left out): a filter must let it pass.
    pub touched_roots: Vec<String>,
}

/// A branch is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BranchDeleted {
    /// Where.
    pub repository: Repository,
    /// Which branch.
    pub branch: BranchName,
    /// Its last head.
    pub before: CommitSha,
    /// Who deleted it.
    pub sender: Actor,
}

/// A pull request as it was when the event was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// The repository of the base branch.
    pub repository: Repository,
    /// The pull request's number.
    pub number: u64,
    /// The head commit.
    pub head: CommitSha,
    /// The branch it would be merged into.
    pub base_branch: BranchName,
    /// That branch's commit in the payload.
    pub base: CommitSha,
    /// Whether the head is in another repository.
    pub fork: bool,
    /// Whether it is a draft.
    pub draft: bool,
    /// Who opened it.
    pub author: Actor,
    /// Who caused this event.
    pub sender: Actor,
    /// The host's own word for what happened: `opened`, `synchronize`, …
    pub action: String,
}

/// A pull request was merged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeMerged {
    /// The pull request.
    #[serde(flatten)]
    pub change: Change,
    /// The commit that the merge made, when the host names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merge_commit: Option<CommitSha>,
}

/// A review was submitted, edited or dismissed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeReviewed {
    /// The repository.
    pub repository: Repository,
    /// The pull request's number.
    pub number: u64,
    /// The review's id.
    pub review: u64,
    /// The commit that was reviewed; absent when the host no longer knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<CommitSha>,
    /// Who reviewed.
    pub reviewer: Actor,
    /// The host's own word: `submitted`, `edited`, `dismissed`.
    pub action: String,
}

/// A comment on a pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeCommented {
    /// The repository.
    pub repository: Repository,
    /// The pull request's number.
    pub number: u64,
    /// The comment's id; its text is read by API.
    pub comment: u64,
    /// Who wrote it.
    pub author: Actor,
    /// Who caused this event: a writer may edit another's comment.
    pub sender: Actor,
    /// The host's own word: `created`, `edited`, `deleted`.
    pub action: String,
}

/// What kind of check came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckKind {
    /// One check run.
    CheckRun,
    /// All check runs of one App for one commit.
    CheckSuite,
    /// A GitHub Actions workflow run.
    WorkflowRun,
}

/// A check came to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CheckCompleted {
    /// The repository.
    pub repository: Repository,
    /// Which kind of check.
    pub check: CheckKind,
    /// Its id.
    pub id: u64,
    /// The commit that was checked.
    pub head: CommitSha,
    /// The host's word for the result: `success`, `failure`, …; absent when it gave none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conclusion: Option<String>,
}

/// An issue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Issue {
    /// The repository.
    pub repository: Repository,
    /// The issue's number.
    pub number: u64,
    /// Who wrote it; absent when the account is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<Actor>,
    /// Who caused this event.
    pub sender: Actor,
    /// The host's own word: `opened`, `labeled`, …
    pub action: String,
}

/// A deployment's state was reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeploymentReported {
    /// The repository.
    pub repository: Repository,
    /// The deployment's id.
    pub deployment: u64,
    /// The commit that was deployed.
    pub head: CommitSha,
    /// The host's word for the state: `success`, `failure`, …
    pub state: String,
}

/// A repository has another name or owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RepositoryRenamed {
    /// The repository under its new name.
    pub repository: Repository,
    /// The host's own word: `renamed` or `transferred`.
    pub action: String,
}

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
    /// Field by field, what an update changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<FieldChange>,
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
