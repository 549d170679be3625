//! `schedules.yaml`: where and when a pod's day, the weekly demo and the council are spoken of, who is told when a blocker lasts, and
//! which tasks come again.

use std::collections::BTreeSet;

use jiff::{
    Timestamp, ToSpan,
    civil::{Date, Time, Weekday},
};

use super::{
    blocker::Ladder,
    calendar::WorkCalendar,
    maintenance::Task,
    timetable::{Slot, SlotKind, Timetable, has_come},
};
use crate::domain::id::{ChannelName, PodName};

/// The file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedules {
    /// Where pods meet: the first for all that have no room of their own.
    pub first: Room,
    /// The rooms of pods that have their own.
    pub rooms: Vec<Room>,
    /// The weekly demo, in the first room's time zone.
    pub demo: Option<Demo>,
    /// The council, in the first room's time zone.
    pub council: Option<Council>,
    /// Who is told when a blocker lasts.
    pub ladder: Ladder,
    /// After how many working days without a change an item stands still.
    pub stale_after_days: u32,
    /// After how many working days an open change does that nobody has touched.
    pub stale_change_after_days: u32,
    /// What comes again.
    pub maintenance: Vec<Task>,
}

/// A channel in which pods meet each working day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// Which.
    pub channel: ChannelName,
    /// When its people work, and where.
    pub calendar: WorkCalendar,
    /// When it is spoken of.
    pub times: Timetable,
    /// Whose room it is.
    pub audience: Audience,
}

/// Whose room it is. A pod that no file lists any more is still heard in the first room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// Everybody but these.
    Except(BTreeSet<PodName>),
    /// These.
    Only(BTreeSet<PodName>),
}

/// The weekly demo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demo {
    /// Where.
    pub channel: ChannelName,
    /// When people are asked to sign up.
    pub sign_up: (Weekday, Time),
    /// When it is.
    pub at: (Weekday, Time),
}

/// The monthly council: on this day of the week in the first seven days of a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Council {
    /// Where.
    pub channel: ChannelName,
    /// When.
    pub at: (Weekday, Time),
}

/// A post whose time has come. With the channel its slot is what makes it one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due<'s> {
    /// Where.
    pub channel: &'s ChannelName,
    /// What, and for which day.
    pub slot: Slot,
    /// The room that it is about; for the demo and the council the first.
    pub room: &'s Room,
}

impl Audience {
    /// Whether something of this pod is told there. What belongs to nobody is told everywhere.
    pub fn hears(&self, pod: Option<&PodName>) -> bool {
        pod.is_none_or(|pod| match self {
            Self::Except(others) => !others.contains(pod),
            Self::Only(own) => own.contains(pod),
        })
    }
}

impl Schedules {
    /// Every room.
    pub fn all_rooms(&self) -> impl Iterator<Item = &Room> {
        std::iter::once(&self.first).chain(&self.rooms)
    }

    /// Where a pod meets.
    pub fn room_of(&self, pod: &PodName) -> &Room {
        self.rooms.iter().find(|room| room.audience.hears(Some(pod))).unwrap_or(&self.first)
    }

    /// The posts whose time has come and is not long over.
    pub fn due(&self, now: Timestamp) -> Vec<Due<'_>> {
        let daily = self.all_rooms().flat_map(|room| {
            let slots = room.times.due(&room.calendar, now).into_iter();
            slots.map(move |slot| Due { channel: &room.channel, slot, room })
        });
        let calendar = &self.first.calendar;
        let date = calendar.date(now);
        let weekly = self.demo.iter().flat_map(|demo| {
            [(SlotKind::SignUp, demo.sign_up), (SlotKind::Demo, demo.at)]
                .map(|(kind, (day, time))| (&demo.channel, kind, time, this_week(calendar, date, day)))
        });
        let monthly = self.council.iter().map(|council| {
            let (day, time) = council.at;
            (&council.channel, SlotKind::Council, time, this_month(calendar, date, day))
        });
        let others = weekly
            .chain(monthly)
            .filter(|(.., on)| *on == Some(date))
            .filter(|(_, _, time, _)| has_come(calendar, date, *time, now));
        let others = others.map(|(channel, kind, ..)| Due { channel, slot: Slot { kind, date }, room: &self.first });
        daily.chain(others).collect()
    }
}

/// The day of this week on which something weekly is: its own, or the nearest working day before it. Nothing in a week without one.
pub fn this_week(calendar: &WorkCalendar, date: Date, day: Weekday) -> Option<Date> {
    let monday = date.checked_sub(i64::from(date.weekday().to_monday_zero_offset()).days()).ok()?;
    let last = i64::from(day.to_monday_zero_offset());
    (0..=last).rev().filter_map(|ahead| monday.checked_add(ahead.days()).ok()).find(|day| calendar.works_on(*day))
}

/// The day of this month on which something monthly is: the first such day of the week, or the nearest working day after it in the month.
pub fn this_month(calendar: &WorkCalendar, date: Date, day: Weekday) -> Option<Date> {
    let first = date.first_of_month();
    let own = (0..7).filter_map(|ahead| first.checked_add(ahead.days()).ok()).find(|date| date.weekday() == day)?;
    (0..31)
        .filter_map(|ahead| own.checked_add(ahead.days()).ok())
        .take_while(|date| date.month() == own.month())
        .find(|date| calendar.works_on(*date))
}
