//! Reading deployments: which there are, how each stands, and whose commits they are of.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::{
    domain::id::CommitSha,
    event::Repository,
    fault::Fault,
    ports::{DeploymentNow, MOST_DEPLOYMENTS},
};

use super::{
    GitHub, Scope,
    error::Failure,
    read::parse,
    session::{Call, GET},
    wire,
};

/// How many a page has: GitHub's most.
const PAGE: usize = 100;

/// How many pages of statuses of one deployment are read: who reports more than this says nothing new by it.
const PAGES: usize = 5;

impl GitHub {
    pub(super) async fn deployment_now(
        &self,
        repository: &Repository,
        id: u64,
    ) -> Result<Option<DeploymentNow>, Fault> {
        let what = format!("reading deployment {id} of {}", repository.name);
        let call = Call { repository, scope: Scope::Deployments, what: &what };
        self.still_means(&call).await?;
        let found = match self.call::<wire::Deployment, _>(&call, GET, &format!("/deployments/{id}")).await {
            Ok(found) => found,
            Err(Failure::NotFound(_)) => return Ok(None),
            Err(failure) => return Err(failure.into()),
        };
        let mut all = Vec::new();
        for page in 1..=PAGES {
            let below = format!("/deployments/{id}/statuses?per_page={PAGE}&page={page}");
            let some: Vec<wire::DeploymentStatus> = self.call(&call, GET, &below).await?;
            let last = some.len() < PAGE;
            all.extend(some);
            if last {
                break;
            }
        }
        // In which order they are listed GitHub does not say ("List deployment statuses").
        let Some(last) = all.into_iter().max_by_key(|status| (status.created_at, status.id)) else { return Ok(None) };
        Ok(Some(DeploymentNow {
            id,
            commit: parse(&what, &found.sha)?,
            environment: found.environment,
            state: last.state,
            at: last.created_at,
        }))
    }

    pub(super) async fn deployments_made(&self, repository: &Repository, since: Timestamp) -> Result<Vec<u64>, Fault> {
        let what = format!("listing the deployments of {}", repository.name);
        let call = Call { repository, scope: Scope::Deployments, what: &what };
        self.still_means(&call).await?;
        let found: Vec<wire::Deployment> =
            self.call(&call, GET, &format!("/deployments?per_page={MOST_DEPLOYMENTS}")).await?;
        Ok(found.into_iter().filter(|one| one.created_at >= since).map(|one| one.id).collect())
    }

    pub(super) async fn pulls_with(&self, repository: &Repository, commit: &CommitSha) -> Result<BTreeSet<u64>, Fault> {
        let what = format!("listing the pull requests with {} in {}", commit.short(), repository.name);
        let call = Call { repository, scope: Scope::Read, what: &what };
        match self.call::<Vec<wire::Numbered>, _>(&call, GET, &format!("/commits/{commit}/pulls?per_page={PAGE}")).await
        {
            Ok(found) => Ok(found.into_iter().map(|pull| pull.number).collect()),
            // A commit that is not there (any more) is no pull request's: 404, or 422 for a name that is none.
            Err(Failure::NotFound(_)) => Ok(BTreeSet::new()),
            Err(failure) => Err(failure.into()),
        }
    }
}
