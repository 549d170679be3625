//! Limits on work in progress: who asked, who holds, who waits, where there is no room.

use std::collections::BTreeSet;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Repository;
use crate::domain::{
    id::{AccountId, EnvironmentName, HostAccount, ItemId, PersonName, PodName, StageName},
    wip::{Fence, ItemType, Scope, Work},
};

/// The most holders that a [`FullScope`] names; how many more there are stands beside them.
pub const MAX_HOLDERS_TOLD: usize = 10;

/// The pull request that an item is: what `feedback` answers on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeRef {
    /// The repository of the base branch.
    pub repository: Repository,
    /// The pull request's number.
    pub number: u64,
}

/// Somebody asks for a place for an item. Any system in the account may send it; the answer is an event with the same correlation id.
/// Not for pull requests: those are looked at on their host, and their items are made by nobody else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WipLockRequested {
    /// The item.
    pub item: ItemId,
    /// Whose pod.
    pub pod: PodName,
    /// The stage that it enters.
    pub stage: StageName,
    /// What it is.
    #[serde(rename = "type")]
    pub item_type: ItemType,
    /// Who owns it.
    pub owner: PersonName,
    /// Who takes part beside the owner.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub involved: BTreeSet<PersonName>,
    /// The environment that it deploys to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<EnvironmentName>,
    /// The AWS account that it deploys to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    /// Whether it takes the expedite lane.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub expedite: bool,
    /// How long the lease is to last, in seconds; the default of limits.yaml without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_seconds: Option<u32>,
    /// Who asks: the holder of the lease.
    pub requested_by: PersonName,
}

/// An item has its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WipLockAcquired {
    /// The item.
    pub item: ItemId,
    /// Who holds the lease.
    pub holder: PersonName,
    /// Whose pod.
    pub pod: PodName,
    /// What the item is.
    #[serde(rename = "type")]
    pub item_type: ItemType,
    /// What renewal and release must name.
    pub fence: Fence,
    /// Everywhere it counts.
    pub scopes: BTreeSet<Scope>,
    /// Since when.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub since: Timestamp,
    /// Until when, unless it is renewed.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub expires_at: Timestamp,
    /// Whether it waited and was served because a place became free.
    pub handed_over: bool,
    /// How long it waited, in seconds; absent when it did not wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waited_seconds: Option<u64>,
    /// The limits that it stands above: scopes that only warn, and those that an expedited item passes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exceeded: Vec<ExceededScope>,
    /// The pull request that the item is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<ChangeRef>,
}

/// A scope with more leases than its limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExceededScope {
    /// Which.
    pub scope: Scope,
    /// How many it may hold.
    pub limit: u32,
    /// How many it holds, this one among them.
    pub active: u32,
}

/// An item gave its place back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WipLockReleased {
    /// The item.
    pub item: ItemId,
    /// Who held the lease.
    pub holder: PersonName,
    /// Whose pod.
    pub pod: PodName,
    /// The lease that ended.
    pub fence: Fence,
    /// Everywhere it counted.
    pub scopes: BTreeSet<Scope>,
    /// How long it was held, in seconds.
    pub held_seconds: u64,
    /// Who gave it back; absent when Penstock did, because the work had ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<PersonName>,
    /// The pull request that the item is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<ChangeRef>,
}

/// A lease came to its end without being renewed or given back; its place is free.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WipLockExpired {
    /// The item.
    pub item: ItemId,
    /// Who held the lease.
    pub holder: PersonName,
    /// Whose pod.
    pub pod: PodName,
    /// The lease that ended.
    pub fence: Fence,
    /// Everywhere it counted.
    pub scopes: BTreeSet<Scope>,
    /// How long it was held, in seconds.
    pub held_seconds: u64,
    /// When it came to its end, which is before it was noticed.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub expired_at: Timestamp,
    /// The pull request that the item is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<ChangeRef>,
}

/// Why an item gets no place, however much room there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefusedCause {
    /// people.yaml does not list who opened it: nobody stands for it.
    UnknownAuthor,
    /// limits.yaml has no rule for a scope that it would count in.
    NoRule,
    /// What was asked for cannot be, or whoever is named may not ask for it.
    NotAdmissible,
    /// It has its place as something else (another pod, stage, type, owner): asked for so it would not count in these scopes.
    HeldOtherwise,
}

/// An item gets no place: a pull request until the governance files say more, told at each look in the same words, as nothing remembers it
/// here; or what a WIP Lock Requested asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WipLockRefused {
    /// The item.
    pub item: ItemId,
    /// Why.
    pub cause: RefusedCause,
    /// The host's id of the author whom nobody knows; absent when the account is gone, and with another cause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<HostAccount>,
    /// The scopes without a rule, or in which it would not count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<Scope>,
    /// Everything that is wrong with the request, a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// The pull request that the item is; absent for a request from the bus.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<ChangeRef>,
}

/// Why a limit is reported as reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExceededCause {
    /// An item waits: there is no room for it.
    Waiting,
    /// An item was admitted above the limit: the scope only warns, or the item is expedited.
    AdmittedOver,
    /// The limit was lowered below what is in progress.
    LimitLowered,
}

/// A limit is reached: an item waits for it, or more is in progress than it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WipLimitExceeded {
    /// Why it is reported.
    pub cause: ExceededCause,
    /// The scopes, each with who is there.
    pub full: Vec<FullScope>,
    /// The item that waits or was admitted; absent when a limit was lowered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<ItemId>,
    /// Who asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<PersonName>,
    /// Whose pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<PodName>,
    /// Its place in the queue, when it waits and has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<TicketTold>,
    /// The pull request that the item is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<ChangeRef>,
}

/// A place in the queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TicketTold {
    /// Its number: the lowest is served first.
    pub number: Fence,
    /// How many stand there from the head of the queue to this one, itself counted; the highest over its scopes.
    pub position: u32,
    /// Until when it counts, unless it is asked for again.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub expires_at: Timestamp,
}

/// A scope without room, and who is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FullScope {
    /// Which.
    pub scope: Scope,
    /// How many it may hold.
    pub limit: u32,
    /// How many it holds.
    pub active: u32,
    /// Who holds them, the longest first; at most [`MAX_HOLDERS_TOLD`].
    pub holders: Vec<Holding>,
    /// How many holders did not fit.
    #[serde(default)]
    pub holders_omitted: u32,
}

/// One lease as others see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Holding {
    /// The item.
    pub item: ItemId,
    /// Who holds it.
    pub holder: PersonName,
    /// Since when.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub since: Timestamp,
}

/// Scopes that were full have room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WipCapacityAvailable {
    /// Which.
    pub scopes: BTreeSet<Scope>,
    /// The item that the place was handed to; absent when nobody waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<ItemId>,
}

/// Why a limit changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LimitCause {
    /// A person set it.
    Person,
    /// The governance files say another.
    Governance,
    /// What a person had set ran out.
    Expiry,
}

/// A scope has another limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WipLimitChanged {
    /// Which scope.
    pub scope: Scope,
    /// The limit before.
    pub from: u32,
    /// The limit now.
    pub to: u32,
    /// Why.
    pub cause: LimitCause,
    /// Who set it, when a person did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<PersonName>,
    /// The person's reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Until when it holds, when that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub until: Option<Timestamp>,
}

impl WipLockRequested {
    /// What the item's scopes follow from.
    pub fn work(&self) -> Work {
        Work {
            item: self.item.clone(),
            pod: self.pod.clone(),
            stage: self.stage.clone(),
            item_type: self.item_type,
            owner: self.owner.clone(),
            involved: self.involved.clone(),
            environment: self.environment.clone(),
            account: self.account.clone(),
            expedite: self.expedite,
        }
    }
}
