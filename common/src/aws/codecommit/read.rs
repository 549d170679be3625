//! Reading: branches, the deploy tree, file contents, pull requests, merge bases.

use std::collections::BTreeSet;

use aws_sdk_codecommit::types::{self, PullRequestStatusEnum, PullRequestTarget};
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::{
    BRANCHES, CodeCommit, account, failed, is, lacks, parse,
    tree::{Content, Listing},
};
use crate::{
    aws::moment,
    domain::{
        cluster::path::{PathClass, classify},
        id::{BlobSha, BranchName, CommitSha},
    },
    event::Repository,
    fault::Fault,
    ports::{CommitAuthors, Forge, PullRequest, TreeEntry},
};

/// How many pull requests are read side by side.
const READS: usize = 8;

impl Forge for CodeCommit {
    async fn branch_head(&self, repository: &Repository, branch: &BranchName) -> Result<Option<CommitSha>, Fault> {
        let what = format!("reading the head of {branch} in {}", repository.name);
        let name = self.named(repository).await?;
        match self.client.get_branch().repository_name(name).branch_name(branch.as_str()).send().await {
            Ok(found) => {
                let found = found.branch.ok_or_else(|| lacks(&what, "the branch"))?;
                parse(&what, found.commit_id.as_deref()).map(Some)
            }
            Err(error) if is(&error, &["BranchDoesNotExistException"]) => Ok(None),
            Err(error) => Err(failed(&what, error)),
        }
    }

    /// One `GetFolder` a directory, and one `GetBlob` for each cluster file that is not in memory: its size decides whether it is read,
    /// and no call tells that alone.
    async fn deploy_tree(&self, repository: &Repository, commit: &CommitSha) -> Result<Vec<TreeEntry>, Fault> {
        let what = format!("listing deploy/ of {} in {}", commit.short(), repository.name);
        let listing = Listing { what: &what, name: self.named(repository).await?, commit };
        let entries = self.walk(&listing, "deploy").await?;
        let cluster = |entry: &TreeEntry| matches!(classify(&entry.path), PathClass::Cluster(_));
        self.measure(&listing, repository.id, entries, cluster).await
    }

    async fn blob(&self, repository: &Repository, blob: &BlobSha) -> Result<Vec<u8>, Fault> {
        let what = format!("reading file content {blob} in {}", repository.name);
        // The id names the content, and whoever has it has listed this repository.
        match self.content(&what, repository.id, repository.name.without_owner(), blob).await? {
            Content::Bytes(bytes) => Ok(bytes),
            Content::TooLarge => {
                Err(Fault::reject(format!("{what}: it is larger than the 6 MB that CodeCommit reads")))
            }
        }
    }

    async fn pull_request(&self, repository: &Repository, number: u64) -> Result<Option<PullRequest>, Fault> {
        let what = format!("reading pull request {number} of {}", repository.name);
        let name = self.named(repository).await?;
        let found = self.change(&what, name, number).await?;
        found.map(|(found, target)| pull_request(&what, number, &found, &target)).transpose()
    }

    async fn open_pull_requests(&self, repository: &Repository) -> Result<Vec<PullRequest>, Fault> {
        let what = format!("listing the open pull requests of {}", repository.name);
        let name = self.named(repository).await?;
        let request = self.client.list_pull_requests().repository_name(name);
        let mut pages = request.pull_request_status(PullRequestStatusEnum::Open).into_paginator().send();
        let mut numbers = BTreeSet::new();
        while let Some(page) = pages.next().await {
            for id in page.map_err(|error| failed(&what, error))?.pull_request_ids {
                numbers.insert(id.parse::<u64>().map_err(|error| Fault::bug_from(what.clone(), error))?);
            }
        }
        let what = &what;
        let reads = numbers.into_iter().map(|number| async move {
            let Some((found, target)) = self.change(what, name, number).await? else { return Ok(None) };
            // One that cannot be read, such as one into a branch whose name is none to us, does not hide the others.
            Ok::<_, Fault>(match pull_request(what, number, &found, &target) {
                // It may have been closed since it was listed.
                Ok(found) => Some(found).filter(|found| found.open),
                Err(fault) => {
                    tracing::warn!(number, "{}", fault.chain());
                    None
                }
            })
        });
        let all: Vec<Option<PullRequest>> = stream::iter(reads).buffered(READS).try_collect().await?;
        Ok(all.into_iter().flatten().collect())
    }

    /// Nobody is known: CodeCommit does not keep who pushed, and what a commit says of its author is anybody's. So many are unknown as
    /// the commit names people, and at least one.
    async fn authors(
        &self,
        repository: &Repository,
        _: &BranchName,
        commit: &CommitSha,
    ) -> Result<CommitAuthors, Fault> {
        let what = format!("reading who made {} in {}", commit.short(), repository.name);
        let name = self.named(repository).await?;
        let found = self.client.get_commit().repository_name(name).commit_id(commit.as_str()).send().await;
        let found = found.map_err(|error| failed(&what, error))?.commit.ok_or_else(|| lacks(&what, "the commit"))?;
        let people = [found.author, found.committer].into_iter().flatten();
        let addresses: BTreeSet<String> = people.filter_map(|person| person.email).collect();
        let unknown = u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
        Ok(CommitAuthors { accounts: BTreeSet::new(), unknown })
    }

    async fn merge_base(
        &self,
        repository: &Repository,
        base: &CommitSha,
        head: &CommitSha,
    ) -> Result<CommitSha, Fault> {
        let what = format!("finding what {} and {} have in common in {}", base.short(), head.short(), repository.name);
        let name = self.named(repository).await?;
        let request = self.client.get_merge_options().repository_name(name);
        let request = request.source_commit_specifier(head.as_str()).destination_commit_specifier(base.as_str());
        let found = request.send().await.map_err(|error| failed(&what, error))?;
        parse(&what, Some(&found.base_commit_id))
    }

    async fn differences(
        &self,
        repository: &Repository,
        from: &CommitSha,
        to: &CommitSha,
    ) -> Result<Option<BTreeSet<String>>, Fault> {
        let what = format!("listing what differs between {} and {} in {}", from.short(), to.short(), repository.name);
        let name = self.named(repository).await?;
        let request = self.client.get_differences().repository_name(name);
        let request = request.before_commit_specifier(from.as_str()).after_commit_specifier(to.as_str());
        let mut pages = request.into_paginator().send();
        let mut paths = BTreeSet::new();
        while let Some(page) = pages.next().await {
            let page = match page {
                Ok(page) => page,
                Err(error) if is(&error, &["CommitDoesNotExistException"]) => return Ok(None),
                Err(error) => return Err(failed(&what, error)),
            };
            for difference in page.differences.unwrap_or_default() {
                let blobs = [difference.before_blob, difference.after_blob].into_iter().flatten();
                let named: Vec<String> = blobs.filter_map(|blob| blob.path).collect();
                if named.is_empty() {
                    return Err(lacks(&what, "a path"));
                }
                paths.extend(named);
            }
        }
        Ok(Some(paths))
    }
}

/// A pull request in the words of all hosts. CodeCommit has no drafts and asks nobody for a review.
pub(super) fn pull_request(
    what: &str,
    number: u64,
    found: &types::PullRequest,
    target: &PullRequestTarget,
) -> Result<PullRequest, Fault> {
    let branch = |name: Option<&str>| name.map(|name| name.strip_prefix(BRANCHES).unwrap_or(name).to_owned());
    let base = branch(target.destination_reference()).ok_or_else(|| lacks(what, "the base branch"))?;
    let updated_at = found.last_activity_date.or(found.creation_date).and_then(moment);
    Ok(PullRequest {
        number,
        open: found.pull_request_status == Some(PullRequestStatusEnum::Open),
        merged: target.merge_metadata().is_some_and(|merge| merge.is_merged),
        draft: false,
        author: account(found.author_arn()),
        reviewers: BTreeSet::new(),
        head: parse(what, target.source_commit())?,
        head_branch: branch(target.source_reference()).ok_or_else(|| lacks(what, "the head branch"))?,
        base_branch: base.parse().map_err(|error| Fault::reject(format!("{what}: {error}")))?,
        updated_at: updated_at.ok_or_else(|| lacks(what, "the time"))?,
    })
}
