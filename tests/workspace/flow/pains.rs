//! The pain table (`spec/clusters.md` 3.3): the rows that are the provisioner's and that no other flow stands for.
//!
//! | row | where |
//! |---|---|
//! | 1, 2, 24 | `triggers`: the matrix over real definitions |
//! | 3, 4, 13 | here: identity and accounts travel as typed values, nothing is defaulted |
//! | 5 | `push`: one bad file blocks only its own cluster; each pipeline validates its own file (`CONFIG_PATH`, here) |
//! | 6 | here: same alias twice, one region twice |
//! | 7 | here: one connection for all |
//! | 8 | AWS's own first run: `create` is followed by no second start; here |
//! | 9 | `faults`: a failure is visible in the result, the status and a metric |
//! | 10 | the grammar of every id (`common::domain`), no shell anywhere; hostile files: here |
//! | 14, 16 | `teardown` |
//! | 22 | `push`: tags of others stay |
//! | 11, 12, 15, 17–21, 23, 25–28 | not the provisioner's: the buildspecs, their terraform, certificates and charts, which are
//!   tested with `modules/cluster-pipeline-runtime` or come with the journeys that own them |

use std::collections::{BTreeMap, BTreeSet};

use common::{event::Outcome, testing::ClusterFile};
use tests::journey::Journey;

use super::fleet;

fn variables(action: &common::domain::cluster::Action) -> BTreeMap<String, String> {
    let text = action.configuration.get("EnvironmentVariables").map_or("[]", String::as_str);
    let list: Vec<serde_json::Value> = serde_json::from_str(text).unwrap();
    let text = |value: &serde_json::Value, key: &str| value[key].as_str().unwrap().to_owned();
    list.iter().map(|variable| (text(variable, "name"), text(variable, "value"))).collect()
}

/// Rows 3, 4, 5 and 13: every build action is told its own environment, alias, region, account and file.
#[tokio::test]
async fn every_action_is_told_who_it_works_for() {
    let journey = Journey::default();
    journey.push(&fleet()).await.unwrap();
    for pipeline in journey.world.pipelines().values() {
        let builds = pipeline
            .definition
            .stages
            .iter()
            .flat_map(|stage| &stage.actions)
            .filter(|action| action.category == "Build");
        let told: BTreeSet<BTreeMap<String, String>> = builds.map(variables).collect();
        assert_eq!(told.len(), 1, "all actions of a pipeline are told the same");
        let told = told.into_iter().next().unwrap();
        let tag = |key: &str| pipeline.tags[key].as_str();
        assert_eq!((told["ENVIRONMENT"].as_str(), told["REGION_ALIAS"].as_str()), (tag("env"), tag("region-alias")));
        assert_eq!(
            (told["CONFIG_PATH"].as_str(), told["TARGET_ACCOUNT_ID"].as_str()),
            (tag("config-path"), "111111111111")
        );
        let management = tag("cluster-kind") == "management";
        assert_eq!(told.contains_key("CLUSTER_ID") && told.contains_key("REGIONAL_AWS_ACCOUNT_ID"), management);
        assert_ne!(told["TARGET_ALIAS"], told["REGION_ALIAS"], "the cluster's alias is no region alias");
        assert_eq!(told["IS_DESTROY"], "#{variables.IS_DESTROY}");
    }
}

/// Row 20: what a stage works with is the source, never what an earlier stage left.
#[tokio::test]
async fn every_stage_takes_the_source_and_leaves_nothing() {
    let journey = Journey::default();
    journey.push(&fleet()).await.unwrap();
    for pipeline in journey.world.pipelines().values() {
        let actions: Vec<_> = pipeline.definition.stages.iter().flat_map(|stage| &stage.actions).collect();
        let made: Vec<&String> = actions.iter().flat_map(|action| &action.output_artifacts).collect();
        assert_eq!(made, ["source_output"], "the Source action's, and no other");
        let builds: Vec<_> = actions.iter().filter(|action| action.category == "Build").collect();
        assert_eq!(builds.len(), 3);
        assert!(builds.iter().all(|action| action.input_artifacts == ["source_output"]));
    }
}

/// Row 6: the cluster's alias and its AWS region are no identity.
#[tokio::test]
async fn the_same_alias_in_two_environments_and_two_aliases_in_one_region_are_four_pipelines() {
    let journey = Journey::default();
    let files = [
        ("integration", "eu-west-1"),
        ("production", "eu-west-1"),
        ("integration", "us-east-1"),
        ("integration", "us-east-1-b"),
    ];
    let files: Vec<ClusterFile> =
        files.iter().map(|(env, alias)| ClusterFile::regional(env, alias).set("alias", "regional-one")).collect();
    let run = journey.push(&files).await.unwrap();
    assert_eq!((run.counts.created, journey.world.pipelines().len()), (4, 4), "{:?}", run.results);
}

/// Rows 7 and 8: one connection for all; a new pipeline's first run is AWS's own, no second is started.
#[tokio::test]
async fn one_connection_and_one_first_run() {
    let journey = Journey::default();
    journey.push(&fleet()).await.unwrap();
    let pipelines = journey.world.pipelines();
    let connections: BTreeSet<&String> = pipelines
        .values()
        .map(|pipeline| &pipeline.definition.stages[0].actions[0].configuration["ConnectionArn"])
        .collect();
    assert_eq!(connections.len(), 1);
    assert!(pipelines.values().all(|pipeline| pipeline.executions.len() == 1));
    let started = journey.world.bus().iter().filter(|row| row.detail_type == "Pipeline Created").count();
    assert_eq!(started, 7);
}

/// Row 10 and case 7: whatever a file or path says, it is refused before any call, in one piece, and its neighbours live.
#[tokio::test]
async fn hostile_files_and_paths_are_refused_and_their_neighbours_live() {
    let good = ClusterFile::regional("integration", "us-east-1");
    let hostile: Vec<(String, String)> = vec![
        ("alias", "'x; rm -rf /'"),
        ("alias", "../prod"),
        ("alias", "MC_01"),
        ("region", "us-east-1$(id)"),
        ("account_id", "\"12345678901a\""),
        ("buildspec", "evil.yml"),
        ("role_arn", "arn:aws:iam::1:role/x"),
        ("environment", "\"integration\\u202e\""),
    ]
    .into_iter()
    .enumerate()
    .map(|(number, (key, value))| {
        let file = ClusterFile::management("integration", "us-east-1", &format!("bad{number}")).set(key, value);
        (file.path.clone(), file.text())
    })
    .chain([
        (
            "deploy/integration/us-east-1/terraform/management/bom.yaml".to_owned(),
            "a: &a [x]\nb: [*a, *a]\n".to_owned(),
        ),
        ("deploy/integration/us-east-1/terraform/management/nul.yaml".to_owned(), "\0\u{1}".to_owned()),
        ("deploy/integration/us-east-1/terraform/management/MC09.yaml".to_owned(), good.text()),
        ("deploy/integration/../production/terraform/regional.yaml".to_owned(), good.text()),
        (format!("deploy/integration/us-east-1/terraform/management/{}.yaml", "a".repeat(80)), good.text()),
        ("deploy/nowhere/us-east-1/terraform/regional.yaml".to_owned(), good.text()),
        ("deploy/integration/us-east-1/terraform/management/big.yaml".to_owned(), "# ".repeat(40_000)),
    ])
    .collect();
    let journey = Journey::default();
    let link = "deploy/integration/us-east-1/terraform/management/link.yaml";
    journey.world.link(link);
    let good_text = good.text();
    let mut changes: Vec<(&str, Option<&str>)> =
        hostile.iter().map(|(path, text)| (path.as_str(), Some(text.as_str()))).collect();
    changes.push((&good.path, Some(good_text.as_str())));
    changes.push((link, Some("../../regional.yaml")));
    let run = journey.push_raw(&changes).await.unwrap();
    assert_eq!((run.counts.created, journey.world.pipelines().len()), (1, 1), "{:?}", run.results);
    assert!(run.results.iter().all(|result| matches!(result.outcome, Outcome::Created | Outcome::Invalid)));
    for (path, _) in &hostile {
        let about = run.findings.iter().filter(|finding| finding.path.contains(path.rsplit('/').next().unwrap()));
        assert!(about.count() >= 1, "nothing was said about {path}");
    }
    let check = journey.world.checks().pop().unwrap();
    assert!(check.annotations.len() >= hostile.len());
    assert!(!check.summary.contains('\u{202e}'));
}
