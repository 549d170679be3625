//! The source host in memory: commits with parents, branches, pull requests, and what was published.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    domain::{
        id::{BlobSha, BranchName, CommentId, CommitSha, Digest, HostAccount, RepositoryId},
        stage::CheckSeen,
    },
    event::{Actor, BranchPushed, Change, Envelope, Event, Repository},
    fault::Fault,
    ports::{
        Approvals, ChangeMarks, CheckRun, Clock, CommentNow, CommitAuthors, CommitStatus, DeploymentNow, EntryKind,
        Forge, IssueNow, Marks, NewIssue, PullRequest, StickyComment, TreeEntry,
    },
    testing::{World, envelope, id},
};

mod changes;
mod work;

/// The files of a commit by path.
pub type Files = BTreeMap<String, Vec<u8>>;

#[derive(Default)]
pub(super) struct State {
    commits: BTreeMap<CommitSha, Commit>,
    branches: BTreeMap<(RepositoryId, BranchName), CommitSha>,
    pull_requests: BTreeMap<(RepositoryId, u64), PullRequest>,
    blobs: BTreeMap<BlobSha, Vec<u8>>,
    authors: BTreeMap<CommitSha, CommitAuthors>,
    others: Vec<String>,
    tree_limit: Option<usize>,
    statuses: Vec<CommitStatus>,
    checks: Vec<CheckRun>,
    labels: BTreeMap<(RepositoryId, u64), BTreeSet<String>>,
    comments: BTreeMap<(RepositoryId, u64, &'static str), String>,
    drafts_forbidden: bool,
    checks_seen: BTreeMap<CommitSha, Vec<CheckSeen>>,
    issues: BTreeMap<(RepositoryId, u64), IssueNow>,
    written: BTreeMap<(RepositoryId, CommentId), CommentNow>,
    deployments: BTreeMap<u64, DeploymentNow>,
    kept: BTreeMap<String, CommitSha>,
    opened: Vec<NewIssue>,
    approvals: BTreeMap<(RepositoryId, u64), Approvals>,
    merged: BTreeMap<(RepositoryId, u64), CommitSha>,
}

struct Commit {
    parent: Option<CommitSha>,
    files: Files,
}

// A git id of forty digits, from whatever tells two contents apart.
fn sha(parts: &[&str]) -> String {
    Digest::of_parts(parts.iter().copied()).as_str().chars().take(40).collect()
}

fn blob_sha(content: &[u8]) -> BlobSha {
    id(&sha(&["blob", Digest::of(content).as_str()]))
}

impl World {
    /// Makes a commit on top of a parent with exactly these files.
    pub fn commit(&self, parent: Option<&CommitSha>, files: Files) -> CommitSha {
        let mut state = self.state();
        let number = state.host.commits.len().to_string();
        let commit: CommitSha = id(&sha(&["commit", &number]));
        for content in files.values() {
            state.host.blobs.insert(blob_sha(content), content.clone());
        }
        state.host.commits.insert(commit.clone(), Commit { parent: parent.cloned(), files });
        commit
    }

    /// The files at a branch of [`World::repository`]; none when there is no such branch.
    pub fn files(&self, branch: &str) -> Files {
        let state = self.state();
        let head = state.host.branches.get(&(self.repository().id, id(branch)));
        head.and_then(|head| state.host.commits.get(head)).map(|commit| commit.files.clone()).unwrap_or_default()
    }

    /// Pushes to a branch of [`World::repository`]: `Some` writes a file, `None` removes it. Answers the event that intake would make.
    pub fn push(&self, branch: &str, changes: &[(&str, Option<&str>)]) -> Envelope {
        let branch_name: BranchName = id(branch);
        let before = self.state().host.branches.get(&(self.repository().id, branch_name.clone())).cloned();
        let mut files = self.files(branch);
        for (path, content) in changes {
            match content {
                Some(content) => files.insert((*path).to_owned(), content.as_bytes().to_vec()),
                None => files.remove(*path),
            };
        }
        let after = self.commit(before.as_ref(), files);
        self.state().host.branches.insert((self.repository().id, branch_name), after.clone());
        self.pushed(branch, before, after)
    }

    /// The head of a branch of [`World::repository`].
    pub fn head(&self, branch: &str) -> Option<CommitSha> {
        self.state().host.branches.get(&(self.repository().id, id(branch))).cloned()
    }

    /// Sets a branch of [`World::repository`] to a commit, or removes it, without an event: what a lost webhook leaves.
    pub fn set_branch(&self, branch: &str, head: Option<CommitSha>) {
        let key = (self.repository().id, id(branch));
        let branches = &mut self.state().host.branches;
        match head {
            Some(head) => branches.insert(key, head),
            None => branches.remove(&key),
        };
    }

    /// The event for a push.
    pub fn pushed(&self, branch: &str, before: Option<CommitSha>, after: CommitSha) -> Envelope {
        let event = Event::BranchPushed(BranchPushed {
            repository: self.repository(),
            branch: id(branch),
            before,
            after: after.clone(),
            forced: false,
            sender: Actor { id: HostAccount::github(7), login: "ada".into() },
            touched_roots: vec!["deploy".into()],
        });
        envelope(self.now(), &format!("push-{}", after.short()), &format!("repository:{}", self.repository().id), event)
    }

    /// Opens a pull request whose head changes files on top of a commit (the base branch's head when none is given).
    /// Answers the event that intake would make.
    pub fn open_change(
        &self,
        number: u64,
        base: &str,
        from: Option<&CommitSha>,
        changes: &[(&str, Option<&str>)],
    ) -> Envelope {
        let base_branch: BranchName = id(base);
        let key = (self.repository().id, base_branch.clone());
        let base_head = self.state().host.branches.get(&key).cloned().expect("the base branch exists");
        let from = from.unwrap_or(&base_head).clone();
        let mut files = self.state().host.commits.get(&from).expect("the commit exists").files.clone();
        for (path, content) in changes {
            match content {
                Some(content) => files.insert((*path).to_owned(), content.as_bytes().to_vec()),
                None => files.remove(*path),
            };
        }
        let head = self.commit(Some(&from), files);
        let pull_request = PullRequest {
            number,
            open: true,
            merged: false,
            draft: false,
            author: Some(HostAccount::github(1001)),
            reviewers: BTreeSet::new(),
            head: head.clone(),
            head_branch: format!("change-{number}"),
            base_branch: base_branch.clone(),
            updated_at: self.now(),
        };
        self.state().host.pull_requests.insert((self.repository().id, number), pull_request);
        self.about_change(number, "opened", Event::ChangeOpened)
    }

    /// An event about a pull request of [`World::repository`] as it is now: what intake would make of a webhook.
    pub fn about_change(&self, number: u64, action: &str, event: fn(Change) -> Event) -> Envelope {
        let state = self.state();
        let found = state.host.pull_requests.get(&(self.repository().id, number)).expect("the pull request exists");
        let base =
            state.host.branches.get(&(self.repository().id, found.base_branch.clone())).expect("its base exists");
        let login = "ada".into();
        let author = found.author.clone().map_or_else(Actor::ghost, |id| Actor { id, login });
        let change = Change {
            repository: self.repository(),
            number,
            head: found.head.clone(),
            base_branch: found.base_branch.clone(),
            base: base.clone(),
            fork: false,
            draft: found.draft,
            author: author.clone(),
            sender: author,
            action: action.into(),
        };
        let correlation = format!("change-{number}-{}", change.head.short());
        let now = state.now;
        drop(state);
        envelope(now, &correlation, &format!("change:{}/{number}", self.repository().id), event(change))
    }

    /// Closes a pull request.
    pub fn close_change(&self, number: u64) {
        self.edit_change(number, |change| change.open = false);
    }

    /// A pull request of [`World::repository`] as the host has it now.
    pub fn change(&self, number: u64) -> Option<PullRequest> {
        self.state().host.pull_requests.get(&(self.repository().id, number)).cloned()
    }

    /// Changes a pull request of [`World::repository`] without an event: what a person does on the host.
    pub fn edit_change(&self, number: u64, edit: impl FnOnce(&mut PullRequest)) {
        if let Some(change) = self.state().host.pull_requests.get_mut(&(self.repository().id, number)) {
            edit(change);
        }
    }

    /// Takes away the permission to make a pull request a draft.
    pub fn forbid_drafts(&self) {
        self.state().host.drafts_forbidden = true;
    }

    /// The labels of a pull request of [`World::repository`].
    pub fn labels(&self, number: u64) -> BTreeSet<String> {
        self.state().host.labels.get(&(self.repository().id, number)).cloned().unwrap_or_default()
    }

    /// Our comment of a kind on a pull request of [`World::repository`].
    pub fn comment(&self, number: u64, kind: &'static str) -> Option<String> {
        self.state().host.comments.get(&(self.repository().id, number, kind)).cloned()
    }

    /// Says who made a commit: these accounts, and so many without one. Of another commit nobody is known.
    pub fn set_authors(&self, commit: &CommitSha, accounts: &[u64], unknown: u32) {
        let accounts = accounts.iter().copied().map(HostAccount::github).collect();
        self.state().host.authors.insert(commit.clone(), CommitAuthors { accounts, unknown });
    }

    /// Makes a path a symbolic link in every tree.
    pub fn link(&self, path: &str) {
        self.state().host.others.push(path.to_owned());
    }

    /// Truncates every listing of more than this many files, as the host does above 100,000.
    pub fn truncate_trees(&self, above: usize) {
        self.state().host.tree_limit = Some(above);
    }

    /// The commit statuses that were set, in order.
    pub fn statuses(&self) -> Vec<CommitStatus> {
        self.state().host.statuses.clone()
    }

    /// The check runs that were published, in order; a repeat of one replaces it.
    pub fn checks(&self) -> Vec<CheckRun> {
        self.state().host.checks.clone()
    }
}

/// Every file of a commit whose path begins so.
fn tree(state: &super::State, commit: &CommitSha, prefix: &str) -> Result<Vec<TreeEntry>, Fault> {
    let Some(found) = state.host.commits.get(commit) else {
        return Err(Fault::bug(format!("there is no commit {commit} in the world")));
    };
    let entry = |(path, content): (&String, &Vec<u8>)| TreeEntry {
        path: path.clone(),
        kind: if state.host.others.contains(path) { EntryKind::Other } else { EntryKind::File },
        blob: blob_sha(content),
        size: content.len() as u64,
    };
    let listed: Vec<_> = found.files.iter().filter(|(path, _)| path.starts_with(prefix)).map(entry).collect();
    match state.host.tree_limit {
        Some(limit) if listed.len() > limit => Err(Fault::reject(format!("the listing of {prefix} is truncated"))),
        _ => Ok(listed),
    }
}

impl Forge for World {
    async fn branch_head(&self, repository: &Repository, branch: &BranchName) -> Result<Option<CommitSha>, Fault> {
        let key = (repository.id, branch.clone());
        self.call("Forge.branch_head", branch.as_str(), false, |state| Ok(state.host.branches.get(&key).cloned()))
    }

    async fn deploy_tree(&self, _: &Repository, commit: &CommitSha) -> Result<Vec<TreeEntry>, Fault> {
        self.call("Forge.deploy_tree", commit.as_str(), false, |state| tree(state, commit, "deploy/"))
    }

    async fn blob(&self, _: &Repository, blob: &BlobSha) -> Result<Vec<u8>, Fault> {
        self.call("Forge.blob", blob.as_str(), false, |state| {
            state
                .host
                .blobs
                .get(blob)
                .cloned()
                .ok_or_else(|| Fault::bug(format!("there is no blob {blob} in the world")))
        })
    }

    async fn pull_request(&self, repository: &Repository, number: u64) -> Result<Option<PullRequest>, Fault> {
        let key = (repository.id, number);
        self.call("Forge.pull_request", number.to_string(), false, |state| {
            Ok(state.host.pull_requests.get(&key).cloned())
        })
    }

    async fn open_pull_requests(&self, repository: &Repository) -> Result<Vec<PullRequest>, Fault> {
        self.call("Forge.open_pull_requests", repository.name.as_str(), false, |state| {
            let all = state.host.pull_requests.iter().filter(|((owner, _), _)| *owner == repository.id);
            Ok(all.map(|(_, change)| change.clone()).filter(|change| change.open).collect())
        })
    }

    async fn authors(&self, _: &Repository, _: &BranchName, commit: &CommitSha) -> Result<CommitAuthors, Fault> {
        self.call("Forge.authors", commit.as_str(), false, |state| {
            let nobody = || CommitAuthors { accounts: BTreeSet::new(), unknown: 1 };
            Ok(state.host.authors.get(commit).cloned().unwrap_or_else(nobody))
        })
    }

    async fn merge_base(&self, _: &Repository, base: &CommitSha, head: &CommitSha) -> Result<CommitSha, Fault> {
        self.call("Forge.merge_base", head.as_str(), false, |state| {
            let line = |from: &CommitSha| {
                let parent = |commit: &CommitSha| state.host.commits.get(commit).and_then(|found| found.parent.clone());
                std::iter::successors(Some(from.clone()), parent).collect::<Vec<_>>()
            };
            let ours = line(base);
            line(head)
                .into_iter()
                .find(|commit| ours.contains(commit))
                .ok_or_else(|| Fault::bug(format!("{base} and {head} have no commit in common")))
        })
    }

    async fn differences(
        &self,
        _: &Repository,
        from: &CommitSha,
        to: &CommitSha,
    ) -> Result<Option<BTreeSet<String>>, Fault> {
        self.call("Forge.differences", to.as_str(), false, |state| {
            let commits = &state.host.commits;
            let (Some(from), Some(to)) = (commits.get(from), commits.get(to)) else { return Ok(None) };
            let paths = from.files.keys().chain(to.files.keys());
            Ok(Some(paths.filter(|path| from.files.get(*path) != to.files.get(*path)).cloned().collect()))
        })
    }
}

impl Marks for World {
    async fn set_status(&self, _: &Repository, status: &CommitStatus) -> Result<(), Fault> {
        self.call("Marks.set_status", status.commit.as_str(), true, |state| {
            state.host.statuses.push(status.clone());
            Ok(())
        })
    }

    async fn publish_check(&self, _: &Repository, check: &CheckRun) -> Result<(), Fault> {
        self.call("Marks.publish_check", check.commit.as_str(), true, |state| {
            let same = |found: &CheckRun| {
                found.commit == check.commit && found.name == check.name && found.external_id == check.external_id
            };
            state.host.checks.retain(|found| !same(found));
            state.host.checks.push(check.clone());
            Ok(())
        })
    }
}

impl ChangeMarks for World {
    async fn set_label(&self, repository: &Repository, number: u64, label: &str, present: bool) -> Result<(), Fault> {
        let key = (repository.id, number);
        self.call("ChangeMarks.set_label", number.to_string(), true, |state| {
            let labels = state.host.labels.entry(key).or_default();
            if present {
                labels.insert(label.to_owned())
            } else {
                labels.remove(label)
            };
            Ok(())
        })
    }

    async fn set_comment(&self, repository: &Repository, number: u64, comment: &StickyComment) -> Result<(), Fault> {
        let key = (repository.id, number, comment.kind);
        self.call("ChangeMarks.set_comment", number.to_string(), true, |state| {
            state.host.comments.insert(key, comment.text.clone());
            Ok(())
        })
    }

    async fn is_draft(&self, repository: &Repository, number: u64) -> Result<Option<bool>, Fault> {
        let key = (repository.id, number);
        self.call("ChangeMarks.is_draft", number.to_string(), false, |state| {
            Ok(state.host.pull_requests.get(&key).filter(|change| change.open).map(|change| change.draft))
        })
    }

    async fn set_draft(&self, repository: &Repository, number: u64, draft: bool) -> Result<(), Fault> {
        let key = (repository.id, number);
        self.call("ChangeMarks.set_draft", number.to_string(), true, |state| {
            if state.host.drafts_forbidden {
                return Err(Fault::reject("the App may not make drafts"));
            }
            if let Some(change) = state.host.pull_requests.get_mut(&key).filter(|change| change.open) {
                change.draft = draft;
            }
            Ok(())
        })
    }
}
