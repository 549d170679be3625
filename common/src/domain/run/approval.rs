//! Who said what about a run.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{
    governance::People,
    id::{CommitSha, Digest, ExecutionId, HostAccount, PersonName},
};

/// What somebody answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// It may go on.
    Approve,
    /// It may not: the run ends.
    Reject,
}

impl Answer {
    /// `approve` or `reject`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Reject => "reject",
        }
    }
}

/// One answer. It is about one execution at one commit and says nothing of any other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Who.
    pub by: PersonName,
    /// What.
    pub answer: Answer,
    /// About which run.
    pub execution: ExecutionId,
    /// What they were shown.
    pub commit: CommitSha,
    /// When.
    pub at: Timestamp,
    /// Why. Foreign text: escaped wherever it is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// By which personal link, as the digest that is kept of it; nothing when they answered in another way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<Digest>,
}

/// Who wrote what a run deploys: authors and committers, as the host authenticated them. A name or a mail address in a commit is anybody's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Authors {
    /// Those whom `people.yaml` lists.
    pub known: BTreeSet<PersonName>,
    /// How many others: accounts that nobody is listed with, or commits without one. Each could be any approver, so each costs one more
    /// approval: whoever of the approvers it is, enough others remain.
    pub unknown: u32,
}

impl Authors {
    /// Of these accounts, and of so many of whom the host knows no account.
    pub fn listed(accounts: &BTreeSet<HostAccount>, without_account: u32, people: &People) -> Self {
        let mut authors = Self { known: BTreeSet::new(), unknown: without_account };
        for account in accounts {
            match people.who(&account.clone().into()) {
                Some((name, _)) => {
                    authors.known.insert(name.clone());
                }
                None => authors.unknown = authors.unknown.saturating_add(1),
            }
        }
        authors
    }
}
