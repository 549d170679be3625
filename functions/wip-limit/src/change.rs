//! Pull requests as items: what one of them asks for, or gives back.
//!
//! A webhook only wakes us. What a pull request is now (open, draft, whose, who reviews it) is read from the host, and the person
//! comes from `people.yaml` by the author's numeric id. Its item is `pr-<repository id>-<number>`, in the pod and stage that
//! `repositories.yaml` gives the repository. A pull request keeps its place while it is open, whatever happens to its draft state;
//! a draft asks for none, unless it waits already: then it was made a draft because it waits.

use std::collections::BTreeSet;

use common::{
    domain::{
        governance::Governance,
        id::{CorrelationId, HostAccount, ItemId, PersonName, RepositoryId},
        wip::{ItemType, Lease, Work, admission::Request, limits::Limits, scope::MAX_INVOLVED, settle::Rows},
    },
    event::Repository,
    fault::Fault,
    ports::{Forge, Pause, PullRequest, WipRows},
};
use jiff::{SignedDuration, Timestamp};

use crate::service::{Answer, Limiter};

pub use self::refused::Refusal;

mod refused;

#[cfg(test)]
mod tests;

/// What a pull request means for the limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// A place.
    Place(Work),
    /// To stay in line, if it stands there.
    ItsTicket(Work),
    /// Nothing yet: it is a draft, by nobody we know.
    NotYet,
    /// Nothing any more: it is merged, closed or gone. What it was, as far as that is known.
    Nothing(Option<Work>),
    /// A place, but it gets none.
    Refused(Refusal),
    /// Pull requests of this repository are not limited.
    Unlimited,
}

/// What became of a pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was asked for.
    Asked(Answer),
    /// It holds nothing any more.
    Released,
    /// It is a draft that stands in no line.
    Draft,
    /// It gets no place, and is told why.
    Refused(Refusal),
    /// Pull requests of this repository are not limited.
    Unlimited,
}

impl From<Answer> for Outcome {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::NoRule(scopes) => Self::Refused(Refusal::NoRule(scopes)),
            answer => Self::Asked(answer),
        }
    }
}

/// A repository whose pull requests are limited, as the governance files name it: a name in an event may be old.
pub fn repository(governance: &Governance, id: RepositoryId) -> Option<Repository> {
    let entry = governance.repositories.listed.get(&id).filter(|entry| entry.wip.is_some())?;
    Some(Repository::new(id, entry.name.clone()))
}

/// Every repository whose pull requests are limited.
pub fn repositories(governance: &Governance) -> Vec<Repository> {
    governance.repositories.listed.keys().filter_map(|id| repository(governance, *id)).collect()
}

/// What a pull request means, from what the host says of it now.
pub fn wanted(governance: &Governance, repository: &Repository, number: u64, found: Option<&PullRequest>) -> Wanted {
    let Some(place) = governance.repositories.listed.get(&repository.id).and_then(|entry| entry.wip.as_ref()) else {
        return Wanted::Unlimited;
    };
    let Some(found) = found else { return Wanted::Nothing(None) };
    let who = |account: HostAccount| governance.people.who(&account.into()).map(|(name, _)| name.clone());
    let Some(owner) = found.author.clone().and_then(who) else {
        return match (found.open, found.draft) {
            (false, _) => Wanted::Nothing(None),
            (true, true) => Wanted::NotYet,
            (true, false) => Wanted::Refused(Refusal::UnknownAuthor(found.author.clone())),
        };
    };
    // The first by name, when more were asked than an item may have: which they are does not change from one look to the next.
    let involved: BTreeSet<PersonName> =
        found.reviewers.iter().cloned().filter_map(who).filter(|person| *person != owner).collect();
    let work = Work {
        item: ItemId::of_pull_request(repository.id, number),
        pod: place.pod.clone(),
        stage: place.stage.clone(),
        item_type: ItemType::PullRequest,
        owner,
        involved: involved.into_iter().take(MAX_INVOLVED).collect(),
        environment: None,
        account: None,
        expedite: false,
    };
    match (found.open, found.draft) {
        (false, _) => Wanted::Nothing(Some(work)),
        (true, true) => Wanted::ItsTicket(work),
        (true, false) => Wanted::Place(work),
    }
}

/// The pull requests that hold a place or wait, by these rows.
fn standing(rows: &Rows, now: Timestamp) -> BTreeSet<(RepositoryId, u64)> {
    let leases = rows.values().flat_map(|row| row.live_leases(now)).map(|(item, _)| item);
    let tickets = rows.values().flat_map(|row| row.live_tickets(now)).map(|(item, _)| item);
    leases.chain(tickets).filter_map(ItemId::pull_request).collect()
}

/// The pull requests whose lease or ticket has less than half of its time left, by these rows: time to look at them again.
pub fn due(rows: &Rows, limits: &Limits, now: Timestamp) -> BTreeSet<(RepositoryId, u64)> {
    let leases = rows.values().flat_map(|row| row.live_leases(now)).filter(|(_, lease)| is_due(lease, limits, now));
    let soon = |expires_at: Timestamp| less_than_half(expires_at, limits.ticket_ttl_seconds, now);
    let tickets = rows.values().flat_map(|row| row.live_tickets(now)).filter(|(_, ticket)| soon(ticket.expires_at));
    leases.map(|(item, _)| item).chain(tickets.map(|(item, _)| item)).filter_map(ItemId::pull_request).collect()
}

fn is_due(lease: &Lease, limits: &Limits, now: Timestamp) -> bool {
    less_than_half(lease.expires_at, limits.default_ttl_seconds, now)
}

fn less_than_half(expires_at: Timestamp, ttl_seconds: u32, now: Timestamp) -> bool {
    expires_at.duration_since(now) < SignedDuration::from_secs(i64::from(ttl_seconds) / 2)
}

impl<R: WipRows, C: Pause> Limiter<R, C> {
    /// Brings the limits up to what a pull request is now.
    ///
    /// Idempotent: the host's present state decides, however often and in whatever order it is asked.
    ///
    /// # Errors
    /// Those of the host and of the table.
    pub async fn look_at_change<F: Forge>(
        &self,
        forge: &F,
        governance: &Governance,
        repository: &Repository,
        number: u64,
        cause: &CorrelationId,
    ) -> Result<Outcome, Fault> {
        let found = forge.pull_request(repository, number).await?;
        self.change_is(governance, repository, number, found.as_ref(), cause).await
    }

    /// Looks at every pull request that is open in the limited repositories, and at every other that stands in the rows: what no event
    /// told of is asked for here, or ends. A repository that cannot be read does not keep the others from being looked at.
    ///
    /// # Errors
    /// The first fault, after everything was tried.
    pub async fn look_at_all_changes<F: Forge>(
        &self,
        forge: &F,
        governance: &Governance,
        cause: &CorrelationId,
    ) -> Result<(), Fault> {
        let mut first = Ok(());
        let standing = standing(&self.view(None).await?.rows, self.now());
        for repository in repositories(governance) {
            let open = match forge.open_pull_requests(&repository).await {
                Ok(open) => open,
                Err(fault) => {
                    tracing::error!(repository = %repository.id, "{}", fault.chain());
                    first = first.and(Err(fault));
                    continue;
                }
            };
            // Those that stand in the rows and are not open make room first. The host is asked for each of them: the list may be of a
            // moment ago. Then the oldest first, so that those that nobody told us of stand in line as they came.
            let mut ended: BTreeSet<u64> =
                standing.iter().filter(|(id, _)| *id == repository.id).map(|(_, number)| *number).collect();
            for found in &open {
                ended.remove(&found.number);
            }
            for number in ended {
                let looked = self.look_at_change(forge, governance, &repository, number, cause).await;
                first = first.and(looked.map(drop));
            }
            for found in open {
                let looked = self.change_is(governance, &repository, found.number, Some(&found), cause).await;
                first = first.and(looked.map(drop));
            }
        }
        first
    }

    /// Looks again at the pull requests in these rows whose time runs out: an open one keeps its place, and its place in line.
    ///
    /// # Errors
    /// The first fault, after everything was tried.
    pub async fn look_at_due_changes<F: Forge>(
        &self,
        forge: &F,
        governance: &Governance,
        rows: &Rows,
        cause: &CorrelationId,
    ) -> Result<(), Fault> {
        let mut first = Ok(());
        for (id, number) in due(rows, &self.limits, self.now()) {
            // One of a repository that is limited no more is left to expire.
            let Some(repository) = repository(governance, id) else { continue };
            let looked = self.look_at_change(forge, governance, &repository, number, cause).await;
            first = first.and(looked.map(drop));
        }
        first
    }

    async fn change_is(
        &self,
        governance: &Governance,
        repository: &Repository,
        number: u64,
        found: Option<&PullRequest>,
        cause: &CorrelationId,
    ) -> Result<Outcome, Fault> {
        let item = ItemId::of_pull_request(repository.id, number);
        let outcome = match wanted(governance, repository, number, found) {
            Wanted::Unlimited => Outcome::Unlimited,
            Wanted::Place(work) => self.ask_and_keep(work, cause).await?.into(),
            Wanted::ItsTicket(work) if self.stands_in_line(&item).await? => {
                self.ask_and_keep(work, cause).await?.into()
            }
            Wanted::ItsTicket(_) | Wanted::NotYet => Outcome::Draft,
            Wanted::Nothing(work) => {
                self.end(&item, work, cause).await?;
                Outcome::Released
            }
            Wanted::Refused(refusal) => Outcome::Refused(refusal),
        };
        if let Outcome::Refused(refusal) = &outcome {
            self.refuse(repository, number, refusal, cause).await?;
        }
        Ok(outcome)
    }

    /// Asks, and moves the end of a lease that has less than half of its time left.
    async fn ask_and_keep(&self, work: Work, cause: &CorrelationId) -> Result<Answer, Fault> {
        let (item, holder) = (work.item.clone(), work.owner.clone());
        let answer = self.ask(work, holder, None, cause).await?;
        if let Answer::Held(lease) = &answer
            && is_due(lease, &self.limits, self.now())
        {
            // Whatever it answers, the next look finds the present state.
            self.renew(&item, lease.fence, None, |_| Ok(())).await?;
        }
        Ok(answer)
    }

    /// Whether the item has a lease or a ticket anywhere. All rows: it may stand where what it is now would not put it, as when the
    /// reviewer that it waited for was taken off.
    async fn stands_in_line(&self, item: &ItemId) -> Result<bool, Fault> {
        let rows = self.view(None).await?.rows;
        let now = self.now();
        let has = |row: &common::domain::wip::ScopeState| {
            row.lease(item, now).is_some() || row.tickets.get(item).is_some_and(|ticket| ticket.is_live(now))
        };
        Ok(rows.values().any(has))
    }

    /// Gives back whatever the item holds, and its place in line.
    async fn end(&self, item: &ItemId, work: Option<Work>, cause: &CorrelationId) -> Result<(), Fault> {
        let scopes = work
            .and_then(|work| Request::new(work.clone(), work.owner, None, &self.limits).ok())
            .map_or_else(|| BTreeSet::from([common::domain::wip::Scope::Portfolio]), |request| request.scopes);
        self.withdraw(item, &scopes, cause).await
    }
}
