//! The daily unblock: everything that stands still, and for each the one next action and its owner.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, civil::Date};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{blocker::Pattern, calendar::WorkCalendar, schedules::Audience};
use crate::domain::id::{PersonName, PodName};

/// What kind of thing stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An item with a blocker, or that nobody has touched for days.
    BlockedItem,
    /// More is in progress than a limit says.
    WipViolation,
    /// A run that waits at its gate.
    WaitingRun,
    /// A pipeline whose last run failed.
    FailedPipeline,
    /// A change that nobody has touched for days.
    StaleChange,
    /// A certificate or an override that ends soon.
    Expiring,
    /// An item that waits for a place under the limits.
    WaitsForPlace,
    /// A hold that somebody placed.
    Hold,
    /// A task that was not done in time.
    Maintenance,
    /// An item whose end is near.
    KillReview,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Entry {
    /// What kind of thing.
    pub kind: Kind,
    /// Which: `item:idea-7`, `scope:pod:ratio`.
    pub subject: String,
    /// What is shown of it. Foreign text: escaped wherever it is shown.
    pub title: String,
    /// Whose it is; none for what belongs to everybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<PodName>,
    /// Since when it stands still.
    #[schemars(with = "String")]
    pub since: Timestamp,
    /// Why, as a person reads it.
    pub reason: String,
    /// The one thing to do next.
    pub action: String,
    /// Who does it; nobody when that is to be found out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<PersonName>,
}

/// Where entries come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Items and their blockers.
    Items,
    /// The limits' rows.
    Limits,
    /// Runs and pipelines.
    Pipelines,
    /// Open changes.
    Changes,
    /// Certificates and overrides.
    Certificates,
    /// Tasks that come again.
    Maintenance,
}

impl Source {
    /// For a sentence.
    pub fn words(self) -> &'static str {
        match self {
            Self::Items => "the items",
            Self::Limits => "the limits on work in progress",
            Self::Pipelines => "the pipelines",
            Self::Changes => "the open changes",
            Self::Certificates => "certificates and overrides",
            Self::Maintenance => "the maintenance tasks",
        }
    }
}

/// How much of it there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Urgency {
    /// Two things or fewer.
    Low,
    /// Three to five.
    Medium,
    /// Six or more.
    High,
}

/// The most entries that a report carries one by one: it travels as an event, and nobody reads more. `counts` has all.
const MOST: usize = 50;

/// The most patterns.
const PATTERNS: usize = 20;

/// An entry, with how long it has stood in working time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Aged {
    /// What stands still.
    #[serde(flatten)]
    pub entry: Entry,
    /// For how many working minutes.
    pub age_minutes: i64,
}

/// A source that could not be read: the report does not know of anything that stands there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unread {
    /// Which.
    pub source: Source,
    /// Why, in our own words.
    pub why: String,
}

/// The report of a room's day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Which day, where the pod is.
    #[schemars(with = "String")]
    pub date: Date,
    /// What stands still, the oldest first, the first fifty of it.
    pub entries: Vec<Aged>,
    /// How many there are of each kind.
    pub counts: BTreeMap<Kind, usize>,
    /// What keeps happening.
    pub patterns: Vec<Pattern>,
    /// What could not be read.
    pub incomplete: Vec<Unread>,
    /// How much of it there is.
    pub urgency: Urgency,
}

impl Aged {
    /// For how long, in working time.
    pub fn age(&self) -> SignedDuration {
        SignedDuration::from_mins(self.age_minutes)
    }
}

impl Report {
    /// How many things stand still, with those that are not told one by one.
    pub fn total(&self) -> usize {
        self.counts.values().sum()
    }

    /// Whether nothing stands still, as far as everything was read.
    pub fn is_all_clear(&self) -> bool {
        self.total() == 0 && self.incomplete.is_empty()
    }
}

/// What was read of a source: what cannot be read hides nothing of what can.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Read {
    /// What stands still, as far as it was read.
    pub entries: Vec<Entry>,
    /// Why the rest was not.
    pub missing: Option<String>,
}

/// What was read.
pub type Sources = BTreeMap<Source, Read>;

impl From<Result<Vec<Entry>, String>> for Read {
    fn from(read: Result<Vec<Entry>, String>) -> Self {
        match read {
            Ok(entries) => Self { entries, missing: None },
            Err(why) => Self { entries: Vec::new(), missing: Some(why) },
        }
    }
}

/// Puts together what the sources gave. Only what the audience hears of is in it.
pub fn report(
    sources: &Sources,
    mut patterns: Vec<Pattern>,
    audience: &Audience,
    calendar: &WorkCalendar,
    now: Timestamp,
) -> Report {
    let mut incomplete = Vec::new();
    let mut entries = Vec::new();
    for (source, read) in sources {
        entries.extend(read.entries.iter().filter(|entry| audience.hears(entry.pod.as_ref())));
        incomplete.extend(read.missing.clone().map(|why| Unread { source: *source, why }));
    }
    let mut counts = BTreeMap::new();
    for entry in &entries {
        *counts.entry(entry.kind).or_insert(0) += 1;
    }
    let urgency = match entries.len() {
        0..=2 => Urgency::Low,
        3..=5 => Urgency::Medium,
        _ => Urgency::High,
    };
    let age = |entry: &Entry| calendar.age(entry.since, now).as_mins();
    let mut entries: Vec<Aged> =
        entries.into_iter().map(|entry| Aged { age_minutes: age(entry), entry: entry.clone() }).collect();
    // By age, and then by name: the same facts are the same report.
    entries.sort_by(|a, b| b.age_minutes.cmp(&a.age_minutes).then_with(|| a.entry.subject.cmp(&b.entry.subject)));
    entries.truncate(MOST);
    patterns.truncate(PATTERNS);
    Report { date: calendar.date(now), entries, counts, patterns, incomplete, urgency }
}
