//! The trigger matrix: which pipelines a changed path starts, by the definitions that were really made.

use std::collections::BTreeSet;

use common::domain::cluster::pattern;
use tests::journey::Journey;

use super::fleet;

fn started(journey: &Journey, branch: &str, path: &str) -> BTreeSet<String> {
    let pipelines = journey.world.pipelines();
    let starts = |definition: &common::domain::cluster::PipelineDefinition| {
        definition.triggers.iter().any(|trigger| {
            assert!(trigger.paths.len() <= 8 && trigger.paths.iter().all(|path| path.len() <= 255));
            assert!(trigger.paths.iter().all(|path| !path.trim_end_matches("**").contains('*')), "{:?}", trigger.paths);
            trigger.branches.iter().any(|found| found == branch)
                && trigger.paths.iter().any(|found| pattern::takes(found, path))
        })
    };
    let found = pipelines.values().filter(|pipeline| starts(&pipeline.definition));
    let short = |name: &str| name.rsplit_once('-').map_or(name, |(readable, _)| readable).to_owned();
    found.map(|pipeline| short(pipeline.definition.name.as_str())).collect()
}

/// `spec/clusters.md` 2.5; pains 1 (never fired, or fired all), 2 (17 patterns) and 24 (two consumers of one file).
#[tokio::test]
async fn the_trigger_matrix_holds() {
    let journey = Journey::default();
    journey.push(&fleet()).await.unwrap();
    let all = |prefix: &str| -> BTreeSet<String> {
        let pipelines = journey.world.pipelines();
        let names = pipelines.keys().filter(|name| name.starts_with(prefix));
        names.map(|name| name.rsplit_once('-').map_or(name.as_str(), |(readable, _)| readable).to_owned()).collect()
    };
    let one = |name: &str| BTreeSet::from([name.to_owned()]);
    let none = BTreeSet::new();
    let cases = [
        ("deploy/integration/us-east-1/terraform/regional.yaml", one("rc-integration-us-east-1")),
        ("deploy/integration/us-east-1/terraform/management/mc01.yaml", one("mc-integration-us-east-1-mc01")),
        ("deploy/production/eu-west-1/terraform/management/mc01.yaml", one("mc-production-eu-west-1-mc01")),
        ("deploy/integration/us-east-1/argocd/regional-cluster-values.yaml", none.clone()),
        ("terraform/config/regional-cluster/main.tf", all("rc-")),
        ("terraform/config/management-cluster/main.tf", all("mc-")),
        ("terraform/modules/eks/main.tf", all("")),
        ("terraform/config/pipeline-regional-cluster/buildspec-apply.yml", all("rc-")),
        ("terraform/config/pipeline-management-cluster/buildspec-apply.yml", all("mc-")),
        ("docs/README.md", none.clone()),
    ];
    for (path, expected) in cases {
        assert_eq!(started(&journey, "main", path), expected, "{path}");
        assert_eq!(started(&journey, "feature", path), none, "{path} on another branch");
    }
}
