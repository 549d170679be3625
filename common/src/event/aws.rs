//! An event of an AWS service, from the account's default bus: it wakes, and proves nothing.

use serde::Deserialize;
use serde_json::Value;

use crate::{domain::id::quoted, fault::Fault};

/// An event of an AWS service. Who may put events onto the bus may write any.
///
/// EventBridge user guide, "AWS service event metadata": beside these every event has a `version`. What was typed by hand may leave out all
/// but the first three; then a field is empty.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AwsEvent {
    /// The service: `aws.codepipeline`.
    pub source: String,
    /// What happened.
    #[serde(rename = "detail-type")]
    pub detail_type: String,
    /// The service's own words about it.
    pub detail: Value,
    /// EventBridge's id of the event: a UUID, the same in every copy that it delivers.
    #[serde(default)]
    pub id: String,
    /// The account that the event is from.
    #[serde(default)]
    pub account: String,
    /// The region that the event is from.
    #[serde(default)]
    pub region: String,
    /// When it happened, RFC 3339 in UTC, to the second.
    #[serde(default)]
    pub time: String,
    /// The ARNs of what it is about.
    #[serde(default)]
    pub resources: Vec<String>,
}

impl AwsEvent {
    /// The fault of a function that no such event should wake.
    pub fn unexpected(&self, function: &str) -> Fault {
        let (source, kind) = (quoted(&self.source, 80), quoted(&self.detail_type, 80));
        Fault::bug(format!("{function} was sent {kind} of {source}: its rules are wrong"))
    }

    /// A text of the detail.
    pub fn text(&self, field: &str) -> Option<&str> {
        self.detail.get(field).and_then(Value::as_str)
    }
}
