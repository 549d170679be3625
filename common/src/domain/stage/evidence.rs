//! Evidence: a typed value, where it came from, and for which head.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::id::{CommitSha, Digest, PersonName, RepositoryId};

/// What evidence says. JSON's own types: a text that looks like a number is a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// True or false.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text.
    Text(String),
}

/// A decimal number with three places: what people and check runs measure, without the surprises of binary fractions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "serde_json::Number", into = "serde_json::Number")]
pub struct Number {
    thousandths: i64,
}

/// Where evidence may come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A check run of the source host.
    CheckRun,
    /// A pull request that was merged.
    MergedPullRequest,
    /// A file, by its digest.
    Artifact,
    /// Somebody's word.
    Attestation,
    /// The idea ledger.
    IdeaLedger,
}

/// Where one piece of evidence came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "source", rename_all = "snake_case")]
pub enum Provenance {
    /// A check run, by its name.
    CheckRun {
        /// Its name.
        name: String,
    },
    /// A merged pull request.
    MergedPullRequest {
        /// Of which repository.
        repository: RepositoryId,
        /// Which.
        number: u64,
    },
    /// A file.
    Artifact {
        /// Its sha256.
        digest: Digest,
    },
    /// Somebody's word.
    Attestation {
        /// Whose.
        by: PersonName,
    },
    /// The idea that the item was, in the ledger.
    IdeaLedger {
        /// Whose idea it was.
        by: PersonName,
    },
}

/// One piece of evidence, as it was read at its source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// What it says.
    pub value: Value,
    /// Where it came from.
    pub provenance: Provenance,
    /// The commit that it speaks of. What speaks of no commit is good for every one: only an attestation may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<CommitSha>,
    /// When it was so.
    pub at: Timestamp,
}

impl Number {
    /// A whole number. What is beyond the greatest is the greatest.
    pub fn whole(whole: i64) -> Self {
        let most = 1_000_000_000_000_000;
        Self { thousandths: whole.saturating_mul(1_000).clamp(-most, most) }
    }

    /// So many thousandths.
    pub(crate) fn of_thousandths(thousandths: i64) -> Self {
        Self { thousandths }
    }
}

impl Provenance {
    /// What kind of source it is.
    pub fn source(&self) -> Source {
        match self {
            Self::CheckRun { .. } => Source::CheckRun,
            Self::MergedPullRequest { .. } => Source::MergedPullRequest,
            Self::Artifact { .. } => Source::Artifact,
            Self::Attestation { .. } => Source::Attestation,
            Self::IdeaLedger { .. } => Source::IdeaLedger,
        }
    }
}

impl Source {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::CheckRun, Self::MergedPullRequest, Self::Artifact, Self::Attestation, Self::IdeaLedger];

    /// As it is written in a file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CheckRun => "check_run",
            Self::MergedPullRequest => "merged_pull_request",
            Self::Artifact => "artifact",
            Self::Attestation => "attestation",
            Self::IdeaLedger => "idea_ledger",
        }
    }

    /// For a sentence.
    pub fn words(self) -> &'static str {
        match self {
            Self::CheckRun => "a check run",
            Self::MergedPullRequest => "a merged pull request",
            Self::Artifact => "a file",
            Self::Attestation => "somebody's word",
            Self::IdeaLedger => "the idea ledger",
        }
    }
}

impl Value {
    /// What it is, for a sentence: `"61" (a text)`.
    pub fn found(&self) -> String {
        match self {
            Self::Bool(value) => format!("{value} (true or false)"),
            Self::Number(value) => format!("{value} (a number)"),
            Self::Text(value) => format!("{} (a text)", crate::domain::id::quoted(value, 80)),
        }
    }
}

/// A number that is too large, or not a number, for three places.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not a number between -10^12 and 10^12 with at most three places after the point")]
pub struct NotANumber(String);

impl TryFrom<serde_json::Number> for Number {
    type Error = NotANumber;
    fn try_from(number: serde_json::Number) -> Result<Self, NotANumber> {
        number.to_string().parse()
    }
}

impl From<Number> for serde_json::Number {
    fn from(number: Number) -> Self {
        // Within the bounds both are exact to three places; a whole number stays one.
        if number.thousandths % 1_000 == 0 {
            return Self::from(number.thousandths / 1_000);
        }
        Self::from_f64(number.thousandths as f64 / 1_000.0).unwrap_or_else(|| Self::from(number.thousandths / 1_000))
    }
}

impl std::str::FromStr for Number {
    type Err = NotANumber;
    fn from_str(text: &str) -> Result<Self, NotANumber> {
        let wrong = || NotANumber(crate::domain::id::quoted(text, 40));
        let (minus, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !plain(whole) || !plain(fraction) || whole.len() > 12 || fraction.len() > 3 {
            return Err(wrong());
        }
        let whole: i64 = whole.parse().map_err(|_| wrong())?;
        let places: i64 = format!("{fraction:0<3}").parse().map_err(|_| wrong())?;
        let thousandths = whole * 1_000 + places;
        Ok(Self { thousandths: if minus { -thousandths } else { thousandths } })
    }
}

impl fmt::Display for Number {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.thousandths < 0 { "-" } else { "" };
        let (whole, places) = (self.thousandths.unsigned_abs() / 1_000, self.thousandths.unsigned_abs() % 1_000);
        let text = format!("{sign}{whole}.{places:03}");
        to.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}
