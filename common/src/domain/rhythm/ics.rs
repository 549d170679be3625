//! The schedule as an iCalendar file (RFC 5545), for any calendar program.
//!
//! Recurring events stand at local times with a `VTIMEZONE` of the changes that the time zone makes in the years ahead, so that they move
//! with the clocks. Holidays are exceptions; what moves because of one has its own date. The same file and the same first day give the
//! same bytes.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{
    Timestamp, ToSpan,
    civil::{Date, DateTime, Time, Weekday},
    tz::{Dst, TimeZone},
};

use super::{
    calendar::WorkCalendar,
    maintenance::{Every, Task},
    schedules::{Schedules, this_month, this_week},
};

/// For how many years exceptions and changes of the clocks are written out.
const YEARS: i16 = 3;

/// The longest line, in bytes, without its end (RFC 5545 §3.1).
const LINE: usize = 75;

/// How long a meeting takes, in minutes, as calendars show it.
const MEETING: i64 = 30;

/// The whole schedule from a day on.
pub fn calendar(schedules: &Schedules, from: Date) -> String {
    let mut lines = Lines::default();
    lines.line("BEGIN:VCALENDAR");
    lines.line("VERSION:2.0");
    lines.line("PRODID:-//Penstock//Schedule//EN");
    lines.line("CALSCALE:GREGORIAN");
    lines.line("X-WR-CALNAME:Penstock");
    let zones: BTreeMap<String, &TimeZone> =
        schedules.all_rooms().map(|room| (name(&room.calendar.time_zone), &room.calendar.time_zone)).collect();
    for (name, zone) in zones {
        time_zone(&mut lines, &name, zone, from);
    }
    for room in schedules.all_rooms() {
        let slots =
            [("thread", room.times.thread, "Daily unblock"), ("summary", room.times.summary, "Daily unblock: summary")];
        for (kind, time, title) in slots {
            let uid = format!("{kind}.{}", room.channel);
            daily(&mut lines, &room.calendar, from, &Event { uid, time, title, place: room.channel.as_str() });
        }
    }
    let calendar = &schedules.first.calendar;
    if let Some(demo) = &schedules.demo {
        let place = demo.channel.as_str();
        for (uid, (day, time), title) in
            [("sign-up", demo.sign_up, "Weekly demo: sign up"), ("demo", demo.at, "Weekly demo")]
        {
            weekly(&mut lines, calendar, from, day, &Event { uid: uid.to_owned(), time, title, place });
        }
    }
    if let Some(council) = &schedules.council {
        let (day, time) = council.at;
        let place = council.channel.as_str();
        monthly(&mut lines, calendar, from, day, &Event { uid: "council".to_owned(), time, title: "Council", place });
    }
    for task in &schedules.maintenance {
        maintenance(&mut lines, task, from);
    }
    lines.line("END:VCALENDAR");
    lines.0
}

/// One meeting.
struct Event<'e> {
    uid: String,
    time: Time,
    title: &'static str,
    place: &'e str,
}

/// Content lines, folded, each with its end.
#[derive(Default)]
struct Lines(String);

impl Lines {
    fn line(&mut self, text: &str) {
        self.0.push_str(&folded(text));
    }

    fn property(&mut self, name: &str, text: &str) {
        self.line(&format!("{name}:{}", escaped(text)));
    }
}

/// A content line as it is sent: at most 75 bytes, then a line that begins with a space; never within a character.
fn folded(text: &str) -> String {
    let mut out = String::new();
    let mut length = 0;
    for character in text.chars() {
        if length + character.len_utf8() > LINE {
            out.push_str("\r\n ");
            length = 1;
        }
        out.push(character);
        length += character.len_utf8();
    }
    out.push_str("\r\n");
    out
}

/// A value of type TEXT (RFC 5545 §3.3.11).
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        match character {
            '\\' | ';' | ',' => out.extend(['\\', character]),
            '\n' => out.push_str("\\n"),
            other if other.is_control() => {}
            other => out.push(other),
        }
    }
    out
}

fn name(zone: &TimeZone) -> String {
    zone.iana_name().unwrap_or("UTC").to_owned()
}

fn local(at: DateTime) -> String {
    format!("{:04}{:02}{:02}T{:02}{:02}00", at.year(), at.month(), at.day(), at.hour(), at.minute())
}

fn day(date: Date) -> String {
    format!("{:04}{:02}{:02}", date.year(), date.month(), date.day())
}

fn end(from: Date) -> Date {
    from.checked_add(i64::from(YEARS).years()).unwrap_or(Date::MAX)
}

fn moment(date: Date, zone: &TimeZone) -> Timestamp {
    date.to_zoned(zone.clone()).map_or(Timestamp::MAX, |at| at.timestamp())
}

fn offset(seconds: i32) -> String {
    let (sign, minutes) = (if seconds < 0 { '-' } else { '+' }, seconds.abs() / 60);
    format!("{sign}{:02}{:02}", minutes / 60, minutes % 60)
}

/// A zone with each change of its clocks from a day on, those of one kind together.
fn time_zone(lines: &mut Lines, name: &str, zone: &TimeZone, from: Date) {
    let (first, last) = (moment(from, zone), moment(end(from), zone));
    let mut before = zone.to_offset_info(first);
    let mut onsets: BTreeMap<(bool, i32, i32, String), Vec<DateTime>> = BTreeMap::new();
    // What holds on the first day, as if it began then.
    let start = before.offset().seconds();
    let kind = (before.dst() == Dst::Yes, start, start, before.abbreviation().to_owned());
    onsets.entry(kind).or_default().push(from.to_datetime(Time::midnight()));
    for change in zone.following(first).take_while(|change| change.timestamp() < last) {
        let (old, new) = (before.offset(), change.offset());
        // An onset is written in the time that was valid until then.
        let at = old.to_datetime(change.timestamp());
        let kind = (change.dst() == Dst::Yes, old.seconds(), new.seconds(), change.abbreviation().to_owned());
        onsets.entry(kind).or_default().push(at);
        before = zone.to_offset_info(change.timestamp());
    }
    lines.line("BEGIN:VTIMEZONE");
    lines.line(&format!("TZID:{name}"));
    for ((dst, old, new, abbreviation), at) in onsets {
        let part = if dst { "DAYLIGHT" } else { "STANDARD" };
        lines.line(&format!("BEGIN:{part}"));
        lines.line(&format!("DTSTART:{}", at.first().copied().map(local).unwrap_or_default()));
        for again in at.iter().skip(1) {
            lines.line(&format!("RDATE:{}", local(*again)));
        }
        lines.line(&format!("TZOFFSETFROM:{}", offset(old)));
        lines.line(&format!("TZOFFSETTO:{}", offset(new)));
        lines.property("TZNAME", &abbreviation);
        lines.line(&format!("END:{part}"));
    }
    lines.line("END:VTIMEZONE");
}

/// Two letters, as `BYDAY` writes them, Monday first.
const DAYS: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];

fn letters(weekday: Weekday) -> &'static str {
    usize::try_from(weekday.to_monday_zero_offset()).ok().and_then(|at| DAYS.get(at)).copied().unwrap_or("MO")
}

fn dates(from: Date) -> impl Iterator<Item = Date> {
    let last = end(from);
    std::iter::successors(Some(from), |date| date.tomorrow().ok()).take_while(move |date| *date < last)
}

fn event(
    lines: &mut Lines,
    calendar: &WorkCalendar,
    event: &Event<'_>,
    first: Option<Date>,
    rule: &str,
    moved: (&BTreeSet<Date>, &BTreeSet<Date>),
) {
    // Nothing to show when it never happens in these years.
    let Some(first) = first else { return };
    let zone = name(&calendar.time_zone);
    let at = |date: Date| local(date.to_datetime(event.time));
    lines.line("BEGIN:VEVENT");
    lines.line(&format!("UID:{}@penstock", event.uid));
    lines.line(&format!("DTSTAMP:{}T000000Z", day(first)));
    lines.line(&format!("DTSTART;TZID={zone}:{}", at(first)));
    lines.line(&format!("DURATION:PT{MEETING}M"));
    lines.line(&format!("RRULE:{rule}"));
    let (away, instead) = moved;
    for (name, dates) in [("EXDATE", away), ("RDATE", instead)] {
        for date in dates {
            lines.line(&format!("{name};TZID={zone}:{}", at(*date)));
        }
    }
    lines.property("SUMMARY", event.title);
    lines.property("LOCATION", &format!("#{}", event.place));
    lines.line("END:VEVENT");
}

fn daily(lines: &mut Lines, calendar: &WorkCalendar, from: Date, meeting: &Event<'_>) {
    let week: Vec<&str> = DAYS.iter().zip(calendar.week).filter(|(_, works)| *works).map(|(day, _)| *day).collect();
    let by_week = |date: &Date| {
        usize::try_from(date.weekday().to_monday_zero_offset()).is_ok_and(|at| calendar.week.get(at) == Some(&true))
    };
    let away = dates(from).filter(|date| by_week(date) && !calendar.works_on(*date)).collect();
    let first = dates(from).find(by_week);
    event(lines, calendar, meeting, first, &format!("FREQ=WEEKLY;BYDAY={}", week.join(",")), (&away, &BTreeSet::new()));
}

fn weekly(lines: &mut Lines, calendar: &WorkCalendar, from: Date, weekday: Weekday, meeting: &Event<'_>) {
    let planned: BTreeSet<Date> = dates(from).filter(|date| date.weekday() == weekday).collect();
    let real: BTreeSet<Date> = planned.iter().filter_map(|date| this_week(calendar, *date, weekday)).collect();
    let (away, instead) = moved(&planned, &real, from);
    let rule = format!("FREQ=WEEKLY;BYDAY={}", letters(weekday));
    event(lines, calendar, meeting, planned.first().copied(), &rule, (&away, &instead));
}

fn monthly(lines: &mut Lines, calendar: &WorkCalendar, from: Date, weekday: Weekday, meeting: &Event<'_>) {
    let planned: BTreeSet<Date> = dates(from).filter(|date| date.weekday() == weekday && date.day() <= 7).collect();
    let real: BTreeSet<Date> = planned.iter().filter_map(|date| this_month(calendar, *date, weekday)).collect();
    let (away, instead) = moved(&planned, &real, from);
    let rule = format!("FREQ=MONTHLY;BYDAY=1{}", letters(weekday));
    event(lines, calendar, meeting, planned.first().copied(), &rule, (&away, &instead));
}

/// What falls out, and what stands in its place.
fn moved(planned: &BTreeSet<Date>, real: &BTreeSet<Date>, from: Date) -> (BTreeSet<Date>, BTreeSet<Date>) {
    let instead = real.difference(planned).filter(|date| **date >= from).copied().collect();
    (planned.difference(real).copied().collect(), instead)
}

/// A task on its day, the whole day.
fn maintenance(lines: &mut Lines, task: &Task, from: Date) {
    let Some(first) = dates(from).find(|date| task.due(*date).1 == *date) else { return };
    let rule = match task.every {
        Every::Month | Every::Quarter => {
            format!("FREQ=MONTHLY;INTERVAL={};BYMONTHDAY={}", task.every.months(), task.day)
        }
        Every::Year => "FREQ=YEARLY".to_owned(),
    };
    lines.line("BEGIN:VEVENT");
    lines.line(&format!("UID:{}.maintenance@penstock", task.name));
    lines.line(&format!("DTSTAMP:{}T000000Z", day(first)));
    lines.line(&format!("DTSTART;VALUE=DATE:{}", day(first)));
    lines.line(&format!("RRULE:{rule}"));
    lines.property("SUMMARY", &format!("{}: {}", task.owner, task.task));
    lines.property("DESCRIPTION", &format!("What shows that it was done: {}", task.evidence));
    lines.line("TRANSP:TRANSPARENT");
    lines.line("END:VEVENT");
}
