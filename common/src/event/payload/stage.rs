//! Work items on their way: who asked for which move, and what the gate said.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{
    id::{ItemId, PersonName, PodName, RequestId, StageName, StagePipelineName},
    stage::{Destination, MoveRequest, Obstacle, Step},
    wip::ItemType,
};

/// Somebody asks for a move of a work item. Any system in the account may send it, in the name of a person that people.yaml lists; it
/// carries no evidence. The answer is an event with the same correlation id, and the same request id has the same answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StageTransitionRequested {
    /// The item.
    pub item: ItemId,
    /// Names the request.
    pub request_id: RequestId,
    /// The stage that the item is believed to be in.
    pub from: StageName,
    /// Where it shall go: a stage, `PARKED` or `KILLED`.
    pub to: Destination,
    /// Who asks. They review nothing of it.
    pub requested_by: PersonName,
    /// Why. Needed to park or to kill.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The item's version that whoever asks saw, when they say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
}

/// An item moved: its gate was open, and it has its place there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StageGateApproved {
    /// The item.
    pub item: ItemId,
    /// Which request it answers.
    pub request_id: RequestId,
    /// What the item is.
    #[serde(rename = "type")]
    pub item_type: ItemType,
    /// Whose pod.
    pub pod: PodName,
    /// Who answers for it.
    pub owner: PersonName,
    /// The stages that it goes through.
    pub pipeline: StagePipelineName,
    /// What kind of move it was.
    pub step: Step,
    /// The stage that it was in, or was in last.
    pub from: StageName,
    /// Where it is now.
    pub to: Destination,
    /// Who asked.
    pub requested_by: PersonName,
    /// Why, when that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The item's version now.
    pub version: u64,
}

/// An item stays where it is. Every reason is here, with who can clear it and by what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StageGateRejected {
    /// The item.
    pub item: ItemId,
    /// Which request it answers.
    pub request_id: RequestId,
    /// The stage that the item was believed to be in.
    pub from: StageName,
    /// Where it should go.
    pub to: Destination,
    /// Who asked.
    pub requested_by: PersonName,
    /// Everything that is missing.
    pub reasons: Vec<Obstacle>,
}

impl StageTransitionRequested {
    /// The request, as the gate decides it.
    pub fn request(&self) -> MoveRequest {
        MoveRequest {
            request_id: self.request_id.clone(),
            from: self.from.clone(),
            to: self.to.clone(),
            requested_by: self.requested_by.clone(),
            unproven: true,
            reason: self.reason.clone(),
            version: self.version,
        }
    }
}
