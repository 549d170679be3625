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
        ClusterKind::Management(name) => format!("{}{name}", beside(key)),
    };
    PipelineName::assembled(&readable, &identity)
}

/// What the names of the pipelines of a cluster's region alias start with when they are of management clusters. It is never cut.
/// Another alias's may start the same (`a-b` beside `a`): it may say too much, never too little.
pub fn beside(key: &ClusterKey) -> String {
    format!("mc-{}-{}-", key.environment, key.region_alias)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::cluster::fixture::key;

    #[test]
    fn names_are_readable_and_differ_where_dashes_move() {
        assert_eq!(pipeline(&key("integration/us-east-1/regional")).as_str(), "rc-integration-us-east-1-cf8cc586449b");
        assert_ne!(pipeline(&key("a-b/c/regional")), pipeline(&key("a/b-c/regional")));
        assert_ne!(pipeline(&key("a/b/management/c-d")), pipeline(&key("a/b-c/management/d")));
    }

    #[test]
    fn the_longest_name_is_cut_to_a_hundred_and_still_differs() {
        let long = |last: char| {
            let (segment, cluster) = ("e".repeat(32), format!("{}{last}", "c".repeat(39)));
            pipeline(&key(&format!("{segment}/{segment}/management/{cluster}")))
        };
        assert_eq!(long('a').as_str().len(), 100);
        assert_eq!(long('a').as_str()[..87], long('b').as_str()[..87]);
        assert_ne!(long('a'), long('b'));
    }
}
