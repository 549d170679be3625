//! Keeping what remains of a work item that has ended: a branch and a tag at its last commit, and an issue for what was learnt. Only
//! `kill-executor` has it.

use std::future::Future;

use crate::{domain::id::CommitSha, event::Repository, fault::Fault};

/// Keeping what remains.
pub trait Archive: Sync {
    /// Makes a reference at a commit: `heads/archive/p-1`, `tags/killed/p-1`. One that stands there already is as good. Whether the host keeps such a one:
    /// CodeCommit makes no tags.
    ///
    /// # Errors
    /// `Reject` when it stands at another commit: it is never moved.
    fn keep(
        &self,
        repository: &Repository,
        reference: &str,
        commit: &CommitSha,
    ) -> impl Future<Output = Result<bool, Fault>> + Send;

    /// Opens an issue with a label, or finds the open one with that label and title that this App opened. Its number; nothing where
    /// the host has no issues.
    fn open_issue(
        &self,
        repository: &Repository,
        issue: &NewIssue,
    ) -> impl Future<Output = Result<Option<u64>, Fault>> + Send;
}

/// An issue to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewIssue {
    /// Its title: no foreign text.
    pub title: String,
    /// Its text, in Markdown; foreign text in it is escaped.
    pub body: String,
    /// Its label.
    pub label: String,
}
