//! **Purpose.** Prepares the table: records which form its rows have, refuses a table of another, and says which rows name what the
//! governance files do not have.
//!
//! **Wakes on** each deployment, and by hand. **Emits** nothing.
//!
//! **Idempotent by** the schema version, which is written by compare-and-set: a run that stopped half-way is resumed by the next, and a run
//! over a table that is ready changes nothing.
//!
//! **Fails how.** Every failure is an error of the invocation, which fails the deployment. A table that other code has prepared is refused.
//!
//! **What is not seeded.** Pods, limits, stages and schedules are read from the governance files at each decision and have no rows; the row
//! of a scope is made by the first who asks there. So there is nothing that could differ from the files, and a new pod needs no run of this.

pub use crate::handler::{Prepared, prepare};
#[cfg(feature = "lambda")]
pub use crate::manifest::MANIFEST;

pub mod handler;

#[cfg(feature = "lambda")]
mod manifest;
