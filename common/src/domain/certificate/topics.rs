//! What the topics of all clusters start with.
//!
//! Maestro's client library takes topics of five levels only: `sources/maestro/consumers/<consumer>/sourceevents`. An older form of four
//! levels, `maestro/consumers/<consumer>/…`, works with nothing that checks; it has to be asked for by name. Policies, configuration and
//! charts are made of the same value: in the system that this replaces they differed, and nothing was said.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::id::{IdError, quoted};

/// The prefix of all topics, without a slash at its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct TopicPrefix(String);

/// The prefix that has to be asked for by name.
const OLDER: &str = "maestro/consumers";

impl TopicPrefix {
    /// The prefix of Maestro's client library and the server's default source.
    pub fn standard() -> Self {
        Self("sources/maestro/consumers".to_owned())
    }

    /// The older prefix of four levels: for a broker's smoke test, and for a Maestro that was built before its client checked topics.
    pub fn older() -> Self {
        Self(OLDER.to_owned())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// `(lower)/(lower, digits, -)/(lower)`: the first three levels of what the client library takes.
fn is_standard(text: &str) -> bool {
    let levels: Vec<&str> = text.split('/').collect();
    let lower = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase());
    let name = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    text.len() <= 100
        && matches!(levels.as_slice(), [first, source, last] if lower(first) && name(source) && lower(last))
}

impl FromStr for TopicPrefix {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        match text {
            "older" => Ok(Self::older()),
            text if is_standard(text) => Ok(Self(text.to_owned())),
            text => Err(IdError {
                kind: "topic prefix",
                found: quoted(text, 80),
                expected: "three levels such as sources/maestro/consumers, or the word older for maestro/consumers",
            }),
        }
    }
}

impl TryFrom<String> for TopicPrefix {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        // What was written before is read again.
        if text == OLDER { Ok(Self::older()) } else { text.parse() }
    }
}

impl From<TopicPrefix> for String {
    fn from(prefix: TopicPrefix) -> String {
        prefix.0
    }
}

impl fmt::Display for TopicPrefix {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.0)
    }
}
