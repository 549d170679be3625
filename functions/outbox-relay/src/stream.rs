//! Lambda's batch of stream records, as far as it is used, and the partial answer.
//!
//! Only the fields in use are typed, so that nothing else in a record can fail its batch. An image is read attribute by attribute
//! later: one row that is not as it should be fails alone. (`aws_lambda_events` reads all images at once, so that one would fail
//! them all; its SQS types are used where they do not, in `common::runtime::queue`.)

use std::collections::BTreeMap;

use common::{
    domain::id::{EventId, quoted},
    fault::Fault,
    ports::OutboxRow,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::PREFIX;

/// A batch.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct StreamBatch {
    /// Its records, in the order of their shard.
    #[serde(rename = "Records")]
    pub records: Vec<StreamRecord>,
}

/// One change of one row.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct StreamRecord {
    /// `INSERT`, `MODIFY` or `REMOVE`.
    #[serde(rename = "eventName")]
    pub event_name: String,
    /// The change.
    #[serde(rename = "dynamodb")]
    pub change: Change,
}

/// The change itself.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Change {
    /// The row's keys.
    #[serde(default)]
    pub keys: Image,
    /// The row after it; empty for `REMOVE`.
    #[serde(default)]
    pub new_image: Image,
    /// With this a failure is reported.
    pub sequence_number: String,
}

/// Attributes by name, each as DynamoDB's JSON: `{"S": "text"}`.
pub type Image = BTreeMap<String, Value>;

/// The records to bring again: Lambda goes on from the lowest of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct StreamReply {
    /// Empty when all are done.
    #[serde(rename = "batchItemFailures")]
    pub failures: Vec<StreamFailure>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StreamFailure {
    /// Its sequence number.
    #[serde(rename = "itemIdentifier")]
    pub sequence_number: String,
}

impl StreamRecord {
    /// Whether it is a row of the outbox that was put or touched: the mapping's filter, checked again.
    pub fn is_outbox(&self) -> bool {
        matches!(self.event_name.as_str(), "INSERT" | "MODIFY")
            && text(&self.change.keys, "pk").is_some_and(|pk| pk.starts_with(PREFIX))
    }

    /// The row.
    ///
    /// # Errors
    /// `Bug` when the image is not a whole outbox row, or not the row that its keys name.
    pub fn row(&self) -> Result<OutboxRow, Fault> {
        let image = &self.change.new_image;
        let fields = image.keys().filter_map(|name| Some((name.clone(), text(image, name)?.into())));
        let place = || quoted(text(&self.change.keys, "sk").unwrap_or("?"), 130);
        let row: OutboxRow = serde_json::from_value(Value::Object(fields.collect()))
            .map_err(|error| Fault::bug_from(format!("the outbox row {} is malformed", place()), error))?;
        let named: Option<EventId> = text(&self.change.keys, "sk").and_then(|sk| sk.parse().ok());
        if named.as_ref() != Some(&row.event_id) {
            return Err(Fault::bug(format!("the outbox row {} holds the event {}", place(), row.event_id)));
        }
        if !serde_json::from_str::<Value>(&row.detail).is_ok_and(|detail| detail.is_object()) {
            return Err(Fault::bug(format!("the detail of the outbox row {} is not a JSON object", place())));
        }
        Ok(row)
    }
}

fn text<'a>(image: &'a Image, name: &str) -> Option<&'a str> {
    image.get(name)?.get("S")?.as_str()
}
