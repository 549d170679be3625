//! What happens to work items beside their moves: what keeps them, and what ends them.

use std::collections::BTreeSet;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Addressee;
use crate::domain::{
    id::{BlockerId, ItemId, KillRuleName, PersonName, PodName, StageName, StagePipelineName},
    rhythm::Cause,
    stage::kill::{KillAction, Remedy},
};

/// Something keeps an item from going on. Any system in the account may send it, in the name of a person that people.yaml lists: then it opens
/// the blocker. Idempotent by item and blocker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ItemBlocked {
    /// The item.
    pub item: ItemId,
    /// Names the blocker, within the item.
    pub blocker: BlockerId,
    /// What it is, in somebody's words. Foreign text.
    pub text: String,
    /// What it waits for.
    pub cause: Cause,
    /// Who says so.
    pub by: PersonName,
}

/// A blocker is resolved. Any system in the account may send it, as [`ItemBlocked`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ItemUnblocked {
    /// The item.
    pub item: ItemId,
    /// Which blocker.
    pub blocker: BlockerId,
    /// Who says so.
    pub by: PersonName,
    /// Whose work the item is, when stage-gate says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<PodName>,
    /// How many others keep the item still, when stage-gate says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub others: Option<usize>,
}

/// The end of a work item is considered, or is so no longer. Who is to be told stands in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ItemUnderKillReview {
    /// The item.
    pub item: ItemId,
    /// What it is called. Foreign text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Whose work it is.
    pub pod: PodName,
    /// Who answers for it.
    pub owner: PersonName,
    /// The stage that it is in.
    pub stage: StageName,
    /// Which rule found something.
    pub rule: KillRuleName,
    /// How far it is.
    pub review: ReviewStep,
    /// What the rule finds, in words.
    pub found: String,
    /// What follows when the rule still holds at the deadline.
    pub action: KillAction,
    /// When the rule is judged again; nothing when the review is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub deadline: Option<Timestamp>,
    /// What people may still do about it; nothing when the review is over.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub remedies: BTreeSet<Remedy>,
    /// Who is to be told.
    pub notify: BTreeSet<PersonName>,
    /// The same persons, with where each is reached.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<Addressee>,
}

/// How far a kill review is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReviewStep {
    /// It begins: the owner has until the deadline.
    Opened,
    /// The rule holds no longer: it ends well.
    Cleared,
    /// The grace is over and the rule still holds: what follows is done.
    Due,
    /// Somebody took the risk: the rule rests until the deadline.
    Excepted,
    /// The owner appealed: the council has until the deadline.
    Appealed,
}

/// A work item has ended. Its places are free; what remains is archived and written up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ItemKilled {
    /// The item.
    pub item: ItemId,
    /// What it is called. Foreign text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Whose work it was.
    pub pod: PodName,
    /// Who answered for it.
    pub owner: PersonName,
    /// The stages that it went through.
    pub pipeline: StagePipelineName,
    /// The one that it ended in.
    pub stage: StageName,
    /// The rule that ended it; nothing when somebody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<KillRuleName>,
    /// Who ended it; nothing when a rule did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<PersonName>,
    /// Why. Foreign text.
    pub reason: String,
    /// Whose work it was and who is to hear of it, with where each is reached; nobody when a rule ended it: its review told them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<Addressee>,
}
