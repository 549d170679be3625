//! The weekly demo: what can be shown, what moved, how each pod's week was.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{
    Timestamp, ToSpan,
    civil::{Date, Weekday},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{calendar::WorkCalendar, report::Unread};
use crate::domain::{
    governance::Pods,
    id::{ItemId, PersonName, PodName, StageName, StagePipelineName},
    stage::{Item, Position, StagePipeline},
};

/// How many demos there are, of seven minutes each: what is above waits for the next week.
const DEMOS: usize = 7;

/// For how many days what came into one of the last two stages is a candidate.
const FRESH_DAYS: i64 = 14;

/// How long a week is.
const WEEK_DAYS: i64 = 7;

/// The most moves that are told one by one.
const MOVES: usize = 30;

/// An item that can be shown, or that moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Candidate {
    /// Which.
    pub item: ItemId,
    /// What it is called. Foreign text: escaped wherever it is shown.
    pub title: String,
    /// Whose work it is.
    pub pod: PodName,
    /// Who answers for it.
    pub owner: PersonName,
    /// Where it is.
    pub stage: StageName,
    /// Since when.
    #[schemars(with = "String")]
    pub since: Timestamp,
}

/// A pod's week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PodWeek {
    /// Which pod.
    pub pod: PodName,
    /// How many items are under way.
    pub active: usize,
    /// How many moved this week.
    pub moved: usize,
    /// How many of those came to the last stage.
    pub finished: usize,
    /// How many are blocked.
    pub blocked: usize,
}

/// What a demo is prepared with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Preparation {
    /// The Friday of the week that it is about.
    #[schemars(with = "String")]
    pub week_ending: Date,
    /// What can be shown, in order: the last stage but one first, there the newest first.
    pub candidates: Vec<Candidate>,
    /// What must wait for the next week.
    pub later: Vec<ItemId>,
    /// What came into its stage this week, by its last move.
    pub moved: Vec<Candidate>,
    /// Each pod's week.
    pub pods: Vec<PodWeek>,
    /// What could not be read.
    pub incomplete: Vec<Unread>,
}

/// Prepares a demo from the items that could be read; `unread` says why others could not.
pub fn prepare(
    items: &[Item],
    unread: Option<Unread>,
    pipelines: &BTreeMap<StagePipelineName, StagePipeline>,
    pods: &Pods,
    calendar: &WorkCalendar,
    now: Timestamp,
) -> Preparation {
    let days_ago = |days: i64| {
        let date = calendar.date(now).checked_sub(days.days()).unwrap_or(Date::MIN);
        date.to_zoned(calendar.time_zone.clone()).map_or(Timestamp::MIN, |at| at.timestamp())
    };
    let active: Vec<(&Item, &StageName)> = items
        .iter()
        .filter_map(|item| match &item.position {
            Position::Active { stage } => Some((item, stage)),
            Position::Parked { .. } | Position::Done { .. } | Position::Killed { .. } => None,
        })
        .collect();
    // 0 for the last stage, 1 for the one before it.
    let to_go = |item: &Item, stage: &StageName| {
        let pipeline = pipelines.get(&item.pipeline)?;
        Some(pipeline.stages.len() - 1 - pipeline.position(stage)?)
    };
    let (fresh, week) = (days_ago(FRESH_DAYS), days_ago(WEEK_DAYS));
    let mut shown: Vec<_> = active
        .iter()
        .filter_map(|(item, stage)| Some((to_go(item, stage).filter(|left| *left < 2)?, item, stage)))
        .filter(|(_, item, _)| item.since >= fresh)
        .collect();
    shown.sort_by_key(|(left, item, _)| (std::cmp::Reverse(*left), std::cmp::Reverse(item.since), item.id.clone()));
    let later = shown.iter().skip(DEMOS).take(MOVES).map(|(_, item, _)| item.id.clone()).collect();
    let candidates = shown.iter().take(DEMOS).map(|(_, item, stage)| candidate(item, stage)).collect();
    let has_moved = |item: &Item, stage: &StageName| {
        let begun = pipelines.get(&item.pipeline).and_then(|pipeline| pipeline.position(stage));
        item.since >= week && begun.is_some_and(|at| at > 0)
    };
    let mut moved: Vec<_> = active.iter().filter(|(item, stage)| has_moved(item, stage)).collect();
    moved.sort_by_key(|(item, _)| (std::cmp::Reverse(item.since), item.id.clone()));
    let names: BTreeSet<&PodName> = pods.listed.keys().chain(active.iter().map(|(item, _)| &item.pod)).collect();
    let pods = names.into_iter().map(|pod| {
        let theirs = active.iter().filter(|(item, _)| item.pod == *pod);
        let count = |wanted: &dyn Fn(&Item, &StageName) -> bool| {
            theirs.clone().filter(|(item, stage)| wanted(item, stage)).count()
        };
        PodWeek {
            pod: pod.clone(),
            active: count(&|_, _| true),
            moved: count(&has_moved),
            finished: count(&|item, stage| has_moved(item, stage) && to_go(item, stage) == Some(0)),
            blocked: count(&|item, _| item.blocked_since.is_some()),
        }
    });
    Preparation {
        week_ending: friday(calendar.date(now)),
        candidates,
        later,
        moved: moved.iter().take(MOVES).map(|(item, stage)| candidate(item, stage)).collect(),
        pods: pods.collect(),
        incomplete: unread.into_iter().collect(),
    }
}

fn candidate(item: &Item, stage: &StageName) -> Candidate {
    Candidate {
        item: item.id.clone(),
        title: item.title.clone(),
        pod: item.pod.clone(),
        owner: item.owner.clone(),
        stage: stage.clone(),
        since: item.since,
    }
}

/// The Friday on or after a day: a weekend belongs to the week that it leads into.
fn friday(date: Date) -> Date {
    (0..7)
        .filter_map(|ahead| date.checked_add(i64::from(ahead).days()).ok())
        .find(|date| date.weekday() == Weekday::Friday)
        .unwrap_or(date)
}
