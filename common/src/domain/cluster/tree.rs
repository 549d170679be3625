//! A deploy tree as git lists it, and which of its files are this run's business.
//!
//! A run stands on one branch of one repository and covers the environments whose branch that is; files of other environments are
//! left to the runs of their own branches. Nothing here reads a file's content.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{
    cluster::{
        ClusterKey, Finding, Place, Severity,
        path::{self, PathClass},
    },
    governance::{Environment, Governance},
    id::{BlobSha, BranchName, EnvironmentName, RepositoryId},
};

/// The most bytes a cluster file may have.
pub const MAX_FILE_BYTES: u64 = 64 * 1024;

/// What a tree entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular or executable file.
    File,
    /// A symbolic link, a submodule: never followed.
    Other,
}

/// One entry of a deploy tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeEntry {
    /// The path from the repository's root, exactly as git has it.
    pub path: String,
    /// What it is.
    pub kind: EntryKind,
    /// The content's id.
    pub blob: BlobSha,
    /// The content's size in bytes.
    pub size: u64,
}

/// Where a run stands.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// The files that the control plane runs by.
    pub governance: &'a Governance,
    /// The repository.
    pub repository: RepositoryId,
    /// The branch that is reconciled, or that a change would be merged into.
    pub branch: &'a BranchName,
}

/// Whose business an environment is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Coverage {
    /// This run's, under these rules.
    Here(Environment),
    /// Another branch's.
    OtherBranch(BranchName),
    /// Nobody's: `environments.yaml` does not list it and refuses what it does not list.
    Unknown,
}

impl Scope<'_> {
    /// Whose business an environment is.
    pub fn covers(&self, name: &EnvironmentName) -> Coverage {
        let Some(environment) = self.governance.environments.get(name) else { return Coverage::Unknown };
        let default = self.governance.repositories.listed.get(&self.repository).map(|entry| &entry.default_branch);
        match environment.branch.as_ref().or(default) {
            Some(branch) if branch == self.branch => Coverage::Here(environment),
            Some(branch) => Coverage::OtherBranch(branch.clone()),
            None => Coverage::Unknown,
        }
    }
}

/// The branches that configure clusters from a repository: what a scheduled run goes through. Empty when it is not onboarded.
pub fn branches(governance: &Governance, repository: RepositoryId) -> BTreeSet<BranchName> {
    let Some(entry) = governance.repositories.listed.get(&repository) else { return BTreeSet::new() };
    let named = governance.environments.listed.values().filter_map(|environment| environment.branch.clone());
    std::iter::once(entry.default_branch.clone()).chain(named).collect()
}

/// What a tree holds for a run, before any content is read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Survey {
    /// The cluster files to read, by cluster.
    pub files: BTreeMap<ClusterKey, TreeEntry>,
    /// Cluster files that need not be read to be refused: too large, not a file, of an unknown environment.
    pub refused: BTreeMap<ClusterKey, Vec<Finding>>,
    /// Findings about paths that name no cluster.
    pub findings: Vec<Finding>,
}

/// Sorts a tree's entries.
pub fn survey(entries: &[TreeEntry], scope: &Scope<'_>) -> Survey {
    let mut survey = Survey::default();
    for entry in entries {
        match path::classify(&entry.path) {
            PathClass::Elsewhere => {}
            PathClass::Finding(finding) => {
                if !belongs_elsewhere(&entry.path, scope) {
                    survey.findings.push(finding);
                }
            }
            PathClass::Cluster(key) => match scope.covers(&key.environment) {
                Coverage::OtherBranch(_) => {}
                Coverage::Unknown => {
                    let finding = unknown_environment(&key, scope);
                    survey.refused.insert(key, vec![finding]);
                }
                Coverage::Here(_) => match unreadable(entry) {
                    Some(finding) => drop(survey.refused.insert(key, vec![finding])),
                    None => drop(survey.files.insert(key, entry.clone())),
                },
            },
        }
    }
    survey
}

fn belongs_elsewhere(path: &str, scope: &Scope<'_>) -> bool {
    let environment = path.split('/').nth(1).and_then(|name| name.parse().ok());
    environment.is_some_and(|name| matches!(scope.covers(&name), Coverage::OtherBranch(_)))
}

fn unknown_environment(key: &ClusterKey, scope: &Scope<'_>) -> Finding {
    let name = key.environment.as_str();
    let known: Vec<&str> = scope.governance.environments.listed.keys().map(EnvironmentName::as_str).collect();
    let expected = match known.as_slice() {
        [] => "an environment of environments.yaml, which lists none".to_owned(),
        known => format!("an environment of environments.yaml ({})", known.join(", ")),
    };
    Finding::error(&key.config_path(), Place::START, "environment", format!("directory {name}"), expected)
        .nearest(name, known)
}

fn unreadable(entry: &TreeEntry) -> Option<Finding> {
    if entry.kind == EntryKind::Other {
        let found = "a symbolic link or submodule";
        return Some(Finding::error(&entry.path, Place::START, "not-a-file", found, "a regular file"));
    }
    (entry.size > MAX_FILE_BYTES).then(|| {
        let found = format!("{} bytes", entry.size);
        Finding::error(&entry.path, Place::START, "size", found, format!("at most {MAX_FILE_BYTES} bytes"))
    })
}

/// Errors first, then by file and place: the order in which people read findings.
pub fn sort_findings(findings: &mut [Finding]) {
    findings.sort_by(|a, b| {
        let order = |finding: &Finding| u8::from(finding.severity == Severity::Warning);
        order(a).cmp(&order(b)).then_with(|| a.cmp(b))
    });
}
