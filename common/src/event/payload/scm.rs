//! What happened on a source host, in words that all hosts share.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Actor, Repository};
use crate::domain::id::{BranchName, CommentId, CommitSha};

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
    /// The review's id; CodeCommit's approvals have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<u64>,
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
    pub comment: CommentId,
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

/// A run of a GitHub Actions workflow came to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WorkflowCompleted {
    /// The repository.
    pub repository: Repository,
    /// The run's id.
    pub run: u64,
    /// The commit that it ran for.
    pub head: CommitSha,
    /// The host's word for the result: `success`, `failure`, …; absent when it gave none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conclusion: Option<String>,
}

/// An issue, or a pull request as the issue that it is on its host.
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
