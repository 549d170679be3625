//! What is said once: rows that exist once, with their events and its audit entry, in one transaction.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, builders::PutBuilder};

use super::{
    Table,
    transact::{Attempt, MAX_ITEMS},
};
use crate::{domain::audit::Draft, event::Envelope, fault::Fault, ports::SaidCommitted};

impl Table {
    /// The put as one that replaces what was read, or nothing.
    pub(super) fn over(&self, put: PutBuilder, before: Option<AttributeValue>) -> PutBuilder {
        match before {
            None => put.condition_expression("attribute_not_exists(pk)"),
            Some(before) => put
                .condition_expression("#json = :before")
                .expression_attribute_names("#json", "json")
                .expression_attribute_values(":before", before),
        }
    }

    /// Writes `once`, whose conditions say whether it was said before, with what follows from it. One attempt.
    ///
    /// # Errors
    /// `Retry` when the outcome is not known; `Bug` when it could never pass.
    pub(super) async fn commit_said(
        &self,
        what: &str,
        once: Vec<TransactWriteItem>,
        events: &[Envelope],
        entry: &Draft,
    ) -> Result<SaidCommitted, Fault> {
        let rows = once.len();
        let mut parts = once;
        parts.extend(self.event_puts(events)?.into_iter().flatten());
        parts.extend(self.append(entry.clone()).await?);
        if parts.len() > MAX_ITEMS {
            let count = parts.len();
            return Err(Fault::bug(format!("{what}: {count} writes do not fit into one transaction of {MAX_ITEMS}")));
        }
        Ok(match self.transact(what, parts).await? {
            Attempt::Done(failed) if failed.is_empty() => SaidCommitted::Done,
            Attempt::Done(failed) if failed.iter().any(|failed| failed.at < rows) => SaidCommitted::Already,
            // Another entry joined the chain after its head was read.
            Attempt::Done(_) | Attempt::Again => SaidCommitted::Conflict,
        })
    }
}
