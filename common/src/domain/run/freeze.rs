//! Freeze windows: when nothing begins to deploy, in the time zone of the people who would be called.
//!
//! A window begins and ends at local times. Where the clocks change, a time that happens twice begins a window at its first and ends
//! it at its second coming, and one that is skipped is the moment of the change: a freeze is never shorter than it says.

use std::fmt;

use jiff::{
    Timestamp, ToSpan,
    civil::{Date, DateTime, Time, Weekday},
    tz::{AmbiguousOffset, TimeZone},
};

use crate::domain::id::FreezeName;

/// One window, once or again and again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freeze {
    /// Which.
    pub name: FreezeName,
    /// When it begins. Both edges are of the same kind.
    pub from: Edge,
    /// When it ends.
    pub to: Edge,
    /// Where these times are local.
    pub time_zone: TimeZone,
    /// Why, for whoever waits.
    pub reason: Option<String>,
}

/// A local time at which a window begins or ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// Every day: `18:00`.
    Daily(Time),
    /// Every week: `friday 16:00`.
    Weekly(Weekday, Time),
    /// Once: `2026-12-18 12:00`.
    Once(DateTime),
}

/// The days of the week, as files name them.
pub const WEEKDAYS: [(&str, Weekday); 7] = [
    ("monday", Weekday::Monday),
    ("tuesday", Weekday::Tuesday),
    ("wednesday", Weekday::Wednesday),
    ("thursday", Weekday::Thursday),
    ("friday", Weekday::Friday),
    ("saturday", Weekday::Saturday),
    ("sunday", Weekday::Sunday),
];

impl Edge {
    /// Reads an edge; nothing when it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let (day, time) = match text.split_once(' ') {
            None => return clock(text).map(Self::Daily),
            Some((day, time)) => (day, clock(time)?),
        };
        if let Some((_, weekday)) = WEEKDAYS.into_iter().find(|(name, _)| *name == day) {
            return Some(Self::Weekly(weekday, time));
        }
        let digits = day.len() == 10 && day.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        let date: Date = day.parse().ok().filter(|_| digits)?;
        Some(Self::Once(date.to_datetime(time)))
    }

    /// Whether both recur alike, and the second is another moment than the first: later, where each happens once.
    pub fn makes_a_window_with(self, to: Self) -> bool {
        match (self, to) {
            (Self::Daily(from), Self::Daily(to)) => from != to,
            (Self::Weekly(from_day, from), Self::Weekly(to_day, to)) => (from_day, from) != (to_day, to),
            (Self::Once(from), Self::Once(to)) => from < to,
            _ => false,
        }
    }

    /// When it is on this day, if it is.
    fn on(self, date: Date) -> Option<DateTime> {
        match self {
            Self::Daily(time) => Some(date.to_datetime(time)),
            Self::Weekly(weekday, time) => (date.weekday() == weekday).then(|| date.to_datetime(time)),
            Self::Once(at) => (at.date() == date).then_some(at),
        }
    }
}

/// `08:00`, and nothing that is written otherwise.
fn clock(text: &str) -> Option<Time> {
    let (hours, minutes) = text.split_once(':')?;
    let two = |digits: &str| digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !two(hours) || !two(minutes) {
        return None;
    }
    Time::new(hours.parse().ok()?, minutes.parse().ok()?, 0, 0).ok()
}

impl fmt::Display for Edge {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clock = |time: Time| format!("{:02}:{:02}", time.hour(), time.minute());
        match self {
            Self::Daily(time) => to.write_str(&clock(*time)),
            Self::Weekly(weekday, time) => {
                let name = WEEKDAYS.iter().find(|(_, day)| day == weekday).map_or("", |(name, _)| name);
                write!(to, "{name} {}", clock(*time))
            }
            Self::Once(at) => write!(to, "{} {}", at.date(), clock(at.time())),
        }
    }
}

/// The longest that a recurring window looks back for its beginning, and forward for its end: a week, and the day that a time zone may
/// shift it.
const DAYS: i64 = 8;

impl Freeze {
    /// When the window ends that this moment is in; nothing outside of it.
    pub fn ends(&self, now: Timestamp) -> Option<Timestamp> {
        let today = now.to_zoned(self.time_zone.clone()).date();
        let from_dates: Vec<Date> = match self.from {
            Edge::Once(at) => vec![at.date()],
            // Tomorrow too: where clocks are set back over midnight, a day begins twice.
            _ => (-1..=DAYS).filter_map(|back| today.checked_sub(back.days()).ok()).collect(),
        };
        from_dates
            .into_iter()
            .filter_map(|date| self.from.on(date))
            .filter_map(|from| Some((self.moment(from, false)?, self.moment(self.end_after(from)?, true)?)))
            .filter(|(from, to)| *from <= now && now < *to)
            .map(|(_, to)| to)
            .max()
    }

    /// The first end after this beginning.
    fn end_after(&self, from: DateTime) -> Option<DateTime> {
        if let Edge::Once(at) = self.to {
            return Some(at);
        }
        let dates = (0..=DAYS).filter_map(|ahead| from.date().checked_add(ahead.days()).ok());
        dates.filter_map(|date| self.to.on(date)).find(|to| *to > from)
    }

    /// A local time as a moment: of two the first, or, where `late`, the second; one that is skipped is when the clocks change.
    fn moment(&self, local: DateTime, late: bool) -> Option<Timestamp> {
        let ambiguous = self.time_zone.to_ambiguous_zoned(local);
        let zoned = match ambiguous.offset() {
            AmbiguousOffset::Unambiguous { .. } => ambiguous.compatible(),
            AmbiguousOffset::Fold { .. } => {
                if late {
                    ambiguous.later()
                } else {
                    ambiguous.earlier()
                }
            }
            AmbiguousOffset::Gap { .. } => {
                // Read with the offset before the gap it lies behind the change, with the one behind it before: between is the change.
                let before = ambiguous.earlier().ok()?.timestamp();
                return self.time_zone.following(before).next().map(|change| change.timestamp());
            }
        };
        zoned.ok().map(|zoned| zoned.timestamp())
    }
}
