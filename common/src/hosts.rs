//! The source hosts of one installation, as one: each call goes to the host that the repository is on.
//!
//! GitHub is one when the environment names an App; CodeCommit always is, in the function's own account and region. A repository on GitHub
//! where that is not set up is a `Bug` that says what to set up, and another host is never asked for it.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::{
    aws::{Aws, codecommit::CodeCommit, secrets::Secrets},
    domain::{
        id::{BlobSha, BranchName, CommentId, CommitSha, RepositoryId},
        stage::CheckSeen,
    },
    event::Repository,
    fault::Fault,
    github::{DEFAULT_BASE_URI, GitHub},
    manifest::EnvVar,
    ports::{
        Approvals, Archive, Attempts, ChangeMarks, Changes, CheckRun, CommentNow, CommitAuthors, CommitStatus, Cursor,
        Deliveries, DeploymentNow, Forge, IssueNow, Marks, Merged, Merging, NewIssue, PullRequest, Sources,
        SquashMerge, StickyComment, TreeEntry,
    },
    runtime::Config,
};

/// The hosts that are set up.
#[derive(Debug, Clone)]
pub struct Hosts {
    /// Where `GITHUB_APP_ID` names an App.
    pub github: Option<GitHub>,
    /// In the control plane's own account and region.
    pub codecommit: CodeCommit,
}

/// The environment variables that [`Hosts::of`] reads.
pub const GITHUB_APP_ID: EnvVar = EnvVar::optional(
    "GITHUB_APP_ID",
    "the id of the GitHub App that it is there; without it no repository is on GitHub",
);
/// See [`GITHUB_APP_ID`].
pub const GITHUB_APP_KEY: EnvVar = EnvVar::optional(
    "GITHUB_APP_KEY_SECRET_ID",
    "the secret that holds the App's private key, as PEM text; needed with GITHUB_APP_ID",
);
/// See [`GITHUB_APP_ID`].
pub const GITHUB_API_URL: EnvVar =
    EnvVar::optional("GITHUB_API_URL", "the API of GitHub, when it is not https://api.github.com");

impl Hosts {
    /// The hosts that the environment sets up. The App's key is read here, once a sandbox; nothing else is called yet.
    ///
    /// # Errors
    /// `Retry` when AWS did not answer; `Bug` when what the environment says cannot be used.
    pub async fn of(config: &Config, aws: &Aws) -> Result<Self, Fault> {
        let github = match config.optional(GITHUB_APP_ID.name) {
            None => None,
            Some(_) => {
                let key = Secrets::new(aws).text(config.text(GITHUB_APP_KEY.name)?).await?;
                let address = config.optional(GITHUB_API_URL.name).unwrap_or(DEFAULT_BASE_URI);
                Some(GitHub::new(address, config.parse(GITHUB_APP_ID.name)?, &key)?)
            }
        };
        Ok(Self { github, codecommit: CodeCommit::new(aws) })
    }
}

/// Calls the host that a repository is on. The calls are boxed: the compiler lays out each future with all that it awaits inside, and two hosts
/// below a handler are deeper than it goes.
macro_rules! on {
    ($hosts:expr, $repository:expr, $host:ident => $call:expr) => {
        match $repository.id {
            RepositoryId::GitHub(_) => {
                let $host = $hosts.github.as_ref().ok_or_else(|| missing($repository))?;
                Box::pin($call).await
            }
            RepositoryId::CodeCommit(_) => {
                let $host = &$hosts.codecommit;
                Box::pin($call).await
            }
        }
    };
}

fn missing(repository: &Repository) -> Fault {
    let Repository { id, name, .. } = repository;
    Fault::bug(format!(
        "{name} (repository {id}) is on GitHub, which is not set up: set GITHUB_APP_ID and GITHUB_APP_KEY_SECRET_ID"
    ))
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
        let aws = Aws::with(crate::runtime::AwsSettings::emulator("http://127.0.0.1:1"));
        let none = Hosts { github: None, codecommit: CodeCommit::new(&aws) };
        let main = "main".parse().unwrap();
        let asked = Repository::new(RepositoryId::GitHub(42), "acme/fleet".parse().unwrap());
        let fault = none.branch_head(&asked, &main).await.unwrap_err();
        insta::assert_snapshot!(fault, @"acme/fleet (repository 42) is on GitHub, which is not set up: set GITHUB_APP_ID and GITHUB_APP_KEY_SECRET_ID");
        assert_eq!(none.attempts(None).await.unwrap().attempts, []);
        assert!(none.redeliver(1).await.is_err());
    }
}
