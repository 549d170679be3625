//! What the host has of work items: check runs of others, issues, and what was kept of items that have ended.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::tree;
use crate::{
    domain::{
        id::{CommentId, CommitSha},
        stage::CheckSeen,
    },
    event::Repository,
    fault::Fault,
    ports::{Archive, Clock, CommentNow, DeploymentNow, EntryKind, IssueNow, NewIssue, Sources, TreeEntry},
    testing::World,
};

impl World {
    /// A check run of a commit, made by somebody else than us. One of the same name is a second App's.
    pub fn check_run(&self, commit: &CommitSha, name: &str, success: Option<bool>, title: &str) {
        let at = success.map(|_| self.now());
        let seen = CheckSeen { name: name.to_owned(), success, title: Some(title.to_owned()), at };
        self.state().host.checks_seen.entry(commit.clone()).or_default().push(seen);
    }

    /// A comment in [`World::repository`] as the host has it from now on.
    pub fn set_comment_now(&self, comment: u64, now: CommentNow) {
        self.state().host.written.insert((self.repository().id, CommentId::GitHub(comment)), now);
    }

    /// An issue of [`World::repository`] as the host has it from now on; nothing: it is not there (any more).
    pub fn set_issue(&self, number: u64, issue: Option<IssueNow>) {
        let key = (self.repository().id, number);
        match issue {
            Some(issue) => self.state().host.issues.insert(key, issue),
            None => self.state().host.issues.remove(&key),
        };
    }
}

impl World {
    /// What a pull request's head branch is called.
    pub fn name_branch(&self, number: u64, name: &str) {
        if let Some(change) = self.state().host.pull_requests.get_mut(&(self.repository().id, number)) {
            name.clone_into(&mut change.head_branch);
        }
    }

    /// A deployment as the host has it from now on.
    pub fn set_deployment(&self, deployment: DeploymentNow) {
        self.state().host.deployments.insert(deployment.id, deployment);
    }

    /// References that were kept, by name below `refs/`.
    pub fn kept(&self) -> BTreeMap<String, CommitSha> {
        self.state().host.kept.clone()
    }

    /// Issues that were opened by us, in order.
    pub fn opened(&self) -> Vec<NewIssue> {
        self.state().host.opened.clone()
    }
}

impl Archive for World {
    async fn keep(&self, _: &Repository, reference: &str, commit: &CommitSha) -> Result<bool, Fault> {
        self.call("Archive.keep", reference, true, |state| {
            let stands = state.host.kept.entry(reference.to_owned()).or_insert_with(|| commit.clone());
            if stands == commit { Ok(true) } else { Err(Fault::reject(format!("{reference} stands at {stands}"))) }
        })
    }

    async fn open_issue(&self, _: &Repository, issue: &NewIssue) -> Result<Option<u64>, Fault> {
        self.call("Archive.open_issue", issue.title.as_str(), true, |state| {
            let same = |there: &NewIssue| (&there.title, &there.label) == (&issue.title, &issue.label);
            if let Some(place) = state.host.opened.iter().position(same) {
                return Ok(Some(place as u64 + 1));
            }
            state.host.opened.push(issue.clone());
            Ok(Some(state.host.opened.len() as u64))
        })
    }
}

impl Sources for World {
    async fn check_runs(&self, _: &Repository, commit: &CommitSha) -> Result<Vec<CheckSeen>, Fault> {
        self.call("Sources.check_runs", commit.as_str(), false, |state| {
            Ok(state.host.checks_seen.get(commit).cloned().unwrap_or_default())
        })
    }

    async fn files_below(&self, _: &Repository, commit: &CommitSha, below: &str) -> Result<Vec<TreeEntry>, Fault> {
        self.call("Sources.files_below", commit.as_str(), false, |state| {
            let all = tree(state, commit, &format!("{below}/"))?;
            Ok(all.into_iter().filter(|entry| entry.kind == EntryKind::File).collect())
        })
    }

    async fn issue(&self, repository: &Repository, number: u64) -> Result<Option<IssueNow>, Fault> {
        let key = (repository.id, number);
        self.call("Sources.issue", number.to_string(), false, |state| Ok(state.host.issues.get(&key).cloned()))
    }

    async fn comment(&self, repository: &Repository, _: u64, comment: &CommentId) -> Result<Option<CommentNow>, Fault> {
        let key = (repository.id, comment.clone());
        self.call("Sources.comment", comment.to_string(), false, |state| Ok(state.host.written.get(&key).cloned()))
    }

    async fn issues_labelled(&self, repository: &Repository, label: &str) -> Result<Vec<IssueNow>, Fault> {
        self.call("Sources.issues_labelled", repository.name.as_str(), false, |state| {
            let all = state.host.issues.iter().filter(|((owner, _), _)| *owner == repository.id);
            let wanted = |issue: &&IssueNow| issue.open && issue.labels.contains(label);
            Ok(all.map(|(_, issue)| issue).filter(wanted).cloned().collect())
        })
    }

    async fn deployment(&self, _: &Repository, id: u64) -> Result<Option<DeploymentNow>, Fault> {
        self.call("Sources.deployment", id.to_string(), false, |state| Ok(state.host.deployments.get(&id).cloned()))
    }

    async fn deployments_since(&self, repository: &Repository, since: Timestamp) -> Result<Vec<u64>, Fault> {
        self.call("Sources.deployments_since", repository.name.as_str(), false, |state| {
            let lately = |deployment: &&DeploymentNow| deployment.at >= since;
            Ok(state.host.deployments.values().rev().filter(lately).map(|deployment| deployment.id).collect())
        })
    }

    async fn changes_with(&self, repository: &Repository, commit: &CommitSha) -> Result<BTreeSet<u64>, Fault> {
        self.call("Sources.changes_with", commit.as_str(), false, |state| {
            let all = state.host.pull_requests.iter();
            let with = all.filter(|((owner, _), change)| *owner == repository.id && change.head == *commit);
            Ok(with.map(|((_, number), _)| *number).collect())
        })
    }
}
