//! Nobody passes a gate around Penstock: of all that Terraform makes, one function answers at gates, one changes pipelines, and nobody
//! overrides a condition. `terraform/config/control-plane/guard.tf` denies the same to everybody else in the account.

use std::{fs, path::Path};

use crate::repository_root;

/// What passes a gate, with the only files that may name it.
const ACTIONS: [(&str, &[&str]); 6] = [
    ("codepipeline:PutApprovalResult", &["grants/cluster-gates.json", "config/control-plane/guard.tf"]),
    ("codepipeline:UpdatePipeline", &["grants/cluster-pipelines.json", "config/control-plane/guard.tf"]),
    ("codepipeline:OverrideStageCondition", &["config/control-plane/guard.tf"]),
    ("codepipeline:GetJobDetails", &["grants/pipeline-jobs.json"]),
    ("codepipeline:PutJobFailureResult", &["grants/pipeline-jobs.json"]),
    ("codepipeline:PutJobSuccessResult", &["grants/pipeline-jobs.json"]),
];

fn policies(directory: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if name != "tests" && !name.starts_with('.') {
                policies(&path, found);
            }
        } else if [".tf", ".json"].iter().any(|ending| name.ends_with(ending)) {
            let below = path.strip_prefix(repository_root().join("terraform")).unwrap();
            found.push((below.to_string_lossy().into_owned(), fs::read_to_string(&path).unwrap()));
        }
    }
}

#[test]
fn nobody_else_may_pass_a_gate() {
    let mut found = Vec::new();
    policies(&repository_root().join("terraform"), &mut found);
    for (action, allowed) in ACTIONS {
        let mut naming: Vec<&str> =
            found.iter().filter(|(_, text)| text.contains(action)).map(|(file, _)| file.as_str()).collect();
        let mut allowed = allowed.to_vec();
        naming.sort_unstable();
        allowed.sort_unstable();
        assert_eq!(naming, allowed, "{action}");
    }
    let all: Vec<&str> = found
        .iter()
        .filter(|(_, text)| {
            [r#"codepipeline:*""#, "codepipeline:Put*", "codepipeline:Update*"].iter().any(|wide| text.contains(wide))
        })
        .map(|(file, _)| file.as_str())
        .collect();
    assert!(all.is_empty(), "these allow more of CodePipeline than they name: {all:?}");
}

#[test]
fn each_of_these_rights_is_one_function_s() {
    let holders = |grant: &str| -> Vec<&str> {
        let manifests = crate::contract::MANIFESTS.iter().filter(|manifest| manifest.grants.contains(&grant));
        manifests.map(|manifest| manifest.name).collect()
    };
    assert_eq!(holders("cluster-gates"), ["stage-gate"]);
    let mut answer_jobs = holders("pipeline-jobs");
    answer_jobs.sort_unstable();
    assert_eq!(answer_jobs, ["iot-cert-provisioner", "pipeline-provisioner", "stage-gate"]);
    assert_eq!(holders("cluster-pipelines"), ["pipeline-provisioner"]);
}
