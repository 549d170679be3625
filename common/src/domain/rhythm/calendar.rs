//! Working time: the days on which a pod works, where it is.

use std::collections::BTreeSet;

use jiff::{
    SignedDuration, Timestamp, ToSpan,
    civil::{Date, Weekday},
    tz::TimeZone,
};

/// The days on which a pod works. A working day counts whole, from midnight to midnight of its time zone: who waits since the afternoon
/// has waited a day in the next afternoon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkCalendar {
    /// Where the pod is.
    pub time_zone: TimeZone,
    /// Its days of the week, Monday first.
    pub week: [bool; 7],
    /// Days on which it does not work all the same.
    pub holidays: BTreeSet<Date>,
}

/// How far ahead the end of a time is looked for: whoever never works reaches none.
const HORIZON_DAYS: i64 = 3_660;

impl WorkCalendar {
    /// Monday to Friday in a time zone.
    pub fn weekdays(time_zone: TimeZone) -> Self {
        Self { time_zone, week: [true, true, true, true, true, false, false], holidays: BTreeSet::new() }
    }

    /// The day that it is there.
    pub fn date(&self, at: Timestamp) -> Date {
        at.to_zoned(self.time_zone.clone()).date()
    }

    /// Whether the pod works on a day.
    pub fn works_on(&self, date: Date) -> bool {
        let day: Weekday = date.weekday();
        let place = usize::try_from(day.to_monday_zero_offset()).unwrap_or_default();
        self.week.get(place).copied().unwrap_or(false) && !self.holidays.contains(&date)
    }

    /// The first moment of a day; where the clocks skip midnight, the first that there is.
    fn begin(&self, date: Date) -> Option<Timestamp> {
        date.to_zoned(self.time_zone.clone()).ok().map(|begin| begin.timestamp())
    }

    /// Each working day from that of one moment on, as the moments between which it lies.
    fn days_from(&self, from: Timestamp) -> impl Iterator<Item = (Timestamp, Timestamp)> {
        let first = self.date(from);
        (0..HORIZON_DAYS)
            .map_while(move |ahead| {
                let date = first.checked_add(ahead.days()).ok()?;
                let next = date.checked_add(1.day()).ok()?;
                Some((date, self.begin(date)?, self.begin(next)?))
            })
            .filter(|(date, ..)| self.works_on(*date))
            .map(|(_, begin, end)| (begin, end))
    }

    /// How much working time lies between two moments; none when the second is not later.
    pub fn age(&self, from: Timestamp, to: Timestamp) -> SignedDuration {
        let within = |(begin, end): (Timestamp, Timestamp)| end.min(to).duration_since(begin.max(from));
        self.days_from(from)
            .take_while(|(begin, _)| *begin < to)
            .map(within)
            .filter(SignedDuration::is_positive)
            .fold(SignedDuration::ZERO, SignedDuration::saturating_add)
    }

    /// When that much working time has passed since a moment; nothing when it never does.
    pub fn after(&self, from: Timestamp, time: SignedDuration) -> Option<Timestamp> {
        let mut left = time;
        for (begin, end) in self.days_from(from) {
            let begin = begin.max(from);
            let day = end.duration_since(begin);
            if left <= day {
                return begin.checked_add(left).ok();
            }
            left = left.saturating_sub(day);
        }
        None
    }
}
