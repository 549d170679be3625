//! What happened to leases, tickets and limits: what the events, the metrics and the words are made of.

use jiff::Timestamp;

use super::{
    scope::{ItemType, Scope},
    state::{Fence, Lease, Ticket},
};
use crate::domain::id::{ItemId, PersonName};

/// One thing that happened, in the same transaction as the rows' change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// An item got a place.
    Acquired {
        /// Which.
        item: ItemId,
        /// What it is.
        item_type: ItemType,
        /// What it got.
        lease: Lease,
        /// Its ticket, when it waited: then the place was handed to it.
        waited: Option<Ticket>,
        /// Where more is in progress now than the limit says: limits that only warn.
        over: Vec<Over>,
    },
    /// A place was given back.
    Released {
        /// By which item.
        item: ItemId,
        /// What it held.
        lease: Lease,
        /// Who gave it back; nobody when Penstock did, because the work had ended.
        by: Option<PersonName>,
    },
    /// A lease came to its end without a release.
    Expired {
        /// Whose.
        item: ItemId,
        /// What it held.
        lease: Lease,
    },
    /// An item must wait. Told once, when it gets its ticket.
    Waits {
        /// Which.
        item: ItemId,
        /// Its place in the queue.
        ticket: Ticket,
        /// The scopes that have no room.
        full: Vec<Scope>,
    },
    /// A limit is another one.
    LimitChanged {
        /// Of which scope.
        scope: Scope,
        /// What it was.
        from: u32,
        /// What it is.
        to: u32,
        /// Why.
        cause: LimitCause,
    },
    /// More is in progress than a limit allows because the limit was lowered. Nobody is evicted. Told once, at the change.
    LimitBelowUse {
        /// Where.
        over: Over,
    },
}

/// A scope with more in progress than its limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Over {
    /// Which.
    pub scope: Scope,
    /// Its limit.
    pub limit: u32,
    /// How many leases are live.
    pub active: usize,
}

/// Why a limit changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LimitCause {
    /// The governance files say another number.
    Governance,
    /// A person's limit ran out.
    Expiry,
    /// A person set it.
    Person {
        /// Who.
        by: PersonName,
        /// Why.
        reason: String,
        /// Until when; without it until the governance files change.
        until: Option<Timestamp>,
    },
}

impl Fact {
    /// Under which name it is counted; changes of limits are not.
    pub fn metric(&self) -> Option<&'static str> {
        match self {
            Self::Acquired { .. } => Some("WIPAcquired"),
            Self::Released { .. } => Some("WIPReleased"),
            Self::Expired { .. } => Some("WIPExpired"),
            Self::Waits { .. } => Some("WIPLimitExceeded"),
            Self::LimitChanged { .. } | Self::LimitBelowUse { .. } => None,
        }
    }

    /// What names it among all facts: the same for every attempt to write it.
    pub fn identity(&self) -> Vec<String> {
        let of = |what: &str, item: &ItemId, number: Fence| vec![what.to_owned(), item.to_string(), number.to_string()];
        match self {
            Self::Acquired { item, lease, .. } => of("acquired", item, lease.fence),
            Self::Released { item, lease, .. } => of("released", item, lease.fence),
            Self::Expired { item, lease } => of("expired", item, lease.fence),
            Self::Waits { item, ticket, .. } => of("waits", item, ticket.number),
            Self::LimitChanged { scope, from, to, .. } => {
                vec!["limit".into(), scope.to_string(), from.to_string(), to.to_string()]
            }
            Self::LimitBelowUse { over } => vec!["below-use".into(), over.scope.to_string(), over.limit.to_string()],
        }
    }
}
