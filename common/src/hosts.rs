//! The source hosts of one installation, as one: each call goes to the host that the repository is on.
//!
//! Which of them there are, the configuration says. A repository of a host that is not set up is a `Bug` that says what to set up, and
//! another host is never asked for it.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::{
    aws::codecommit::CodeCommit,
    domain::{
        id::{BlobSha, BranchName, CommentId, CommitSha, RepositoryId},
        stage::CheckSeen,
    },
    event::Repository,
    fault::Fault,
    github::GitHub,
    ports::{
        Approvals, Archive, Attempts, ChangeMarks, Changes, CheckRun, CommentNow, CommitAuthors, CommitStatus, Cursor,
        Deliveries, DeploymentNow, Forge, IssueNow, Marks, Merged, Merging, NewIssue, PullRequest, Sources,
        SquashMerge, StickyComment, TreeEntry,
    },
};

/// The hosts that are set up.
#[derive(Debug, Clone)]
pub struct Hosts {
    /// Where `GITHUB_APP_ID` names an App.
    pub github: Option<GitHub>,
    /// Where `repositories.yaml` lists a repository of it.
    pub codecommit: Option<CodeCommit>,
}

/// Calls the host that a repository is on.
macro_rules! on {
    ($hosts:expr, $repository:expr, $host:ident => $call:expr) => {
        match $repository.id {
            RepositoryId::GitHub(_) => {
                let $host = $hosts.github.as_ref().ok_or_else(|| missing($repository))?;
                $call.await
            }
            RepositoryId::CodeCommit(_) => {
                let $host = $hosts.codecommit.as_ref().ok_or_else(|| missing($repository))?;
                $call.await
            }
        }
    };
}

fn missing(repository: &Repository) -> Fault {
    let Repository { id, name, .. } = repository;
    Fault::bug(match id {
        RepositoryId::GitHub(_) => format!(
            "{name} (repository {id}) is on GitHub, which is not set up: set GITHUB_APP_ID and GITHUB_APP_KEY_SECRET_ID"
        ),
        RepositoryId::CodeCommit(_) => format!(
            "{name} (repository {id}) is on CodeCommit, and repositories.yaml lists no repository of it: add the line with its id and ARN"
        ),
    })
}

impl Forge for Hosts {
    async fn branch_head(&self, repository: &Repository, branch: &BranchName) -> Result<Option<CommitSha>, Fault> {
        on!(self, repository, host => host.branch_head(repository, branch))
    }

    async fn deploy_tree(&self, repository: &Repository, commit: &CommitSha) -> Result<Vec<TreeEntry>, Fault> {
        on!(self, repository, host => host.deploy_tree(repository, commit))
    }

    async fn blob(&self, repository: &Repository, blob: &BlobSha) -> Result<Vec<u8>, Fault> {
        on!(self, repository, host => host.blob(repository, blob))
    }

    async fn pull_request(&self, repository: &Repository, number: u64) -> Result<Option<PullRequest>, Fault> {
        on!(self, repository, host => host.pull_request(repository, number))
    }

    async fn open_pull_requests(&self, repository: &Repository) -> Result<Vec<PullRequest>, Fault> {
        on!(self, repository, host => host.open_pull_requests(repository))
    }

    async fn authors(
        &self,
        repository: &Repository,
        branch: &BranchName,
        commit: &CommitSha,
    ) -> Result<CommitAuthors, Fault> {
        on!(self, repository, host => host.authors(repository, branch, commit))
    }

    async fn merge_base(
        &self,
        repository: &Repository,
        base: &CommitSha,
        head: &CommitSha,
    ) -> Result<CommitSha, Fault> {
        on!(self, repository, host => host.merge_base(repository, base, head))
    }

    async fn differences(
        &self,
        repository: &Repository,
        from: &CommitSha,
        to: &CommitSha,
    ) -> Result<Option<BTreeSet<String>>, Fault> {
        on!(self, repository, host => host.differences(repository, from, to))
    }
}

impl Sources for Hosts {
    async fn check_runs(&self, repository: &Repository, commit: &CommitSha) -> Result<Vec<CheckSeen>, Fault> {
        on!(self, repository, host => host.check_runs(repository, commit))
    }

    async fn files_below(
        &self,
        repository: &Repository,
        commit: &CommitSha,
        directory: &str,
    ) -> Result<Vec<TreeEntry>, Fault> {
        on!(self, repository, host => host.files_below(repository, commit, directory))
    }

    async fn issue(&self, repository: &Repository, number: u64) -> Result<Option<IssueNow>, Fault> {
        on!(self, repository, host => host.issue(repository, number))
    }

    async fn comment(
        &self,
        repository: &Repository,
        number: u64,
        comment: &CommentId,
    ) -> Result<Option<CommentNow>, Fault> {
        on!(self, repository, host => host.comment(repository, number, comment))
    }

    async fn issues_labelled(&self, repository: &Repository, label: &str) -> Result<Vec<IssueNow>, Fault> {
        on!(self, repository, host => host.issues_labelled(repository, label))
    }

    async fn deployment(&self, repository: &Repository, id: u64) -> Result<Option<DeploymentNow>, Fault> {
        on!(self, repository, host => host.deployment(repository, id))
    }

    async fn deployments_since(&self, repository: &Repository, since: Timestamp) -> Result<Vec<u64>, Fault> {
        on!(self, repository, host => host.deployments_since(repository, since))
    }

    async fn changes_with(&self, repository: &Repository, commit: &CommitSha) -> Result<BTreeSet<u64>, Fault> {
        on!(self, repository, host => host.changes_with(repository, commit))
    }
}

impl Marks for Hosts {
    async fn set_status(&self, repository: &Repository, status: &CommitStatus) -> Result<(), Fault> {
        on!(self, repository, host => host.set_status(repository, status))
    }

    async fn publish_check(&self, repository: &Repository, check: &CheckRun) -> Result<(), Fault> {
        on!(self, repository, host => host.publish_check(repository, check))
    }
}

impl ChangeMarks for Hosts {
    async fn set_label(&self, repository: &Repository, number: u64, label: &str, present: bool) -> Result<(), Fault> {
        on!(self, repository, host => host.set_label(repository, number, label, present))
    }

    async fn set_comment(&self, repository: &Repository, number: u64, comment: &StickyComment) -> Result<(), Fault> {
        on!(self, repository, host => host.set_comment(repository, number, comment))
    }

    async fn is_draft(&self, repository: &Repository, number: u64) -> Result<Option<bool>, Fault> {
        on!(self, repository, host => host.is_draft(repository, number))
    }

    async fn set_draft(&self, repository: &Repository, number: u64, draft: bool) -> Result<(), Fault> {
        on!(self, repository, host => host.set_draft(repository, number, draft))
    }
}

impl Archive for Hosts {
    async fn keep(&self, repository: &Repository, reference: &str, commit: &CommitSha) -> Result<bool, Fault> {
        on!(self, repository, host => host.keep(repository, reference, commit))
    }

    async fn open_issue(&self, repository: &Repository, issue: &NewIssue) -> Result<Option<u64>, Fault> {
        on!(self, repository, host => host.open_issue(repository, issue))
    }
}

impl Changes for Hosts {
    async fn changed_paths(
        &self,
        repository: &Repository,
        base: &CommitSha,
        head: &CommitSha,
    ) -> Result<BTreeSet<String>, Fault> {
        on!(self, repository, host => host.changed_paths(repository, base, head))
    }

    async fn approvals(&self, repository: &Repository, number: u64) -> Result<Option<Approvals>, Fault> {
        on!(self, repository, host => host.approvals(repository, number))
    }
}

impl Merging for Hosts {
    async fn merge_squash(&self, repository: &Repository, merge: &SquashMerge) -> Result<Merged, Fault> {
        on!(self, repository, host => host.merge_squash(repository, merge))
    }
}

/// GitHub's: CodeCommit sends no webhooks and keeps no list. What it did not tell, comparing branches finds.
impl Deliveries for Hosts {
    async fn attempts(&self, from: Option<&Cursor>) -> Result<Attempts, Fault> {
        match &self.github {
            Some(github) => github.attempts(from).await,
            None => Ok(Attempts { attempts: Vec::new(), next: None }),
        }
    }

    async fn redeliver(&self, attempt: u64) -> Result<(), Fault> {
        match &self.github {
            Some(github) => github.redeliver(attempt).await,
            None => Err(Fault::bug(format!("asking for delivery attempt {attempt} again: GitHub is not set up"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_host_that_is_not_set_up_is_named_and_no_other_is_asked() {
        let none = Hosts { github: None, codecommit: None };
        let main = "main".parse().unwrap();
        let asked = |id: RepositoryId, name: &str| Repository::new(id, name.parse().unwrap());
        let fault = none.branch_head(&asked(RepositoryId::GitHub(42), "acme/fleet"), &main).await.unwrap_err();
        insta::assert_snapshot!(fault, @"acme/fleet (repository 42) is on GitHub, which is not set up: set GITHUB_APP_ID and GITHUB_APP_KEY_SECRET_ID");
        let id = "f7579e13-b83e-4027-aaef-650c0a1b2c3d".parse().unwrap();
        let fault = none.branch_head(&asked(id, "111122223333/fleet"), &main).await.unwrap_err();
        insta::assert_snapshot!(fault, @"111122223333/fleet (repository f7579e13-b83e-4027-aaef-650c0a1b2c3d) is on CodeCommit, and repositories.yaml lists no repository of it: add the line with its id and ARN");
        assert_eq!(none.attempts(None).await.unwrap().attempts, []);
        assert!(none.redeliver(1).await.is_err());
    }
}
