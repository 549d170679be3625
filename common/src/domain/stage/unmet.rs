//! What keeps an item where it is: each reason with its sentence, who can clear it, and how.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::evidence::Source;
use crate::domain::id::{CommitSha, CriterionKey, GroupName, KillRuleName, PersonName, StageName};

/// One thing that is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unmet {
    /// The item is not in the stage that the request names.
    Elsewhere {
        /// What it names.
        believed: StageName,
        /// Where the item is.
        is: StageName,
    },
    /// The pipeline has no such stage.
    UnknownStage {
        /// What was asked for.
        found: StageName,
        /// What there is.
        known: Vec<StageName>,
    },
    /// The item is there.
    AlreadyThere,
    /// Stages lie between.
    Skips {
        /// Which.
        stages: Vec<StageName>,
    },
    /// What is parked goes back to where it left.
    OnlyBackTo {
        /// Where.
        stage: StageName,
    },
    /// The item has ended.
    Ended,
    /// The item is in a stage that its pipeline no longer has.
    LeftPipeline {
        /// Which.
        stage: StageName,
    },
    /// To put an item aside or to end it takes a reason.
    NoReason {
        /// Of how many characters at least.
        least: usize,
    },
    /// There is no evidence.
    Missing {
        /// For what.
        key: CriterionKey,
        /// What it must be.
        wanted: String,
        /// Where it may come from.
        sources: BTreeSet<Source>,
    },
    /// Evidence of another type.
    WrongType {
        /// For what.
        key: CriterionKey,
        /// What there is.
        found: String,
        /// What it must be.
        wanted: &'static str,
    },
    /// Evidence says that it is not so.
    NotSo {
        /// What.
        key: CriterionKey,
        /// What there is.
        found: String,
        /// What it must be.
        wanted: String,
    },
    /// Evidence from where it may not come.
    WrongSource {
        /// For what.
        key: CriterionKey,
        /// Where it came from.
        source: Source,
        /// Where it may.
        sources: BTreeSet<Source>,
    },
    /// The word of somebody whose word does not count for this.
    NotTheirs {
        /// For what.
        key: CriterionKey,
        /// Whose.
        by: PersonName,
        /// Whose would count.
        groups: BTreeSet<GroupName>,
    },
    /// Evidence for another commit than the item's.
    Stale {
        /// For what.
        key: CriterionKey,
        /// The commit that it is for.
        found: Option<CommitSha>,
        /// The item's.
        head: Option<CommitSha>,
    },
    /// Evidence that is too old.
    TooOld {
        /// For what.
        key: CriterionKey,
        /// From when it is.
        at: Timestamp,
    },
    /// Evidence that says it is from later than now.
    FromTheFuture {
        /// For what.
        key: CriterionKey,
        /// From when it says it is.
        at: Timestamp,
    },
    /// A rule of its stage keeps it there: its grace is over.
    Stopped {
        /// Which rule.
        rule: KillRuleName,
        /// What it looks at.
        key: CriterionKey,
        /// What holds, and should not.
        found: String,
    },
    /// Not enough of a group have approved.
    NotReviewed {
        /// Whose approval is needed.
        group: GroupName,
        /// Who has.
        have: BTreeSet<PersonName>,
        /// How many it takes.
        need: usize,
        /// Whether who asks for the move has approved it, which does not count.
        own: bool,
        /// Whether nobody proved to be who asks: then it takes one more.
        unproven: bool,
        /// Who else could: not who asked for the move.
        could: BTreeSet<PersonName>,
    },
}

fn list<T: ToString>(all: impl IntoIterator<Item = T>) -> String {
    all.into_iter().map(|one| one.to_string()).collect::<Vec<_>>().join(", ")
}

fn sources(sources: &BTreeSet<Source>) -> String {
    sources.iter().map(|source| source.words()).collect::<Vec<_>>().join(" or ")
}

impl Unmet {
    /// What is missing, as a person reads it, with what to do.
    pub fn sentence(&self) -> String {
        match self {
            Self::Elsewhere { believed, is } => format!("the item is in {is}, not in {believed}: look at it again"),
            Self::UnknownStage { found, known } => format!("there is no stage {found}: there are {}", list(known)),
            Self::AlreadyThere => "the item is there already".to_owned(),
            Self::Skips { stages } => format!("a move goes one stage forward: {} lies before it", list(stages)),
            Self::OnlyBackTo { stage } => format!("a parked item goes back to where it left: {stage}"),
            Self::Ended => "the item has been killed, and goes nowhere: begin a new one".to_owned(),
            Self::LeftPipeline { stage } => {
                format!(
                    "its stage {stage} is no longer in the pipeline's file: move it to the first stage, park it or kill it"
                )
            }
            Self::NoReason { least } => format!("give a reason of at least {least} characters"),
            Self::Missing { key, wanted, sources: from } => {
                format!("{key} is missing: it must be {wanted}, from {}", sources(from))
            }
            Self::WrongType { key, found, wanted } => format!("{key} is {found}, and must be {wanted}"),
            Self::NotSo { key, found, wanted } => format!("{key} is {found}, and must be {wanted}"),
            Self::WrongSource { key, source, sources: from } => {
                format!("{key} comes from {}, and must come from {}", source.words(), sources(from))
            }
            Self::NotTheirs { key, by, groups } => {
                format!("{key} is the word of {by}: it takes that of somebody in {}", list(groups))
            }
            Self::Stale { key, found, head } => {
                let short =
                    |sha: &Option<CommitSha>| sha.as_ref().map_or("no commit".to_owned(), |sha| sha.short().to_owned());
                format!("{key} is for {}, and the item is at {}: bring it for this commit", short(found), short(head))
            }
            Self::TooOld { key, at } => format!("{key} is from {at:.0}, which is too old: bring it again"),
            Self::FromTheFuture { key, at } => format!("{key} is from {at:.0}, which is not yet: a clock is wrong"),
            Self::Stopped { rule, key, found } => {
                format!("the rule {rule} keeps it here while {key} is {found}: mend that, or ask for an exception")
            }
            Self::NotReviewed { group, have, need, own, unproven, could } => {
                let could = if could.is_empty() {
                    "nobody else is in it: an administrator adds somebody".to_owned()
                } else {
                    format!("{} may", list(could))
                };
                let own = match (own, unproven) {
                    (true, _) => "; who asks for the move does not count",
                    (false, true) => "; nobody proved who asks, so it takes one more than else",
                    (false, false) => "",
                };
                format!("{} of {need} approvals of {group}: {could}{own}", have.len())
            }
        }
    }
}
