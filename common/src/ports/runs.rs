//! What people said of the clusters' runs: holds, and answers at a gate.

use std::future::Future;

use crate::{
    domain::{
        audit::Draft,
        id::{ExecutionId, HoldId, PipelineName},
        run::{Approval, Hold},
    },
    event::Envelope,
    fault::Fault,
};

/// One thing that somebody said, with what follows from it: all of it or nothing, in one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunChange {
    /// What was said.
    pub said: RunSaid,
    /// What to tell the bus.
    pub events: Vec<Envelope>,
    /// The entry in the audit chain.
    pub entry: Draft,
}

/// What somebody said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunSaid {
    /// They placed a hold.
    Hold(Hold),
    /// They lifted one.
    Lift(HoldId),
    /// They answered at the gate of a run of this pipeline. A person may approve a run once and reject it once, whatever comes first.
    Answer(PipelineName, Approval),
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunCommitted {
    /// Everything is written.
    Done,
    /// Nothing was written, because it is so already: the hold stands, or is gone, or the person gave this answer before.
    Already,
    /// Nothing was written: somebody else was at the same rows. The same may pass in a moment.
    Conflict,
}

/// The rows of holds and answers.
pub trait RunRows: Sync {
    /// Every hold that was placed and not lifted, from one consistent read. Those that ended may be among them: compare with now.
    fn holds(&self) -> impl Future<Output = Result<Vec<Hold>, Fault>> + Send;

    /// What was answered about one run, from one consistent read. Nothing that was said of another run.
    fn approvals(
        &self,
        pipeline: &PipelineName,
        execution: &ExecutionId,
    ) -> impl Future<Output = Result<Vec<Approval>, Fault>> + Send;

    /// Writes a change, one attempt.
    ///
    /// Idempotent by the hold's id, and by (run, person, answer).
    ///
    /// # Errors
    /// `Retry` when the outcome is not known; `Bug` when it could never pass.
    fn commit_run(&self, change: &RunChange) -> impl Future<Output = Result<RunCommitted, Fault>> + Send;
}
