//! What the ledger says: of a delivery, of an event, of a time.

use std::collections::BTreeMap;

use common::{
    domain::{
        id::{DeliveryId, EventId, FunctionName},
        ledger::{Notes, REMEMBERED, standing},
    },
    fault::Fault,
    ports::{Clock, DeadLetters, Deliveries, Forge, LedgerRows, SweepRows},
};

use jiff::{SignedDuration, Timestamp};

use crate::{
    call::{DeliveryAnswer, EventAnswer, FunctionAnswer, Period, PeriodAnswer},
    handler::{DeliverySweeper, later},
};

impl<R: SweepRows + LedgerRows, H: Deliveries + Forge, C: Clock, Q: DeadLetters> DeliverySweeper<R, H, C, Q> {
    /// Of a delivery.
    ///
    /// # Errors
    /// `Reject` when nothing is known of it; `Retry` when the table did not answer.
    pub(crate) async fn asked_of_delivery(&self, delivery: &DeliveryId) -> Result<DeliveryAnswer, Fault> {
        let rows = self.rows.delivery(delivery).await?;
        if rows.accepted.is_none() && rows.notes == Notes::default() {
            return Err(Fault::reject(format!(
                "the ledger knows no delivery {delivery}: it became no event, it never came, its body had come before under another id, or it came more than seven days ago"
            )));
        }
        let event = match &rows.accepted {
            Some(accepted) => Some(self.asked_of_event(accepted.event.clone()).await?),
            None => None,
        };
        Ok(DeliveryAnswer {
            delivery: delivery.clone(),
            event_name: rows.accepted.as_ref().map(|accepted| accepted.event_name.clone()),
            received_at: rows.accepted.as_ref().map(|accepted| accepted.received_at),
            happened: rows.notes.in_order(),
            event,
        })
    }

    /// Of an event. One that nobody has heard of waits, as far as the ledger knows.
    ///
    /// # Errors
    /// `Retry` when the table did not answer.
    pub(crate) async fn asked_of_event(&self, event: EventId) -> Result<EventAnswer, Fault> {
        let functions: BTreeMap<FunctionName, FunctionAnswer> = self
            .rows
            .event(&event)
            .await?
            .into_iter()
            .map(|(function, notes)| (function, FunctionAnswer { state: notes.state(), happened: notes.in_order() }))
            .collect();
        Ok(EventAnswer { event, standing: standing(functions.values().map(|one| one.state)), functions })
    }

    /// Of a time, one page. The list goes back seven days and each day of a time costs calls, so what lies before, or behind tomorrow, is not
    /// looked at: there is nothing.
    ///
    /// # Errors
    /// `Retry` when the table did not answer.
    pub(crate) async fn asked_of_period(&self, period: Period) -> Result<PeriodAnswer, Fault> {
        let Period { since, until, after, most } = period;
        let now = self.clock.now();
        let since = since.max(now.saturating_sub(REMEMBERED).unwrap_or(Timestamp::MIN));
        let until = until.min(later(now, SignedDuration::from_hours(24)));
        if until <= since {
            return Ok(PeriodAnswer { deliveries: Vec::new(), next: None });
        }
        let places = self.rows.accepted(since, until, after.as_ref(), most).await?;
        let next = places.last().filter(|_| places.len() == most).cloned();
        let mut deliveries = Vec::new();
        for place in places {
            deliveries.push(self.asked_of_delivery(&place.delivery).await?);
        }
        Ok(PeriodAnswer { deliveries, next })
    }
}

#[cfg(test)]
mod tests;
