//! The recorded requests under `events/github-webhook/`: what `cargo lambda invoke` sends, with what must come of it.
//!
//! They are signed with the secret of GitHub's documentation, which the local stack uses too.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::Value;

use super::support::Rig;

const EXPECTED: [(&str, u16, &str); 6] = [
    ("forged-signature.json", 401, "Signature refused"),
    ("health.json", 200, "healthy"),
    ("ping.json", 200, "ignored"),
    ("pull-request-opened.json", 202, "Change Opened"),
    ("push-to-deploy.json", 202, "Branch Pushed"),
    ("tag-pushed.json", 200, "ignored"),
];

#[tokio::test]
async fn each_sample_comes_to_what_its_name_says() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events/github-webhook");
    let mut samples = BTreeMap::new();
    for entry in fs::read_dir(&directory).unwrap() {
        let entry = entry.unwrap();
        let sample: Value = serde_json::from_str(&fs::read_to_string(entry.path()).unwrap()).unwrap();
        samples.insert(entry.file_name().into_string().unwrap(), sample);
    }
    let names: Vec<&str> = samples.keys().map(String::as_str).collect();
    assert_eq!(names, EXPECTED.map(|(name, _, _)| name));
    for (name, expected, word) in EXPECTED {
        let rig = Rig::new();
        let (status, answer) = rig.raw(samples[name].clone()).await;
        assert_eq!(status, expected, "{name}: {answer}");
        assert!(answer.to_string().contains(word), "{name}: {answer}");
        if name == "push-to-deploy.json" {
            let detail: Value = serde_json::from_str(&rig.world.outbox()[0].detail).unwrap();
            assert_eq!(detail["touched_roots"], serde_json::json!(["deploy"]));
        }
    }
}
