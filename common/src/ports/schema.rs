//! Which form the rows of the table have.

use std::future::Future;

use crate::fault::Fault;

/// The row that says it.
pub trait SchemaRows: Sync {
    /// The version that is recorded; nothing in a table that nobody has prepared.
    fn schema_version(&self) -> impl Future<Output = Result<Option<u32>, Fault>> + Send;

    /// Records a version in the place of the one that was read. False when it is another by now: then somebody else prepares the table.
    fn record_schema_version(
        &self,
        seen: Option<u32>,
        version: u32,
    ) -> impl Future<Output = Result<bool, Fault>> + Send;
}
