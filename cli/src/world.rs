//! What a plan is compared with: the pipelines that another tree has, or none at all.

use std::collections::BTreeMap;

use common::{
    domain::{
        cluster::{
            ClusterKey, ClusterRecord, Desired, DestroyRun, Execution, ExecutionStatus, Fleet, Listing,
            ObservedPipeline, PipelineRuntime,
        },
        id::{Generation, PipelineName},
    },
    event::Outcome,
};
use jiff::Timestamp;

/// The world that a plan starts from.
#[derive(Default)]
pub(crate) struct World {
    /// The pipelines that stand.
    pub(crate) observed: Listing,
    /// What the table would remember.
    pub(crate) records: Vec<ClusterRecord>,
    /// Latest executions.
    pub(crate) executions: BTreeMap<PipelineName, Execution>,
    /// What was assumed, for people.
    pub(crate) notes: Vec<String>,
}

/// What every pipeline uses. Both sides of a comparison have the same, so the names are placeholders, which nobody is shown.
pub(crate) fn runtime() -> PipelineRuntime {
    let named = |name: &str| format!("<{name}>");
    PipelineRuntime {
        pipeline_role_arn: named("pipeline role"),
        artifact_bucket: named("artifact bucket"),
        artifact_key_arn: None,
        connection_arn: Some(named("connection")),
        project_prefix: "penstock".to_owned(),
        gate_function: "penstock-stage-gate".to_owned(),
        certificate_function: "penstock-iot-cert-provisioner".to_owned(),
    }
}

impl World {
    /// The world after every file of this fleet was provisioned. What only AWS knows is assumed, and said in `notes`.
    pub(crate) fn after(fleet: &Fleet) -> Self {
        let mut world = Self::default();
        for (key, desired) in &fleet.desired {
            world.add(key, desired);
        }
        if !world.executions.is_empty() {
            world.notes.push(format!(
                "the destroy runs that --from asks for are taken as succeeded, the pipelines that it removes as gone: {}",
                world.executions.len()
            ));
        }
        if !fleet.invalid.is_empty() {
            let bad: Vec<String> = fleet.invalid.keys().map(ToString::to_string).collect();
            world
                .notes
                .push(format!("files with errors in --from are taken as without a pipeline: {}", bad.join(", ")));
        }
        world
    }

    fn add(&mut self, cluster: &ClusterKey, desired: &Desired) {
        let shape = &desired.shape;
        let removing = desired.config.delete || desired.config.delete_pipeline;
        if removing {
            let run = Execution { id: "assumed".into(), status: ExecutionStatus::Succeeded, destroy: Some(true) };
            self.executions.insert(shape.pipeline.clone(), run);
        }
        if desired.config.delete_pipeline {
            return;
        }
        let tags = shape.tags.iter().cloned().collect();
        self.observed.pipelines.push(ObservedPipeline { definition: shape.definition.clone(), tags });
        self.records.push(ClusterRecord {
            cluster: cluster.clone(),
            pipeline: shape.pipeline.clone(),
            outcome: Outcome::Created,
            generation: Generation(0),
            at: Timestamp::UNIX_EPOCH,
            spec_sha256: Some(shape.spec_sha256.clone()),
            config_sha256: Some(shape.compiled.config_sha256.clone()),
            values: shape.values.clone(),
            destroy: removing.then(|| DestroyRun { execution: "assumed".into(), blob: desired.blob.clone() }),
            intended: None,
            lately: Vec::new(),
            drift: None,
            said: None,
        });
    }
}
