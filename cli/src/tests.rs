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
    let answer = run(&args, &|_| None, &mut out).map_err(|error| format!("{error:#}"));
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
    for (name, text) in [
        ("people", "people: {}\n"),
        ("pods", "pods: {}\n"),
        (
            "schedules",
            "{time_zone: UTC, working_days: [monday], daily: {channel: a, thread: \"10:00\", reminder: \"10:10\", summary: \"10:30\"}, stale_after_days: 3}\n",
        ),
        (
            "limits",
            "{default_ttl_seconds: 60, max_ttl_seconds: 60, ticket_ttl_seconds: 600, warn_at_percent: 80, limits: {portfolio: {limit: 1}}}\n",
        ),
    ] {
        write(root.path(), &format!("{governance}/{name}.yaml"), text);
    }
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
fn what_stands_is_the_other_tree() {
    let (before, after) = (tree(), tree());
    let from = before.path().to_str().unwrap();
    let plan = |out: &str| out.split_once("plan for").unwrap().1.to_owned();
    let penstock = || penstock(&["plan", after.path().to_str().unwrap(), "--from", from], after.path());
    let (answer, out) = penstock();
    assert_eq!((answer, plan(&out).as_str()), (Ok(true), " a push to main: 1 unchanged\n"));

    let west = REGIONAL.replace("us-east-1", "us-west-2");
    write(before.path(), "deploy/integration/us-west-2/terraform/regional.yaml", &west);
    let east = format!("{REGIONAL}terraform_vars: {{ cost_center: \"042\" }}\n");
    write(after.path(), "deploy/integration/us-east-1/terraform/regional.yaml", &east);
    let (answer, out) = penstock();
    assert_eq!(answer, Ok(true));
    insta::assert_snapshot!(plan(&out), @r#"
     a push to main: 1 without a file, 1 to update
    - would update pipeline rc-integration-us-east-1-cf8cc586449b of integration/us-east-1/regional
        what deploy/integration/us-east-1/terraform/regional.yaml asks for has changed
        terraform_vars.cost_center: "000" → "042"
    - integration/us-west-2/regional would lose its file: pipeline rc-integration-us-west-2-9f333192dac9 stays
        deploy/integration/us-west-2/terraform/regional.yaml is gone and did not say delete: true first; nothing was removed. Restore the file, then write delete: true into it, or keep it
    "#);
}

#[test]
fn what_only_aws_knows_is_assumed_and_said() {
    let (before, after) = (tree(), tree());
    let path = "deploy/integration/us-east-1/terraform/regional.yaml";
    write(before.path(), path, &format!("{REGIONAL}delete: true\n"));
    write(before.path(), "deploy/integration/us-west-2/terraform/regional.yaml", "account_id: 1\n");
    write(after.path(), path, &format!("{REGIONAL}delete: true\ndelete_pipeline: true\n"));
    let (from, directory) = (before.path().to_str().unwrap(), after.path().to_str().unwrap());
    let (answer, out) = penstock(&["plan", directory, "--from", from], after.path());
    assert_eq!(answer, Ok(true));
    insta::assert_snapshot!(out, @"
    no terraform/governance here and no --governance: every environment and account is admitted
    cluster files accepted: 1; errors: 0; warnings: 0

    plan for a push to main: 1 to remove
    - would remove pipeline rc-integration-us-east-1-cf8cc586449b of integration/us-east-1/regional
        deploy/integration/us-east-1/terraform/regional.yaml says delete_pipeline: true and the latest run destroyed the infrastructure
    note: the destroy runs that --from asks for are taken as succeeded, the pipelines that it removes as gone: 1
    note: files with errors in --from are taken as without a pipeline: integration/us-west-2/regional
    ");
    let (answer, _) = penstock(&["plan", directory, "--from", "/nowhere"], after.path());
    assert_eq!(answer.unwrap_err(), "there is no directory deploy/ in /nowhere: name the directory that holds it");
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

#[test]
fn the_schedule_is_a_calendar_file() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../terraform/governance");
    let (answer, out) = penstock(
        &["calendar", "--from", "2026-12-01", "--governance", root.to_str().unwrap()],
        Path::new("never in the output"),
    );
    assert_eq!(answer, Ok(true));
    assert!(out.starts_with("BEGIN:VCALENDAR\r\n") && out.ends_with("END:VCALENDAR\r\n"));
    assert_eq!(out.matches("BEGIN:VTIMEZONE").count(), 2, "Los Angeles and Berlin");
    assert_eq!(out.matches("BEGIN:VEVENT").count(), 2 * 2 + 2 + 1 + 5);
    let (answer, _) = penstock(&["calendar", "--from", "2026-12-01", "--governance", "/nowhere"], root.as_path());
    assert!(answer.unwrap_err().starts_with("cannot read"));
}
