//! Keeping what remains of a work item that has ended: a branch. CodeCommit's API makes no tags, and there are no issues.

use super::{CodeCommit, failed, is};
use crate::{
    domain::id::{BranchName, CommitSha, quoted},
    event::Repository,
    fault::Fault,
    ports::{Archive, Forge as _, NewIssue},
};

impl Archive for CodeCommit {
    async fn keep(&self, repository: &Repository, reference: &str, commit: &CommitSha) -> Result<bool, Fault> {
        let what = format!("keeping {} of {} as {}", commit.short(), repository.name, quoted(reference, 120));
        let Some(branch) = reference.strip_prefix("heads/") else { return Ok(false) };
        let branch: BranchName = branch.parse().map_err(|error| Fault::bug(format!("{what}: {error}")))?;
        let name = self.named(repository).await?;
        let request = self.client.create_branch().repository_name(name).branch_name(branch.as_str());
        match request.commit_id(commit.as_str()).send().await {
            Ok(_) => Ok(true),
            // Whether it is this one, reading tells.
            Err(error) if is(&error, &["BranchNameExistsException"]) => {
                match self.branch_head(repository, &branch).await? {
                    Some(head) if head == *commit => Ok(true),
                    Some(head) => Err(Fault::reject(format!("{what}: it stands at {head}, and is not moved"))),
                    None => Err(Fault::retry(what)),
                }
            }
            Err(error) => Err(failed(&what, error)),
        }
    }

    async fn open_issue(&self, _: &Repository, _: &NewIssue) -> Result<Option<u64>, Fault> {
        Ok(None)
    }
}
