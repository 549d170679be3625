//! `CodeCommit Pull Request State Change`.

use serde::Deserialize;

/// A pull request, its approvals or its approval rules changed. It names its repository by name alone, without an id.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PullRequestDetail {
    /// `pullRequestCreated`, `pullRequestSourceBranchUpdated`, `pullRequestStatusChanged`, `pullRequestMergeStatusUpdated`,
    /// `pullRequestApprovalRule{Created,Updated,Deleted,Overridden}`, `pullRequestApprovalStateChanged`.
    pub event: String,
    /// Its number, as text.
    pub pull_request_id: String,
    /// `Open` or `Closed`.
    pub pull_request_status: Status,
    /// `True` or `False`, as text.
    pub is_merged: Merged,
    /// The names of the repositories that it is about. In AWS's examples, and as pull requests are made, one.
    pub repository_names: Vec<String>,
    /// The head.
    pub source_commit: String,
    /// `refs/heads/main`.
    pub destination_reference: String,
    /// The commit of that branch.
    pub destination_commit: String,
    /// Who opened it.
    #[serde(default)]
    pub author: Option<String>,
    /// Who caused the event.
    #[serde(default)]
    pub caller_user_arn: Option<String>,
    /// `APPROVE` or `REVOKE`, of `pullRequestApprovalStateChanged`.
    #[serde(default)]
    pub approval_status: Option<Approval>,
    /// `OVERRIDE` or `REVOKE`, of `pullRequestApprovalRuleOverridden`.
    #[serde(default)]
    pub override_status: Option<Override>,
}

/// Whether it is open. What is closed stays closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Status {
    /// It is.
    Open,
    /// It was merged, or closed without.
    Closed,
}

/// Whether it was merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Merged {
    /// It was.
    True,
    /// It was not.
    False,
}

/// What somebody did with their approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Approval {
    /// Gave it.
    Approve,
    /// Took it back.
    Revoke,
}

/// What somebody did with the approval rules of a pull request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Override {
    /// Set them aside.
    Override,
    /// Set them again.
    Revoke,
}
