//! Keeping what remains of a work item that has ended.

use crate::{
    domain::id::{CommitSha, quoted},
    event::Repository,
    fault::Fault,
    ports::{Archive, NewIssue},
};

use super::{
    GitHub, Scope,
    error::Failure,
    read::path,
    session::{Call, GET, Verb},
    wire,
};

/// How many issues a page has: GitHub's most.
const PAGE: usize = 100;

impl Archive for GitHub {
    async fn keep(&self, repository: &Repository, reference: &str, commit: &CommitSha) -> Result<bool, Fault> {
        let what = format!("keeping {} of {} as {}", commit.short(), repository.name, quoted(reference, 120));
        let call = Call { repository, scope: Scope::Archive, what: &what };
        self.still_means(&call).await?;
        let name = format!("refs/{reference}");
        let body = wire::NewReference { name: &name, sha: commit.as_str() };
        match self.call::<wire::Accepted, _>(&call, Verb::Post(&body), "/git/refs").await {
            Ok(_) => Ok(true),
            // "Reference already exists": whether it is this one, reading tells.
            Err(Failure::Invalid(fault)) => {
                let below = format!("/git/ref/{}", path(reference));
                match self.call::<wire::Reference, _>(&call, GET, &below).await {
                    Ok(found) if found.object.sha == commit.as_str() => Ok(true),
                    Ok(found) => {
                        let there = quoted(&found.object.sha, 40);
                        Err(Fault::reject(format!("{what}: it stands at {there}, and is not moved")))
                    }
                    Err(Failure::NotFound(_)) => Err(fault),
                    Err(failure) => Err(failure.into()),
                }
            }
            Err(failure) => Err(failure.into()),
        }
    }

    async fn open_issue(&self, repository: &Repository, issue: &NewIssue) -> Result<Option<u64>, Fault> {
        let what = format!("opening the issue {} in {}", quoted(&issue.title, 80), repository.name);
        let call = Call { repository, scope: Scope::Archive, what: &what };
        self.still_means(&call).await?;
        let label = path(&issue.label).replace('/', "%2F");
        for page in 1_u64.. {
            let below = format!("/issues?state=open&labels={label}&per_page={PAGE}&page={page}");
            let found: Vec<wire::Issue> = self.call(&call, GET, &below).await?;
            if let Some(there) = found.iter().find(|there| there.title == issue.title && self.is_own(there)) {
                return Ok(Some(there.number));
            }
            if found.len() < PAGE {
                break;
            }
        }
        let body = wire::NewIssue { title: &issue.title, body: &issue.body, labels: [&issue.label] };
        let made: wire::Numbered = self.call(&call, Verb::Post(&body), "/issues").await?;
        Ok(Some(made.number))
    }
}

impl GitHub {
    /// Whether this App made it: a title is anybody's.
    fn is_own(&self, issue: &wire::Issue) -> bool {
        issue.performed_via_github_app.as_ref().is_some_and(|app| app.id == self.app_id)
    }
}
