//! What a person or Terraform asks for, by a direct call, and what a pipeline's action does, by its parameters.
//!
//! Neither names an account, a region or a role: those come from the cluster's own record.

use common::{
    domain::{
        cluster::{ClusterKey, ClusterKind},
        id::{CertificateId, ClusterName, EnvironmentName, RegionAlias, RequestId},
    },
    fault::Fault,
};
use serde::Deserialize;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// A certificate that can be used.
    Ensure,
    /// Another one.
    Rotate,
    /// The agent has connected with the one in use, which the call names: those before end now.
    Acknowledge,
    /// None that ever connects again.
    Revoke,
    /// Nothing is left.
    Delete,
    /// What stands.
    Status,
    /// Upkeep of every cluster.
    Sweep,
}

impl Action {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ensure => "ensure",
            Self::Rotate => "rotate",
            Self::Acknowledge => "acknowledge",
            Self::Revoke => "revoke",
            Self::Delete => "delete",
            Self::Status => "status",
            Self::Sweep => "sweep",
        }
    }
}

/// A direct call. Every field that is there is looked at: one that is not known is refused.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    action: Action,
    environment: Option<EnvironmentName>,
    region_alias: Option<RegionAlias>,
    cluster: Option<ClusterName>,
    request_id: Option<RequestId>,
    csr: Option<String>,
    certificate: Option<CertificateId>,
    tf: Option<Terraform>,
}

/// What `aws_lambda_invocation` adds when its `lifecycle_scope` is `CRUD`.
#[derive(Debug, Clone, Deserialize)]
struct Terraform {
    action: String,
}

/// A call that makes sense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// About one cluster.
    One {
        /// Which.
        cluster: ClusterKey,
        /// What.
        action: Action,
        /// Names the request; nothing when the caller did not.
        request: Option<RequestId>,
        /// The request for a certificate of a key that the caller keeps.
        csr: Option<String>,
        /// Which certificate the agent has connected with.
        certificate: Option<CertificateId>,
    },
    /// About all.
    All,
}

impl Call {
    /// What it asks for.
    ///
    /// # Errors
    /// `Reject` with what is missing, or must not be there.
    pub fn asked(self) -> Result<Asked, Fault> {
        let Self { action, environment, region_alias, cluster, request_id, csr, certificate, tf } = self;
        if action == Action::Sweep {
            return Ok(Asked::All);
        }
        let missing = |field: &str| Fault::reject(format!("{field} is missing: say which cluster it is about"));
        let name = cluster.ok_or_else(|| missing("cluster"))?;
        let environment = environment.ok_or_else(|| missing("environment"))?;
        let region_alias = region_alias.ok_or_else(|| missing("region_alias"))?;
        let kind = if name.as_str() == "regional" { ClusterKind::Regional } else { ClusterKind::Management(name) };
        let action = match tf.as_ref().map(|tf| tf.action.as_str()) {
            Some("delete") => Action::Delete,
            _ => action,
        };
        if csr.is_some() && !matches!(action, Action::Ensure | Action::Rotate | Action::Delete) {
            return Err(Fault::reject(format!("csr: {} takes no signing request", action.as_str())));
        }
        let cluster = ClusterKey { environment, region_alias, kind };
        Ok(Asked::One { cluster, action, request: request_id, csr, certificate })
    }
}

/// What a pipeline's action tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// What.
    pub action: Action,
    /// Whether the run destroys: the pipeline's variable.
    pub destroy: Destroy,
}

/// The values of the variable `IS_DESTROY`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Destroy {
    /// It destroys.
    #[serde(rename = "true")]
    Yes,
    /// It does not.
    #[serde(rename = "false")]
    No,
}
