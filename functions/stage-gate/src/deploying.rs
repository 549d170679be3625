//! Where the commits of items' pull requests are deployed: read of their host again whenever it tells of a deployment, and by the sweep.

use std::collections::BTreeSet;

use common::{
    domain::{
        id::{CorrelationId, RepositoryId},
        stage::{Deployment, deployed, title_of},
    },
    event::Repository,
    fault::Fault,
    ports::{DeploymentNow, ItemRows, Pause, Sources, WipRows},
};
use jiff::SignedDuration;

use crate::{following::named, service::ItemGates, telling, writing::Said};

/// How far back the sweep looks for deployments: a lost event is made up for that long, and an older one is a lost line on a board.
const SWEEP: SignedDuration = SignedDuration::from_hours(2);

impl<R: ItemRows + WipRows, C: Pause, H: Sources> ItemGates<R, C, H> {
    /// Looks at one deployment.
    ///
    /// # Errors
    /// `Retry` when the host or the table did not answer.
    pub(crate) async fn follow_deployment(
        &self,
        repository: RepositoryId,
        id: u64,
        cause: &CorrelationId,
    ) -> Result<(), Fault> {
        let Some(host) = self.home_of_items(repository) else { return Ok(()) };
        match self.host.deployment(&host, id).await? {
            Some(found) => self.settle_deployment(&host, &found, cause).await,
            None => Ok(()),
        }
    }

    /// Looks at every deployment of the last two hours. What fails for one keeps no other from being looked at.
    ///
    /// # Errors
    /// The first fault, after everything was tried.
    pub(crate) async fn follow_deployments(&self, cause: &CorrelationId) -> Result<(), Fault> {
        let since = self.now().saturating_sub(SWEEP).unwrap_or(jiff::Timestamp::MIN);
        // Without an item that a pull request brings there is nothing to show, and nothing to ask of the host.
        let with: BTreeSet<RepositoryId> = self
            .with_link()
            .await?
            .into_iter()
            .filter_map(|item| item.link.filter(|link| link.change.is_some()).map(|link| link.repository))
            .collect();
        let mut first = Ok(());
        for repository in with {
            let Some(host) = self.home_of_items(repository) else { continue };
            let listed = match self.host.deployments_since(&host, since).await {
                Ok(listed) => listed,
                Err(fault) => {
                    tracing::error!(repository = %host.name, fault = fault.chain(), "its deployments could not be listed");
                    first = first.and(Err(fault));
                    continue;
                }
            };
            for id in listed {
                if let Err(fault) = self.follow_deployment(repository, id, cause).await {
                    tracing::error!(repository = %host.name, id, fault = fault.chain(), "this deployment could not be followed");
                    first = first.and(Err(fault));
                }
            }
        }
        first
    }

    /// A repository where items live.
    fn home_of_items(&self, repository: RepositoryId) -> Option<Repository> {
        let entry = self.governance.repositories.listed.get(&repository)?;
        entry.items.as_ref().map(|_| named(repository, entry))
    }

    async fn settle_deployment(
        &self,
        host: &Repository,
        found: &DeploymentNow,
        cause: &CorrelationId,
    ) -> Result<(), Fault> {
        let changes = self.host.changes_with(host, &found.commit).await?;
        if changes.is_empty() {
            return Ok(());
        }
        let environment = title_of(&found.environment);
        let deployment =
            Deployment { id: found.id, commit: found.commit.clone(), state: title_of(&found.state), at: found.at };
        let of_these = |change: Option<u64>| change.is_some_and(|number| changes.contains(&number));
        for item in self.with_link().await? {
            let Some(link) = &item.link else { continue };
            if link.repository != host.id || !of_these(link.change) {
                continue;
            }
            let learnt = |dossier: &common::domain::stage::Dossier, _: &_, now| {
                let known = &dossier.item.deployments;
                let Some(deployments) = deployed(known, &environment, &deployment) else { return Err(()) };
                let mut after = dossier.clone();
                after.item.deployments = deployments;
                after.item.version += 1;
                let facts = [
                    ("environment", environment.clone()),
                    ("commit", deployment.commit.to_string()),
                    ("state", deployment.state.clone()),
                ];
                let entry = telling::entry(&item.id, "item.deploy", facts, cause, now);
                Ok(Said { after, entry, events: Vec::new() })
            };
            self.write(&item.id, cause, learnt).await?;
        }
        Ok(())
    }
}
