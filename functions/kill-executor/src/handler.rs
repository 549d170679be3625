//! Load, archive, commit.

use std::collections::BTreeMap;

use common::{
    domain::{
        audit::{Draft, Phase},
        governance::Repositories,
        id::{CommitSha, CorrelationId, ItemId},
        stage::{Archived, Dossier, Item, Position},
    },
    event::{Envelope, Event, Repository},
    fault::Fault,
    ports::{Archive, Clock, ItemChange, ItemCommitted, ItemRows, Sources},
};

use crate::postmortem::postmortem;

#[cfg(test)]
mod tests;

/// The function, over what it reads and writes.
pub struct KillExecutor<R, H, C> {
    /// The items' rows.
    pub rows: R,
    /// Where items live.
    pub host: H,
    /// Now.
    pub clock: C,
    /// Whose items may live where.
    pub repositories: Repositories,
}

impl<R: ItemRows, H: Archive + Sources, C: Clock> KillExecutor<R, H, C> {
    /// Handles one event.
    ///
    /// # Errors
    /// `Retry` when the host or the table did not answer; `Bug` for an event that this function has no rule for.
    pub async fn event(&self, event: &Envelope) -> Result<(), Fault> {
        let Event::ItemKilled(killed) = &event.event else {
            return Err(Fault::bug(format!(
                "kill-executor was sent {}: its rules are wrong",
                event.event.kind().name()
            )));
        };
        let Some(dossier) = self.rows.item(&killed.item, None).await?.dossier else {
            return Err(Fault::reject(format!("there is no item {}", killed.item)));
        };
        // The row decides, not the event: whoever may put events on the bus ends nothing by that.
        if !matches!(dossier.item.position, Position::Killed { .. }) || dossier.item.archived.is_some() {
            return Ok(());
        }
        let archived = self.archive(&dossier).await?;
        self.commit(dossier, archived, &event.meta.correlation_id).await
    }

    async fn archive(&self, dossier: &Dossier) -> Result<Archived, Fault> {
        let item = &dossier.item;
        let Some(repository) = self.home(item) else { return Ok(Archived::default()) };
        let Some(commit) = self.last_commit(item, &repository).await? else { return Ok(Archived::default()) };
        let date = item.since.strftime("%Y-%m-%d");
        let name = reference_name(&item.id);
        let (branch, tag) = (format!("archive/{name}-{date}"), format!("killed/{name}"));
        let with_branch = self.host.keep(&repository, &format!("heads/{branch}"), &commit).await?;
        let with_tag = self.host.keep(&repository, &format!("tags/{tag}"), &commit).await?;
        let postmortem = self.host.open_issue(&repository, &postmortem(dossier, &branch, &tag)).await?;
        // What the host cannot keep is not said to be kept.
        Ok(Archived { branch: with_branch.then_some(branch), tag: with_tag.then_some(tag), postmortem })
    }

    fn home(&self, item: &Item) -> Option<Repository> {
        let link = item.link.as_ref()?;
        let entry = self.repositories.home(&item.pod, link.repository)?;
        Some(Repository::new(link.repository, entry.name.clone()))
    }

    /// The head of the pull request that brought it, open or not; without one, that of the default branch.
    async fn last_commit(&self, item: &Item, repository: &Repository) -> Result<Option<CommitSha>, Fault> {
        if let Some(number) = item.link.as_ref().and_then(|link| link.change)
            && let Some(change) = self.host.pull_request(repository, number).await?
        {
            return Ok(Some(change.head));
        }
        let Some(entry) = self.repositories.home(&item.pod, repository.id) else { return Ok(None) };
        self.host.branch_head(repository, &entry.default_branch).await
    }

    async fn commit(&self, before: Dossier, archived: Archived, cause: &CorrelationId) -> Result<(), Fault> {
        let (id, seen, now) = (before.item.id.clone(), before.item.version, self.clock.now_to_the_microsecond());
        let words = |text: &Option<String>| text.clone().unwrap_or_else(|| "nothing".to_owned());
        let issue = archived.postmortem.map_or_else(|| "nothing".to_owned(), |number| number.to_string());
        let facts = [("branch", words(&archived.branch)), ("tag", words(&archived.tag)), ("postmortem", issue)];
        let entry = Draft {
            subject: format!("item:{id}"),
            at: now,
            actor: "kill-executor".to_owned(),
            action: "item.archive".to_owned(),
            phase: Phase::Outcome,
            correlation_id: cause.clone(),
            facts: BTreeMap::from(facts.map(|(name, value)| (name.to_owned(), value))),
            reasons: Vec::new(),
        };
        let mut after = before;
        after.item.archived = Some(archived);
        after.item.version += 1;
        let change = ItemChange {
            item: id.clone(),
            dossier: Some((seen, after)),
            answered: None,
            writes: BTreeMap::new(),
            events: Vec::new(),
            entry,
        };
        match self.rows.commit_item(&change, now).await? {
            ItemCommitted::Done => Ok(()),
            ItemCommitted::Lost => Err(Fault::retry(format!("writing that {id} is archived: somebody else wrote it"))),
        }
    }
}

/// An item's id as a part of a reference's name, which may not have every dot that an id may have (git-check-ref-format). No id has a
/// comma, so no two items have the same.
fn reference_name(id: &ItemId) -> String {
    id.as_str().replace('.', ",")
}
