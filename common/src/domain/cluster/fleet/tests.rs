//! Files beside one another, and files that are not read.

use super::*;
use crate::domain::cluster::{
    EntryKind, Severity,
    fixture::{Files, NAME, RUNTIME, blob, key, scope, text},
    survey,
};

const RC: &str = "integration/us-east-1/regional";
const MC: &str = "integration/us-east-1/management/mc01";

fn said(fleet: &Fleet) -> Vec<String> {
    fleet.findings.iter().map(ToString::to_string).collect()
}

#[test]
fn a_management_cluster_alone_is_a_warning_and_is_provisioned() {
    let fleet = Files::of(&[MC]).fleet();
    assert_eq!(fleet.desired.len(), 1);
    assert_eq!(fleet.findings[0].severity, Severity::Warning);
    insta::assert_snapshot!(said(&fleet).join("\n"), @r#"deploy/integration/us-east-1/terraform/management/mc01.yaml:1:1: warning: found a management cluster alone in its region alias, expected deploy/integration/us-east-1/terraform/regional.yaml for its regional cluster"#);
}

#[test]
fn another_regional_account_than_the_one_beside_it_is_an_error() {
    let other = text(&key(MC))
        .replace("regional_aws_account_id: \"123456789012\"", "regional_aws_account_id: \"001234567012\"");
    let fleet = Files::of(&[RC]).with(MC, &other).fleet();
    assert_eq!((fleet.desired.len(), fleet.invalid.len()), (1, 1));
    insta::assert_snapshot!(said(&fleet).join("\n"), @r#"deploy/integration/us-east-1/terraform/management/mc01.yaml:8:28: error: terraform_vars.regional_aws_account_id: found "001234567012", expected "123456789012", the account_id of the regional.yaml beside it"#);
    let parameter = other.replace("\"001234567012\"", "ssm:///infra/a/account_id");
    let fleet = Files::of(&[RC]).with(MC, &parameter).fleet();
    insta::assert_snapshot!(said(&fleet).join("\n"), @r#"deploy/integration/us-east-1/terraform/management/mc01.yaml:8:28: error: terraform_vars.regional_aws_account_id: found "ssm:///infra/a/account_id", expected 12 digits, in quotes: certificates are made in that account (or certificates: false in environments.yaml)"#);
}

#[test]
fn a_bad_regional_file_is_not_a_missing_one() {
    let fleet = Files::of(&[RC, MC]).plus(RC, "nonsense: 1").fleet();
    assert_eq!(fleet.desired.keys().collect::<Vec<_>>(), [&key(MC)]);
    assert_eq!(fleet.findings.len(), 1);
}

/// Two clusters of one name would share one identity at their regional cluster: topics, certificate, registration.
#[test]
fn a_file_cannot_give_itself_the_name_of_its_neighbour() {
    const THIEF: &str = "integration/us-east-1/management/mc09";
    let named = |cluster: &str, name: &str| {
        text(&key(cluster)).replace("terraform_vars:\n", &format!("terraform_vars:\n  cluster_id: {name}\n"))
    };
    let fleet = Files::of(&[RC, MC]).with(THIEF, &named(THIEF, "mc01")).fleet();
    assert_eq!(fleet.desired.keys().collect::<Vec<_>>(), [&key(RC), &key(MC)], "the owner keeps its name");
    insta::assert_snapshot!(said(&fleet).join("\n"), @r#"deploy/integration/us-east-1/terraform/management/mc09.yaml:7:15: error: terraform_vars.cluster_id: found "mc01", expected a name of its own: deploy/integration/us-east-1/terraform/management/mc01.yaml has this one, and the regional cluster knows its management clusters by it"#);
    // By the alias, which is the name unless said; and beside an owner whose file is bad.
    let alias = text(&key(THIEF)).replace("alias: mc09", "alias: mc01");
    let fleet = Files::of(&[RC, MC]).plus(MC, "nonsense: 1").with(THIEF, &alias).fleet();
    assert_eq!(fleet.invalid.len(), 2, "{:?}", said(&fleet));
    assert!(
        said(&fleet)
            .iter()
            .any(|said| said.contains("mc09.yaml:3:8: error: terraform_vars.cluster_id: found \"mc01\""))
    );
    // Nobody is called so: then it is neither's.
    let fleet = Files::of(&[RC]).with(MC, &named(MC, "shared")).with(THIEF, &named(THIEF, "shared")).fleet();
    assert_eq!(fleet.invalid.len(), 2, "{:?}", said(&fleet));
    // Under another regional cluster it is another name.
    let elsewhere = "integration/us-east-1-b/management/mc01";
    assert!(Files::of(&[RC, MC, elsewhere]).fleet().invalid.is_empty());
}

#[test]
fn an_unknown_environment_is_an_error_with_the_nearest_name() {
    let fleet = Files::of(&["integratoin/us-east-1/regional", RC]).fleet();
    assert_eq!((fleet.desired.len(), fleet.invalid.len()), (1, 1));
    insta::assert_snapshot!(said(&fleet).join("\n"), @r#"deploy/integratoin/us-east-1/terraform/regional.yaml:1:1: error: found directory integratoin, expected an environment of environments.yaml (integration, production, sandbox, staging); did you mean integration?"#);
}

#[test]
fn files_of_another_branch_are_not_this_run_s_business() {
    let files = Files::of(&["production/us-east-1/regional"]).plus("production/us-east-1/regional", "nonsense: 1");
    let fleet = files.fleet();
    assert!(fleet.desired.is_empty() && fleet.invalid.is_empty() && fleet.findings.is_empty());
}

#[test]
fn links_large_files_and_files_that_were_not_read_are_refused() {
    let files = Files::of(&[RC, MC, "staging/us-east-1/regional"]);
    let mut entries = files.entries();
    for entry in &mut entries {
        match entry.path.as_str() {
            path if path == key(RC).config_path() => entry.kind = EntryKind::Other,
            path if path == key(MC).config_path() => entry.size = 65_537,
            _ => {}
        }
    }
    let survey = survey(&entries, &scope());
    assert_eq!(survey.files.len(), 1, "the others need not be read");
    let context = FleetContext { scope: scope(), repository_name: &NAME, runtime: &RUNTIME };
    let fleet = build(&survey, &BTreeMap::from([(blob("other"), Vec::new())]), &context);
    assert_eq!(fleet.invalid.len(), 3);
    insta::assert_snapshot!(said(&fleet).join("\n"), @r#"
    deploy/integration/us-east-1/terraform/management/mc01.yaml:1:1: error: found 65537 bytes, expected at most 65536 bytes
    deploy/integration/us-east-1/terraform/regional.yaml:1:1: error: found a symbolic link or submodule, expected a regular file
    deploy/staging/us-east-1/terraform/regional.yaml:1:1: error: found a file that was not read, expected its content
    "#);
}
