//! `CodeCommit Comment on Pull Request` and `CodeCommit Comment on Commit`.

use serde::Deserialize;

/// Somebody commented. What they wrote is not in the event.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CommentDetail {
    /// `commentOnPullRequestCreated`, `commentOnPullRequestUpdated`, `commentOnCommitCreated`, `commentOnCommitUpdated`. By AWS's own example
    /// "updated" is said of a reply, too.
    pub event: String,
    /// CodeCommit's id of the repository.
    pub repository_id: String,
    /// Its name.
    pub repository_name: String,
    /// The comment.
    pub comment_id: String,
    /// The comment that it answers.
    #[serde(default)]
    pub in_reply_to: Option<String>,
    /// The pull request's number, as text; none of a commit's comment.
    #[serde(default)]
    pub pull_request_id: Option<String>,
    /// Who wrote it.
    #[serde(default)]
    pub caller_user_arn: Option<String>,
}
