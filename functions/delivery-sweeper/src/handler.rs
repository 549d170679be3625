//! One sweep: three parts, each tried whatever the others did; and direct calls.
//!
//! Whatever the others did: also when one of them takes long. Each part stops by the clock, so that a slow host leaves time for what is
//! behind it; what is left is with the next sweep. A call that is under way then still takes its own limit: 20 s at a source host, 7 s at
//! the table.

use common::{
    domain::{governance::Governance, id::quoted},
    fault::Fault,
    ports::{Clock, DeadLetters, Deliveries, Forge, LedgerRows, SweepRows},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::call::{Answer, Call};

/// How long a sweep touches the outbox.
const OUTBOX: SignedDuration = SignedDuration::from_secs(30);

/// How long it is about GitHub's deliveries.
const DELIVERIES: SignedDuration = SignedDuration::from_secs(90);

/// From the sweep's beginning until when it begins to look at another branch: what is under way then ends within the function's timeout.
pub(crate) const SWEEP: SignedDuration = SignedDuration::from_secs(240);

/// The function and everything outside that it uses.
pub struct DeliverySweeper<R, H, C, Q> {
    /// The table.
    pub rows: R,
    /// The source host: its deliveries and its branches.
    pub host: H,
    /// The queues of every function, for what is parked there.
    pub queues: Q,
    /// Now.
    pub clock: C,
    /// The files that the control plane runs by.
    pub governance: Governance,
}

impl<R: SweepRows + LedgerRows, H: Deliveries + Forge, C: Clock, Q: DeadLetters> DeliverySweeper<R, H, C, Q> {
    /// Handles a schedule.
    ///
    /// # Errors
    /// The first part's that failed, after all were tried; `Bug` for a schedule that there is not.
    pub async fn schedule(&self, name: &str) -> Result<(), Fault> {
        if name != "sweep" {
            return Err(Fault::bug(format!("delivery-sweeper has no schedule {}", quoted(name, 80))));
        }
        let end = later(self.clock.now(), SWEEP);
        // What is ours first: it depends on nobody else.
        let until = later(self.clock.now(), OUTBOX);
        let outbox = logged("touching the outbox", Box::pin(self.touch_outbox(until)).await);
        let until = later(self.clock.now(), DELIVERIES);
        let deliveries = logged("redelivering", Box::pin(self.redeliver(until)).await);
        let branches = logged("comparing branches", Box::pin(self.compare_branches(end)).await);
        outbox.and(deliveries).and(branches)
    }
}

impl<R: SweepRows + LedgerRows, H: Deliveries + Forge, C: Clock, Q: DeadLetters> DeliverySweeper<R, H, C, Q> {
    /// Answers a direct call.
    ///
    /// # Errors
    /// `Reject` when it cannot be understood, or is about nothing that is known; else those of what it asks for.
    pub async fn call(&self, call: Value) -> Result<Answer, Fault> {
        match Call::parse(call)? {
            Call::Delivery(delivery) => Ok(Answer::Delivery(self.asked_of_delivery(&delivery).await?)),
            Call::Event(event) => Ok(Answer::Event(self.asked_of_event(event).await?)),
            Call::Period(period) => Ok(Answer::Period(self.asked_of_period(period).await?)),
            Call::Redrive(redrive) => Ok(Answer::Redrive(self.redrive(redrive).await?)),
        }
    }
}

/// Only the first failure is the answer, so each has its line.
fn logged(part: &'static str, result: Result<(), Fault>) -> Result<(), Fault> {
    if let Err(fault) = &result {
        tracing::error!(part, fault = fault.chain(), "a part of the sweep failed");
    }
    result
}

pub(crate) fn later(now: Timestamp, time: SignedDuration) -> Timestamp {
    now.saturating_add(time).unwrap_or(Timestamp::MAX)
}

/// A gauge for CloudWatch.
pub(crate) fn measure(name: &'static str, value: usize) {
    tracing::info!(target: "metric", name, value = u64::try_from(value).unwrap_or(u64::MAX));
}

#[cfg(test)]
mod tests;
