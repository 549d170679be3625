//! Reading, at the moment of a decision, what a source host says of an item: the commit that it is about, and evidence for it. What was
//! read before counts for nothing, and nothing of a request or an event is taken for it.

use std::collections::BTreeMap;

use common::{
    domain::{
        id::{CommitSha, CriterionKey},
        stage::{
            CheckSeen, Dossier, Evidence, Item, Link, Source, Wanted, criterion_of, directory, from_change,
            from_checks, from_file, from_idea, wanted, worse,
        },
    },
    event::Repository,
    fault::Fault,
    ports::{ItemRows, Pause, PullRequest, Sources, TreeEntry, WipRows},
};

use crate::{following::named, service::ItemGates};

/// The most bytes of a file that is evidence. A longer one is not read, and proves nothing.
const MOST: u64 = 256 * 1024;

/// Where an item is now.
struct Present {
    repository: Repository,
    change: Option<PullRequest>,
    default_branch: common::domain::id::BranchName,
    head: CommitSha,
}

impl<R: ItemRows + WipRows, C: Pause, H: Sources> ItemGates<R, C, H> {
    /// The item as its source host says that it is now. One that is linked to nothing is as it was.
    ///
    /// # Errors
    /// Those of the host: nothing is decided over what could not be read.
    pub(crate) async fn as_it_is(&self, dossier: Dossier) -> Result<Dossier, Fault> {
        let pipeline = self.pipeline(&dossier.item.pipeline);
        let wanted = wanted(&pipeline, dossier.item.position.stage());
        let mut sourced = self.in_the_ledger(&dossier.item, &wanted).await?;
        let Some(link) = dossier.item.link.clone() else {
            return Ok(dossier.with_sourced(None, sourced, self.now()));
        };
        let Some(present) = self.present(&dossier.item, &link).await? else {
            return Ok(dossier.with_sourced(None, sourced, self.now()));
        };
        for (key, evidence) in self.evidence(&dossier.item, &present, &link, &wanted).await? {
            // What a source at the item's commit says stands before what the ledger says of the item as a whole.
            sourced.insert(key, evidence);
        }
        Ok(dossier.with_sourced(Some(present.head), sourced, self.now()))
    }

    /// What the idea ledger says of an item. Nothing is read where no criterion asks it.
    async fn in_the_ledger(&self, item: &Item, wanted: &[Wanted]) -> Result<BTreeMap<CriterionKey, Evidence>, Fault> {
        let asked: Vec<&Wanted> = wanted.iter().filter(|one| one.sources.contains(&Source::IdeaLedger)).collect();
        if asked.is_empty() {
            return Ok(BTreeMap::new());
        }
        let Some(idea) = self.rows.idea(&item.id).await? else { return Ok(BTreeMap::new()) };
        Ok(asked.into_iter().filter_map(|one| Some((one.key.clone(), from_idea(one, &idea)?))).collect())
    }

    /// The commit that an item is about now.
    ///
    /// # Errors
    /// Those of the host.
    pub(crate) async fn at_its_head(&self, mut dossier: Dossier) -> Result<Dossier, Fault> {
        let Some(link) = dossier.item.link.clone() else { return Ok(dossier) };
        dossier.item.head = self.present(&dossier.item, &link).await?.map(|present| present.head);
        Ok(dossier)
    }

    async fn present(&self, item: &Item, link: &Link) -> Result<Option<Present>, Fault> {
        let Some(entry) = self.governance.repositories.home(&item.pod, link.repository) else {
            tracing::warn!(item = %item.id, repository = %link.repository, "repositories.yaml gives this pod's items no home there: nothing is evidence");
            return Ok(None);
        };
        let repository = named(link.repository, entry);
        let change = match link.change {
            Some(number) => self.host.pull_request(&repository, number).await?,
            None => None,
        };
        let default_branch = entry.default_branch.clone();
        let head = match change.as_ref().filter(|change| change.open) {
            Some(change) => Some(change.head.clone()),
            None => self.host.branch_head(&repository, &default_branch).await?,
        };
        Ok(head.map(|head| Present { repository, change, default_branch, head }))
    }

    async fn evidence(
        &self,
        item: &Item,
        present: &Present,
        link: &Link,
        wanted: &[Wanted],
    ) -> Result<BTreeMap<CriterionKey, Evidence>, Fault> {
        let any = |source| wanted.iter().any(|one| one.sources.contains(&source));
        let Present { repository, head, .. } = present;
        let checks: Vec<CheckSeen> =
            if any(Source::CheckRun) { self.host.check_runs(repository, head).await? } else { Vec::new() };
        let files: Vec<TreeEntry> = if any(Source::Artifact) {
            self.host.files_below(repository, head, &directory(&item.id)).await?
        } else {
            Vec::new()
        };
        let mut found = BTreeMap::new();
        for one in wanted {
            let mut says: Vec<Evidence> = Vec::new();
            if one.sources.contains(&Source::CheckRun) {
                says.extend(from_checks(one, &checks, head));
            }
            if one.sources.contains(&Source::Artifact) {
                let named = files.iter().filter(|file| criterion_of(&file.path, &item.id).as_ref() == Some(&one.key));
                for file in named {
                    if file.size > MOST {
                        tracing::warn!(item = %item.id, key = %one.key, size = file.size, "this file is too long to be evidence");
                        continue;
                    }
                    let content = self.host.blob(repository, &file.blob).await?;
                    says.push(from_file(one, &content, head, self.now()));
                }
            }
            if one.sources.contains(&Source::MergedPullRequest)
                && let (Some(number), Some(change)) = (link.change, &present.change)
            {
                let merged = change.merged && change.base_branch == present.default_branch;
                says.push(from_change(repository.id, number, merged, head, self.now()));
            }
            // One source is enough where a criterion allows several; of two that both say something the worse counts.
            if let Some(evidence) = says.into_iter().reduce(|first, other| worse(one, first, other)) {
                found.insert(one.key.clone(), evidence);
            }
        }
        Ok(found)
    }
}
