//! `schedules.yaml`: what it takes, and that every mistake has its place.

use super::*;
use crate::domain::rhythm::{Audience, Every};

const PEOPLE: (&str, &str) =
    ("people.yaml", "groups: [integrator, executive, security]\npeople:\n  ada: {roles: [], pods: []}\n");

fn with(text: &str) -> Result<Governance, String> {
    parse(&[PEOPLE, ("schedules.yaml", text)])
}

const FULL: &str = "time_zone: America/Los_Angeles
working_days: [monday, friday]
holidays: [\"2026-12-25\"]
daily: {channel: unblock, thread: \"10:00\", reminder: \"10:10\", summary: \"10:30\"}
pods:
  nanda: {channel: unblock-nanda, time_zone: Europe/Berlin}
demo: {channel: demos, sign_up: thursday 10:00, at: friday 13:00}
council: {channel: C012AB3CD, first: monday 11:00}
stale_after_days: 3
escalation:
  - {after_hours: 24, group: integrator}
  - {after_hours: 48, group: executive, channel: incidents}
maintenance:
  rotate: {every: quarter, day: 15, owner: security, task: Rotate it., evidence: A link.}
";

#[test]
fn a_whole_schedule_is_read_and_pods_inherit_what_they_do_not_say() {
    let schedules = with(FULL).unwrap().schedules;
    let nanda = schedules.room_of(&"nanda".parse().unwrap());
    assert_eq!(nanda.calendar.week, [true, false, false, false, true, false, false]);
    assert_eq!((nanda.calendar.holidays.len(), nanda.calendar.time_zone.iana_name()), (1, Some("Europe/Berlin")));
    assert_eq!(schedules.first.audience, Audience::Except([("nanda").parse().unwrap()].into()));
    let rungs: Vec<_> =
        schedules.ladder.rungs.iter().map(|rung| (rung.after.as_hours(), rung.channel.clone())).collect();
    assert_eq!(rungs, [(24, None), (48, Some("incidents".parse().unwrap()))]);
    assert_eq!((schedules.maintenance[0].every, schedules.maintenance[0].day), (Every::Quarter, 15));
    assert_eq!(schedules.council.unwrap().channel.as_str(), "C012AB3CD");
}

#[test]
fn each_mistake_in_a_schedule_has_its_place() {
    insta::assert_snapshot!(with("daily: {}\n").unwrap_err(), @r#"
    schedules.yaml:1:1: error: time_zone: found nothing, expected a time zone's name such as Europe/Berlin or UTC
    schedules.yaml:1:1: error: working_days: found nothing, expected a list of days of the week, at least one: [monday, tuesday]
    schedules.yaml:1:8: error: daily.channel: found nothing, expected a channel
    schedules.yaml:1:8: error: daily.thread: found nothing, expected a time such as "10:00", in quotes
    schedules.yaml:1:8: error: daily.reminder: found nothing, expected a time such as "10:00", in quotes
    schedules.yaml:1:8: error: daily.summary: found nothing, expected a time such as "10:00", in quotes
    schedules.yaml:1:1: error: stale_after_days: found nothing, expected a whole number of working days
    "#);
    let bad = "time_zone: Mars/Olympus
working_days: [monday, mon]
holidays: [2026-12-25, \"2026-13-01\"]
daily: {channel: \"#unblock\", thread: 10:00, reminder: \"9:00\", summary: \"10:30\", at: x}
pods:
  nnada: {channel: x}
  ratio: {}
demo: {channel: demos, sign_up: \"10:00\", at: someday 13:00}
council: {channel: c, first: monday}
stale_after_days: 0
escalation:
  - {after_hours: 0, group: integratr}
  - {group: executive, channel: \"#x\"}
maintenance:
  Rotate: {every: week, day: 31, owner: nobody, task: \"\"}
";
    insta::assert_snapshot!(with(bad).unwrap_err(), @r##"
    schedules.yaml:1:12: error: time_zone: found "Mars/Olympus", expected a time zone's name such as Europe/Berlin or UTC
    schedules.yaml:2:24: error: working_days: found "mon", expected monday, tuesday, wednesday, thursday, friday, saturday or sunday
    schedules.yaml:3:12: error: holidays: found "2026-12-25" without quotes, which YAML may not read as text, expected a day such as "2026-12-25", in quotes
    schedules.yaml:3:24: error: holidays: found "2026-13-01", expected a day such as "2026-12-25", in quotes
    schedules.yaml:4:81: error: found the key "at", expected one of channel, thread, reminder, summary
    schedules.yaml:4:18: error: daily.channel: found "#unblock", expected 1 to 80 of a-z, 0-9, '-' and '_' without #, or a channel's id (C or G, then A-Z and 0-9)
    schedules.yaml:4:38: error: daily.thread: found "10:00" without quotes, which YAML may not read as text, expected a time such as "10:00", in quotes
    schedules.yaml:4:55: error: daily.reminder: found "9:00", expected a time such as "10:00", in quotes
    schedules.yaml:10:19: error: stale_after_days: found 0 (a number, not in quotes), expected a whole number from 1 to 60
    schedules.yaml:8:33: error: demo.sign_up: found "10:00", expected a day and a time such as "friday 13:00"
    schedules.yaml:8:46: error: demo.at: found "someday 13:00", expected a day and a time such as "friday 13:00"
    schedules.yaml:9:30: error: council.first: found "monday", expected a day and a time such as "friday 13:00"
    schedules.yaml:12:19: error: escalation.after_hours: found 0 (a number, not in quotes), expected a whole number from 1 to 720
    schedules.yaml:12:29: error: escalation.group: found "integratr", expected a group of people.yaml; did you mean integrator?
    schedules.yaml:13:5: error: escalation.after_hours: found nothing, expected a whole number of working hours
    schedules.yaml:13:33: error: escalation.channel: found "#x", expected 1 to 80 of a-z, 0-9, '-' and '_' without #, or a channel's id (C or G, then A-Z and 0-9)
    schedules.yaml:15:3: error: maintenance: found "Rotate", expected 1 to 32 of a-z, 0-9 and '-', starting with a letter or digit
    schedules.yaml:15:19: error: maintenance.Rotate.every: found "week", expected month, quarter or year
    schedules.yaml:15:30: error: maintenance.Rotate.day: found 31 (a number, not in quotes), expected a whole number from 1 to 28
    schedules.yaml:15:41: error: maintenance.Rotate.owner: found "nobody", expected a group of people.yaml
    schedules.yaml:15:55: error: maintenance.Rotate.task: found "", expected a text of 1 to 200 characters
    schedules.yaml:15:3: error: maintenance.Rotate.evidence: found nothing, expected a text of 1 to 200 characters
    "##);
}

#[test]
fn times_rungs_and_rooms_must_fit_together() {
    let swapped = FULL.replace("thread: \"10:00\"", "thread: \"10:20\"");
    let circle = FULL.replace("after_hours: 48", "after_hours: 24");
    let own = FULL.replace("channel: unblock-nanda", "channel: unblock");
    let apart = FULL.replace("demo:", "  ratio: {channel: unblock-nanda}\ndemo:");
    let none = FULL.replace("[monday, friday]", "[]");
    let found: Vec<String> = [swapped, circle, own, apart, none].iter().map(|text| with(text).unwrap_err()).collect();
    insta::assert_snapshot!(found.join("\n"), @"
    schedules.yaml:4:8: error: daily: found times in another order, expected times of one day, each later than the one before: thread, reminder, summary
    schedules.yaml:12:5: error: escalation: found a rung that is not above the one before it, or of the same group, expected each group once, each later than the one before
    schedules.yaml:6:3: error: pods.nanda.channel: found unblock, that of daily, expected a channel of its own; a pod that meets where the others do is not listed here
    schedules.yaml:7:3: error: pods.ratio: found another time zone or other days than a pod before it in unblock-nanda, expected the same for all pods of one channel
    schedules.yaml:2:15: error: working_days: found an empty list, expected a list of days of the week, at least one: [monday, tuesday]
    ");
}
