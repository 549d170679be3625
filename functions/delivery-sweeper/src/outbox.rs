//! Events that were committed and not published: their rows are touched, and the stream brings them to the relay once more. Nothing is
//! published from here.

use common::{
    fault::Fault,
    ports::{Clock, DeadLetters, Deliveries, Forge, LedgerRows, SweepRows},
};
use jiff::{SignedDuration, Timestamp};

use crate::handler::{DeliverySweeper, measure};

/// How old an event is before its row is touched. The relay publishes within a second; Lambda repeats what it could not for longer than
/// this, and both may happen: the relay asks whether a row is still there.
const AGE: SignedDuration = SignedDuration::from_secs(60);

/// How many rows one sweep touches, the oldest first: a bus that is back is not flooded, and the next sweep goes on.
const ROWS: usize = 1_000;

impl<R: SweepRows + LedgerRows, H: Deliveries + Forge, C: Clock, Q: DeadLetters> DeliverySweeper<R, H, C, Q> {
    /// Touches rows that are older than a minute, until a moment: what was not touched is with the next sweep.
    ///
    /// # Errors
    /// `Retry` when the table did not answer.
    pub(crate) async fn touch_outbox(&self, until: Timestamp) -> Result<(), Fault> {
        let now = self.clock.now();
        let stuck = self.rows.stuck(now.saturating_sub(AGE).unwrap_or(Timestamp::MIN)).await?;
        measure("OutboxStuck", stuck.len());
        for (done, event) in stuck.iter().take(ROWS).enumerate() {
            if self.clock.now() >= until {
                tracing::warn!(done, of = stuck.len(), "the table is slow: the next sweep touches the other events");
                break;
            }
            let there = self.rows.touch(&event.event_id, now).await?;
            let (event_id, since) = (&event.event_id, event.occurred_at);
            tracing::warn!(%event_id, %since, there, "an event waits in the outbox: its row was touched");
        }
        Ok(())
    }
}
