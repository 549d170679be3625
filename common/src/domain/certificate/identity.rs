//! Who a cluster is to its broker: names, accounts and regions, all from the cluster records and nothing from a caller.
//!
//! | | agent (management cluster) | server (regional cluster) |
//! |---|---|---|
//! | thing | `<cluster id>-maestro-agent` | `<alias>-maestro-server` |
//! | policy | `<thing>-policy` | the same |
//! | secret | `<thing>-cert`, in the management account | `<thing>-cert`, in the regional account |
//! | MQTT client | `<cluster id>-work-agent-client` | `<thing>-0`, `<thing>-1`: the pods of a stateful set |
//!
//! The broker is the regional account's. Two environments may share one, and a name then says too little: the thing carries its cluster,
//! and what belongs to another is left alone.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::{
    cluster::{ClusterKey, ClusterKind, ClusterRecord},
    id::{AccountId, AwsRegion, ClusterName},
};

/// How many servers of one regional cluster speak with the broker.
pub(super) const SERVERS: usize = 2;

/// A place in AWS.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Target {
    /// The account.
    pub account: AccountId,
    /// The region.
    pub region: AwsRegion,
}

impl Target {
    /// The partition that its ARNs name.
    pub fn partition(&self) -> &'static str {
        match self.region.as_str() {
            region if region.starts_with("cn-") => "aws-cn",
            region if region.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        }
    }

    /// What the ARNs of AWS IoT start with there.
    pub fn broker_arn(&self) -> String {
        format!("arn:{}:iot:{}:{}:", self.partition(), self.region, self.account)
    }
}

/// What a client of the broker is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The agent of a management cluster.
    Agent,
    /// The servers of a regional cluster.
    Server,
}

/// Who a cluster is to its broker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Which cluster.
    pub cluster: ClusterKey,
    /// What it is.
    pub kind: Kind,
    /// The name that the broker knows it by: a management cluster's `cluster_id`, a regional one's alias.
    pub name: ClusterName,
    /// Where its broker is.
    pub broker: Target,
    /// Where its secret is.
    pub home: Target,
}

impl Identity {
    /// The thing's name, which is also the certificate's common name.
    pub fn thing(&self) -> String {
        let Self { name, .. } = self;
        match self.kind {
            Kind::Agent => format!("{name}-maestro-agent"),
            Kind::Server => format!("{name}-maestro-server"),
        }
    }

    /// The policy's name.
    pub fn policy(&self) -> String {
        format!("{}-policy", self.thing())
    }

    /// The name of the secret that holds certificate and key.
    pub fn secret(&self) -> String {
        format!("{}-cert", self.thing())
    }

    /// The names under which its clients connect, exactly.
    pub fn clients(&self) -> Vec<String> {
        match self.kind {
            // The agent adds `-client` to the `<consumer>-work-agent` that it is started with.
            Kind::Agent => vec![format!("{}-work-agent-client", self.name)],
            Kind::Server => (0..SERVERS).map(|pod| format!("{}-{pod}", self.thing())).collect(),
        }
    }
}

/// Why nobody knows who a cluster is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownCluster {
    /// There is no pipeline for it.
    #[error("{0} has no pipeline: push {path} first, and let the provisioner accept it", path = .0.config_path())]
    NoRecord(ClusterKey),
    /// Its regional cluster is not there, and the broker is the regional cluster's.
    #[error("{0} has no regional cluster beside it: its broker would be there; push {path} first", path = .0.regional().config_path())]
    NoRegional(ClusterKey),
    /// An account is named by a parameter.
    #[error("{cluster} names an account by a parameter ({found}): certificates need the account's id in {path}", path = cluster.config_path())]
    AccountByParameter {
        /// Which cluster.
        cluster: ClusterKey,
        /// What stands there, which has passed its grammar.
        found: String,
    },
    /// The record lacks something that every accepted file has.
    #[error("the record of {cluster} has no {field}: let the provisioner write it again")]
    Incomplete {
        /// Which cluster.
        cluster: ClusterKey,
        /// What is missing.
        field: &'static str,
    },
}

/// Who a cluster is, by the records of all clusters of its repository.
///
/// # Errors
/// Why nobody knows.
pub fn identity(
    cluster: &ClusterKey,
    records: &BTreeMap<ClusterKey, ClusterRecord>,
) -> Result<Identity, UnknownCluster> {
    let own = records.get(cluster).ok_or_else(|| UnknownCluster::NoRecord(cluster.clone()))?;
    let home = target(own)?;
    match &cluster.kind {
        ClusterKind::Regional => Ok(Identity {
            cluster: cluster.clone(),
            kind: Kind::Server,
            name: value(own, "alias")?,
            broker: home.clone(),
            home,
        }),
        ClusterKind::Management(_) => {
            let regional = records.get(&cluster.regional());
            let regional = regional.ok_or_else(|| UnknownCluster::NoRegional(cluster.clone()))?;
            Ok(Identity {
                cluster: cluster.clone(),
                kind: Kind::Agent,
                name: value(own, "terraform_vars.cluster_id")?,
                broker: target(regional)?,
                home,
            })
        }
    }
}

/// Who the management clusters beside a regional one are: those that can be known, in the order of their names.
pub fn identities(regional: &ClusterKey, records: &BTreeMap<ClusterKey, ClusterRecord>) -> Vec<Identity> {
    let beside = records.keys().filter(|key| key.regional() == regional.regional() && key.cluster().is_some());
    beside.filter_map(|key| identity(key, records).ok()).collect()
}

fn target(record: &ClusterRecord) -> Result<Target, UnknownCluster> {
    Ok(Target { account: value(record, "account_id")?, region: value(record, "region")? })
}

fn value<T: std::str::FromStr>(record: &ClusterRecord, field: &'static str) -> Result<T, UnknownCluster> {
    let cluster = &record.cluster;
    let incomplete = || UnknownCluster::Incomplete { cluster: cluster.clone(), field };
    let text = record.values.get(field).ok_or_else(incomplete)?;
    text.parse().map_err(|_| match text.strip_prefix("ssm:") {
        Some(_) => UnknownCluster::AccountByParameter { cluster: cluster.clone(), found: text.clone() },
        None => incomplete(),
    })
}
