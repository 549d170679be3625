//! A pipeline's name: readable in front, an identity behind.
//!
//! `rc-<environment>-<region alias>-<12 hex>`, `mc-<environment>-<region alias>-<cluster>-<12 hex>`. The readable part is cut to 87
//! characters. The hex digits are of the sha256 over the length-prefixed (environment, region alias, kind, cluster), so that
//! neither a cut nor a moved dash makes two clusters share a name (`a-b`+`c` and `a`+`b-c`).

use crate::domain::{
    cluster::{ClusterKey, ClusterKind},
    id::{Digest, PipelineName},
};

/// The name of a cluster's pipeline.
pub fn pipeline(key: &ClusterKey) -> PipelineName {
    let ClusterKey { environment, region_alias, kind } = key;
    let cluster = match kind {
        ClusterKind::Regional => "",
        ClusterKind::Management(name) => name.as_str(),
    };
    let identity = Digest::of_parts([environment.as_str(), region_alias.as_str(), key.kind_name(), cluster]);
    let readable = match kind {
        ClusterKind::Regional => format!("rc-{environment}-{region_alias}"),
        ClusterKind::Management(name) => format!("mc-{environment}-{region_alias}-{name}"),
    };
    PipelineName::assembled(&readable, &identity)
}
