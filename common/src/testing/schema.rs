//! The version of the rows, in memory.

use crate::{fault::Fault, ports::SchemaRows, testing::World};

impl SchemaRows for World {
    async fn schema_version(&self) -> Result<Option<u32>, Fault> {
        self.call("SchemaRows.version", "", false, |state| Ok(state.schema_version))
    }

    async fn record_schema_version(&self, seen: Option<u32>, version: u32) -> Result<bool, Fault> {
        self.call("SchemaRows.record", "", true, |state| {
            let holds = state.schema_version == seen;
            if holds {
                state.schema_version = Some(version);
            }
            Ok(holds)
        })
    }
}
