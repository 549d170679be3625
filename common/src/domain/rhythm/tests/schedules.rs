//! What is due where, over holidays, months and changes of the clocks; tasks and their periods; the calendar file.

use jiff::civil::{Date, Weekday, date};

use super::*;
use crate::domain::id::PodName;

fn room(channel: &str, zone: &str, audience: Audience) -> Room {
    Room { channel: channel.parse().unwrap(), calendar: calendar(zone), times: TIMES, audience }
}

pub(super) fn schedules() -> Schedules {
    let own: BTreeSet<PodName> = BTreeSet::from(["nanda".parse().unwrap()]);
    let mut first = room("unblock", "America/Los_Angeles", Audience::Except(own.clone()));
    first.calendar.holidays = BTreeSet::from([date(2026, 9, 7), date(2026, 12, 25)]);
    Schedules {
        first,
        rooms: vec![room("unblock-nanda", "Europe/Berlin", Audience::Only(own))],
        demo: Some(Demo {
            channel: "demos".parse().unwrap(),
            sign_up: (Weekday::Thursday, civil::time(10, 0, 0, 0)),
            at: (Weekday::Friday, civil::time(13, 0, 0, 0)),
        }),
        council: Some(Council { channel: "council".parse().unwrap(), at: (Weekday::Monday, civil::time(11, 0, 0, 0)) }),
        ladder: ladder(),
        stale_after_days: 3,
        stale_change_after_days: 5,
        maintenance: vec![task("review-access", Every::Month, 10), task("rotate-secret", Every::Quarter, 15)],
    }
}

fn task(name: &str, every: Every, day: i8) -> Task {
    Task {
        name: name.parse().unwrap(),
        every,
        day,
        owner: "security".parse().unwrap(),
        task: "Look; compare, and mend".into(),
        evidence: "a link".into(),
    }
}

fn due(now: &str) -> String {
    let schedules = schedules();
    let posts = schedules.due(at(now));
    posts.iter().map(|due| format!("{} {}", due.channel, due.slot.kind.as_str())).collect::<Vec<_>>().join(", ")
}

#[test]
fn each_room_has_its_morning_and_all_share_demo_and_council() {
    // Winter: Berlin is nine hours ahead of Los Angeles; from 2026-03-08 until Berlin changes on the 29th, eight.
    for (now, wanted) in [
        ("2026-03-06T09:00:00Z", "unblock-nanda thread"),
        ("2026-03-06T18:00:00Z", "unblock thread"),
        ("2026-03-06T20:59:59Z", ""),
        ("2026-03-06T21:00:00Z", "demos demo"),
        ("2026-03-13T20:00:00Z", "demos demo"),
        ("2026-03-12T17:00:00Z", "unblock thread, demos sign-up"),
        ("2026-03-16T09:00:00Z", "unblock-nanda thread"),
        ("2026-03-16T17:00:00Z", "unblock thread"),
        ("2026-10-26T17:00:00Z", "unblock thread"),
        ("2026-11-02T19:10:00Z", "unblock thread, unblock reminder, unblock summary, council council"),
        ("2026-11-02T20:00:00Z", "unblock reminder, unblock summary, council council"),
        ("2026-11-09T19:10:00Z", "unblock thread, unblock reminder, unblock summary"),
    ] {
        assert_eq!(due(now), wanted, "{now}");
    }
}

#[test]
fn a_holiday_moves_the_demo_back_and_the_council_on() {
    // Christmas of 2026 is a Friday: the demo is on Thursday, beside the call to sign up.
    assert_eq!(due("2026-12-24T18:00:00Z"), "unblock thread, demos sign-up");
    assert_eq!(due("2026-12-24T21:00:00Z"), "demos demo");
    assert_eq!(due("2026-12-25T21:00:00Z"), "");
    // Labor Day is the first Monday of September.
    assert_eq!(due("2026-09-07T18:00:00Z"), "");
    assert_eq!(
        due("2026-09-08T18:00:00Z"),
        "unblock reminder, unblock summary, council council"
            .replace("unblock reminder", "unblock thread, unblock reminder")
    );
    let never = WorkCalendar { week: [false; 7], ..calendar("UTC") };
    assert_eq!(this_week(&never, date(2026, 9, 7), Weekday::Friday), None);
    assert_eq!(this_month(&never, date(2026, 9, 7), Weekday::Friday), None);
}

#[test]
fn a_pod_is_heard_in_one_room_and_what_is_nobody_s_in_each() {
    let schedules = schedules();
    let heard = |pod: Option<&str>| -> Vec<String> {
        let pod: Option<PodName> = pod.map(|pod| pod.parse().unwrap());
        let rooms = schedules.all_rooms().filter(|room| room.audience.hears(pod.as_ref()));
        rooms.map(|room| room.channel.to_string()).collect()
    };
    assert_eq!(heard(Some("nanda")), ["unblock-nanda"]);
    assert_eq!(heard(Some("gone")), ["unblock"]);
    assert_eq!(heard(None), ["unblock", "unblock-nanda"]);
    assert_eq!(schedules.room_of(&"nanda".parse().unwrap()).channel.as_str(), "unblock-nanda");
}

#[test]
fn a_task_is_overdue_from_the_end_of_its_day_until_it_is_done() {
    let (zone, rotate) = (calendar("America/Los_Angeles"), task("rotate-secret", Every::Quarter, 15));
    let overdue = |done: &[Done], now: &str| {
        rotate.overdue(done, &zone, at(now)).map(|(period, since)| format!("{period} since {since}"))
    };
    assert_eq!(overdue(&[], "2026-10-16T06:59:59Z"), None);
    let since = Some("2026-q4 since 2026-10-16T07:00:00Z".to_owned());
    assert_eq!(overdue(&[], "2026-10-16T07:00:00Z"), since);
    assert_eq!(overdue(&[], "2026-12-31T23:00:00Z"), since);
    let done = |task: &str, period: &str| Done {
        task: task.parse().unwrap(),
        period: period.parse().unwrap(),
        by: "ada".parse().unwrap(),
        evidence: "versions 3 and 4".into(),
        at: at("2026-10-20T00:00:00Z"),
    };
    assert_eq!(overdue(&[done("rotate-secret", "2026-q3"), done("other", "2026-q4")], "2026-10-20T00:00:00Z"), since);
    assert_eq!(overdue(&[done("rotate-secret", "2026-q4")], "2026-12-31T23:00:00Z"), None);
    assert_eq!(overdue(&[done("rotate-secret", "2026-q4")], "2027-01-10T00:00:00Z"), None, "not yet due again");
}

proptest! {
    /// A period is written in one way, and holds the days that it was made of.
    #[test]
    fn a_period_reads_as_it_is_written(year in 2000..2100_i16, month in 1..=12_i8, day in 1..=28_i8, text in ".{0,12}") {
        for (_, every) in Every::WORDS {
            let period = Period::of(every, date(year, month, day));
            prop_assert_eq!(period.to_string().parse::<Period>(), Ok(period));
            prop_assert!(period.first() <= date(year, month, day));
        }
        if let Ok(period) = text.parse::<Period>() {
            prop_assert_eq!(period.to_string(), text);
        }
    }

    /// No line is longer than 75 bytes; joined again it is what was put in.
    #[test]
    fn lines_are_folded_and_lose_nothing(task_text in "\\PC{1,200}|(é|,|;|\\\\|a){1,120}") {
        let mut schedules = schedules();
        schedules.maintenance[0].task = task_text.clone();
        let text = ics::calendar(&schedules, date(2026, 1, 1));
        for line in text.split("\r\n") {
            prop_assert!(line.len() <= 75 && !line.contains(['\r', '\n']), "{}", line);
        }
        let whole = text.replace("\r\n ", "");
        let escaped = task_text.replace('\\', "\\\\").replace(';', "\\;").replace(',', "\\,");
        prop_assert!(whole.contains(&format!("SUMMARY:security: {escaped}\r\n")), "{}", whole);
    }
}

/// The dates on which an event of the file is, as a calendar program finds them: rule, exceptions, additions.
fn stands(text: &str, property: &str) -> Vec<String> {
    let lines = text.lines().filter_map(|line| line.strip_prefix(property));
    lines.map(|rest| rest.rsplit(':').next().unwrap().to_owned()).collect()
}

#[test]
fn the_calendar_file_moves_with_the_clocks_and_knows_holidays() {
    let mut schedules = schedules();
    schedules.rooms.clear();
    schedules.maintenance.truncate(1);
    let text = ics::calendar(&schedules, date(2026, 9, 1)).replace("\r\n ", "").replace("\r\n", "\n");
    assert!(stands(&text, "EXDATE").contains(&"20260907T100000".to_owned()), "Labor Day");
    assert!(stands(&text, "RDATE;TZID").contains(&"20261224T130000".to_owned()), "the demo before Christmas");
    let until_council = text.split("UID:council").nth(1).unwrap().split("END:VEVENT").next().unwrap();
    insta::assert_snapshot!(until_council, @r"
    @penstock
    DTSTAMP:20260907T000000Z
    DTSTART;TZID=America/Los_Angeles:20260907T110000
    DURATION:PT30M
    RRULE:FREQ=MONTHLY;BYDAY=1MO
    EXDATE;TZID=America/Los_Angeles:20260907T110000
    RDATE;TZID=America/Los_Angeles:20260908T110000
    SUMMARY:Council
    LOCATION:#council
    ");
    let zone = text.split("BEGIN:VTIMEZONE\n").nth(1).unwrap().split("END:VTIMEZONE").next().unwrap();
    insta::assert_snapshot!(zone, @r"
    TZID:America/Los_Angeles
    BEGIN:STANDARD
    DTSTART:20261101T020000
    RDATE:20271107T020000
    RDATE:20281105T020000
    TZOFFSETFROM:-0700
    TZOFFSETTO:-0800
    TZNAME:PST
    END:STANDARD
    BEGIN:DAYLIGHT
    DTSTART:20270314T020000
    RDATE:20280312T020000
    RDATE:20290311T020000
    TZOFFSETFROM:-0800
    TZOFFSETTO:-0700
    TZNAME:PDT
    END:DAYLIGHT
    BEGIN:DAYLIGHT
    DTSTART:20260901T000000
    TZOFFSETFROM:-0700
    TZOFFSETTO:-0700
    TZNAME:PDT
    END:DAYLIGHT
    ");
    let task = text.split("UID:review-access").nth(1).unwrap();
    insta::assert_snapshot!(task, @r"
    .maintenance@penstock
    DTSTAMP:20260910T000000Z
    DTSTART;VALUE=DATE:20260910
    RRULE:FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY=10
    SUMMARY:security: Look\; compare\, and mend
    DESCRIPTION:What shows that it was done: a link
    TRANSP:TRANSPARENT
    END:VEVENT
    END:VCALENDAR
    ");
    let none: Date = date(2026, 9, 1);
    assert_eq!(ics::calendar(&schedules, none), ics::calendar(&schedules, none), "the same bytes");
}
