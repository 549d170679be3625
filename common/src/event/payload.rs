//! The payloads of the contract: what each event says beside its envelope.
//!
//! Payloads wake people and functions; they are never evidence. Whoever decides reads the state again by API. Free text from
//! outside (titles, messages, comment bodies) is left out on purpose: what is not carried cannot be injected or leaked.
//!
//! | module | events |
//! |---|---|
//! | `certificate` | certificates of clusters |
//! | `scm` | what happened on a source host |
//! | `provisioning` | runs of the provisioner and their clusters |
//! | `item` | work items beside their moves: what keeps them, and what ends them |
//! | `run` | runs of pipelines at their gates, and holds |
//! | `rhythm` | the daily report, the weekly demo, escalations |
//! | `stage` | work items: moves that were asked for, and what the gate said |
//! | `wip` | limits on work in progress: who asked, who holds, who waits |

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::{certificate::*, item::*, provisioning::*, rhythm::*, run::*, scm::*, stage::*, wip::*};
use crate::domain::id::{GitHubUserId, HostAccount, RepositoryId, RepositoryName};

mod certificate;
mod item;
mod provisioning;
mod rhythm;
mod run;
mod scm;
mod stage;
mod wip;

/// Where a repository lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Host {
    /// GitHub, or a host with its API.
    Github,
    /// AWS CodeCommit.
    Codecommit,
}

/// A repository: its id is its identity, its name only says where to find it now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Repository {
    /// The source host.
    pub host: Host,
    /// Its id there.
    pub id: RepositoryId,
    /// `owner/name` at the time of the event; on CodeCommit the account owns it.
    pub name: RepositoryName,
}

impl Repository {
    /// The repository with this id: of which host it is says the id.
    pub fn new(id: RepositoryId, name: RepositoryName) -> Self {
        let host = match id {
            RepositoryId::GitHub(_) => Host::Github,
            RepositoryId::CodeCommit(_) => Host::Codecommit,
        };
        Self { host, id, name }
    }
}

/// Who did it. The id authorises, the login is for people to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Actor {
    /// The host's id of them: GitHub's number, or the ARN of who called CodeCommit.
    pub id: HostAccount,
    /// The login, or the ARN once more: foreign text, escaped when rendered.
    pub login: String,
}

impl Actor {
    /// GitHub's account for whom nobody knows: those whose account is gone, and those whom nobody told us.
    pub fn ghost() -> Self {
        Self { id: HostAccount::GitHub(GitHubUserId(10137)), login: "ghost".to_owned() }
    }
}
