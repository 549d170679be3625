//! SQS: the dead-letter queues of functions.
//!
//! SQS has a call of its own that moves messages back (`StartMessageMoveTask`). It moves all or nothing, says of none why it is there,
//! and gives what EventBridge put there no place to go without being told; and no emulator has it. So messages are taken, sent and
//! removed one by one.

use std::{collections::BTreeSet, time::Duration};

use aws_sdk_sqs::{
    Client,
    types::{Message, MessageAttributeValue, MessageSystemAttributeName},
};
use aws_smithy_types::error::metadata::ProvideErrorMetadata as _;
use jiff::Timestamp;

use super::{Aws, config, fault};
use crate::{
    domain::{
        id::{FunctionName, inert},
        ledger::MARK,
    },
    fault::Fault,
    ports::{DeadLetter, DeadLetters, Queues},
};

/// The IAM actions that [`DeadLetters`] needs.
pub const DEAD_LETTER_ACTIONS: &[&str] =
    &["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueUrl", "sqs:ReceiveMessage", "sqs:SendMessage"];

/// How long what was taken is out of sight: as long as the function that takes it may run.
const HIDDEN: Duration = Duration::from_secs(300);

/// How many messages one call takes (API reference, `ReceiveMessage`: at most 10), and how long it waits for the first, in seconds:
/// with a wait SQS asks all its servers, without one it may overlook messages.
const BATCH: i32 = 10;
const WAIT: i32 = 1;

/// The error of a queue that there is not, and what the JSON protocol calls it still (API reference, `GetQueueUrl`).
const MISSING: [&str; 2] = ["QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"];

/// What EventBridge says about a message that it could not deliver
/// (<https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html>).
const ERRORS: [&str; 2] = ["ERROR_CODE", "ERROR_MESSAGE"];

/// The queues of our functions.
#[derive(Debug, Clone)]
pub struct FunctionQueues {
    client: Client,
    prefix: String,
    functions: BTreeSet<FunctionName>,
}

impl FunctionQueues {
    /// The queues of these functions: `<prefix>-<function>` and `<prefix>-<function>-dead`, as Terraform names them. No other name is looked
    /// for: another installation's prefix may begin as ours does, so that its queue would be found as that of a function with a longer name.
    pub fn new(aws: &Aws, prefix: &str, functions: BTreeSet<FunctionName>) -> Self {
        let client = Client::from_conf(config!(aws_sdk_sqs, aws, "SQS").build());
        Self { client, prefix: prefix.to_owned(), functions }
    }

    async fn url(&self, name: &str) -> Result<Option<String>, Fault> {
        match self.client.get_queue_url().queue_name(name).send().await {
            Ok(answer) => Ok(answer.queue_url),
            Err(error) if error.code().is_some_and(|code| MISSING.contains(&code)) => Ok(None),
            Err(error) => Err(fault("looking for a function's queue", error)),
        }
    }
}

impl DeadLetters for FunctionQueues {
    async fn queues(&self, function: &FunctionName) -> Result<Option<Queues>, Fault> {
        if !self.functions.contains(function) {
            return Ok(None);
        }
        let name = format!("{}-{function}", self.prefix);
        let Some(work) = self.url(&name).await? else { return Ok(None) };
        Ok(self.url(&format!("{name}-dead")).await?.map(|dead| Queues { work, dead }))
    }

    async fn take(&self, queues: &Queues) -> Result<Vec<DeadLetter>, Fault> {
        let request = self.client.receive_message().queue_url(&queues.dead);
        let request = request.max_number_of_messages(BATCH).wait_time_seconds(WAIT).visibility_timeout(seconds(HIDDEN));
        let request = request.message_system_attribute_names(MessageSystemAttributeName::SentTimestamp);
        let request = request.set_message_attribute_names(Some(ERRORS.map(str::to_owned).to_vec()));
        let answer = request.send().await.map_err(|error| fault("taking messages of a dead-letter queue", error))?;
        answer.messages.into_iter().flatten().map(letter).collect()
    }

    async fn send(&self, queues: &Queues, letter: &DeadLetter) -> Result<(), Fault> {
        let mark = MessageAttributeValue::builder().data_type("String").string_value(letter.id.as_str()).build();
        let mark = mark.map_err(|error| Fault::bug_from("marking a message", error))?;
        let request = self.client.send_message().queue_url(&queues.work).message_body(&letter.body);
        let sent = request.message_attributes(MARK, mark).send().await;
        sent.map(drop).map_err(|error| fault("sending a message again", error))
    }

    async fn remove(&self, queues: &Queues, letter: &DeadLetter) -> Result<(), Fault> {
        let request = self.client.delete_message().queue_url(&queues.dead).receipt_handle(&letter.receipt);
        request.send().await.map(drop).map_err(|error| fault("removing a message of a dead-letter queue", error))
    }

    async fn give_back(&self, queues: &Queues, letter: &DeadLetter) -> Result<(), Fault> {
        let request = self.client.change_message_visibility().queue_url(&queues.dead);
        let request = request.receipt_handle(&letter.receipt).visibility_timeout(0);
        request.send().await.map(drop).map_err(|error| fault("putting a message back into sight", error))
    }
}

fn seconds(time: Duration) -> i32 {
    i32::try_from(time.as_secs()).unwrap_or(i32::MAX)
}

fn letter(message: Message) -> Result<DeadLetter, Fault> {
    let missing = |what: &str| Fault::bug(format!("SQS sent a message without {what}"));
    let sent = message.attributes.as_ref().and_then(|all| all.get(&MessageSystemAttributeName::SentTimestamp));
    let said = message.message_attributes.unwrap_or_default();
    let said: Vec<&str> =
        ERRORS.iter().filter_map(|name| said.get(*name)).filter_map(|value| value.string_value()).collect();
    Ok(DeadLetter {
        id: message.message_id.unwrap_or_default().parse().map_err(|_| missing("an id"))?,
        receipt: message.receipt_handle.ok_or_else(|| missing("a receipt"))?,
        body: message.body.unwrap_or_default(),
        sent_at: sent.and_then(|at| at.parse().ok()).and_then(|at| Timestamp::from_millisecond(at).ok()),
        undelivered: (!said.is_empty()).then(|| inert(&said.join(": "), 300)),
    })
}
