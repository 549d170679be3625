//! Evidence that nobody's word gives: what check runs, files and pull requests say about an item, at the commit that it is about now.
//!
//! | source | where | true or false | number | text |
//! |---|---|---|---|---|
//! | check run | named as the criterion | whether it succeeded | the first word of its title | its title |
//! | file | `.penstock/<item>/<criterion>.<anything>` | whether anything is in it | what `measure` counts, or its first line | its first line |
//! | merged pull request | the one that the item is linked to | whether it was merged | | |
//! | idea ledger | the idea that was promoted to the item | `idea_ledger_entry`, `problem_statement_exists`, `hypothesis_defined` | | |
//!
//! Who writes check runs or files of a repository can say what they like there: that is why a repository's items are of the pod that
//! `repositories.yaml` names, and why reviews stand beside criteria.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    document,
    evidence::{Evidence, Number, Provenance, Source, Value},
    kill::MEASURED,
    pipeline::{Measure, Requirement, StagePipeline},
};
use crate::domain::{
    id::{CommitSha, CriterionKey, Digest, ItemId, RepositoryId, StageName},
    idea::{Idea, IdeaState},
    wip::ItemType,
};

/// Where an item lives on a source host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// In which repository.
    pub repository: RepositoryId,
    /// The issue that describes it, by number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issue: Option<u64>,
    /// The pull request that brings it, by number. While it is open, its head is the commit that the item is about; without one, or once it is
    /// closed, that is the head of the repository's default branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<u64>,
    /// Whether the issue put the item aside: then the issue brings it back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub aside: bool,
}

impl Link {
    /// The issue or the pull request that the item was made of, by number: what becomes of that becomes of the item. Other items only name a
    /// pull request as the one that brings them.
    pub fn origin(&self, item_type: ItemType) -> Option<u64> {
        self.issue.or(self.change.filter(|_| item_type == ItemType::PullRequest))
    }
}

/// A check run as its host shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckSeen {
    /// Its name.
    pub name: String,
    /// How it ended; nothing while it runs.
    pub success: Option<bool>,
    /// Its title. Foreign text.
    pub title: Option<String>,
    /// When it ended.
    pub at: Option<Timestamp>,
}

/// One thing that is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Under which name.
    pub key: CriterionKey,
    /// What it must be: its type says how it is read.
    pub requirement: Requirement,
    /// What counts in a file.
    pub measure: Option<Measure>,
    /// Where it may come from.
    pub sources: BTreeSet<Source>,
}

/// What is looked for when an item in this stage is judged: what the gates on both sides of the stage ask for, and what its kill rules look at.
pub fn wanted(pipeline: &StagePipeline, stage: &StageName) -> Vec<Wanted> {
    let Some(place) = pipeline.position(stage) else { return Vec::new() };
    let here = pipeline.stages.get(place);
    let next = pipeline.stages.get(place + 1);
    let criteria = here
        .into_iter()
        .flat_map(|stage| stage.entry.iter().chain(&stage.exit))
        .chain(next.into_iter().flat_map(|stage| &stage.entry));
    let mut wanted: BTreeMap<CriterionKey, Wanted> = BTreeMap::new();
    for criterion in criteria {
        let sources: BTreeSet<Source> =
            criterion.sources.iter().copied().filter(|source| *source != Source::Attestation).collect();
        if sources.is_empty() {
            continue;
        }
        wanted.entry(criterion.key.clone()).or_insert_with(|| Wanted {
            key: criterion.key.clone(),
            requirement: criterion.requirement.clone(),
            measure: criterion.measure.clone(),
            sources,
        });
    }
    for rule in here.into_iter().flat_map(|stage| &stage.kill_rules) {
        let (key, requirement) = &rule.when;
        if MEASURED.contains(&key.as_str()) {
            let (requirement, sources) = (requirement.clone(), [Source::CheckRun].into());
            let one = Wanted { key: key.clone(), requirement, measure: None, sources };
            wanted.entry(key.clone()).or_insert(one);
        }
    }
    wanted.into_values().collect()
}

/// The directory of an item's files.
pub fn directory(item: &ItemId) -> String {
    format!(".penstock/{item}")
}

/// What a path below the item's directory is evidence for, when its name is that of a criterion.
pub fn criterion_of(path: &str, item: &ItemId) -> Option<CriterionKey> {
    let name = path.strip_prefix(&directory(item))?.strip_prefix('/')?;
    let stem = name.split_once('.').map_or(name, |(stem, _)| stem);
    (!name.contains('/')).then(|| stem.parse().ok()).flatten()
}

/// What check runs say of one thing. Several of a name must say the same, else nothing is known: whoever adds a second may not better the
/// first.
pub fn from_checks(wanted: &Wanted, checks: &[CheckSeen], head: &CommitSha) -> Option<Evidence> {
    let named: Vec<&CheckSeen> = checks.iter().filter(|check| check.name == wanted.key.as_str()).collect();
    let says = |check: &&CheckSeen| -> Option<(Value, Timestamp)> {
        let (success, at) = (check.success?, check.at?);
        let title = check.title.as_deref().unwrap_or_default().trim();
        let value = match &wanted.requirement {
            Requirement::Is(_) => Value::Bool(success),
            Requirement::Number(..) => number_or_text(title.split_whitespace().next().unwrap_or_default()),
            Requirement::OneOf(_) => Value::Text(short(title)),
        };
        Some((value, at))
    };
    let values: Vec<(Value, Timestamp)> = named.iter().map(says).collect::<Option<_>>()?;
    let (value, _) = values.first()?.clone();
    if values.iter().any(|(other, _)| *other != value) {
        return None;
    }
    let at = values.iter().map(|(_, at)| *at).max()?;
    let provenance = Provenance::CheckRun { name: wanted.key.to_string() };
    Some(Evidence { value, provenance, head: Some(head.clone()), at })
}

/// What a file says of one thing, read now.
pub fn from_file(wanted: &Wanted, content: &[u8], head: &CommitSha, now: Timestamp) -> Evidence {
    let text = String::from_utf8_lossy(content);
    let first = || text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let value = match (&wanted.requirement, &wanted.measure) {
        (_, Some(measure)) => measure.of(&text),
        (Requirement::Is(_), None) => Value::Bool(!text.trim().is_empty()),
        (Requirement::Number(..), None) => number_or_text(first()),
        (Requirement::OneOf(_), None) => Value::Text(short(first())),
    };
    let provenance = Provenance::Artifact { digest: Digest::of(content) };
    Evidence { value, provenance, head: Some(head.clone()), at: now }
}

/// What a pull request says of one thing: that it was merged, or was not.
pub fn from_change(repository: RepositoryId, number: u64, merged: bool, head: &CommitSha, now: Timestamp) -> Evidence {
    let provenance = Provenance::MergedPullRequest { repository, number };
    Evidence { value: Value::Bool(merged), provenance, head: Some(head.clone()), at: now }
}

/// What the idea ledger says of one thing: that somebody wrote it down there, and that it was promoted to this item by whoever may make items of
/// its pod. An idea that only has the item's id proves nothing: anybody who works may add one. The grades of an idea are whoever gave them; a
/// gate that asks for one asks for somebody's word.
pub fn from_idea(wanted: &Wanted, idea: &Idea) -> Option<Evidence> {
    if !matches!(idea.state, IdeaState::Promoted { .. }) {
        return None;
    }
    let there = ["idea_ledger_entry", "problem_statement_exists", "hypothesis_defined"];
    if !matches!(wanted.requirement, Requirement::Is(_)) || !there.contains(&wanted.key.as_str()) {
        return None;
    }
    let provenance = Provenance::IdeaLedger { by: idea.by.clone() };
    Some(Evidence { value: Value::Bool(true), provenance, head: None, at: idea.at })
}

/// Of what two sources say of one thing, what keeps the item: none may better another. The first, when neither does.
pub fn worse(wanted: &Wanted, one: Evidence, other: Evidence) -> Evidence {
    if wanted.requirement.holds(&one.value) == Some(true) { other } else { one }
}

fn number_or_text(word: &str) -> Value {
    // What a person writes behind a number: `61.4%`, `61.4 %`.
    let digits = word.trim_end_matches('%');
    digits.parse().map_or_else(|_| Value::Text(short(word)), Value::Number)
}

/// Foreign text, short enough to stand in a row.
fn short(text: &str) -> String {
    text.chars().take(200).collect()
}

impl Measure {
    fn of(&self, text: &str) -> Value {
        let number = |count: usize| Value::Number(Number::whole(i64::try_from(count).unwrap_or(i64::MAX)));
        match self {
            Self::Characters => number(text.trim().chars().count()),
            Self::Unchecked => number(document::undone(text)),
            Self::Sections(sections) => Value::Bool(document::lacking(text, sections).is_empty()),
            Self::Checklist(sections) => Value::Text(document::colour(text, sections).to_owned()),
        }
    }
}
