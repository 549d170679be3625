//! Refused removals and what people said of them: the provisioner refuses, stage-gate lets through.

use std::future::Future;

use super::SaidCommitted;
use crate::{
    domain::{audit::Draft, cluster::RefusedRemovals, id::RepositoryId},
    event::Envelope,
    fault::Fault,
};

/// Another state of removals that were refused, with what follows from it: all of it or nothing, in one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemovalsChange {
    /// As they were read; nothing: nobody has refused them.
    pub before: Option<RefusedRemovals>,
    /// As they are to be.
    pub now: RefusedRemovals,
    /// What to tell the bus.
    pub events: Vec<Envelope>,
    /// The entry in the audit chain.
    pub entry: Draft,
}

/// The rows of refused removals.
pub trait RemovalRows: Sync {
    /// All that were refused of a repository and are kept still, from one consistent read: whether they are approved, and asked for
    /// still, is for whoever reads them.
    fn removals(&self, repository: RepositoryId) -> impl Future<Output = Result<Vec<RefusedRemovals>, Fault>> + Send;

    /// Writes a change, one attempt.
    ///
    /// Idempotent by the digest of the removals, and by how they were read.
    ///
    /// # Errors
    /// `Retry` when the outcome is not known; `Bug` when it could never pass.
    fn commit_removals(&self, change: &RemovalsChange) -> impl Future<Output = Result<SaidCommitted, Fault>> + Send;
}
