//! The answer, as one value that is printed in words or as JSON.

use std::io::{self, Write};

use common::{
    domain::{
        cluster::{
            Finding, Fleet, FleetContext, PlanInput, RunMode, Scope, Severity, fleet,
            path::{PathClass, classify},
            plan as planning, survey,
            tree::{Coverage, branches, sort_findings},
            wording,
        },
        id::BranchName,
    },
    event::{ClusterResult, Counts, Outcome},
};
use serde::Serialize;

use crate::{
    directory::{Input, Tree},
    world::{self, World},
};

/// What is said.
#[derive(Serialize)]
pub(crate) struct Report {
    /// Whether there is nothing to mend.
    pub(crate) ok: bool,
    /// Where the rules came from.
    judged_by: String,
    /// How many cluster files were accepted.
    accepted: usize,
    /// Everything that was found in the files.
    findings: Vec<Finding>,
    /// The plan, when one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<Planned>,
}

/// A plan in the words of the run's result.
#[derive(Serialize)]
struct Planned {
    branch: BranchName,
    counts: Counts,
    results: Vec<ClusterResult>,
    notes: Vec<String>,
}

// The command never writes: it speaks as a dry run does. No pull request has the number 0.
const MODE: RunMode = RunMode::DryRun { number: 0 };

/// Checks the files of all environments, each by the rules of its own branch.
pub(crate) fn validate(input: &Input) -> Report {
    let (mut findings, mut accepted) = (Vec::new(), 0);
    for branch in branches(&input.governance, input.repository) {
        let fleet = fleet_of(input, &input.tree, &branch);
        accepted += fleet.desired.len();
        findings.extend(fleet.findings);
    }
    sort_findings(&mut findings);
    // A path that names no environment of ours is found once for each branch.
    findings.dedup();
    let ok = !findings.iter().any(|finding| finding.severity == Severity::Error);
    Report { ok, judged_by: input.judged_by.clone(), accepted, findings, plan: None }
}

/// Says what a push would do to the pipelines that the tree `before` has.
pub(crate) fn plan(input: &Input, before: Option<&Tree>, branch: Option<&BranchName>) -> Report {
    let branch = branch.unwrap_or(&input.entry.default_branch);
    let fleet = fleet_of(input, &input.tree, branch);
    let world = before.map(|tree| World::after(&fleet_of(input, tree, branch))).unwrap_or_default();
    let scope = Scope { governance: &input.governance, repository: input.repository, branch };
    let made = planning::plan(&PlanInput {
        scope,
        fleet: &fleet,
        observed: &world.observed,
        records: &world.records,
        executions: &world.executions,
        // Removals are approved where they are refused, at the branch's head: never before they are pushed.
        head: None,
        approved: &[],
    });
    let counts = made.counts();
    let mut notes = [made.notes.as_slice(), &world.notes].concat();
    notes.extend(left_out(input, &scope));
    let results = made.steps.iter().map(planning::Step::result).collect();
    let errors = fleet.findings.iter().any(|finding| finding.severity == Severity::Error);
    let ok = !errors && counts.refused == 0 && counts.invalid == 0;
    let planned = Planned { branch: branch.clone(), counts, results, notes };
    Report {
        ok,
        judged_by: input.judged_by.clone(),
        accepted: fleet.desired.len(),
        findings: fleet.findings,
        plan: Some(planned),
    }
}

// Both trees are judged by the same configuration: a plan says what the files change.
fn fleet_of(input: &Input, tree: &Tree, branch: &BranchName) -> Fleet {
    let scope = Scope { governance: &input.governance, repository: input.repository, branch };
    let context = FleetContext { scope, repository_name: &input.entry.name, runtime: &world::runtime() };
    fleet::build(&survey(&tree.entries, &scope), &tree.contents, &context)
}

// Files of another branch's environments are not planned; saying nothing about them would look like "all is well".
fn left_out(input: &Input, scope: &Scope<'_>) -> Option<String> {
    let elsewhere = input.tree.entries.iter().filter_map(|entry| match classify(&entry.path) {
        PathClass::Cluster(key) => match scope.covers(&key.environment) {
            Coverage::OtherBranch(branch) => Some(branch.to_string()),
            Coverage::Here(_) | Coverage::Unknown => None,
        },
        PathClass::Elsewhere | PathClass::Finding(_) => None,
    });
    let mut names: Vec<String> = elsewhere.collect();
    let files = names.len();
    names.sort();
    names.dedup();
    (files > 0).then(|| {
        format!(
            "files of environments of other branches ({}) that were not planned: {files}; use --branch",
            names.join(", ")
        )
    })
}

impl Report {
    /// Prints it in words.
    pub(crate) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "{}", self.judged_by)?;
        for finding in &self.findings {
            writeln!(out, "{finding}")?;
        }
        let count = |severity| self.findings.iter().filter(|finding| finding.severity == severity).count();
        let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
        writeln!(out, "cluster files accepted: {}; errors: {errors}; warnings: {warnings}", self.accepted)?;
        let Some(Planned { branch, counts, results, notes }) = &self.plan else { return Ok(()) };
        writeln!(out, "\nplan for a push to {branch}: {}", wording::counts(counts, &MODE))?;
        for result in results.iter().filter(|result| result.outcome != Outcome::Unchanged) {
            let mut lines = wording::lines(result, &MODE).into_iter();
            writeln!(out, "- {}", lines.next().unwrap_or_default())?;
            // The findings of a bad file stand above.
            for line in lines.filter(|_| result.outcome != Outcome::Invalid) {
                writeln!(out, "    {line}")?;
            }
        }
        notes.iter().try_for_each(|note| writeln!(out, "note: {note}"))
    }
}
