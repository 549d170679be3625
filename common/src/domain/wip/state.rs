//! A scope's row: what is in progress there, who waits, under which limit.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    limits::{Limits, Rule},
    scope::{ItemType, Scope},
};
use crate::domain::id::{Digest, ItemId, PersonName, PodName};

/// The most leases in a scope, so that its row stays far below the 400 KB that DynamoDB takes: also the highest limit.
pub const MAX_LEASES: usize = 100;

/// The most tickets in a scope, for the same reason. Beyond, a request is refused without a ticket.
pub const MAX_TICKETS: usize = 500;

/// The most bytes of leases and tickets with which a row still takes a ticket: DynamoDB's item ends at 400 KB.
const MAX_ROW_BYTES: usize = 300_000;

/// How many releases a scope remembers, for the estimate of how long a ticket waits.
pub const REMEMBERED_RELEASES: usize = 32;

/// What makes a holder's word good: the lease's number, above every number that its scopes gave before.
///
/// It is microseconds since 1970 at the time of asking, or one more than the highest that was seen, whichever is higher: so it rises
/// even when clocks step back. It stays below 2^53, so that JSON numbers hold it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Fence(pub u64);

/// A place that is taken.
///
/// An item has one in the portfolio's row and wherever else its work counts: its main lease. One without the portfolio is a
/// *reservation*: a place that was kept for an item that is to move there, and that its next [`transfer`](super::transfer::transfer) joins to
/// the main lease. It counts beside an older main lease only.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Lease {
    /// Renewal and release must name it.
    pub fence: Fence,
    /// Who asked for it.
    pub holder: PersonName,
    /// Whose work it is: what a fair share is measured by.
    pub pod: PodName,
    /// Since when.
    pub since: Timestamp,
    /// From this moment the place is free for the next one.
    pub expires_at: Timestamp,
    /// Everywhere it is held: the same in all of them.
    pub scopes: BTreeSet<Scope>,
}

/// A place in the queue: it holds nothing. It stands in every scope that keeps the item from beginning.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Ticket {
    /// Made as a fence is, when the item first asked; the lowest is served first.
    pub number: Fence,
    /// Who asked.
    pub holder: PersonName,
    /// Whose work it is.
    pub pod: PodName,
    /// What the item is: for who is told that it was served.
    pub item_type: ItemType,
    /// Since when it waits.
    pub since: Timestamp,
    /// From this moment it counts no more; asking again moves it.
    pub expires_at: Timestamp,
    /// How long the lease will last, in seconds, once it is served.
    pub ttl_seconds: u32,
    /// All the scopes that the item needs; for one that is to move, those that it does not have yet.
    pub scopes: BTreeSet<Scope>,
}

/// A limit that a person set in place of the file's.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Override {
    /// Why.
    pub reason: String,
    /// Who.
    pub by: PersonName,
    /// Until when; without it, until the governance files change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// One scope.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ScopeState {
    /// Which.
    pub scope: Scope,
    /// The highest number so far, of a lease that was given here or of a write: each write raises it, so compare-and-set goes by it
    /// too. 0 while the row does not exist.
    pub fence: Fence,
    /// The limit that the row's conditions compare with.
    pub limit: u32,
    /// The governance bundle that the limit comes from, or that was in force when a person set it.
    pub digest: Option<Digest>,
    /// Set while the limit is a person's, not the file's.
    pub overridden: Option<Override>,
    /// What is in progress, by item. An expired lease may still stand here.
    pub leases: BTreeMap<ItemId, Lease>,
    /// Who waits, by item. An expired ticket may still stand here.
    pub tickets: BTreeMap<ItemId, Ticket>,
    /// When the last leases ended, as epoch seconds, in no order: a ring of [`REMEMBERED_RELEASES`].
    pub releases: Vec<i64>,
    /// `false` for a row that is there and cannot be read: it gives no place, takes no ticket, and is never written.
    pub readable: bool,
}

impl Fence {
    /// The number for a request made now, above `highest`.
    pub fn after(now: Timestamp, highest: Self) -> Self {
        Self(u64::try_from(now.as_microsecond()).unwrap_or_default().max(highest.0.saturating_add(1)))
    }

    /// The next number: what a write that gives no lease leaves behind.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// Where in the ring of releases the end of this lease is noted: spread by a multiplication, because fences are times, and many
    /// clocks tick in round numbers.
    pub fn slot(self) -> usize {
        (self.0.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize % REMEMBERED_RELEASES
    }
}

impl fmt::Display for Fence {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(to)
    }
}

impl Lease {
    fn size(&self, item: &ItemId) -> usize {
        size(item, &self.holder, &self.scopes)
    }

    /// Whether the place is taken at this moment.
    pub fn is_live(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }

    /// Whether it is only kept for an item that holds its lease elsewhere.
    pub fn is_reservation(&self) -> bool {
        !self.scopes.contains(&Scope::Portfolio)
    }
}

impl Ticket {
    fn size(&self, item: &ItemId) -> usize {
        size(item, &self.holder, &self.scopes)
    }

    /// Whether the ticket counts at this moment.
    pub fn is_live(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }

    /// Whether an item waits with it that holds its lease elsewhere, and is to move.
    pub fn is_reservation(&self) -> bool {
        !self.scopes.contains(&Scope::Portfolio)
    }

    /// The lease that this ticket becomes.
    pub fn served(&self, fence: Fence, now: Timestamp) -> Lease {
        Lease {
            fence,
            holder: self.holder.clone(),
            pod: self.pod.clone(),
            since: now,
            expires_at: now
                .saturating_add(SignedDuration::from_secs(self.ttl_seconds.into()))
                .unwrap_or(Timestamp::MAX),
            scopes: self.scopes.clone(),
        }
    }
}

impl ScopeState {
    /// A scope whose row does not exist yet.
    pub fn absent(scope: Scope) -> Self {
        Self {
            scope,
            fence: Fence::default(),
            limit: 0,
            digest: None,
            overridden: None,
            leases: BTreeMap::new(),
            tickets: BTreeMap::new(),
            releases: Vec::new(),
            readable: true,
        }
    }

    /// A scope whose row is there and cannot be read: closed, so that a decision over its neighbours goes on without it.
    pub fn unreadable(scope: Scope) -> Self {
        Self { readable: false, ..Self::absent(scope) }
    }

    /// Whether the row exists.
    pub fn exists(&self) -> bool {
        self.fence > Fence::default()
    }

    /// Until when a person's limit is good, when it ends by itself.
    pub fn until(&self) -> Option<Timestamp> {
        self.overridden.as_ref().and_then(|set| set.until)
    }

    /// Whether the row's limit is the one in force: it was written under these governance files, and a person's has not run out.
    pub fn is_current(&self, digest: &Digest, now: Timestamp) -> bool {
        self.digest.as_ref() == Some(digest) && self.until().is_none_or(|until| now < until)
    }

    /// The limit in force.
    pub fn limit_in_force(&self, limits: &Limits, now: Timestamp) -> u32 {
        if self.is_current(&limits.digest, now) {
            self.limit
        } else {
            limits.rule(&self.scope).unwrap_or(Rule::CLOSED).limit
        }
    }

    /// The leases that hold their place.
    pub fn live_leases(&self, now: Timestamp) -> impl Iterator<Item = (&ItemId, &Lease)> {
        self.leases.iter().filter(move |(_, lease)| lease.is_live(now))
    }

    /// The tickets that count.
    pub fn live_tickets(&self, now: Timestamp) -> impl Iterator<Item = (&ItemId, &Ticket)> {
        self.tickets.iter().filter(move |(_, ticket)| ticket.is_live(now))
    }

    /// The item's lease, when it holds its place.
    pub fn lease(&self, item: &ItemId, now: Timestamp) -> Option<&Lease> {
        self.leases.get(item).filter(|lease| lease.is_live(now))
    }

    /// Whether the row can hold one more ticket, or holds this item's already.
    pub fn takes_a_ticket(&self, item: &ItemId) -> bool {
        let sizes = self
            .tickets
            .iter()
            .map(|(item, ticket)| ticket.size(item))
            .chain(self.leases.iter().map(|(item, lease)| lease.size(item)));
        let room = || self.tickets.len() < MAX_TICKETS && sizes.sum::<usize>() < MAX_ROW_BYTES;
        self.tickets.contains_key(item) || (self.readable && room())
    }

    /// The highest number that was given here, to a lease or to a ticket.
    pub fn highest(&self) -> Fence {
        self.tickets.values().map(|ticket| ticket.number).max().unwrap_or_default().max(self.fence)
    }
}

/// About how many bytes an entry takes in a row: its texts, and what stands around them.
fn size(item: &ItemId, holder: &PersonName, scopes: &BTreeSet<Scope>) -> usize {
    let scopes: usize = scopes.iter().map(|scope| scope.to_string().len() + 3).sum();
    200 + item.as_str().len() + holder.as_str().len() + scopes
}

/// Notes when a lease ended. Each fence has its slot, so that a fast update and a compare-and-set do the same.
pub fn note_release(releases: &mut Vec<i64>, fence: Fence, at: Timestamp) {
    match releases.get_mut(fence.slot()) {
        Some(slot) => *slot = at.as_second(),
        None => releases.push(at.as_second()),
    }
}
