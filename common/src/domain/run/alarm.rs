//! What an environment's alarms said while a commit was rolled out and soaked there.
//!
//! CloudWatch gives an alarm's state now and the changes of its state (user guide, "Using Amazon CloudWatch alarms"). An alarm that has
//! recovered was on all the same, so the changes decide and not the state alone. `INSUFFICIENT_DATA` is not `OK`: it says that nobody
//! knows. In the midst of a soak it may pass, as of an alarm whose metric has just begun; at its end the alarm has to have said something.

use std::iter;

use jiff::{SignedDuration, Timestamp};

/// A state of an alarm (CloudWatch API reference, `StateValue`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlarmState {
    /// `OK`.
    Ok,
    /// `ALARM`.
    Alarm,
    /// `INSUFFICIENT_DATA`: it has just begun, or its metric says too little.
    NoData,
}

/// A change of an alarm's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateChange {
    /// When.
    pub at: Timestamp,
    /// What it was before.
    pub from: AlarmState,
    /// What it is since.
    pub to: AlarmState,
}

/// An alarm as the service has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmRecord {
    /// What it is now.
    pub state: AlarmState,
    /// Since when; nothing when the service does not say.
    pub since: Option<Timestamp>,
    /// How its state changed from the beginning of the period on, in any order. Not needed of one that has been the same since before.
    pub changes: Vec<StateChange>,
}

/// What an alarm said in a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watched {
    /// It was not on, and at the end it said so.
    Ok,
    /// It is on.
    InAlarm {
        /// Since when.
        since: Timestamp,
    },
    /// It was on for a while.
    WasInAlarm {
        /// From when: the last time, when it was on more often.
        at: Timestamp,
        /// To when.
        until: Timestamp,
    },
    /// Nobody knows.
    Unknown(Unwatched),
}

/// Why nobody knows what an alarm said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unwatched {
    /// There is no such alarm.
    Missing,
    /// It has not enough data to say anything, or CloudWatch cannot evaluate it.
    NoData,
    /// The period began before what the service still keeps.
    Forgotten,
    /// It could not be read.
    Unread,
}

/// For how long CloudWatch keeps the changes of an alarm. AWS has named two weeks (API reference before 2023) and thirty days (user
/// guide); the shorter is sure.
const KEPT: SignedDuration = SignedDuration::from_hours(14 * 24);

/// How far the time of a state and that of its change in the history may be apart: AWS promises nothing about either.
const APART: SignedDuration = SignedDuration::from_mins(1);

/// A state, from when, and to when if it has ended.
type Segment = (AlarmState, Timestamp, Option<Timestamp>);

impl AlarmRecord {
    /// Whether its changes must be read to know what it was since then.
    pub fn changed_since(&self, from: Timestamp) -> bool {
        self.since.is_none_or(|since| since > from)
    }

    /// What it said from `from` to `until`, or to now while that is to come. Total.
    pub fn judged(&self, from: Timestamp, until: Timestamp, now: Timestamp) -> Watched {
        let mut said = Vec::new();
        for segment in self.segments(from) {
            let (_, began, ended) = segment;
            let within = began < until && ended.is_none_or(|ended| ended >= from);
            // What nobody knew at the end is settled by what it says next.
            let settles = said.last().is_some_and(|(state, ..): &Segment| *state == AlarmState::NoData);
            if within || settles {
                said.push(segment);
            }
        }
        match said.iter().rfind(|(state, ..)| *state == AlarmState::Alarm) {
            Some((_, at, Some(until))) => return Watched::WasInAlarm { at: *at, until: *until },
            Some((_, since, None)) => return Watched::InAlarm { since: *since },
            None => {}
        }
        let kept_since = now.saturating_sub(KEPT).unwrap_or(Timestamp::MIN);
        if self.changed_since(from) && from < kept_since {
            return Watched::Unknown(Unwatched::Forgotten);
        }
        match said.last() {
            Some((AlarmState::Ok, ..)) if self.lacks_a_change(from) => Watched::Unknown(Unwatched::Unread),
            Some((AlarmState::Ok, ..)) => Watched::Ok,
            _ => Watched::Unknown(Unwatched::NoData),
        }
    }

    /// Whether the state of now came later than the last change that is known: what it was in between, nobody has read yet.
    fn lacks_a_change(&self, from: Timestamp) -> bool {
        let known = self.changes.iter().map(|change| change.at).max().unwrap_or(from);
        let known = known.saturating_add(APART).unwrap_or(Timestamp::MAX);
        self.changed_since(from) && self.since.is_some_and(|since| since > known)
    }

    /// Its states in order. The first has lasted since before the period when nothing says when it began.
    fn segments(&self, from: Timestamp) -> Vec<Segment> {
        let mut changes = self.changes.clone();
        changes.sort_by_key(|change| change.at);
        // The state of now may be news that the changes do not have yet.
        let last = changes.last().map_or((None, None), |change| (Some(change.at), Some(change.to)));
        if let (Some(since), (at, Some(before))) = (self.since, last)
            && before != self.state
            && at.is_some_and(|at| at < since)
        {
            changes.push(StateChange { at: since, from: before, to: self.state });
        }
        let Some(first) = changes.first() else {
            // Without a change since the period began it was what it is. One that says it changed, and has no change, was unknown before.
            return match self.since {
                Some(since) if since > from => {
                    vec![(AlarmState::NoData, from, Some(since)), (self.state, since, None)]
                }
                since => vec![(self.state, since.unwrap_or(from), None)],
            };
        };
        let began =
            iter::once((first.from, first.at.min(from))).chain(changes.iter().map(|change| (change.to, change.at)));
        let ends = changes.iter().map(|change| Some(change.at)).chain([None]);
        began.zip(ends).map(|((state, began), ended)| (state, began, ended)).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        AlarmState::{Alarm, NoData, Ok},
        *,
    };

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(minute * 60).unwrap()
    }

    /// An alarm that began as `first` and changed at these minutes.
    fn record(first: AlarmState, changes: &[(i64, AlarmState)]) -> AlarmRecord {
        let mut state = first;
        let changes = changes.iter().map(|(minute, to)| {
            let change = StateChange { at: at(*minute), from: state, to: *to };
            state = *to;
            change
        });
        let changes: Vec<_> = changes.collect();
        let since = changes.last().map(|change| change.at).or(Some(at(-9)));
        AlarmRecord { state, since, changes }
    }

    /// The period is from minute 10 to minute 20.
    fn judged(record: &AlarmRecord, now: i64) -> Watched {
        record.judged(at(10), at(20), at(now))
    }

    #[test]
    fn an_alarm_that_was_on_in_the_period_was_on_though_it_recovered() {
        assert_eq!(judged(&record(Ok, &[]), 15), Watched::Ok);
        assert_eq!(judged(&record(Alarm, &[]), 15), Watched::InAlarm { since: at(-9) });
        assert_eq!(judged(&record(Ok, &[(12, Alarm)]), 15), Watched::InAlarm { since: at(12) });
        let recovered = record(Ok, &[(12, Alarm), (13, Ok)]);
        assert_eq!(judged(&recovered, 15), Watched::WasInAlarm { at: at(12), until: at(13) });
        assert_eq!(judged(&recovered, 99), judged(&recovered, 15), "and stays so behind the period");
        let before = record(Alarm, &[(11, Ok)]);
        assert_eq!(judged(&before, 15), Watched::WasInAlarm { at: at(10), until: at(11) }, "on when it began");
        assert_eq!(judged(&record(Ok, &[(5, Alarm), (9, Ok)]), 15), Watched::Ok, "of what was there before");
        assert_eq!(judged(&record(Ok, &[(20, Alarm)]), 25), Watched::Ok, "of what came behind");
        assert_eq!(judged(&record(Ok, &[(19, Alarm)]), 25), Watched::InAlarm { since: at(19) });
    }

    #[test]
    fn no_data_is_not_ok_until_it_says_something() {
        let none = Watched::Unknown(Unwatched::NoData);
        assert_eq!(judged(&record(NoData, &[]), 15), none);
        assert_eq!(judged(&record(Ok, &[(12, NoData)]), 15), none);
        assert_eq!(judged(&record(NoData, &[(12, Ok)]), 15), Watched::Ok, "in the midst it may pass");
        assert_eq!(judged(&record(Ok, &[(19, NoData)]), 25), none, "at the end it has to say something");
        assert_eq!(judged(&record(Ok, &[(19, NoData), (23, Ok)]), 25), Watched::Ok);
        let next = record(Ok, &[(19, NoData), (23, Alarm), (24, Ok)]);
        assert_eq!(judged(&next, 25), Watched::WasInAlarm { at: at(23), until: at(24) });
        assert_eq!(judged(&record(Ok, &[(21, NoData)]), 25), Watched::Ok, "that came behind");
    }

    #[test]
    fn what_is_news_counts_before_the_history_has_it_and_what_is_forgotten_is_unknown() {
        let mut news = record(Ok, &[(11, Alarm), (12, Ok)]);
        (news.state, news.since) = (Alarm, Some(at(14)));
        assert_eq!(judged(&news, 15), Watched::InAlarm { since: at(14) });
        let alone = AlarmRecord { state: Ok, since: Some(at(14)), changes: vec![] };
        let unread = Watched::Unknown(Unwatched::Unread);
        assert_eq!(judged(&alone, 15), unread, "nobody has read from what it came to be fine");
        let late = AlarmRecord { since: Some(at(14)), ..record(NoData, &[(11, Ok)]) };
        assert_eq!(judged(&late, 15), unread);
        let near = AlarmRecord { since: Some(at(12)), ..late };
        assert_eq!(judged(&near, 15), Watched::Ok, "the two times are the same change's");
        assert_eq!(judged(&AlarmRecord { state: Alarm, ..alone.clone() }, 15), Watched::InAlarm { since: at(14) });
        let later = 15 + 14 * 24 * 60;
        assert_eq!(judged(&alone, later), Watched::Unknown(Unwatched::Forgotten));
        assert_eq!(judged(&record(Ok, &[]), later), Watched::Ok, "it has been so since before");
    }

    fn state() -> impl Strategy<Value = AlarmState> {
        prop::sample::select(vec![Ok, Alarm, NoData])
    }

    proptest! {
        /// Both directions, said anew minute by minute: it is fine only when it was never on in the period, and it is held to have been on
        /// only when it was, there or where the period's end left it without data.
        #[test]
        fn it_was_on_when_some_moment_of_the_period_says_so(
            first in state(),
            changes in prop::collection::btree_map(0_i64..30, state(), 0..8),
            reversed in any::<bool>(),
        ) {
            let changes: Vec<_> = changes.into_iter().collect();
            let mut record = record(first, &changes);
            let said = |minute: i64| changes.iter().rfind(|(at, _)| *at <= minute).map_or(first, |(_, to)| *to);
            let end = (19..40).find(|minute| said(*minute) != NoData).unwrap_or(40);
            // The moment at which a state ends still has it.
            let was_on = (9..=end).any(|minute| said(minute) == Alarm && (minute >= 10 || changes.iter().any(|(at, _)| *at == 10)));
            if reversed {
                record.changes.reverse();
            }
            match judged(&record, 40) {
                Watched::Ok => prop_assert!(!was_on && end < 40),
                Watched::InAlarm { .. } | Watched::WasInAlarm { .. } => prop_assert!(was_on),
                Watched::Unknown(why) => {
                    prop_assert!(!was_on && end == 40);
                    prop_assert_eq!(why, Unwatched::NoData);
                }
            }
        }
    }
}
