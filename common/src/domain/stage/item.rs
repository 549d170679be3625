//! A work item, where it stands, and what kind of move leads from there to somewhere else.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{pipeline::StagePipeline, unmet::Unmet};
use crate::domain::{
    id::{CommitSha, ItemId, PersonName, PodName, StageName, StagePipelineName},
    wip::ItemType,
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
    /// The commit that it is about now, when it has a repository: evidence and approvals for another one are stale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<CommitSha>,
    /// How often it was written: a move names the one that it saw.
    pub version: u64,
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
    /// Ended. It goes nowhere.
    Killed {
        /// Where it ended.
        from: StageName,
    },
}

/// Where a move shall lead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Destination {
    /// Into a stage.
    Stage(StageName),
    /// Aside.
    Parked,
    /// To its end.
    Killed,
}

/// What kind of move it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
    /// To its end.
    Kill,
}

impl Position {
    /// The stage that it is in, or was in last.
    pub fn stage(&self) -> &StageName {
        match self {
            Self::Active { stage: name } | Self::Parked { from: name } | Self::Killed { from: name } => name,
        }
    }
}

impl Item {
    /// What kind of move leads there: one step forward, any step back, aside, to its end, and from aside only back to where it left.
    ///
    /// # Errors
    /// Why there is no such move.
    pub fn step_to(&self, to: &Destination, pipeline: &StagePipeline) -> Result<Step, Unmet> {
        let to = match (&self.position, to) {
            (Position::Killed { .. }, _) => return Err(Unmet::Ended),
            (_, Destination::Killed) => return Ok(Step::Kill),
            (Position::Parked { .. }, Destination::Parked) => return Err(Unmet::AlreadyThere),
            (Position::Active { .. }, Destination::Parked) => return Ok(Step::Park),
            (_, Destination::Stage(to)) => to,
        };
        let Some(there) = pipeline.position(to) else {
            let known = pipeline.stages.iter().map(|stage| stage.name.clone()).collect();
            return Err(Unmet::UnknownStage { found: to.clone(), known });
        };
        match &self.position {
            Position::Parked { from } if from == to => Ok(Step::Resume),
            Position::Parked { from } => Err(Unmet::OnlyBackTo { stage: from.clone() }),
            Position::Active { stage } | Position::Killed { from: stage } => {
                // A stage that its file no longer has leads nowhere forward.
                match pipeline.position(stage) {
                    Some(here) if there == here => Err(Unmet::AlreadyThere),
                    Some(here) if there == here + 1 => Ok(Step::Forward),
                    Some(here) if there < here => Ok(Step::Back),
                    Some(here) => {
                        let between = pipeline.stages.iter().take(there).skip(here + 1);
                        Err(Unmet::Skips { stages: between.map(|stage| stage.name.clone()).collect() })
                    }
                    None => Err(Unmet::LeftPipeline { stage: stage.clone() }),
                }
            }
        }
    }
}
