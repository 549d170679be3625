//! The daily rhythm: what stands still, since when in working time, who is asked next, and when it is said.
//!
//! Everything here is a function of what was read and of now. A source that could not be read is part of the report, and makes it
//! incomplete: it is never an empty list. Time is counted in working days of the pod, where its people are, so that a weekend
//! escalates nothing and a change of the clocks moves nothing.

mod blocker;
mod calendar;
mod changes;
mod demo;
pub mod ics;
mod maintenance;
mod message;
mod post;
mod report;
mod schedules;
mod sources;
mod timetable;

pub use self::{
    blocker::{Blocker, Cause, Ladder, PATTERN_DAYS, Pattern, Rung, Snooze, due, patterns},
    calendar::WorkCalendar,
    changes::{OpenChange, changes},
    demo::{Candidate, PodWeek, Preparation, prepare},
    maintenance::{Done, Every, Period, Task},
    message::{Block, escaped},
    post::{BlockerRef, PostKey, PostKind, Posted, Told, Whole},
    report::{Aged, Entry, Kind, Read, Report, Source, Sources, Unread, Urgency, report},
    schedules::{Audience, Council, Demo, Due, Room, Schedules, this_month, this_week},
    sources::{Work, certificates, clusters, failed, holds, items, limits, tasks, waits},
    timetable::{Slot, SlotKind, Timetable},
};

#[cfg(test)]
mod tests;
