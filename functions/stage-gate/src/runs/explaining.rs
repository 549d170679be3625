//! What keeps the runs of a cluster, now. Nothing here writes.

use common::{
    domain::{cluster::ClusterKey, run::Unmet},
    fault::Fault,
    ports::{Alarms, CertificateRecords, ClusterRecords, Forge, Pause, RunGates, RunRows},
};

use super::{Cluster, ClusterGates, case::Case};

/// A cluster's gate.
#[derive(Debug, Clone)]
pub struct Explained {
    /// Whose.
    pub cluster: Cluster,
    /// The runs that wait there, with everything that each lacks.
    pub runs: Vec<Case>,
    /// What would stop any run that came now, whoever approved it.
    pub stops: Vec<Unmet>,
}

impl<R, G, A, F, C> ClusterGates<R, G, A, F, C>
where
    R: CertificateRecords + RunRows + ClusterRecords,
    G: RunGates,
    A: Alarms,
    F: Forge,
    C: Pause,
{
    /// What keeps the runs of a cluster; nothing when it has no pipeline of ours.
    ///
    /// # Errors
    /// Whatever could not be read.
    pub async fn explain(&self, key: &ClusterKey) -> Result<Option<Explained>, Fault> {
        let clusters = self.clusters().await?;
        let Some(cluster) = clusters.get(key) else { return Ok(None) };
        let mut runs = Vec::new();
        for waiting in self.waiting(cluster).await? {
            runs.push(self.look_at(cluster, &clusters, waiting).await?);
        }
        let now = self.now();
        let holds = self.standing().await?;
        let mut stops: Vec<Unmet> = holds.into_iter().filter(|hold| hold.stops(key, now)).map(Unmet::Held).collect();
        match &cluster.environment {
            Some(environment) => stops.extend(environment.rules.stops(now)),
            None => stops.push(Unmet::NoRules { environment: key.environment.clone() }),
        }
        Ok(Some(Explained { cluster: cluster.clone(), runs, stops }))
    }
}
