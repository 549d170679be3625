//! `tests/promises.toml`: every row of the acceptance tables that an issue touches, and the test that proves it.
//!
//! `make promises` prints how many rows are proven of how many are claimed. A proof that names a test which is not there fails here:
//! a renamed test takes its promise along or the promise falls.

use std::{collections::BTreeMap, fs};

use serde::Deserialize;

use crate::repository_root;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Promises {
    promise: Vec<Promise>,
}

/// One row. A row without `proof` needs `open`: why it is not proven yet, or why it is out of scope.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Promise {
    /// Where the row stands: `threats 27`, `clusters 2.5`, `pains 14`, `issue: webhook`.
    row: String,
    /// What it promises, in short.
    says: String,
    /// `<file>::<test>` each.
    #[serde(default)]
    proof: Vec<String>,
    /// Why there is no proof.
    open: Option<String>,
}

fn promises() -> Vec<Promise> {
    let path = repository_root().join("tests/promises.toml");
    let file: Promises = toml::from_str(&fs::read_to_string(&path).unwrap())
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    file.promise
}

fn exists(proof: &str) -> Result<(), String> {
    let (file, name) = proof.split_once("::").ok_or(format!("{proof} is not <file>::<test>"))?;
    let text = fs::read_to_string(repository_root().join(file)).map_err(|error| format!("{file}: {error}"))?;
    let found = [
        format!("fn {name}("),
        format!("fn {name}<"),
        format!("def {name}("),
        format!("run \"{name}\""),
        format!("step(\"{name}\""),
    ]
    .iter()
    .any(|shape| text.contains(shape.as_str()));
    if found { Ok(()) } else { Err(format!("{file} has no test {name}")) }
}

#[test]
fn every_proof_is_a_test_that_exists() {
    let mut wrong = Vec::new();
    let mut rows: BTreeMap<String, u32> = BTreeMap::new();
    for promise in promises() {
        *rows.entry(promise.row.clone()).or_default() += 1;
        match (promise.proof.is_empty(), &promise.open) {
            (true, None) => wrong.push(format!("{}: neither a proof nor a reason", promise.row)),
            (false, Some(_)) => wrong.push(format!("{}: proven and open at once", promise.row)),
            _ => {}
        }
        wrong.extend(
            promise.proof.iter().filter_map(|proof| exists(proof).err()).map(|why| format!("{}: {why}", promise.row)),
        );
    }
    wrong.extend(rows.iter().filter(|(_, count)| **count > 1).map(|(row, _)| format!("{row} stands twice")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn summary() {
    let promises = promises();
    let proven = promises.iter().filter(|promise| !promise.proof.is_empty()).count();
    let width = promises.iter().map(|promise| promise.row.len()).max().unwrap_or_default();
    let (shown, open): (Vec<_>, Vec<_>) = promises.iter().partition(|promise| promise.open.is_none());
    println!();
    for promise in shown {
        println!("  proven  {:<width$}  {}", promise.row, promise.says);
    }
    for promise in open {
        let why = promise.open.as_deref().unwrap_or_default();
        println!("  open    {:<width$}  {}: {why}", promise.row, promise.says);
    }
    println!(
        "\n{proven} of {} promises are proven by a test; the last rows above say why the others are open.",
        promises.len()
    );
}
