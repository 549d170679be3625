//! What a cluster's file says, checked: every key has one row in [`RULES`], and every finding names file, line and column.
//!
//! A file is self-contained data: it chooses among what the control plane offers and can name no role, image, buildspec or
//! account outside the registry. Identifiers and codes are text: an unquoted one is refused with its line, because YAML would make
//! a number of it and lose zeros. Nothing is defaulted but the three tags of [`TAG_DEFAULTS`]; there is no default environment.

use std::collections::BTreeMap;

use crate::domain::{
    cluster::{ClusterKey, ClusterKind, Finding, Place},
    governance::Governance,
    id::{AccountId, AccountParameter, AwsRegion, ClusterName, VariableName},
    yaml::{self, Limits},
};

mod check;
mod rules;

pub use rules::{Applies, Kind, RULES, Rule, TAG_DEFAULTS, VARIABLE_RULES};

/// An AWS account, or where its id is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountRef {
    /// The id itself.
    Id(AccountId),
    /// A Systems Manager parameter that the pipeline's Validate stage reads.
    Parameter(AccountParameter),
}

impl AccountRef {
    /// As the file says it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Id(id) => id.as_str(),
            Self::Parameter(parameter) => parameter.as_str(),
        }
    }
}

/// A file that passed every check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterConfig {
    /// Which cluster, by the file's path; the content was compared with it.
    pub key: ClusterKey,
    /// The cluster's account.
    pub account: AccountRef,
    /// The AWS region that the cluster runs in; its pipeline runs in the control plane's.
    pub region: AwsRegion,
    /// The cluster's name for people and in terraform's state key.
    pub alias: ClusterName,
    /// What only a management cluster has.
    pub management: Option<ManagementConfig>,
    /// Destroy the cluster's infrastructure; the pipeline stays.
    pub delete: bool,
    /// Remove the pipeline, once a destroy run has succeeded.
    pub delete_pipeline: bool,
    /// What terraform gets as `TF_VAR_<name>`: `terraform_vars` and the optional keys that the file sets.
    pub variables: BTreeMap<VariableName, String>,
}

/// What only a management cluster has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagementConfig {
    /// Its name as a consumer; the alias unless `terraform_vars.cluster_id` says otherwise.
    pub cluster_id: ClusterName,
    /// Where the file says that name, for what a comparison with the other files finds.
    pub cluster_id_place: Place,
    /// The account of its regional cluster.
    pub regional_account: AccountRef,
    /// Where the file names that account, for what a comparison with the regional file finds.
    pub regional_account_place: Place,
}

impl ClusterConfig {
    /// The accepted values, flat, by the path of their key: what a later version of the file is compared with.
    pub fn values(&self) -> BTreeMap<String, String> {
        let mut values = BTreeMap::new();
        let mut set = |key: &str, value: &str| drop(values.insert(key.to_owned(), value.to_owned()));
        set("account_id", self.account.as_str());
        set("region", self.region.as_str());
        set("alias", self.alias.as_str());
        if let Some(management) = &self.management {
            set("terraform_vars.cluster_id", management.cluster_id.as_str());
            set("terraform_vars.regional_aws_account_id", management.regional_account.as_str());
        }
        for (flag, value) in [("delete", self.delete), ("delete_pipeline", self.delete_pipeline)] {
            if value {
                set(flag, "true");
            }
        }
        for (name, value) in &self.variables {
            let top_level = RULES.iter().any(|rule| rule.key == name.as_str());
            let path = if top_level { name.to_string() } else { format!("terraform_vars.{name}") };
            set(&path, value);
        }
        values
    }
}

/// Reads and checks a cluster's file.
///
/// # Errors
/// Everything that is wrong with it, in the order of the text.
pub fn parse(key: &ClusterKey, bytes: &[u8], governance: &Governance) -> Result<ClusterConfig, Vec<Finding>> {
    let path = key.config_path();
    let entries = yaml::parse(&path, bytes, &Limits::CLUSTER)?;
    check::file(key, &path, &entries, governance)
}

impl Applies {
    /// Whether a rule is for this kind of cluster.
    pub fn to(self, kind: &ClusterKind) -> bool {
        match self {
            Self::Both => true,
            Self::Regional => *kind == ClusterKind::Regional,
            Self::Management => *kind != ClusterKind::Regional,
        }
    }
}

#[cfg(test)]
mod tests;
