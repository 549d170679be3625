//! What the table remembers of certificates, in memory.

use std::collections::BTreeMap;

use crate::{
    domain::{certificate::Record, cluster::ClusterKey},
    fault::Fault,
    ports::{CertificateChange, CertificateRecords, CertificateRows, OutboxRow, SaidCommitted},
    testing::World,
};

#[derive(Default)]
pub(super) struct State {
    records: BTreeMap<ClusterKey, Record>,
}

impl World {
    /// Remembers a cluster's certificates, as the provisioner of certificates would.
    pub fn put_certificate_record(&self, record: Record) {
        self.state().certificates.records.insert(record.cluster.clone(), record);
    }
}

impl CertificateRecords for World {
    async fn certificate(&self, cluster: &ClusterKey) -> Result<Option<Record>, Fault> {
        self.call("CertificateRecords.certificate", cluster.to_string(), false, |state| {
            Ok(state.certificates.records.get(cluster).cloned())
        })
    }

    async fn certificates(&self) -> Result<Vec<Record>, Fault> {
        self.call("CertificateRecords.certificates", "", false, |state| {
            Ok(state.certificates.records.values().cloned().collect())
        })
    }
}

impl CertificateRows for World {
    async fn commit_certificate(&self, change: &CertificateChange) -> Result<SaidCommitted, Fault> {
        self.call("CertificateRows.commit", change.entry.subject.clone(), true, |state| {
            if let Some((before, after)) = &change.record {
                if state.certificates.records.get(&after.cluster) != before.as_ref() {
                    return Ok(SaidCommitted::Already);
                }
                state.certificates.records.insert(after.cluster.clone(), after.clone());
            }
            let rows = change.events.iter().map(OutboxRow::of).collect::<Result<Vec<_>, _>>()?;
            state.store.append(change.entry.clone());
            state.store.put_outbox(rows);
            Ok(SaidCommitted::Done)
        })
    }
}
