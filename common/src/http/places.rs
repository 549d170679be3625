//! Where there is no place under the limits on work in progress: problem documents, the same for whatever asked for it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Problem;
use crate::domain::{
    id::ItemId,
    wip::{Lease, Scope, explain::Waiting},
};

/// It waits: 409, with all that keeps it, who holds the places, and its own place in line.
pub fn waits(waiting: &Waiting) -> Problem {
    let (kind, title) = match waiting.ticket {
        Some(_) => ("queued", "No room: it waits in line"),
        None => ("queue-full", "No room, and the line is full"),
    };
    let words = if waiting.reasons.is_empty() { "there is no room".to_owned() } else { waiting.reasons.join(" ") };
    let mut problem = Problem::new(409, kind, title, words);
    if let Value::Object(fields) = json!(waiting) {
        problem.more = fields;
    }
    problem
}

/// The item has its place as something else: 409.
pub fn held_otherwise(item: &ItemId, lease: &Lease, elsewhere: &BTreeSet<Scope>) -> Problem {
    let missing: Vec<String> = elsewhere.iter().map(ToString::to_string).collect();
    let held: Vec<String> = lease.scopes.iter().map(ToString::to_string).collect();
    let detail = format!(
        "{item} has its place in {}, and does not count in {}: give that place back and ask anew, or use another item",
        held.join(", "),
        missing.join(", ")
    );
    Problem::new(409, "held-otherwise", "It has its place as something else", detail)
        .with("scopes", json!(lease.scopes))
        .with("elsewhere", json!(elsewhere))
}

/// There is no rule for these scopes: 422.
pub fn no_rule(scopes: &[Scope]) -> Problem {
    let named: Vec<String> = scopes.iter().map(ToString::to_string).collect();
    let detail = format!("limits.yaml has no rule for {}: without one nothing begins there", named.join(", "));
    Problem::new(422, "no-rule", "No rule for a scope", detail).with("scopes", named)
}
