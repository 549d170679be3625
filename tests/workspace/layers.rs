//! The house rules about who may depend on whom, read from `cargo metadata`.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{CargoOpt, Metadata, MetadataCommand, PackageId};

use crate::repository_root;

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(repository_root().join("Cargo.toml"))
        .features(CargoOpt::AllFeatures)
        .other_options(vec!["--offline".into()])
        .exec()
        .unwrap()
}

/// What `cargo tree` resolves for one package with given flags: crate names with their features.
pub(crate) fn resolved(arguments: &[&str]) -> BTreeMap<String, BTreeSet<String>> {
    let output = std::process::Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--edges", "normal,build", "--prefix", "none", "--format", "{p}|{f}"])
        .args(arguments)
        .current_dir(repository_root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut crates: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let (package, features) = line.split_once('|').unwrap_or((line, ""));
        let Some(name) = package.split(' ').next().filter(|name| !name.is_empty()) else { continue };
        let features =
            features.trim_end_matches(" (*)").split(',').filter(|feature| !feature.is_empty()).map(str::to_owned);
        crates.entry(name.to_owned()).or_default().extend(features);
    }
    crates
}

#[test]
fn the_domain_links_no_runtime_and_no_sdk() {
    let crates = resolved(&["-p", "common", "--no-default-features"]);
    assert!(crates.contains_key("serde"), "the listing is empty: {crates:?}");
    for name in crates.keys() {
        let outside = name == "tokio"
            || name.starts_with("aws-")
            || name == "aws_lambda_events"
            || name == "octocrab"
            || name == "lambda_runtime"
            || name.starts_with("hyper");
        assert!(!outside, "common without features links {name}");
    }
}

#[test]
fn the_story_links_no_aws_crate() {
    let crates = resolved(&["-p", "tests", "--no-default-features", "--edges", "normal"]);
    for name in crates.keys() {
        assert!(!name.starts_with("aws-sdk") && !name.starts_with("aws-smithy"), "make story would build {name}");
    }
}

#[test]
fn no_function_depends_on_another() {
    let metadata = metadata();
    let functions: BTreeMap<PackageId, String> = metadata
        .workspace_packages()
        .into_iter()
        .filter(|package| package.manifest_path.as_str().contains("/functions/"))
        .map(|package| (package.id.clone(), package.name.to_string()))
        .collect();
    assert!(functions.len() >= 4, "{functions:?}");
    for package in metadata.workspace_packages() {
        if !functions.contains_key(&package.id) && package.name.as_str() != "common" {
            continue;
        }
        for dependency in &package.dependencies {
            let other = functions.values().any(|name| *name == dependency.name);
            assert!(!other, "{} depends on the function {}", package.name, dependency.name);
        }
    }
}

#[test]
fn every_crate_inherits_lints_version_and_edition() {
    for package in metadata().workspace_packages() {
        let text = std::fs::read_to_string(&package.manifest_path).unwrap();
        let manifest: toml::Table = text.parse().unwrap();
        let inherits = |table: &str, key: &str| {
            manifest[table].get(key).and_then(|value| value.get("workspace")).and_then(toml::Value::as_bool)
                == Some(true)
        };
        assert_eq!(manifest["lints"]["workspace"].as_bool(), Some(true), "{} has lints of its own", package.name);
        for key in ["version", "edition", "rust-version", "license"] {
            assert!(inherits("package", key), "{} does not inherit {key}", package.name);
        }
    }
}
