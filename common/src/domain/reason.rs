//! Why a person does something that others will ask about: enough words for somebody who reads them in a month.

use serde::Deserialize;

use super::id::is_hidden;

/// The fewest characters of a reason, blanks around it aside.
pub const SHORTEST: usize = 15;

/// The most: it stands in the row, in events and in a message to people.
pub const LONGEST: usize = 500;

/// One line of text that shows all it says. Whoever renders it escapes it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Reason(String);

impl TryFrom<String> for Reason {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let text = text.trim();
        let length = text.chars().count();
        if !(SHORTEST..=LONGEST).contains(&length) {
            return Err(format!("found {length} characters, expected a reason of {SHORTEST} to {LONGEST}"));
        }
        if text.chars().any(is_hidden) {
            return Err("found a character that does not show, expected one line of plain text".to_owned());
        }
        Ok(Self(text.to_owned()))
    }
}

impl From<Reason> for String {
    fn from(reason: Reason) -> Self {
        reason.0
    }
}
