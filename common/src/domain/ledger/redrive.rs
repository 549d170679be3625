//! What becomes of a message in a dead-letter queue: sent again, removed because it was done since, or left because it would fail again.

use std::fmt;

use jiff::Timestamp;

use super::{Happening, Notes, REASON};
use crate::domain::id::inert;

/// The message attribute that marks a message as sent again.
pub const MARK: &str = "redriven";

/// What is to be done with a parked message, with the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a fate that nobody carries out moves no message"]
pub enum Fate {
    /// To its function's queue again: whatever it did before, it does once.
    Send,
    /// The function has processed the same event since this message was sent: another copy came through, or a redrive ended half-way.
    Remove {
        /// When.
        processed_at: Timestamp,
    },
    /// No function of ours could read it: it would come back.
    Leave {
        /// What is wrong with it.
        reason: String,
    },
}

impl fmt::Display for Fate {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send => to.write_str("sent again"),
            Self::Remove { processed_at } => write!(to, "removed: processed at {processed_at}, after it was sent"),
            Self::Leave { reason } => write!(to, "left: {reason}"),
        }
    }
}

/// Decides over a message: whether it can be read (if not, what is wrong with it), what is noted of it at its function, when it was sent.
///
/// An event that was processed *before* this message was sent is sent again all the same: then it is a replay, which asks for just that.
pub fn fate(readable: Result<(), String>, notes: &Notes, sent_at: Option<Timestamp>) -> Fate {
    match (readable, notes.get(Happening::Processed), sent_at) {
        // What cannot be read is foreign, and the words for it may repeat it.
        (Err(reason), ..) => Fate::Leave { reason: inert(&reason, REASON) },
        (Ok(()), Some(processed), Some(sent_at)) if processed.at >= sent_at => {
            Fate::Remove { processed_at: processed.at }
        }
        (Ok(()), ..) => Fate::Send,
    }
}
