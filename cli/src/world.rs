//! What stands in AWS and in the table, for a plan: a JSON file, or nothing at all.
//!
//! ```json
//! {"runtime": {"pipeline_role_arn": "…", "artifact_bucket": "…", "artifact_key_arn": null, "connection_arn": "…", "project_prefix": "…"},
//!  "pipelines": [{"definition": {…}, "tags": {…}}], "records": [], "executions": {"<pipeline>": {"id": "…", "status": "succeeded", "destroy": true}}}
//! ```

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::Context as _;
use common::domain::{
    cluster::{ClusterRecord, Execution, ObservedPipeline, PipelineRuntime},
    id::PipelineName,
};
use serde::Deserialize;

/// The world that a plan starts from.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct World {
    /// What every pipeline uses; must be the real values, or every pipeline looks changed.
    pub(crate) runtime: PipelineRuntime,
    /// All pipelines whose name could be ours.
    #[serde(default)]
    pub(crate) pipelines: Vec<ObservedPipeline>,
    /// What the table remembers.
    #[serde(default)]
    pub(crate) records: Vec<ClusterRecord>,
    /// Latest executions.
    #[serde(default)]
    pub(crate) executions: BTreeMap<PipelineName, Execution>,
}

impl World {
    /// Reads a file; without one the world is empty and the runtime's names are placeholders, which nobody is shown.
    pub(crate) fn read(path: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = path else {
            let named = |name: &str| format!("<{name}>");
            let runtime = PipelineRuntime {
                pipeline_role_arn: named("pipeline role"),
                artifact_bucket: named("artifact bucket"),
                artifact_key_arn: None,
                connection_arn: named("connection"),
                project_prefix: "penstock".to_owned(),
            };
            return Ok(Self { runtime, pipelines: Vec::new(), records: Vec::new(), executions: BTreeMap::new() });
        };
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is not an observed world", path.display()))
    }
}
