//! What a merge is decided by, and merging, in memory.

use std::collections::BTreeSet;

use super::{Commit, Files, sha};
use crate::{
    domain::id::CommitSha,
    event::Repository,
    fault::Fault,
    ports::{Approvals, Changes, Forge as _, HostRules, Merged, Merging, SquashMerge},
    testing::{World, id, repository},
};

impl World {
    /// Who approves a pull request of [`repository`], from now on.
    pub fn set_approvals(&self, number: u64, approvals: Approvals) {
        self.state().host.approvals.insert((repository().id, number), approvals);
    }
}

impl Changes for World {
    async fn changed_paths(
        &self,
        repository: &Repository,
        base: &CommitSha,
        head: &CommitSha,
    ) -> Result<BTreeSet<String>, Fault> {
        let parted = self.merge_base(repository, base, head).await?;
        let differences = self.differences(repository, &parted, head).await?;
        differences.ok_or_else(|| Fault::bug(format!("there is no commit {head} in the world")))
    }

    async fn approvals(&self, repository: &Repository, number: u64) -> Result<Option<Approvals>, Fault> {
        let key = (repository.id, number);
        self.call("Changes.approvals", number.to_string(), false, |state| {
            let nobody =
                |head: CommitSha| Approvals { head, revision: None, said: Vec::new(), rules: HostRules::Untold };
            let found = state.host.pull_requests.get(&key);
            Ok(found
                .map(|change| state.host.approvals.get(&key).cloned().unwrap_or_else(|| nobody(change.head.clone()))))
        })
    }
}

impl Merging for World {
    async fn merge_squash(&self, repository: &Repository, merge: &SquashMerge) -> Result<Merged, Fault> {
        let key = (repository.id, merge.number);
        let Some(change) = self.pull_request(repository, merge.number).await? else {
            return Err(Fault::reject(format!("there is no pull request {}", merge.number)));
        };
        if change.head != merge.head {
            return Ok(Merged::HeadMoved);
        }
        if let Some(commit) = self.state().host.merged.get(&key).cloned() {
            return Ok(Merged::As(commit));
        }
        if !change.open {
            return Ok(Merged::NotAllowed("the pull request is closed".to_owned()));
        }
        let branch = (repository.id, change.base_branch.clone());
        let Some(base) = self.branch_head(repository, &change.base_branch).await? else {
            return Err(Fault::bug("the base branch is gone"));
        };
        let paths = self.changed_paths(repository, &base, &change.head).await?;
        let theirs = self.changed_paths(repository, &change.head, &base).await?;
        if !paths.is_disjoint(&theirs) {
            return Ok(Merged::Conflict);
        }
        self.call("Merging.merge_squash", merge.number.to_string(), true, |state| {
            let of = |commit: &CommitSha| state.host.commits.get(commit).map(|found| found.files.clone());
            let (mut files, head): (Files, Files) =
                (of(&base).unwrap_or_default(), of(&change.head).unwrap_or_default());
            for path in paths {
                match head.get(&path) {
                    Some(content) => files.insert(path, content.clone()),
                    None => files.remove(&path),
                };
            }
            let commit: CommitSha = id(&sha(&["commit", &state.host.commits.len().to_string()]));
            state.host.commits.insert(commit.clone(), Commit { parent: Some(base.clone()), files });
            state.host.branches.insert(branch, commit.clone());
            state.host.merged.insert(key, commit.clone());
            if let Some(change) = state.host.pull_requests.get_mut(&key) {
                (change.open, change.merged) = (false, true);
            }
            Ok(Merged::As(commit))
        })
    }
}
