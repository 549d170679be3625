//! Windows in local time: over midnight, over the week's end, and where the clocks change.

use jiff::{Unit, civil::DateTime};

use super::*;

fn ends(freeze: &Freeze, now: &str) -> Option<String> {
    freeze.ends(at(now)).map(|end| end.to_string())
}

#[test]
fn windows_of_each_kind_begin_with_their_first_and_end_before_their_last_moment() {
    let nights = freeze("nights", "18:00", "08:00", "UTC");
    let weekend = freeze("weekend", "friday 16:00", "monday 08:00", "UTC");
    let once = freeze("year-end", "2026-12-18 12:00", "2027-01-04 08:00", "UTC");
    let table = [
        (&nights, "2026-05-04T17:59:59Z", None),
        (&nights, "2026-05-04T18:00:00Z", Some("2026-05-05T08:00:00Z")),
        (&nights, "2026-05-05T07:59:59Z", Some("2026-05-05T08:00:00Z")),
        (&nights, "2026-05-05T08:00:00Z", None),
        (&weekend, "2026-05-08T15:59:59Z", None),
        (&weekend, "2026-05-08T16:00:00Z", Some("2026-05-11T08:00:00Z")),
        (&weekend, "2026-05-11T07:59:59Z", Some("2026-05-11T08:00:00Z")),
        (&weekend, "2026-05-11T08:00:00Z", None),
        (&once, "2026-12-18T11:59:59Z", None),
        (&once, "2026-12-18T12:00:00Z", Some("2027-01-04T08:00:00Z")),
        (&once, "2027-01-04T08:00:00Z", None),
        (&once, "2027-12-24T12:00:00Z", None),
    ];
    for (freeze, now, wanted) in table {
        assert_eq!(ends(freeze, now).as_deref(), wanted, "{} at {now}", freeze.name);
    }
}

#[test]
fn a_week_that_is_frozen_but_for_an_hour_is_frozen_but_for_an_hour() {
    let freeze = freeze("open-hour", "monday 10:00", "monday 09:00", "UTC");
    assert_eq!(ends(&freeze, "2026-05-04T09:30:00Z"), None);
    assert_eq!(ends(&freeze, "2026-05-04T10:00:00Z").as_deref(), Some("2026-05-11T09:00:00Z"));
    assert_eq!(ends(&freeze, "2026-05-11T08:59:59Z").as_deref(), Some("2026-05-11T09:00:00Z"));
}

/// In Berlin 2026-10-25 has 02:30 twice, and 2026-03-29 has none.
#[test]
fn where_clocks_change_a_window_is_never_shorter_than_it_says() {
    let table = [
        // From the first 02:30, which is summer time, to 04:00.
        ("02:30", "04:00", "2026-10-25T00:29:59Z", None),
        ("02:30", "04:00", "2026-10-25T00:30:00Z", Some("2026-10-25T03:00:00Z")),
        ("02:30", "04:00", "2026-10-25T01:15:00Z", Some("2026-10-25T03:00:00Z")),
        // To the second 02:30.
        ("01:00", "02:30", "2026-10-25T01:29:59Z", Some("2026-10-25T01:30:00Z")),
        ("01:00", "02:30", "2026-10-25T01:30:00Z", None),
        // 02:30 is skipped: the window begins, or ends, when the clocks change.
        ("02:30", "04:00", "2026-03-29T00:59:59Z", None),
        ("02:30", "04:00", "2026-03-29T01:00:00Z", Some("2026-03-29T02:00:00Z")),
        ("01:00", "02:30", "2026-03-29T00:59:59Z", Some("2026-03-29T01:00:00Z")),
        ("01:00", "02:30", "2026-03-29T01:00:00Z", None),
    ];
    for (from, to, now, wanted) in table {
        let freeze = freeze("berlin", from, to, "Europe/Berlin");
        assert_eq!(ends(&freeze, now).as_deref(), wanted, "{from} to {to} at {now}");
    }
    // Lord Howe moves its clocks by half an hour; Samoa left out a whole day, 2011-12-30.
    let half = freeze("lord-howe", "02:10", "03:00", "Australia/Lord_Howe");
    assert_eq!(ends(&half, "2026-10-03T15:30:00Z").as_deref(), Some("2026-10-03T16:00:00Z"));
    let friday = freeze("apia", "friday 00:00", "friday 12:00", "Pacific/Apia");
    assert_eq!(ends(&friday, "2011-12-30T09:59:59Z"), None);
}

#[test]
fn an_edge_is_read_as_it_is_written_and_only_so() {
    for text in ["00:00", "23:59", "monday 08:00", "sunday 23:59", "2026-12-18 12:00", "2028-02-29 00:00"] {
        assert_eq!(Edge::parse(text).unwrap().to_string(), text);
    }
    for wrong in [
        "",
        "8:00",
        "08:0",
        "24:00",
        "08:60",
        "08:00:00",
        "+8:00",
        "Monday 08:00",
        "monday",
        "mon 08:00",
        "2026-02-29 00:00",
        "2026-12-18T12:00",
        "2026-12-18  12:00",
        "20261218 12:00",
        "2026-W51-5 12:00",
        "monday 08:00 ",
    ] {
        assert_eq!(Edge::parse(wrong), None, "{wrong:?}");
    }
}

proptest! {
    /// Away from the days on which clocks change, a moment is in a window exactly when its local time is.
    #[test]
    fn local_time_decides(
        seconds in 1_767_225_600_i64..1_830_000_000,
        zone in prop::sample::select(vec!["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Apia", "Pacific/Kiritimati"]),
        days in (0..7_usize, 0..7_usize),
        hours in (0..24_i8, 0..24_i8),
        weekly: bool,
    ) {
        const NAMES: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
        let edge = |day: usize, hour: i8| {
            if weekly { format!("{} {hour:02}:00", NAMES[day]) } else { format!("{hour:02}:00") }
        };
        let (from, to) = (edge(days.0, hours.0), edge(days.1, hours.1));
        prop_assume!(from != to);
        let now = Timestamp::from_second(seconds).unwrap();
        let local = now.to_zoned(TimeZone::get(zone).unwrap());
        let offset = |hours: i64| now.saturating_add(SignedDuration::from_hours(hours)).unwrap().to_zoned(local.time_zone().clone()).offset();
        prop_assume!(offset(-9 * 24) == offset(9 * 24) && offset(-9 * 24) == local.offset());
        // Hours since the week, or the day, began.
        let period = if weekly { 7 * 24 } else { 24 };
        let place = |day: usize, hour: i8| (if weekly { day as i64 * 24 } else { 0 }) + i64::from(hour);
        let at: DateTime = local.datetime();
        let here = place(at.weekday().to_monday_zero_offset() as usize, at.hour());
        let (begin, end) = (place(days.0, hours.0), place(days.1, hours.1));
        let within = (here - begin).rem_euclid(period) < (end - begin).rem_euclid(period);
        let freeze = freeze("f", &from, &to, zone);
        let found = freeze.ends(now);
        prop_assert_eq!(found.is_some(), within, "{} to {} at {}", from, to, local);
        if let Some(end) = found {
            prop_assert!(end > now);
            prop_assert_eq!(freeze.ends(end), None);
            let start_of_hour = local.start_of_day().unwrap().timestamp() <= end;
            prop_assert!(start_of_hour && (end - now).total(Unit::Hour).unwrap() <= period as f64);
        }
    }
}
