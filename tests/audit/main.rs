//! `audit <subject>`: reads one audit chain from the table and verifies it; `make audit SUBJECT=…` runs it against the local stack.
//!
//! It uses the table's own adapter and the library's verifier, so it checks what the functions wrote, not a copy of the format.
//! Exit code 0: the chain holds. 1: it is broken, and the first broken entry is named; or there is no such chain. 2: no such subject
//! can be.

use std::process::ExitCode;

use common::{
    aws::{Aws, dynamodb::Table},
    domain::{
        audit::{Phase, verify},
        cluster::ClusterKey,
        id::{ChannelName, ItemId, TaskName, quoted},
        wip::Scope,
    },
    manifest::{EnvVar, Manifest},
    ports::AuditTrail as _,
    runtime,
};

/// What `runtime::start` needs to know: this program reads one variable of its own.
const MANIFEST: Manifest = Manifest {
    name: "audit",
    purpose: "Verifies one audit chain.",
    idempotent_by: "read only",
    memory_mb: 128,
    timeout_s: 60,
    wakes: &[],
    env: &[EnvVar::required("TABLE_NAME", "the table")],
    grants: &[],
    calls: &[],
    emits: &[],
    alarms: &[],
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<ExitCode> {
    let Some(subject) = std::env::args().nth(1) else {
        eprintln!("usage: audit <subject>, for example: audit cluster:integration/us-east-1/regional");
        return Ok(ExitCode::from(2));
    };
    if let Err(problem) = known(&subject) {
        println!(
            "{problem}; for example: cluster:integration/us-east-1/regional scope:pod-stage:ratio:scaffold or item:product-1. Without a subject, \
             those with a chain are listed"
        );
        return Ok(ExitCode::from(2));
    }
    let config = runtime::start(&MANIFEST)?;
    let table = Table::new(&Aws::new(&config), config.text("TABLE_NAME")?);
    let (entries, head) = table.chain(&subject).await?;
    for entry in &entries {
        let draft = &entry.draft;
        let phase = match draft.phase {
            Phase::Intent => "intent",
            Phase::Outcome => "outcome",
            Phase::Decision => "decision",
        };
        println!(
            "{:>4}  {:<30}  {phase:<8}  {:<20}  {}",
            entry.sequence,
            draft.at.to_string(),
            draft.action,
            entry.hash
        );
        for (name, value) in &draft.facts {
            println!("        {name}: {value}");
        }
        for reason in &draft.reasons {
            println!("        {reason}");
        }
    }
    if entries.is_empty() && head.sequence == 0 {
        println!("there is no audit chain of {subject}: nothing was ever decided about it");
        return Ok(ExitCode::FAILURE);
    }
    match verify(&subject, &entries, &head) {
        Ok(()) => {
            println!("the chain of {subject} holds: {} entries, head {}", entries.len(), head.hash);
            Ok(ExitCode::SUCCESS)
        }
        Err(broken) => {
            println!("BROKEN: {broken}");
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Whether a subject names something that has a chain: a cluster, its certificates, a scope of work in progress, a maintenance task, the posts
/// of a channel, or a work item.
fn known(subject: &str) -> Result<(), String> {
    match subject.split_once(':') {
        Some(("cluster" | "certificate", key)) => {
            key.parse::<ClusterKey>().map(drop).map_err(|error| error.to_string())
        }
        Some(("scope", scope)) => scope.parse::<Scope>().map(drop).map_err(|error| error.to_string()),
        Some(("maintenance", task)) => task.parse::<TaskName>().map(drop).map_err(|error| error.to_string()),
        Some(("rhythm", channel)) => channel.parse::<ChannelName>().map(drop).map_err(|error| error.to_string()),
        Some(("item", item)) => item.parse::<ItemId>().map(drop).map_err(|error| error.to_string()),
        _ => Err(format!("{} is not a subject", quoted(subject, 120))),
    }
}
