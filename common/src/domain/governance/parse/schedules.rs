//! `schedules.yaml`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{
    SignedDuration,
    civil::{Date, Time, Weekday},
};

use super::{
    Known,
    file::{File, Names},
    rules::time_zone,
};
use crate::domain::{
    cluster::Place,
    id::{ChannelName, PodName},
    rhythm::{Audience, Council, Demo, Every, Ladder, Room, Rung, Schedules, Task, Timetable, WorkCalendar},
    run::{Edge, WEEKDAYS},
    yaml::{Entry, Node},
};

const CLOCK: &str = "a time such as \"10:00\", in quotes";
const WEEKLY: &str = "a day and a time such as \"friday 13:00\"";
const WORKING_DAYS: &str = "a list of days of the week, at least one: [monday, tuesday]";
const HOLIDAYS: &str = "a list of days such as \"2026-12-25\", in quotes";
const TIMES: &str = "times of one day, each later than the one before: thread, reminder, summary";

/// After how many working days an open change is named when the file does not say.
const CHANGE_STANDS: u32 = 5;

/// The longest text of a task.
const TEXT: usize = 200;

pub(super) fn schedules(file: &mut File, entries: &[Entry], known: &Known, groups: &Names) -> Option<Schedules> {
    let [zone, days, holidays, daily, pods, demo, council, escalation, stale, stale_change, maintenance] = file.keys(
        entries,
        [
            "time_zone",
            "working_days",
            "holidays",
            "daily",
            "pods",
            "demo",
            "council",
            "escalation",
            "stale_after_days",
            "stale_change_after_days",
            "maintenance",
        ],
    );
    let zone = file.required(zone, Place::START, "time_zone", super::rules::ZONE);
    let zone = zone.and_then(|node| time_zone(file, node, "time_zone"));
    let days = file.required(days, Place::START, "working_days", WORKING_DAYS);
    let week = days.and_then(|node| self::week(file, node, "working_days"));
    let holidays = holidays.map(|node| self::holidays(file, node, "holidays")).unwrap_or_default();
    let daily = file.required(daily, Place::START, "daily", "channel, thread, reminder and summary");
    let daily = daily.and_then(|node| self::daily(file, node));
    let stale = file.required(stale, Place::START, "stale_after_days", "a whole number of working days");
    let stale_after_days = stale.and_then(|node| file.number(node, "stale_after_days", 1..=60));
    let stale_change_after_days = match stale_change {
        Some(node) => file.number(node, "stale_change_after_days", 1..=60),
        None => Some(CHANGE_STANDS),
    };
    let demo = demo.map(|node| self::demo(file, node));
    let council = council.map(|node| self::council(file, node));
    let ladder = escalation.map(|node| self::ladder(file, node, groups)).unwrap_or_default();
    let maintenance = maintenance.map(|node| self::maintenance(file, node, groups)).unwrap_or_default();
    let (channel, times) = daily?;
    let calendar = WorkCalendar { time_zone: zone?, week: week?, holidays };
    let rooms = pods.map(|node| self::rooms(file, node, &channel, &calendar, times, known)).unwrap_or_default();
    let own = rooms.iter().flat_map(|room| match &room.audience {
        Audience::Only(pods) | Audience::Except(pods) => pods.iter().cloned(),
    });
    let first = Room { channel, calendar, times, audience: Audience::Except(own.collect()) };
    let (demo, council) =
        (demo.map_or(Some(None), |demo| demo.map(Some))?, council.map_or(Some(None), |it| it.map(Some))?);
    let (stale_after_days, stale_change_after_days) = (stale_after_days?, stale_change_after_days?);
    let ladder = Ladder { rungs: ladder };
    Some(Schedules { first, rooms, demo, council, ladder, stale_after_days, stale_change_after_days, maintenance })
}

fn week(file: &mut File, node: &Node, key: &str) -> Option<[bool; 7]> {
    let listed = file.set(node, key, WORKING_DAYS, |file, item| {
        file.word(item, key, WEEKDAYS).map(|day| day.to_monday_zero_offset())
    });
    if node.sequence().is_some_and(<[Node]>::is_empty) {
        file.find(node.place, "value", key, "an empty list".to_owned(), WORKING_DAYS);
    }
    (!listed.is_empty())
        .then(|| std::array::from_fn(|day| listed.iter().any(|listed| usize::try_from(*listed) == Ok(day))))
}

fn holidays(file: &mut File, node: &Node, key: &str) -> BTreeSet<Date> {
    file.set(node, key, HOLIDAYS, |file, item| {
        let digits = |text: &&str| text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        let day = item.text().filter(digits).and_then(|text| text.parse().ok());
        if day.is_none() {
            file.find(item.place, "value", key, item.found(), "a day such as \"2026-12-25\", in quotes");
        }
        day
    })
}

fn clock(file: &mut File, node: Option<&Node>, place: Place, key: &str) -> Option<Time> {
    let node = file.required(node, place, key, CLOCK)?;
    match node.text().and_then(Edge::parse) {
        Some(Edge::Daily(time)) => Some(time),
        _ => {
            file.find(node.place, "value", key, node.found(), CLOCK);
            None
        }
    }
}

fn weekly(file: &mut File, node: Option<&Node>, place: Place, key: &str) -> Option<(Weekday, Time)> {
    let node = file.required(node, place, key, WEEKLY)?;
    match node.text().and_then(Edge::parse) {
        Some(Edge::Weekly(day, time)) => Some((day, time)),
        _ => {
            file.find(node.place, "value", key, node.found(), WEEKLY);
            None
        }
    }
}

fn channel(file: &mut File, node: Option<&Node>, place: Place, key: &str) -> Option<ChannelName> {
    let node = file.required(node, place, key, "a channel")?;
    file.parsed(node, key)
}

fn daily(file: &mut File, node: &Node) -> Option<(ChannelName, Timetable)> {
    let entries = file.mapping(node, "daily")?;
    let [channel, thread, reminder, summary] = file.keys(entries, ["channel", "thread", "reminder", "summary"]);
    let channel = self::channel(file, channel, node.place, "daily.channel");
    let thread = clock(file, thread, node.place, "daily.thread");
    let reminder = clock(file, reminder, node.place, "daily.reminder");
    let summary = clock(file, summary, node.place, "daily.summary");
    let times = Timetable { thread: thread?, reminder: reminder?, summary: summary? };
    if times.thread >= times.reminder || times.reminder >= times.summary {
        file.find(node.place, "value", "daily", "times in another order".to_owned(), TIMES);
    }
    Some((channel?, times))
}

fn demo(file: &mut File, node: &Node) -> Option<Demo> {
    let entries = file.mapping(node, "demo")?;
    let [channel, sign_up, at] = file.keys(entries, ["channel", "sign_up", "at"]);
    let channel = self::channel(file, channel, node.place, "demo.channel");
    let sign_up = weekly(file, sign_up, node.place, "demo.sign_up");
    let at = weekly(file, at, node.place, "demo.at");
    Some(Demo { channel: channel?, sign_up: sign_up?, at: at? })
}

fn council(file: &mut File, node: &Node) -> Option<Council> {
    let entries = file.mapping(node, "council")?;
    let [channel, at] = file.keys(entries, ["channel", "first"]);
    let channel = self::channel(file, channel, node.place, "council.channel");
    let at = weekly(file, at, node.place, "council.first");
    Some(Council { channel: channel?, at: at? })
}

/// The rooms of pods that have their own. Pods that name one channel share it, and then say the same of it.
fn rooms(
    file: &mut File,
    node: &Node,
    first: &ChannelName,
    calendar: &WorkCalendar,
    times: Timetable,
    known: &Known,
) -> Vec<Room> {
    let mut rooms: BTreeMap<ChannelName, Room> = BTreeMap::new();
    for entry in file.mapping(node, "pods").unwrap_or_default() {
        let Some(pod) = file.parsed_key::<PodName>(entry, "pods") else { continue };
        file.known(entry.place, "pods", pod.as_str(), "a pod of pods.yaml", &known.pods);
        let key = |field: &str| format!("pods.{pod}.{field}");
        let Some(entries) = file.mapping(&entry.value, &format!("pods.{pod}")) else { continue };
        let [channel, zone, days, holidays] = file.keys(entries, ["channel", "time_zone", "working_days", "holidays"]);
        let zone = zone.map_or(Some(calendar.time_zone.clone()), |node| time_zone(file, node, &key("time_zone")));
        let week = days.map_or(Some(calendar.week), |node| self::week(file, node, &key("working_days")));
        let holidays = holidays.map_or(calendar.holidays.clone(), |node| self::holidays(file, node, &key("holidays")));
        let Some(channel) = self::channel(file, channel, entry.place, &key("channel")) else { continue };
        let (Some(time_zone), Some(week)) = (zone, week) else { continue };
        let calendar = WorkCalendar { time_zone, week, holidays };
        if channel == *first {
            let expected = "a channel of its own; a pod that meets where the others do is not listed here";
            file.find(entry.place, "value", &key("channel"), format!("{channel}, that of daily"), expected);
            continue;
        }
        let room = rooms.entry(channel.clone()).or_insert_with(|| {
            let audience = Audience::Only(BTreeSet::new());
            Room { channel: channel.clone(), calendar: calendar.clone(), times, audience }
        });
        if room.calendar != calendar {
            let found = format!("another time zone or other days than a pod before it in {channel}");
            file.find(entry.place, "value", &format!("pods.{pod}"), found, "the same for all pods of one channel");
        }
        if let Audience::Only(pods) = &mut room.audience {
            pods.insert(pod);
        }
    }
    rooms.into_values().collect()
}

fn ladder(file: &mut File, node: &Node, groups: &Names) -> Vec<Rung> {
    let mut rungs: Vec<Rung> = Vec::new();
    let Some(items) = node.sequence() else {
        file.find(node.place, "value", "escalation", node.found(), "a list of {after_hours, group, channel}");
        return rungs;
    };
    for item in items {
        let Some(rung) = rung(file, item, groups) else { continue };
        if rungs.iter().any(|other| other.group == rung.group || other.after >= rung.after) {
            let found = "a rung that is not above the one before it, or of the same group".to_owned();
            file.find(item.place, "value", "escalation", found, "each group once, each later than the one before");
        }
        rungs.push(rung);
    }
    rungs
}

fn rung(file: &mut File, item: &Node, groups: &Names) -> Option<Rung> {
    let entries = file.mapping(item, "escalation")?;
    let [after, group, channel] = file.keys(entries, ["after_hours", "group", "channel"]);
    let after = file.required(after, item.place, "escalation.after_hours", "a whole number of working hours");
    let after = after.and_then(|node| file.number(node, "escalation.after_hours", 1..=24 * 30));
    let group = self::group(file, group, item.place, "escalation.group", groups);
    let channel = channel.map(|node| file.parsed(node, "escalation.channel"));
    let channel = channel.map_or(Some(None), |channel| channel.map(Some))?;
    Some(Rung { after: SignedDuration::from_hours(after?.into()), group: group?, channel })
}

fn group(
    file: &mut File,
    node: Option<&Node>,
    place: Place,
    key: &str,
    groups: &Names,
) -> Option<crate::domain::id::GroupName> {
    let node = file.required(node, place, key, "a group of people.yaml")?;
    file.listed(node, key, "a group of people.yaml", groups)
}

fn maintenance(file: &mut File, node: &Node, groups: &Names) -> Vec<Task> {
    let entries = file.mapping(node, "maintenance").unwrap_or_default();
    entries.iter().filter_map(|entry| task(file, entry, groups)).collect()
}

fn task(file: &mut File, entry: &Entry, groups: &Names) -> Option<Task> {
    let name = file.parsed_key(entry, "maintenance");
    let key = |field: &str| format!("maintenance.{}.{field}", entry.key);
    let fields = file.mapping(&entry.value, &format!("maintenance.{}", entry.key))?;
    let [every, day, owner, task, evidence] = file.keys(fields, ["every", "day", "owner", "task", "evidence"]);
    let every = file.required(every, entry.place, &key("every"), "month, quarter or year");
    let every = every.and_then(|node| file.word(node, &key("every"), Every::WORDS));
    let day = file.required(day, entry.place, &key("day"), "by which day of the first month of its period: 1 to 28");
    let day = day.and_then(|node| file.number(node, &key("day"), 1..=28)).and_then(|day| i8::try_from(day).ok());
    let owner = group(file, owner, entry.place, &key("owner"), groups);
    let task = text(file, task, entry.place, &key("task"));
    let evidence = text(file, evidence, entry.place, &key("evidence"));
    Some(Task { name: name?, every: every?, day: day?, owner: owner?, task: task?, evidence: evidence? })
}

fn text(file: &mut File, node: Option<&Node>, place: Place, key: &str) -> Option<String> {
    let expected = format!("a text of 1 to {TEXT} characters");
    let node = file.required(node, place, key, &expected)?;
    let text = node.text().map(str::trim).filter(|text| !text.is_empty() && text.chars().count() <= TEXT);
    if text.is_none() {
        file.find(node.place, "value", key, node.found(), &expected);
    }
    text.map(str::to_owned)
}
