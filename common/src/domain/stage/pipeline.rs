//! A stage pipeline as its file says: stages in order, and what each asks for.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::{
    evidence::{Number, Source, Value},
    kill::KillRule,
};
use crate::domain::id::{CriterionKey, GroupName, StageName, StagePipelineName};

/// `stages/<name>.yaml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StagePipeline {
    /// Which.
    pub name: StagePipelineName,
    /// In order, each once; at least two.
    pub stages: Vec<Stage>,
    /// After how long an item that is parked is looked at again.
    pub parked_review: SignedDuration,
}

/// One stage. The gate from one stage to the next asks for the exit of the one and the entry of the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// Which.
    pub name: StageName,
    /// What must be so to come in.
    pub entry: Vec<Criterion>,
    /// What must be so, and be there, to go on.
    pub exit: Vec<Criterion>,
    /// Who looks before an item goes on.
    pub reviews: Vec<Review>,
    /// How long an item should stay at most; nothing for a stage that has no end.
    pub within: Option<SignedDuration>,
    /// What an item in this stage is looked at for, with a view to its end.
    pub kill_rules: Vec<KillRule>,
    /// Words of branches and titles that speak of this stage, beside its name.
    pub suggested_by: Vec<String>,
}

/// One thing that must be so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Criterion {
    /// Under which name evidence is given.
    pub key: CriterionKey,
    /// What the evidence must say.
    pub requirement: Requirement,
    /// Where it may come from.
    pub sources: BTreeSet<Source>,
    /// Whose word counts, where an attestation may give it.
    pub attested_by: BTreeSet<GroupName>,
    /// How old the evidence may be; nothing: as old as it likes.
    pub fresh_for: Option<SignedDuration>,
    /// What counts in a file, where one may give it; nothing: that something is in it, or what its first line says.
    pub measure: Option<Measure>,
    /// Only when one of these is so. What is not known might be so: then it is asked for. Nothing: always.
    pub when: Vec<Condition>,
}

/// Something that evidence says.
pub type Condition = (CriterionKey, Requirement);

/// What counts in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Measure {
    /// How many characters it has, blanks around it aside.
    Characters,
    /// How many tasks of its Markdown lists are not done.
    Unchecked,
    /// Whether each of these sections of a Markdown document has something in it.
    Sections(Vec<String>),
    /// The colour of a Markdown checklist with these sections: green, yellow or red.
    Checklist(Vec<String>),
}

/// What a value must be. Its type is a part of it: `"61"` is not more than 60.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Requirement {
    /// This truth value.
    Is(bool),
    /// A number that compares so.
    Number(Comparison, Number),
    /// One of these texts.
    OneOf(BTreeSet<String>),
}

/// How numbers compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Comparison {
    /// `>=`
    AtLeast,
    /// `>`
    MoreThan,
    /// `<=`
    AtMost,
    /// `<`
    LessThan,
    /// `==`
    Equal,
}

/// Who must approve before an item goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// Whose approval.
    pub group: GroupName,
    /// How many of them; nothing: every one.
    pub at_least: Option<u32>,
    /// Only when this evidence is so. When there is no such evidence, it is needed: fail closed.
    pub when: Option<Condition>,
    /// Whether it falls away while nobody is in the group.
    pub if_any: bool,
}

impl StagePipeline {
    /// The place of a stage.
    pub fn position(&self, name: &StageName) -> Option<usize> {
        self.stages.iter().position(|stage| stage.name == *name)
    }

    /// A stage.
    pub fn stage(&self, name: &StageName) -> Option<&Stage> {
        self.stages.iter().find(|stage| stage.name == *name)
    }
}

impl Criterion {
    /// What the evidence must say, for a sentence.
    pub fn words(&self) -> String {
        let words = self.requirement.words();
        match &self.measure {
            Some(Measure::Sections(sections)) => format!("{words}: something in each of {}", sections.join(", ")),
            _ => words,
        }
    }
}

impl Requirement {
    /// Whether a value is so. `None`: it is of another type.
    pub fn holds(&self, value: &Value) -> Option<bool> {
        match (self, value) {
            (Self::Is(wanted), Value::Bool(found)) => Some(wanted == found),
            (Self::Number(comparison, bound), Value::Number(found)) => Some(comparison.holds(*found, *bound)),
            (Self::OneOf(words), Value::Text(found)) => Some(words.contains(found)),
            _ => None,
        }
    }

    /// The type of value, for a sentence.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Is(_) => "true or false",
            Self::Number(..) => "a number",
            Self::OneOf(_) => "a text",
        }
    }

    /// For a sentence: `more than 60`.
    pub fn words(&self) -> String {
        match self {
            Self::Is(wanted) => wanted.to_string(),
            Self::Number(comparison, bound) => format!("{} {bound}", comparison.words()),
            Self::OneOf(words) => words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(" or "),
        }
    }
}

impl Comparison {
    /// Whether `found` compares so with `bound`.
    pub fn holds(self, found: Number, bound: Number) -> bool {
        match self {
            Self::AtLeast => found >= bound,
            Self::MoreThan => found > bound,
            Self::AtMost => found <= bound,
            Self::LessThan => found < bound,
            Self::Equal => found == bound,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::AtLeast => "at least",
            Self::MoreThan => "more than",
            Self::AtMost => "at most",
            Self::LessThan => "less than",
            Self::Equal => "exactly",
        }
    }
}
