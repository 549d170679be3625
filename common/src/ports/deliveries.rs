//! What a source host says of the webhooks that it sent to us, and sending one again.

use std::{fmt, future::Future, str::FromStr};

use crate::{domain::sweep::Attempt, fault::Fault};

/// One page of attempts, the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempts {
    /// What stands on it.
    pub attempts: Vec<Attempt>,
    /// Where the next page begins; nothing after the last.
    pub next: Option<Cursor>,
}

/// A place in the host's list: an opaque word of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(String);

impl FromStr for Cursor {
    type Err = Fault;

    /// Foreign text that goes into a URL: only what needs no escape there.
    fn from_str(text: &str) -> Result<Self, Fault> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
        if (1..=200).contains(&text.len()) && text.bytes().all(plain) {
            return Ok(Self(text.to_owned()));
        }
        let found = crate::domain::id::quoted(text, 80);
        Err(Fault::bug(format!(
            "a cursor of the host's list: found {found}, expected 1 to 200 of letters, digits and -_.~"
        )))
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.0)
    }
}

/// The webhooks that a source host sent to us.
pub trait Deliveries: Sync {
    /// A page of the host's list; the first without a cursor. What in it cannot be read is left out, and logged: it hides nothing else.
    ///
    /// # Errors
    /// `Retry` when the host did not answer; `Bug` when it refuses us.
    fn attempts(&self, from: Option<&Cursor>) -> impl Future<Output = Result<Attempts, Fault>> + Send;

    /// Asks the host to make this attempt again: the same bytes under the same delivery id. It may be asked twice: intake knows both.
    ///
    /// # Errors
    /// `Reject` when the host does not do it (any more); `Retry` when it did not answer.
    fn redeliver(&self, attempt: u64) -> impl Future<Output = Result<(), Fault>> + Send;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_cannot_leave_its_place_in_the_url() {
        for good in ["v1_12077215967", "a-b.c~d", "7"] {
            assert_eq!(good.parse::<Cursor>().unwrap().to_string(), good);
        }
        for bad in ["", "a&per_page=1", "a%26b", "a b", "../x", "ü", &"a".repeat(201)] {
            assert!(bad.parse::<Cursor>().is_err(), "{bad:?}");
        }
    }
}
