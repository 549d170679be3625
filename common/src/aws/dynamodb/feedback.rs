//! What `feedback` said last about a subject, so that a copy or an older event says nothing.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use jiff::Timestamp;

use super::{
    Table,
    item::{Item, known, n, number, row, s, text},
    key::Key,
};
use crate::{
    aws::fault,
    domain::id::Generation,
    fault::Fault,
    ports::{FeedbackLedger, FeedbackOrder, FeedbackWords, Said},
};

/// The IAM actions that [`FeedbackLedger`] needs.
pub const FEEDBACK_ACTIONS: &[&str] = &["dynamodb:GetItem", "dynamodb:PutItem"];

fn key(subject: &str, kind: &str) -> Key {
    Key::Feedback { subject: subject.to_owned(), kind: kind.to_owned() }
}

fn order(item: &Item) -> Result<FeedbackOrder, Fault> {
    Ok(FeedbackOrder { generation: Generation(number(item, "generation")?), phase: number(item, "phase")? })
}

impl FeedbackWords for Table {
    async fn said(&self, subject: &str, kind: &str) -> Result<Option<Said>, Fault> {
        let request = self.client.get_item().table_name(&self.name).consistent_read(true);
        let answer = request.set_key(Some(key(subject, kind).attributes())).send().await;
        let answer = answer.map_err(|error| fault("reading what was published last", error))?;
        let Some(item) = answer.item else { return Ok(None) };
        let item = known(&item)?;
        let content = text(item, "content")?.parse();
        let content = content.map_err(|error| Fault::bug_from("reading what was published last", error))?;
        Ok(Some(Said { order: order(item)?, content }))
    }
}

impl FeedbackLedger for Table {
    async fn published(&self, subject: &str, kind: &str, said: &Said, now: Timestamp) -> Result<(), Fault> {
        let new = said.order;
        let item = row(
            &key(subject, kind),
            [
                ("generation", n(new.generation)),
                ("phase", n(new.phase)),
                ("content", s(said.content.as_str())),
                ("at", s(now.to_string())),
            ],
        );
        let request = self.client.put_item().table_name(&self.name).set_item(Some(item));
        let put = request
            .condition_expression(
                "attribute_not_exists(pk) OR generation < :generation OR (generation = :generation AND phase <= :phase)",
            )
            .expression_attribute_values(":generation", n(new.generation))
            .expression_attribute_values(":phase", n(new.phase))
            .send()
            .await;
        match put {
            Ok(_) => Ok(()),
            // Something of a higher order was published meanwhile: that is the state to remember.
            Err(error)
                if matches!(error.as_service_error(), Some(PutItemError::ConditionalCheckFailedException(_))) =>
            {
                Ok(())
            }
            Err(error) => Err(fault("remembering what was published", error)),
        }
    }
}
