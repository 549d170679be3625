//! `stages/<name>.yaml`: one stage pipeline a file.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::{
    super::people::OF_THE_ITEM,
    file::{File, Names},
};
use crate::domain::{
    cluster::{Finding, Place},
    id::{GroupName, StageName, StagePipelineName, quoted},
    stage::{Comparison, Condition, Criterion, Requirement, Review, Source, Stage, StagePipeline},
    yaml::{Entry, Node, Scalar, ScalarKind, Value},
};

mod kill_rules;
mod measured;

const DAYS: std::ops::RangeInclusive<u32> = 1..=3_650;

pub(super) fn pipeline(
    file: &mut File,
    entries: &[Entry],
    name: StagePipelineName,
    groups: &Names,
) -> Option<StagePipeline> {
    let [parked, stages] = file.keys(entries, ["parked_review_days", "stages"]);
    let parked = file.required(parked, Place::START, "parked_review_days", "a number of days");
    let parked = parked.and_then(|node| days(file, node, "parked_review_days"));
    let list = file.required(stages, Place::START, "stages", "a list of stages")?;
    let Some(items) = list.sequence().filter(|items| items.len() >= 2) else {
        file.find(list.place, "value", "stages", list.found(), "a list of two stages or more");
        return None;
    };
    let mut stages: Vec<Stage> = Vec::new();
    let mut rules = Vec::new();
    for item in items {
        let Some((stage, of_stage)) = stage(file, item, groups) else { continue };
        rules.extend(of_stage);
        if stages.iter().any(|other| other.name == stage.name) {
            file.find(
                item.place,
                "duplicate",
                "name",
                format!("{} a second time", quoted(stage.name.as_str(), 80)),
                "each stage once",
            );
        }
        stages.push(stage);
    }
    let criteria = items
        .iter()
        .filter_map(Node::mapping)
        .flatten()
        .filter(|entry| ["entry", "exit"].contains(&entry.key.as_str()));
    let criteria =
        criteria.filter_map(|section| section.value.mapping()).flatten().map(|criterion| criterion.key.clone());
    kill_rules::together(file, &rules, criteria);
    Some(StagePipeline { name, stages, parked_review: parked? })
}

fn days(file: &mut File, node: &Node, key: &str) -> Option<SignedDuration> {
    file.number(node, key, DAYS).map(|days| SignedDuration::from_hours(24 * i64::from(days)))
}

fn stage(file: &mut File, item: &Node, groups: &Names) -> Option<(Stage, Vec<kill_rules::Read>)> {
    let entries = file.mapping(item, "stages")?;
    let [name, within, entry, exit, reviews, rules, hints] =
        file.keys(entries, ["name", "within_days", "entry", "exit", "reviews", "kill_rules", "suggested_by"]);
    let name = file.required(name, item.place, "name", "the stage's name");
    let name: Option<StageName> = name.and_then(|node| file.parsed(node, "name"));
    // Misspelt is not absent: what cannot be read refuses the file.
    let within = within.and_then(|node| days(file, node, "within_days"));
    let asked: Vec<&str> = exit.and_then(Node::mapping).into_iter().flatten().map(|entry| entry.key.as_str()).collect();
    // Before a stage nobody asks for what its exit asks for.
    let entry = entry.map(|node| criteria(file, node, "entry", groups, &[])).unwrap_or_default();
    let exit = exit.map(|node| criteria(file, node, "exit", groups, &asked)).unwrap_or_default();
    let reviews = reviews.map(|node| self::reviews(file, node, groups, &asked)).unwrap_or_default();
    let rules = rules.map(|node| kill_rules::rules(file, node, groups)).unwrap_or_default();
    let kill_rules = rules.iter().filter_map(|read| read.rule.clone()).collect();
    let suggested_by = hints.map_or(Some(Vec::new()), |node| words(file, node))?;
    Some((Stage { name: name?, entry, exit, reviews, within, kill_rules, suggested_by }, rules))
}

/// Words that speak of a stage: each one word, as it stands before the first `/`, `-` or `_` of a branch.
fn words(file: &mut File, node: &Node) -> Option<Vec<String>> {
    let word = |item: &Node| {
        item.text()
            .filter(|text| (1..=32).contains(&text.len()) && text.bytes().all(|one| one.is_ascii_alphanumeric()))
            .map(str::to_owned)
    };
    let words = node.sequence().and_then(|items| items.iter().map(word).collect());
    if words.is_none() {
        file.find(node.place, "value", "suggested_by", node.found(), "a list of words of a-z and 0-9");
    }
    words
}

fn criteria(file: &mut File, node: &Node, key: &str, groups: &Names, asked: &[&str]) -> Vec<Criterion> {
    let entries = file.mapping(node, key).unwrap_or_default();
    entries.iter().filter_map(|entry| criterion(file, entry, key, groups, asked)).collect()
}

fn criterion(file: &mut File, entry: &Entry, section: &str, groups: &Names, asked: &[&str]) -> Option<Criterion> {
    let name = file.parsed_key(entry, section);
    let key = |field: &str| format!("{section}.{}.{field}", entry.key);
    let fields = file.mapping(&entry.value, &format!("{section}.{}", entry.key))?;
    let [is, at_least, more_than, at_most, less_than, equals, one_of, from, by, fresh, measure, sections, when] = file
        .keys(
            fields,
            [
                "is",
                "at_least",
                "more_than",
                "at_most",
                "less_than",
                "equals",
                "one_of",
                "from",
                "by",
                "fresh_days",
                "measure",
                "sections",
                "when",
            ],
        );
    let place = entry.place;
    let wanted = [is, at_least, more_than, at_most, less_than, equals, one_of];
    let requirement = requirement(file, place, &format!("{section}.{}", entry.key), wanted);
    let words = Source::ALL.map(|source| (source.as_str(), source));
    let expected = "a list of check_run, merged_pull_request, artifact, attestation, idea_ledger";
    let sources = file.required(from, place, &key("from"), expected).map(|node| {
        let sources = file.set(node, &key("from"), expected, |file, item| file.word(item, &key("from"), words));
        if node.sequence().is_some_and(<[Node]>::is_empty) {
            file.find(node.place, "value", &key("from"), "an empty list".to_owned(), expected);
        }
        sources
    });
    let attested = sources.as_ref().is_some_and(|sources| sources.contains(&Source::Attestation));
    let attested_by = match by {
        Some(node) if attested => {
            file.set(node, &key("by"), "a list of groups", |file, item| group(file, item, &key("by"), groups))
        }
        Some(node) => {
            file.find(node.place, "value", &key("by"), node.found(), "no by: nobody attests this");
            BTreeSet::new()
        }
        None => BTreeSet::new(),
    };
    if attested && by.is_none() {
        file.find(place, "missing-key", &key("by"), "nothing".to_owned(), "the groups whose word counts");
    }
    let fresh_for = fresh.and_then(|node| days(file, node, &key("fresh_days")));
    let files = sources.as_ref().is_some_and(|sources| sources.contains(&Source::Artifact));
    let measure = measured::measure(file, (place, &key), (measure, sections), requirement.as_ref().filter(|_| files))?;
    let when = when.map_or(Some(Vec::new()), |node| conditions(file, node, &key("when"), asked))?;
    let (key, requirement, sources) = (name?, requirement?, sources?);
    Some(Criterion { key, requirement, sources, attested_by, fresh_for, measure, when })
}

/// What evidence says, each by its name; `asked`: what the stage asks for, of which a condition may speak: other evidence nobody judges.
fn conditions(file: &mut File, node: &Node, key: &str, asked: &[&str]) -> Option<Vec<Condition>> {
    let entries = file.mapping(node, key)?;
    if entries.is_empty() {
        file.find(node.place, "value", key, node.found(), "at least one piece of evidence");
    }
    entries.iter().map(|entry| condition(file, entry, key, asked)).collect()
}

fn condition(file: &mut File, entry: &Entry, key: &str, asked: &[&str]) -> Option<Condition> {
    let name = file.parsed_key(entry, key);
    if !asked.contains(&entry.key.as_str()) {
        let expected = "something that exit of this stage asks for";
        let finding = Finding::error(&file.name, entry.place, "unknown-name", quoted(&entry.key, 80), expected);
        file.findings.push(finding.key(key).nearest(&entry.key, asked.iter().copied()));
    }
    let fields = file.mapping(&entry.value, key)?;
    let wanted = file.keys(fields, REQUIREMENTS);
    Some((name?, requirement(file, entry.place, key, wanted)?))
}

const REQUIREMENTS: [&str; 7] = ["is", "at_least", "more_than", "at_most", "less_than", "equals", "one_of"];

/// What a value must be, said in exactly one way. The nodes are those of [`REQUIREMENTS`], in their order.
fn requirement(file: &mut File, place: Place, key: &str, wanted: [Option<&Node>; 7]) -> Option<Requirement> {
    let mut said = REQUIREMENTS.into_iter().zip(wanted).filter_map(|(word, node)| node.map(|node| (word, node)));
    let (Some((word, node)), None) = (said.next(), said.next()) else {
        let found = if wanted.iter().any(Option::is_some) { "more than one" } else { "none" };
        file.find(place, "missing-key", key, found.to_owned(), &format!("one of {}", REQUIREMENTS.join(", ")));
        return None;
    };
    let key = format!("{key}.{word}");
    let comparison = match word {
        "is" => return file.bool(node, &key).map(Requirement::Is),
        "at_least" => Comparison::AtLeast,
        "more_than" => Comparison::MoreThan,
        "at_most" => Comparison::AtMost,
        "less_than" => Comparison::LessThan,
        "equals" => Comparison::Equal,
        _ => {
            let words = file.set(node, &key, "a list of texts", |file, item| {
                if item.text().is_none() {
                    file.find(item.place, "value", &key, item.found(), "a text");
                }
                item.text().map(str::to_owned)
            });
            return Some(Requirement::OneOf(words));
        }
    };
    let number = match &node.value {
        Value::Scalar(Scalar { text, kind: ScalarKind::Int | ScalarKind::Float }) => text.parse().ok(),
        _ => None,
    };
    if number.is_none() {
        file.find(node.place, "value", &key, node.found(), "a number with at most three places after the point");
    }
    number.map(|number| Requirement::Number(comparison, number))
}

fn reviews(file: &mut File, node: &Node, groups: &Names, asked: &[&str]) -> Vec<Review> {
    let Some(items) = node.sequence() else {
        file.find(node.place, "value", "reviews", node.found(), "a list of reviews");
        return Vec::new();
    };
    items.iter().filter_map(|item| review(file, item, groups, asked)).collect()
}

/// A review. `asked`: what the stage's exit asks for, of which a condition may speak: other evidence nobody judges.
fn review(file: &mut File, item: &Node, groups: &Names, asked: &[&str]) -> Option<Review> {
    let entries = file.mapping(item, "reviews")?;
    let [group, at_least, unanimous, when, if_any] =
        file.keys(entries, ["group", "at_least", "unanimous", "when", "if_any"]);
    let group = file.required(group, item.place, "reviews.group", "a group");
    let group = group.and_then(|node| self::group(file, node, "reviews.group", groups));
    let unanimous = unanimous.is_some_and(|node| file.bool(node, "reviews.unanimous") == Some(true));
    if unanimous == at_least.is_some() {
        let found = if unanimous { "both" } else { "neither" };
        let expected = "either at_least: a number, or unanimous: true";
        file.find(item.place, "value", "reviews.at_least", found.to_owned(), expected);
    }
    let at_least = at_least.map(|node| file.number(node, "reviews.at_least", 1..=20));
    let when = when.map(|node| {
        let entries = file.mapping(node, "reviews.when")?;
        let [entry] = entries else {
            file.find(node.place, "value", "reviews.when", format!("{} keys", entries.len()), "one piece of evidence");
            return None;
        };
        condition(file, entry, "reviews.when", asked)
    });
    let if_any = if_any.is_some_and(|node| file.bool(node, "reviews.if_any") == Some(true));
    let (at_least, when) =
        (at_least.map_or(Some(None), |number| number.map(Some))?, when.map_or(Some(None), |when| when.map(Some))?);
    Some(Review { group: group?, at_least, when, if_any })
}

/// A group: of the item, or one that `people.yaml` puts somebody in. A misspelt one would have nobody, and stop every item.
fn group(file: &mut File, node: &Node, key: &str, groups: &Names) -> Option<GroupName> {
    let group: GroupName = file.parsed(node, key)?;
    if !OF_THE_ITEM.contains(&group.as_str()) {
        file.known(node.place, key, group.as_str(), "owner, pod-lead, pod, or a group of people.yaml", groups);
    }
    Some(group)
}

/// The name of a pipeline from that of its file.
pub(super) fn name_of(file: &str) -> Option<Result<StagePipelineName, Finding>> {
    let stem = file.strip_prefix("stages/")?;
    let name = stem.strip_suffix(".yaml").and_then(|stem| stem.parse().ok());
    Some(name.ok_or_else(|| {
        let expected = "stages/<name>.yaml with a name of 1 to 32 of a-z, 0-9 and '-'";
        Finding::error(file, Place::START, "file-name", quoted(file, 80), expected)
    }))
}
