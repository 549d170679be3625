//! GitHub's own examples, all of them: `PENSTOCK_WEBHOOK_EXAMPLES=<directory>` names an unpacked `@octokit/webhooks-examples`.
//!
//! The package is 10 MB, so it is not in the repository. Without the variable the test says so and checks the small bodies instead.

use std::{collections::BTreeSet, fs, path::Path};

use serde::Deserialize;
use serde_json::Value;

use super::{bodies, support::Rig};
use crate::payload::Name;

#[derive(Deserialize)]
struct Examples {
    name: String,
    examples: Vec<Value>,
}

fn read(directory: &Path) -> Vec<Examples> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let index = entry.unwrap().path().join("index.json");
        if index.is_file() {
            found.extend(serde_json::from_str::<Vec<Examples>>(&fs::read_to_string(index).unwrap()).unwrap());
        }
    }
    found
}

#[tokio::test]
#[allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a test that says loudly when it is given no examples"
)]
async fn every_example_of_github_is_accepted_or_ignored_with_a_reason() {
    let small = || bodies::all().into_iter().map(|(name, body)| Examples { name: name.into(), examples: vec![body] });
    let examples = match std::env::var("PENSTOCK_WEBHOOK_EXAMPLES") {
        Ok(directory) => read(Path::new(&directory)),
        Err(_) => {
            eprintln!(
                "PENSTOCK_WEBHOOK_EXAMPLES is not set: GitHub's examples were SKIPPED, only the small bodies are tried"
            );
            small().collect()
        }
    };
    let (mut tried, mut accepted, mut names) = (0, 0, BTreeSet::new());
    for Examples { name, examples } in &examples {
        for body in examples {
            let rig = Rig::new();
            let (status, answer) = rig.send(name, body).await;
            assert!(matches!(status, 200 | 202), "{name}: {answer}");
            assert_eq!(status == 202, must_map(name, body), "{name} {}: {answer}", body["action"]);
            tried += 1;
            accepted += usize::from(status == 202);
            names.insert(name.clone());
            // The same body under every other typed name is refused.
            for other in Name::ALL.iter().filter(|other| other.as_str() != name) {
                let (status, answer) = rig.send(other.as_str(), body).await;
                assert_eq!(status, 422, "the body of {name} as {}: {answer}", other.as_str());
            }
        }
    }
    eprintln!("{tried} examples of {} events: {accepted} accepted, the others ignored with a reason", names.len());
    assert!(tried >= 18 && accepted >= 9, "{tried}, {accepted}");
}

/// The mapping, written a second time, from the raw JSON.
fn must_map(name: &str, body: &Value) -> bool {
    let action = body["action"].as_str().unwrap_or_default();
    match name {
        "push" => body["ref"].as_str().unwrap().starts_with("refs/heads/"),
        "pull_request" => {
            ["opened", "reopened", "synchronize", "edited", "ready_for_review", "converted_to_draft", "closed"]
                .contains(&action)
        }
        "issue_comment" => body["issue"]["pull_request"].is_object(),
        "check_run" | "check_suite" | "workflow_run" => action == "completed",
        "repository" => ["renamed", "transferred"].contains(&action),
        "pull_request_review" | "issues" | "deployment_status" => true,
        _ => false,
    }
}
