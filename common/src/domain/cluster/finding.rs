//! What is wrong in a file, precisely enough to mend it: where, what was found, what was expected, the nearest valid name.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::id::quoted;

/// A place in a text: line and column, both from 1, the column in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
}

impl Place {
    /// The start of a file: for findings about the whole of it.
    pub const START: Self = Self { line: 1, column: 1 };
}

/// A path as a sentence may show it: itself when it is plain, else escaped and cut.
pub fn shown(path: &str) -> String {
    let plain =
        !path.is_empty() && path.len() <= 300 && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if plain { path.to_owned() } else { quoted(path, 300) }
}

/// The valid name closest to what was found; nothing when none is close enough to be meant.
///
/// A name with anything but printable ASCII is not offered: names of a file that is still being read are foreign text.
///
/// ```
/// use common::domain::cluster::nearest;
/// assert_eq!(nearest("adda", ["bob", "ada"]).as_deref(), Some("ada"));
/// assert_eq!(nearest("ada", ["\u{202e}ada"]), None);
/// ```
pub fn nearest<'a>(found: &str, names: impl IntoIterator<Item = &'a str>) -> Option<String> {
    // A name far longer than any of ours cannot be meant, and the distance is quadratic in the length.
    if found.len() > 128 {
        return None;
    }
    let lower = found.to_ascii_lowercase();
    let (distance, name) = names
        .into_iter()
        .filter(|name| name.bytes().all(|byte| matches!(byte, b' '..=b'~')))
        .map(|name| (strsim::osa_distance(&lower, name), name))
        .min_by_key(|(distance, _)| *distance)?;
    (distance <= 1 + name.len() / 4 && distance < name.len()).then(|| name.to_owned())
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The cluster is left as it is until the file is mended.
    Error,
    /// The cluster is provisioned; somebody should look.
    Warning,
}

/// One finding in one file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// The file, as it stands in the repository (escaped when it is not plain ASCII).
    pub path: String,
    /// Line, from 1; 1 when the finding is about the whole file.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// Error or warning.
    pub severity: Severity,
    /// The rule's short name, stable for tests and filters: `account-id`, `unknown-key`, `path`.
    pub rule: String,
    /// The key it is about, when there is one: `terraform_vars.cost_center`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What was found, escaped and cut.
    pub found: String,
    /// What was expected.
    pub expected: String,
    /// The valid name closest to what was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nearest: Option<String>,
}

impl Finding {
    /// An error at a place of a file. `path` is escaped here, `found` must be safe already ([`quoted`] or our own words).
    pub fn error(path: &str, place: Place, rule: &str, found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self {
            path: shown(path),
            line: place.line,
            column: place.column,
            severity: Severity::Error,
            rule: rule.to_owned(),
            key: None,
            found: found.into(),
            expected: expected.into(),
            nearest: None,
        }
    }

    /// The same as a warning.
    pub fn warning(
        path: &str,
        place: Place,
        rule: &str,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        Self { severity: Severity::Warning, ..Self::error(path, place, rule, found, expected) }
    }

    /// About this key.
    pub fn key(self, key: impl Into<String>) -> Self {
        Self { key: Some(key.into()), ..self }
    }

    /// With the closest of the valid names, when one is close.
    pub fn nearest<'a>(self, found: &str, names: impl IntoIterator<Item = &'a str>) -> Self {
        Self { nearest: nearest(found, names), ..self }
    }

    /// The sentence without the place: `account_id: found "12345", expected 12 digits, in quotes`.
    pub fn message(&self) -> String {
        let mut text = String::new();
        if let Some(key) = &self.key {
            text.push_str(key);
            text.push_str(": ");
        }
        text.push_str(&format!("found {}, expected {}", self.found, self.expected));
        if let Some(nearest) = &self.nearest {
            text.push_str(&format!("; did you mean {nearest}?"));
        }
        text
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(to, "{}:{}:{}: {severity}: {}", self.path, self.line, self.column, self.message())
    }
}
