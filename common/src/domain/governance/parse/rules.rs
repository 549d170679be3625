//! What the gate of an environment asks of a run: the part of `environments.yaml` that is about promotion, approvals and freezes.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, tz::TimeZone};

use super::file::{File, Names};
use crate::domain::{
    cluster::{Finding, Place},
    governance::{Environment, Gate},
    id::{AlarmName, EnvironmentName, GroupName, quoted},
    run::{Edge, Freeze, Promotion, Rules},
    yaml::{Entry, Node},
};

/// The keys that this part reads.
pub(super) const KEYS: [&str; 6] = ["approvals", "promote_after", "soak_minutes", "soak_alarms", "pause", "freezes"];

/// How many approvals of one group may be asked for.
const APPROVALS: std::ops::RangeInclusive<u32> = 1..=10;

/// The longest soak: a week.
const SOAK_MINUTES: std::ops::RangeInclusive<u32> = 1..=7 * 24 * 60;

/// How many alarms may watch a soak.
const ALARMS: std::ops::RangeInclusive<usize> = 1..=10;

/// The longest text of a person.
const REASON: usize = 200;

/// Reads the nodes of [`KEYS`], in their order, of the environment at `key`.
pub(super) fn rules(file: &mut File, nodes: [Option<&Node>; 6], key: &str, groups: &Names) -> Rules {
    let [approvals, promote_after, soak, watched, pause, freezes] = nodes;
    let approvals = approvals.map(|node| self::approvals(file, node, key, groups));
    let minutes = soak.and_then(|node| file.number(node, &format!("{key}.soak_minutes"), SOAK_MINUTES)).unwrap_or(0);
    let after = promote_after.and_then(|node| file.parsed(node, &format!("{key}.promote_after")));
    if let (Some(soak), None) = (soak, promote_after) {
        let expected = "promote_after beside it: the environment in which a commit soaks";
        file.find(soak.place, "value", &format!("{key}.soak_minutes"), soak.found(), expected);
    }
    if let (Some(node), true) = (watched, promote_after.is_none() || soak.is_none()) {
        let expected = "promote_after and soak_minutes beside it: the soak that these alarms watch";
        file.find(node.place, "value", &format!("{key}.soak_alarms"), node.found(), expected);
    }
    let alarms = watched.map(|node| alarms(file, node, &format!("{key}.soak_alarms"))).unwrap_or_default();
    let soak = SignedDuration::from_mins(minutes.into());
    let promotion = after.map(|after| Promotion { after, soak, alarms });
    let pause = pause.and_then(|node| reason(file, node, &format!("{key}.pause")));
    let freezes = freezes.map(|node| self::freezes(file, node, &format!("{key}.freezes"))).unwrap_or_default();
    Rules { approvals, promotion, freezes, pause }
}

fn approvals(file: &mut File, node: &Node, key: &str, groups: &Names) -> BTreeMap<GroupName, u32> {
    let mut approvals = BTreeMap::new();
    let key = format!("{key}.approvals");
    for entry in file.mapping(node, &key).unwrap_or_default() {
        let Some(group) = file.parsed_key::<GroupName>(entry, &key) else { continue };
        file.known(entry.place, &key, group.as_str(), "a group of people.yaml", groups);
        let least = file.number(&entry.value, &format!("{key}.{}", entry.key), APPROVALS);
        approvals.extend(least.map(|least| (group, least)));
    }
    approvals
}

fn alarms(file: &mut File, node: &Node, key: &str) -> BTreeSet<AlarmName> {
    let expected = format!("a list of {} to {} names of alarms", ALARMS.start(), ALARMS.end());
    let alarms = file.set(node, key, &expected, |file, item| file.parsed(item, key));
    if let Some(items) = node.sequence().filter(|items| !ALARMS.contains(&items.len())) {
        file.find(node.place, "value", key, format!("{} of them", items.len()), &expected);
    }
    alarms
}

fn reason(file: &mut File, node: &Node, key: &str) -> Option<String> {
    let reason = node.text().map(str::trim).filter(|text| !text.is_empty() && text.chars().count() <= REASON);
    if reason.is_none() {
        file.find(node.place, "value", key, node.found(), &format!("why, in 1 to {REASON} characters"));
    }
    reason.map(str::to_owned)
}

fn freezes(file: &mut File, node: &Node, key: &str) -> Vec<Freeze> {
    let Some(items) = node.sequence() else {
        file.find(node.place, "value", key, node.found(), "a list of windows {name, from, to, time_zone}");
        return Vec::new();
    };
    let mut freezes: Vec<Freeze> = Vec::new();
    for item in items {
        let Some(freeze) = freeze(file, item, key) else { continue };
        if freezes.iter().any(|other| other.name == freeze.name) {
            let found = format!("{} a second time", quoted(freeze.name.as_str(), 80));
            file.find(item.place, "duplicate", key, found, "each window under a name of its own");
        }
        freezes.push(freeze);
    }
    freezes
}

const EDGE: &str = "\"18:00\" (each day), \"friday 16:00\" (each week) or \"2026-12-18 12:00\" (once)";

fn freeze(file: &mut File, item: &Node, key: &str) -> Option<Freeze> {
    let entries = file.mapping(item, key)?;
    let [name, from, to, time_zone, why] = file.keys(entries, ["name", "from", "to", "time_zone", "reason"]);
    let at = |field: &str| format!("{key}.{field}");
    let name = file.required(name, item.place, &at("name"), "a name");
    let name = name.and_then(|node| file.parsed(node, &at("name")));
    let ends = [("from", from), ("to", to)].map(|(field, node)| {
        let node = file.required(node, item.place, &at(field), EDGE)?;
        let edge = node.text().and_then(Edge::parse);
        if edge.is_none() {
            file.find(node.place, "value", &at(field), node.found(), EDGE);
        }
        edge
    });
    let zone = file.required(time_zone, item.place, &at("time_zone"), ZONE);
    let time_zone = zone.and_then(|node| self::time_zone(file, node, &at("time_zone")));
    let reason = why.and_then(|node| reason(file, node, &at("reason")));
    let [from, to] = ends;
    let (from, to) = (from?, to?);
    if !from.makes_a_window_with(to) {
        let found = quoted(&format!("{from} to {to}"), 80);
        file.find(
            item.place,
            "value",
            key,
            found,
            "two different times of one kind, and the later one second if each is once",
        );
    }
    Some(Freeze { name: name?, from, to, time_zone: time_zone?, reason })
}

pub(super) const ZONE: &str = "a time zone's name such as Europe/Berlin or UTC";

/// A time zone by its name.
pub(super) fn time_zone(file: &mut File, node: &Node, key: &str) -> Option<TimeZone> {
    let zone = node.text().and_then(|name| TimeZone::get(name).ok());
    if zone.is_none() {
        file.find(node.place, "value", key, node.found(), ZONE);
    }
    zone
}

/// What only all environments together show: where commits come from is listed, and leads to an environment that asks for none; and nobody
/// writes rules for a gate that is off.
pub(super) fn together(file: &mut File, entries: &[Entry], listed: &BTreeMap<EnvironmentName, Environment>) {
    for entry in entries {
        let Some(environment) = entry.key.parse().ok().and_then(|name: EnvironmentName| listed.get(&name)) else {
            continue;
        };
        let key = format!("environments.{}", entry.key);
        if environment.gate == Gate::Off && environment.rules != Rules::default() {
            let expected = "gate: true, gate: invoke, or none of approvals, promote_after, pause and freezes";
            file.find(entry.place, "value", &format!("{key}.gate"), "false beside rules for it".to_owned(), expected);
        }
        let Some(promotion) = &environment.rules.promotion else { continue };
        let after = promotion.after.as_str();
        let key = format!("{key}.promote_after");
        let finding =
            |expected| Finding::error(&file.name, place_of(entry), "value", quoted(after, 80), expected).key(&key);
        if !listed.contains_key(&promotion.after) {
            let names = listed.keys().map(EnvironmentName::as_str);
            let unknown = finding("another environment of this file").nearest(after, names);
            file.findings.push(unknown);
        } else if waits_for_itself(&entry.key, &promotion.after, listed) {
            let circle = finding("an environment that does not wait for this one");
            file.findings.push(circle);
        }
    }
}

/// Whether commits would come to an environment by way of itself.
fn waits_for_itself(name: &str, after: &EnvironmentName, listed: &BTreeMap<EnvironmentName, Environment>) -> bool {
    let before = |environment: &EnvironmentName| listed.get(environment)?.rules.promotion.as_ref().map(|it| &it.after);
    // Whoever is not back after as many steps as there are environments is in a circle of others.
    let way = std::iter::successors(Some(after), |environment| before(environment));
    way.take(listed.len()).any(|environment| environment.as_str() == name)
}

fn place_of(entry: &Entry) -> Place {
    let rules = entry.value.mapping().unwrap_or_default();
    rules.iter().find(|rule| rule.key == "promote_after").map_or(entry.place, |rule| rule.value.place)
}
