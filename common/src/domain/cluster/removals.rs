//! Removals that a rule refuses in one run, and that people may let through together: exactly these, at exactly this commit, for a day.
//!
//! They are bound to the commit and to the set, and not to a generation: a generation counts runs, and the next sweep of the same branch
//! has another one. At the same commit what is left of a set that was approved is approved too, or a run that stopped half-way could not
//! be taken up again. Any other removal, and any other commit, is another set with another digest, which nobody has approved.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ClusterKey;
use crate::domain::id::{BranchName, CommitSha, Digest, EnvironmentName, PersonName, RepositoryId};

/// How long an approval is good for.
pub const GOOD_FOR: SignedDuration = SignedDuration::from_hours(24);

/// The most removals that may be approved together: more fit neither into a row nor into anybody's head.
pub const MAX_APPROVABLE: usize = 500;

/// One way to remove.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Removal {
    /// A destroy run of its infrastructure.
    Destroy,
    /// Its pipeline goes.
    Retire,
}

impl Removal {
    fn as_str(self) -> &'static str {
        match self {
            Self::Destroy => "destroy",
            Self::Retire => "retire",
        }
    }
}

/// Removals that were asked for together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removals {
    /// By whose files.
    pub repository: RepositoryId,
    /// On which branch.
    pub branch: BranchName,
    /// At which commit.
    pub head: CommitSha,
    /// Of which clusters, and how.
    pub clusters: BTreeMap<ClusterKey, Removal>,
}

impl Removals {
    /// What they are called: the digest over all of them and where they are asked for.
    pub fn digest(&self) -> Digest {
        let repository = self.repository.to_string();
        let place = [&repository, self.branch.as_str(), self.head.as_str()];
        let clusters: Vec<(String, &str)> =
            self.clusters.iter().map(|(cluster, removal)| (cluster.to_string(), removal.as_str())).collect();
        let clusters = clusters.iter().flat_map(|(cluster, removal)| [cluster.as_str(), removal]);
        Digest::of_parts(place.into_iter().chain(clusters))
    }

    /// Whether whoever approved these approved those: the same commit, and none besides.
    pub fn cover(&self, those: &Self) -> bool {
        let place = |of: &Self| (of.repository, of.branch.clone(), of.head.clone());
        let asked = |(cluster, removal): (&ClusterKey, &Removal)| self.clusters.get(cluster) == Some(removal);
        place(self) == place(those) && those.clusters.iter().all(asked)
    }

    /// Whether both would remove something of the same cluster, by the same branch.
    pub fn overlap(&self, those: &Self) -> bool {
        (self.repository, &self.branch) == (those.repository, &those.branch)
            && self.clusters.keys().any(|cluster| those.clusters.contains_key(cluster))
    }

    /// Where the clusters are: whose rules count.
    pub fn environments(&self) -> BTreeSet<&EnvironmentName> {
        self.clusters.keys().map(|cluster| &cluster.environment).collect()
    }

    /// The subject of their events and audit entries.
    pub fn subject(&self) -> String {
        format!("removals:{}", self.digest())
    }
}

/// Somebody's approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemovalApproval {
    /// Whose.
    pub by: PersonName,
    /// When.
    pub at: Timestamp,
    /// Why. Foreign text: escaped wherever it is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Refused removals, and what people said of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedRemovals {
    /// Which.
    pub removals: Removals,
    /// The rule, in a sentence.
    pub why: String,
    /// Since when.
    pub at: Timestamp,
    /// Who approved them. Each counts for [`GOOD_FOR`].
    #[serde(default)]
    pub approvals: Vec<RemovalApproval>,
    /// When enough had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_at: Option<Timestamp>,
}

impl RefusedRemovals {
    /// Until when they may be done; nothing when that is over, or not enough have approved them.
    pub fn approved_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.approved_at.map(ends).filter(|end| now < *end)
    }

    /// The approvals that still count.
    pub fn standing(&self, now: Timestamp) -> impl Iterator<Item = &RemovalApproval> {
        self.approvals.iter().filter(move |approval| now < ends(approval.at))
    }
}

/// When an approval of this moment ends.
fn ends(at: Timestamp) -> Timestamp {
    at.saturating_add(GOOD_FOR).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn removals(clusters: &[(&str, Removal)]) -> Removals {
        Removals {
            repository: RepositoryId::GitHub(42),
            branch: "main".parse().unwrap(),
            head: "a".repeat(40).parse().unwrap(),
            clusters: clusters.iter().map(|(cluster, removal)| (cluster.parse().unwrap(), *removal)).collect(),
        }
    }

    const ONE: &str = "production/us-east-1/regional";
    const TWO: &str = "production/us-east-1/management/mc01";

    #[test]
    fn everything_that_an_approval_is_bound_to_is_in_the_digest() {
        let some = removals(&[(ONE, Removal::Destroy), (TWO, Removal::Destroy)]);
        let others = [
            Removals { repository: RepositoryId::GitHub(43), ..some.clone() },
            Removals { branch: "other".parse().unwrap(), ..some.clone() },
            Removals { head: "b".repeat(40).parse().unwrap(), ..some.clone() },
            removals(&[(ONE, Removal::Destroy)]),
            removals(&[(ONE, Removal::Destroy), (TWO, Removal::Retire)]),
        ];
        let digests: BTreeSet<Digest> = others.iter().chain([&some]).map(Removals::digest).collect();
        assert_eq!(digests.len(), others.len() + 1);
        assert_eq!(some.digest(), some.clone().digest());
    }

    #[test]
    fn an_approval_is_good_for_a_day_and_not_a_moment_longer() {
        let at = Timestamp::from_second(1_000_000).unwrap();
        let mut refused = RefusedRemovals {
            removals: removals(&[(ONE, Removal::Destroy)]),
            why: "rule removals".into(),
            at,
            approvals: vec![RemovalApproval { by: "bob".parse().unwrap(), at, reason: None }],
            approved_at: None,
        };
        let end = at.checked_add(GOOD_FOR).unwrap();
        let before = end.checked_sub(SignedDuration::from_micros(1)).unwrap();
        assert_eq!(refused.approved_until(at), None, "nobody has approved it");
        refused.approved_at = Some(at);
        assert_eq!((refused.approved_until(before), refused.approved_until(end)), (Some(end), None));
        assert_eq!((refused.standing(before).count(), refused.standing(end).count()), (1, 0));
        let text = serde_json::to_string(&refused).unwrap();
        assert_eq!(serde_json::from_str::<RefusedRemovals>(&text).unwrap(), refused);
    }
}
