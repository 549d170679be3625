//! **Purpose.** Makes delivery complete, so that nothing depends on one event arriving: GitHub never repeats a webhook that failed, and
//! whatever is published may be lost on its way.
//!
//! **Wakes on** its schedule, each five minutes, and on direct calls, which ask what became of deliveries, and send parked messages to
//! their function again. **Emits** Branch Pushed, for a branch that moved and that nobody heard of.
//!
//! **Idempotent by** what is there already: a redelivery carries the id of the first delivery, which intake knows; the event of a gap is
//! written in one transaction with the row that remembers the head; an outbox row that is touched is the same event; what is redriven
//! twice, its function does once.
//!
//! **Fails how.** Each of its three parts is tried whatever the others did and however long they took, and each branch whatever the others
//! did; the first failure is the answer, so that the message comes again. Only a branch that cannot be read until somebody mends something
//! is no failure of the message. `DeliveriesFailing` counts webhooks that failed and can still arrive, `OutboxStuck` events that wait for
//! the bus, `BranchesUnread` branches that could not be looked at: each has an alarm.
//!
//! | file | what |
//! |---|---|
//! | [`handler`] | one sweep: the three parts |
//! | [`outbox`] | touches rows that the relay has not published |
//! | [`deliveries`] | reads GitHub's list of attempts, asks for failed ones again |
//! | [`branches`] | compares heads with what was seen, and fills gaps |
//! | [`call`] | direct calls and their answers |
//! | [`asking`] | what the ledger of deliveries says |
//! | [`redrive`] | what is parked, and sending it again |
//!
//! What is asked for, and what is a gap, is decided in `common::domain::sweep`; what becomes of a parked message in `common::domain::ledger`.

pub use crate::handler::DeliverySweeper;
#[cfg(feature = "lambda")]
pub use crate::manifest::MANIFEST;

pub mod asking;
pub mod branches;
pub mod call;
pub mod deliveries;
pub mod handler;
pub mod outbox;
pub mod redrive;

#[cfg(feature = "lambda")]
mod manifest;
#[cfg(feature = "lambda")]
pub mod wiring;
