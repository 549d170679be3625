//! The inputs under `events/codecommit-events/`: what each comes to where `platform-config` is listed.

use std::{collections::BTreeMap, fs, path::Path};

use insta::assert_snapshot;
use serde_json::Value;

use super::support::*;

const LISTED: &str = "repositories:
  - id: f7579e13-b83e-4027-aaef-650c0a1b2c3d
    arn: arn:aws:codecommit:us-east-1:123456789012:platform-config
    kind: cluster
    default_branch: main
";

#[tokio::test]
async fn each_sample_comes_to_what_its_name_says() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events/codecommit-events");
    let mut said = BTreeMap::new();
    for entry in fs::read_dir(&directory).unwrap() {
        let entry = entry.unwrap();
        let sample: Value = serde_json::from_str(&fs::read_to_string(entry.path()).unwrap()).unwrap();
        let case = Case::with(LISTED);
        let what = if sample["Records"].is_array() {
            outcomes(&case, sample).await.join(", ")
        } else {
            case.say(&sample).await
        };
        said.insert(entry.file_name().into_string().unwrap(), what);
    }
    let lines: Vec<String> = said.iter().map(|(name, what)| format!("{name}: {what}")).collect();
    assert_snapshot!(lines.join("\n"), @r#"
    approval-rule-template-associated.json: ignored: nothing in Penstock listens to CodeCommit Approval Rule Template Change yet
    approval-rules-overridden.json: accepted: Change Reviewed
    branch-created.json: accepted: Branch Pushed
    branch-deleted.json: accepted: Branch Deleted
    branch-updated.json: accepted: Branch Pushed
    commit-commented.json: ignored: nothing in Penstock listens to CodeCommit Comment on Commit yet
    forged-account.json: refused: it is from the account "999999999999", and about arn:aws:codecommit:us-east-1:123456789012:platform-config
    forged-arn.json: refused: it is about arn:aws:codecommit:us-east-1:999999999999:platform-config with the id f7579e13-b83e-4027-aaef-650c0a1b2c3d, and repositories.yaml lists that id as arn:aws:codecommit:us-east-1:123456789012:platform-config
    pull-request-approved.json: accepted: Change Reviewed
    pull-request-closed.json: accepted: Change Closed
    pull-request-commented.json: accepted: Change Commented
    pull-request-merged.json: accepted: Change Merged
    pull-request-opened.json: accepted: Change Opened
    pull-request-updated.json: accepted: Change Updated
    tag-created.json: ignored: "refs/tags/v1" is not a branch, and Penstock follows branches only
    triggered.json: accepted, accepted
    unknown-repository.json: ignored: repositories.yaml does not list arn:aws:codecommit:us-east-1:123456789012:somewhere-else
    "#);
}
