//! A CodePipeline as plain data: what we ask for and what we compare with, without an SDK type.
//!
//! Shape: V2, QUEUED, `Source` → `Validate` → `Deploy` → `Bootstrap`. Two definitions are equal when they mean the same; the
//! adapter drops what AWS adds (`version`, empty defaults) when it reads one back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::id::{BranchName, Digest, PipelineName, RepositoryName};

/// A whole pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PipelineDefinition {
    /// Its name.
    pub name: PipelineName,
    /// The role that CodePipeline assumes.
    pub role_arn: String,
    /// The bucket of its artifacts.
    pub artifact_bucket: String,
    /// The KMS key of its artifacts, when not the bucket's default.
    pub artifact_key_arn: Option<String>,
    /// `V2`, anything else is drift.
    pub pipeline_type: String,
    /// `QUEUED`: a later push never overtakes a destroy run between stages.
    pub execution_mode: String,
    /// Pipeline variables and their default values: `IS_DESTROY`.
    pub variables: BTreeMap<String, String>,
    /// The stages in order.
    pub stages: Vec<Stage>,
    /// What starts it.
    pub triggers: Vec<Trigger>,
}

/// One stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// Its name.
    pub name: String,
    /// Its actions.
    pub actions: Vec<Action>,
    /// Whether the stage carries anything we never write (conditions, blockers): drift when true.
    pub foreign_settings: bool,
}

/// One action of a stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// Its name.
    pub name: String,
    /// Its place within the stage; equal numbers run side by side.
    pub run_order: i32,
    /// `Source`, `Build`, `Approval` or `Invoke`.
    pub category: String,
    /// `AWS`.
    pub owner: String,
    /// `CodeStarSourceConnection`, `CodeCommit`, `CodeBuild`, `Manual` or `Lambda`.
    pub provider: String,
    /// `1`.
    pub version: String,
    /// The action's configuration; `EnvironmentVariables` is a JSON text of at most 1,000 characters.
    pub configuration: BTreeMap<String, String>,
    /// Artifacts it reads.
    pub input_artifacts: Vec<String>,
    /// Artifacts it makes.
    pub output_artifacts: Vec<String>,
    /// How long it may take, in minutes, when not AWS's default.
    pub timeout_minutes: Option<i32>,
}

/// A push trigger of a V2 pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    /// The source action it belongs to.
    pub source_action: String,
    /// The branches that start the pipeline.
    pub branches: Vec<String>,
    /// The path patterns of which one must match: at most 8 of at most 255 characters (AWS quota).
    pub paths: Vec<String>,
    /// Whether the trigger carries anything we never write (tags, excludes, pull requests): drift when true.
    pub foreign_settings: bool,
}

/// The tags that we own. Others are left alone.
pub mod tag {
    /// Says that Penstock made it: value [`MANAGED_BY_VALUE`].
    pub const MANAGED_BY: &str = "managed-by";
    /// The value of [`MANAGED_BY`].
    pub const MANAGED_BY_VALUE: &str = "penstock";
    /// The environment.
    pub const ENVIRONMENT: &str = "env";
    /// The region alias.
    pub const REGION_ALIAS: &str = "region-alias";
    /// `regional` or `management`.
    pub const KIND: &str = "cluster-kind";
    /// The management cluster's name; `regional` for a regional one.
    pub const CLUSTER: &str = "cluster";
    /// The configuration file.
    pub const CONFIG_PATH: &str = "config-path";
    /// The id of the repository that configures it.
    pub const REPOSITORY_ID: &str = "repository-id";
}

/// What Terraform made and every cluster pipeline uses: names and ARNs, from the provisioner's environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipelineRuntime {
    /// The role that CodePipeline assumes.
    pub pipeline_role_arn: String,
    /// The bucket of the artifacts and of the compiled specifications (`specs/`).
    pub artifact_bucket: String,
    /// The KMS key of the artifacts.
    pub artifact_key_arn: Option<String>,
    /// The one connection to GitHub; nothing where no repository is there.
    pub connection_arn: Option<String>,
    /// The function that a gate invokes: stage-gate's.
    pub gate_function: String,
    /// The function that sees to certificates: iot-cert-provisioner's.
    pub certificate_function: String,
    /// The CodeBuild project of each step, `<prefix>-<kind>-<step>` by (kind, step): six of them.
    pub project_prefix: String,
}

/// Where a cluster's files come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipelineSource {
    /// The repository's present name.
    pub repository: RepositoryName,
    /// The branch of the cluster's environment.
    pub branch: BranchName,
}

/// What one accepted file compiles to: the values that its pipeline's stages run with.
///
/// Stored under `specs/<pipeline>/<config_sha256>.json` before the pipeline is written. A stage recomputes the digest of the file
/// at its own commit and takes the object of that name, so that a file which was not accepted is never applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompiledSpec {
    /// The sha256 of the file's bytes.
    pub config_sha256: Digest,
    /// Where its stages work, by the names of their action variables: `TARGET_ACCOUNT_ID`, `TARGET_REGION`, … A run can begin with the
    /// pipeline's definition of before and the file of now; a stage compares, so that new values are never applied in an old place.
    pub place: BTreeMap<String, String>,
    /// `TF_VAR_` values by variable name, as text.
    pub variables: BTreeMap<String, String>,
    /// Whether the file says `delete: true`: only a destroy run may use it.
    pub delete: bool,
}
