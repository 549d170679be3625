//! What wakes the function beside its API: the sweep, at the local times of the schedule and every five minutes.

use common::{
    domain::{
        governance::Governance,
        id::{CorrelationId, quoted},
    },
    fault::Fault,
    ports::{
        CertificateRecords, ClusterRecords, Forge, ItemRows, Patience, Pause, RhythmChange, RhythmRows, RunGates,
        RunRows, SaidCommitted, WipRows,
    },
};

/// Everything that it reads and writes.
pub trait Rows: RhythmRows + ItemRows + WipRows + RunRows + ClusterRecords + CertificateRecords {}
impl<R: RhythmRows + ItemRows + WipRows + RunRows + ClusterRecords + CertificateRecords> Rows for R {}

/// The function and everything outside that it uses.
pub struct DailyUnblock<R, G, F, C> {
    /// The table.
    pub rows: R,
    /// Runs of the clusters' pipelines.
    pub gates: G,
    /// Where changes are.
    pub host: F,
    /// Now, and waiting.
    pub clock: C,
    /// The files that the control plane runs by.
    pub governance: Governance,
}

impl<R: Rows, G: RunGates, F: Forge, C: Pause> DailyUnblock<R, G, F, C> {
    /// Handles a schedule.
    ///
    /// # Errors
    /// `Retry` when something that was due could not be written: the rest was tried all the same. `Bug` for a schedule that there is not.
    pub async fn schedule(&self, name: &str) -> Result<(), Fault> {
        let now = self.clock.now();
        let cause = CorrelationId::derived(["daily-unblock", name, &now.to_string()]);
        match name {
            // A post that fails keeps nobody from being told, and the other way round.
            "sweep" => {
                let told = self.escalate(now, &cause).await;
                // On the heap: what reads every source is a large future.
                told.and(Box::pin(self.post(now, &cause)).await)
            }
            other => Err(Fault::bug(format!("daily-unblock has no schedule {}", quoted(other, 80)))),
        }
    }

    /// Writes one thing; again while others are at the same chain. Answers whether it was new.
    ///
    /// # Errors
    /// `Retry` when the outcome is not known, or others were at the chain all the time.
    pub(crate) async fn remember(&self, change: &RhythmChange) -> Result<bool, Fault> {
        let mut patience = Patience::new(&self.clock);
        loop {
            match self.rows.commit_rhythm(change).await? {
                SaidCommitted::Done => return Ok(true),
                SaidCommitted::Already => return Ok(false),
                SaidCommitted::Conflict if patience.again().await => {}
                SaidCommitted::Conflict => {
                    return Err(Fault::retry(format!("writing to the chain of {}", change.entry.subject)));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
