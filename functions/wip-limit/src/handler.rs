//! What wakes the function beside its API: requests and pull requests from the bus, and the clock.

use std::collections::BTreeSet;

use common::{
    domain::{
        access::{self, Action},
        governance::Governance,
        id::{CorrelationId, ItemId, quoted},
        wip::{Scope, admission::elsewhere, vet::vet},
    },
    event::{Envelope, Event, RefusedCause, WipLockRefused, WipLockRequested},
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
    /// `Retry` when the table or the host did not answer; `Bug` for an event that this function has no rule for.
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

    /// A request from a system that has no token. Whoever may put events on the bus may send it in anybody's name, so it can do no more
    /// than that person could: with the roles that people.yaml gives them, for their own pods.
    async fn requested(&self, request: &WipLockRequested, cause: &CorrelationId) -> Result<(), Fault> {
        let work = request.work();
        let mut wrong: Vec<String> = vet(&work, &self.governance).iter().map(ToString::to_string).collect();
        match access::named(&request.requested_by, &self.governance.people) {
            Err(nobody) => wrong.push(format!("requested_by: {nobody}")),
            Ok(actor) => {
                let theirs = self.governance.people.in_pod(&work.owner, &work.pod);
                let asks = Action::Ask { pod: &work.pod, expedite: work.expedite };
                let owns = Action::Own { owner: &work.owner, pod: &work.pod, theirs };
                let refused = [asks, owns].into_iter().filter_map(|action| access::may(&actor, action).err());
                let refused: BTreeSet<String> = refused.map(|forbidden| forbidden.reason).collect();
                wrong.extend(refused);
            }
        }
        if !wrong.is_empty() {
            return self.refuse(&work.item, RefusedCause::NotAdmissible, Vec::new(), wrong, cause).await;
        }
        let item = &work.item;
        match self.limiter.ask(work.clone(), request.requested_by.clone(), request.ttl_seconds, cause).await? {
            Answer::Admitted { .. } | Answer::Waits(_) => Ok(()),
            Answer::Held(lease) => {
                let scopes = elsewhere(&work, &lease, &self.limiter.limits);
                if scopes.is_empty() {
                    return Ok(());
                }
                let reason = "it has its place as something else: give that back first, or ask for it as it was";
                self.refuse(item, RefusedCause::HeldOtherwise, scopes.into_iter().collect(), vec![reason.into()], cause)
                    .await
            }
            Answer::NoRule(scopes) => {
                let reason = "limits.yaml has no rule for some of its scopes: an administrator sets a limit there";
                self.refuse(item, RefusedCause::NoRule, scopes, vec![reason.into()], cause).await
            }
        }
    }

    /// Answers a request from the bus that gets no place, with all its reasons. The queue has nothing to keep: the event is the answer.
    async fn refuse(
        &self,
        item: &ItemId,
        because: RefusedCause,
        scopes: Vec<Scope>,
        reasons: Vec<String>,
        cause: &CorrelationId,
    ) -> Result<(), Fault> {
        tracing::warn!(%item, "a request from the bus gets no place: {}", reasons.join("; "));
        let refused =
            WipLockRefused { item: item.clone(), cause: because, author: None, scopes, reasons, change: None };
        self.limiter.tell_refused(refused, cause).await
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
                let looked = self.limiter.look_at_due_changes(&self.forge, &self.governance, &swept.rows, &cause).await;
                // Everything that could be done is done; that something could not still fails the run, and raises its alarm.
                looked.and(swept.failed.into_iter().next().map_or(Ok(()), Err))
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
