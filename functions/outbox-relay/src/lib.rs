//! **outbox-relay**: publishes outbox rows from the table's stream to the bus. It is the only publisher.
//!
//! * **Wakes on** the table's stream: INSERT and MODIFY of rows whose partition key starts with [`PREFIX`]. The event source mapping
//!   filters; the relay checks again. A re-send is a touch of the row.
//! * **Effects** `PutEvents` for rows that are still in the table, then deletes those that the bus accepted.
//! * **Idempotent by** the event id: a row that is gone was accepted before and is not sent again. Between acceptance and deletion a
//!   crash sends a row twice; consumers deduplicate on the event id.
//! * **Fails** record by record: entries that the bus refused are tried three times with pauses of random length, then reported with
//!   their sequence numbers. Lambda brings the batch again from the lowest one on; what was accepted meanwhile is gone from the table
//!   and so is skipped. A malformed row is reported too, never skipped: after the last attempt it is in the on-failure queue, where a
//!   person sees it. When the table cannot be asked, the whole batch fails.
//!
//! | file | what it does |
//! |---|---|
//! | [`stream`] | Lambda's stream batch to rows, and the partial answer |
//! | [`handler`] | ask, publish, delete, report |

pub mod handler;
pub mod stream;

#[cfg(feature = "lambda")]
use common::manifest::{EnvVar, Manifest, Wake};

pub use handler::handle;

/// What the partition keys of outbox rows start with.
pub const PREFIX: &str = "OUTBOX#";

/// What this function is, for the contract, Terraform and the local stack.
#[cfg(feature = "lambda")]
pub const MANIFEST: Manifest = Manifest {
    name: "outbox-relay",
    purpose: "Publishes outbox rows from the table's stream to the bus.",
    idempotent_by: "the event id: a row that is gone from the table was accepted before",
    memory_mb: 256,
    timeout_s: 30,
    wakes: &[Wake::Stream { prefix: PREFIX, batch_size: 100, attempts: 10, max_age_s: 21_600 }],
    env: &[
        EnvVar::required("TABLE_NAME", "the DynamoDB table"),
        EnvVar::required("BUS_NAME", "the EventBridge bus"),
        EnvVar::optional("LOG_LEVEL", "error, warn, info (the default), debug or trace"),
    ],
    grants: &["outbox-drain", "bus-publish"],
    calls: &[common::aws::dynamodb::OUTBOX_ACTIONS, common::aws::eventbridge::ACTIONS],
    emits: &[],
    alarms: &[],
};
