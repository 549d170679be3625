//! What CodeCommit sends, as types: only what is read. Fields that are not named here are allowed and left alone, so that free text (titles,
//! descriptions, names and addresses of people, `notificationBody`) is carried nowhere.
//!
//! Source of all: AWS CodeCommit user guide, "Monitoring CodeCommit events in Amazon EventBridge and Amazon CloudWatch Events", with an example
//! of each event; the kinds: EventBridge events reference, "AWS CodeCommit events", delivered by best effort.

use common::event::AwsEvent;
use serde::de::DeserializeOwned;

pub mod comment;
pub mod pull_request;
pub mod reference;
pub mod template;
pub mod trigger;

/// What an event is of, by its `detail-type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// References: branches and tags.
    Repository,
    /// Pull requests, their approvals and their approval rules.
    PullRequest,
    /// Comments on pull requests.
    PullRequestComment,
    /// Comments on commits.
    CommitComment,
    /// Templates of approval rules.
    ApprovalRuleTemplate,
}

impl Kind {
    /// All that are read. Reactions to comments (`CodeCommit Comment Reaction Change`) are not.
    pub const ALL: [Self; 5] = [
        Self::Repository,
        Self::PullRequest,
        Self::PullRequestComment,
        Self::CommitComment,
        Self::ApprovalRuleTemplate,
    ];

    /// As AWS writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Repository => "CodeCommit Repository State Change",
            Self::PullRequest => "CodeCommit Pull Request State Change",
            Self::PullRequestComment => "CodeCommit Comment on Pull Request",
            Self::CommitComment => "CodeCommit Comment on Commit",
            Self::ApprovalRuleTemplate => "CodeCommit Approval Rule Template Change",
        }
    }

    /// The kind of this name.
    pub fn named(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// The detail as this type.
///
/// # Errors
/// Why it is none, in serde's words.
pub fn read<T: DeserializeOwned>(event: &AwsEvent) -> Result<T, serde_json::Error> {
    T::deserialize(&event.detail)
}
