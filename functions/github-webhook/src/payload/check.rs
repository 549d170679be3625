//! Checks, deployments, and the events of the App itself.

use serde::Deserialize;

use super::shared::{Repository, User, Word};

/// `check_run`.
#[derive(Debug, Deserialize)]
pub struct CheckRunEvent {
    /// `created`, `completed`, …
    pub action: Word,
    /// The check.
    pub check_run: Check,
    /// Where.
    pub repository: Repository,
}

/// `check_suite`.
#[derive(Debug, Deserialize)]
pub struct CheckSuiteEvent {
    /// `requested`, `completed`, …
    pub action: Word,
    /// The suite.
    pub check_suite: Check,
    /// Where.
    pub repository: Repository,
}

/// `workflow_run`.
#[derive(Debug, Deserialize)]
pub struct WorkflowRunEvent {
    /// `requested`, `in_progress`, `completed`.
    pub action: Word,
    /// The run.
    pub workflow_run: Check,
    /// Where.
    pub repository: Repository,
}

/// What the three kinds of check have in common.
#[derive(Debug, Deserialize)]
pub struct Check {
    /// The id.
    pub id: u64,
    /// The commit.
    pub head_sha: String,
    /// How it ended.
    pub conclusion: Option<Word>,
}

/// `deployment`.
#[derive(Debug, Deserialize)]
pub struct DeploymentEvent {
    /// `created`; older GitHub Enterprise servers leave it out.
    pub action: Option<Word>,
    /// The deployment.
    pub deployment: Deployment,
    /// Where.
    pub repository: Repository,
}

/// `deployment_status`.
#[derive(Debug, Deserialize)]
pub struct DeploymentStatusEvent {
    /// The deployment.
    pub deployment: Deployment,
    /// Its state.
    pub deployment_status: DeploymentStatus,
    /// Where.
    pub repository: Repository,
}

/// A deployment.
#[derive(Debug, Deserialize)]
pub struct Deployment {
    /// The id.
    pub id: u64,
    /// The commit.
    pub sha: String,
}

/// A deployment's state.
#[derive(Debug, Deserialize)]
pub struct DeploymentStatus {
    /// `success`, `failure`, …
    pub state: Word,
}

/// `deployment_protection_rule`.
#[derive(Debug, Deserialize)]
pub struct ProtectionRuleEvent {
    /// `requested`.
    pub action: Word,
    /// The environment that is protected.
    pub environment: String,
    /// Where the answer is expected; never called: the address is built from the repository's name on a fixed host.
    pub deployment_callback_url: String,
}

/// `merge_group`.
#[derive(Debug, Deserialize)]
pub struct MergeGroupEvent {
    /// `checks_requested`, `destroyed`.
    pub action: Word,
    /// The group.
    pub merge_group: MergeGroup,
    /// Where.
    pub repository: Repository,
}

/// A merge queue's group.
#[derive(Debug, Deserialize)]
pub struct MergeGroup {
    /// The commit to check.
    pub head_sha: String,
    /// The branch it would go to.
    pub base_ref: String,
}

/// `installation`.
#[derive(Debug, Deserialize)]
pub struct InstallationEvent {
    /// `created`, `deleted`, `suspend`, …
    pub action: Word,
    /// The installation.
    pub installation: Installation,
}

/// `installation_repositories`.
#[derive(Debug, Deserialize)]
pub struct InstallationRepositoriesEvent {
    /// `added`, `removed`.
    pub action: Word,
    /// The installation.
    pub installation: Installation,
}

/// An installation of the App.
#[derive(Debug, Deserialize)]
pub struct Installation {
    /// The id.
    pub id: u64,
    /// Whose account.
    pub account: User,
}

/// `ping`.
#[derive(Debug, Deserialize)]
pub struct Ping {
    /// The webhook's id.
    pub hook_id: u64,
    /// A saying.
    pub zen: String,
}
