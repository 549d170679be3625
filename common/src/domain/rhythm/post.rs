//! What is kept of the rhythm: which posts there were, and who was told of which blocker.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::{report::Source, timetable::SlotKind};
use crate::domain::id::{BlockerId, ChannelName, GroupName, ItemId};

/// What makes a post one: there is at most one of a kind in a channel for a day.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PostKey {
    /// Where.
    pub channel: ChannelName,
    /// For which day, where the pod is.
    pub date: Date,
    /// What.
    pub kind: PostKind,
}

/// What is posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PostKind {
    /// What the timetable asks for.
    Slot(SlotKind),
    /// The whole report, once what could not be read in the morning can be read again.
    Whole(Whole),
}

/// The one word of [`PostKind::Whole`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Whole {
    /// `whole`.
    Whole,
}

/// A post that was committed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posted {
    /// When.
    pub at: Timestamp,
    /// What could not be read for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub incomplete: Vec<Source>,
}

/// Which blocker: a blocker that is opened again under an old id is another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BlockerRef {
    /// Of which item.
    pub item: ItemId,
    /// Its id.
    pub blocker: BlockerId,
    /// Since when it is open, to the second.
    pub opened_at: Timestamp,
}

/// Somebody was told of a blocker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Of which.
    pub blocker: BlockerRef,
    /// Who.
    pub group: GroupName,
    /// When.
    pub at: Timestamp,
}

impl PostKind {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Slot(kind) => kind.as_str(),
            Self::Whole(Whole::Whole) => "whole",
        }
    }

    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        SlotKind::ALL.into_iter().map(Self::Slot).chain([Self::Whole(Whole::Whole)])
    }
}

impl BlockerRef {
    /// To the second: what rows keep.
    pub fn of(item: &ItemId, blocker: &BlockerId, opened_at: Timestamp) -> Self {
        let opened_at = Timestamp::from_second(opened_at.as_second()).unwrap_or(opened_at);
        Self { item: item.clone(), blocker: blocker.clone(), opened_at }
    }
}
