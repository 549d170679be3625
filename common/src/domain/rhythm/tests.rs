//! Working time over weekends, holidays and changes of the clocks; who is told, once; what a report says and never hides.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp, civil, tz::TimeZone};
use proptest::prelude::*;

use super::*;

mod changes;
mod messages;
mod schedules;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

fn calendar(zone: &str) -> WorkCalendar {
    WorkCalendar::weekdays(TimeZone::get(zone).unwrap())
}

#[test]
fn a_weekend_and_a_holiday_age_nothing() {
    let mut berlin = calendar("Europe/Berlin");
    // 2026-05-01 is a Friday.
    let thursday = at("2026-04-30T13:00:00Z");
    let monday = at("2026-05-04T13:00:00Z");
    assert_eq!(berlin.age(thursday, monday), hours(48));
    berlin.holidays.insert(civil::date(2026, 5, 1));
    assert_eq!(berlin.age(thursday, monday), hours(24));
    assert_eq!(berlin.age(monday, thursday), SignedDuration::ZERO);
    assert_eq!(berlin.after(thursday, hours(24)), Some(monday));
    // Opened on a Saturday: it begins to age on Monday.
    assert_eq!(berlin.after(at("2026-05-09T12:00:00Z"), hours(24)), Some(at("2026-05-11T22:00:00Z")));
    let never = WorkCalendar { week: [false; 7], ..berlin };
    assert_eq!((never.age(thursday, monday), never.after(thursday, hours(1))), (SignedDuration::ZERO, None));
}

#[test]
fn where_clocks_change_a_working_day_has_the_hours_that_it_has() {
    // On Sundays, in a pod that works on them: 2026-03-29 has 23 hours in Berlin, 2026-10-25 has 25.
    let sundays = WorkCalendar { week: [true; 7], ..calendar("Europe/Berlin") };
    assert_eq!(sundays.age(at("2026-03-28T23:00:00Z"), at("2026-03-29T22:00:00Z")), hours(23));
    assert_eq!(sundays.age(at("2026-10-24T22:00:00Z"), at("2026-10-25T23:00:00Z")), hours(25));
    // In Sao Paulo of 2018 the clocks skipped midnight: the day began at one o'clock.
    let skipped = WorkCalendar { week: [true; 7], ..calendar("America/Sao_Paulo") };
    assert_eq!(skipped.age(at("2018-11-04T03:00:00Z"), at("2018-11-05T02:00:00Z")), hours(23));
}

#[test]
fn a_certificate_is_told_from_thirty_days_before_its_end_on() {
    use crate::domain::{
        certificate::{Identity, Issued, Kind, Record, Target},
        id::Digest,
    };
    let place = Target { account: "111111111111".parse().unwrap(), region: "us-east-1".parse().unwrap() };
    let cluster = "production/us-east-1/management/mc01".parse().unwrap();
    let identity =
        Identity { cluster, kind: Kind::Agent, name: "mc01".parse().unwrap(), broker: place.clone(), home: place };
    let mut record = Record::new(identity);
    assert!(certificates(&[record.clone()], at("2026-05-04T10:00:00Z")).is_empty());
    record.current = Some(Issued {
        certificate: Digest::of(b"").as_str().parse().unwrap(),
        public_key: Digest::of(b""),
        since: at("2026-01-01T00:00:00Z"),
        ends: at("2026-06-03T10:00:00Z"),
        secret_version: "v".to_owned(),
    });
    assert!(certificates(&[record.clone()], at("2026-05-04T09:59:59Z")).is_empty());
    let told = certificates(&[record], at("2026-05-04T10:00:00Z"));
    assert_eq!(
        (told[0].subject.as_str(), told[0].since),
        ("certificate:production/us-east-1/management/mc01", at("2026-05-04T10:00:00Z"))
    );
    assert_eq!(told[0].reason, "its certificate ends on 2026-06-03T10:00:00Z");
}

fn zones() -> impl Strategy<Value = WorkCalendar> {
    let zone = prop::sample::select(vec![
        "UTC",
        "Europe/Berlin",
        "America/Los_Angeles",
        "Asia/Kolkata",
        "Australia/Lord_Howe",
    ]);
    let holidays = prop::collection::btree_set(0..700_i64, 0..20);
    (zone, prop::array::uniform7(any::<bool>()), holidays).prop_map(|(zone, week, holidays)| {
        let first = civil::date(2026, 1, 1);
        let holidays = holidays.into_iter().map(|days| first.checked_add(jiff::ToSpan::days(days)).unwrap()).collect();
        WorkCalendar { week, holidays, ..calendar(zone) }
    })
}

fn moments() -> impl Strategy<Value = Timestamp> {
    (1_767_225_600_i64..1_827_000_000).prop_map(|seconds| Timestamp::from_second(seconds).unwrap())
}

proptest! {
    /// Time adds up, never runs backwards, and is all of it where every day is worked on.
    #[test]
    fn working_time_adds_up(calendar in zones(), times in prop::array::uniform3(moments())) {
        let mut times = times;
        times.sort();
        let [a, b, c] = times;
        prop_assert_eq!(calendar.age(a, b) + calendar.age(b, c), calendar.age(a, c));
        prop_assert!(calendar.age(a, b) <= b.duration_since(a));
        let always = WorkCalendar { week: [true; 7], holidays: BTreeSet::new(), ..calendar };
        prop_assert_eq!(always.age(a, b), b.duration_since(a));
    }

    /// The end of a time is the first moment at which that much has passed.
    #[test]
    fn the_end_of_a_time_is_when_it_has_passed(calendar in zones(), from in moments(), minutes in 1..20_000_i64) {
        let time = SignedDuration::from_mins(minutes);
        match calendar.after(from, time) {
            Some(end) => {
                prop_assert_eq!(calendar.age(from, end), time);
                prop_assert!(calendar.age(from, end - SignedDuration::from_secs(1)) < time);
            }
            None => prop_assert_eq!(calendar.week, [false; 7]),
        }
    }
}

fn ladder() -> Ladder {
    let rung = |after, group: &str| Rung { after: hours(after), group: group.parse().unwrap(), channel: None };
    Ladder { rungs: vec![rung(24, "integrator"), rung(48, "executive")] }
}

fn blocker(item: &str, cause: Cause, opened: &str) -> Blocker {
    Blocker {
        id: "b-1".parse().unwrap(),
        item: item.parse().unwrap(),
        pod: "ratio".parse().unwrap(),
        owner: "ada".parse().unwrap(),
        text: "no answer".into(),
        cause,
        opened_at: at(opened),
        resolved_at: None,
        snooze: None,
        told: BTreeSet::new(),
    }
}

fn outside() -> Cause {
    Cause::Outside("vendor-api".parse().unwrap())
}

#[test]
fn each_rung_is_told_once_in_working_time() {
    let (berlin, ladder) = (calendar("Europe/Berlin"), ladder());
    // A Friday at 15:00 in Berlin.
    let mut open = blocker("idea-1", outside(), "2026-05-08T13:00:00Z");
    let told = |blocker: &Blocker, now: &str| -> Vec<String> {
        due(blocker, &ladder, &berlin, at(now)).into_iter().map(|rung| rung.group.to_string()).collect()
    };
    assert_eq!(told(&open, "2026-05-11T12:59:59Z"), [""; 0], "a weekend is no time");
    assert_eq!(told(&open, "2026-05-11T13:00:00Z"), ["integrator"]);
    assert_eq!(told(&open, "2026-05-12T13:00:00Z"), ["integrator", "executive"], "nobody looked for two days");
    open.told.insert("integrator".parse().unwrap());
    assert_eq!(told(&open, "2026-05-12T12:59:59Z"), [""; 0]);
    assert_eq!(told(&open, "2026-05-12T13:00:00Z"), ["executive"]);
    open.snooze = Some(Snooze { by: "ada".parse().unwrap(), until: at("2026-05-13T08:00:00Z") });
    assert_eq!(told(&open, "2026-05-13T07:59:59Z"), [""; 0], "somebody has it");
    assert_eq!(told(&open, "2026-05-13T08:00:00Z"), ["executive"], "and the quiet ends");
    open.told.insert("executive".parse().unwrap());
    assert_eq!(told(&open, "2026-06-13T08:00:00Z"), [""; 0]);
    open.told.clear();
    open.resolved_at = Some(at("2026-05-12T08:00:00Z"));
    assert_eq!(told(&open, "2026-06-13T08:00:00Z"), [""; 0], "what is resolved climbs no further");
}

#[test]
fn three_items_with_one_cause_in_a_fortnight_are_a_pattern() {
    let now = at("2026-05-20T10:00:00Z");
    let mut all: Vec<Blocker> = ["a", "b", "c"].map(|item| blocker(item, outside(), "2026-05-01T10:00:00Z")).into();
    all.push(blocker("a", outside(), "2026-05-02T10:00:00Z"));
    all.push(blocker("d", Cause::Person("bob".parse().unwrap()), "2026-05-02T10:00:00Z"));
    let found = patterns(&all, now);
    assert_eq!(found.len(), 1);
    assert_eq!((&found[0].cause, found[0].items.len()), (&outside(), 3));
    all[2].resolved_at = Some(at("2026-05-07T10:00:00Z"));
    assert_eq!(patterns(&all, now).len(), 1, "resolved within the fortnight");
    all[2].resolved_at = Some(at("2026-05-06T09:59:59Z"));
    assert_eq!(patterns(&all, now), []);
}

const TIMES: Timetable = Timetable {
    thread: civil::time(10, 0, 0, 0),
    reminder: civil::time(10, 10, 0, 0),
    summary: civil::time(10, 30, 0, 0),
};

fn slots(calendar: &WorkCalendar, times: Timetable, now: &str) -> String {
    times
        .due(calendar, at(now))
        .iter()
        .map(|slot| format!("{:?} {}", slot.kind, slot.date))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Los Angeles changed its clocks on 2026-03-08 and changes them on 2026-11-01, both Sundays: ten o'clock stays ten o'clock.
#[test]
fn a_morning_is_at_ten_over_both_changes_of_the_clocks() {
    let angeles = calendar("America/Los_Angeles");
    let table = [
        ("2026-03-06T17:59:59Z", ""),
        ("2026-03-06T18:00:00Z", "Thread 2026-03-06"),
        ("2026-03-07T18:00:00Z", ""),
        ("2026-03-09T16:59:59Z", ""),
        ("2026-03-09T17:00:00Z", "Thread 2026-03-09"),
        ("2026-03-09T17:10:00Z", "Thread 2026-03-09, Reminder 2026-03-09"),
        ("2026-03-09T17:30:00Z", "Thread 2026-03-09, Reminder 2026-03-09, Summary 2026-03-09"),
        ("2026-03-09T19:05:00Z", "Reminder 2026-03-09, Summary 2026-03-09"),
        ("2026-03-09T19:30:00Z", ""),
        ("2026-10-30T17:00:00Z", "Thread 2026-10-30"),
        ("2026-11-02T17:59:59Z", ""),
        ("2026-11-02T18:00:00Z", "Thread 2026-11-02"),
    ];
    for (now, wanted) in table {
        assert_eq!(slots(&angeles, TIMES, now), wanted, "{now}");
    }
    // Where it is another day already.
    assert_eq!(slots(&calendar("Pacific/Kiritimati"), TIMES, "2026-03-08T20:00:00Z"), "Thread 2026-03-09");
    // A pod that works on Sundays and meets at half past two: skipped once, twice the other time.
    let sundays = WorkCalendar { week: [true; 7], ..angeles };
    let night = Timetable { thread: civil::time(2, 30, 0, 0), ..TIMES };
    assert_eq!(slots(&sundays, night, "2026-03-08T10:29:59Z"), "");
    assert_eq!(slots(&sundays, night, "2026-03-08T10:30:00Z"), "Thread 2026-03-08");
    let night = Timetable { thread: civil::time(1, 30, 0, 0), ..TIMES };
    assert_eq!(slots(&sundays, night, "2026-11-01T08:30:00Z"), "Thread 2026-11-01");
    assert_eq!(slots(&sundays, night, "2026-11-01T09:30:00Z"), "Thread 2026-11-01", "the same post, of the same date");
}

proptest! {
    /// Whenever somebody looks, each working day has its three posts, under its own date, and no other day has one.
    #[test]
    fn each_working_day_has_its_posts_and_no_other_has_one(calendar in zones(), start in moments(), steps in prop::collection::vec(1..3_600_i64, 1..200)) {
        let mut now = start;
        let mut seen = BTreeSet::new();
        for step in steps {
            for slot in TIMES.due(&calendar, now) {
                prop_assert!(calendar.works_on(slot.date));
                prop_assert_eq!(slot.date, calendar.date(now));
                seen.insert((slot.kind, slot.date));
            }
            now += SignedDuration::from_secs(step);
        }
        // Looked at each hour or more often, no working day that was seen from its beginning lacks one.
        let (first, last) = (calendar.date(start), calendar.date(now));
        let mut day = first.tomorrow().unwrap();
        while day < last {
            let all = [SlotKind::Thread, SlotKind::Reminder, SlotKind::Summary].iter().all(|kind| seen.contains(&(*kind, day)));
            prop_assert_eq!(all, calendar.works_on(day), "{}", day);
            day = day.tomorrow().unwrap();
        }
    }
}
