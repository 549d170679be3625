//! **Purpose.** Keeps what remains of a work item that has ended: a branch and a tag at its last commit, and an issue that asks for what was
//! learnt. It alone asks for tokens that may do so; whether an item ends, `stage-gate` has decided, and its places are free already.
//!
//! **Wakes on** Item Killed. **Emits** nothing: what it did stands in the item and in its audit chain.
//!
//! **Idempotent by** the item: what is archived says so. A run that stopped half-way finds its branch, its tag and its open issue again.
//!
//! **Fails** by `Retry` when the host does not answer. An item that lives nowhere, or where its pod's items may not live, has nothing to
//! archive: that is said in its chain.
//!
//! | file | what |
//! |---|---|
//! | [`handler`] | load, archive, commit |
//! | [`postmortem`] | the words of the issue |

pub use crate::handler::KillExecutor;

pub mod handler;
pub mod postmortem;

#[cfg(feature = "lambda")]
mod manifest;
#[cfg(feature = "lambda")]
pub mod wiring;
#[cfg(feature = "lambda")]
pub use crate::manifest::MANIFEST;
