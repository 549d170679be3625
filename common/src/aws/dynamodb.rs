//! The table: it implements every store port.
//!
//! | file | port | what stands in it |
//! |---|---|---|
//! | `key` | | the only place that formats or parses key strings |
//! | `item` | | item ↔ domain |
//! | `transact` | | one transaction, its cancellation reasons, its retries |
//! | `intake` | `Intake` | delivery, body key and outbox row in one call |
//! | `outbox` | `Outbox` | what the relay asks and deletes |
//! | `fence`, `clusters` | `ClusterLedger` | generations; records with their audit entry and events |
//! | `audit` | `AuditTrail` | a subject's chain |
//! | `feedback` | `FeedbackLedger` | what was said last |
//!
//! Time to live only collects garbage: whether a row has expired is compared in the condition that depends on it.

use aws_sdk_dynamodb::Client;

use super::{Aws, config};

/// The table.
#[derive(Debug, Clone)]
pub struct Table {
    client: Client,
    name: String,
}

impl Table {
    /// The table of this name.
    pub fn new(aws: &Aws, name: &str) -> Self {
        let config = config!(aws_sdk_dynamodb, aws, "DYNAMODB").build();
        Self { client: Client::from_conf(config), name: name.to_owned() }
    }
}
