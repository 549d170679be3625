//! What people said of the clusters' runs: holds, and answers at a gate.

use std::{collections::BTreeSet, future::Future};

use super::SaidCommitted;
use crate::{
    domain::{
        audit::Draft,
        id::{Digest, ExecutionId, PipelineName},
        run::{Approval, Hold, Lifted, Told},
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

/// What was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunSaid {
    /// They placed a hold.
    Hold(Hold),
    /// They lifted one, which reads as it was read.
    Lift(Hold, Lifted),
    /// They answered at the gate of a run of this pipeline. A person may approve a run at a commit once and reject it once, whatever
    /// comes first; by one personal link once at all.
    Answer(PipelineName, Approval),
    /// The gate said something else of a run of this pipeline than what it said last, which reads as it was read.
    Gate {
        /// Whose run.
        pipeline: PipelineName,
        /// What it said before.
        before: Option<Told>,
        /// What it says now.
        now: Told,
    },
}

/// What is kept of one run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunRecord {
    /// What people answered.
    pub approvals: Vec<Approval>,
    /// What the gate said last.
    pub told: Option<Told>,
    /// The personal links that have taken their answer.
    pub links: BTreeSet<Digest>,
}

/// The rows of holds and answers.
pub trait RunRows: Sync {
    /// Every hold that was placed, from one consistent read. Those that ended and those that were lifted stay among them for a while:
    /// ask each whether it stands.
    fn holds(&self) -> impl Future<Output = Result<Vec<Hold>, Fault>> + Send;

    /// What is kept of one run, from one consistent read. Nothing that was said of another run.
    fn run(
        &self,
        pipeline: &PipelineName,
        execution: &ExecutionId,
    ) -> impl Future<Output = Result<RunRecord, Fault>> + Send;

    /// Writes a change, one attempt.
    ///
    /// Idempotent by the hold's id, by (run, person, answer, commit), and by what was said of a run before.
    ///
    /// # Errors
    /// `Retry` when the outcome is not known; `Bug` when it could never pass.
    fn commit_run(&self, change: &RunChange) -> impl Future<Output = Result<SaidCommitted, Fault>> + Send;
}
