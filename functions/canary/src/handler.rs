//! One look: every check is asked and judged, whatever the others found, and all findings are told together.

use common::{
    domain::id::DeliveryId,
    fault::Fault,
    ports::{Clock, Site},
    webhook_secret::{Keys, SecretSource},
};
use jiff::SignedDuration;

use crate::check::{Check, Expected, Seen};

/// The function, over its ports.
pub struct Canary<W, S, C> {
    /// The API, from outside.
    pub site: W,
    /// The webhook's secret.
    pub secret: S,
    /// The clock.
    pub clock: C,
    /// What the answers are held to.
    pub expected: Expected,
}

impl<W: Site, S: SecretSource, C: Clock> Canary<W, S, C> {
    /// What a schedule asks for.
    ///
    /// # Errors
    /// As [`Canary::look`]; `Bug` for a schedule of another name.
    pub async fn schedule(&self, name: &str) -> Result<(), Fault> {
        if name == "look" { self.look().await } else { Err(Fault::bug(format!("canary has no schedule {name}"))) }
    }

    /// One look.
    ///
    /// # Errors
    /// `Bug` with everything that is not as it should be: what is seen from outside to be broken is ours to mend.
    pub async fn look(&self) -> Result<(), Fault> {
        // Boxed: a call of the SDK is nested so deeply that the compiler refuses to lay it out within those of a queue's function.
        let keys = Box::pin(self.secret.fetch()).await.and_then(|text| Keys::parse(&text));
        let delivery = self.delivery()?;
        let (mut findings, mut failed) = (Vec::new(), 0u64);
        for check in Check::ALL {
            let (found, took) = self.ask(check, &delivery, &keys).await;
            let value = u64::from(!found.is_empty());
            tracing::info!(target: "metric", name = "CanaryFailed", value, check = check.name());
            if let Some(took) = took {
                let value = u64::try_from(took.as_millis()).unwrap_or_default();
                tracing::info!(target: "metric", name = "CanaryDuration", unit = "Milliseconds", value, check = check.name());
            }
            failed += value;
            findings.extend(found.into_iter().map(|finding| format!("{}: {finding}", check.name())));
        }
        // Without a dimension beside the function's name, for its alarm.
        tracing::info!(target: "metric", name = "CanaryFailed", value = failed);
        if findings.is_empty() {
            return Ok(());
        }
        let (all, told) = (Check::ALL.len(), findings.join("; "));
        Err(Fault::bug(format!("{failed} of {all} checks from outside failed: {told}")))
    }

    /// What is wrong by one check, and how long an answer took when there was one.
    async fn ask(
        &self,
        check: Check,
        delivery: &DeliveryId,
        keys: &Result<Keys, Fault>,
    ) -> (Vec<String>, Option<SignedDuration>) {
        let key = match keys {
            Ok(keys) => Some(&keys.current),
            Err(fault) if check.is_signed() => return (vec![format!("not asked: {}", fault.chain())], None),
            Err(_) => None,
        };
        let began = self.clock.now();
        match self.site.ask(&check.request(delivery, key)).await {
            Ok(answer) => {
                let took = self.clock.now().duration_since(began);
                (check.judge(&self.expected, delivery, &Seen { answer, took }), Some(took))
            }
            Err(fault) => (vec![fault.chain()], None),
        }
    }

    /// An id that no look had before. Nothing is kept under it.
    fn delivery(&self) -> Result<DeliveryId, Fault> {
        let text = format!("canary-{}", self.clock.now().as_microsecond());
        text.parse().map_err(|error| Fault::bug_from("naming the ping", error))
    }
}

#[cfg(test)]
mod tests;
