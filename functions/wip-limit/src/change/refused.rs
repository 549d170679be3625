//! A pull request that gets no place, however much room there is: why, and telling its author.

use std::collections::BTreeMap;

use common::{
    domain::{
        id::{CorrelationId, HostAccount, ItemId},
        wip::Scope,
    },
    event::{ChangeRef, RefusedCause, Repository, WipLockRefused},
    fault::Fault,
    ports::{Committed, Pause, WipRows},
};

use crate::service::Limiter;

/// Why a pull request gets no place until the governance files say more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// people.yaml does not list the account that opened it; nothing when the account is gone.
    UnknownAuthor(Option<HostAccount>),
    /// limits.yaml has no rule for these scopes.
    NoRule(Vec<Scope>),
}

impl Refusal {
    /// The sentence for the log; the author reads feedback's.
    pub fn sentence(&self, repository: &Repository, number: u64) -> String {
        let which = format!("pull request {number} of {}", repository.name);
        match self {
            Self::UnknownAuthor(author) => {
                let (author, key) = match author {
                    None => ("whose account is gone".to_owned(), "github_id or iam_arn"),
                    Some(HostAccount::GitHub(id)) => (format!("with GitHub id {id}"), "github_id"),
                    Some(HostAccount::Iam(arn)) => (format!("who calls AWS as {arn}"), "iam_arn"),
                };
                format!(
                    "{which} is by somebody {author}, whom people.yaml does not list: list them with their {key}, or take wip \
                     out of this repository in repositories.yaml"
                )
            }
            Self::NoRule(scopes) => {
                let scopes: Vec<String> = scopes.iter().map(ToString::to_string).collect();
                format!("{which} gets no place: limits.yaml has no rule for {}", scopes.join(", "))
            }
        }
    }

    /// The payload of the event that tells of it.
    pub fn told(&self, repository: &Repository, number: u64) -> WipLockRefused {
        let (cause, author, scopes) = match self {
            Self::UnknownAuthor(author) => (RefusedCause::UnknownAuthor, author.clone(), Vec::new()),
            Self::NoRule(scopes) => (RefusedCause::NoRule, None, scopes.clone()),
        };
        let item = ItemId::of_pull_request(repository.id, number);
        let change = Some(ChangeRef { repository: repository.clone(), number });
        WipLockRefused { item, cause, author, scopes, reasons: Vec::new(), change }
    }
}

impl<R: WipRows, C: Pause> Limiter<R, C> {
    /// Tells of a refusal. No row remembers it, so each look tells it again, under the same event id: a lost event heals, and who
    /// listens says it once.
    pub(super) async fn refuse(
        &self,
        repository: &Repository,
        number: u64,
        refusal: &Refusal,
        cause: &CorrelationId,
    ) -> Result<(), Fault> {
        tracing::warn!(repository = %repository.id, number, "{}", refusal.sentence(repository, number));
        tracing::info!(target: "metric", name = "WIPPullRequestsRefused", value = 1_u64);
        self.tell_refused(refusal.told(repository, number), cause).await
    }

    /// Tells that an item gets no place.
    pub(crate) async fn tell_refused(&self, refused: WipLockRefused, cause: &CorrelationId) -> Result<(), Fault> {
        let (now, item) = (self.now(), refused.item.clone());
        let event = self.telling.refused(refused, cause, now);
        match self.rows.commit(&BTreeMap::new(), &[event], now).await? {
            Committed::Done => Ok(()),
            Committed::Failed(_) | Committed::Conflict => {
                Err(Fault::retry(format!("telling that {item} gets no place")))
            }
        }
    }
}
