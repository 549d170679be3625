//! What wakes the gates: CodePipeline's own events, holds, and the clock. None of them is believed: they say where to look.

use std::collections::BTreeMap;

use common::{
    domain::{
        cluster::ClusterKey,
        id::{CorrelationId, quoted},
        run::HoldScope,
    },
    fault::Fault,
    ports::{Alarms, CertificateRecords, ClusterRecords, Forge, Pause, PipelineJobs, RunGates, RunRows},
};
use futures::future::join_all;

use super::{Cluster, ClusterGates};

/// How many clusters are looked at side by side.
const AT_ONCE: usize = 8;

impl<R, G, A, F, C> ClusterGates<R, G, A, F, C>
where
    R: CertificateRecords + RunRows + ClusterRecords,
    G: RunGates + PipelineJobs,
    A: Alarms,
    F: Forge,
    C: Pause,
{
    /// A run of a pipeline came to a gate, as somebody says on the default bus. A pipeline that is no cluster's of ours is left alone.
    ///
    /// # Errors
    /// `Retry` when the run could not be decided over.
    pub async fn came_to_gate(&self, pipeline: &str, cause: &CorrelationId) -> Result<(), Fault> {
        let clusters = self.clusters().await?;
        let Some(cluster) = clusters.values().find(|cluster| cluster.pipeline.as_str() == pipeline) else {
            tracing::debug!(pipeline = quoted(pipeline, 100), "no cluster of ours has this pipeline");
            return Ok(());
        };
        self.consider(cluster, &clusters, cause).await
    }

    /// A hold was placed or lifted: every run that it concerns is decided over anew.
    ///
    /// # Errors
    /// Only that the clusters could not be listed: what is the matter with one of them is logged, counted, and looked at by the clock.
    pub async fn hold_changed(&self, scope: &HoldScope, cause: &CorrelationId) -> Result<(), Fault> {
        self.consider_all(|cluster| scope.covers(cluster), cause).await
    }

    /// The clock: every gate.
    ///
    /// # Errors
    /// As [`hold_changed`](Self::hold_changed).
    pub async fn sweep(&self, cause: &CorrelationId) -> Result<(), Fault> {
        self.consider_all(|_| true, cause).await
    }

    async fn consider_all(&self, concerned: impl Fn(&ClusterKey) -> bool, cause: &CorrelationId) -> Result<(), Fault> {
        let clusters: BTreeMap<ClusterKey, Cluster> = self.clusters().await?;
        let concerned: Vec<&Cluster> = clusters.values().filter(|cluster| concerned(&cluster.key)).collect();
        let mut failed = 0_u64;
        for some in concerned.chunks(AT_ONCE) {
            let looks = some.iter().map(|cluster| self.consider(cluster, &clusters, cause));
            for (cluster, looked) in some.iter().zip(join_all(looks).await) {
                if let Err(fault) = looked {
                    failed += 1;
                    tracing::error!(cluster = %cluster.key, fault = fault.chain(), "its gate could not be decided over");
                }
            }
        }
        if failed > 0 {
            tracing::info!(target: "metric", name = "RunGatesFailed", value = failed);
        }
        Ok(())
    }
}
