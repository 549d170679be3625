//! What keeps items, as people say it: opened, resolved, put off.

use common::{
    domain::{
        id::{BlockerId, CorrelationId, ItemId, PersonName},
        stage::{Dossier, Item, NewBlocker, NotBlocked},
    },
    event::{Event, ItemBlocked, ItemUnblocked},
    fault::Fault,
    ports::{ItemRows, Pause, Sources, WipRows},
};
use jiff::Timestamp;

use crate::{
    service::ItemGates,
    telling,
    writing::{Said, Written},
};

/// What somebody says of a blocker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Blocking {
    /// It is there.
    Open(NewBlocker),
    /// It is gone.
    Resolve(BlockerId),
    /// They have seen it, and want to hear of it later.
    Snooze(BlockerId, Timestamp),
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Blocked {
    /// It is written.
    Taken(Box<Dossier>),
    /// It was so already: nothing changed.
    Same(Box<Dossier>),
    /// There is no such item.
    NoItem,
    /// Whoever says it may not; why.
    Forbidden(String),
    /// Not so; why.
    Not(NotBlocked),
}

impl Blocking {
    /// Which blocker it is about.
    pub fn blocker(&self) -> &BlockerId {
        match self {
            Self::Open(new) => &new.id,
            Self::Resolve(id) | Self::Snooze(id, _) => id,
        }
    }

    fn on(&self, dossier: &Dossier, by: &PersonName, now: Timestamp) -> Result<Dossier, NotBlocked> {
        match self {
            Self::Open(new) => dossier.blocked(new, now),
            Self::Resolve(id) => dossier.unblocked(id, now),
            Self::Snooze(id, until) => dossier.snoozed(id, by, *until, now),
        }
    }

    fn event(&self, after: &Dossier, by: &PersonName) -> Option<Event> {
        let (item, by) = (after.item.id.clone(), by.clone());
        match self {
            Self::Open(NewBlocker { id, text, cause }) => {
                let (blocker, text, cause) = (id.clone(), text.clone(), cause.clone());
                Some(Event::ItemBlocked(ItemBlocked { item, blocker, text, cause, by }))
            }
            Self::Resolve(blocker) => Some(Event::ItemUnblocked(ItemUnblocked {
                item,
                blocker: blocker.clone(),
                by,
                pod: Some(after.item.pod.clone()),
                others: Some(after.open_blockers().count()),
            })),
            Self::Snooze(..) => None,
        }
    }
}

impl<R: ItemRows + WipRows, C: Pause, H: Sources> ItemGates<R, C, H> {
    /// Takes what somebody says of a blocker, from whoever is allowed to say it.
    ///
    /// Idempotent by item and blocker: what is so already is not written again.
    ///
    /// # Errors
    /// `Retry` when the outcome is not known: asking again finds it out.
    pub async fn block(
        &self,
        id: &ItemId,
        what: &Blocking,
        by: &PersonName,
        allowed: impl Fn(&Item) -> Result<(), String> + Send + Sync,
        cause: &CorrelationId,
    ) -> Result<Blocked, Fault> {
        let written = self
            .write(id, cause, |dossier, _, now| {
                allowed(&dossier.item).map_err(Blocked::Forbidden)?;
                let after = what.on(dossier, by, now).map_err(|not| match not {
                    NotBlocked::Same => Blocked::Same(Box::new(dossier.clone())),
                    not => Blocked::Not(not),
                })?;
                let version = after.item.version.to_string();
                let event = |event| telling::envelope(id, event, &[what.blocker().as_str(), &version], cause, now);
                let events = what.event(&after, by).map(event).into_iter().collect();
                let (action, more) = match what {
                    Blocking::Open(new) => ("item.block", new.text.clone()),
                    Blocking::Resolve(_) => ("item.unblock", String::new()),
                    Blocking::Snooze(_, until) => ("item.snooze", until.to_string()),
                };
                let facts = [("by", by.to_string()), ("blocker", what.blocker().to_string()), ("what", more)];
                let entry = telling::entry(id, action, facts, cause, now);
                Ok(Said { after, entry, events })
            })
            .await?;
        Ok(match written {
            Written::Done(after) => Blocked::Taken(after),
            Written::Not(answer) => answer,
            Written::NoItem => Blocked::NoItem,
        })
    }
}
