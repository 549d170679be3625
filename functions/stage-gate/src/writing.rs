//! Writing what people say of an item, where no place changes with it: load, let it be decided, commit; again while others were faster.

use common::{
    domain::{
        audit::Draft,
        id::{CorrelationId, ItemId},
        stage::{Dossier, StagePipeline},
    },
    event::Envelope,
    fault::Fault,
    ports::{ItemChange, ItemRows, Patience, Pause, Sources, WipRows},
};
use jiff::Timestamp;

use crate::service::ItemGates;

/// What is to be written.
#[derive(Debug)]
pub struct Said {
    /// The item as it shall be.
    pub after: Dossier,
    /// The entry in its chain.
    pub entry: Draft,
    /// What to tell the bus.
    pub events: Vec<Envelope>,
}

/// Over what something is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// The item as it is kept: what is said of it is said of no commit.
    AsKept,
    /// The item with the commit that it is about now.
    AtItsHead,
}

/// How it ended.
#[derive(Debug)]
pub enum Written<A> {
    /// It is written: the item as it is now.
    Done(Box<Dossier>),
    /// Nothing is to be written; why.
    Not(A),
    /// There is no such item.
    NoItem,
}

impl<R: ItemRows + WipRows, C: Pause, H: Sources> ItemGates<R, C, H> {
    /// Lets `decide` say what becomes of an item, and writes it.
    ///
    /// # Errors
    /// `Retry` when the outcome is not known: asking again finds it out.
    pub(crate) async fn write<A>(
        &self,
        id: &ItemId,
        cause: &CorrelationId,
        decide: impl Fn(&Dossier, &StagePipeline, Timestamp) -> Result<Said, A>,
    ) -> Result<Written<A>, Fault> {
        self.write_as(Seen::AsKept, id, cause, decide).await
    }

    /// The same, over the item as `seen` says.
    ///
    /// # Errors
    /// As [`write`](Self::write), and those of the source host.
    pub(crate) async fn write_as<A>(
        &self,
        seen: Seen,
        id: &ItemId,
        cause: &CorrelationId,
        decide: impl Fn(&Dossier, &StagePipeline, Timestamp) -> Result<Said, A>,
    ) -> Result<Written<A>, Fault> {
        let mut patience = Patience::new(&self.clock);
        loop {
            let Some(before) = self.rows.item(id, None).await?.dossier else { return Ok(Written::NoItem) };
            let before = match seen {
                Seen::AsKept => before,
                Seen::AtItsHead => self.at_its_head(before).await?,
            };
            let now = self.now();
            let Said { after, entry, events } = match decide(&before, &self.pipeline(&before.item.pipeline), now) {
                Ok(said) => said,
                Err(answer) => return Ok(Written::Not(answer)),
            };
            let change = ItemChange {
                item: id.clone(),
                dossier: Some((before.item.version, after.clone())),
                answered: None,
                writes: [].into(),
                events,
                entry,
            };
            if self.commit(&change, &self.nothing_of_places(now), cause).await? {
                return Ok(Written::Done(Box::new(after)));
            }
            self.again(&mut patience, "writing what was said for", id).await?;
        }
    }
}
