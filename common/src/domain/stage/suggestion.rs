//! Which stage labels, branch and title of an issue or a pull request speak of. A suggestion, shown as such: it moves nothing and proves nothing,
//! for whoever may set a label or name a branch may say what they like there.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::pipeline::{Stage, StagePipeline};
use crate::domain::id::StageName;

/// What is read of an issue or a pull request: foreign text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Spoken<'s> {
    /// Its labels.
    pub labels: BTreeSet<&'s str>,
    /// The branch of a pull request.
    pub branch: Option<&'s str>,
    /// Its title.
    pub title: &'s str,
}

/// A stage, and what speaks of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suggestion {
    /// Which.
    pub stage: StageName,
    /// What.
    pub because: Because,
}

/// What speaks of a stage: each is believed before the one after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// A label `stage/<name>`.
    Label,
    /// The first part of the branch's name.
    Branch,
    /// A word of the title.
    Title,
}

/// Suggests. Where two stages are spoken of in the same way none is suggested by it: whoever must guess says nothing.
pub fn suggest(pipeline: &StagePipeline, spoken: &Spoken<'_>) -> Option<Suggestion> {
    let label =
        |stage: &Stage| spoken.labels.iter().any(|label| label.strip_prefix("stage/") == Some(stage.name.as_str()));
    let prefix = spoken.branch.and_then(|branch| branch.split(['/', '-', '_']).next()).unwrap_or_default();
    let branch = |stage: &Stage| stage.answers_to(prefix);
    let words: Vec<&str> = spoken.title.split(|one: char| !one.is_alphanumeric()).collect();
    let title = |stage: &Stage| words.iter().any(|word| stage.answers_to(word));
    let only = |of: &dyn Fn(&Stage) -> bool, because: Because| {
        let mut found = pipeline.stages.iter().filter(|stage| of(stage));
        match (found.next(), found.next()) {
            (Some(stage), None) => Some(Suggestion { stage: stage.name.clone(), because }),
            _ => None,
        }
    };
    only(&label, Because::Label).or_else(|| only(&branch, Because::Branch)).or_else(|| only(&title, Because::Title))
}

impl Stage {
    fn answers_to(&self, word: &str) -> bool {
        let same = |name: &str| name.eq_ignore_ascii_case(word);
        same(self.name.as_str()) || self.suggested_by.iter().any(|hint| same(hint))
    }
}
