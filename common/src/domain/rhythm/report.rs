//! The daily unblock: everything that stands still, and for each the one next action and its owner.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::{blocker::Pattern, calendar::WorkCalendar, schedules::Audience};
use crate::domain::id::{PersonName, PodName};

/// What kind of thing stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Urgency {
    /// Two things or fewer.
    Low,
    /// Three to five.
    Medium,
    /// Six or more.
    High,
}

/// A pod's report of one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Which day, where the pod is.
    pub date: Date,
    /// Everything that stands still, with its working age: the oldest first.
    pub entries: Vec<(Entry, SignedDuration)>,
    /// How many of each kind.
    pub counts: BTreeMap<Kind, usize>,
    /// What keeps happening.
    pub patterns: Vec<Pattern>,
    /// What could not be read, and why: the report does not know of anything that stands there.
    pub incomplete: Vec<(Source, String)>,
    /// How much of it there is.
    pub urgency: Urgency,
}

impl Report {
    /// Whether nothing stands still, as far as everything was read.
    pub fn is_all_clear(&self) -> bool {
        self.entries.is_empty() && self.incomplete.is_empty()
    }
}

/// Puts together what the sources gave: entries, or why there are none. Only what the audience hears of is in it.
pub fn report(
    sources: BTreeMap<Source, Result<Vec<Entry>, String>>,
    patterns: Vec<Pattern>,
    audience: &Audience,
    calendar: &WorkCalendar,
    now: Timestamp,
) -> Report {
    let mut incomplete = Vec::new();
    let mut entries = Vec::new();
    for (source, read) in sources {
        match read {
            Ok(found) => entries.extend(found),
            Err(why) => incomplete.push((source, why)),
        }
    }
    let theirs = |entry: &Entry| audience.hears(entry.pod.as_ref());
    let mut entries: Vec<(Entry, SignedDuration)> = entries
        .into_iter()
        .filter(theirs)
        .map(|entry| (calendar.age(entry.since, now), entry))
        .map(|(age, entry)| (entry, age))
        .collect();
    // By age, and then by name: the same facts are the same report.
    entries.sort_by(|(a, a_age), (b, b_age)| b_age.cmp(a_age).then_with(|| a.subject.cmp(&b.subject)));
    let mut counts = BTreeMap::new();
    for (entry, _) in &entries {
        *counts.entry(entry.kind).or_insert(0) += 1;
    }
    let urgency = match entries.len() {
        0..=2 => Urgency::Low,
        3..=5 => Urgency::Medium,
        _ => Urgency::High,
    };
    Report { date: calendar.date(now), entries, counts, patterns, incomplete, urgency }
}
