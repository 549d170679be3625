//! What wakes the function beside its API: requests and pull requests from the bus, and the clock.

use common::{
    domain::{governance::Governance, id::CorrelationId, id::quoted, wip::vet::vet},
    event::{Envelope, Event, WipLockRequested},
    fault::Fault,
    ports::{Forge, Pause, WipRows},
};

use crate::{
    change, metrics,
    service::{Answer, Limiter},
};

/// The function and everything outside that it uses.
pub struct WipLimit<R, C, F> {
    /// The limits over the table's rows.
    pub limiter: Limiter<R, C>,
    /// The files that the control plane runs by: the same bundle as the limiter's limits.
    pub governance: Governance,
    /// The source host.
    pub forge: F,
}

impl<R: WipRows, C: Pause, F: Forge> WipLimit<R, C, F> {
    /// Handles one event.
    ///
    /// # Errors
    /// `Retry` when the table or the host did not answer; `Reject` for a request that no limit can admit; `Bug` for an event that
    /// this function has no rule for.
    pub async fn event(&self, event: &Envelope) -> Result<(), Fault> {
        let cause = &event.meta.correlation_id;
        let (repository, number) = match &event.event {
            Event::WipLockRequested(request) => return self.requested(request, cause).await,
            Event::ChangeOpened(change) | Event::ChangeUpdated(change) | Event::ChangeClosed(change) => {
                (change.repository.id, change.number)
            }
            Event::ChangeMerged(merged) => (merged.change.repository.id, merged.change.number),
            other => {
                return Err(Fault::bug(format!("wip-limit was sent {}: its rules are wrong", other.kind().name())));
            }
        };
        match change::repository(&self.governance, repository) {
            Some(repository) => {
                self.limiter.look_at_change(&self.forge, &self.governance, &repository, number, cause).await.map(drop)
            }
            None => {
                tracing::info!(%repository, number, "ignored: the pull requests of this repository are not limited");
                Ok(())
            }
        }
    }

    /// A request from a system that has no token: the bus's own policy says who may send it.
    async fn requested(&self, request: &WipLockRequested, cause: &CorrelationId) -> Result<(), Fault> {
        let work = request.work();
        let mut misfits: Vec<String> = vet(&work, &self.governance).iter().map(ToString::to_string).collect();
        if !self.governance.people.listed.contains_key(&request.requested_by) {
            misfits.push(format!(
                "requested_by: found {}, expected a person of people.yaml",
                quoted(request.requested_by.as_str(), 80)
            ));
        }
        if !misfits.is_empty() {
            return Err(Fault::reject(format!(
                "the request for {} cannot be admitted: {}",
                work.item,
                misfits.join("; ")
            )));
        }
        let item = work.item.clone();
        match self.limiter.ask(work, request.requested_by.clone(), request.ttl_seconds, cause).await? {
            Answer::Held(_) | Answer::Admitted { .. } | Answer::Waits(_) => Ok(()),
            Answer::NoRule(scopes) => {
                let scopes: Vec<String> = scopes.iter().map(ToString::to_string).collect();
                Err(Fault::reject(format!("the request for {item}: limits.yaml has no rule for {}", scopes.join(", "))))
            }
        }
    }

    /// Handles a schedule: the sweep of the rows, or a look at everything.
    ///
    /// # Errors
    /// As [`event`](Self::event).
    pub async fn schedule(&self, name: &str) -> Result<(), Fault> {
        let now = self.limiter.now();
        let cause = CorrelationId::derived(["wip-limit", name, &now.to_string()]);
        match name {
            "sweep" => {
                let swept = self.limiter.sweep(&cause).await?;
                metrics::record(&swept.rows, &self.limiter.limits, self.limiter.now());
                for scope in &swept.left {
                    tracing::info!(%scope, "others kept changing it: left to the next sweep");
                }
                self.limiter.look_at_due_changes(&self.forge, &self.governance, &swept.rows, &cause).await
            }
            "reconcile" => {
                let mended = self.limiter.mend(&cause).await.map(drop);
                // A row that cannot be mended now keeps no pull request from being looked at.
                self.limiter.look_at_all_changes(&self.forge, &self.governance, &cause).await.and(mended)
            }
            other => Err(Fault::bug(format!("wip-limit has no schedule {}", quoted(other, 80)))),
        }
    }
}
