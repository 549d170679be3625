//! The gates of the clusters' pipelines: which runs go on to deploy.
//!
//! **Wakes on** CodePipeline's own word that a run has come to a gate or left it, the job of a gate that invokes this function, holds that are
//! placed or lifted, answers by the API and in comments on pull requests, and the clock each minute: what is decided follows from what stands
//! then, never from what woke it. **Emits** Run Gate Waiting, Approved and Rejected and Bypassed, Hold Placed and Hold Lifted, Removals
//! Approved, Run Answer Refused.
//!
//! **Idempotent by** the run (pipeline, execution) and what was said of it last: the same again is no event and no audit entry. A
//! request for approval is answered once; every further answer is over. So is a job.
//!
//! **Fails how.** Each cluster by itself. What cannot be read keeps its run at the gate, is logged and counted (`RunGatesFailed`), and is
//! looked at again with the next minute. A pipeline that is no cluster's of ours is not looked at.
//!
//! | file | what |
//! |---|---|
//! | here | the clusters that have gates |
//! | [`case`] | everything that a decision over a run rests on |
//! | [`deciding`] | say what the gate says, then answer the pipeline |
//! | [`answering`] | what people answer |
//! | [`commenting`] | what they answer in comments |
//! | [`explaining`] | what keeps the runs of a cluster |
//! | [`holding`] | holds |
//! | [`jobs`] | gates that invoke this function |
//! | [`removing`] | removals that were refused, let through by people |
//! | [`visiting`], [`page`] | answers by personal links, and their pages |
//! | [`noticing`] | runs that left their gate without us |
//! | [`waking`] | events and the clock |
//! | [`http`], [`api`], [`answer`] | the HTTP API |
//! | [`telling`] | events and audit entries |

use std::collections::{BTreeMap, btree_map::Entry};

use common::{
    domain::{
        cluster::{ClusterKey, ClusterRecord, ToldDrift},
        governance::{Environment, Governance},
        id::{BranchName, PipelineName},
        run::LinkKey,
    },
    event::Repository,
    fault::Fault,
    ports::{
        Alarms, CertificateRecords, ClusterRecords, Forge, PATIENCE, Patience, Pause, PipelineError, RunGates, RunRows,
    },
};
use jiff::Timestamp;

pub mod answer;
pub mod answering;
pub mod api;
pub mod case;
pub mod commenting;
pub mod deciding;
pub mod explaining;
pub mod holding;
pub mod http;
pub mod jobs;
pub mod noticing;
pub mod page;
pub mod removing;
pub mod telling;
pub mod visiting;
pub mod waking;

#[cfg(test)]
mod tests;

/// The gates of runs: rows of what was said, CodePipeline, the source host, and the files that the control plane runs by.
pub struct ClusterGates<R, G, A, F, C> {
    /// Holds, answers and the clusters' records.
    pub rows: R,
    /// The pipelines' gates.
    pub gates: G,
    /// The alarms that watch a soak.
    pub alarms: A,
    /// Where the clusters are configured.
    pub forge: F,
    /// Now, and waiting.
    pub clock: C,
    /// The files that the control plane runs by.
    pub governance: Governance,
    /// What signs personal links; without it there are none.
    pub links: Option<LinkKey>,
}

/// A cluster that has a pipeline of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// Which.
    pub key: ClusterKey,
    /// Its pipeline.
    pub pipeline: PipelineName,
    /// Where it is configured.
    pub repository: Repository,
    /// The branch that its environment follows.
    pub branch: BranchName,
    /// What `environments.yaml` says of its environment; nothing when it does not list it.
    pub environment: Option<Environment>,
    /// Another repository that has made a pipeline for it: nothing of it is decided until one of the two files goes.
    pub disputed_by: Option<Repository>,
    /// That somebody changed its pipeline by hand, as the provisioner saw it last.
    pub drift: Option<ToldDrift>,
}

impl Cluster {
    /// Whose it is, when that is clear.
    ///
    /// # Errors
    /// `Bug` when two repositories have made a pipeline for it: of this cluster alone nothing is decided.
    fn undisputed(&self) -> Result<&Self, Fault> {
        let Some(other) = &self.disputed_by else { return Ok(self) };
        let (key, repository) = (&self.key, &self.repository.name);
        Err(Fault::bug(format!(
            "two repositories have made a pipeline for {key}, {} and {repository}: take one of the files out",
            other.name
        )))
    }
}

impl<R, G, A, F, C> ClusterGates<R, G, A, F, C>
where
    R: CertificateRecords + RunRows + ClusterRecords,
    G: RunGates,
    A: Alarms,
    F: Forge,
    C: Pause,
{
    /// Now, as the rows keep it.
    pub fn now(&self) -> Timestamp {
        self.clock.now_to_the_microsecond()
    }

    /// Waits before another attempt.
    async fn again(&self, patience: &mut Patience<'_, C>, what: &str) -> Result<(), Fault> {
        if patience.again().await {
            return Ok(());
        }
        Err(Fault::retry(format!("{what}: others were at the same rows for {} s", PATIENCE.as_secs())))
    }

    /// The repositories that configure clusters.
    pub(crate) fn repositories(&self) -> Vec<Repository> {
        let listed = self.governance.repositories.listed.iter();
        let of_clusters = listed.filter(|(_, entry)| entry.kind.makes_pipelines());
        of_clusters.map(|(id, entry)| Repository::new(*id, entry.name.clone())).collect()
    }

    /// Every cluster that has a pipeline of ours, by its key. Two repositories may configure the same one only in error: then nothing of
    /// that one is decided.
    ///
    /// # Errors
    /// Those of the table: part of the clusters is never all of them.
    pub async fn clusters(&self) -> Result<BTreeMap<ClusterKey, Cluster>, Fault> {
        let mut clusters: BTreeMap<ClusterKey, Cluster> = BTreeMap::new();
        for (id, entry) in &self.governance.repositories.listed {
            if !entry.kind.makes_pipelines() {
                continue;
            }
            let has_pipeline = |record: &ClusterRecord| record.spec_sha256.is_some();
            for record in self.rows.records(*id).await?.into_iter().filter(has_pipeline) {
                let environment = self.governance.environments.get(&record.cluster.environment);
                let branch = environment.as_ref().and_then(|environment| environment.branch.clone());
                let cluster = Cluster {
                    key: record.cluster.clone(),
                    pipeline: record.pipeline,
                    repository: Repository::new(*id, entry.name.clone()),
                    branch: branch.unwrap_or_else(|| entry.default_branch.clone()),
                    environment,
                    disputed_by: None,
                    drift: record.drift,
                };
                match clusters.entry(record.cluster) {
                    Entry::Vacant(place) => drop(place.insert(cluster)),
                    Entry::Occupied(mut place) => place.get_mut().disputed_by = Some(cluster.repository),
                }
            }
        }
        Ok(clusters)
    }
}

/// A failed call of CodePipeline as a fault.
fn unread(cluster: &Cluster, error: PipelineError) -> Fault {
    let what = format!("the gate of {} could not be read or answered", cluster.key);
    if error.retry { Fault::retry_from(what, error) } else { Fault::bug_from(what, error) }
}
