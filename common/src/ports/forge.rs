//! Reading a source host: branches, trees, files, pull requests.

use std::{collections::BTreeSet, future::Future};

use jiff::Timestamp;

pub use crate::domain::cluster::{EntryKind, TreeEntry};
use crate::{
    domain::id::{BlobSha, BranchName, CommitSha, HostAccount},
    event::Repository,
    fault::Fault,
};

/// Reading a source host.
pub trait Forge: Sync {
    /// The branch's head now; nothing when the branch does not exist.
    fn branch_head(
        &self,
        repository: &Repository,
        branch: &BranchName,
    ) -> impl Future<Output = Result<Option<CommitSha>, Fault>> + Send;

    /// Every file below `deploy/` at a commit; empty when there is no such directory.
    ///
    /// # Errors
    /// `Retry` when the listing could not be read whole: a truncated listing is never a short one.
    fn deploy_tree(
        &self,
        repository: &Repository,
        commit: &CommitSha,
    ) -> impl Future<Output = Result<Vec<TreeEntry>, Fault>> + Send;

    /// A file's bytes. The caller has compared the size with its limit.
    fn blob(&self, repository: &Repository, blob: &BlobSha) -> impl Future<Output = Result<Vec<u8>, Fault>> + Send;

    /// A pull request as the host has it now; nothing when there is none.
    fn pull_request(
        &self,
        repository: &Repository,
        number: u64,
    ) -> impl Future<Output = Result<Option<PullRequest>, Fault>> + Send;

    /// Every pull request that is open now, the oldest first.
    fn open_pull_requests(
        &self,
        repository: &Repository,
    ) -> impl Future<Output = Result<Vec<PullRequest>, Fault>> + Send;

    /// Who made what a push brought to a branch with this commit: the authors and committers of its commits, who pushed it, and who
    /// opened the pull requests that it came with. By account: the name and the address in a commit are anybody's.
    fn authors(
        &self,
        repository: &Repository,
        branch: &BranchName,
        commit: &CommitSha,
    ) -> impl Future<Output = Result<CommitAuthors, Fault>> + Send;

    /// The commit that a pull request's head and base have in common.
    fn merge_base(
        &self,
        repository: &Repository,
        base: &CommitSha,
        head: &CommitSha,
    ) -> impl Future<Output = Result<CommitSha, Fault>> + Send;

    /// The paths of the files that differ between two commits, whichever came first; of a file that moved both. Nothing when the host
    /// cannot tell: one of the commits is gone, or it compares in another way only. Foreign text.
    fn differences(
        &self,
        repository: &Repository,
        from: &CommitSha,
        to: &CommitSha,
    ) -> impl Future<Output = Result<Option<BTreeSet<String>>, Fault>> + Send;
}

/// Who made a commit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CommitAuthors {
    /// The accounts.
    pub accounts: BTreeSet<HostAccount>,
    /// How many others there are of whom the host knows no account: addresses that are nobody's, a push that it does not remember,
    /// commits that it does not list.
    pub unknown: u32,
}

/// A pull request's present state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequest {
    /// The number.
    pub number: u64,
    /// Whether it is open.
    pub open: bool,
    /// Whether it was merged.
    pub merged: bool,
    /// Whether it is a draft.
    pub draft: bool,
    /// Who opened it; absent when the account is gone.
    pub author: Option<HostAccount>,
    /// The people who were asked to review it and have not yet.
    pub reviewers: BTreeSet<HostAccount>,
    /// The head commit.
    pub head: CommitSha,
    /// The name of the head branch: foreign text, that of a fork's branch too.
    pub head_branch: String,
    /// The base branch.
    pub base_branch: BranchName,
    /// When something last happened to it.
    pub updated_at: Timestamp,
}
