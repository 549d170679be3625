//! What keeps an item from going on, as people say it: they open a blocker and resolve it, and who has seen it may put it off until a
//! moment. A blocker closes no gate; it makes the item's age visible, and reaches those who can help (`domain::rhythm`).

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::{dossier::Dossier, item::Position};
use crate::domain::{
    id::{BlockerId, ItemId, PersonName},
    rhythm::{Blocker, Cause, PATTERN_DAYS, Snooze},
};

/// The most blockers of one item that are open at a time.
const MOST_OPEN: usize = 20;

/// The most that one item remembers, the open ones among them.
const MOST_KEPT: usize = 60;

/// The longest that a blocker may be put off, in days.
const MOST_SNOOZE_DAYS: i64 = 14;

/// A blocker that somebody opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBlocker {
    /// Which: unique in its item, and given by who opens it, so that asking again opens no second one.
    pub id: BlockerId,
    /// What it is, in words.
    pub text: String,
    /// What it waits for.
    pub cause: Cause,
}

/// Why a blocker is not opened, resolved or put off.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotBlocked {
    /// It is so already: nothing is to be written.
    #[error("it is so already")]
    Same,
    /// There is another of this id.
    #[error("{item} has another blocker {blocker}: use another id")]
    Another {
        /// The item.
        item: ItemId,
        /// The id.
        blocker: BlockerId,
    },
    /// The item has ended.
    #[error("{0} has ended: nothing blocks it any more")]
    Ended(ItemId),
    /// An item does not wait for itself.
    #[error("{0} cannot wait for itself: name what it waits for")]
    Itself(ItemId),
    /// Too many.
    #[error("{0} has {MOST_OPEN} open blockers: resolve one before you open another")]
    TooMany(ItemId),
    /// There is none of this id.
    #[error("{item} has no blocker {blocker}")]
    None {
        /// The item.
        item: ItemId,
        /// The id.
        blocker: BlockerId,
    },
    /// It was resolved.
    #[error("{blocker} is resolved: there is nothing to put off")]
    Resolved {
        /// The id.
        blocker: BlockerId,
    },
    /// It ends before it begins, or too late.
    #[error("a blocker is put off until a moment in the next {MOST_SNOOZE_DAYS} days")]
    NoEnd,
}

impl Dossier {
    /// With a blocker that begins now.
    ///
    /// # Errors
    /// Why not; [`NotBlocked::Same`] when this very one is open.
    pub fn blocked(&self, new: &NewBlocker, now: Timestamp) -> Result<Self, NotBlocked> {
        let item = &self.item;
        if let Position::Killed { .. } = item.position {
            return Err(NotBlocked::Ended(item.id.clone()));
        }
        if new.cause == Cause::Item(item.id.clone()) {
            return Err(NotBlocked::Itself(item.id.clone()));
        }
        if let Some(there) = self.blockers.get(&new.id) {
            let same = there.resolved_at.is_none() && there.text == new.text && there.cause == new.cause;
            let another = || NotBlocked::Another { item: item.id.clone(), blocker: new.id.clone() };
            return Err(if same { NotBlocked::Same } else { another() });
        }
        if self.open_blockers().count() >= MOST_OPEN {
            return Err(NotBlocked::TooMany(item.id.clone()));
        }
        let blocker = Blocker {
            id: new.id.clone(),
            item: item.id.clone(),
            pod: item.pod.clone(),
            owner: item.owner.clone(),
            text: new.text.clone(),
            cause: new.cause.clone(),
            opened_at: now,
            resolved_at: None,
            snooze: None,
            told: [].into(),
        };
        Ok(self.with(blocker, now))
    }

    /// With a blocker resolved.
    ///
    /// # Errors
    /// Why not; [`NotBlocked::Same`] when it was.
    pub fn unblocked(&self, id: &BlockerId, now: Timestamp) -> Result<Self, NotBlocked> {
        let there = self.blocker(id)?;
        if there.resolved_at.is_some() {
            return Err(NotBlocked::Same);
        }
        Ok(self.with(Blocker { resolved_at: Some(now), ..there.clone() }, now))
    }

    /// With a blocker that somebody has seen, and wants to hear of later.
    ///
    /// # Errors
    /// Why not; [`NotBlocked::Same`] when they said so already.
    pub fn snoozed(
        &self,
        id: &BlockerId,
        by: &PersonName,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Self, NotBlocked> {
        let there = self.blocker(id)?;
        if there.resolved_at.is_some() {
            return Err(NotBlocked::Resolved { blocker: id.clone() });
        }
        let snooze = Snooze { by: by.clone(), until };
        if there.snooze.as_ref() == Some(&snooze) {
            return Err(NotBlocked::Same);
        }
        let last = now.saturating_add(SignedDuration::from_hours(24 * MOST_SNOOZE_DAYS)).unwrap_or(Timestamp::MAX);
        if until <= now || until > last {
            return Err(NotBlocked::NoEnd);
        }
        Ok(self.with(Blocker { snooze: Some(snooze), ..there.clone() }, now))
    }

    /// Those that are open.
    pub fn open_blockers(&self) -> impl Iterator<Item = &Blocker> {
        self.blockers.values().filter(|blocker| blocker.resolved_at.is_none())
    }

    fn blocker(&self, id: &BlockerId) -> Result<&Blocker, NotBlocked> {
        let none = || NotBlocked::None { item: self.item.id.clone(), blocker: id.clone() };
        self.blockers.get(id).ok_or_else(none)
    }

    /// With this blocker in the place of the one of its id. What was resolved and makes no pattern any more is forgotten.
    fn with(&self, blocker: Blocker, now: Timestamp) -> Self {
        let mut after = self.clone();
        after.blockers.insert(blocker.id.clone(), blocker);
        let since = now.saturating_sub(SignedDuration::from_hours(24 * PATTERN_DAYS)).unwrap_or(Timestamp::MIN);
        after.blockers.retain(|_, blocker| blocker.resolved_at.is_none_or(|at| at >= since));
        let resolved = after.blockers.values().filter_map(|one| one.resolved_at.map(|at| (at, one.id.clone())));
        let oldest: BTreeSet<(Timestamp, BlockerId)> = resolved.collect();
        let over = after.blockers.len().saturating_sub(MOST_KEPT);
        for (_, oldest) in oldest.into_iter().take(over) {
            after.blockers.remove(&oldest);
        }
        after.item.blocked_since = after.open_blockers().map(|blocker| blocker.opened_at).min();
        after.item.updated_at = now;
        after.item.version += 1;
        after
    }
}
