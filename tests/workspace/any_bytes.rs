//! Every parser of foreign input, over any bytes and over good input that was damaged: it gives an answer and never panics, and what it
//! says about the input is plain text that cannot speak for itself in a log, a terminal, an annotation or a comment.
//!
//! These stand in the place of fuzz targets, which need a nightly compiler: the same entry points, as part of every test run. Each
//! crate's own properties are beside its code; here is one of each kind, so that a new parser is missed by its absence.

use canary::check::{Check, Expected, Seen};
use codecommit_events::doors::Input;
use common::{
    domain::{
        cluster::{ClusterKey, Finding, config, path},
        governance::Governance,
        id::Digest,
    },
    event::{Envelope, EventKind},
    http::Request,
    ports::SiteAnswer,
    runtime::QueueMessage,
    testing::{ClusterFile, GovernanceFiles, id},
};
use github_webhook::{handler::MAX_BODY, normalise::normalise, payload, signature::Signature};
use jiff::SignedDuration;
use outbox_relay::stream::StreamBatch;
use proptest::{collection::vec, prelude::*, sample::Index};
use serde_json::Value;

use crate::repository_root;

/// A few changes to a text: another byte, a cut, a part twice, a token that some parser cares about.
fn damaged(original: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    const TOKENS: [&str; 16] = [
        "null", "{}", "[]", "-1", "1e400", "\"\"", "\\ud800", "\0", "&a ", "*a", "<<: ", "!!str ", "\u{202e}",
        "\r\n- ", "../", "#{",
    ];
    let change = (any::<Index>(), 0..5_u8, any::<u8>(), 1..40_usize, 0..TOKENS.len());
    vec(change, 1..6).prop_map(move |changes| {
        let mut bytes = original.clone();
        for (index, kind, byte, length, token) in changes {
            let at = index.index(bytes.len() + 1);
            let end = (at + length).min(bytes.len());
            match kind {
                0 if at < bytes.len() => bytes[at] = byte,
                1 => bytes.truncate(at),
                2 => {
                    let part = bytes[at..end].to_vec();
                    bytes.splice(at..at, part);
                }
                3 => drop(bytes.drain(at..end)),
                _ => drop(bytes.splice(at..at, TOKENS[token].bytes())),
            }
        }
        bytes
    })
}

/// Any bytes, or damaged good ones.
fn input(good: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let good = proptest::sample::select(good).prop_flat_map(damaged);
    prop_oneof![1 => vec(any::<u8>(), 0..300), 3 => good]
}

fn samples(function: &str) -> Vec<Vec<u8>> {
    let folder = repository_root().join("events").join(function);
    let files = std::fs::read_dir(&folder).unwrap().map(|entry| std::fs::read(entry.unwrap().path()).unwrap());
    files.collect()
}

fn governance() -> Governance {
    Governance::parse(&GovernanceFiles::default().bytes()).unwrap()
}

/// Printable ASCII, and the dots of something that was cut: nothing that a log, a terminal or Markdown would obey.
fn plain(findings: &[Finding]) -> Result<(), TestCaseError> {
    prop_assert!(!findings.is_empty());
    for finding in findings {
        prop_assert!(finding.line >= 1 && finding.column >= 1);
        let said = finding.to_string();
        prop_assert!(said.chars().all(|character| matches!(character, ' '..='~' | '…')), "{said:?}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn cluster_files(bytes in input(vec![
        ClusterFile::regional("integration", "us-east-1").text().into_bytes(),
        ClusterFile::management("integration", "us-east-1", "mc01").set("delete", "true").text().into_bytes(),
    ])) {
        let governance = governance();
        for cluster in ["integration/us-east-1/regional", "integration/us-east-1/management/mc01"] {
            let key: ClusterKey = cluster.parse().unwrap();
            match config::parse(&key, &bytes, &governance) {
                Err(findings) => plain(&findings)?,
                Ok(config) => {
                    prop_assert_eq!(&config.key, &key);
                    for (name, value) in config.variables {
                        prop_assert!(!value.chars().any(common::domain::id::is_hidden), "{name}: {value:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn paths(bytes in input(vec![
        b"deploy/integration/us-east-1/terraform/regional.yaml".to_vec(),
        b"deploy/integration/us-east-1/terraform/management/mc01.yaml".to_vec(),
    ])) {
        let text = String::from_utf8_lossy(&bytes);
        match path::classify(&text) {
            path::PathClass::Cluster(key) => prop_assert_eq!(key.config_path(), text),
            path::PathClass::Finding(finding) => plain(&[finding])?,
            path::PathClass::Elsewhere => {}
        }
    }

    #[test]
    fn governance_bundles(bytes in input(vec![GovernanceFiles::default().bytes()])) {
        if let Err(findings) = Governance::parse(&bytes) {
            plain(&findings)?;
        }
    }

    #[test]
    fn requests_of_the_gateway(bytes in input(samples("github-webhook"))) {
        if let Ok(request) = serde_json::from_slice::<Request>(&bytes) {
            let _ = (request.method(), request.path(), Signature::of(&request).is_ok());
            if let Ok(body) = request.raw_body(MAX_BODY) {
                let _ = payload::keys(&body, false).map(|keys| payload::classify(&keys));
            }
        }
    }

    /// Exactly the one form, whatever else a sender may think of.
    #[test]
    fn signature_headers(value in prop_oneof![".{0,80}", "(sha256=|SHA256=|sha1=| sha256=)?[0-9a-fA-F ,]{60,68}", "sha256=[0-9a-f]{64}"]) {
        let request = serde_json::json!({"headers": {"x-hub-signature-256": value}});
        let accepted = Signature::of(&serde_json::from_value(request).unwrap()).is_ok();
        let digits = value.strip_prefix("sha256=").unwrap_or_default();
        let right = digits.len() == 64 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        prop_assert_eq!(accepted, right);
    }

    #[test]
    fn payloads(bytes in input(payload_bodies()), form: bool) {
        let known = payload::keys(&bytes, form);
        let Ok(keys) = known else { return Ok(()) };
        for name in payload::Name::ALL {
            if let Err(refusal) = normalise(*name, &bytes) {
                let said = refusal.to_string();
                prop_assert!(said.chars().all(|character| matches!(character, ' '..='~' | '…')), "{said:?}");
            }
        }
        let _ = payload::classify(&keys);
    }

    #[test]
    fn stream_batches(bytes in input(samples("outbox-relay"))) {
        if let Ok(batch) = serde_json::from_slice::<StreamBatch>(&bytes) {
            for record in batch.records.iter().filter(|record| record.is_outbox()) {
                let _ = record.row();
            }
        }
    }

    #[test]
    fn what_the_canary_is_answered(bytes in input(vec![
        format!(r#"{{"status":"healthy","version":"0.1.0","governance_digest":"{}"}}"#, Digest::of(b"governance").as_str()).into_bytes(),
        br#"{"status":"ignored","reason":"a ping","delivery":"canary-1"}"#.to_vec(),
    ])) {
        let expected = Expected { version: "0.1.0", governance: Digest::of(b"governance"), issuer: true };
        for check in Check::ALL {
            let seen = Seen { answer: SiteAnswer { status: 200, body: bytes.clone() }, took: SignedDuration::ZERO };
            for said in check.judge(&expected, &id("canary-1"), &seen) {
                prop_assert!(said.chars().all(|character| matches!(character, ' '..='~' | '…')), "{said:?}");
            }
        }
    }

    /// Events of CodeCommit and triggers: told, left alone or refused, and what is said about them is plain.
    #[test]
    fn what_codecommit_tells(bytes in input(samples("codecommit-events"))) {
        let Ok(message) = serde_json::from_slice::<Value>(&bytes) else { return Ok(()) };
        let repositories = crate::codecommit_events::repositories();
        let mut judged = Vec::new();
        if let Ok(QueueMessage::Aws(event)) = QueueMessage::parse(&message) {
            judged.push(codecommit_events::judge::event(&event, &repositories));
        }
        if let Ok(Input::Trigger(trigger)) = serde_json::from_value(message) {
            for record in &trigger.records {
                let references = record.codecommit.references.iter();
                judged.extend(references.map(|it| codecommit_events::judge::reference(record, it, &repositories)));
            }
        }
        for untold in judged.into_iter().filter_map(Result::err) {
            let said = untold.to_string();
            prop_assert!(said.chars().all(|character| matches!(character, ' '..='~' | '…')), "{said:?}");
        }
    }

    #[test]
    fn queue_messages(bytes in input([samples("pipeline-provisioner"), samples("feedback"), samples("wip-limit"), samples("stage-gate"), samples("daily-unblock"), samples("kill-executor"), samples("codecommit-events")].concat())) {
        let Ok(message) = serde_json::from_slice::<Value>(&bytes) else { return Ok(()) };
        if let Ok(QueueMessage::Event(event)) = QueueMessage::parse(&message) {
            // What was read can be written, and is read as the same again.
            let kind = event.event.kind();
            let detail: Value = serde_json::from_str(&event.detail().unwrap()).unwrap();
            prop_assert_eq!(Envelope::parse(kind.source(), kind.name(), detail).unwrap(), *event);
        }
        for kind in EventKind::ALL {
            let _ = Envelope::parse(kind.source(), kind.name(), message.clone());
        }
    }
}

fn payload_bodies() -> Vec<Vec<u8>> {
    let read = |sample: Vec<u8>| {
        let sample: Value = serde_json::from_slice(&sample).unwrap();
        let request: Request = serde_json::from_value(sample).unwrap();
        request.raw_body(MAX_BODY).map(|body| body.into_owned()).unwrap_or_default()
    };
    samples("github-webhook").into_iter().map(read).filter(|body| !body.is_empty()).collect()
}
