//! GitHub's list of attempts, and asking for failed deliveries again. What was asked for, and what was given up, is noted in the ledger.
//!
//! Both stop by the clock. What was asked for stands in GitHub's list, so the next sweep goes on with the others. The list itself is read
//! from the newest each time: whether an old delivery arrived stands in newer attempts, so an old part cannot be judged alone.

use common::{
    domain::{
        id::DeliveryId,
        ledger::{About, Happening, Note},
        sweep::{Attempt, Left, OVERLAP, WINDOW, Why, decide},
    },
    fault::Fault,
    ports::{Clock, DeadLetters, Deliveries, Forge, LedgerRows, SweepRows},
};
use jiff::{SignedDuration, Timestamp};

use crate::handler::{DeliverySweeper, later, measure};

/// How many pages of a hundred attempts one sweep reads. GitHub lets an App ask 5,000 times an hour, for everything.
const PAGES: usize = 60;

/// How long it reads them: what failed is to be asked for, too.
const LISTING: SignedDuration = SignedDuration::from_secs(60);

impl<R: SweepRows + LedgerRows, H: Deliveries + Forge, C: Clock, Q: DeadLetters> DeliverySweeper<R, H, C, Q> {
    /// Reads what is not settled yet, and asks for what failed, until a moment.
    ///
    /// # Errors
    /// `Retry` when the list could not be read, or GitHub stopped answering in between: the next sweep sees what was done.
    pub(crate) async fn redeliver(&self, until: Timestamp) -> Result<(), Fault> {
        let now = self.clock.now();
        // A day of a busy App is too long to read each time: the table says how far back everything is settled.
        let settled = self.rows.settled_before().await?.unwrap_or(Timestamp::MIN);
        let oldest = now.saturating_sub(WINDOW.saturating_add(OVERLAP)).unwrap_or(Timestamp::MIN);
        let (attempts, whole) = self.list(settled.max(oldest), later(now, LISTING).min(until)).await?;
        let plan = decide(&attempts, now);
        measure("DeliveriesFailing", plan.failing());
        measure("DeliveriesGivenUp", plan.given_up());
        let (mut noted, mut stopped, mut asked) = (Ok(()), Ok(()), 0);
        for again in &plan.again {
            if self.clock.now() >= until {
                tracing::warn!(
                    asked,
                    of = plan.again.len(),
                    "GitHub is slow: the next sweep asks for the other deliveries"
                );
                break;
            }
            match self.host.redeliver(again.id).await {
                Ok(()) => {
                    asked += 1;
                    tracing::info!(delivery = %again.guid, why = %again, "asked GitHub to send a delivery again");
                    let note = Note::new(Happening::AskedAgain, self.clock.now()).because(again);
                    noted = noted.and(self.rows.note(&About::Delivery(again.guid.clone()), &note).await);
                }
                Err(Fault::Reject { what }) => {
                    tracing::warn!(delivery = %again.guid, "{what}");
                    noted = noted.and(self.given_up(&again.guid, &what).await);
                }
                // Whatever it is, the next call would meet it too: a limit, an outage, a refused key.
                Err(fault) => {
                    stopped = Err(fault);
                    break;
                }
            }
        }
        measure("DeliveriesRedelivered", asked);
        noted = noted.and(self.leave(&plan.left, until).await);
        // What was not read is not settled.
        if whole {
            self.rows.settle_before(plan.settled_before).await?;
        } else {
            tracing::warn!(
                attempts = attempts.len(),
                "GitHub's list was not read to its end, as it is long or GitHub is slow: its oldest part was left out"
            );
        }
        // It is told, and asks for nothing twice: what was asked for is in GitHub's own list.
        stopped.and(noted)
    }

    /// Says of what is not asked for why, until a moment: the next sweep finds the rest again.
    async fn leave(&self, all: &[Left], until: Timestamp) -> Result<(), Fault> {
        let mut noted = Ok(());
        for Left { guid: delivery, why } in all {
            match why {
                // In an outage these are many, and each sweep would say it again.
                Why::Early { .. } | Why::Full => tracing::debug!(%delivery, %why, "a delivery that failed waits"),
                Why::Refused { .. } | Why::Late if self.clock.now() >= until => break,
                Why::Refused { .. } | Why::Late => {
                    tracing::warn!(%delivery, %why, "a delivery that failed is given up");
                    noted = noted.and(self.given_up(delivery, &why.to_string()).await);
                }
            }
        }
        noted
    }

    /// Notes it once: each sweep finds it given up.
    async fn given_up(&self, delivery: &DeliveryId, why: &str) -> Result<(), Fault> {
        let about = About::Delivery(delivery.clone());
        if self.rows.notes(&about).await?.get(Happening::GivenUp).is_some() {
            return Ok(());
        }
        self.rows.note(&about, &Note::new(Happening::GivenUp, self.clock.now()).because(why)).await
    }

    /// Attempts back to a moment, and whether these are all. At least one page, and no further one from another moment on.
    async fn list(&self, back_to: Timestamp, until: Timestamp) -> Result<(Vec<Attempt>, bool), Fault> {
        let (mut all, mut cursor) = (Vec::new(), None);
        for page in 0..PAGES {
            if page > 0 && self.clock.now() >= until {
                break;
            }
            let page = self.host.attempts(cursor.as_ref()).await?;
            // The newest come first.
            let past = page.attempts.last().is_some_and(|attempt| attempt.at < back_to);
            all.extend(page.attempts.into_iter().filter(|attempt| attempt.at >= back_to));
            cursor = page.next;
            if past || cursor.is_none() {
                return Ok((all, true));
            }
        }
        Ok((all, false))
    }
}
