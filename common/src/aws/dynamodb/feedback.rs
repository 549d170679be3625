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
    ports::{FeedbackLedger, FeedbackOrder, FeedbackWords, Said, Shown},
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
        let shown = match item.contains_key("shown").then(|| text(item, "shown")).transpose()? {
            Some("begun") => Shown::Begun,
            Some("perhaps") => Shown::Perhaps,
            _ => Shown::Surely,
        };
        Ok(Some(Said { order: order(item)?, content, shown }))
    }
}

fn word(shown: Shown) -> &'static str {
    match shown {
        Shown::Surely => "surely",
        Shown::Begun => "begun",
        Shown::Perhaps => "perhaps",
    }
}

fn said_row(subject: &str, kind: &str, said: &Said, now: Timestamp) -> Item {
    row(
        &key(subject, kind),
        [
            ("generation", n(said.order.generation)),
            ("phase", n(said.order.phase)),
            ("content", s(said.content.as_str())),
            ("shown", s(word(said.shown))),
            ("at", s(now.to_string())),
        ],
    )
}

impl FeedbackLedger for Table {
    async fn begin(
        &self,
        subject: &str,
        kind: &str,
        before: Option<&Said>,
        new: &Said,
        now: Timestamp,
    ) -> Result<bool, Fault> {
        let put = self.client.put_item().table_name(&self.name).set_item(Some(said_row(subject, kind, new, now)));
        let put = match before {
            None => put.condition_expression("attribute_not_exists(pk)"),
            Some(before) => {
                // Rows from before there was such a word have none.
                let shown = match before.shown {
                    Shown::Surely => "(shown = :shown OR attribute_not_exists(shown))",
                    Shown::Begun | Shown::Perhaps => "shown = :shown",
                };
                put.condition_expression(format!(
                    "generation = :generation AND phase = :phase AND content = :content AND {shown}"
                ))
                .expression_attribute_values(":generation", n(before.order.generation))
                .expression_attribute_values(":phase", n(before.order.phase))
                .expression_attribute_values(":content", s(before.content.as_str()))
                .expression_attribute_values(":shown", s(word(before.shown)))
            }
        };
        match put.send().await {
            Ok(_) => Ok(true),
            Err(error)
                if matches!(error.as_service_error(), Some(PutItemError::ConditionalCheckFailedException(_))) =>
            {
                Ok(false)
            }
            Err(error) => Err(fault("remembering what is to be published", error)),
        }
    }

    async fn published(&self, subject: &str, kind: &str, said: &Said, now: Timestamp) -> Result<(), Fault> {
        let new = said.order;
        let item = said_row(subject, kind, said, now);
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
