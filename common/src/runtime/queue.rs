//! Messages behind a function's queue: events of ours and schedules, one at a time, each with its own failure.
//!
//! | the handler or the parser says | what becomes of the message |
//! |---|---|
//! | done | deleted |
//! | `Retry` | comes again after the visibility timeout; to the dead-letter queue after its last receive |
//! | `Reject` | logged with its reason, counted (`RejectedMessages`), deleted: it could never be accepted |
//! | `Bug`, and a body that is no message | stays, so that it ends in the dead-letter queue where a person sees it |
//!
//! A bare event (`{"source", "detail-type", "detail"}`) or schedule message (`{"schedule": "reconcile"}`) is taken too: that is
//! what the samples under `events/` are, and what a person types. Its fault is the answer. So is a job with which CodePipeline invokes a
//! function: the invocation is asynchronous, and Lambda brings one that failed again.
//!
//! How each message ended is noted in the ledger. A message counts as handled once that is written: when it cannot be, the message
//! comes again, which costs nothing, as every handler is idempotent. So of an event of ours the ledger never says less was done than was
//! done. Of other messages (a schedule, an AWS service's event) it says only that they failed, and of one that was parked and sent again
//! that it was done. That a message failed is noted too; when *that* cannot be written, the log alone has it.
//!
//! A handler whose time or memory runs out cannot say so. So before its last try it is noted that there is no other.
//!
//! | file | what |
//! |---|---|
//! | here | a batch, message by message |
//! | `input` | what Lambda brings, and what it is answered |
//! | `desk` | the notes in the ledger |

use std::future::Future;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsMessage};
use serde_json::Value;
use tracing::Instrument as _;

pub use self::{
    desk::Desk,
    input::{Bare, JobEvent, QueueInput, QueueReply, Reply, Woken},
};
use super::log;
use crate::{
    domain::{
        id::{EventId, MessageId, ReplayName},
        ledger::MARK,
    },
    event::{
        Meta,
        message::{QueueMessage, replay},
    },
    fault::Fault,
    ports::{Clock, Ledger},
};

mod desk;
mod input;

/// What a log line about a message carries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ids {
    pub(super) message_id: Option<String>,
    pub(super) event_id: Option<EventId>,
    pub(super) correlation_id: Option<String>,
    /// The replay by which it came.
    pub(super) replay: Option<ReplayName>,
    /// The message of the dead-letter queue that it was, when it was sent again from there.
    pub(super) redriven: Option<MessageId>,
    /// How often it was received, this time included; 0 when it came alone.
    pub(super) receives: u32,
}

impl Ids {
    fn of(record: &SqsMessage) -> Self {
        let attribute = |name| record.attributes.get(name).map(String::as_str);
        Self {
            message_id: record.message_id.clone(),
            redriven: record
                .message_attributes
                .get(MARK)
                .and_then(|mark| mark.string_value.as_deref())
                .and_then(|id| id.parse().ok()),
            receives: attribute("ApproximateReceiveCount").and_then(|count| count.parse().ok()).unwrap_or(1),
            ..Self::default()
        }
    }

    fn add(&mut self, meta: &Meta) {
        self.event_id = Some(meta.event_id.clone());
        self.correlation_id = Some(meta.correlation_id.to_string());
    }
}

/// Hands every message to the handler, in order; a bad one never keeps a good one from being handled.
///
/// # Errors
/// Only for a bare message: its own fault. In a batch each fault becomes that message's fate.
pub async fn process<L, C, H, F>(desk: &Desk<'_, L, C>, input: QueueInput, handler: H) -> Result<QueueReply, Fault>
where
    L: Ledger,
    C: Clock,
    H: Fn(QueueMessage) -> F,
    F: Future<Output = Result<(), Fault>>,
{
    let records = match input {
        QueueInput::Batch(batch) => batch.records,
        QueueInput::Job(job) => {
            let answered = match job.id() {
                Ok(id) => handler(QueueMessage::Job(id)).await,
                Err(fault) => Err(fault),
            };
            return alone(answered, &Ids::default());
        }
        QueueInput::One(message) => {
            let mut ids = Ids::default();
            let answered = match read(&message, &mut ids) {
                Ok(message) => handle(message, &ids, &handler).await,
                Err(fault) => Err(fault),
            };
            return alone(desk.ended(&ids, answered).await, &ids);
        }
    };
    let arrived = records.into_iter().map(Arrived::read).collect::<Result<Vec<_>, Fault>>()?;
    // All of them first: when one stops the function, those behind it had their last try as well.
    for Arrived { ids, message, .. } in &arrived {
        if message.is_ok() {
            desk.begins(ids).await;
        }
    }
    let mut reply = SqsBatchResponse::default();
    for Arrived { message_id, ids, message } in arrived {
        let result = match message {
            Ok(message) => handle(message, &ids, &handler).await,
            Err(fault) => Err(fault),
        };
        if let Err(fault) = desk.ended(&ids, result).await {
            log::failed(&fault, Some(&ids));
            match fault {
                Fault::Reject { .. } => log::metric("RejectedMessages", 1),
                Fault::Retry { .. } | Fault::Bug { .. } => reply.add_failure(message_id),
            }
        }
    }
    Ok(QueueReply::Batch(reply))
}

/// A message of a batch.
struct Arrived {
    message_id: String,
    ids: Ids,
    message: Result<QueueMessage, Fault>,
}

impl Arrived {
    /// # Errors
    /// `Bug`: without an id the failure could not be named, and SQS would take the message as done. SQS always sends one.
    fn read(record: SqsMessage) -> Result<Self, Fault> {
        let mut ids = Ids::of(&record);
        let message_id = record.message_id.ok_or_else(|| Fault::bug("a record of the batch has no messageId"))?;
        let message = serde_json::from_str(&record.body.unwrap_or_default());
        let message = message.map_err(|error| Fault::bug_from("a message in the queue is not JSON", error));
        let message = message.and_then(|message| read(&message, &mut ids));
        Ok(Self { message_id, ids, message })
    }
}

/// What became of one that came alone: its fault is the answer.
fn alone(answered: Result<(), Fault>, ids: &Ids) -> Result<QueueReply, Fault> {
    answered.inspect_err(|fault| log::failed(fault, Some(ids)))?;
    Ok(QueueReply::One { result: "done" })
}

fn read(message: &Value, ids: &mut Ids) -> Result<QueueMessage, Fault> {
    ids.replay = replay(message)?;
    let message = QueueMessage::parse(message)?;
    if let QueueMessage::Event(event) = &message {
        ids.add(&event.meta);
    }
    Ok(message)
}

async fn handle<H, F>(message: QueueMessage, ids: &Ids, handler: &H) -> Result<(), Fault>
where
    H: Fn(QueueMessage) -> F,
    F: Future<Output = Result<(), Fault>>,
{
    let handled = handler(message);
    // What comes for a second reason says so in each of its lines.
    match (&ids.replay, ids.redriven.is_some()) {
        (None, false) => handled.await,
        (replay, redriven) => {
            let replay = replay.as_ref().map(ReplayName::as_str);
            handled.instrument(tracing::info_span!("message", replay, redriven)).await
        }
    }
}

#[cfg(test)]
mod tests;
