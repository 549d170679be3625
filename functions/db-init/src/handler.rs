//! Record the form of the rows, refuse any other; then look at what the rows name.

use common::{
    domain::{governance::Governance, id::ItemId, stage::Position},
    fault::Fault,
    ports::{ItemRows, Page, SchemaRows},
};
use serde::Serialize;

/// The version of the rows that this code reads and writes. A second one brings its step with it: from the rows of the first, each by
/// compare-and-set, and recorded when the last is done.
pub const VERSION: u32 = 1;

/// How many items one read takes.
const PAGE: usize = 100;

/// How many strays are named one by one.
const NAMED: usize = 20;

/// What was found and done: the answer to the deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Prepared {
    /// The version that the rows have now.
    pub schema_version: u32,
    /// Whether this run changed anything.
    pub changed: bool,
    /// How many items there are.
    pub items: usize,
    /// Items under way whose pod, pipeline or stage the governance files do not have: nobody can move them until the files do, or somebody
    /// moves them back to a stage that there is. At most `NAMED` of them.
    pub strays: Vec<String>,
    /// How many such items there are.
    pub strays_total: usize,
}

/// Prepares the table.
///
/// # Errors
/// `Retry` when the table did not answer or another run is under way; `Bug` for rows of a newer version, and for rows that cannot be read.
pub async fn prepare<R: SchemaRows + ItemRows>(rows: &R, governance: &Governance) -> Result<Prepared, Fault> {
    let found = rows.schema_version().await?;
    match found {
        Some(VERSION) => {}
        // A table that nobody has prepared has no rows in another form: version 1 is the first.
        None if rows.record_schema_version(None, VERSION).await? => {
            tracing::info!(version = VERSION, "the table is prepared");
        }
        None => return Err(Fault::retry("another run prepares the table at the same time")),
        Some(other) => {
            return Err(Fault::bug(format!(
                "the table's rows have version {other}, this code knows {VERSION}: deploy the code that knows both"
            )));
        }
    }
    let (items, strays) = look(rows, governance).await?;
    for stray in &strays {
        tracing::warn!("{stray}");
    }
    let strays_total = strays.len();
    let strays = strays.into_iter().take(NAMED).collect();
    Ok(Prepared { schema_version: VERSION, changed: found != Some(VERSION), items, strays, strays_total })
}

/// How many items there are, and what the files do not have of what they name.
async fn look<R: ItemRows>(rows: &R, governance: &Governance) -> Result<(usize, Vec<String>), Fault> {
    let (mut count, mut strays) = (0, Vec::new());
    let mut after: Option<ItemId> = None;
    loop {
        let Page { items, unreadable, next } = rows.items(after.as_ref(), PAGE).await?;
        if let Some(first) = unreadable.first() {
            return Err(Fault::bug(format!("{first}: mend the row before you deploy")));
        }
        count += items.len();
        for item in items.iter().filter(|item| !matches!(item.position, Position::Killed { .. })) {
            let stage = item.position.stage();
            let missing = match governance.stages.get(&item.pipeline) {
                None => Some(format!("the pipeline {}", item.pipeline)),
                Some(pipeline) if pipeline.position(stage).is_none() => {
                    Some(format!("the stage {stage} of the pipeline {}", item.pipeline))
                }
                Some(_) if !governance.pods.listed.contains_key(&item.pod) => Some(format!("the pod {}", item.pod)),
                Some(_) => None,
            };
            strays
                .extend(missing.map(|missing| format!("item {}: the governance files do not have {missing}", item.id)));
        }
        after = next;
        if after.is_none() {
            return Ok((count, strays));
        }
    }
}

#[cfg(test)]
mod tests;
