//! The event contract as files: generated from the code, committed, and compared here.
//!
//! `make contract` (UPDATE_CONTRACT=1) rewrites `events/contract.json`, `events/schemas/` and `events/README.md`; a plain test run fails on
//! drift. Terraform and the local stack read the same `contract.json`, so a name is spelled once, in `common/src/event.rs`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use common::{
    event::{EventKind, Meta},
    manifest::{MAX_RECEIVES, Manifest, Wake},
};
use serde_json::{Value, json};

use crate::repository_root;

/// Every function that ships, in alphabetical order.
pub(crate) const MANIFESTS: &[&Manifest] = &[
    &canary::MANIFEST,
    &codecommit_events::MANIFEST,
    &daily_unblock::MANIFEST,
    &db_init::MANIFEST,
    &delivery_sweeper::MANIFEST,
    &feedback::MANIFEST,
    &iot_cert_provisioner::MANIFEST,
    &kill_executor::MANIFEST,
    &github_webhook::MANIFEST,
    &outbox_relay::MANIFEST,
    &pipeline_provisioner::MANIFEST,
    &stage_gate::MANIFEST,
    &wip_limit::MANIFEST,
];

fn schema_file(kind: EventKind) -> String {
    format!("schemas/{}.json", kind.name().to_lowercase().replace(' ', "-"))
}

fn consumed(manifest: &Manifest) -> impl Iterator<Item = EventKind> {
    manifest.wakes.iter().filter_map(|wake| match wake {
        Wake::Event { event, .. } => Some(*event),
        Wake::Route { .. }
        | Wake::Stream { .. }
        | Wake::Aws { .. }
        | Wake::Schedule { .. }
        | Wake::Timetable { .. }
        | Wake::Deploy => None,
    })
}

fn function(manifest: &Manifest) -> Value {
    let (mut routes, mut stream, mut schedules) = (vec![], Value::Null, vec![]);
    let (mut patterns, mut aws_patterns, mut timetable) = (vec![], vec![], Value::Null);
    let mut deploy = false;
    let pattern = |source: &str, name: &str, filter: &[(&str, &[&str])]| {
        let mut pattern = json!({"source": [source], "detail-type": [name]});
        if !filter.is_empty() {
            pattern["detail"] = filter.iter().map(|(field, values)| ((*field).to_owned(), json!(values))).collect();
        }
        pattern
    };
    for wake in manifest.wakes {
        match wake {
            Wake::Route { method, path, public } => {
                routes.push(json!({"method": method, "path": path, "public": public}))
            }
            Wake::Stream { prefix, batch_size, attempts, max_age_s } => {
                assert_eq!(stream, Value::Null, "{} reads the stream twice", manifest.name);
                stream =
                    json!({"prefix": prefix, "batch_size": batch_size, "attempts": attempts, "max_age_s": max_age_s});
            }
            Wake::Event { event, filter } => patterns.push(pattern(event.source(), event.name(), filter)),
            // Who listens to AWS itself listens on another bus.
            Wake::Aws { source, detail_type, filter } => aws_patterns.push(pattern(source, detail_type, filter)),
            Wake::Schedule { name, rate, input } => schedules.push(json!({"name": name, "rate": rate, "input": input})),
            Wake::Deploy => deploy = true,
            Wake::Timetable { input } => timetable = json!({"input": input}),
        }
    }
    let queue = !(patterns.is_empty() && aws_patterns.is_empty() && schedules.is_empty() && timetable.is_null());
    let calls: BTreeSet<&str> = manifest.calls.iter().flat_map(|actions| actions.iter().copied()).collect();
    let emits: Vec<&str> = manifest.emits.iter().map(|kind| kind.name()).collect();
    json!({
        "purpose": manifest.purpose, "idempotent_by": manifest.idempotent_by,
        "memory_mb": manifest.memory_mb, "timeout_s": manifest.timeout_s,
        "routes": routes, "stream": stream, "patterns": patterns, "aws_patterns": aws_patterns, "schedules": schedules, "timetable": timetable, "deploy": deploy, "queue": queue,
        "env": manifest.env, "grants": manifest.grants, "calls": calls, "emits": emits,
        "alarms": manifest.alarms, "max_receives": MAX_RECEIVES,
    })
}

fn contract() -> Value {
    let names = |test: &dyn Fn(&Manifest) -> bool| -> Vec<&str> {
        MANIFESTS.iter().filter(|manifest| test(manifest)).map(|manifest| manifest.name).collect()
    };
    let events: Vec<Value> = EventKind::ALL
        .iter()
        .map(|kind| {
            json!({
                "source": kind.source(), "detail_type": kind.name(), "schema": schema_file(*kind),
                "emitted_by": names(&|manifest| manifest.emits.contains(kind)),
                "consumed_by": names(&|manifest| consumed(manifest).any(|other| other == *kind)),
            })
        })
        .collect();
    let functions: BTreeMap<&str, Value> =
        MANIFESTS.iter().map(|manifest| (manifest.name, function(manifest))).collect();
    json!({"schema_version": common::event::SCHEMA_VERSION, "events": events, "functions": functions})
}

/// The schema of a whole `detail`: envelope and payload side by side.
fn schema(kind: EventKind) -> Value {
    let mut payload = kind.schema().to_value();
    let meta = schemars::schema_for!(Meta).to_value();
    for (key, value) in meta["properties"].as_object().into_iter().flatten() {
        payload["properties"][key] = value.clone();
    }
    for (name, definition) in meta.get("$defs").and_then(Value::as_object).into_iter().flatten() {
        payload["$defs"][name] = definition.clone();
    }
    let mut required: BTreeSet<String> = BTreeSet::new();
    for side in [&payload, &meta] {
        required.extend(side["required"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned));
    }
    payload["required"] = json!(required);
    payload["title"] = json!(kind.name());
    payload
}

fn readme() -> String {
    let mut text = String::from(include_str!("events_readme.md"));
    text.push_str("\n## Events\n\n| source | detail-type | emitted by | consumed by |\n|---|---|---|---|\n");
    let contract = contract();
    let list = |value: &Value| -> String {
        let names: Vec<&str> = value.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if names.is_empty() { "nobody yet".into() } else { names.join(", ") }
    };
    for event in contract["events"].as_array().into_iter().flatten() {
        text.push_str(&format!(
            "| {} | [{}]({}) | {} | {} |\n",
            event["source"].as_str().unwrap_or_default(),
            event["detail_type"].as_str().unwrap_or_default(),
            event["schema"].as_str().unwrap_or_default(),
            list(&event["emitted_by"]),
            list(&event["consumed_by"]),
        ));
    }
    text
}

fn pretty(value: &Value) -> String {
    // Sorted whatever serde_json's features are, so that the committed text never depends on them.
    fn sorted(value: &Value) -> Value {
        match value {
            Value::Object(map) => {
                let mut keys: Vec<&String> = map.keys().collect();
                keys.sort();
                keys.into_iter().map(|key| (key.clone(), sorted(&map[key]))).collect::<serde_json::Map<_, _>>().into()
            }
            Value::Array(items) => items.iter().map(sorted).collect::<Vec<_>>().into(),
            other => other.clone(),
        }
    }
    let mut text = serde_json::to_string_pretty(&sorted(value)).unwrap();
    text.push('\n');
    text
}

fn generated() -> BTreeMap<PathBuf, String> {
    let mut files =
        BTreeMap::from([(PathBuf::from("contract.json"), pretty(&contract())), (PathBuf::from("README.md"), readme())]);
    for kind in EventKind::ALL {
        files.insert(PathBuf::from(schema_file(*kind)), pretty(&schema(*kind)));
    }
    files
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the one switch of this test")]
fn committed_contract_is_what_the_code_says() {
    let events = repository_root().join("events");
    let generated = generated();
    if std::env::var_os("UPDATE_CONTRACT").is_some() {
        let _ = fs::remove_dir_all(events.join("schemas"));
        fs::create_dir_all(events.join("schemas")).unwrap();
        for (path, text) in &generated {
            fs::write(events.join(path), text).unwrap();
        }
        return;
    }
    for (path, text) in &generated {
        let committed = fs::read_to_string(events.join(path)).unwrap_or_default();
        assert!(committed == *text, "events/{} is out of date: run `make contract`", path.display());
    }
    for file in fs::read_dir(events.join("schemas")).unwrap() {
        let name = Path::new("schemas").join(file.unwrap().file_name());
        assert!(generated.contains_key(&name), "events/{} belongs to no event: run `make contract`", name.display());
    }
}

#[test]
fn every_event_of_ours_has_an_emitter() {
    for kind in EventKind::ALL {
        let emitted = MANIFESTS.iter().any(|manifest| manifest.emits.contains(kind));
        let heard = MANIFESTS.iter().any(|manifest| consumed(manifest).any(|other| other == *kind));
        // What other systems may send needs no emitter of ours, but somebody who hears it.
        let kept = if kind.is_foreign() { heard } else { emitted };
        assert!(kept, "{} is in the contract and nothing emits or hears it", kind.name());
    }
}

#[test]
fn manifests_are_whole() {
    for manifest in MANIFESTS {
        let folder = repository_root().join("functions").join(manifest.name);
        assert!(folder.join("src/main.rs").is_file(), "{} has no crate of its name", manifest.name);
        assert!(!manifest.wakes.is_empty(), "nothing wakes {}", manifest.name);
        assert!(
            (128..=10_240).contains(&manifest.memory_mb) && (1..=900).contains(&manifest.timeout_s),
            "{}",
            manifest.name
        );
        let mut variables: Vec<&str> = manifest.env.iter().map(|variable| variable.name).collect();
        variables.sort_unstable();
        variables.dedup();
        assert_eq!(variables.len(), manifest.env.len(), "{} names a variable twice", manifest.name);
        for alarm in manifest.alarms {
            assert!(alarm.threshold > 0 && alarm.periods > 0, "{}: {} always calls", manifest.name, alarm.name);
            assert!(alarm.period_s > 0 && alarm.period_s.is_multiple_of(60), "{}: {}", manifest.name, alarm.name);
        }
        for wake in manifest.wakes {
            if let Wake::Aws { source, .. } = wake {
                assert!(source.starts_with("aws."), "{}: {source} is no service of AWS", manifest.name);
            }
            if let Wake::Schedule { input, rate, .. } = wake {
                assert!(serde_json::from_str::<Value>(input).is_ok(), "{}: {input} is not JSON", manifest.name);
                assert!(rate.starts_with("rate(") || rate.starts_with("cron("), "{}: {rate}", manifest.name);
            }
        }
    }
}

/// The actions that a policy template allows, KMS aside: keys come with the resources, not with the code.
fn granted(grant: &str) -> BTreeSet<String> {
    let path = repository_root().join("terraform/grants").join(format!("{grant}.json"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let policy: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut actions = BTreeSet::new();
    for statement in policy["Statement"].as_array().unwrap() {
        assert_eq!(statement["Effect"], "Allow", "{grant} denies: a grant only allows");
        let listed = &statement["Action"];
        for action in listed.as_array().cloned().unwrap_or_else(|| vec![listed.clone()]) {
            let action = action.as_str().unwrap().to_owned();
            assert!(!action.contains('*'), "{grant} allows {action}");
            if !action.starts_with("kms:") {
                actions.insert(action);
            }
        }
    }
    actions
}

#[test]
fn grants_allow_exactly_what_the_code_calls() {
    for manifest in MANIFESTS {
        let calls: BTreeSet<String> =
            manifest.calls.iter().flat_map(|actions| actions.iter().map(|action| (*action).to_owned())).collect();
        let granted: BTreeSet<String> =
            manifest.grants.iter().flat_map(|grant| granted(grant)).filter(|action| action != "iam:PassRole").collect();
        let calls: BTreeSet<String> = calls.into_iter().filter(|action| action != "iam:PassRole").collect();
        assert_eq!(granted, calls, "{}: granted (left) is not what its code calls (right)", manifest.name);
    }
}

#[test]
fn whoever_hears_events_keeps_the_ledger() {
    for manifest in MANIFESTS.iter().filter(|manifest| consumed(manifest).next().is_some()) {
        assert!(manifest.grants.contains(&"handled-write"), "{} could not note how its messages ended", manifest.name);
    }
}

#[test]
fn every_grant_is_used() {
    let used: BTreeSet<String> =
        MANIFESTS.iter().flat_map(|manifest| manifest.grants.iter().map(|grant| format!("{grant}.json"))).collect();
    for file in fs::read_dir(repository_root().join("terraform/grants")).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        if name == "README.md" {
            continue;
        }
        assert!(used.contains(&name), "terraform/grants/{name} is granted to nobody");
    }
}

#[test]
fn mains_only_wire() {
    for manifest in MANIFESTS {
        let path = repository_root().join("functions").join(manifest.name).join("src/main.rs");
        let lines = std::fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= 25, "{} has {lines} lines: logic belongs into the library", path.display());
    }
}
