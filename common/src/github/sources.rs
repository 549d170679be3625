//! Reading what gates of work items look at: check runs, the files of an item, issues.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::{
    domain::{
        id::{CommentId, CommitSha, HostAccount},
        stage::CheckSeen,
    },
    event::Repository,
    fault::Fault,
    ports::{CommentNow, DeploymentNow, EntryKind, IssueNow, Sources, TreeEntry},
};

use super::{
    GitHub, Scope,
    error::Failure,
    read::{kind_of, parse, path},
    session::{Call, GET},
    wire,
};

/// How many a page has: GitHub's most.
const PAGE: usize = 100;

/// How many pages of check runs are read: a commit with more is one that nobody can judge.
const PAGES: usize = 10;

impl Sources for GitHub {
    async fn check_runs(&self, repository: &Repository, commit: &CommitSha) -> Result<Vec<CheckSeen>, Fault> {
        let what = format!("listing the check runs of {} in {}", commit.short(), repository.name);
        let call = Call { repository, scope: Scope::Evidence, what: &what };
        let mut all = Vec::new();
        for page in 1..=PAGES {
            // `latest`: of each name the newest of each App (GitHub, "List check runs for a Git reference").
            let below = format!("/commits/{commit}/check-runs?filter=latest&per_page={PAGE}&page={page}");
            let found: wire::CheckRuns = self.call(&call, GET, &below).await?;
            let last = found.check_runs.len() < PAGE;
            all.extend(found.check_runs.into_iter().map(seen));
            if last {
                return Ok(all);
            }
        }
        Err(Fault::reject(format!("{what}: there are more than {}", PAGE * PAGES)))
    }

    async fn files_below(
        &self,
        repository: &Repository,
        commit: &CommitSha,
        directory: &str,
    ) -> Result<Vec<TreeEntry>, Fault> {
        let what = format!("listing {directory} of {} in {}", commit.short(), repository.name);
        let call = Call { repository, scope: Scope::Evidence, what: &what };
        let Some(sha) = self.directory(&call, commit, directory).await? else { return Ok(Vec::new()) };
        let below = self.tree(&call, &sha, "?recursive=1").await?;
        let files = below.into_iter().filter(|entry| kind_of(&entry.mode) == EntryKind::File);
        files
            .map(|entry| {
                Ok(TreeEntry {
                    kind: EntryKind::File,
                    blob: parse(&what, &entry.sha)?,
                    size: entry.size,
                    path: format!("{directory}/{}", entry.path),
                })
            })
            .collect()
    }

    async fn issue(&self, repository: &Repository, number: u64) -> Result<Option<IssueNow>, Fault> {
        let what = format!("reading issue {number} of {}", repository.name);
        let call = Call { repository, scope: Scope::Evidence, what: &what };
        // A name that moved answers 301 as an issue does that was transferred: the name is asked first.
        self.still_means(&call).await?;
        match self.call::<wire::Issue, _>(&call, GET, &format!("/issues/{number}")).await {
            Ok(found) if found.number != number => Ok(None),
            Ok(found) => Ok(Some(issue_now(found))),
            Err(Failure::NotFound(_) | Failure::Moved(_)) => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn comment(&self, repository: &Repository, _: u64, comment: &CommentId) -> Result<Option<CommentNow>, Fault> {
        // Another host's comment is none of GitHub's, and its text goes into no URL.
        let CommentId::GitHub(comment) = comment else { return Ok(None) };
        let what = format!("reading comment {comment} of {}", repository.name);
        let call = Call { repository, scope: Scope::Evidence, what: &what };
        self.still_means(&call).await?;
        match self.call::<wire::WrittenComment, _>(&call, GET, &format!("/issues/comments/{comment}")).await {
            Ok(found) => comment_now(&what, found).map(Some),
            Err(Failure::NotFound(_) | Failure::Moved(_)) => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn issues_labelled(&self, repository: &Repository, label: &str) -> Result<Vec<IssueNow>, Fault> {
        let what = format!("listing the open issues of {} that are items", repository.name);
        let call = Call { repository, scope: Scope::Evidence, what: &what };
        self.still_means(&call).await?;
        let mut all = Vec::new();
        for page in 1_u64.. {
            let label = path(label).replace('/', "%2F");
            let below =
                format!("/issues?state=open&labels={label}&sort=created&direction=asc&per_page={PAGE}&page={page}");
            let found: Vec<wire::Issue> = self.call(&call, GET, &below).await?;
            let last = found.len() < PAGE;
            // GitHub lists pull requests as issues, too ("List repository issues").
            all.extend(found.into_iter().map(issue_now));
            if last {
                break;
            }
        }
        Ok(all)
    }

    async fn deployment(&self, repository: &Repository, id: u64) -> Result<Option<DeploymentNow>, Fault> {
        self.deployment_now(repository, id).await
    }

    async fn deployments_since(&self, repository: &Repository, since: Timestamp) -> Result<Vec<u64>, Fault> {
        self.deployments_made(repository, since).await
    }

    async fn changes_with(&self, repository: &Repository, commit: &CommitSha) -> Result<BTreeSet<u64>, Fault> {
        self.pulls_with(repository, commit).await
    }
}

fn comment_now(what: &str, found: wire::WrittenComment) -> Result<CommentNow, Fault> {
    let number = found.issue_url.rsplit('/').next().and_then(|number| number.parse().ok());
    let number = number.ok_or_else(|| {
        Fault::bug(format!("{what}: {} names no issue", crate::domain::id::quoted(&found.issue_url, 120)))
    })?;
    Ok(CommentNow {
        number,
        by_person: found.performed_via_github_app.is_none()
            && found.user.as_ref().is_some_and(|user| user.kind == "User"),
        author: found.user.map(|user| HostAccount::github(user.id)),
        body: found.body.unwrap_or_default(),
        edited: found.updated_at != found.created_at,
    })
}

fn issue_now(found: wire::Issue) -> IssueNow {
    IssueNow {
        number: found.number,
        change: found.pull_request.is_some(),
        merged: found.pull_request.is_some_and(|change| change.merged_at.is_some()),
        open: found.state == "open",
        title: found.title,
        labels: found.labels.into_iter().map(|label| label.name).collect(),
        author: found.user.map(|user| user.id),
        assignees: found.assignees.iter().map(|user| user.id).collect(),
    }
}

fn seen(run: wire::CheckRun) -> CheckSeen {
    let over = run.status == "completed";
    CheckSeen {
        name: run.name.unwrap_or_default(),
        success: over.then(|| run.conclusion.as_deref() == Some("success")),
        title: run.output.and_then(|output| output.title),
        at: run.completed_at.filter(|_| over),
    }
}
