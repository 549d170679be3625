//! Where an item's commits are deployed, as their host says: shown beside the item, and evidence for nothing.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::id::CommitSha;

/// How many environments an item shows: a host has one for each preview, if somebody likes.
const MOST: usize = 20;

/// The last deployment of an item's commits to one environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// The host's id of it.
    pub id: u64,
    /// The commit.
    pub commit: CommitSha,
    /// The host's word for its state: foreign text, as short as in [`title_of`](super::title_of).
    pub state: String,
    /// Since when it is so.
    pub at: Timestamp,
}

/// Where it is deployed, with this one as well; nothing when that is known, or something newer is. What was deployed longest ago makes room.
pub fn deployed(
    known: &BTreeMap<String, Deployment>,
    environment: &str,
    deployment: &Deployment,
) -> Option<BTreeMap<String, Deployment>> {
    let age = |one: &Deployment| (one.id, one.at);
    if known.get(environment).is_some_and(|there| there == deployment || age(there) > age(deployment)) {
        return None;
    }
    let mut after = known.clone();
    after.insert(environment.to_owned(), deployment.clone());
    while after.len() > MOST {
        let oldest = after.iter().min_by_key(|(_, one)| one.at).map(|(name, _)| name.clone());
        oldest.map(|name| after.remove(&name));
    }
    (after != *known).then_some(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment(id: u64, second: i64) -> Deployment {
        let commit = "0a".repeat(20).parse().unwrap();
        Deployment { id, commit, state: "success".to_owned(), at: Timestamp::from_second(second).unwrap() }
    }

    #[test]
    fn the_last_one_of_each_environment_is_known_in_whatever_order_they_are_told() {
        let told = [deployment(1, 10), deployment(2, 12), deployment(2, 20), deployment(1, 30)];
        for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1], [1, 3, 0, 2]] {
            let known = order
                .iter()
                .fold(BTreeMap::new(), |known, &which| deployed(&known, "production", &told[which]).unwrap_or(known));
            assert_eq!(known, BTreeMap::from([("production".to_owned(), told[2].clone())]), "{order:?}");
            assert_eq!(deployed(&known, "production", &told[2]), None);
        }
    }

    #[test]
    fn what_was_deployed_longest_ago_makes_room() {
        let all = (0..25).fold(BTreeMap::new(), |known, one| {
            deployed(&known, &format!("preview-{one:02}"), &deployment(one, one as i64)).unwrap_or(known)
        });
        assert_eq!(all.keys().next().map(String::as_str), Some("preview-05"));
        assert_eq!((all.len(), deployed(&all, "preview-00", &deployment(0, 0))), (20, None));
    }
}
