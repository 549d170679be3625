//! What a person asks by a direct call, and what the answers are.
//!
//! | call | answer |
//! |---|---|
//! | `{"ledger": {"delivery": "<X-GitHub-Delivery>"}}` | what happened to it, in order, and what became of it |
//! | `{"ledger": {"event": "<event id>"}}` | the same of an event, whoever sent it |
//! | `{"ledger": {"since": "…", "until": "…", "most": 50, "after": …}}` | every delivery that was accepted in that time, as far as it lies in the last seven days; `next` is the `after` of the next page |
//! | `{"ledger": {"parked": {"function": "feedback"}}}` | what its dead-letter queue holds, and why |
//! | `{"redrive": {"function": "feedback", "dry_run": false, "most": 1000}}` | what was done with each; without `dry_run` only what would be |

use std::collections::BTreeMap;

use common::{
    domain::{
        id::{DeliveryId, EventId, FunctionName, MessageId, quoted},
        ledger::{Happened, State},
    },
    fault::Fault,
    ports::Place,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How many deliveries a page has at most, and when nobody says.
const PAGE: usize = 100;
const USUAL_PAGE: usize = 50;

/// How many messages one redrive goes through at most, and when nobody says: a thousand take less than a minute, and the function has five.
const REDRIVE: usize = 1_000;
const USUAL_REDRIVE: usize = 100;

/// A call that makes sense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// About a delivery.
    Delivery(DeliveryId),
    /// About an event.
    Event(EventId),
    /// About a time.
    Period(Period),
    /// About what is parked.
    Redrive(Redrive),
}

/// From which moment to before which, and which part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    /// The first moment.
    pub since: Timestamp,
    /// The first that does not belong to it.
    pub until: Timestamp,
    /// Behind which delivery the page begins.
    pub after: Option<Place>,
    /// How many it has.
    pub most: usize,
}

/// What is done with the messages that a function could not process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redrive {
    /// Whose.
    pub function: FunctionName,
    /// Whether nothing is done, and only said.
    pub dry_run: bool,
    /// With how many.
    pub most: usize,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Words {
    Ledger(LedgerWords),
    Redrive(RedriveWords),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LedgerWords {
    delivery: Option<DeliveryId>,
    event: Option<EventId>,
    parked: Option<ParkedWords>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    after: Option<Place>,
    most: Option<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ParkedWords {
    function: FunctionName,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RedriveWords {
    function: FunctionName,
    #[serde(default = "nothing_is_done")]
    dry_run: bool,
    most: Option<usize>,
}

fn nothing_is_done() -> bool {
    true
}

impl Call {
    /// Reads a call.
    ///
    /// # Errors
    /// `Reject` with what was expected.
    pub fn parse(call: Value) -> Result<Self, Fault> {
        let words = serde_json::from_value(call).map_err(|error| {
            let error = quoted(&error.to_string(), 200);
            Fault::reject(format!(r#"this call cannot be read: {error}; expected {{"ledger": …}} or {{"redrive": …}}"#))
        })?;
        match words {
            Words::Ledger(words) => words.asked(),
            Words::Redrive(RedriveWords { function, dry_run, most }) => {
                let most = at_most(most, USUAL_REDRIVE, REDRIVE)?;
                Ok(Self::Redrive(Redrive { function, dry_run, most }))
            }
        }
    }
}

impl LedgerWords {
    fn asked(self) -> Result<Call, Fault> {
        let Self { delivery, event, parked, since, until, after, most } = self;
        let alone = after.is_none() && most.is_none();
        match (delivery, event, parked, since, until) {
            (Some(delivery), None, None, None, None) if alone => Ok(Call::Delivery(delivery)),
            (None, Some(event), None, None, None) if alone => Ok(Call::Event(event)),
            (None, None, Some(ParkedWords { function }), None, None) if alone => {
                Ok(Call::Redrive(Redrive { function, dry_run: true, most: USUAL_REDRIVE }))
            }
            (None, None, None, Some(since), Some(until)) if since < until => {
                Ok(Call::Period(Period { since, until, after, most: at_most(most, USUAL_PAGE, PAGE)? }))
            }
            _ => Err(Fault::reject(
                "the ledger is asked for one of: delivery; event; parked; since and until, the earlier first, with after and most",
            )),
        }
    }
}

fn at_most(asked: Option<usize>, usual: usize, most: usize) -> Result<usize, Fault> {
    match asked.unwrap_or(usual) {
        count if (1..=most).contains(&count) => Ok(count),
        count => Err(Fault::reject(format!("most is {count}: expected 1 to {most}"))),
    }
}

/// The answer to a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// About a delivery.
    Delivery(DeliveryAnswer),
    /// About an event.
    Event(EventAnswer),
    /// About a time.
    Period(PeriodAnswer),
    /// About what is parked.
    Redrive(RedriveAnswer),
}

/// What is known of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeliveryAnswer {
    /// Which.
    pub delivery: DeliveryId,
    /// The event's name on the source host; `null` for one that was never accepted.
    pub event_name: Option<String>,
    /// When it was accepted.
    pub received_at: Option<Timestamp>,
    /// What was noted of the delivery itself: copies, and what GitHub was asked for.
    pub happened: Vec<Happened>,
    /// What became of the event that it became.
    #[serde(flatten)]
    pub event: Option<EventAnswer>,
}

/// What is known of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EventAnswer {
    /// Which.
    pub event: EventId,
    /// What became of it, all in all: the worst of what its functions say.
    pub standing: State,
    /// What each function that heard it says.
    pub functions: BTreeMap<FunctionName, FunctionAnswer>,
}

/// What is known of an event at a function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FunctionAnswer {
    /// What became of it there.
    pub state: State,
    /// What happened, in order.
    pub happened: Vec<Happened>,
}

/// The deliveries of a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PeriodAnswer {
    /// In the order of their coming.
    pub deliveries: Vec<DeliveryAnswer>,
    /// What `after` is on the next page; `null` on the last.
    pub next: Option<Place>,
}

/// What was done with what is parked, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RedriveAnswer {
    /// Whose.
    pub function: FunctionName,
    /// Whether nothing was done.
    pub dry_run: bool,
    /// How many messages of each fate.
    pub counts: Counts,
    /// Each message.
    pub messages: Vec<MessageAnswer>,
    /// Whether there may be more: as many were gone through as was asked for.
    pub more: bool,
    /// What stopped it. What stands in `messages` was done all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
}

/// How many messages of each fate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Sent again, or would be.
    pub sent: usize,
    /// Removed, or would be.
    pub removed: usize,
    /// Left.
    pub left: usize,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MessageAnswer {
    /// SQS's id of it.
    pub message: MessageId,
    /// What it is: an event's name, a schedule.
    pub what: String,
    /// The event's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<EventId>,
    /// How long ago it was sent, in seconds.
    pub age_s: Option<i64>,
    /// Why it was parked; `null` when the ledger does not say.
    pub why: Option<String>,
    /// What is done with it, with the reason.
    pub fate: String,
}
