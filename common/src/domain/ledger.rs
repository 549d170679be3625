//! The ledger of deliveries: what happened to each webhook, and to the event that it became, at every function that heard it.
//!
//! It is written by whoever did something, each a note of its own: intake counts copies, the sweep says what it asked the source host for
//! again, the runtime says how each message ended. A note counts, and remembers the latest of its kind. So notes may arrive in any order,
//! and what stands is derived from them: [`Notes::state`] for one function, [`standing`] for a delivery.
//!
//! | file | what |
//! |---|---|
//! | here | notes, and what follows from them |
//! | `redrive` | what becomes of a message that was parked |

use std::{collections::BTreeMap, fmt};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::domain::id::{DeliveryId, EventId, FunctionName, MessageId, ReplayName, inert};

mod redrive;
#[cfg(test)]
mod tests;

pub use self::redrive::{Fate, MARK, fate};

/// How long a delivery and its body are remembered: a copy is one, and it stands in the list. GitHub sends again for three days, EventBridge
/// tries for one.
pub const REMEMBERED: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How long a note stays. A message lives for up to 14 days, as a dead-letter queue counts from when it was sent first
/// (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html>), and an event can be replayed
/// for 14: whoever asks about either finds what was noted.
pub const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How many characters of a reason are kept: it is for a person, and the log has the rest.
const REASON: usize = 500;

/// What is the matter with a last try of which nothing more is known.
const UNENDED: &str = "the last try did not come to its end: its time or memory ran out";

/// What a note is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum About {
    /// A webhook, by the id that it came with.
    Delivery(DeliveryId),
    /// An event of ours, at a function.
    Event(EventId, FunctionName),
    /// A message that is no event of ours (a schedule, an AWS service's event, or nothing that can be read), by SQS's id of it.
    Message(MessageId, FunctionName),
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Happening {
    /// The same delivery came again, and changed nothing.
    Copied,
    /// The same body came again under another id, which is not signed; it changed nothing. It is noted at the id of the first.
    BodyCopied,
    /// Another body came under this id, which is not signed; it was refused.
    IdReused,
    /// The source host was asked to send it again.
    AskedAgain,
    /// It failed, and is not asked for any more.
    GivenUp,
    /// A parked message was sent to its function again.
    Redriven,
    /// A function failed on it; the message comes again.
    Failed,
    /// A function began its last try. When nothing comes after it, that did not come to its end (its time or memory ran out), and the message
    /// waits in the dead-letter queue.
    LastTry,
    /// A function failed on it for the last time; the message waits in the dead-letter queue.
    Parked,
    /// A function refused it for good.
    Rejected,
    /// A function did with it what is to be done.
    Processed,
}

impl Happening {
    /// All of them, in the order in which those of one moment are read.
    pub const ALL: [Self; 11] = [
        Self::Copied,
        Self::BodyCopied,
        Self::IdReused,
        Self::AskedAgain,
        Self::GivenUp,
        Self::Redriven,
        Self::Failed,
        Self::LastTry,
        Self::Parked,
        Self::Rejected,
        Self::Processed,
    ];

    /// The word for it, as it stands in rows and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Copied => "copied",
            Self::BodyCopied => "body-copied",
            Self::IdReused => "id-reused",
            Self::AskedAgain => "asked-again",
            Self::GivenUp => "given-up",
            Self::Redriven => "redriven",
            Self::Failed => "failed",
            Self::LastTry => "last-try",
            Self::Parked => "parked",
            Self::Rejected => "rejected",
            Self::Processed => "processed",
        }
    }

    fn ends(self) -> Option<State> {
        match self {
            Self::Redriven | Self::Failed => Some(State::Waiting),
            Self::LastTry | Self::Parked => Some(State::Parked),
            Self::Rejected => Some(State::Rejected),
            Self::Processed => Some(State::Processed),
            Self::Copied | Self::BodyCopied | Self::IdReused | Self::AskedAgain | Self::GivenUp => None,
        }
    }
}

/// One note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What happened.
    pub what: Happening,
    /// When.
    pub at: Timestamp,
    /// Why, in words that are safe to show; empty where there is nothing to say.
    pub reason: String,
    /// The replay by which it came.
    pub replay: Option<ReplayName>,
}

impl Note {
    /// A note without a reason.
    pub fn new(what: Happening, at: Timestamp) -> Self {
        Self { what, at, reason: String::new(), replay: None }
    }

    /// With a reason: made inert, and cut.
    #[must_use]
    pub fn because(mut self, reason: impl fmt::Display) -> Self {
        self.reason = inert(&reason.to_string(), REASON);
        self
    }

    /// By a replay.
    #[must_use]
    pub fn by(mut self, replay: Option<ReplayName>) -> Self {
        self.replay = replay;
        self
    }
}

/// All notes of one kind: how many, and the latest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Noted {
    /// How often. A note whose acknowledgement was lost may count twice.
    pub count: u64,
    /// When it happened last.
    pub at: Timestamp,
    /// Why, the last time.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// The replay by which it came the last time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replay: Option<ReplayName>,
}

/// What is noted about one thing, by kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notes(pub BTreeMap<Happening, Noted>);

/// What became of an event at a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It was done.
    Processed,
    /// It was refused for good, with a reason.
    Rejected,
    /// It is on its way: nobody has said anything yet, or a message comes again.
    Waiting,
    /// Its message waits in the dead-letter queue.
    Parked,
}

/// Something that happened, as an answer shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Happened {
    /// What.
    pub what: Happening,
    /// How often, when last, why, by which replay.
    #[serde(flatten)]
    pub noted: Noted,
}

impl Notes {
    /// Adds a note. Of two of a kind the later one stays; of the same moment, the one that came last.
    pub fn add(&mut self, note: Note) {
        let Note { what, at, reason, replay } = note;
        let noted = self.0.entry(what).or_insert(Noted { count: 0, at, reason: String::new(), replay: None });
        noted.count = noted.count.saturating_add(1);
        if noted.at <= at {
            (noted.at, noted.reason, noted.replay) = (at, reason, replay);
        }
    }

    /// One kind of them.
    pub fn get(&self, what: Happening) -> Option<&Noted> {
        self.0.get(&what)
    }

    /// What became of it at this function: what happened last says. Of one moment, what is further on.
    pub fn state(&self) -> State {
        let ends = self.0.iter().filter_map(|(what, noted)| Some((noted.at, *what, what.ends()?)));
        ends.max_by_key(|(at, what, _)| (*at, *what)).map_or(State::Waiting, |(_, _, state)| state)
    }

    /// Why its message is parked, as far as that is noted: of the last failure, which may be that nobody said how it ended.
    pub fn parked_because(&self) -> Option<&str> {
        let ends = [Happening::Failed, Happening::LastTry, Happening::Parked].into_iter();
        let last = ends.filter_map(|what| Some((self.get(what)?, what))).max_by_key(|(noted, what)| (noted.at, *what));
        last.map(|(noted, what)| if what == Happening::LastTry { UNENDED } else { noted.reason.as_str() })
    }

    /// In the order of time.
    pub fn in_order(&self) -> Vec<Happened> {
        let mut all: Vec<Happened> =
            self.0.iter().map(|(what, noted)| Happened { what: *what, noted: noted.clone() }).collect();
        all.sort_by_key(|happened| (happened.noted.at, happened.what));
        all
    }
}

/// What became of a delivery, when this became of its event at the functions that heard it: the worst of it. Nobody has said anything:
/// it waits.
pub fn standing(functions: impl IntoIterator<Item = State>) -> State {
    functions.into_iter().max().unwrap_or(State::Waiting)
}
