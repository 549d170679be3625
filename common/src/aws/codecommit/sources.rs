//! Reading what gates of work items look at: files, pull requests and comments. CodeCommit has no check runs, no issues, no labels and
//! no deployments: of those there are none.

use std::collections::BTreeSet;

use aws_sdk_codecommit::types;
use jiff::Timestamp;

use super::{CodeCommit, account, failed, read::pull_request, tree::Listing};
use crate::{
    domain::{
        id::{CommentId, CommitSha, HostAccount},
        stage::CheckSeen,
    },
    event::Repository,
    fault::Fault,
    ports::{CommentNow, DeploymentNow, EntryKind, IssueNow, Sources, TreeEntry},
};

/// The most files of one item: each costs a call.
const FILES: usize = 1_000;

impl Sources for CodeCommit {
    async fn check_runs(&self, _: &Repository, _: &CommitSha) -> Result<Vec<CheckSeen>, Fault> {
        Ok(Vec::new())
    }

    async fn files_below(
        &self,
        repository: &Repository,
        commit: &CommitSha,
        directory: &str,
    ) -> Result<Vec<TreeEntry>, Fault> {
        let what = format!("listing {directory} of {} in {}", commit.short(), repository.name);
        let listing = Listing { what: &what, name: self.named(repository).await?, commit };
        let mut files = self.walk(&listing, directory).await?;
        files.retain(|entry| entry.kind == EntryKind::File);
        if files.len() > FILES {
            return Err(Fault::reject(format!("{what}: there are more than {FILES} files")));
        }
        self.measure(&listing, repository.id, files, |_| true).await
    }

    /// A pull request: there are no issues.
    async fn issue(&self, repository: &Repository, number: u64) -> Result<Option<IssueNow>, Fault> {
        let what = format!("reading pull request {number} of {}", repository.name);
        let name = self.named(repository).await?;
        let Some((found, target)) = self.change(&what, name, number).await? else { return Ok(None) };
        let change = pull_request(&what, number, &found, &target)?;
        Ok(Some(IssueNow {
            number,
            change: true,
            merged: change.merged,
            open: change.open,
            title: found.title.unwrap_or_default(),
            labels: BTreeSet::new(),
            author: None,
            assignees: BTreeSet::new(),
        }))
    }

    /// `GetComment` does not say where a comment stands, so it is looked for among those of the pull request.
    async fn comment(
        &self,
        repository: &Repository,
        number: u64,
        comment: &CommentId,
    ) -> Result<Option<CommentNow>, Fault> {
        let CommentId::CodeCommit(id) = comment else { return Ok(None) };
        let what = format!("reading comment {id} of {}", repository.name);
        let name = self.named(repository).await?;
        if self.change(&what, name, number).await?.is_none() {
            return Ok(None);
        }
        let all = self.comments_of_change(&what, name, number).await?;
        let found = all.into_iter().find(|one| one.comment_id.as_deref() == Some(id.as_str()) && !one.deleted);
        Ok(found.map(|found| comment_now(number, found)))
    }

    async fn issues_labelled(&self, _: &Repository, _: &str) -> Result<Vec<IssueNow>, Fault> {
        Ok(Vec::new())
    }

    async fn deployment(&self, _: &Repository, _: u64) -> Result<Option<DeploymentNow>, Fault> {
        Ok(None)
    }

    async fn deployments_since(&self, _: &Repository, _: Timestamp) -> Result<Vec<u64>, Fault> {
        Ok(Vec::new())
    }

    /// None: it is asked for what was deployed, and nothing is. CodeCommit has no call for it either.
    async fn changes_with(&self, _: &Repository, _: &CommitSha) -> Result<BTreeSet<u64>, Fault> {
        Ok(BTreeSet::new())
    }
}

impl CodeCommit {
    /// Every comment on a pull request in this repository, whatever revision it was made on, in the service's order.
    pub(super) async fn comments_of_change(
        &self,
        what: &str,
        name: &str,
        number: u64,
    ) -> Result<Vec<types::Comment>, Fault> {
        let request = self.client.get_comments_for_pull_request().pull_request_id(number.to_string());
        let mut pages = request.into_paginator().send();
        let mut all = Vec::new();
        while let Some(page) = pages.next().await {
            let threads = page.map_err(|error| failed(what, error))?.comments_for_pull_request_data;
            let here = threads.into_iter().flatten().filter(|thread| thread.repository_name.as_deref() == Some(name));
            all.extend(here.flat_map(|thread| thread.comments.unwrap_or_default()));
        }
        Ok(all)
    }
}

fn comment_now(number: u64, found: types::Comment) -> CommentNow {
    let author = account(found.author_arn());
    CommentNow {
        number,
        body: found.content.unwrap_or_default(),
        by_person: author.as_ref().is_some_and(is_person),
        author,
        edited: found.last_modified_date != found.creation_date,
    }
}

/// Whether somebody may be a person. AWS authenticates who called and does not say whether a hand or a program did: a user's keys may be
/// in a script. So whoever is in `people.yaml` by this ARN is taken at their word. A role's session that is called as the role is one
/// of a function of ours (Lambda calls a session as the function, and ours are called as their roles), and never a person's.
pub(super) fn is_person(author: &HostAccount) -> bool {
    let HostAccount::Iam(arn) = author else { return false };
    let resource = arn.as_str().rsplit(':').next().unwrap_or_default();
    match resource.split('/').collect::<Vec<_>>().as_slice() {
        ["user", ..] => true,
        ["assumed-role", role, session] => role != session,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_no_person() {
        let person = |arn: &str| is_person(&account(Some(arn)).unwrap());
        assert!(person("arn:aws:iam::111122223333:user/team/ada"));
        assert!(person("arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Developer_0a1b/ada@example.org"));
        assert!(!person("arn:aws:sts::111122223333:assumed-role/penstock-feedback/penstock-feedback"));
        assert!(!person("arn:aws:iam::111122223333:role/Deployer"));
        assert!(!is_person(&HostAccount::github(7)));
    }
}
