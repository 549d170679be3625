//! The table: it implements every store port.
//!
//! | file | port | what stands in it |
//! |---|---|---|
//! | `key` | | the only place that formats or parses key strings |
//! | `item` | | item ↔ domain |
//! | `transact` | | one transaction, its cancellation reasons, its retries |
//! | `intake` | `Intake` | delivery, body key and outbox row in one call |
//! | `ledger` | `Ledger`, `LedgerRows` | what happened to deliveries and their events |
//! | `outbox` | `Outbox` | what the relay asks and deletes |
//! | `fence`, `clusters` | `ClusterLedger` | generations; records with their audit entry and events |
//! | `runs` | `RunRows` | holds, answers, what gates said |
//! | `removals` | `RemovalRows` | removals that were refused, and who let them through |
//! | `said` | | what is said once, or over what was read |
//! | `audit` | `AuditTrail` | a subject's chain |
//! | `feedback` | `FeedbackLedger`, `FeedbackWords` | what was said last |
//! | `chat` | `ChatLedger` | where posts in the chat stand |
//! | `schema` | `SchemaRows` | the version of the rows |
//! | `wip` | `WipRows` | limits, leases and tickets by scope |
//! | `rhythm` | `RhythmRows` | posts, who was told of blockers, which tasks were done |
//! | `sweep` | `SweepRows` | branches as a sweep saw them, outbox rows that stay too long |
//! | `certificates` | `CertificateRows` | what is remembered of certificates |
//! | `items` | `ItemRows` | work items, what their gates look at, answered requests |
//!
//! Time to live only collects garbage: whether a row has expired is compared in the condition that depends on it.

use aws_sdk_dynamodb::{
    Client,
    types::{Delete, Put, TransactWriteItem},
};

use super::{Aws, config};

mod audit;
mod certificates;
mod chat;
mod clusters;
mod feedback;
mod fence;
mod ideas;
mod intake;
mod item;
mod items;
pub mod key;
mod ledger;
mod outbox;
mod removals;
mod rhythm;
mod runs;
mod said;
mod schema;
mod sweep;
mod transact;
mod wip;

pub use self::{
    audit::AUDIT_TRAIL_ACTIONS,
    certificates::{CERTIFICATE_ACTIONS, CERTIFICATE_RECORD_ACTIONS},
    clusters::{CLUSTER_LEDGER_ACTIONS, CLUSTER_RECORD_ACTIONS},
    feedback::FEEDBACK_ACTIONS,
    ideas::IDEA_ACTIONS,
    intake::INTAKE_ACTIONS,
    items::{ITEM_ACTIONS, ITEM_LIST_ACTIONS},
    ledger::{LEDGER_READ_ACTIONS, NOTE_ACTIONS},
    outbox::OUTBOX_ACTIONS,
    removals::REMOVAL_ACTIONS,
    rhythm::RHYTHM_ACTIONS,
    runs::RUN_ACTIONS,
    schema::SCHEMA_ACTIONS,
    sweep::SWEEP_ACTIONS,
    wip::WIP_ACTIONS,
};

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

    /// The connection, for benches that compare other designs over the same one.
    #[cfg(feature = "testing")]
    pub fn client(&self) -> &Client {
        &self.client
    }

    fn put_item(put: Put) -> TransactWriteItem {
        TransactWriteItem::builder().put(put).build()
    }

    fn delete_item(delete: Delete) -> TransactWriteItem {
        TransactWriteItem::builder().delete(delete).build()
    }
}
