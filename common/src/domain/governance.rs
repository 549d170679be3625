//! The files that the control plane runs by, as the functions see them: one bundle, addressed by its digest.
//!
//! Terraform (and the local stack) joins the files of `terraform/governance/` into one JSON object `{file name: text}` and
//! stores it under the sha256 of those bytes. A function reads the bundle that its environment names, checks the digest and parses.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

mod parse;
mod people;

pub use self::people::{Identity, People, Person, Pod, Pods};
use crate::domain::{
    id::{
        AccountId, BranchName, CodeCommitArn, Digest, DirectoryPath, EnvironmentName, PodName, RepositoryId,
        RepositoryName, StageName, StagePipelineName,
    },
    rhythm::Schedules,
    run::Rules,
    stage::StagePipeline,
    wip::limits::Limits,
};

/// Everything parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Governance {
    /// The digest of the bundle.
    pub digest: Digest,
    /// `environments.yaml`.
    pub environments: Environments,
    /// `accounts.yaml`.
    pub accounts: Accounts,
    /// `repositories.yaml`.
    pub repositories: Repositories,
    /// `people.yaml`.
    pub people: People,
    /// `pods.yaml`.
    pub pods: Pods,
    /// `limits.yaml`.
    pub limits: Limits,
    /// `schedules.yaml`.
    pub schedules: Schedules,
    /// `stages/*.yaml`.
    pub stages: BTreeMap<StagePipelineName, StagePipeline>,
}

/// What to do with a name that a registry does not list. A file must say which; there is no default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unlisted {
    /// Refused: the safe choice.
    Refuse,
    /// Admitted: for a sandbox. An unlisted environment is gated and follows the repository's default branch.
    Admit,
}

/// `environments.yaml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environments {
    /// The known ones.
    pub listed: BTreeMap<EnvironmentName, Environment>,
    /// What to do with others.
    pub unlisted: Unlisted,
}

/// One environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// The branch whose head configures it; the repository's default branch when absent.
    pub branch: Option<BranchName>,
    /// Whether its management clusters get certificates for their broker in their runs. They do unless the file says
    /// `certificates: false`.
    pub certificates: bool,
    /// What the Deploy stage starts with. An approval unless the file says `gate: invoke` or `gate: false`.
    pub gate: Gate,
    /// The accounts that its clusters may name, when it says which: a push to one environment's branch must not reach the accounts
    /// of another, which may have a gate that this one has not. Without it, any account of `accounts.yaml`.
    pub accounts: Option<BTreeSet<AccountId>>,
    /// Whether a pipeline that somebody changed by hand is set back. It is reported and left, unless the file says `restore_drift: true`.
    pub restore_drift: bool,
    /// What its gate asks of a run.
    pub rules: Rules,
}

/// How the Deploy stage of an environment's pipelines asks whether a run goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// By an approval, which stage-gate answers. It waits for up to 60 days.
    Approval,
    /// By invoking stage-gate, again and again until it opens. Nobody can answer it in the console, and AWS ends it after 24 hours.
    Invoke,
    /// Not at all.
    Off,
}

/// `accounts.yaml`: the AWS accounts that a cluster file may name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accounts {
    /// Account id → a name for people.
    pub listed: BTreeMap<AccountId, String>,
    /// What to do with others.
    pub unlisted: Unlisted,
}

/// `repositories.yaml`: which repositories may configure what, by numeric id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repositories {
    /// By id.
    pub listed: BTreeMap<RepositoryId, RepositoryEntry>,
}

/// One onboarded repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryEntry {
    /// Its name when it was onboarded: for people and for the first call; the id decides.
    pub name: RepositoryName,
    /// Where it is, when it is on CodeCommit.
    pub arn: Option<CodeCommitArn>,
    /// Whose it is. Files from before `penstock onboard` may leave it out.
    pub pod: Option<PodName>,
    /// What it may do; `cluster` lets its deploy tree make pipelines.
    pub kind: RepositoryKind,
    /// Where its configuration is: of a cluster repository always `deploy`, of an application nowhere.
    pub path: Option<DirectoryPath>,
    /// The branch that configures environments which name none.
    pub default_branch: BranchName,
    /// Where its pull requests count as work in progress. Without it they are not limited.
    pub wip: Option<RepositoryWip>,
    /// Whose work items may live there. Without it none do.
    pub items: Option<RepositoryItems>,
}

/// Whose work items live in a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryItems {
    /// Whose work they are: only items of this pod are linked to it, because whoever writes there brings evidence for them.
    pub pod: PodName,
    /// The stages that an item goes through which an issue makes.
    pub pipeline: StagePipelineName,
    /// The label that makes an issue an item; without it none is made by itself.
    pub label: Option<String>,
}

/// Where the pull requests of a repository count as work in progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryWip {
    /// Whose work they are.
    pub pod: PodName,
    /// Which stage they are in.
    pub stage: StageName,
}

/// What a repository is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RepositoryKind {
    /// Its deploy tree makes cluster pipelines.
    Cluster,
    /// It configures nothing; its pull requests may count as work in progress.
    Application,
    /// A source of changes: services with their resources below its path. Nothing is made of it yet, as of an application.
    Services,
    /// A source of changes: an application with its infrastructure's `variables.yml` below its path. As [`Self::Services`].
    ManagerMonorepo,
    /// A source of changes: only infrastructure, with its `variables.yml` below its path. As [`Self::Services`].
    ManagerSeparate,
}

impl RepositoryKind {
    /// Every kind, by its word in `repositories.yaml`.
    pub const ALL: [(&'static str, Self); 5] = [
        ("cluster", Self::Cluster),
        ("application", Self::Application),
        ("services", Self::Services),
        ("manager-monorepo", Self::ManagerMonorepo),
        ("manager-separate", Self::ManagerSeparate),
    ];

    /// Whether its deploy tree makes cluster pipelines.
    pub fn makes_pipelines(self) -> bool {
        match self {
            Self::Cluster => true,
            Self::Application | Self::Services | Self::ManagerMonorepo | Self::ManagerSeparate => false,
        }
    }

    /// Where its configuration is.
    pub fn path(self) -> PathRule {
        match self {
            Self::Cluster => PathRule::Deploy,
            Self::Application => PathRule::Never,
            Self::Services | Self::ManagerMonorepo | Self::ManagerSeparate => PathRule::Needed,
        }
    }
}

/// What a kind of repository says about the path of its configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathRule {
    /// It is `deploy`, said or not.
    Deploy,
    /// It must say one.
    Needed,
    /// It has none.
    Never,
}

impl Repositories {
    /// A repository, when items of this pod may live there.
    pub fn home(&self, pod: &PodName, repository: RepositoryId) -> Option<&RepositoryEntry> {
        let entry = self.listed.get(&repository)?;
        entry.items.as_ref().filter(|items| items.pod == *pod).map(|_| entry)
    }
}

impl Environments {
    /// The rule for an environment, or nothing when it is refused.
    pub fn get(&self, name: &EnvironmentName) -> Option<Environment> {
        match (self.listed.get(name), self.unlisted) {
            (Some(environment), _) => Some(environment.clone()),
            (None, Unlisted::Admit) => {
                let (rules, restore_drift) = (Rules::default(), false);
                let gate = Gate::Approval;
                Some(Environment { branch: None, certificates: true, gate, accounts: None, restore_drift, rules })
            }
            (None, Unlisted::Refuse) => None,
        }
    }
}

impl Accounts {
    /// Whether a cluster or a deployment may name an account.
    pub fn knows(&self, id: &AccountId) -> bool {
        self.unlisted == Unlisted::Admit || self.listed.contains_key(id)
    }
}
