//! May this run of a cluster's pipeline go on to deploy: the gate that is the first action of Deploy.
//!
//! [`decide`] is a function of what was read at the moment of the decision: the environment's rules (`environments.yaml`), who
//! approved this very run, which holds stand, whether the commit proved itself in the environment before. It answers with
//! everything that is missing, who can clear each, and when the run could go on at the earliest.
//!
//! The gate is asked before a run deploys. A hold or a freeze that begins later does not stop it half-way: infrastructure that is
//! half applied is worse than either of its ends. It keeps every run that has not passed its gate.

mod alarm;
mod approval;
pub mod command;
mod freeze;
mod gate;
mod hold;
pub mod link;
mod precedent;
mod quorum;
mod rules;
mod told;
mod unmet;

pub use self::{
    alarm::{AlarmRecord, AlarmState, StateChange, Unwatched, Watched},
    approval::{Answer, Approval, Authors},
    command::Command,
    freeze::{Edge, Freeze, WEEKDAYS},
    gate::{Certificate, Decision, Facts, Run, Verdict, counts, decide},
    hold::{Hold, HoldScope, Lifted},
    link::{BadLink, Link, LinkKey},
    precedent::{PastRun, Precedent, RunState},
    quorum::Quorum,
    rules::{Promotion, Rules},
    told::Told,
    unmet::{Clearing, Unmet},
};

#[cfg(test)]
mod tests;
