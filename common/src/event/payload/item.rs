//! What happens to work items beside their moves: what keeps them, and what ends them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{
    id::{BlockerId, ItemId, PersonName, PodName},
    rhythm::Cause,
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
