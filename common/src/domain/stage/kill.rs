//! Kill review: what ends an item that has stopped living, and how it can be kept.
//!
//! A rule that holds opens a review with a deadline. Until then the owner may mend what the rule found, or ask for an exception. At
//! the deadline the rule is judged anew: an item is ended only when it still holds then. One exception a rule, and one appeal an item:
//! who asks for time again and again has no reason left (charter, spec governance §3.3).
//!
//! Deadlines are one-shot schedules; a review that finds its deadline passed does the same without one, so a schedule that was lost
//! only costs time.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{evidence::Value, pipeline::Requirement};
use crate::domain::id::{CriterionKey, GroupName, KillRuleName, PersonName};

/// One rule of a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KillRule {
    /// Which.
    pub name: KillRuleName,
    /// What it looks at, and what holds when the item is to be looked at.
    pub when: (CriterionKey, Requirement),
    /// What follows when it still holds after the grace.
    pub action: KillAction,
    /// How long the owner has.
    pub grace: SignedDuration,
    /// Who is told.
    pub notify: Vec<GroupName>,
}

/// What follows from a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum KillAction {
    /// The item is ended: branch and tag archived, a postmortem asked for, its places given back.
    Archive,
    /// The item goes back one stage.
    Reject,
    /// The item stays, and may not move on.
    Block,
    /// Somebody above is told.
    Escalate,
    /// The council looks at it.
    Review,
    /// What was deployed is taken back.
    Rollback,
    /// An incident is opened.
    Incident,
}

/// What a rule may look at beside what the criteria of its pipeline ask for. It is measured about an item; nobody's word gives it.
///
/// | name | what it says |
/// |---|---|
/// | `days_since_update` | days since anything of the item changed |
/// | `dependencies_blocked_days` | days for which the oldest dependency that blocks it has been open |
/// | `effort_times_original` | how many times its effort is what was estimated first |
/// | `acceptance_failing_days` | days for which its acceptance tests have failed |
/// | `customer_bug_hours` | hours for which the oldest bug of a customer has been open |
/// | `remarkable_violations` | rules of the minimum-remarkable checklist that it breaks |
/// | `remarkable_score` | its score on that checklist, of 10 |
/// | `critical_vulnerabilities` | critical vulnerabilities that its scan finds |
/// | `performance_regression_percent` | how much slower it is than before |
/// | `sla_violated_days` | days in a row on which its service level was missed |
/// | `cost_overrun_percent` | how much more it costs than was planned |
pub const MEASURED: [&str; 11] = [
    "days_since_update",
    "dependencies_blocked_days",
    "effort_times_original",
    "acceptance_failing_days",
    "customer_bug_hours",
    "remarkable_violations",
    "remarkable_score",
    "critical_vulnerabilities",
    "performance_regression_percent",
    "sla_violated_days",
    "cost_overrun_percent",
];

impl KillAction {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Archive, Self::Reject, Self::Block, Self::Escalate, Self::Review, Self::Rollback, Self::Incident];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Archive => "archive",
            Self::Reject => "reject",
            Self::Block => "block",
            Self::Escalate => "escalate",
            Self::Review => "review",
            Self::Rollback => "rollback",
            Self::Incident => "incident",
        }
    }
}

/// Whether an item is under review.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct KillReview {
    /// Open reviews by rule.
    pub open: BTreeMap<KillRuleName, Open>,
    /// Exceptions that were given, by rule; one that has run out stays, so that there is no second.
    pub exceptions: BTreeMap<KillRuleName, Exception>,
    /// How the item ended, once it has: nobody is believed about that later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
    /// When an appeal was made, if one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appealed: Option<Timestamp>,
}

/// How an item ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// The rule that ended it; nothing when somebody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<KillRuleName>,
    /// Who ended it; nothing when a rule did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<PersonName>,
    /// Why. Foreign text: escaped wherever it is shown.
    pub reason: String,
}

/// A review that is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// Since when.
    pub since: Timestamp,
    /// When the rule is judged again.
    pub deadline: Timestamp,
    /// Whether the grace was over, the rule held, and what follows from it was done: that happens once.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub done: bool,
}

/// Why an item may go on although a rule holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exception {
    /// Until when.
    pub until: Timestamp,
    /// Who takes the risk.
    pub accepted_by: PersonName,
    /// What was found, what is planned, and why it is worth it.
    pub plan: String,
}

/// What one look came to, for one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// A review begins: everybody of the rule is told.
    Opened {
        /// Which rule.
        rule: KillRuleName,
        /// When it is judged again.
        deadline: Timestamp,
    },
    /// The rule holds no longer: the review ends well.
    Cleared {
        /// Which rule.
        rule: KillRuleName,
    },
    /// The grace is over and the rule still holds.
    Due {
        /// Which rule.
        rule: KillRuleName,
        /// What follows.
        action: KillAction,
    },
    /// The rule cannot be judged: what it looks at is not known. Nothing is ended for lack of knowledge.
    Unknown {
        /// Which rule.
        rule: KillRuleName,
        /// What is not known, or of another type.
        key: CriterionKey,
    },
}

/// Looks at an item: what the rules of its stage find in what is known, and what follows now. Total; twice at the same moment changes
/// nothing the second time. What is due is to be done in the transaction that writes the review: it is due once.
pub fn look(
    rules: &[KillRule],
    before: &KillReview,
    known: &BTreeMap<CriterionKey, Value>,
    now: Timestamp,
) -> (KillReview, Vec<Seen>) {
    let mut after = before.clone();
    let mut seen = Vec::new();
    // A rule that the stage no longer has judges nothing.
    after.open.retain(|name, _| rules.iter().any(|rule| rule.name == *name));
    for rule in rules {
        let name = || rule.name.clone();
        let (key, requirement) = &rule.when;
        let Some(holds) = known.get(key).and_then(|value| requirement.holds(value)) else {
            seen.push(Seen::Unknown { rule: name(), key: key.clone() });
            continue;
        };
        let excepted = after.exceptions.get(&rule.name).is_some_and(|exception| now < exception.until);
        if !holds || excepted {
            if after.open.remove(&rule.name).is_some() {
                seen.push(Seen::Cleared { rule: name() });
            }
            continue;
        }
        let open = after.open.entry(name()).or_insert_with(|| {
            let deadline = now.saturating_add(rule.grace).unwrap_or(Timestamp::MAX);
            seen.push(Seen::Opened { rule: name(), deadline });
            Open { since: now, deadline, done: false }
        });
        if open.deadline <= now && !open.done {
            open.done = true;
            seen.push(Seen::Due { rule: name(), action: rule.action });
        }
    }
    (after, seen)
}

/// What follows from what is due, for the item: the gravest of it. Everybody is told of the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It ends.
    End(KillRuleName),
    /// It goes back one stage, or aside when it is in the first.
    SentBack(KillRuleName),
    /// It stays where it is.
    Stays,
}

/// The item's fate after a look.
pub fn fate(seen: &[Seen]) -> Fate {
    let due = |wanted| {
        seen.iter().find_map(|one| match one {
            Seen::Due { rule, action } if *action == wanted => Some(rule.clone()),
            _ => None,
        })
    };
    if let Some(rule) = due(KillAction::Archive) {
        return Fate::End(rule);
    }
    due(KillAction::Reject).map_or(Fate::Stays, Fate::SentBack)
}

/// The rules that keep an item in its stage: their grace is over, and they say that it does not go on.
pub fn stops<'r>(rules: &'r [KillRule], review: &'r KillReview) -> impl Iterator<Item = &'r KillRule> {
    let done = |rule: &&KillRule| review.open.get(&rule.name).is_some_and(|open| open.done);
    rules.iter().filter(|rule| rule.action == KillAction::Block).filter(done)
}

/// Why there is no exception or appeal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoMercy {
    /// Nothing is under review.
    #[error("the item is not under review for {0}: there is nothing to except")]
    NotOpen(KillRuleName),
    /// There was one.
    #[error("there was an exception from {0} already, until {1:.0}: end the item, or mend what the rule finds")]
    Second(KillRuleName, Timestamp),
    /// It ends before it begins, or never.
    #[error("an exception ends between tomorrow and {most} days from now")]
    NoEnd {
        /// The longest.
        most: i64,
    },
    /// Without words.
    #[error("say what was found, what is planned and why it is worth it, in at least {least} characters")]
    NoPlan {
        /// The shortest.
        least: usize,
    },
    /// Nothing is under review.
    #[error("the item is not under review: there is nothing to appeal against")]
    NothingOpen,
    /// There was one.
    #[error("the item's one appeal was made on {0:.0}")]
    Appealed(Timestamp),
}

/// What people may still do about an open review, beside mending what the rule finds and ending the item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Remedy {
    /// The item goes back to the first stage of its pipeline, and begins anew.
    Pivot,
    /// The grace once more: one an item.
    Appeal,
    /// Somebody takes the risk, and the rule rests for a while: one a rule.
    Exception,
}

/// What is still open to people about a rule's review: what [`appeal`] and [`except`] would not refuse for what was before, and the way
/// back for an item that is not `in_the_first_stage`. Nothing where no review of the rule is open.
pub fn remedies(review: &KillReview, rule: &KillRuleName, in_the_first_stage: bool) -> BTreeSet<Remedy> {
    let Some(open) = review.open.get(rule) else { return BTreeSet::new() };
    let may = [
        (Remedy::Pivot, !in_the_first_stage),
        (Remedy::Appeal, review.appealed.is_none() && !open.done),
        (Remedy::Exception, !review.exceptions.contains_key(rule)),
    ];
    may.into_iter().filter_map(|(remedy, open)| open.then_some(remedy)).collect()
}

/// The longest exception, in days.
const MOST_DAYS: i64 = 90;

/// The shortest plan.
const PLAN: usize = 40;

/// Gives an exception from a rule: its review ends, and the rule rests until then.
///
/// # Errors
/// Why there is none.
pub fn except(
    before: &KillReview,
    rule: &KillRuleName,
    exception: Exception,
    now: Timestamp,
) -> Result<KillReview, NoMercy> {
    if let Some(earlier) = before.exceptions.get(rule) {
        return Err(NoMercy::Second(rule.clone(), earlier.until));
    }
    if !before.open.contains_key(rule) {
        return Err(NoMercy::NotOpen(rule.clone()));
    }
    let days = |days: i64| now.saturating_add(SignedDuration::from_hours(24 * days)).unwrap_or(Timestamp::MAX);
    if !(days(1)..=days(MOST_DAYS)).contains(&exception.until) {
        return Err(NoMercy::NoEnd { most: MOST_DAYS });
    }
    if exception.plan.trim().chars().count() < PLAN {
        return Err(NoMercy::NoPlan { least: PLAN });
    }
    let mut after = before.clone();
    after.open.remove(rule);
    after.exceptions.insert(rule.clone(), exception);
    Ok(after)
}

/// Appeals: every open review gets its grace once more. The council decides in that time.
///
/// # Errors
/// Why there is none.
pub fn appeal(before: &KillReview, rules: &[KillRule], now: Timestamp) -> Result<KillReview, NoMercy> {
    if let Some(at) = before.appealed {
        return Err(NoMercy::Appealed(at));
    }
    if before.open.values().all(|open| open.done) {
        return Err(NoMercy::NothingOpen);
    }
    let mut after = KillReview { appealed: Some(now), ..before.clone() };
    for (name, open) in after.open.iter_mut().filter(|(_, open)| !open.done) {
        let grace = rules.iter().find(|rule| rule.name == *name).map_or(SignedDuration::ZERO, |rule| rule.grace);
        open.deadline = open.deadline.max(now.saturating_add(grace).unwrap_or(Timestamp::MAX));
    }
    Ok(after)
}
