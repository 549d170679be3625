//! `CodeCommit Repository State Change`.

use serde::Deserialize;

/// A reference was made, moved or deleted.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReferenceDetail {
    /// `referenceCreated`, `referenceUpdated`, `referenceDeleted`; `unreferencedMergeCommitCreated` names no reference.
    pub event: String,
    /// CodeCommit's id of the repository.
    pub repository_id: String,
    /// Its name.
    pub repository_name: String,
    /// `branch` or `tag`.
    #[serde(default)]
    pub reference_type: Option<String>,
    /// `refs/heads/myBranch`.
    #[serde(default)]
    pub reference_full_name: Option<String>,
    /// Where it points now.
    #[serde(default)]
    pub commit_id: Option<String>,
    /// Where it pointed before.
    #[serde(default)]
    pub old_commit_id: Option<String>,
    /// Who did it. AWS's examples leave it out.
    #[serde(default)]
    pub caller_user_arn: Option<String>,
}
