//! What stands in CodePipeline and in our own table, as plain data.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        cluster::{ClusterKey, PipelineDefinition, Weakness, tag},
        id::{BlobSha, Digest, Generation, PipelineName, RepositoryId},
    },
    event::Outcome,
};

/// One pipeline that exists in the control plane's account and region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedPipeline {
    /// Its definition, without what AWS adds.
    pub definition: PipelineDefinition,
    /// All its tags.
    pub tags: BTreeMap<String, String>,
}

/// What stands in CodePipeline under names that could be ours: always all of it, never a part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// The pipelines that could be read.
    pub pipelines: Vec<ObservedPipeline>,
    /// Those that are there and could not be read, with the reason: whose they are is unknown, so nothing is done to them.
    pub unreadable: BTreeMap<PipelineName, String>,
}

impl Listing {
    /// Whether a pipeline of this name stands, readable or not.
    pub fn stands(&self, name: &PipelineName) -> bool {
        self.unreadable.contains_key(name) || self.pipelines.iter().any(|pipeline| pipeline.definition.name == *name)
    }

    /// Something about this pipeline could not be read, so nothing about it is taken as known.
    pub fn distrust(&mut self, name: PipelineName, why: String) {
        self.pipelines.retain(|pipeline| pipeline.definition.name != name);
        self.unreadable.insert(name, why);
    }
}

impl ClusterRecord {
    /// Forgets what was meant so long ago that it has landed or will not.
    pub fn forget_late(&mut self, now: Timestamp) {
        self.lately.retain(|intent| now.duration_since(intent.at) <= LATE);
    }
}

impl ObservedPipeline {
    /// Whether Penstock made it.
    pub fn is_ours(&self) -> bool {
        self.tags.get(tag::MANAGED_BY).is_some_and(|value| value == tag::MANAGED_BY_VALUE)
    }

    /// The repository that configures it, by its tag.
    pub fn repository(&self) -> Option<RepositoryId> {
        self.tags.get(tag::REPOSITORY_ID)?.parse().ok()
    }

    /// Which cluster it is for, by its tags; nothing when they are not ours or do not parse.
    pub fn cluster(&self) -> Option<ClusterKey> {
        let value = |key| self.tags.get(key).map(String::as_str);
        let (environment, alias) = (value(tag::ENVIRONMENT)?, value(tag::REGION_ALIAS)?);
        let text = match value(tag::KIND)? {
            "regional" => format!("{environment}/{alias}/regional"),
            kind => format!("{environment}/{alias}/{kind}/{}", value(tag::CLUSTER)?),
        };
        text.parse().ok()
    }
}

/// How an execution of a pipeline ended, or that it did not yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExecutionStatus {
    /// Still going, stopping or waiting.
    Running,
    /// Every stage succeeded.
    Succeeded,
    /// Failed, stopped, superseded or cancelled.
    Failed,
}

/// A pipeline's latest execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Execution {
    /// CodePipeline's execution id.
    pub id: String,
    /// How it ended.
    pub status: ExecutionStatus,
    /// Whether its variable `IS_DESTROY` was `true`; unknown when the service did not say.
    pub destroy: Option<bool>,
}

/// What the table remembers of one cluster: written together with the audit entry and the event of each change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterRecord {
    /// Which cluster.
    pub cluster: ClusterKey,
    /// Its pipeline.
    pub pipeline: PipelineName,
    /// The last result that differed from the one before.
    pub outcome: Outcome,
    /// The generation that wrote this.
    pub generation: Generation,
    /// When.
    pub at: Timestamp,
    /// The digest of the specification that the pipeline has.
    pub spec_sha256: Option<Digest>,
    /// The digest of the file that was last accepted: its compiled form is in the bucket.
    #[serde(default)]
    pub config_sha256: Option<Digest>,
    /// The accepted values, flat, by field path: what a later update is compared with.
    pub values: BTreeMap<String, String>,
    /// The destroy run that was started, and for which version of the file.
    pub destroy: Option<DestroyRun>,
    /// The specification that a run set out to write, until it is recorded as written: a run may stop between the two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intended: Option<Digest>,
    /// What runs set out to write in the last while, [`LATE`]: a call of a run that was overtaken may still land.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lately: Vec<Intent>,
    /// That somebody changed the pipeline by hand, as it was told last: there until it is known to be set right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<ToldDrift>,
    /// The digest of what was last said about it (outcome and reasons): the same again is no event and no audit entry.
    #[serde(default)]
    pub said: Option<Digest>,
}

/// How long after it was meant a call may land: a run ends within a quarter of an hour.
pub const LATE: SignedDuration = SignedDuration::from_mins(30);

/// A definition that a run set out to write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Its specification.
    pub spec_sha256: Digest,
    /// When.
    pub at: Timestamp,
}

/// A change by hand that was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldDrift {
    /// When it was first seen.
    pub since: Timestamp,
    /// What it took from the pipeline's safety.
    #[serde(default)]
    pub weakened: Vec<Weakness>,
}

/// A destroy run that the provisioner started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DestroyRun {
    /// CodePipeline's execution id.
    pub execution: String,
    /// The version of the file that asked for it: it is started once for each.
    pub blob: BlobSha,
}
