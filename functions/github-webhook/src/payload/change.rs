//! `pull_request`, `pull_request_review`, `issue_comment`, `issues`: what people say about changes. Titles and texts are not read.

use serde::{Deserialize, de::IgnoredAny};

use super::shared::{Repository, RepositoryRef, User, Word};

/// A pull request event.
#[derive(Debug, Deserialize)]
pub struct PullRequestEvent {
    /// `opened`, `synchronize`, …
    pub action: Word,
    /// The number.
    pub number: u64,
    /// The pull request.
    pub pull_request: PullRequest,
    /// The base's repository.
    pub repository: Repository,
    /// Who.
    pub sender: Option<User>,
}

/// A pull request.
#[derive(Debug, Deserialize)]
pub struct PullRequest {
    /// What would be merged.
    pub head: Tip,
    /// Into what.
    pub base: Tip,
    /// Who opened it.
    pub user: Option<User>,
    /// Whether it is a draft.
    #[serde(default)]
    pub draft: bool,
    /// Whether it was merged.
    #[serde(default)]
    pub merged: bool,
    /// The commit that the merge made; before the merge, a trial.
    pub merge_commit_sha: Option<String>,
}

/// One end of a pull request.
#[derive(Debug, Deserialize)]
pub struct Tip {
    /// The branch.
    #[serde(rename = "ref")]
    pub reference: String,
    /// The commit.
    pub sha: String,
    /// The repository; absent when a fork is gone.
    pub repo: Option<RepositoryRef>,
}

/// A review.
#[derive(Debug, Deserialize)]
pub struct ReviewEvent {
    /// `submitted`, `edited`, `dismissed`.
    pub action: Word,
    /// The review.
    pub review: Review,
    /// The pull request.
    pub pull_request: Numbered,
    /// Where.
    pub repository: Repository,
}

/// A review's own fields.
#[derive(Debug, Deserialize)]
pub struct Review {
    /// Its id.
    pub id: u64,
    /// The commit that was reviewed.
    pub commit_id: Option<String>,
    /// Who.
    pub user: Option<User>,
}

/// Something with a number.
#[derive(Debug, Deserialize)]
pub struct Numbered {
    /// The number.
    pub number: u64,
}

/// A comment on an issue or a pull request.
#[derive(Debug, Deserialize)]
pub struct CommentEvent {
    /// `created`, `edited`, `deleted`.
    pub action: Word,
    /// On what.
    pub issue: CommentedIssue,
    /// The comment.
    pub comment: Comment,
    /// Where.
    pub repository: Repository,
    /// Who caused this event.
    pub sender: Option<User>,
}

/// What was commented on.
#[derive(Debug, Deserialize)]
pub struct CommentedIssue {
    /// The number.
    pub number: u64,
    /// There when it is a pull request.
    pub pull_request: Option<IgnoredAny>,
}

/// A comment.
#[derive(Debug, Deserialize)]
pub struct Comment {
    /// Its id.
    pub id: u64,
    /// Who wrote it.
    pub user: Option<User>,
}

/// An issue event.
#[derive(Debug, Deserialize)]
pub struct IssuesEvent {
    /// `opened`, `labeled`, …
    pub action: Word,
    /// The issue.
    pub issue: Issue,
    /// Where.
    pub repository: Repository,
    /// Who caused this event.
    pub sender: Option<User>,
}

/// An issue.
#[derive(Debug, Deserialize)]
pub struct Issue {
    /// The number.
    pub number: u64,
    /// Who wrote it.
    pub user: Option<User>,
}
