//! What is remembered of certificates: one row a cluster, in one partition.

use super::{
    Table,
    item::{from_json, row, to_json},
    key::{CERTIFICATES, Key},
};
use crate::{
    aws::fault,
    domain::{certificate::Record, cluster::ClusterKey},
    fault::Fault,
    ports::{CertificateChange, CertificateRecords, CertificateRows, SaidCommitted},
};

/// The IAM actions that [`CertificateRows`] needs: a transaction needs the right to each of its parts.
pub const CERTIFICATE_ACTIONS: &[&str] = &["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"];

/// The IAM actions that [`CertificateRecords`] needs.
pub const CERTIFICATE_RECORD_ACTIONS: &[&str] = &["dynamodb:GetItem", "dynamodb:Query"];

impl CertificateRecords for Table {
    async fn certificate(&self, cluster: &ClusterKey) -> Result<Option<Record>, Fault> {
        let what = "reading a certificate's record";
        let request = self.client.get_item().table_name(&self.name).consistent_read(true);
        let answer = request.set_key(Some(Key::Certificate(cluster.clone()).attributes())).send().await;
        answer.map_err(|error| fault(what, error))?.item.as_ref().map(from_json).transpose()
    }

    async fn certificates(&self) -> Result<Vec<Record>, Fault> {
        self.query("listing certificates' records", CERTIFICATES).await?.iter().map(from_json).collect()
    }
}

impl CertificateRows for Table {
    async fn commit_certificate(&self, change: &CertificateChange) -> Result<SaidCommitted, Fault> {
        let what = "writing a certificate's record";
        let mut rows = Vec::new();
        if let Some((before, after)) = &change.record {
            let put = self.put(row(&Key::Certificate(after.cluster.clone()), [("json", to_json(after)?)]));
            let put = self.over(put, before.as_ref().map(to_json).transpose()?);
            rows.push(Self::put_item(put.build().map_err(|error| Fault::bug_from(what, error))?));
        }
        self.commit_said(what, rows, &change.events, &change.entry).await
    }
}
