//! Looking at a repository of which nothing is known yet but where it is.

use std::future::Future;

use crate::{
    domain::{
        id::{BranchName, DirectoryPath},
        onboarding::{Address, Ask, Described, Facts, Seen},
    },
    event::Repository,
    fault::Fault,
};

/// A source host, before a repository of it is listed.
pub trait Onboarding: Sync {
    /// The repository as the host describes it to our credentials.
    ///
    /// # Errors
    /// `Reject` or `Bug` with what to do; `Retry` when the host did not answer.
    fn describe(&self, address: &Address) -> impl Future<Output = Result<Described, Fault>> + Send;

    /// The head of a branch, and the names directly in a directory there. Only the place is told of what is below.
    ///
    /// # Errors
    /// As [`Self::describe`]; a listing that is not whole is a fault and never a short one.
    fn look(
        &self,
        repository: &Repository,
        branch: &BranchName,
        directory: Option<&DirectoryPath>,
    ) -> impl Future<Output = Result<Seen, Fault>> + Send;
}

/// Asks the host all that [`judge`](crate::domain::onboarding::judge) needs. What failed is a sentence among the facts, with all below it.
pub async fn facts(host: &impl Onboarding, ask: &Ask) -> Facts {
    let described = match host.describe(&ask.address).await {
        Ok(described) => described,
        Err(fault) => return Facts { described: Err(fault.chain()), seen: None },
    };
    let branch = ask.branch.as_ref().or(described.default_branch.as_ref());
    let seen = match branch.filter(|_| described.lacks.iter().all(|lack| !lack.fatal)) {
        Some(branch) => {
            let repository = Repository::new(described.id, described.address.name());
            Some(host.look(&repository, branch, ask.path()).await.map_err(|fault| fault.chain()))
        }
        None => None,
    };
    Facts { described: Ok(described), seen }
}
