//! What people do in one play: pushes to two branches, a pull request that opens and moves on, and somebody in the console.

use common::testing::ClusterFile;

use crate::chance::Chance;

/// How many things people do in one play, before what was refused is mended: from one to four, and in every tenth play six. Many short
/// plays find more than a few long ones.
fn length(chance: &mut Chance) -> usize {
    if chance.percent(10) { 6 } else { 1 + chance.below(4) }
}

/// One thing that somebody does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Act {
    /// A push to a branch that writes one file.
    Push { branch: &'static str, path: String, text: String },
    /// The pull request opens, or its head moves on; it writes one file.
    Propose { path: String, text: String },
    /// Somebody takes the gate out of the pipeline of a cluster whose environment has it set back.
    Ungate(&'static str),
}

/// The clusters, and the branch that configures each. The first two are of an environment that sets back what somebody changed by hand.
const CLUSTERS: [(&str, &str); 3] = [
    ("integration/us-east-1/regional", "main"),
    ("integration/us-east-1/management/mc01", "main"),
    ("staging/eu-west-1/regional", "staging"),
];
/// How many of them are on `main`.
const ON_MAIN: usize = 2;

/// Which text of a file. What a pull request proposes stands on no branch: otherwise it would depend on the moment whether there is
/// anything to plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    Good(usize),
    Proposed(usize),
    Refused,
}

fn file(number: usize, version: Version) -> (String, String) {
    let file = match number {
        0 => ClusterFile::regional("integration", "us-east-1"),
        1 => ClusterFile::management("integration", "us-east-1", "mc01"),
        _ => ClusterFile::regional("staging", "eu-west-1"),
    };
    let file = match version {
        Version::Good(number) => file.variable("cost_center", &format!("\"{number:03}\"")),
        Version::Proposed(number) => file.variable("cost_center", &format!("\"9{number:02}\"")),
        Version::Refused => file.set("account_id", "12"),
    };
    (file.path.clone(), file.text())
}

fn push(number: usize, version: Version) -> Act {
    let (path, text) = file(number, version);
    Act::Push { branch: CLUSTERS[number].1, path, text }
}

/// What people do, by chance. What was refused in the end is mended: a file that is refused leaves its pipeline as it was, and so it would
/// matter which versions before it were seen.
pub(super) fn acts(chance: &mut Chance) -> Vec<Act> {
    let mut last = [None; CLUSTERS.len()];
    let mut acts = Vec::new();
    for _ in 0..length(chance) {
        let (number, version) = (chance.below(CLUSTERS.len()), chance.below(4));
        let refused = chance.percent(20);
        acts.push(match chance.below(6) {
            0 => Act::Ungate(CLUSTERS[chance.below(ON_MAIN)].0),
            // Nothing can be proposed for a branch that is not there yet.
            1 | 2 if last[..ON_MAIN].iter().any(Option::is_some) => {
                let version = if refused { Version::Refused } else { Version::Proposed(version) };
                let (path, text) = file(number % ON_MAIN, version);
                Act::Propose { path, text }
            }
            _ => {
                let version = if refused { Version::Refused } else { Version::Good(version) };
                last[number] = Some(version);
                push(number, version)
            }
        });
    }
    let refused = last.iter().enumerate().filter(|(_, version)| **version == Some(Version::Refused));
    acts.extend(refused.map(|(number, _)| push(number, Version::Good(0))));
    acts
}
