//! One sweep: three parts, each tried whatever the others did.

use common::{
    domain::{governance::Governance, id::quoted},
    fault::Fault,
    ports::{Clock, Deliveries, Forge, SweepRows},
};

/// The function and everything outside that it uses.
pub struct DeliverySweeper<R, H, C> {
    /// The table.
    pub rows: R,
    /// The source host: its deliveries and its branches.
    pub host: H,
    /// Now.
    pub clock: C,
    /// The files that the control plane runs by.
    pub governance: Governance,
}

impl<R: SweepRows, H: Deliveries + Forge, C: Clock> DeliverySweeper<R, H, C> {
    /// Handles a schedule.
    ///
    /// # Errors
    /// The first part's that failed, after all were tried; `Bug` for a schedule that there is not.
    pub async fn schedule(&self, name: &str) -> Result<(), Fault> {
        if name != "sweep" {
            return Err(Fault::bug(format!("delivery-sweeper has no schedule {}", quoted(name, 80))));
        }
        // What is ours first: it depends on nobody else.
        let outbox = logged("touching the outbox", Box::pin(self.touch_outbox()).await);
        let deliveries = logged("redelivering", Box::pin(self.redeliver()).await);
        let branches = logged("comparing branches", Box::pin(self.compare_branches()).await);
        outbox.and(deliveries).and(branches)
    }
}

/// Only the first failure is the answer, so each has its line.
fn logged(part: &'static str, result: Result<(), Fault>) -> Result<(), Fault> {
    if let Err(fault) = &result {
        tracing::error!(part, fault = fault.chain(), "a part of the sweep failed");
    }
    result
}

/// A gauge for CloudWatch.
pub(crate) fn measure(name: &'static str, value: usize) {
    tracing::info!(target: "metric", name, value = u64::try_from(value).unwrap_or(u64::MAX));
}

#[cfg(test)]
mod tests;
