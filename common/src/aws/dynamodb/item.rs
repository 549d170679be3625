//! Items and their attributes.
//!
//! Every row has `pk`, `sk` and `v`, the version of its form. What conditions compare is an attribute of its own; what is only
//! stored and read back stands as JSON text in `json`.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::key::Key;
use crate::{event::Envelope, fault::Fault, ports::OutboxRow};

/// One row.
pub(super) type Item = HashMap<String, AttributeValue>;

const VERSION: u64 = 1;

pub(super) fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

pub(super) fn n(number: impl ToString) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// Epoch seconds, as TTL wants them.
pub(super) fn epoch(at: Timestamp) -> AttributeValue {
    n(at.as_second())
}

/// A row with its keys and version, and these attributes.
pub(super) fn row<const N: usize>(key: &Key, attributes: [(&str, AttributeValue); N]) -> Item {
    let mut item = key.attributes();
    item.insert("v".into(), n(VERSION));
    item.extend(attributes.map(|(name, value)| (name.to_owned(), value)));
    item
}

/// Checks the version of a row that was read.
pub(super) fn known(item: &Item) -> Result<&Item, Fault> {
    let version: u64 = number(item, "v")?;
    if version == VERSION {
        return Ok(item);
    }
    Err(Fault::bug(format!(
        "the row {} has version {version}, this code knows {VERSION}: deploy the newer code",
        place(item)
    )))
}

pub(super) fn text<'a>(item: &'a Item, name: &str) -> Result<&'a str, Fault> {
    item.get(name)
        .and_then(|value| value.as_s().ok())
        .map(String::as_str)
        .ok_or_else(|| Fault::bug(format!("the row {} has no text {name}", place(item))))
}

pub(super) fn number<T: std::str::FromStr>(item: &Item, name: &str) -> Result<T, Fault> {
    item.get(name)
        .and_then(|value| value.as_n().ok())
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(|| Fault::bug(format!("the row {} has no number {name}", place(item))))
}

/// JSON text for the attribute `json`.
pub(super) fn to_json(value: &impl Serialize) -> Result<AttributeValue, Fault> {
    serde_json::to_string(value).map(s).map_err(|error| Fault::bug_from("writing a row's JSON", error))
}

/// What the attribute `json` holds.
pub(super) fn from_json<T: DeserializeOwned>(item: &Item) -> Result<T, Fault> {
    serde_json::from_str(text(known(item)?, "json")?)
        .map_err(|error| Fault::bug_from(format!("the row {} does not hold what it should", place(item)), error))
}

pub(super) fn place(item: &Item) -> String {
    let part = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).map_or("?", String::as_str);
    format!("{} / {}", part("pk"), part("sk"))
}

/// An event as its outbox row: each field of [`OutboxRow`] is a text attribute of its own, which is what the relay reads.
pub(super) fn outbox(event: &Envelope) -> Result<Item, Fault> {
    let row = OutboxRow::of(event)?;
    let mut item =
        self::row(&Key::Outbox(row.event_id.clone()), [("correlation_id", s(event.meta.correlation_id.as_str()))]);
    let Ok(Value::Object(fields)) = serde_json::to_value(&row) else {
        return Err(Fault::bug("an outbox row does not serialise to an object"));
    };
    for (name, value) in fields {
        let Value::String(value) = value else {
            return Err(Fault::bug(format!("the field {name} of an outbox row is not text")));
        };
        item.insert(name, s(value));
    }
    Ok(item)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_another_version_or_form_is_refused_with_its_place() {
        let key = Key::AuditHead("cluster:a".into());
        let mut item = row(&key, [("json", s("[1"))]);
        assert!(from_json::<Vec<u8>>(&item).unwrap_err().to_string().contains("AUDIT#cluster:a / HEAD"));
        item.insert("v".into(), n(2));
        assert_eq!(
            from_json::<Vec<u8>>(&item).unwrap_err().to_string(),
            "the row AUDIT#cluster:a / HEAD has version 2, this code knows 1: deploy the newer code"
        );
        item.remove("v");
        assert!(known(&item).is_err());
    }
}
