//! Limits on work in progress that hold by construction.
//!
//! Each place where a limit applies is a [`Scope`] with one row ([`ScopeState`]) that carries the limit, the leases and the tickets,
//! so there is no counter that could drift from what it counts. A request's scopes follow from what the item is ([`Work`]) and are
//! never sent. One transaction over the rows of all its scopes admits it or changes nothing.
//!
//! | module | what it knows |
//! |---|---|
//! | [`scope`] | where limits apply, and which of them to an item |
//! | [`limits`] | `limits.yaml`: which number, which mode |
//! | [`state`] | a scope's row: limit, leases, tickets |
//! | [`vet`] | whether an item names people, pods and places that there are |
//! | [`settle`] | who is next: the one function that every slow way ends in |
//! | [`admission`] | may this item begin, or must it wait |
//! | [`transfer`] | may an item's work go on elsewhere, in another stage: its place goes with it |
//! | [`holding`] | renewal, release, a person's limit, the sweep |
//! | [`explain`] | why an item waits, in words, and for how long |
//! | [`repair`] | rows that a restored table or an edit by hand left inconsistent |
//! | [`fact`] | what happened |
//! | [`operation`] | every way in which a row may change, with the condition that guards it |
//!
//! The rules:
//! - **Room.** A scope has room while it holds fewer live leases than its limit. A lease is live until it expires, to the
//!   millisecond; expiry is compared here and never left to the table's garbage collection.
//! - **Order.** Tickets are served by number. A ticket that another of its scopes blocks keeps its place and is passed; a ticket that
//!   nothing blocks is passed by nobody. So the lowest ticket with room in all its scopes is always the next.
//! - **Fences.** A lease's fence is made before the call from the clock, above every fence that its scopes have given. Renewal and
//!   release name it; one that is not the present lease's, or comes after expiry, changes nothing.
//! - **Moves.** An item whose work goes on elsewhere keeps what it has until all that it newly enters has room; then one transaction
//!   puts one lease in the place of the other. Until then it waits like everybody, and what comes free is kept for it.
//! - **Limits.** Lowering one evicts nobody, and admits nobody until enough leases have ended.

pub mod admission;
pub mod explain;
pub mod fact;
pub mod holding;
pub mod limits;
pub mod operation;
pub mod repair;
pub mod scope;
pub mod settle;
pub mod state;
pub mod transfer;
pub mod vet;

pub use scope::{ItemType, Scope, Work};
pub use state::{Fence, Lease, ScopeState, Ticket};

#[cfg(test)]
mod tests;
