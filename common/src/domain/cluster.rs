//! Journey 1 as pure functions: a deploy tree becomes desired pipelines, desired and observed become a plan.
//!
//! ```text
//! tree ─ path ─── survey ─┐
//! bytes ─ yaml ─ config ──┴─ fleet (cross checks, shape) ─┐
//!               observed pipelines, records, executions ──┴─ plan ─ wording
//! ```
//! A run calls [`survey`] on the listed tree (a pull request's on [`overlay::overlay`]), reads the files that it names, and gives
//! them to [`fleet::build`]; then [`plan::executions_needed`] says what else to load, and [`plan::plan`] decides. For each step the
//! executor stores the compiled specification when `publish_spec` says so, makes the one call of the action, and records.
//!
//! Facts: the deploy tree's convention, validation table and pipeline shape of the ROSA regional platform, as the design
//! restates them.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::id::{ClusterName, EnvironmentName, IdError, RegionAlias, quoted};

pub mod config;
pub mod definition;
pub mod diff;
pub mod drift;
pub mod finding;
#[cfg(test)]
mod fixture;
pub mod fleet;
pub mod names;
pub mod observed;
pub mod overlay;
pub mod path;
pub mod pattern;
pub mod plan;
#[cfg(test)]
mod properties;
pub mod removals;
pub mod shape;
pub mod start;
pub mod tree;
pub mod wording;

pub use config::{AccountRef, ClusterConfig, ManagementConfig};
pub use definition::*;
pub use drift::Weakness;
pub use finding::*;
pub use fleet::{Desired, Fleet, FleetContext};
pub use observed::*;
pub use plan::{Action as PlanAction, Plan, PlanInput, Step};
pub use removals::{RefusedRemovals, Removal, RemovalApproval, Removals};
pub use shape::{
    CERTIFICATE_ACTION, CERTIFICATE_REMOVAL_ACTION, CERTIFICATE_REMOVAL_STAGE, CERTIFICATE_STAGE, GATE_ACTION,
    GATE_STAGE, GATE_TIMEOUT_MINUTES, SOURCE_ACTION, Shape,
};
pub use tree::{EntryKind, MAX_FILE_BYTES, Scope, Survey, TreeEntry, survey};

/// Which cluster: its place in the deploy tree, which is also its identity everywhere else.
///
/// Text form: `integration/us-east-1/regional`, `integration/us-east-1/management/mc01`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct ClusterKey {
    /// The environment.
    pub environment: EnvironmentName,
    /// The region alias.
    pub region_alias: RegionAlias,
    /// Regional, or which management cluster.
    pub kind: ClusterKind,
}

/// The two kinds of cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClusterKind {
    /// The one regional cluster of an (environment, region alias).
    Regional,
    /// A management cluster, by its file's stem.
    Management(ClusterName),
}

impl ClusterKey {
    /// `regional` or `management`.
    pub fn kind_name(&self) -> &'static str {
        match self.kind {
            ClusterKind::Regional => "regional",
            ClusterKind::Management(_) => "management",
        }
    }

    /// The management cluster's name, or nothing.
    pub fn cluster(&self) -> Option<&ClusterName> {
        match &self.kind {
            ClusterKind::Regional => None,
            ClusterKind::Management(name) => Some(name),
        }
    }

    /// The one file that configures this cluster.
    pub fn config_path(&self) -> String {
        let Self { environment, region_alias, kind } = self;
        match kind {
            ClusterKind::Regional => format!("deploy/{environment}/{region_alias}/terraform/regional.yaml"),
            ClusterKind::Management(name) => {
                format!("deploy/{environment}/{region_alias}/terraform/management/{name}.yaml")
            }
        }
    }

    /// The regional cluster beside this one (itself when it is regional).
    pub fn regional(&self) -> Self {
        Self { kind: ClusterKind::Regional, ..self.clone() }
    }

    /// The subject of its events and audit entries.
    pub fn subject(&self) -> String {
        format!("cluster:{self}")
    }
}

impl fmt::Display for ClusterKey {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { environment, region_alias, kind } = self;
        match kind {
            ClusterKind::Regional => write!(to, "{environment}/{region_alias}/regional"),
            ClusterKind::Management(name) => write!(to, "{environment}/{region_alias}/management/{name}"),
        }
    }
}

impl FromStr for ClusterKey {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let parts: Vec<&str> = text.split('/').collect();
        let (environment, region_alias, kind) = match parts.as_slice() {
            [environment, alias, "regional"] => (environment, alias, ClusterKind::Regional),
            [environment, alias, "management", name] => (environment, alias, ClusterKind::Management(name.parse()?)),
            _ => {
                return Err(IdError {
                    kind: "cluster",
                    found: quoted(text, 120),
                    expected: "<environment>/<region alias>/regional or <environment>/<region alias>/management/<cluster>",
                });
            }
        };
        Ok(Self { environment: environment.parse()?, region_alias: region_alias.parse()?, kind })
    }
}

impl TryFrom<String> for ClusterKey {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<ClusterKey> for String {
    fn from(key: ClusterKey) -> String {
        key.to_string()
    }
}

/// Whether a run writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RunMode {
    /// Reconcile the branch: CodePipeline is written.
    Reconcile,
    /// Say what merging this pull request would do; nothing is written.
    DryRun {
        /// The pull request.
        number: u64,
    },
}

/// One field that differs, in words for people: `terraform_vars.cost_center: "000" → "123"`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct FieldChange {
    /// The field's path in the configuration or definition.
    pub field: String,
    /// What it was; absent when it is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What it becomes; absent when it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}
