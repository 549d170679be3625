//! One TLS provider in the whole workspace, no jitter entropy, and the release profile that was measured.

use std::fs;

use crate::{layers::resolved, repository_root};

#[test]
fn ring_is_the_only_tls_provider() {
    let crates = resolved(&["--workspace", "--all-features", "--target", "all"]);
    assert!(crates.get("rustls").is_some_and(|features| features.contains("ring")), "rustls is not built with ring");
    for forbidden in ["aws-lc-rs", "aws-lc-sys", "openssl-sys", "native-tls", "boring", "s2n-tls", "mbedtls"] {
        assert!(!crates.contains_key(forbidden), "{forbidden} is in the graph: ring is the one TLS provider");
    }
    for features in crates.get("rustls").into_iter().flatten() {
        assert!(!features.contains("aws"), "rustls has the feature {features}");
    }
}

#[test]
fn aws_lc_jitter_entropy_stays_off_should_it_ever_come_in() {
    let config: toml::Table =
        fs::read_to_string(repository_root().join(".cargo/config.toml")).unwrap().parse().unwrap();
    assert_eq!(config["env"]["AWS_LC_SYS_NO_JITTER_ENTROPY"].as_str(), Some("1"));
    // Cargo passes [env] on to what it runs: this test sees what every build script sees.
    assert_eq!(option_env!("AWS_LC_SYS_NO_JITTER_ENTROPY"), Some("1"));
}

#[test]
fn release_profile_is_the_measured_one() {
    let manifest: toml::Table = fs::read_to_string(repository_root().join("Cargo.toml")).unwrap().parse().unwrap();
    let release = &manifest["profile"]["release"];
    assert_eq!(release["opt-level"].as_str(), Some("s"));
    assert_eq!(release["lto"].as_str(), Some("fat"));
    assert_eq!(release["codegen-units"].as_integer(), Some(1));
    assert_eq!(release["panic"].as_str(), Some("abort"));
    assert_eq!(release["strip"].as_bool(), Some(true));
}

#[test]
fn sdk_crates_come_without_their_defaults() {
    let manifest: toml::Table = fs::read_to_string(repository_root().join("Cargo.toml")).unwrap().parse().unwrap();
    let dependencies = manifest["workspace"]["dependencies"].as_table().unwrap();
    let sdks: Vec<_> = dependencies
        .iter()
        .filter(|(name, _)| name.starts_with("aws-sdk-") || name.starts_with("aws_lambda"))
        .collect();
    assert!(sdks.len() >= 5);
    for (name, value) in sdks {
        assert_eq!(value.get("default-features").and_then(toml::Value::as_bool), Some(false), "{name}");
    }
}
