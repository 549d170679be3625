//! One build for all that a person types: what `make demo` has built, `make test` does not build again.
//!
//! Cargo unites the features of what it builds together. The tests' own dependencies switch on features in shared crates; without the
//! feature `one-build` of this crate, the programs of the demo would be built with fewer, and hundreds of crates twice.

use std::collections::BTreeSet;

use crate::repository_root;

/// Every third-party crate that a selection builds, as `name version features`: each of them is one compilation.
fn units(selection: &[&str], edges: &str) -> BTreeSet<String> {
    let output = std::process::Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--locked", "--prefix", "none", "--format", "{p} [{f}]", "--edges", edges])
        .args(selection)
        .current_dir(repository_root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // A member of the workspace stands with its folder in brackets: it is small, and rebuilt when it changes anyway.
    let lines = String::from_utf8(output.stdout).unwrap().replace(" (*)", "");
    lines.lines().filter(|line| !line.is_empty() && !line.contains(" (/")).map(str::to_owned).collect()
}

#[test]
fn demo_and_tests_share_every_third_party_crate() {
    let tested = units(&["--workspace"], "normal,build,dev");
    assert!(tested.len() > 300, "the listing has {} crates only", tested.len());
    let typed: [(&str, &[&str], &str); 4] = [
        ("make demo: cargo build --workspace", &["--workspace"], "normal,build"),
        ("make contract and make promises: cargo test -p tests", &["-p", "tests"], "normal,build,dev"),
        ("cargo test -p common -p tests --lib", &["-p", "common", "-p", "tests"], "normal,build,dev"),
        ("cargo test -p github-webhook -p tests", &["-p", "github-webhook", "-p", "tests"], "normal,build,dev"),
    ];
    for (command, selection, edges) in typed {
        let again: Vec<String> = units(selection, edges).difference(&tested).cloned().collect();
        assert!(
            again.is_empty(),
            "{command} builds {} crates again that `cargo test --workspace` has with other features. Name the missing ones in the \
             feature one-build of tests/Cargo.toml:\n{}",
            again.len(),
            again.join("\n")
        );
    }
}
