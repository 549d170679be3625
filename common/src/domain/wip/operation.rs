//! Every way in which a scope's row may change, each with the condition under which it may.
//!
//! This is what the table does, said once: the adapter writes each of these as an update with a condition, the fake and the model
//! run them as they stand here, and one suite holds the two together. All operations of a request are one transaction.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::scope::Scope;
use super::state::{Fence, Lease, MAX_TICKETS, ScopeState, Ticket, note_release};
use crate::domain::id::{Digest, ItemId, PersonName};

/// One change of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Takes a place without having read the row: there is room, nobody waits, the limit is the file's or a person's without an end,
    /// under this governance bundle, and the fence rises.
    Admit {
        /// Who.
        item: ItemId,
        /// What it gets.
        lease: Lease,
        /// The governance bundle in force.
        digest: Digest,
    },
    /// Takes a ticket in a row that was read, and may be another by now: the limit is still that one, and the row is full still. That
    /// somebody waits there would not be enough: who is before may wait for another scope, and the room be nobody's.
    Queue {
        /// Who.
        item: ItemId,
        /// What it gets.
        ticket: Ticket,
        /// The governance bundle of the limit that was read.
        digest: Digest,
        /// Until when that limit is good, when a person set it with an end.
        until: Option<Timestamp>,
        /// Whether nobody waited there: then nobody may still, else somebody must.
        first: bool,
    },
    /// Takes a ticket whatever the row says of room: after conflicts that lasted too long. The next sweep serves it.
    QueueRegardless {
        /// Who.
        item: ItemId,
        /// What it gets.
        ticket: Ticket,
        /// As in `Queue`.
        first: bool,
    },
    /// Moves a ticket's expiry, when it is still the ticket that was read.
    KeepTicket {
        /// Whose.
        item: ItemId,
        /// What was read.
        ticket: Ticket,
        /// Until when.
        expires_at: Timestamp,
    },
    /// Moves a lease's expiry, when it is still the lease that was read.
    Renew {
        /// Whose.
        item: ItemId,
        /// What was read: a live lease.
        lease: Lease,
        /// Until when.
        expires_at: Timestamp,
    },
    /// Gives a live place back, while nobody waits.
    Release {
        /// Whose.
        item: ItemId,
        /// Which.
        fence: Fence,
        /// Whose lease it is, and all its scopes: who names others than those would leave a part of it behind, or tell of
        /// somebody else's. Both must be the lease's own.
        holder: PersonName,
        /// See `holder`.
        scopes: BTreeSet<Scope>,
    },
    /// Writes the whole row, when it is still the one that was read.
    Replace {
        /// The row's number when it was read; 0 when there was no row.
        seen: Fence,
        /// What is to stand there.
        row: Box<ScopeState>,
    },
}

impl Operation {
    /// Whether the condition holds for this row at this moment. A row that does not exist is [`ScopeState::absent`].
    pub fn holds(&self, row: &ScopeState, now: Timestamp) -> bool {
        match self {
            Self::Admit { item, lease, digest } => {
                row.exists()
                    && row.digest.as_ref() == Some(digest)
                    && row.until().is_none()
                    && row.fence < lease.fence
                    && !row.leases.contains_key(item)
                    && row.tickets.is_empty()
                    && row.leases.len() < row.limit as usize
            }
            Self::Queue { item, digest, until, first, .. } => {
                row.exists()
                    && row.digest.as_ref() == Some(digest)
                    && row.until() == *until
                    && may_queue(row, item, *first)
                    && row.leases.len() >= row.limit as usize
            }
            Self::QueueRegardless { item, first, .. } => row.exists() && may_queue(row, item, *first),
            Self::KeepTicket { item, ticket, .. } => row.tickets.get(item) == Some(ticket),
            Self::Renew { item, lease, .. } => row.leases.get(item) == Some(lease),
            Self::Release { item, fence, holder, scopes } => {
                let own = |lease: &Lease| lease.fence == *fence && lease.holder == *holder && lease.scopes == *scopes;
                row.lease(item, now).is_some_and(own) && row.tickets.is_empty()
            }
            Self::Replace { seen, .. } => row.fence == *seen,
        }
    }

    /// Whether it makes a row that does not exist yet.
    pub fn creates(&self) -> bool {
        matches!(self, Self::Replace { seen: Fence(0), .. })
    }

    /// The row after it. Only for a row for which it [`holds`](Self::holds).
    #[must_use]
    pub fn apply(&self, mut row: ScopeState, now: Timestamp) -> ScopeState {
        match self {
            Self::Admit { item, lease, .. } => {
                row.leases.insert(item.clone(), lease.clone());
                return ScopeState { fence: lease.fence, ..row };
            }
            Self::Queue { item, ticket, .. } | Self::QueueRegardless { item, ticket, .. } => {
                row.tickets.insert(item.clone(), ticket.clone());
            }
            Self::KeepTicket { item, expires_at, .. } => {
                if let Some(ticket) = row.tickets.get_mut(item) {
                    ticket.expires_at = *expires_at;
                }
            }
            Self::Renew { item, expires_at, .. } => {
                if let Some(lease) = row.leases.get_mut(item) {
                    lease.expires_at = *expires_at;
                }
            }
            Self::Release { item, fence, .. } => {
                row.leases.remove(item);
                note_release(&mut row.releases, *fence, now);
            }
            Self::Replace { row: after, .. } => {
                // Leases that are given with it have higher numbers already.
                let fence = row.fence.next().max(after.fence);
                return ScopeState { fence, ..ScopeState::clone(after) };
            }
        }
        row.fence = row.fence.next();
        row
    }
}

fn may_queue(row: &ScopeState, item: &ItemId, first: bool) -> bool {
    !row.leases.contains_key(item)
        && !row.tickets.contains_key(item)
        && row.tickets.is_empty() == first
        && row.tickets.len() < MAX_TICKETS
}
