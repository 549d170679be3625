//! Journeys end to end over the in-memory world: the real handlers, faults at every call, and the pains of the system that
//! this one replaces. A test that stands for a row of the pain table says so in its name or first line.

pub(crate) use tests::journey::fleet;

mod change;
mod codecommit;
mod drift;
mod faults;
mod fence;
mod gaps;
mod jobs;
mod ledger;
mod limits;
mod pains;
mod push;
mod strangers;
mod teardown;
mod triggers;
