//! A work item, where it stands, and what kind of move leads from there to somewhere else.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{deployment::Deployment, pipeline::StagePipeline, sourcing::Link, suggestion::Suggestion, unmet::Unmet};
use crate::domain::{
    id::{CommitSha, IdError, ItemId, PersonName, PodName, StageName, StagePipelineName},
    wip::{ItemType, Work},
};

/// One item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Which.
    pub id: ItemId,
    /// What it is called. Foreign text: escaped wherever it is shown.
    pub title: String,
    /// What it is.
    #[serde(rename = "type")]
    pub item_type: ItemType,
    /// Whose work it is.
    pub pod: PodName,
    /// Who answers for it.
    pub owner: PersonName,
    /// The stages that it goes through.
    pub pipeline: StagePipelineName,
    /// Where it stands.
    pub position: Position,
    /// Since when it stands there.
    pub since: Timestamp,
    /// When somebody last did something about it: moved it, vouched for it, or said what keeps it.
    pub updated_at: Timestamp,
    /// Since when something has kept it from going on: its oldest open blocker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked_since: Option<Timestamp>,
    /// Where it lives on a source host, when it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<Link>,
    /// The commit that it is about now, when it has a repository: evidence and approvals for another one are stale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<CommitSha>,
    /// The stage that its issue or pull request speaks of. A suggestion: it moves nothing, and nothing is decided by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggested: Option<Suggestion>,
    /// Where the commits of its pull request are deployed, by environment (foreign text).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub deployments: BTreeMap<String, Deployment>,
    /// What was kept of it after its end, once that is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived: Option<Archived>,
    /// How often it was written: a move names the one that it saw.
    pub version: u64,
}

/// What was kept of an item after its end. Nothing of what it says, when it lived nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Archived {
    /// The branch at its last commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// The tag there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// The issue that asks for what was learnt, by number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postmortem: Option<u64>,
}

/// Where an item stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Position {
    /// In a stage.
    Active {
        /// Which.
        stage: StageName,
    },
    /// Put aside. It goes back to where it left and nowhere else.
    Parked {
        /// Where it left.
        from: StageName,
    },
    /// Through its last gate. It holds no place any more, and may go back to a stage when there is more to do.
    Done {
        /// Its last stage.
        from: StageName,
    },
    /// Ended. It goes nowhere.
    Killed {
        /// Where it ended.
        from: StageName,
    },
}

/// Where a move shall lead. As one word: a stage's name, `PARKED`, `DONE` or `KILLED`; no stage has capital letters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum Destination {
    /// Into a stage.
    Stage(StageName),
    /// Aside.
    Parked,
    /// Through the gate of its last stage.
    Done,
    /// To its end.
    Killed,
}

/// What kind of move it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// To the next stage: the gate is asked.
    Forward,
    /// To an earlier stage.
    Back,
    /// Aside.
    Park,
    /// Back from aside.
    Resume,
    /// Through the last gate: the gate is asked.
    Finish,
    /// To its end.
    Kill,
}

impl fmt::Display for Destination {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(match self {
            Self::Stage(name) => name.as_str(),
            Self::Parked => "PARKED",
            Self::Done => "DONE",
            Self::Killed => "KILLED",
        })
    }
}

impl FromStr for Destination {
    type Err = IdError;

    fn from_str(word: &str) -> Result<Self, IdError> {
        match word {
            "PARKED" => Ok(Self::Parked),
            "DONE" => Ok(Self::Done),
            "KILLED" => Ok(Self::Killed),
            stage => stage.parse().map(Self::Stage),
        }
    }
}

impl TryFrom<String> for Destination {
    type Error = IdError;

    fn try_from(word: String) -> Result<Self, IdError> {
        word.parse()
    }
}

impl From<Destination> for String {
    fn from(to: Destination) -> Self {
        to.to_string()
    }
}

impl Step {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Back => "back",
            Self::Park => "park",
            Self::Resume => "resume",
            Self::Finish => "finish",
            Self::Kill => "kill",
        }
    }
}

impl Position {
    /// The stage that it is in, or was in last.
    pub fn stage(&self) -> &StageName {
        match self {
            Self::Active { stage: name }
            | Self::Parked { from: name }
            | Self::Done { from: name }
            | Self::Killed { from: name } => name,
        }
    }
}

impl Item {
    /// What its places follow from while it is in a stage.
    pub fn work_in(&self, stage: &StageName) -> Work {
        Work {
            item: self.id.clone(),
            pod: self.pod.clone(),
            stage: stage.clone(),
            item_type: self.item_type,
            owner: self.owner.clone(),
            involved: BTreeSet::new(),
            environment: None,
            account: None,
            expedite: false,
        }
    }

    /// Where it would go next by itself: to the stage that follows, out of the last one, or back to where it was parked. Nothing at the end.
    pub fn next(&self, pipeline: &StagePipeline) -> Option<Destination> {
        match &self.position {
            Position::Active { stage } => {
                let next = pipeline.stages.get(pipeline.position(stage)? + 1);
                Some(next.map_or(Destination::Done, |next| Destination::Stage(next.name.clone())))
            }
            Position::Parked { from } => Some(Destination::Stage(from.clone())),
            Position::Done { .. } | Position::Killed { .. } => None,
        }
    }

    /// The item after a move that was admitted.
    #[must_use]
    pub fn moved(&self, to: &Destination, now: Timestamp) -> Self {
        let from = self.position.stage().clone();
        let position = match to {
            Destination::Stage(stage) => Position::Active { stage: stage.clone() },
            Destination::Parked => Position::Parked { from },
            Destination::Done => Position::Done { from },
            Destination::Killed => Position::Killed { from },
        };
        Self { position, since: now, updated_at: now, version: self.version + 1, ..self.clone() }
    }

    /// What kind of move leads there: one step forward, any step back, aside, out of the last stage, to its end, and from aside only back to
    /// where it left. What is done may go back to any stage.
    ///
    /// # Errors
    /// Why there is no such move.
    pub fn step_to(&self, to: &Destination, pipeline: &StagePipeline) -> Result<Step, Unmet> {
        let to = match (&self.position, to) {
            (Position::Killed { .. }, _) => return Err(Unmet::Ended),
            (_, Destination::Killed) => return Ok(Step::Kill),
            (Position::Parked { .. }, Destination::Parked) => return Err(Unmet::AlreadyThere),
            (Position::Done { .. }, Destination::Parked | Destination::Done) => return Err(Unmet::AlreadyThere),
            (Position::Active { .. }, Destination::Parked) => return Ok(Step::Park),
            (Position::Parked { from }, Destination::Done) => {
                return Err(Unmet::OnlyBackTo { stage: from.clone() });
            }
            (Position::Active { stage }, Destination::Done) => {
                let Some(here) = pipeline.position(stage) else {
                    return Err(Unmet::LeftPipeline { stage: stage.clone() });
                };
                let ahead: Vec<StageName> = pipeline.stages.iter().skip(here + 1).map(|one| one.name.clone()).collect();
                return if ahead.is_empty() { Ok(Step::Finish) } else { Err(Unmet::Skips { stages: ahead }) };
            }
            (_, Destination::Stage(to)) => to,
        };
        let Some(there) = pipeline.position(to) else {
            let known = pipeline.stages.iter().map(|stage| stage.name.clone()).collect();
            return Err(Unmet::UnknownStage { found: to.clone(), known });
        };
        // From a stage that its file no longer has an item begins anew, or ends.
        let gone = pipeline.position(self.position.stage()).is_none();
        match &self.position {
            Position::Done { .. } => Ok(Step::Back),
            Position::Parked { .. } if gone && there == 0 => Ok(Step::Resume),
            Position::Active { .. } if gone && there == 0 => Ok(Step::Back),
            Position::Parked { from } if from == to => Ok(Step::Resume),
            Position::Parked { from: stage } if gone => Err(Unmet::LeftPipeline { stage: stage.clone() }),
            Position::Parked { from } => Err(Unmet::OnlyBackTo { stage: from.clone() }),
            Position::Active { stage } | Position::Killed { from: stage } => match pipeline.position(stage) {
                Some(here) if there == here => Err(Unmet::AlreadyThere),
                Some(here) if there == here + 1 => Ok(Step::Forward),
                Some(here) if there < here => Ok(Step::Back),
                Some(here) => {
                    let between = pipeline.stages.iter().take(there).skip(here + 1);
                    Err(Unmet::Skips { stages: between.map(|stage| stage.name.clone()).collect() })
                }
                None => Err(Unmet::LeftPipeline { stage: stage.clone() }),
            },
        }
    }
}
