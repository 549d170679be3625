//! What Lambda brings to a function with a queue, told apart by shape, and what it is answered.

use std::future::Future;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Desk, process};
use crate::{
    domain::id::{JobId, quoted},
    event::message::QueueMessage,
    fault::Fault,
    ports::{Clock, Ledger},
};

/// What Lambda brings: a batch from SQS, a job, or one bare message.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum QueueInput {
    /// From SQS.
    Batch(SqsEvent),
    /// From CodePipeline.
    Job(JobEvent),
    /// By hand or from a test.
    One(Value),
}

/// What Lambda brings to a function that is called directly and has a queue: told apart by shape.
///
/// `T` is the direct call. It stands last, because a request has no field that it must have: what is neither a batch nor a bare message
/// is one, and is answered as such.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Woken<T> {
    /// From SQS.
    Batch(SqsEvent),
    /// From CodePipeline.
    Job(JobEvent),
    /// By hand or from a test.
    Bare(Bare),
    /// A direct call.
    Call(T),
}

/// A job that CodePipeline hands to a function. Of all that comes with it only its id is read, for two reasons: the rest holds credentials
/// for the pipeline's artifacts, which so are in no value of ours and in no log; and whoever may invoke the function can write anything
/// there. What the job is about says CodePipeline itself, asked by this id.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct JobEvent {
    #[serde(rename = "CodePipeline.job")]
    job: JobName,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct JobName {
    id: String,
}

impl JobEvent {
    /// The job's id.
    ///
    /// # Errors
    /// `Bug`: it is no id of CodePipeline's, so somebody else invoked the function.
    pub(super) fn id(&self) -> Result<JobId, Fault> {
        let id = self.job.id.parse();
        id.map_err(|_| Fault::bug(format!("a job of CodePipeline has a UUID, not {}", quoted(&self.job.id, 80))))
    }
}

/// A bare message: see the head of [`queue`](super).
#[derive(Debug, Deserialize, Serialize)]
#[serde(untagged)]
pub enum Bare {
    /// An event of the bus.
    Event {
        /// Its source.
        source: String,
        /// Its name.
        #[serde(rename = "detail-type")]
        detail_type: String,
        /// What it says.
        detail: Value,
    },
    /// A schedule.
    Schedule {
        /// Which.
        schedule: String,
    },
}

/// The answer to Lambda of a function that is called directly and has a queue.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Reply<R> {
    /// Of the queue.
    Queue(QueueReply),
    /// Of the call.
    Call(R),
}

impl<T> Woken<T> {
    /// Hands messages to one handler, one at a time, and a call to another.
    ///
    /// # Errors
    /// As [`process`]; a call answers its own failures.
    pub async fn answer<R, L, K, M, F, C, G>(
        self,
        desk: &Desk<'_, L, K>,
        message: M,
        call: C,
    ) -> Result<Reply<R>, Fault>
    where
        L: Ledger,
        K: Clock,
        M: Fn(QueueMessage) -> F,
        F: Future<Output = Result<(), Fault>>,
        C: FnOnce(T) -> G,
        G: Future<Output = R>,
    {
        self.answer_or_fail(desk, message, |request| async move { Ok(call(request).await) }).await
    }

    /// As [`answer`](Self::answer), where a call may fail as a message may: whoever called is told by Lambda.
    ///
    /// # Errors
    /// As [`process`], and those of the call.
    pub async fn answer_or_fail<R, L, K, M, F, C, G>(
        self,
        desk: &Desk<'_, L, K>,
        message: M,
        call: C,
    ) -> Result<Reply<R>, Fault>
    where
        L: Ledger,
        K: Clock,
        M: Fn(QueueMessage) -> F,
        F: Future<Output = Result<(), Fault>>,
        C: FnOnce(T) -> G,
        G: Future<Output = Result<R, Fault>>,
    {
        let input = match self {
            Self::Call(request) => return call(request).await.map(Reply::Call),
            Self::Batch(batch) => QueueInput::Batch(batch),
            Self::Job(job) => QueueInput::Job(job),
            Self::Bare(bare) => QueueInput::One(
                serde_json::to_value(bare).map_err(|error| Fault::bug_from("reading a bare message", error))?,
            ),
        };
        process(desk, input, message).await.map(Reply::Queue)
    }
}

/// The answer to Lambda.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum QueueReply {
    /// To SQS: the messages to bring again; none when all are done.
    Batch(SqsBatchResponse),
    /// To whoever brought one bare message.
    One {
        /// `done`.
        result: &'static str,
    },
}
