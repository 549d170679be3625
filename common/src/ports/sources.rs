//! Where evidence for work items is: check runs, files, pull requests and issues of a source host, as they are now.

use std::{collections::BTreeSet, future::Future};

use jiff::Timestamp;

use super::{Forge, TreeEntry};
use crate::{
    domain::{
        id::{CommentId, CommitSha, HostAccount},
        stage::CheckSeen,
    },
    event::Repository,
    fault::Fault,
};

/// Reading what a gate looks at.
pub trait Sources: Forge {
    /// The check runs of a commit: of each name the latest of each App.
    fn check_runs(
        &self,
        repository: &Repository,
        commit: &CommitSha,
    ) -> impl Future<Output = Result<Vec<CheckSeen>, Fault>> + Send;

    /// Every regular file below a directory at a commit, by its whole path; none when there is no such directory.
    ///
    /// # Errors
    /// `Reject` when the host truncates the listing: part of one is never the whole.
    fn files_below(
        &self,
        repository: &Repository,
        commit: &CommitSha,
        directory: &str,
    ) -> impl Future<Output = Result<Vec<TreeEntry>, Fault>> + Send;

    /// An issue or a pull request as the host has it now; nothing when there is none in this repository (any more).
    fn issue(
        &self,
        repository: &Repository,
        number: u64,
    ) -> impl Future<Output = Result<Option<IssueNow>, Fault>> + Send;

    /// A comment on an issue or a pull request as the host has it now; nothing when there is none (any more). The number is where to
    /// look for it, on a host that cannot find a comment by itself; where it stands, the answer says.
    fn comment(
        &self,
        repository: &Repository,
        number: u64,
        comment: &CommentId,
    ) -> impl Future<Output = Result<Option<CommentNow>, Fault>> + Send;

    /// Every issue and pull request that is open now and has a label, the oldest first.
    fn issues_labelled(
        &self,
        repository: &Repository,
        label: &str,
    ) -> impl Future<Output = Result<Vec<IssueNow>, Fault>> + Send;

    /// A deployment with its latest state; nothing when there is none of this number, or nothing was said of it yet.
    fn deployment(
        &self,
        repository: &Repository,
        id: u64,
    ) -> impl Future<Output = Result<Option<DeploymentNow>, Fault>> + Send;

    /// The deployments that were made since then, at most [`MOST_DEPLOYMENTS`], the newest first.
    fn deployments_since(
        &self,
        repository: &Repository,
        since: Timestamp,
    ) -> impl Future<Output = Result<Vec<u64>, Fault>> + Send;

    /// The pull requests whose commit this is: their numbers.
    fn changes_with(
        &self,
        repository: &Repository,
        commit: &CommitSha,
    ) -> impl Future<Output = Result<BTreeSet<u64>, Fault>> + Send;
}

/// How many deployments one look lists.
pub const MOST_DEPLOYMENTS: usize = 100;

/// A deployment's present state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeploymentNow {
    /// Its id.
    pub id: u64,
    /// The commit that is deployed.
    pub commit: CommitSha,
    /// The name of the environment: foreign text.
    pub environment: String,
    /// The host's word for its state: `success`, `failure`, …
    pub state: String,
    /// Since when it is so.
    pub at: Timestamp,
}

/// The present state of an issue or a pull request, which share their numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueNow {
    /// The number.
    pub number: u64,
    /// Whether it is a pull request.
    pub change: bool,
    /// Whether it was merged.
    pub merged: bool,
    /// Whether it is open.
    pub open: bool,
    /// Its title: foreign text.
    pub title: String,
    /// Its labels: they suggest, and decide nothing but whether an issue is work that is followed.
    pub labels: BTreeSet<String>,
    /// The numeric id of who wrote it; absent when the account is gone.
    pub author: Option<u64>,
    /// The numeric ids of those whom it is assigned to.
    pub assignees: BTreeSet<u64>,
}

/// A comment's present state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommentNow {
    /// The issue or pull request that it stands in.
    pub number: u64,
    /// Its text: foreign.
    pub body: String,
    /// Who wrote it; absent when the account is gone.
    pub author: Option<HostAccount>,
    /// Whether a person wrote it, with nothing in between: no bot, and no program in a person's name.
    pub by_person: bool,
    /// Whether its text is another than at first. The host does not say by whom.
    pub edited: bool,
}
