//! The messages that a function could not process, where they wait.

use std::future::Future;

use jiff::Timestamp;

use crate::{
    domain::id::{FunctionName, MessageId},
    fault::Fault,
};

/// The two queues of a function, as the service names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queues {
    /// Where its messages come from.
    pub work: String,
    /// Where those end that it could not process.
    pub dead: String,
}

/// A message that was taken out of sight, for five minutes at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The service's id of it.
    pub id: MessageId,
    /// What says that it was us who took it.
    pub receipt: String,
    /// What stands in it.
    pub body: String,
    /// When it was sent to its function first.
    pub sent_at: Option<Timestamp>,
    /// Why EventBridge or Scheduler put it here, when it never reached its function's queue: their own words, foreign.
    pub undelivered: Option<String>,
}

/// The dead-letter queues. Each call is safe to repeat; a message that is sent again and not removed is there twice.
pub trait DeadLetters: Sync {
    /// A function's queues; nothing when it has none.
    fn queues(&self, function: &FunctionName) -> impl Future<Output = Result<Option<Queues>, Fault>> + Send;

    /// Takes up to ten messages out of sight. Nobody: none is left, or all are out of sight.
    fn take(&self, queues: &Queues) -> impl Future<Output = Result<Vec<DeadLetter>, Fault>> + Send;

    /// Sends what stands in it to its function again, marked ([`crate::domain::ledger::MARK`]).
    fn send(&self, queues: &Queues, letter: &DeadLetter) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Removes it. Once it is gone, that is no error.
    fn remove(&self, queues: &Queues, letter: &DeadLetter) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Puts it back into sight, as it was.
    fn give_back(&self, queues: &Queues, letter: &DeadLetter) -> impl Future<Output = Result<(), Fault>> + Send;
}
