//! **Purpose.** Keeps one CodePipeline for each cluster as its file in the deploy tree wants it.
//!
//! **Wakes on** Branch Pushed that touches `deploy/`, on a schedule, on the job of a pipeline that may invoke it, on Removals Approved, and on Change Opened and Change Updated. The event only
//! wakes: a run reads the branch's head from the host, takes a generation, reads the tree at that head, plans purely and does
//! what the plan says. A commit that is no longer the head is never provisioned: before each write to CodePipeline the fence and
//! the head are compared again. For a pull request it plans and writes nothing; the schedule plans those that no plan was said about.
//!
//! **Commits**, for each cluster: an intent in its audit chain before a call to CodePipeline; after it the outcome, the cluster's
//! record and the event in one transaction. **Emits** Provisioning Started and Finished for each run, and one event for each
//! cluster to which something new happened. When nothing changed, CodePipeline is not written, tags included.
//!
//! **Idempotent by** (cluster, generation): a run compares what is wanted with what is there, so running again finds nothing
//! left to do, and a run that stopped half-way is completed by the next.
//!
//! **Fails** for one thing at a time. A refused file or a failed call leaves its own cluster as it is, is reported, and the
//! others go on; a failed call is tried once more in the same run, then by the schedule. A pipeline that
//! may not or cannot be read keeps its own cluster, which is refused with the reason. A tree, listing or record that cannot be read
//! whole, and whatever may pass (throttling, a time-out), fails the run before anything is written, and the message comes again.
//!
//! | file | what |
//! |---|---|
//! | `handler` | which run an event means |
//! | `load` | a commit becomes a fleet |
//! | `reconcile` | a run on a branch |
//! | `execute`, `records` | one step of a plan: intent, call, outcome |
//! | `starting` | runs of pipelines that have no triggers (CodeCommit) |
//! | `removing` | removals that people may let through |
//! | `dry_run` | a plan for a pull request |
//! | `jobs` | a run for a pipeline that invokes it |
//! | `report`, `telling` | how a run is told |
//!
//! CodePipeline has no conditional write. The comparison before each call therefore leaves a window of one call: a write
//! that was sent just before a newer run began still lands. That newer run lists the pipelines after it took its generation,
//! finds the difference, if there is any, and writes the newer definition; the schedule does the same later. It converges.

pub use crate::handler::Provisioner;

pub mod dry_run;
pub mod execute;
pub mod handler;
pub mod jobs;
pub mod load;
pub mod reconcile;
pub mod records;
pub mod removing;
pub mod report;
pub mod starting;
pub mod telling;

#[cfg(feature = "lambda")]
mod manifest;
#[cfg(feature = "lambda")]
pub mod wiring;
#[cfg(feature = "lambda")]
pub use crate::manifest::MANIFEST;
