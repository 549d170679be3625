//! All cluster files of a run together: each parsed by itself, then compared with its neighbours.
//!
//! One bad file never hides another: it is [`Fleet::invalid`] with all its findings, its neighbours stay desired.

use std::{collections::BTreeMap, sync::Arc};

use crate::domain::{
    cluster::{
        AccountRef, ClusterConfig, ClusterKey, ClusterKind, Finding, PipelineRuntime, PipelineSource, Place, Shape,
        Survey, TreeEntry, config, shape,
        tree::{Coverage, Scope, sort_findings},
    },
    governance::Gate,
    id::{BlobSha, ClusterName, Digest, RepositoryName, quoted},
};

/// What a fleet is built with, beside the files.
#[derive(Debug, Clone, Copy)]
pub struct FleetContext<'a> {
    /// Where the run stands.
    pub scope: Scope<'a>,
    /// The repository's present name.
    pub repository_name: &'a RepositoryName,
    /// What every pipeline uses.
    pub runtime: &'a PipelineRuntime,
}

/// A cluster whose file was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desired {
    /// The version of the file.
    pub blob: BlobSha,
    /// What it says.
    pub config: ClusterConfig,
    /// What its pipeline must look like.
    pub shape: Shape,
}

/// What a tree asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fleet {
    /// The accepted clusters.
    pub desired: BTreeMap<ClusterKey, Arc<Desired>>,
    /// The clusters whose file was refused, each with all findings in it.
    pub invalid: BTreeMap<ClusterKey, Vec<Finding>>,
    /// Every finding, also about paths that name no cluster and warnings; errors first, then by file and place.
    pub findings: Vec<Finding>,
}

/// Builds the fleet from a survey and the contents of its files, by blob id.
pub fn build(survey: &Survey, contents: &BTreeMap<BlobSha, Vec<u8>>, context: &FleetContext<'_>) -> Fleet {
    let mut fleet = Fleet { invalid: survey.refused.clone(), findings: survey.findings.clone(), ..Fleet::default() };
    let mut configs = BTreeMap::new();
    for (key, entry) in &survey.files {
        match read(key, entry, contents, context) {
            Ok((config, digest)) => drop(configs.insert(key, (config, digest, entry))),
            Err(findings) => drop(fleet.invalid.insert(key.clone(), findings)),
        }
    }
    let names = Names::of(configs.values().map(|(config, ..)| config), survey);
    for (key, (config, digest, entry)) in &configs {
        let regional = configs.get(&key.regional()).map(|(config, ..)| config);
        let known = survey.files.contains_key(&key.regional()) || survey.refused.contains_key(&key.regional());
        match beside(config, regional, known) {
            Beside::Fits => {}
            Beside::Alone(warning) => fleet.findings.push(warning),
            Beside::Contradicts(error) => {
                fleet.invalid.insert((*key).clone(), vec![error]);
                continue;
            }
        }
        if let Some(error) = names.taken(config) {
            fleet.invalid.insert((*key).clone(), vec![error]);
            continue;
        }
        match desired(config, digest, entry, context) {
            Ok(desired) => drop(fleet.desired.insert((*key).clone(), Arc::new(desired))),
            Err(findings) => drop(fleet.invalid.insert((*key).clone(), findings)),
        }
    }
    fleet.findings.extend(fleet.invalid.values().flatten().cloned());
    sort_findings(&mut fleet.findings);
    fleet
}

fn read(
    key: &ClusterKey,
    entry: &TreeEntry,
    contents: &BTreeMap<BlobSha, Vec<u8>>,
    context: &FleetContext<'_>,
) -> Result<(ClusterConfig, Digest), Vec<Finding>> {
    let Some(bytes) = contents.get(&entry.blob) else {
        let finding = Finding::error(&entry.path, Place::START, "unread", "a file that was not read", "its content");
        return Err(vec![finding]);
    };
    Ok((config::parse(key, bytes, context.scope.governance)?, Digest::of(bytes)))
}

fn desired(
    config: &ClusterConfig,
    digest: &Digest,
    entry: &TreeEntry,
    context: &FleetContext<'_>,
) -> Result<Desired, Vec<Finding>> {
    // Only files of covered environments are surveyed; a gate that nobody switched off is on.
    let (gate, certificates) = match context.scope.covers(&config.key.environment) {
        Coverage::Here(environment) => (environment.gate, environment.certificates),
        Coverage::OtherBranch(_) | Coverage::Unknown => (Gate::Approval, true),
    };
    let source = PipelineSource { repository: context.repository_name.clone(), branch: context.scope.branch.clone() };
    let repository = context.scope.repository;
    let shape = shape::shape(config, digest.clone(), context.runtime, &source, repository, gate, certificates)?;
    Ok(Desired { blob: entry.blob.clone(), config: config.clone(), shape })
}

enum Beside {
    Fits,
    Alone(Finding),
    Contradicts(Finding),
}

/// Compares a management cluster with the regional one of its (environment, region alias).
fn beside(config: &ClusterConfig, regional: Option<&ClusterConfig>, known: bool) -> Beside {
    let (ClusterKind::Management(_), Some(management)) = (&config.key.kind, &config.management) else {
        return Beside::Fits;
    };
    let path = config.key.config_path();
    match (regional, &management.regional_account) {
        (None, _) if !known => {
            let expected = format!("{} for its regional cluster", config.key.regional().config_path());
            let found = "a management cluster alone in its region alias";
            Beside::Alone(Finding::warning(&path, Place::START, "no-regional-cluster", found, expected))
        }
        // A parameter is resolved by the Validate stage, so only two ids can be compared here.
        (Some(ClusterConfig { account: AccountRef::Id(own), .. }), AccountRef::Id(said)) if own != said => {
            let expected = format!("{}, the account_id of the regional.yaml beside it", quoted(own.as_str(), 80));
            let place = management.regional_account_place;
            let finding = Finding::error(&path, place, "regional-account", quoted(said.as_str(), 80), expected);
            Beside::Contradicts(finding.key("terraform_vars.regional_aws_account_id"))
        }
        _ => Beside::Fits,
    }
}

/// Which management clusters say which name to a regional cluster. The name is their identity there, so each has its own: a file
/// must not give itself the name of its neighbour.
struct Names<'a> {
    said: BTreeMap<(ClusterKey, &'a ClusterName), Vec<&'a ClusterKey>>,
    survey: &'a Survey,
}

impl<'a> Names<'a> {
    fn of(configs: impl Iterator<Item = &'a ClusterConfig>, survey: &'a Survey) -> Self {
        let mut said: BTreeMap<_, Vec<&ClusterKey>> = BTreeMap::new();
        for config in configs {
            if let Some(management) = &config.management {
                said.entry((config.key.regional(), &management.cluster_id)).or_default().push(&config.key);
            }
        }
        Self { said, survey }
    }

    /// The finding when the name belongs to another: to the file that is called so, good or bad; else to nobody while two say it.
    fn taken(&self, config: &ClusterConfig) -> Option<Finding> {
        let management = config.management.as_ref()?;
        let name = &management.cluster_id;
        if config.key.cluster() == Some(name) {
            return None;
        }
        let called_so = ClusterKey { kind: ClusterKind::Management(name.clone()), ..config.key.clone() };
        let stands = self.survey.files.contains_key(&called_so) || self.survey.refused.contains_key(&called_so);
        let said = self.said.get(&(config.key.regional(), name));
        let other =
            said.and_then(|said| said.iter().find(|other| ***other != config.key)).map(|other| (*other).clone());
        let other = stands.then_some(called_so).or(other)?;
        let expected = format!(
            "a name of its own: {} has this one, and the regional cluster knows its management clusters by it",
            other.config_path()
        );
        let path = config.key.config_path();
        let finding =
            Finding::error(&path, management.cluster_id_place, "cluster-id", quoted(name.as_str(), 80), expected);
        Some(finding.key("terraform_vars.cluster_id"))
    }
}

#[cfg(test)]
mod tests;
