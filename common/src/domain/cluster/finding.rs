//! What is wrong in a file, precisely enough to mend it: where, what was found, what was expected, the nearest valid name.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
