//! What the table remembers of certificates.

use std::future::Future;

use super::SaidCommitted;
use crate::{
    domain::{audit::Draft, certificate::Record, cluster::ClusterKey},
    event::Envelope,
    fault::Fault,
};

/// A record as it shall be, with its audit entry and events: all or none, in one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateChange {
    /// The record as it was read, and as it shall be; nothing when only something is said.
    pub record: Option<(Option<Record>, Record)>,
    /// The entry in its audit chain.
    pub entry: Draft,
    /// What the bus is told.
    pub events: Vec<Envelope>,
}

/// The records, read only.
pub trait CertificateRecords: Sync {
    /// One cluster's record.
    fn certificate(&self, cluster: &ClusterKey) -> impl Future<Output = Result<Option<Record>, Fault>> + Send;
    /// Every record, from consistent reads.
    fn certificates(&self) -> impl Future<Output = Result<Vec<Record>, Fault>> + Send;
}

/// The records.
pub trait CertificateRows: CertificateRecords {
    /// Writes a change, one attempt. Idempotent by the record as it was read: nothing is written over another.
    ///
    /// # Errors
    /// `Retry` when the outcome is not known; `Bug` when it could never pass.
    fn commit_certificate(
        &self,
        change: &CertificateChange,
    ) -> impl Future<Output = Result<SaidCommitted, Fault>> + Send;
}
