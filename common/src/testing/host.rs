//! The source host in memory: commits with parents, branches, pull requests, and what was published.

use std::collections::BTreeMap;

use crate::{
    domain::id::{BlobSha, BranchName, CommitSha, Digest, RepositoryId},
    event::{Actor, BranchPushed, Change, Envelope, Event, Repository},
    fault::Fault,
    ports::{CheckRun, Clock, CommitStatus, EntryKind, Forge, Marks, PullRequest, TreeEntry},
    testing::{World, envelope, id, repository},
};

/// The files of a commit by path.
pub type Files = BTreeMap<String, Vec<u8>>;

#[derive(Default)]
pub(super) struct State {
    commits: BTreeMap<CommitSha, Commit>,
    branches: BTreeMap<(RepositoryId, BranchName), CommitSha>,
    pull_requests: BTreeMap<(RepositoryId, u64), PullRequest>,
    blobs: BTreeMap<BlobSha, Vec<u8>>,
    others: Vec<String>,
    tree_limit: Option<usize>,
    statuses: Vec<CommitStatus>,
    checks: Vec<CheckRun>,
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

    /// The files at a branch of [`repository`]; none when there is no such branch.
    pub fn files(&self, branch: &str) -> Files {
        let state = self.state();
        let head = state.host.branches.get(&(repository().id, id(branch)));
        head.and_then(|head| state.host.commits.get(head)).map(|commit| commit.files.clone()).unwrap_or_default()
    }

    /// Pushes to a branch of [`repository`]: `Some` writes a file, `None` removes it. Answers the event that intake would make.
    pub fn push(&self, branch: &str, changes: &[(&str, Option<&str>)]) -> Envelope {
        let branch_name: BranchName = id(branch);
        let before = self.state().host.branches.get(&(repository().id, branch_name.clone())).cloned();
        let mut files = self.files(branch);
        for (path, content) in changes {
            match content {
                Some(content) => files.insert((*path).to_owned(), content.as_bytes().to_vec()),
                None => files.remove(*path),
            };
        }
        let after = self.commit(before.as_ref(), files);
        self.state().host.branches.insert((repository().id, branch_name), after.clone());
        self.pushed(branch, before, after)
    }

    /// Sets a branch of [`repository`] to a commit, or removes it, without an event: what a lost webhook leaves.
    pub fn set_branch(&self, branch: &str, head: Option<CommitSha>) {
        let key = (repository().id, id(branch));
        let branches = &mut self.state().host.branches;
        match head {
            Some(head) => branches.insert(key, head),
            None => branches.remove(&key),
        };
    }

    /// The event for a push.
    pub fn pushed(&self, branch: &str, before: Option<CommitSha>, after: CommitSha) -> Envelope {
        let event = Event::BranchPushed(BranchPushed {
            repository: repository(),
            branch: id(branch),
            before,
            after: after.clone(),
            forced: false,
            sender: Actor { id: 7, login: "ada".into() },
            touched_roots: vec!["deploy".into()],
        });
        envelope(self.now(), &format!("push-{}", after.short()), "repository:42", event)
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
        let key = (repository().id, base_branch.clone());
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
        let pull_request = PullRequest { number, open: true, head: head.clone(), base_branch: base_branch.clone() };
        self.state().host.pull_requests.insert((repository().id, number), pull_request);
        let ada = Actor { id: 7, login: "ada".into() };
        let event = Event::ChangeOpened(Change {
            repository: repository(),
            number,
            head: head.clone(),
            base_branch,
            base: base_head,
            fork: false,
            draft: false,
            author: ada.clone(),
            sender: ada,
            action: "opened".into(),
        });
        envelope(self.now(), &format!("change-{number}-{}", head.short()), &format!("change:42/{number}"), event)
    }

    /// Closes a pull request.
    pub fn close_change(&self, number: u64) {
        if let Some(change) = self.state().host.pull_requests.get_mut(&(repository().id, number)) {
            change.open = false;
        }
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

impl Forge for World {
    async fn branch_head(&self, repository: &Repository, branch: &BranchName) -> Result<Option<CommitSha>, Fault> {
        let key = (repository.id, branch.clone());
        self.call("Forge.branch_head", branch.as_str(), false, |state| Ok(state.host.branches.get(&key).cloned()))
    }

    async fn deploy_tree(&self, _: &Repository, commit: &CommitSha) -> Result<Vec<TreeEntry>, Fault> {
        self.call("Forge.deploy_tree", commit.as_str(), false, |state| {
            let Some(found) = state.host.commits.get(commit) else {
                return Err(Fault::bug(format!("there is no commit {commit} in the world")));
            };
            let entry = |(path, content): (&String, &Vec<u8>)| TreeEntry {
                path: path.clone(),
                kind: if state.host.others.contains(path) { EntryKind::Other } else { EntryKind::File },
                blob: blob_sha(content),
                size: content.len() as u64,
            };
            let listed: Vec<_> =
                found.files.iter().filter(|(path, _)| path.starts_with("deploy/")).map(entry).collect();
            match state.host.tree_limit {
                Some(limit) if listed.len() > limit => Err(Fault::reject("the listing of deploy/ is truncated")),
                _ => Ok(listed),
            }
        })
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
