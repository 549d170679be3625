//! What a merge is decided by, and merging.
//!
//! For the function that merges (journey 2). Reading and merging are two ports, so that who decides cannot merge. No function has
//! either yet, and no grant allows their calls.

use std::{collections::BTreeSet, future::Future};

use crate::{
    domain::id::{CommitSha, HostAccount},
    event::Repository,
    fault::Fault,
};

use super::Forge;

/// Reading what a merge is decided by.
pub trait Changes: Forge {
    /// The paths that a head changed since it and a base parted; of a file that moved both. Foreign text.
    ///
    /// # Errors
    /// `Reject` when the host does not list them all: part of a list is never the whole.
    fn changed_paths(
        &self,
        repository: &Repository,
        base: &CommitSha,
        head: &CommitSha,
    ) -> impl Future<Output = Result<BTreeSet<String>, Fault>> + Send;

    /// Who approves a pull request, as the host has it now; nothing when there is none.
    fn approvals(
        &self,
        repository: &Repository,
        number: u64,
    ) -> impl Future<Output = Result<Option<Approvals>, Fault>> + Send;
}

/// Merging: the right to it, and nothing beside.
pub trait Merging: Sync {
    /// Merges a pull request as one commit, if its head still is what was decided on. Idempotent by (pull request, head): of one that
    /// was merged with that head it answers the commit.
    fn merge_squash(
        &self,
        repository: &Repository,
        merge: &SquashMerge,
    ) -> impl Future<Output = Result<Merged, Fault>> + Send;
}

/// What people said of a pull request, on one revision of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approvals {
    /// The head that it has now.
    pub head: CommitSha,
    /// The host's name for this state of the pull request, where it has one: CodeCommit's `revisionId`.
    pub revision: Option<String>,
    /// The last word of each account.
    pub said: Vec<Approval>,
    /// What the host's own rules say.
    pub rules: HostRules,
}

/// The last word of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// Whose.
    pub who: HostAccount,
    /// Which.
    pub word: ApprovalWord,
    /// Of which head it was said; absent when the host does not know any more. CodeCommit's are of its revision's head: another push
    /// makes another revision, which nobody has approved.
    pub commit: Option<CommitSha>,
}

/// A word on a pull request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApprovalWord {
    /// It may be merged.
    Approved,
    /// It may not yet.
    ChangesRequested,
    /// What was said does not count any more.
    Withdrawn,
}

/// What a host's own rules say of a pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostRules {
    /// The host does not say before it is asked to merge: GitHub refuses then.
    Untold,
    /// It has none, or all are satisfied.
    Satisfied,
    /// Some are not: their names, foreign text.
    Unsatisfied(BTreeSet<String>),
    /// Somebody set them aside; by whom, when the host tells.
    Overridden(Option<HostAccount>),
}

/// A merge to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SquashMerge {
    /// The pull request.
    pub number: u64,
    /// The head that was decided on.
    pub head: CommitSha,
    /// The first line of the commit's message.
    pub title: String,
    /// The rest of it.
    pub body: String,
}

/// What became of a merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Merged {
    /// It is merged, as this commit.
    As(CommitSha),
    /// The head is another than was decided on: nothing was merged.
    HeadMoved,
    /// It and its base contradict each other: somebody must solve that.
    Conflict,
    /// The host does not allow it: its sentence, quoted.
    NotAllowed(String),
}
