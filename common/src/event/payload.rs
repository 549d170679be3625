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
use crate::domain::id::{GitHubUserId, HostAccount, IamArn, RepositoryId, RepositoryName};

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

    /// Who called CodeCommit, by the ARN that it names.
    ///
    /// An account's root, a federated user, a service, or nobody at all is no identity that `people.yaml` can name: then the id is one that no
    /// caller has, and the ARN stands in the login alone, for people to read.
    pub fn caller(arn: Option<&str>) -> Self {
        let known = arn.and_then(|arn| arn.parse().ok());
        let login = arn.filter(|arn| arn.starts_with("arn:")).map(|arn| arn.chars().take(512).collect());
        Self {
            id: HostAccount::Iam(known.unwrap_or_else(IamArn::nobody)),
            login: login.unwrap_or_else(|| "nobody".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_who_is_no_identity_of_ours_is_nobody_with_a_name() {
        let ada = "arn:aws:sts::000011112222:assumed-role/Developer/ada";
        assert_eq!(Actor::caller(Some(ada)).id.to_string(), ada);
        let nobody = HostAccount::Iam(IamArn::nobody());
        let federated = "arn:aws:sts::000011112222:federated-user/ada";
        for (arn, login) in [
            (Some(federated), federated),
            (Some("arn:aws:iam::000011112222:root"), "arn:aws:iam::000011112222:root"),
            (Some("codecommit.amazonaws.com"), "nobody"),
            (None, "nobody"),
        ] {
            assert_eq!(Actor::caller(arn), Actor { id: nobody.clone(), login: login.to_owned() });
        }
        // It has the form of an ARN, so that it goes through JSON as every other.
        assert_eq!(IamArn::nobody().as_str().parse(), Ok(IamArn::nobody()));
    }
}
