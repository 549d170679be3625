//! Items that issues describe: made, put aside and brought back as the issue is now. An event only wakes; the sweep finds the same without one.

use std::collections::BTreeMap;

use common::{
    domain::{
        governance::{Identity, RepositoryEntry, RepositoryItems},
        id::{CorrelationId, ItemId, RepositoryId, RequestId},
        stage::{
            Destination, Dossier, Follow, IssueSeen, Item, Link, MoveRequest, Position, follow, owner_of, title_of,
        },
        wip::ItemType,
    },
    event::{Host, Repository},
    fault::Fault,
    ports::{IssueNow, ItemRows, Page, Patience, Pause, Sources, WipRows},
};

use crate::{
    moving::Hand,
    service::{Created, ItemGates, NewItem},
    telling,
    writing::Said,
};

/// How many items one read takes.
const PAGE: usize = 100;

/// Which issue.
type Which = (RepositoryId, u64);

impl<R: ItemRows + WipRows, C: Pause, H: Sources> ItemGates<R, C, H> {
    /// Looks at one issue, of a repository whose issues are items.
    ///
    /// # Errors
    /// `Retry` when the host or the table did not answer.
    pub(crate) async fn follow_issue(
        &self,
        repository: RepositoryId,
        number: u64,
        cause: &CorrelationId,
    ) -> Result<(), Fault> {
        let Some((entry, items)) = self.followed(repository) else { return Ok(()) };
        let linked = self.linked().await?.remove(&(repository, number));
        let host = named(repository, entry);
        let issue = self.host.issue(&host, number).await?;
        self.settle_issue(&host, items, number, issue.as_ref(), linked.as_ref(), cause).await
    }

    /// Looks at every issue that is an item or should be. What fails for one keeps no other from being looked at.
    ///
    /// # Errors
    /// The first fault, after everything was tried.
    pub(crate) async fn follow_all(&self, cause: &CorrelationId) -> Result<(), Fault> {
        let mut linked = self.linked().await?;
        let mut first = Ok(());
        for (repository, entry) in &self.governance.repositories.listed {
            let Some((_, items)) = self.followed(*repository) else { continue };
            let Some(label) = &items.label else { continue };
            let host = named(*repository, entry);
            let mut issues: BTreeMap<u64, Option<IssueNow>> = BTreeMap::new();
            match self.host.issues_labelled(&host, label).await {
                Ok(open) => issues.extend(open.into_iter().map(|issue| (issue.number, Some(issue)))),
                Err(fault) => {
                    tracing::error!(repository = %entry.name, fault = fault.chain(), "its issues could not be listed");
                    first = first.and(Err(fault));
                    continue;
                }
            }
            // One that is not listed matters to an item that is under way; what was put aside comes back when it is listed again.
            let others: Vec<u64> = linked
                .iter()
                .filter(|((owner, _), item)| owner == repository && matches!(item.position, Position::Active { .. }))
                .map(|((_, number), _)| *number)
                .collect();
            for number in others {
                if let std::collections::btree_map::Entry::Vacant(place) = issues.entry(number) {
                    match self.host.issue(&host, number).await {
                        Ok(issue) => drop(place.insert(issue)),
                        Err(fault) => first = first.and(Err(fault)),
                    }
                }
            }
            for (number, issue) in issues {
                let item = linked.remove(&(*repository, number));
                let done = self.settle_issue(&host, items, number, issue.as_ref(), item.as_ref(), cause).await;
                if let Err(fault) = done {
                    tracing::error!(repository = %entry.name, number, fault = fault.chain(), "this issue could not be followed");
                    first = first.and(Err(fault));
                }
            }
        }
        first
    }

    /// A repository whose issues are items.
    fn followed(&self, repository: RepositoryId) -> Option<(&RepositoryEntry, &RepositoryItems)> {
        let entry = self.governance.repositories.listed.get(&repository)?;
        entry.items.as_ref().filter(|items| items.label.is_some()).map(|items| (entry, items))
    }

    /// Every item that an issue describes, by the issue.
    async fn linked(&self) -> Result<BTreeMap<Which, Item>, Fault> {
        let mut found = BTreeMap::new();
        let mut after: Option<ItemId> = None;
        loop {
            // Rows that cannot be read are told by whoever keeps places; an issue of theirs makes no second item, because of the id.
            let Page { items, next, .. } = self.rows.items(after.as_ref(), PAGE).await?;
            for item in items {
                let which = item.link.as_ref().and_then(|link| Some((link.repository, link.issue?)));
                found.extend(which.map(|which| (which, item)));
            }
            after = next;
            if after.is_none() {
                return Ok(found);
            }
        }
    }

    async fn settle_issue(
        &self,
        host: &Repository,
        items: &RepositoryItems,
        number: u64,
        issue: Option<&IssueNow>,
        item: Option<&Item>,
        cause: &CorrelationId,
    ) -> Result<(), Fault> {
        let seen = issue.map(|issue| IssueSeen {
            open: issue.open,
            labelled: items.label.as_ref().is_some_and(|label| issue.labels.contains(label)),
            title: title_of(&issue.title),
        });
        match (follow(seen.as_ref(), item), issue, item) {
            (Follow::Make, Some(issue), _) => self.make_of(host, items, issue, cause).await,
            (Follow::Aside(why), _, Some(item)) => {
                self.by_issue(&item.id, Destination::Parked, Some(why), number, cause).await
            }
            (Follow::Resume, _, Some(item)) => {
                let to = Destination::Stage(item.position.stage().clone());
                self.by_issue(&item.id, to, None, number, cause).await
            }
            (Follow::Rename(title), _, Some(item)) => {
                let renamed = |dossier: &Dossier, _: &_, now| {
                    let mut after = dossier.clone();
                    after.item.title = title.clone();
                    after.item.updated_at = now;
                    after.item.version += 1;
                    let facts = [("issue", number.to_string()), ("title", title.clone())];
                    let entry = telling::entry(&item.id, "item.rename", facts, cause, now);
                    Ok::<_, ()>(Said { after, entry, events: Vec::new() })
                };
                self.write(&item.id, cause, renamed).await.map(drop)
            }
            _ => Ok(()),
        }
    }

    async fn make_of(
        &self,
        host: &Repository,
        items: &RepositoryItems,
        issue: &IssueNow,
        cause: &CorrelationId,
    ) -> Result<(), Fault> {
        // Whoever labels issues may not use up what somebody of another pod may own.
        let people = &self.governance.people;
        let theirs = |id| people.who(&Identity::GitHub(id)).filter(|(name, _)| people.in_pod(name, &items.pod));
        let who = |id| theirs(id).map(|(name, _)| name.clone());
        let Some(owner) = owner_of(issue.assignees.iter().copied(), issue.author, who) else {
            tracing::warn!(repository = %host.name, number = issue.number, "this issue becomes no item: it is assigned to nobody of the pod, and nobody of it wrote it");
            return Ok(());
        };
        let id = ItemId::of_issue(host.id, issue.number);
        let new = NewItem {
            id: id.clone(),
            title: title_of(&issue.title),
            item_type: ItemType::Issue,
            pod: items.pod.clone(),
            owner: owner.clone(),
            pipeline: items.pipeline.clone(),
        };
        let link = Link { repository: host.id, issue: Some(issue.number), change: None, aside: false };
        match self.create_linked(&new, Some(link), &owner, cause).await? {
            Created::New(_) | Created::Same(_) => {}
            Created::Waits(_) => tracing::info!(item = %id, "the item of this issue waits for a place"),
            Created::Another | Created::HeldOtherwise { .. } | Created::NoRule(_) => {
                tracing::warn!(item = %id, "this issue becomes no item: its id or its place is another's, or there is no rule for it");
            }
        }
        Ok(())
    }

    /// Moves an item because of its issue, and remembers that it did.
    async fn by_issue(
        &self,
        id: &ItemId,
        to: Destination,
        why: Option<&str>,
        number: u64,
        cause: &CorrelationId,
    ) -> Result<(), Fault> {
        let mut patience = Patience::new(&self.clock);
        loop {
            let Some(dossier) = self.rows.item(id, None).await?.dossier else { return Ok(()) };
            let pipeline = self.pipeline(&dossier.item.pipeline);
            if dossier.item.step_to(&to, &pipeline).is_err() {
                // Somebody moved it since it was listed: the next look finds what is to be done.
                return Ok(());
            }
            let item = &dossier.item;
            let name = format!("issue:{number}:{}", item.version);
            let request = MoveRequest {
                request_id: name
                    .parse::<RequestId>()
                    .map_err(|error| Fault::bug_from("naming an issue's move", error))?,
                from: item.position.stage().clone(),
                to: to.clone(),
                requested_by: item.owner.clone(),
                unproven: false,
                reason: why.map(|why| format!("{why} (issue {number})")),
                version: None,
            };
            if self.moved_by(&dossier, &pipeline, &request, Hand::Issue, Vec::new(), cause).await? {
                return Ok(());
            }
            self.again(&mut patience, "moving", id).await?;
        }
    }
}

pub(crate) fn named(id: RepositoryId, entry: &RepositoryEntry) -> Repository {
    Repository { host: Host::Github, id, name: entry.name.clone() }
}
