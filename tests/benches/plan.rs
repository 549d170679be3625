//! `make bench`: the pure part of the provisioner for 10 to 10,000 clusters, from the bytes of the files to the plan. Performance P9:
//! it grows with the number of clusters and no faster, and 10,000 of them take less than a second of one core.
//!
//! Three trees are planned: one that is all new, the same again with nothing to do, and the same with one changed value. The time is the
//! processor's, as the kernel accounts it to this thread, so that a busy machine does not count; the best of five rounds is shown.
//! Exit code 1 when a goal is missed.
#![allow(clippy::unwrap_used, reason = "a measurement that cannot be made should stop there and then")]

use std::{
    collections::{BTreeMap, BTreeSet},
    process::ExitCode,
};

use common::{
    domain::{
        cluster::{
            EntryKind, Fleet, FleetContext, Listing, ObservedPipeline, Plan, PlanInput, Scope, TreeEntry, fleet,
            plan::{executions_needed, plan},
            survey,
        },
        governance::Governance,
        id::{BlobSha, BranchName, Digest, RepositoryId, RepositoryName},
    },
    testing::{ClusterFile, GovernanceFiles, id},
};
use tests::journey::runtime;

const GOAL_MS: f64 = 1_000.0;
/// How much more a cluster may cost among 10,000 than among 1,000: sorted maps grow with the logarithm.
const GROWTH: f64 = 2.0;
const ROUNDS: usize = 5;

/// A tree as the source host lists it, with the contents by their ids.
struct Tree {
    entries: Vec<TreeEntry>,
    contents: BTreeMap<BlobSha, Vec<u8>>,
}

impl Tree {
    /// One regional cluster and nine management clusters in each region alias.
    fn of(clusters: usize, changed: Option<usize>) -> Self {
        let mut tree = Self { entries: Vec::new(), contents: BTreeMap::new() };
        for number in 0..clusters {
            let alias = format!("region-{}", number / 10);
            let file = match number % 10 {
                0 => ClusterFile::regional("integration", &alias),
                place => ClusterFile::management("integration", &alias, &format!("mc{place:02}")),
            };
            let cost = if changed == Some(number) { "\"123\"" } else { "\"000\"" };
            let text = file.variable("cost_center", cost).text().into_bytes();
            let blob: BlobSha = id(Digest::of(&text).as_str());
            let (kind, size) = (EntryKind::File, text.len() as u64);
            tree.entries.push(TreeEntry { path: file_path(&alias, number % 10), kind, blob: blob.clone(), size });
            tree.contents.insert(blob, text);
        }
        tree
    }
}

fn file_path(alias: &str, place: usize) -> String {
    match place {
        0 => format!("deploy/integration/{alias}/terraform/regional.yaml"),
        place => format!("deploy/integration/{alias}/terraform/management/mc{place:02}.yaml"),
    }
}

fn build(tree: &Tree, context: &FleetContext<'_>) -> Fleet {
    fleet::build(&survey(&tree.entries, &context.scope), &tree.contents, context)
}

fn planned(tree: &Tree, observed: &Listing, context: &FleetContext<'_>) -> Plan {
    let fleet = build(tree, context);
    assert!(executions_needed(&fleet, observed).is_empty());
    let executions = BTreeMap::new();
    let scope = context.scope;
    plan(&PlanInput {
        scope,
        fleet: &fleet,
        observed,
        records: &[],
        executions: &executions,
        head: None,
        approved: &[],
    })
}

/// Milliseconds that this thread has had of a processor: the first number of the kernel's account is in nanoseconds.
fn spent() -> f64 {
    let account = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    account.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e6
}

fn best(work: impl Fn() -> Plan, expected: (u32, u32, u32)) -> f64 {
    let round = || {
        let before = spent();
        let counts = work().counts();
        let took = spent() - before;
        assert_eq!((counts.created, counts.updated, counts.unchanged), expected);
        took
    };
    (0..ROUNDS).map(|_| round()).fold(f64::INFINITY, f64::min)
}

fn main() -> ExitCode {
    let governance = Governance::parse(&GovernanceFiles::default().bytes()).unwrap();
    let (branch, name): (BranchName, RepositoryName) = (id("main"), id("acme/clusters"));
    let scope = Scope { governance: &governance, repository: RepositoryId::GitHub(42), branch: &branch };
    let runtime = runtime();
    let context = FleetContext { scope, repository_name: &name, runtime: &runtime };
    println!("clusters   all new     nothing to do   one changed   (milliseconds of processor, best of {ROUNDS})");
    let mut worst = BTreeMap::new();
    for clusters in [10_u32, 100, 1_000, 10_000] {
        let (tree, changed) = (Tree::of(clusters as usize, None), Tree::of(clusters as usize, Some(1)));
        let pipelines = build(&tree, &context).desired.into_values().map(|desired| ObservedPipeline {
            definition: desired.shape.definition.clone(),
            tags: desired.shape.tags.iter().cloned().collect(),
        });
        let standing = Listing { pipelines: pipelines.collect(), ..Listing::default() };
        let times = [
            best(|| planned(&tree, &Listing::default(), &context), (clusters, 0, 0)),
            best(|| planned(&tree, &standing, &context), (0, 0, clusters)),
            best(|| planned(&changed, &standing, &context), (0, 1, clusters - 1)),
        ];
        println!("{clusters:8}   {:9.2}   {:13.2}   {:11.2}", times[0], times[1], times[2]);
        worst.insert(clusters, times.into_iter().fold(0.0, f64::max));
    }
    let growth = worst[&10_000] / 10.0 / worst[&1_000];
    println!(
        "goal: 10,000 below {GOAL_MS} ms (found {:.0}), growth per cluster below {GROWTH} (found {growth:.2})",
        worst[&10_000]
    );
    let missed: BTreeSet<&str> = [(worst[&10_000] >= GOAL_MS, "time"), (growth >= GROWTH, "growth")]
        .into_iter()
        .filter_map(|(missed, what)| missed.then_some(what))
        .collect();
    if missed.is_empty() {
        return ExitCode::SUCCESS;
    }
    eprintln!("missed: {missed:?}");
    ExitCode::FAILURE
}
