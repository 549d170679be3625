//! The validation table, row by row: what passes, what does not, and what is said.

use super::*;
use crate::domain::cluster::fixture::{GOVERNANCE, bound, governance, key, management, regional};

const RC: &str = "integration/us-east-1/regional";
const MC: &str = "integration/us-east-1/management/mc01";

fn good(cluster: &str) -> String {
    match cluster {
        RC => regional("integration", "us-east-1"),
        _ => management("integration", "us-east-1", "mc01"),
    }
}

fn findings(cluster: &str, text: &str) -> Vec<String> {
    match parse(&key(cluster), text.as_bytes(), &GOVERNANCE) {
        Ok(_) => Vec::new(),
        Err(findings) => findings.iter().map(ToString::to_string).collect(),
    }
}

/// The good file with one line replaced by another.
fn with(cluster: &str, from: &str, to: &str) -> String {
    let text = good(cluster);
    assert!(text.contains(from), "{from}");
    text.replace(from, to)
}

#[test]
fn the_examples_of_the_convention_pass() {
    let config = parse(&key(RC), good(RC).as_bytes(), &GOVERNANCE).unwrap();
    assert_eq!(
        (config.account.as_str(), config.region.as_str(), config.alias.as_str()),
        ("123456789012", "us-east-1", "regional-us-east-1")
    );
    let config = parse(&key(MC), good(MC).as_bytes(), &GOVERNANCE).unwrap();
    let own = config.management.as_ref().unwrap();
    assert_eq!(
        (own.cluster_id.as_str(), own.regional_account.as_str()),
        ("mc01", "123456789012"),
        "the id is the alias unless said"
    );
    let variables: Vec<String> = config.variables.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(
        variables,
        ["app_code=infra", "cost_center=000", "service_phase=dev"],
        "tags have their defaults, ids are no variables"
    );
}

#[test]
fn case_5_an_account_is_twelve_digits_as_text() {
    for account in [
        "\"REMOVED\"",
        "123456789012",
        "001234567012",
        "\"12345\"",
        "~",
        "[]",
        "ssm://x",
        "ssm:///a/../b",
        "\"1234567890123\"",
    ] {
        let found = findings(RC, &with(RC, "\"123456789012\"", account));
        assert_eq!(found.len(), 1, "{account}: {found:?}");
        assert!(
            found[0]
                .starts_with("deploy/integration/us-east-1/terraform/regional.yaml:1:13: error: account_id: found "),
            "{}",
            found[0]
        );
    }
    for account in ["\"001234567012\"", "ssm:///infra/integration/us-east-1/account_id"] {
        assert!(findings(RC, &with(RC, "\"123456789012\"", account)).is_empty(), "{account}");
    }
}

#[test]
fn an_account_must_be_in_the_registry_unless_it_admits_others() {
    let text = with(RC, "123456789012", "123456789021");
    let found = findings(RC, &text);
    assert!(found[0].ends_with("expected an account of accounts.yaml; did you mean 123456789012?"), "{found:?}");
    assert!(parse(&key(RC), text.as_bytes(), &governance("admit")).is_ok());
    let found = findings(
        MC,
        &with(MC, "regional_aws_account_id: \"123456789012\"", "regional_aws_account_id: \"999999999999\""),
    );
    assert!(found[0].contains("terraform_vars.regional_aws_account_id"), "{found:?}");
}

/// Who may push to one environment's branch must not reach the account of another, whose gate they would walk around.
#[test]
fn an_account_belongs_to_its_environment_where_that_says_so() {
    let governance = bound("{integration: {accounts: [\"123456789012\", \"210987654321\"]}}");
    let found = |cluster: &str, text: &str| match parse(&key(cluster), text.as_bytes(), &governance) {
        Ok(_) => String::new(),
        Err(findings) => findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
    };
    assert_eq!((found(RC, &good(RC)), found(MC, &good(MC))), (String::new(), String::new()));
    insta::assert_snapshot!(found(RC, &with(RC, "123456789012", "001234567012")), @r#"deploy/integration/us-east-1/terraform/regional.yaml:1:13: error: account_id: found "001234567012", expected an account that environments.yaml lists for integration; did you mean 123456789012?"#);
    insta::assert_snapshot!(found(RC, &with(RC, "\"123456789012\"", "ssm:///infra/production/us-east-1/account_id")), @r#"deploy/integration/us-east-1/terraform/regional.yaml:1:13: error: account_id: found "ssm:///infra/production/us-east-1/account_id", expected a parameter below ssm:///infra/integration/, since environments.yaml lists the accounts of integration"#);
    assert!(found(RC, &with(RC, "\"123456789012\"", "ssm:///infra/integration/us-east-1/account_id")).is_empty());
    let regional = with(MC, "regional_aws_account_id: \"123456789012\"", "regional_aws_account_id: \"001234567012\"");
    assert!(found(MC, &regional).contains("error: terraform_vars.regional_aws_account_id: found \"001234567012\""));
}

#[test]
fn case_6_content_must_match_its_path() {
    for (from, to, key) in [
        ("environment: integration", "environment: staging", "environment"),
        ("region_alias: us-east-1", "region_alias: us-east-2", "region_alias"),
    ] {
        let found = findings(RC, &with(RC, from, to));
        assert!(
            found.len() == 1
                && found[0].contains(&format!("error: {key}: found"))
                && found[0].ends_with("as the file's path says"),
            "{found:?}"
        );
    }
    let found = findings(RC, &format!("{}delet: true\n", good(RC)));
    assert!(found[0].ends_with("did you mean delete?"), "{found:?}");
}

#[test]
fn case_7_injection_and_length_are_refused() {
    for alias in
        ["\"x; rm -rf /\"", "../prod", "\"\\0\"", "A", "\"\"", &"a".repeat(80), "рrod", "\"a\\u202eb\"", "$(id)"]
    {
        let found = findings(RC, &with(RC, "regional-us-east-1", alias));
        assert!(found.len() == 1 && found[0].contains(":3:8: error: alias: found"), "{alias}: {found:?}");
    }
    for region in ["us-east", "US-EAST-1", "\"us-east-1 \"", "1"] {
        let found = findings(RC, &with(RC, "region: us-east-1", &format!("region: {region}")));
        assert!(found.len() == 1 && found[0].contains("error: region: found"), "{region}: {found:?}");
    }
    let found =
        findings(MC, &with(MC, "terraform_vars:\n", &format!("terraform_vars:\n  cluster_id: {}\n", "c".repeat(80))));
    assert!(found[0].contains("terraform_vars.cluster_id"), "{found:?}");
}

#[test]
fn codes_are_text() {
    for code in ["000", "010", "12", "no", "1.5", "true", "2024-01-01", "\"\"", "\"a\\nb\"", "[a]"] {
        let found = findings(RC, &with(RC, "\"000\"", code));
        assert!(
            found.len() == 1 && found[0].contains(":6:68: error: terraform_vars.cost_center: found"),
            "{code}: {found:?}"
        );
    }
}

#[test]
fn every_required_key_is_asked_for() {
    let found = findings(MC, "terraform_vars: {}\n");
    let asked: Vec<&str> =
        found.iter().filter_map(|finding| finding.split("error: ").nth(1)?.split(':').next()).collect();
    assert_eq!(
        asked,
        ["account_id", "region", "region_alias", "environment", "terraform_vars.regional_aws_account_id", "alias"]
    );
}

#[test]
fn a_key_that_may_choose_a_role_an_image_or_a_script_is_no_key() {
    for line in [
        "role_arn: x",
        "buildspec: x",
        "image: x",
        "env: {A: b}",
        "stages: []",
        "branch: x",
        "target_region: us-east-1",
    ] {
        let found = findings(RC, &format!("{}{line}\n", good(RC)));
        assert!(found.len() == 1 && found[0].contains("found the key"), "{line}: {found:?}");
    }
}

#[test]
fn optional_keys_are_typed_and_go_on_to_terraform() {
    let lines = "enable_bastion: true\nzone_shard_count: 3\niot_log_level: DEBUG\ndomain: int.example.org\n\
                 management_clusters_info: [{id: mc01, account_id: \"210987654321\"}]\n";
    let config = parse(&key(RC), format!("{}{lines}", good(RC)).as_bytes(), &GOVERNANCE).unwrap();
    let value = |name: &str| config.variables[&name.parse().unwrap()].as_str();
    assert_eq!((value("enable_bastion"), value("zone_shard_count"), value("iot_log_level")), ("true", "3", "DEBUG"));
    assert_eq!(value("management_clusters_info"), r#"[{"id":"mc01","account_id":"210987654321"}]"#);
    for line in [
        "enable_bastion: \"true\"",
        "delete: yes",
        "delete: 1",
        "delete_pipeline: \"true\"",
        "zone_shard_count: 0",
        "zone_shard_count: \"1\"",
        "iot_log_level: LOUD",
        "domain: example",
        "domain: a..b",
        "management_clusters_info: [{id: mc01}]",
        "management_clusters_info: {}",
        "management_clusters_info: [{id: MC, account_id: \"210987654321\"}]",
        "pagerduty_escalation_policy_id: 7",
        "management_id: a",
        "terraform_vars: []",
    ] {
        let text = good(RC)
            .lines()
            .filter(|old| line.split(':').next() != old.split(':').next())
            .map(|line| format!("{line}\n"))
            .collect::<String>();
        assert_eq!(findings(RC, &format!("{text}{line}\n")).len(), 1, "{line}");
    }
}

#[test]
fn variables_are_names_with_plain_values_of_one_line() {
    let vars = |line: &str| findings(MC, &with(MC, "terraform_vars:\n", &format!("terraform_vars:\n  {line}\n")));
    for line in
        ["vpc_cidr: 10.0.0.0/16", "enable_x: false", "count_y: 3", "text_z: \"012\"", "quoted: \"$(id) `x` ${y}\""]
    {
        assert!(vars(line).is_empty(), "{line}: {:?}", vars(line));
    }
    let long = format!("long: \"{}\"", "x".repeat(1_025));
    for line in [
        "Upper: a",
        "1a: b",
        "a-b: c",
        "_x: 1",
        "x: 012",
        "x: 1.5",
        "x: ~",
        "x: [1]",
        "x: {a: 1}",
        "x: \"a\\nb\"",
        "x: \"a\\0\"",
        "region: us-east-1",
        "account_id: \"123456789012\"",
        "enable_bastion: true",
        "target_region: a",
        &long,
    ] {
        assert_eq!(vars(line).len(), 1, "{line}: {:?}", vars(line));
    }
}

/// A stage passes the identity as `TF_VAR_…` too: a variable of that name would contradict it, or be overridden in silence.
#[test]
fn no_variable_may_take_the_name_of_the_identity() {
    let identity = ["account_id", "region", "alias", "environment", "region_alias", "regional_id", "management_id"];
    let other_names = ["target_account_id", "target_region", "target_alias"];
    for name in identity.into_iter().chain(other_names) {
        for (cluster, from, to) in [
            (RC, "terraform_vars: {", format!("terraform_vars: {{{name}: \"123456789012\", ")),
            (MC, "terraform_vars:\n", format!("terraform_vars:\n  {name}: mc01\n")),
        ] {
            let found = findings(cluster, &with(cluster, from, &to));
            assert!(
                found.len() == 1 && found[0].contains("terraform gets this value from the key"),
                "{name}: {found:?}"
            );
        }
    }
    let found =
        |line: &str| findings(RC, &with(RC, "terraform_vars: {", &format!("terraform_vars: {{{line}, "))).join("\n");
    insta::assert_snapshot!(found("target_region: us-west-2"), @r#"deploy/integration/us-east-1/terraform/regional.yaml:6:18: error: terraform_vars.target_region: found "target_region", expected another name: terraform gets this value from the key region at the top of the file"#);
    insta::assert_snapshot!(found("cluster_id: mc01"), @r#"deploy/integration/us-east-1/terraform/regional.yaml:6:18: error: terraform_vars.cluster_id: found "cluster_id", expected another name: this one says which management cluster it is, and stands in management/<cluster>.yaml only"#);
    assert!(found("regional_aws_account_id: \"123456789012\"").contains("which management cluster it is"));
}

/// Trojan source: what an approver reads in the plan must be what terraform gets.
#[test]
fn values_show_everything_that_is_in_them() {
    let hidden = [
        "\\u202e",
        "\\u200b",
        "\\u2028",
        "\\u2066",
        "\\ufeff",
        "\\u061c",
        "\\u00ad",
        "\\u3164",
        "\\U000e0041",
        "\\e",
        "\\x7f",
    ];
    for character in hidden {
        let text = with(MC, "terraform_vars:\n", &format!("terraform_vars:\n  note: \"a{character}b\"\n"));
        let found = findings(MC, &text);
        assert!(
            found.len() == 1 && found[0].contains("without control characters or invisible ones"),
            "{character}: {found:?}"
        );
    }
    let text = with(MC, "terraform_vars:\n", "terraform_vars:\n  note: \"Zürich, 東京, 🚰\"\n");
    assert!(findings(MC, &text).is_empty(), "what shows is text");
}

#[test]
fn the_later_name_stands_for_alias_and_must_not_contradict_it() {
    let later = with(RC, "alias: regional-us-east-1", "regional_id: regional-us-east-1");
    assert_eq!(parse(&key(RC), later.as_bytes(), &GOVERNANCE).unwrap().alias.as_str(), "regional-us-east-1");
    assert_eq!(findings(RC, &format!("{}regional_id: other\n", good(RC))).len(), 1);
    assert!(findings(RC, &format!("{}regional_id: regional-us-east-1\n", good(RC))).is_empty());
}

#[test]
fn all_errors_of_a_file_come_at_once_in_its_order() {
    let text = "account_id: 123456789012\nregion: mars\nalias: A\nregion_alias: us-west-2\nenvironment: production\ndelet: true\n\
                terraform_vars:\n  cost_center: 000\n  X: 1\n";
    insta::assert_snapshot!(findings(RC, text).join("\n"), @r#"
    deploy/integration/us-east-1/terraform/regional.yaml:1:13: error: account_id: found 123456789012 (a number, not in quotes), expected 12 digits, in quotes, or ssm:/// followed by a parameter path of letters, digits, '.', '_', '-' and '/'
    deploy/integration/us-east-1/terraform/regional.yaml:2:9: error: region: found "mars", expected an AWS region such as us-east-1
    deploy/integration/us-east-1/terraform/regional.yaml:3:8: error: alias: found "A", expected 1 to 40 of a-z, 0-9 and '-', starting and ending with a letter or digit
    deploy/integration/us-east-1/terraform/regional.yaml:4:15: error: region_alias: found "us-west-2", expected us-east-1, as the file's path says
    deploy/integration/us-east-1/terraform/regional.yaml:5:14: error: environment: found "production", expected integration, as the file's path says
    deploy/integration/us-east-1/terraform/regional.yaml:6:1: error: found the key "delet", expected a known key; variables for terraform stand below terraform_vars; did you mean delete?
    deploy/integration/us-east-1/terraform/regional.yaml:8:16: error: terraform_vars.cost_center: found "000" without quotes, which YAML may not read as text, expected 1 to 256 of letters, digits, space and '_', '.', ':', '/', '=', '+', '@', '-', as text in quotes
    deploy/integration/us-east-1/terraform/regional.yaml:9:3: error: terraform_vars.X: found "X", expected a lower-case letter, then up to 62 of a-z, 0-9 and '_'
    "#);
}

#[test]
fn no_row_stands_twice() {
    for rules in [RULES, VARIABLE_RULES] {
        let mut keys: Vec<&str> = rules.iter().map(|rule| rule.key).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), rules.len());
    }
}
