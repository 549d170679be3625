//! What comes in: messages of the queue, or a repository's trigger.

use common::{
    fault::Fault,
    ports::{Clock, Intake, Ledger},
    runtime::{Desk, QueueInput, QueueMessage, QueueReply, queue},
};
use serde::{Deserialize, Serialize};

use crate::{
    handler::{Answered, CodeCommitEvents},
    input::trigger::Trigger,
};

/// Told apart by shape. Both have `Records`, and those of SQS have no `codecommit`: so the trigger stands first.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Input {
    /// A repository's trigger, or who calls in its form.
    Trigger(Trigger),
    /// From SQS, or one bare event.
    Queue(QueueInput),
}

/// The answer to Lambda.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Reply {
    /// Of a trigger: what became of each reference.
    Trigger {
        /// In the order of the call.
        references: Vec<Answered>,
    },
    /// Of the queue.
    Queue(QueueReply),
}

impl Input {
    /// Hands what came in to the function.
    ///
    /// # Errors
    /// Of a trigger and of a bare event their own; in a batch each fault is its message's.
    pub async fn answer<I: Intake + Ledger, C: Clock, K: Clock>(
        self,
        desk: &Desk<'_, I, K>,
        events: &CodeCommitEvents<I, C>,
    ) -> Result<Reply, Fault> {
        let message = |message| async move {
            match message {
                QueueMessage::Aws(event) => events.event(&event).await.map(drop),
                other => Err(other.unexpected("codecommit-events")),
            }
        };
        match self {
            Self::Trigger(trigger) => events.trigger(&trigger).await.map(|references| Reply::Trigger { references }),
            Self::Queue(input) => queue::process(desk, input, message).await.map(Reply::Queue),
        }
    }
}
