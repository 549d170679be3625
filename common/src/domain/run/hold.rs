//! A hold: somebody stops what is about to begin, with a reason and an end.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{
    cluster::ClusterKey,
    id::{EnvironmentName, HoldId, IdError, PersonName, RegionAlias, quoted},
};

/// One hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Which.
    pub id: HoldId,
    /// What it stops.
    pub scope: HoldScope,
    /// Why. Foreign text: escaped wherever it is shown.
    pub reason: String,
    /// Who placed it.
    pub by: PersonName,
    /// Since when.
    pub at: Timestamp,
    /// From when it stops nothing any more. A hold without an end would be forgotten.
    pub until: Timestamp,
    /// Who took it away before that. It stays known: a copy of the request that placed it places nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifted: Option<Lifted>,
}

/// That a hold was taken away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lifted {
    /// By whom.
    pub by: PersonName,
    /// When.
    pub at: Timestamp,
}

/// What a hold stops.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum HoldScope {
    /// Every run: `all`.
    All,
    /// Those of an environment: `environment:production`.
    Environment(EnvironmentName),
    /// Those of a region of an environment: `region:production/us-east-1`.
    Region(EnvironmentName, RegionAlias),
    /// Those of one cluster: `cluster:production/us-east-1/management/mc01`.
    Cluster(ClusterKey),
}

impl Hold {
    /// Whether it stops a run of this cluster at this moment.
    pub fn stops(&self, cluster: &ClusterKey, now: Timestamp) -> bool {
        self.stands(now) && self.scope.covers(cluster)
    }

    /// Whether it stops anything at this moment.
    pub fn stands(&self, now: Timestamp) -> bool {
        self.lifted.is_none() && now < self.until
    }
}

impl HoldScope {
    /// Whether a cluster is in it.
    pub fn covers(&self, cluster: &ClusterKey) -> bool {
        match self {
            Self::All => true,
            Self::Environment(environment) => cluster.environment == *environment,
            Self::Region(environment, alias) => cluster.environment == *environment && cluster.region_alias == *alias,
            Self::Cluster(only) => cluster == only,
        }
    }
}

impl fmt::Display for HoldScope {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => to.write_str("all"),
            Self::Environment(environment) => write!(to, "environment:{environment}"),
            Self::Region(environment, alias) => write!(to, "region:{environment}/{alias}"),
            Self::Cluster(cluster) => write!(to, "cluster:{cluster}"),
        }
    }
}

impl FromStr for HoldScope {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let none = || IdError {
            kind: "hold scope",
            found: quoted(text, 120),
            expected: "all, environment:<environment>, region:<environment>/<region alias> or cluster:<environment>/<region alias>/…",
        };
        match text.split_once(':') {
            None if text == "all" => Ok(Self::All),
            Some(("environment", name)) => Ok(Self::Environment(name.parse()?)),
            Some(("region", name)) => {
                let (environment, alias) = name.split_once('/').ok_or_else(none)?;
                Ok(Self::Region(environment.parse()?, alias.parse()?))
            }
            Some(("cluster", name)) => Ok(Self::Cluster(name.parse()?)),
            _ => Err(none()),
        }
    }
}

impl TryFrom<String> for HoldScope {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<HoldScope> for String {
    fn from(scope: HoldScope) -> String {
        scope.to_string()
    }
}
