//! What keeps an item from going on, who is told when it lasts, and what keeps happening.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::calendar::WorkCalendar;
use crate::domain::id::{BlockerId, ChannelName, GroupName, ItemId, PersonName, PodName};

/// One thing that keeps an item from going on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocker {
    /// Which.
    pub id: BlockerId,
    /// Of which item.
    pub item: ItemId,
    /// Whose work that is.
    pub pod: PodName,
    /// Who answers for the item.
    pub owner: PersonName,
    /// What it is, in the words of who opened it. Foreign text: escaped wherever it is shown.
    pub text: String,
    /// What it waits for.
    pub cause: Cause,
    /// Since when.
    pub opened_at: Timestamp,
    /// Since when not any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_at: Option<Timestamp>,
    /// Somebody has seen it, and wants to hear of it later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snooze: Option<Snooze>,
    /// Who has been told of it: each rung once, whatever happens after.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub told: BTreeSet<GroupName>,
}

/// What a blocked item waits for. Two blockers with the same cause are alike.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// An answer of somebody.
    Person(PersonName),
    /// Somebody of a group.
    Group(GroupName),
    /// Another item.
    Item(ItemId),
    /// Something outside, by a short name: `vendor-api`.
    Outside(BlockerId),
}

/// Quiet until a moment. It has an end, because what is put off without one is forgotten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snooze {
    /// Who took it on.
    pub by: PersonName,
    /// Until when.
    pub until: Timestamp,
}

/// Who is told when a blocker lasts, the nearest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ladder {
    /// Its rungs.
    pub rungs: Vec<Rung>,
}

/// One rung.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rung {
    /// After how much working time.
    pub after: SignedDuration,
    /// Who is told.
    pub group: GroupName,
    /// Where it is said beside, for all to see.
    pub channel: Option<ChannelName>,
}

/// The rungs that a blocker has reached and that have not been told: all of them, so that one that nobody looked at for two days
/// reaches both.
pub fn due<'l>(blocker: &Blocker, ladder: &'l Ladder, calendar: &WorkCalendar, now: Timestamp) -> Vec<&'l Rung> {
    let quiet = blocker.snooze.as_ref().is_some_and(|snooze| now < snooze.until);
    if blocker.resolved_at.is_some() || quiet {
        return Vec::new();
    }
    let age = calendar.age(blocker.opened_at, now);
    ladder.rungs.iter().filter(|rung| age >= rung.after && !blocker.told.contains(&rung.group)).collect()
}

/// The same cause again and again: no more a matter of one item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Pattern {
    /// What they all wait for, or waited for.
    pub cause: Cause,
    /// Which items.
    pub items: BTreeSet<ItemId>,
}

/// How many items make a pattern.
const ALIKE: usize = 3;

/// Over how many days blockers make a pattern, resolved or not.
pub const PATTERN_DAYS: i64 = 14;

/// Causes that three items or more had in the last fortnight, the commonest first.
pub fn patterns<'b>(blockers: impl IntoIterator<Item = &'b Blocker>, now: Timestamp) -> Vec<Pattern> {
    let since = now.saturating_sub(SignedDuration::from_hours(24 * PATTERN_DAYS)).unwrap_or(Timestamp::MIN);
    let mut items: BTreeMap<Cause, BTreeSet<ItemId>> = BTreeMap::new();
    for blocker in blockers {
        if blocker.resolved_at.is_none_or(|at| at >= since) {
            items.entry(blocker.cause.clone()).or_default().insert(blocker.item.clone());
        }
    }
    let mut patterns: Vec<Pattern> = items
        .into_iter()
        .filter(|(_, items)| items.len() >= ALIKE)
        .map(|(cause, items)| Pattern { cause, items })
        .collect();
    patterns.sort_by_key(|pattern| std::cmp::Reverse(pattern.items.len()));
    patterns
}

impl Cause {
    /// For a sentence: who or what is waited for.
    pub fn words(&self) -> String {
        match self {
            Self::Person(person) => person.to_string(),
            Self::Group(group) => format!("somebody of {group}"),
            Self::Item(item) => format!("the item {item}"),
            Self::Outside(name) => format!("{name}, outside"),
        }
    }
}
