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
//! | Refused, Invalid | not now: what would run is not what was accepted. What mends it may be another file, or none: a run is owed to it |
//! | Orphaned | not: it has no file |

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
    /// How many heads there were before: a branch that comes back to a commit asks for other runs than when it was there first.
    #[serde(default)]
    pub turn: u64,
    /// The clusters to which a run is owed: a push touched their files, and their pipeline was not started yet.
    #[serde(default)]
    pub owed: BTreeSet<ClusterKey>,
}

/// A head, and the how manieth of its branch it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The commit.
    pub commit: CommitSha,
    /// See [`Started::turn`].
    pub turn: u64,
}

impl Head {
    /// The head that follows what was started before.
    pub fn after(before: Option<&Started>, commit: CommitSha) -> Self {
        let turn = before.map_or(0, |before| before.turn + u64::from(before.up_to != commit));
        Self { commit, turn }
    }
}

/// A run to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// Whose.
    pub cluster: ClusterKey,
    /// Which pipeline.
    pub pipeline: PipelineName,
    /// What CodePipeline is given as the token: the same for this pipeline while the branch stays at this commit, so that asking twice
    /// starts one run.
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
    head: &Head,
    changed: Option<&BTreeSet<String>>,
    owed: &BTreeSet<ClusterKey>,
) -> Due {
    let mut due = Due::default();
    for result in results {
        let desired = fleet.desired.get(&result.cluster);
        if desired.is_some_and(|desired| desired.config.delete || desired.config.delete_pipeline) {
            continue;
        }
        let Some(because) = because(&result.cluster, changed, owed) else { continue };
        match result.outcome {
            Outcome::Unchanged | Outcome::Updated => {
                let (commit, turn) = (head.commit.as_str(), head.turn.to_string());
                let token = Digest::of_parts(["penstock-start-v1", result.pipeline.as_str(), commit, turn.as_str()]);
                let (cluster, pipeline) = (result.cluster.clone(), result.pipeline.clone());
                due.start.push(Start { cluster, pipeline, token, because });
            }
            // What somebody changed by hand, and what a file, a rule or the registry forbids now, waits until it is set right: nobody but
            // us would start it then.
            Outcome::Failed | Outcome::Drifted | Outcome::Refused | Outcome::Invalid => {
                due.owed.insert(result.cluster.clone());
            }
            Outcome::Created | Outcome::Destroying | Outcome::Retired | Outcome::Orphaned => {}
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

    fn head() -> Head {
        Head { commit: "0a".repeat(20).parse().unwrap(), turn: 0 }
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
        let changed = [key(MC1).config_path(), key(MC2).config_path()].into();
        for outcome in [Outcome::Failed, Outcome::Drifted, Outcome::Refused, Outcome::Invalid] {
            let results = results(&[(RC, outcome), (MC1, outcome), (MC2, Outcome::Unchanged)]);
            let due = due(&fleet, &results, &head(), Some(&changed), &BTreeSet::new());
            assert_eq!(due.owed, [key(MC1)].into(), "{outcome:?}");
            assert_eq!(due.start.len(), 1);
        }
    }

    /// mc01's file changes while another file's mistake makes it invalid; then that other file alone is mended.
    #[test]
    fn what_another_file_made_invalid_is_started_when_that_is_mended() {
        let none = Files::of(&[]).fleet();
        let invalid = results(&[(MC1, Outcome::Invalid)]);
        let first = due(&none, &invalid, &head(), Some(&[key(MC1).config_path()].into()), &BTreeSet::new());
        let still = due(&none, &invalid, &head(), Some(&["README.md".to_owned()].into()), &first.owed);
        assert_eq!((&first.owed, &still.owed), (&[key(MC1)].into(), &[key(MC1)].into()));
        let fleet = Files::of(&[RC, MC1]).fleet();
        let (mended, now) = ([key(RC).config_path()].into(), results(&[(MC1, Outcome::Unchanged)]));
        let then = due(&fleet, &now, &head(), Some(&mended), &still.owed);
        assert_eq!(then.start.iter().map(|start| start.cluster.to_string()).collect::<Vec<_>>(), [MC1]);
        assert_eq!(then.owed, BTreeSet::new());
    }

    #[test]
    fn a_branch_that_comes_back_to_a_commit_has_other_turns_and_one_that_stays_has_one() {
        let (a, b): (CommitSha, CommitSha) = ("0a".repeat(20).parse().unwrap(), "0b".repeat(20).parse().unwrap());
        let (mut before, mut turns) = (None, Vec::new());
        for commit in [&a, &a, &b, &b, &a, &b] {
            let Head { commit, turn } = Head::after(before.as_ref(), commit.clone());
            turns.push(turn);
            before = Some(Started { up_to: commit, turn, owed: BTreeSet::new() });
        }
        assert_eq!(turns, [0, 0, 1, 1, 2, 3]);
    }

    proptest! {
        /// The token is of the pipeline, the commit and its turn, and of nothing else.
        #[test]
        fn one_pipeline_has_one_token_at_one_head(
            one in "[0-9a-f]{40}", other in "[0-9a-f]{40}", turn in 0..3_u64, later in 0..3_u64, path in "[a-z/]{0,20}",
        ) {
            let fleet = Files::of(&[RC, MC1]).fleet();
            let of = |commit: &str, turn: u64, changed: Option<&BTreeSet<String>>| {
                let results = results(&[(RC, Outcome::Unchanged), (MC1, Outcome::Unchanged)]);
                let head = Head { commit: commit.parse().unwrap(), turn };
                due(&fleet, &results, &head, changed, &[key(RC), key(MC1)].into())
                    .start.into_iter().map(|start| start.token).collect::<Vec<_>>()
            };
            let tokens = of(&one, turn, None);
            prop_assert_eq!(&tokens, &of(&one, turn, Some(&[path].into())));
            prop_assert_ne!(&tokens[0], &tokens[1]);
            prop_assert_eq!(tokens == of(&other, turn, None), one == other);
            prop_assert_eq!(tokens == of(&one, later, None), turn == later);
        }
    }
}
