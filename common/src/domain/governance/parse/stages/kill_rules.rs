//! `kill_rules` of a stage: what an item that has stopped living is looked at for.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::{REQUIREMENTS, group, requirement};
use crate::domain::{
    cluster::Place,
    governance::parse::file::{File, Names},
    id::{CriterionKey, KillRuleName, quoted},
    stage::{
        Requirement,
        kill::{KillAction, KillRule, MEASURED},
    },
    yaml::{Entry, Node},
};

/// What was read of a rule: itself, when all of it can be read, and what it looks at.
pub(super) struct Read {
    pub(super) rule: Option<KillRule>,
    place: Place,
    looks_at: Option<(Place, CriterionKey)>,
}

pub(super) fn rules(file: &mut File, node: &Node, groups: &Names) -> Vec<Read> {
    let entries = file.mapping(node, "kill_rules").unwrap_or_default();
    entries.iter().filter_map(|entry| rule(file, entry, groups)).collect()
}

fn rule(file: &mut File, entry: &Entry, groups: &Names) -> Option<Read> {
    let name: Option<KillRuleName> = file.parsed_key(entry, "kill_rules");
    let key = |field: &str| format!("kill_rules.{}.{field}", entry.key);
    let fields = file.mapping(&entry.value, &format!("kill_rules.{}", entry.key))?;
    let [when, action, grace, notify] = file.keys(fields, ["when", "action", "grace_days", "notify"]);
    let when = file.required(when, entry.place, &key("when"), "what holds when an item is looked at");
    let (looks_at, requirement) = when.map(|node| self::when(file, node, &key("when"))).unwrap_or_default();
    let words = KillAction::ALL.map(|action| (action.as_str(), action));
    let expected = words.map(|(word, _)| word).join(", ");
    let action = file.required(action, entry.place, &key("action"), &format!("one of {expected}"));
    let action = action.and_then(|node| file.word(node, &key("action"), words));
    // Nobody's work ends at once because a line was forgotten.
    let grace = file.required(grace, entry.place, &key("grace_days"), "a number of days; 0: at once");
    let grace = grace.and_then(|node| file.number(node, &key("grace_days"), 0..=365));
    let expected = "a list of groups";
    let notify = file.required(notify, entry.place, &key("notify"), expected).map(|node| {
        if node.sequence().is_some_and(<[Node]>::is_empty) {
            file.find(node.place, "value", &key("notify"), "an empty list".to_owned(), expected);
        }
        file.set(node, &key("notify"), expected, |file, item| group(file, item, &key("notify"), groups))
    });
    let rule = || {
        let when = (looks_at.as_ref()?.1.clone(), requirement?);
        let grace = SignedDuration::from_hours(24 * i64::from(grace?));
        Some(KillRule { name: name?, when, action: action?, grace, notify: notify?.into_iter().collect() })
    };
    Some(Read { rule: rule(), place: entry.place, looks_at })
}

fn when(file: &mut File, node: &Node, key: &str) -> (Option<(Place, CriterionKey)>, Option<Requirement>) {
    let Some(entries) = file.mapping(node, key) else { return (None, None) };
    let [entry] = entries else {
        file.find(node.place, "value", key, format!("{} keys", entries.len()), "one thing to look at");
        return (None, None);
    };
    let looks_at = file.parsed_key(entry, key).map(|name| (entry.place, name));
    let key = format!("{key}.{}", entry.key);
    let Some(fields) = file.mapping(&entry.value, &key) else { return (looks_at, None) };
    let wanted = file.keys(fields, REQUIREMENTS);
    (looks_at, requirement(file, entry.place, &key, wanted))
}

/// What can be told only of all rules of a pipeline together. A rule that looks at something that nobody gives would never hold. Reviews and
/// exceptions go by a rule's name, and an item keeps them from stage to stage: a name stands for one rule, in however many stages.
pub(super) fn together(file: &mut File, read: &[Read], criteria: impl IntoIterator<Item = String>) {
    let known: Names = Some(criteria.into_iter().chain(MEASURED.map(str::to_owned)).collect());
    let mut named: BTreeMap<&KillRuleName, &KillRule> = BTreeMap::new();
    for one in read {
        if let Some(rule) = &one.rule
            && *named.entry(&rule.name).or_insert(rule) != rule
        {
            let found = format!("{} a second time, with other words", quoted(rule.name.as_str(), 80));
            file.find(one.place, "duplicate", "kill_rules", found, "the same rule, or another name");
        }
        if let Some((place, key)) = &one.looks_at {
            let expected = "what a criterion of this pipeline asks for, or something that is measured";
            file.known(*place, "kill_rules.when", key.as_str(), expected, &known);
        }
    }
}
