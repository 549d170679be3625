//! Items that issues and pull requests are: made, put aside and brought back as those are now. An event only wakes; the sweep finds the same
//! without one.

use std::collections::BTreeMap;

use common::{
    domain::{
        governance::{Identity, RepositoryEntry, RepositoryItems},
        id::{CorrelationId, ItemId, RepositoryId, RequestId},
        stage::{
            Destination, Dossier, Follow, IssueSeen, Item, Link, MoveRequest, Position, Spoken, Suggestion, follow,
            owner_of, suggest, title_of,
        },
        wip::ItemType,
    },
    event::Repository,
    fault::Fault,
    ports::{IssueNow, ItemRows, Page, Patience, Pause, Sources, WipRows},
};

use crate::{
    moving::Hand,
    service::{Created, ItemGates, NewItem, Origin},
    telling,
    writing::Said,
};

/// How many items one read takes.
const PAGE: usize = 100;

/// Which issue or pull request: they share their numbers.
type Which = (RepositoryId, u64);

impl<R: ItemRows + WipRows, C: Pause, H: Sources> ItemGates<R, C, H> {
    /// Looks at one issue or pull request, of a repository where those with a label are items.
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

    /// Every item that an issue or a pull request is, by that.
    async fn linked(&self) -> Result<BTreeMap<Which, Item>, Fault> {
        let which =
            |item: &Item| item.link.as_ref().and_then(|link| Some((link.repository, link.origin(item.item_type)?)));
        Ok(self.with_link().await?.into_iter().filter_map(|item| which(&item).map(|which| (which, item))).collect())
    }

    /// Every item that lives on a source host.
    pub(crate) async fn with_link(&self) -> Result<Vec<Item>, Fault> {
        let mut found = Vec::new();
        let mut after: Option<ItemId> = None;
        loop {
            // Rows that cannot be read are told by whoever keeps places; an issue of theirs makes no second item, because of the id.
            let Page { items, next, .. } = self.rows.items(after.as_ref(), PAGE).await?;
            found.extend(items.into_iter().filter(|item| item.link.is_some()));
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
        let seen = match issue {
            Some(issue) => Some(self.seen(host, items, issue, item).await?),
            None => None,
        };
        let suggested = seen.as_ref().and_then(|seen| seen.suggested.clone());
        match (follow(seen.as_ref(), item), issue, item) {
            (Follow::Make, Some(issue), _) => self.make_of(host, items, (issue, suggested), cause).await,
            (Follow::Aside(why), _, Some(item)) => {
                self.by_issue(&item.id, Destination::Parked, Some(&why), number, cause).await
            }
            (Follow::Resume, _, Some(item)) => {
                let to = Destination::Stage(item.position.stage().clone());
                self.by_issue(&item.id, to, None, number, cause).await
            }
            (Follow::Learn(title, suggested), _, Some(item)) => {
                let learnt = |dossier: &Dossier, _: &_, now| {
                    let mut after = dossier.clone();
                    after.item.title = title.clone();
                    after.item.suggested = suggested.clone();
                    // A label is nobody's work on the item: it keeps no kill rule from finding that it stands still.
                    if dossier.item.title != title {
                        after.item.updated_at = now;
                    }
                    after.item.version += 1;
                    let stage = suggested.as_ref().map(|found| found.stage.to_string()).unwrap_or_default();
                    let facts = [("issue", number.to_string()), ("title", title.clone()), ("suggested", stage)];
                    let entry = telling::entry(&item.id, "item.follow", facts, cause, now);
                    Ok::<_, ()>(Said { after, entry, events: Vec::new() })
                };
                self.write(&item.id, cause, learnt).await.map(drop)
            }
            _ => Ok(()),
        }
    }

    /// An issue or a pull request as it matters to its item.
    async fn seen(
        &self,
        host: &Repository,
        items: &RepositoryItems,
        issue: &IssueNow,
        item: Option<&Item>,
    ) -> Result<IssueSeen, Fault> {
        let labelled = items.label.as_ref().is_some_and(|label| issue.labels.contains(label));
        // What is no item and becomes none is asked for nothing more.
        let branch = match issue.change && (labelled || item.is_some()) {
            true => self.host.pull_request(host, issue.number).await?.map(|change| change.head_branch),
            false => None,
        };
        let title = title_of(&issue.title);
        let labels = issue.labels.iter().map(String::as_str).collect();
        let spoken = Spoken { labels, branch: branch.as_deref(), title: &title };
        let suggested = suggest(&self.pipeline(item.map_or(&items.pipeline, |item| &item.pipeline)), &spoken);
        let what = if issue.change { "pull request" } else { "issue" };
        Ok(IssueSeen { open: issue.open, merged: issue.merged, labelled, what, title, suggested })
    }

    async fn make_of(
        &self,
        host: &Repository,
        items: &RepositoryItems,
        (issue, suggested): (&IssueNow, Option<Suggestion>),
        cause: &CorrelationId,
    ) -> Result<(), Fault> {
        // Whoever labels issues may not use up what somebody of another pod may own.
        let people = &self.governance.people;
        let theirs = |id| people.who(&Identity::GitHub(id)).filter(|(name, _)| people.in_pod(name, &items.pod));
        let who = |id| theirs(id).map(|(name, _)| name.clone());
        let Some(owner) = owner_of(issue.assignees.iter().copied(), issue.author, who) else {
            tracing::warn!(repository = %host.name, number = issue.number, "this becomes no item: it is assigned to nobody of the pod, and nobody of it wrote it");
            return Ok(());
        };
        let (id, item_type) = match issue.change {
            true => (ItemId::of_change(host.id, issue.number), ItemType::PullRequest),
            false => (ItemId::of_issue(host.id, issue.number), ItemType::Issue),
        };
        let counts = self.governance.repositories.listed.get(&host.id).is_some_and(|entry| entry.wip.is_some());
        if issue.change && counts {
            tracing::info!(item = %id, "this pull request becomes no item: repositories.yaml counts it as work by itself (wip)");
            return Ok(());
        }
        let new = NewItem {
            id: id.clone(),
            title: title_of(&issue.title),
            item_type,
            pod: items.pod.clone(),
            owner: owner.clone(),
            pipeline: items.pipeline.clone(),
        };
        let (of_issue, change) = if issue.change { (None, Some(issue.number)) } else { (Some(issue.number), None) };
        let link = Some(Link { repository: host.id, issue: of_issue, change, aside: false });
        match self.create_linked(&new, Origin { link, suggested }, &owner, cause).await? {
            Created::New(_) | Created::Same(_) => {}
            Created::Waits(_) => tracing::info!(item = %id, "this item waits for a place"),
            Created::Another | Created::HeldOtherwise { .. } | Created::NoRule(_) => {
                tracing::warn!(item = %id, "this becomes no item: its id or its place is another's, or there is no rule for it");
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
                reason: why.map(|why| format!("{why} (number {number})")),
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
    Repository::new(id, entry.name.clone())
}
