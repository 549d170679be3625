//! The command over real directories.

use std::{fs, path::Path};

use super::*;

const REGIONAL: &str = "account_id: \"123456789012\"\nregion: us-east-1\nalias: regional-us-east-1\nregion_alias: us-east-1\nenvironment: integration\n";

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn penstock(arguments: &[&str], root: &Path) -> (Result<bool, String>, String) {
    let args = Args::try_parse_from(["penstock"].iter().chain(arguments)).unwrap();
    let mut out = Vec::new();
    let answer = run(&args, &mut out).map_err(|error| format!("{error:#}"));
    let root = root.to_str().unwrap();
    (answer.map_err(|error| error.replace(root, "ROOT")), String::from_utf8(out).unwrap().replace(root, "ROOT"))
}

fn tree() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "deploy/integration/us-east-1/terraform/regional.yaml", REGIONAL);
    root
}

#[test]
fn a_good_tree_without_configuration_says_that_all_is_admitted() {
    let root = tree();
    let (answer, out) = penstock(&["validate", root.path().to_str().unwrap()], root.path());
    assert_eq!(answer, Ok(true));
    insta::assert_snapshot!(out, @r#"
    no terraform/governance here and no --governance: every environment and account is admitted
    cluster files accepted: 1; errors: 0; warnings: 0
    "#);
}

#[test]
fn a_bad_file_is_shown_with_its_line_and_its_neighbour_is_planned() {
    let root = tree();
    let bad = REGIONAL.replace("\"123456789012\"", "123456789012").replace("us-east-1\nenv", "us-east-2\nenv");
    write(root.path(), "deploy/integration/us-east-2/terraform/regional.yaml", &format!("{bad}delet: true\n"));
    write(root.path(), "deploy/integration/us-east-2/terraform/Regional.yml", "");
    let (answer, out) = penstock(&["plan", root.path().to_str().unwrap()], root.path());
    assert_eq!(answer, Ok(false));
    insta::assert_snapshot!(out, @r#"
    no terraform/governance here and no --governance: every environment and account is admitted
    deploy/integration/us-east-2/terraform/regional.yaml:1:13: error: account_id: found 123456789012 (a number, not in quotes), expected 12 digits, in quotes, or ssm:/// followed by a parameter path of letters, digits, '.', '_', '-' and '/'
    deploy/integration/us-east-2/terraform/regional.yaml:6:1: error: found the key "delet", expected a known key; variables for terraform stand below terraform_vars; did you mean delete?
    deploy/integration/us-east-2/terraform/Regional.yml:1:1: warning: found a file that configures no cluster, expected terraform/regional.yaml or terraform/management/<cluster>.yaml, in lower case; did you mean deploy/integration/us-east-2/terraform/regional.yaml?
    cluster files accepted: 1; errors: 2; warnings: 1

    plan for a push to main: 1 with errors in the file, 1 to create
    - would create pipeline rc-integration-us-east-1-cf8cc586449b for integration/us-east-1/regional
        stages Source → Validate → Deploy → Bootstrap; Deploy waits for an approval
        runs on a push to main that touches deploy/integration/us-east-1/terraform/regional.yaml, terraform/config/regional-cluster/**, terraform/modules/**, terraform/config/pipeline-regional-cluster/**
    - the file of integration/us-east-2/regional has errors: its pipeline would be left as it is
    "#);
}

#[test]
fn a_governance_directory_is_found_and_judges() {
    let root = tree();
    let governance = "terraform/governance";
    write(
        root.path(),
        &format!("{governance}/environments.yaml"),
        "environments: {integrations: {}, production: {branch: production}}\nunlisted: refuse\n",
    );
    write(root.path(), &format!("{governance}/accounts.yaml"), "accounts: {}\nunlisted: refuse\n");
    write(
        root.path(),
        &format!("{governance}/repositories.yaml"),
        "repositories: [{id: 7, name: a/b, kind: cluster, default_branch: main}]\n",
    );
    let production = REGIONAL.replace("integration", "production");
    write(root.path(), "deploy/production/us-east-1/terraform/regional.yaml", &production);
    let directory = root.path().to_str().unwrap();
    let (answer, out) = penstock(&["validate", directory], root.path());
    assert_eq!(answer, Ok(false));
    insta::assert_snapshot!(out, @r#"
    judged by ROOT/terraform/governance
    deploy/integration/us-east-1/terraform/regional.yaml:1:1: error: found directory integration, expected an environment of environments.yaml (integrations, production); did you mean integrations?
    deploy/production/us-east-1/terraform/regional.yaml:1:13: error: account_id: found "123456789012", expected an account of accounts.yaml
    cluster files accepted: 0; errors: 2; warnings: 0
    "#);
    let (_, out) = penstock(&["plan", directory], root.path());
    assert!(
        out.contains("note: files of environments of other branches (production) that were not planned: 1"),
        "{out}"
    );
}

#[test]
fn json_carries_the_same_answer() {
    let root = tree();
    let (answer, out) = penstock(&["plan", root.path().to_str().unwrap(), "--json"], root.path());
    assert_eq!(answer, Ok(true));
    let value: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(value["plan"]["counts"]["created"], 1);
    assert_eq!(value["plan"]["results"][0]["cluster"], "integration/us-east-1/regional");
    assert_eq!(value["ok"], true);
}

#[test]
fn what_stands_is_compared() {
    let root = tree();
    let directory = root.path().to_str().unwrap();
    let world = root.path().join("world.json");
    let runtime = r#"{"pipeline_role_arn":"r","artifact_bucket":"b","artifact_key_arn":null,"connection_arn":"c","project_prefix":"p"}"#;
    let tags = r#"{"managed-by":"penstock","env":"integration","region-alias":"us-east-9","cluster-kind":"regional","repository-id":"1"}"#;
    let gone: common::domain::cluster::ClusterKey = "integration/us-east-9/regional".parse().unwrap();
    let name = common::domain::cluster::names::pipeline(&gone);
    let definition = format!(
        r#"{{"name":"{name}","role_arn":"r","artifact_bucket":"b","artifact_key_arn":null,"pipeline_type":"V2","execution_mode":"QUEUED","variables":{{}},"stages":[],"triggers":[]}}"#
    );
    fs::write(&world, format!(r#"{{"runtime":{runtime},"pipelines":[{{"definition":{definition},"tags":{tags}}}]}}"#))
        .unwrap();
    let (answer, out) = penstock(&["plan", directory, "--observed", world.to_str().unwrap()], root.path());
    assert_eq!(answer, Ok(true));
    assert!(out.contains("1 without a file, 1 to create"), "{out}");
    fs::write(&world, "{}").unwrap();
    let (answer, _) = penstock(&["plan", directory, "--observed", world.to_str().unwrap()], root.path());
    assert_eq!(
        answer.unwrap_err(),
        "ROOT/world.json is not an observed world: missing field `runtime` at line 1 column 2"
    );
}

#[test]
fn a_directory_without_a_tree_is_a_usage_error() {
    let root = tempfile::tempdir().unwrap();
    let (answer, _) = penstock(&["validate", root.path().to_str().unwrap()], root.path());
    assert_eq!(answer.unwrap_err(), "there is no directory deploy/ in ROOT: name the directory that holds it");
}

#[test]
fn a_link_is_not_followed() {
    let root = tree();
    let link = root.path().join("deploy/integration/us-east-1/terraform/management");
    fs::create_dir(&link).unwrap();
    std::os::unix::fs::symlink("../regional.yaml", link.join("mc01.yaml")).unwrap();
    let (answer, out) = penstock(&["validate", root.path().to_str().unwrap()], root.path());
    assert_eq!(answer, Ok(false));
    assert!(out.contains("found a symbolic link or submodule, expected a regular file"), "{out}");
}
