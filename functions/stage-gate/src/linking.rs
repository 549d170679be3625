//! Where an item lives on a source host: said by whoever does its work, of a repository where items of its pod may live.

use common::{
    domain::{
        id::{CorrelationId, ItemId, PersonName},
        stage::{Dossier, Item, Link},
        wip::vet::Misfit,
    },
    fault::Fault,
    ports::{ItemRows, Pause, Sources, WipRows},
};

use crate::{
    service::ItemGates,
    telling,
    writing::{Said, Written},
};

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Linked {
    /// It lives there now.
    Done(Box<Dossier>),
    /// It did already.
    Same(Box<Dossier>),
    /// There is no such item.
    NoItem,
    /// Whoever says it may not; why.
    Forbidden(String),
    /// It may not live there.
    Misfit(Misfit),
}

impl<R: ItemRows + WipRows, C: Pause, H: Sources> ItemGates<R, C, H> {
    /// Says where an item lives.
    ///
    /// # Errors
    /// `Retry` when the outcome is not known: asking again finds it out.
    pub async fn link(
        &self,
        id: &ItemId,
        link: &Link,
        by: &PersonName,
        allowed: impl Fn(&Item) -> Result<(), String> + Send + Sync,
        cause: &CorrelationId,
    ) -> Result<Linked, Fault> {
        let written = self
            .write(id, cause, |dossier, _, now| {
                let item = &dossier.item;
                allowed(item).map_err(Linked::Forbidden)?;
                if self.governance.repositories.home(&item.pod, link.repository).is_none() {
                    let misfit = Misfit {
                        field: "repository".to_owned(),
                        found: link.repository.to_string(),
                        expected: format!("a repository with items: {{pod: {}}} in repositories.yaml", item.pod),
                        nearest: None,
                    };
                    return Err(Linked::Misfit(misfit));
                }
                if item.link.as_ref() == Some(link) {
                    return Err(Linked::Same(Box::new(dossier.clone())));
                }
                let number = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
                let facts = [
                    ("by", by.to_string()),
                    ("repository", link.repository.to_string()),
                    ("issue", number(link.issue)),
                    ("change", number(link.change)),
                ];
                let entry = telling::entry(id, "item.link", facts, cause, now);
                let mut after = dossier.clone();
                after.item.link = Some(link.clone());
                after.item.updated_at = now;
                after.item.version += 1;
                Ok(Said { after, entry, events: Vec::new() })
            })
            .await?;
        Ok(match written {
            Written::Done(after) => Linked::Done(after),
            Written::Not(answer) => answer,
            Written::NoItem => Linked::NoItem,
        })
    }
}
