//! When a pod's day is spoken of: the thread, the reminder, the summary.

use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, Time},
};
use serde::{Deserialize, Serialize};

use super::calendar::WorkCalendar;

/// The times of a pod's day, in its own time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timetable {
    /// When the thread with the report begins.
    pub thread: Time,
    /// When those who have not posted are reminded.
    pub reminder: Time,
    /// When the summary is posted.
    pub summary: Time,
}

/// What is posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SlotKind {
    /// The report, as the head of a thread.
    Thread,
    /// A reminder in it.
    Reminder,
    /// Its end.
    Summary,
    /// The weekly call to sign up for the demo.
    SignUp,
    /// The weekly demo.
    Demo,
    /// The monthly council.
    Council,
}

/// One post of a day. Together with the channel it is what makes the post one: whoever has it posts nothing a second time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Slot {
    /// What.
    pub kind: SlotKind,
    /// The day, where the pod is.
    pub date: Date,
}

/// For how long a post that was missed is still made up for. A morning's thread helps nobody in the evening.
const LATE: SignedDuration = SignedDuration::from_hours(2);

impl Timetable {
    /// The posts whose time has come and is not long over, the earliest first. None on a day on which the pod does not work.
    ///
    /// A time that the clocks skip is taken when they have moved; of one that comes twice the first counts.
    pub fn due(&self, calendar: &WorkCalendar, now: Timestamp) -> Vec<Slot> {
        let date = calendar.date(now);
        if !calendar.works_on(date) {
            return Vec::new();
        }
        let slots =
            [(SlotKind::Thread, self.thread), (SlotKind::Reminder, self.reminder), (SlotKind::Summary, self.summary)];
        slots
            .into_iter()
            .filter(|(_, time)| has_come(calendar, date, *time, now))
            .map(|(kind, _)| Slot { kind, date })
            .collect()
    }
}

/// Whether the time of a post has come on that day, and is not long over.
pub(super) fn has_come(calendar: &WorkCalendar, date: Date, time: Time, now: Timestamp) -> bool {
    let at = date.to_datetime(time).to_zoned(calendar.time_zone.clone());
    at.is_ok_and(|at| {
        let late = now.duration_since(at.timestamp());
        !late.is_negative() && late < LATE
    })
}

impl SlotKind {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Thread, Self::Reminder, Self::Summary, Self::SignUp, Self::Demo, Self::Council];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Thread => "thread",
            Self::Reminder => "reminder",
            Self::Summary => "summary",
            Self::SignUp => "sign-up",
            Self::Demo => "demo",
            Self::Council => "council",
        }
    }
}
