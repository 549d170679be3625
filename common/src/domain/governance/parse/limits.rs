//! `limits.yaml`.

use std::collections::BTreeMap;

use super::{Known, file::File};
use crate::domain::{
    cluster::{Finding, Place},
    id::{Digest, quoted},
    wip::{
        limits::{Limits, Mode, Pattern, Rule},
        scope::ScopeKind,
        state::MAX_LEASES,
    },
    yaml::{Entry, Node},
};

const MINUTE: u32 = 60;
const DAY: u32 = 24 * 60 * MINUTE;
/// The sweep asks again once a minute for pull requests that wait; a few of its runs may fail before one loses its place in line.
const SHORTEST_TICKET: u32 = 10 * MINUTE;

pub(super) fn limits(file: &mut File, entries: &[Entry], digest: Digest, known: &Known) -> Option<Limits> {
    let [limits, default_ttl, max_ttl, ticket_ttl, warn_at] = file
        .keys(entries, ["limits", "default_ttl_seconds", "max_ttl_seconds", "ticket_ttl_seconds", "warn_at_percent"]);
    let max_ttl_seconds = number(file, max_ttl, "max_ttl_seconds", MINUTE, 30 * DAY);
    let default_ttl_seconds =
        number(file, default_ttl, "default_ttl_seconds", MINUTE, max_ttl_seconds.unwrap_or(30 * DAY));
    let ticket_ttl_seconds = number(file, ticket_ttl, "ticket_ttl_seconds", SHORTEST_TICKET, 30 * DAY);
    let warn_at_percent = number(file, warn_at, "warn_at_percent", 1, 100);
    let limits = file.required(limits, Place::START, "limits", "a mapping of scopes")?;
    let mut rules = BTreeMap::new();
    for entry in file.mapping(limits, "limits")? {
        let Some(pattern) = pattern(file, entry, known) else { continue };
        let Some(rule) = rule(file, entry) else { continue };
        rules.insert(pattern, rule);
    }
    if !rules.keys().any(|pattern| pattern.kind() == Some(ScopeKind::Portfolio)) {
        let expected = "a rule for portfolio: every item counts there, and its lease is found there";
        file.find(limits.place, "missing-key", "limits.portfolio", "nothing".to_owned(), expected);
    }
    Some(Limits {
        digest,
        rules,
        default_ttl_seconds: default_ttl_seconds?,
        max_ttl_seconds: max_ttl_seconds?,
        ticket_ttl_seconds: ticket_ttl_seconds?,
        warn_at_percent: warn_at_percent?,
    })
}

fn number(file: &mut File, node: Option<&Node>, key: &str, least: u32, most: u32) -> Option<u32> {
    let expected = format!("a whole number from {least} to {most}");
    let node = file.required(node, Place::START, key, &expected)?;
    file.number(node, key, least..=most)
}

/// The key of a rule. A name in it must be one: a rule for a pod that nobody has would never be missed.
fn pattern(file: &mut File, entry: &Entry, known: &Known) -> Option<Pattern> {
    let Some(pattern) = Pattern::parse(&entry.key) else {
        let expected = "portfolio, expedite, pod:<pod>, pod-stage:<pod>:<stage>, pod-type:<pod>:<type>, owned:<person>, \
                        involved:<person>, stage:<stage>, environment:<environment> or account:<account>, with * for any";
        let finding = Finding::error(&file.name, entry.place, "value", quoted(&entry.key, 80), expected).key("limits");
        let kind = entry.key.split(':').next().unwrap_or_default();
        file.findings.push(finding.nearest(kind, ScopeKind::ALL.map(ScopeKind::as_str)));
        return None;
    };
    let key = format!("limits.{}", pattern.as_str());
    let name = pattern.as_str().split(':').nth(1).filter(|name| *name != "*");
    let (kind, names) = match pattern.kind()? {
        ScopeKind::Pod | ScopeKind::PodStage | ScopeKind::PodType => ("a pod of pods.yaml, or *", &known.pods),
        ScopeKind::Owned | ScopeKind::Involved => ("a person of people.yaml, or *", &known.people),
        ScopeKind::Environment => ("an environment of environments.yaml, or *", &known.environments),
        ScopeKind::Account => ("an account of accounts.yaml, or *", &known.accounts),
        ScopeKind::Portfolio | ScopeKind::Expedite | ScopeKind::Stage => return Some(pattern),
    };
    if let Some(name) = name {
        file.known(entry.place, &key, name, kind, names);
    }
    Some(pattern)
}

fn rule(file: &mut File, entry: &Entry) -> Option<Rule> {
    let key = format!("limits.{}", entry.key);
    let fields = file.mapping(&entry.value, &key)?;
    let [limit, mode, fair_share] = file.keys(fields, ["limit", "mode", "fair_share"]);
    let most = u32::try_from(MAX_LEASES).unwrap_or(u32::MAX);
    let limit = file
        .required(limit, entry.place, &format!("{key}.limit"), &format!("a whole number from 0 to {most}"))
        .and_then(|node| file.number(node, &format!("{key}.limit"), 0..=most));
    // After a finding the whole file is refused, so what stands in its place does not matter.
    let mode = mode.map_or(Some(Mode::Block), |node| {
        file.word(node, &format!("{key}.mode"), [("block", Mode::Block), ("warn", Mode::Warn)])
    });
    let fair_share = fair_share.is_some_and(|node| file.bool(node, &format!("{key}.fair_share")) == Some(true));
    Some(Rule { limit: limit?, mode: mode?, fair_share })
}
