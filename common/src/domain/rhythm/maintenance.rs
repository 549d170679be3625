//! Tasks that come again each month, quarter or year, whose doing leaves evidence.

use std::{fmt, str::FromStr};

use jiff::{
    Timestamp,
    civil::{Date, date},
};
use serde::{Deserialize, Serialize};

use super::calendar::WorkCalendar;
use crate::domain::id::{GroupName, IdError, PersonName, TaskName, quoted};

/// One task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Which.
    pub name: TaskName,
    /// How often.
    pub every: Every,
    /// By which day of the first month of its period it is to be done: 1 to 28.
    pub day: i8,
    /// Who does it.
    pub owner: GroupName,
    /// What is to be done.
    pub task: String,
    /// What shows that it was done.
    pub evidence: String,
}

/// How often a task comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Every {
    /// Each month.
    Month,
    /// Each quarter of a year.
    Quarter,
    /// Each year.
    Year,
}

/// One of the times for which a task is to be done: `2026-11`, `2026-q4`, `2026`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Period {
    /// How long it is.
    every: Every,
    /// The first day.
    first: Date,
}

/// That a task was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// Which.
    pub task: TaskName,
    /// For which period.
    pub period: Period,
    /// Who says so.
    pub by: PersonName,
    /// What shows it. Foreign text: escaped wherever it is shown.
    pub evidence: String,
    /// When.
    pub at: Timestamp,
}

impl Every {
    /// All of them, as they are written.
    pub const WORDS: [(&str, Self); 3] = [("month", Self::Month), ("quarter", Self::Quarter), ("year", Self::Year)];

    /// How many months.
    pub fn months(self) -> i8 {
        match self {
            Self::Month => 1,
            Self::Quarter => 3,
            Self::Year => 12,
        }
    }
}

impl Period {
    /// The one that a day is in.
    pub fn of(every: Every, day: Date) -> Self {
        let month = (day.month() - 1) / every.months() * every.months() + 1;
        Self { every, first: date(day.year(), month, 1) }
    }

    /// Its first day.
    pub fn first(self) -> Date {
        self.first
    }
}

impl Task {
    /// By when it is to be done in the period that a day is in.
    pub fn due(&self, day: Date) -> (Period, Date) {
        let period = Period::of(self.every, day);
        let first = period.first;
        (period, date(first.year(), first.month(), self.day))
    }

    /// Since when it is overdue, if it is: from the end of its day on, until it is done for this period. What was missed in an earlier
    /// period is not asked for any more once the next one has come.
    pub fn overdue<'d>(
        &self,
        done: impl IntoIterator<Item = &'d Done>,
        calendar: &WorkCalendar,
        now: Timestamp,
    ) -> Option<(Period, Timestamp)> {
        let (period, due) = self.due(calendar.date(now));
        let end = due.tomorrow().ok()?.to_zoned(calendar.time_zone.clone()).ok()?.timestamp();
        let is_done = done.into_iter().any(|done| done.task == self.name && done.period == period);
        (end <= now && !is_done).then_some((period, end))
    }
}

impl fmt::Display for Period {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month) = (self.first.year(), self.first.month());
        match self.every {
            Every::Month => write!(to, "{year:04}-{month:02}"),
            Every::Quarter => write!(to, "{year:04}-q{}", (month - 1) / 3 + 1),
            Every::Year => write!(to, "{year:04}"),
        }
    }
}

impl FromStr for Period {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let read = || {
            let (year, rest) = text.split_once('-').map_or((text, None), |(year, rest)| (year, Some(rest)));
            let year: i16 = year.parse().ok()?;
            let (every, month) = match rest {
                None => (Every::Year, 1),
                Some(rest) => match rest.strip_prefix('q') {
                    Some(quarter) => (Every::Quarter, quarter.parse::<i8>().ok()?.checked_sub(1)?.checked_mul(3)? + 1),
                    None => (Every::Month, rest.parse().ok()?),
                },
            };
            let period = Self { every, first: Date::new(year, month, 1).ok()? };
            (period.to_string() == text).then_some(period)
        };
        read().ok_or_else(|| IdError {
            kind: "period",
            found: quoted(text, 80),
            expected: "a month (2026-11), a quarter (2026-q4) or a year (2026)",
        })
    }
}

impl TryFrom<String> for Period {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<Period> for String {
    fn from(period: Period) -> String {
        period.to_string()
    }
}
