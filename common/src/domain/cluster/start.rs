//! Which pipelines a push starts, where CodePipeline does not do it.
//!
//! A trigger with path patterns needs a connection ("Filter triggers on code push or pull requests", CodePipeline user guide), and
//! CodeCommit has none. There a pipeline's source neither polls nor is told by a rule of its own; the run that reconciles a branch starts
//! exactly those pipelines whose patterns take a path that differs between the commit up to which this was done and the head.
//!
//! | what became of a cluster in the run | then |
//! |---|---|
//! | Unchanged, Updated | started when a pattern takes a path, or when a run is owed to it from before |
//! | Created | not: AWS starts a new pipeline by itself |
//! | Destroying, Retired, or its file asks for removal | not: an ordinary run must not follow a destroy run |
//! | Failed, Drifted | not now: a run is owed to it |
//! | Refused, Orphaned, Invalid, … | not: what would run is not what was accepted |

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        cluster::{ClusterKey, Fleet, pattern, shape},
        id::{CommitSha, Digest, PipelineName},
    },
    event::{ClusterResult, Outcome},
};

/// Up to where the runs of a branch were started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// The head by then: what changed since decides.
    pub up_to: CommitSha,
    /// The clusters to which a run is owed: a push touched their files, and their pipeline could not be started.
    #[serde(default)]
    pub owed: BTreeSet<ClusterKey>,
}

/// A run to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// Whose.
    pub cluster: ClusterKey,
    /// Which pipeline.
    pub pipeline: PipelineName,
    /// What CodePipeline is given as the token: the same for this pipeline at this commit, so that asking twice starts one run.
    pub token: Digest,
    /// Why.
    pub because: Because,
}

/// Why a run is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Because {
    /// This path changed: the first that its patterns take. Foreign text.
    Changed(String),
    /// What changed cannot be told: runs were never started on this branch, or the commit up to which they were is gone.
    Untold,
    /// A push before touched its files, and no run could be started.
    Owed,
}

/// What a push asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Due {
    /// The runs to start now.
    pub start: Vec<Start>,
    /// The clusters that cannot be started now, and to which a run is owed.
    pub owed: BTreeSet<ClusterKey>,
}

/// The runs to start at `head`. `changed`: the paths that differ since it was done last, or nothing when nobody can tell; then
/// everything may have changed.
pub fn due(
    fleet: &Fleet,
    results: &[ClusterResult],
    head: &CommitSha,
    changed: Option<&BTreeSet<String>>,
    owed: &BTreeSet<ClusterKey>,
) -> Due {
    let mut due = Due::default();
    for result in results {
        let Some(desired) = fleet.desired.get(&result.cluster) else { continue };
        if desired.config.delete || desired.config.delete_pipeline {
            continue;
        }
        let Some(because) = because(&result.cluster, changed, owed) else { continue };
        match result.outcome {
            Outcome::Unchanged | Outcome::Updated => {
                let token = Digest::of_parts(["penstock-start-v1", result.pipeline.as_str(), head.as_str()]);
                let (cluster, pipeline) = (result.cluster.clone(), result.pipeline.clone());
                due.start.push(Start { cluster, pipeline, token, because });
            }
            // What somebody changed by hand waits until it is set right: nobody but us would start it.
            Outcome::Failed | Outcome::Drifted => drop(due.owed.insert(result.cluster.clone())),
            Outcome::Created
            | Outcome::Destroying
            | Outcome::Retired
            | Outcome::Refused
            | Outcome::Orphaned
            | Outcome::Invalid => {}
        }
    }
    due
}

fn because(cluster: &ClusterKey, changed: Option<&BTreeSet<String>>, owed: &BTreeSet<ClusterKey>) -> Option<Because> {
    let Some(changed) = changed else { return Some(Because::Untold) };
    let patterns = shape::trigger_paths(cluster);
    let taken = |path: &&String| patterns.iter().any(|pattern| pattern::takes(pattern, path));
    let path = changed.iter().find(taken).cloned().map(Because::Changed);
    path.or_else(|| owed.contains(cluster).then_some(Because::Owed))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::cluster::fixture::{Files, key};

    const RC: &str = "integration/us-east-1/regional";
    const MC1: &str = "integration/us-east-1/management/mc01";
    const MC2: &str = "integration/us-east-1/management/mc02";

    fn head() -> CommitSha {
        "0a".repeat(20).parse().unwrap()
    }

    fn results(of: &[(&str, Outcome)]) -> Vec<ClusterResult> {
        let result = |(cluster, outcome): &(&str, Outcome)| ClusterResult {
            cluster: key(cluster),
            pipeline: crate::domain::cluster::names::pipeline(&key(cluster)),
            outcome: *outcome,
            reasons: Vec::new(),
            changes: Vec::new(),
            weakened: Vec::new(),
        };
        of.iter().map(result).collect()
    }

    fn asked(fleet: &Fleet, outcome: Outcome, changed: Option<&[&str]>, owed: &[&str]) -> Vec<String> {
        let changed = changed.map(|paths| paths.iter().map(|path| (*path).to_owned()).collect());
        let owed = owed.iter().map(|cluster| key(cluster)).collect();
        let results = results(&[(RC, outcome), (MC1, outcome), (MC2, outcome)]);
        let due = due(fleet, &results, &head(), changed.as_ref(), &owed);
        due.start.iter().map(|start| start.cluster.to_string()).collect()
    }

    #[test]
    fn exactly_those_whose_patterns_take_a_path_are_started() {
        let fleet = Files::of(&[RC, MC1, MC2]).fleet();
        let asked = |paths: &[&str]| asked(&fleet, Outcome::Unchanged, Some(paths), &[]);
        assert_eq!(asked(&[&key(MC1).config_path()]), [MC1]);
        assert_eq!(asked(&["terraform/modules/vpc/main.tf"]), [RC, MC1, MC2]);
        assert_eq!(asked(&["terraform/config/management-cluster/main.tf"]), [MC1, MC2]);
        assert_eq!(asked(&["README.md", "deploy/README.md", "terraform/modules"]), [""; 0]);
    }

    #[test]
    fn what_is_owed_is_started_and_so_is_everything_when_nobody_can_tell() {
        let fleet = Files::of(&[RC, MC1, MC2]).fleet();
        assert_eq!(asked(&fleet, Outcome::Unchanged, Some(&["README.md"]), &[MC2]), [MC2]);
        assert_eq!(asked(&fleet, Outcome::Updated, None, &[]), [RC, MC1, MC2]);
    }

    #[test]
    fn nothing_is_started_that_starts_by_itself_or_must_not_run() {
        let fleet = Files::of(&[RC, MC1, MC2]).fleet();
        for outcome in [
            Outcome::Created,
            Outcome::Destroying,
            Outcome::Retired,
            Outcome::Refused,
            Outcome::Orphaned,
            Outcome::Invalid,
            Outcome::Failed,
            Outcome::Drifted,
        ] {
            assert_eq!(asked(&fleet, outcome, None, &[MC1]), [""; 0], "{outcome:?}");
        }
        let leaving = Files::of(&[RC, MC1]).plus(MC1, "delete: true").fleet();
        let due = due(&leaving, &results(&[(MC1, Outcome::Unchanged)]), &head(), None, &[key(MC1)].into());
        assert_eq!(due, Due::default());
    }

    #[test]
    fn a_run_that_cannot_be_started_now_is_owed_when_there_is_a_reason_for_it() {
        let fleet = Files::of(&[RC, MC1, MC2]).fleet();
        let results = results(&[(RC, Outcome::Failed), (MC1, Outcome::Failed), (MC2, Outcome::Unchanged)]);
        let changed = [key(MC1).config_path(), key(MC2).config_path()].into();
        let due = due(&fleet, &results, &head(), Some(&changed), &BTreeSet::new());
        assert_eq!(due.owed, [key(MC1)].into());
        assert_eq!(due.start.len(), 1);
    }

    proptest! {
        /// The token is of the pipeline and the commit, and of nothing else.
        #[test]
        fn one_pipeline_has_one_token_at_one_commit(one in "[0-9a-f]{40}", other in "[0-9a-f]{40}", path in "[a-z/]{0,20}") {
            let fleet = Files::of(&[RC, MC1]).fleet();
            let of = |commit: &str, changed: Option<&BTreeSet<String>>| {
                let results = results(&[(RC, Outcome::Unchanged), (MC1, Outcome::Unchanged)]);
                due(&fleet, &results, &commit.parse().unwrap(), changed, &[key(RC), key(MC1)].into())
                    .start.into_iter().map(|start| start.token).collect::<Vec<_>>()
            };
            let tokens = of(&one, None);
            prop_assert_eq!(&tokens, &of(&one, Some(&[path].into())));
            prop_assert_ne!(&tokens[0], &tokens[1]);
            prop_assert_eq!(tokens == of(&other, None), one == other);
        }
    }
}
