//! What wakes the function beside its API: requests from the bus, and the clock.

use std::collections::{BTreeMap, BTreeSet};

use common::{
    domain::{
        access,
        id::{CorrelationId, ItemId, PersonName, quoted},
        reason::Reason,
        stage::{Item, MoveRequest, NewBlocker, Obstacle, Remedy},
    },
    event::{ChangeMerged, Envelope, Event, StageTransitionRequested},
    fault::Fault,
    ports::{Committed, ItemRows, Pause, Sources, WipRows},
};

use crate::{
    api::may_move,
    blocking::{Blocked, Blocking},
    http::bodies::Line,
    moving::{Moved, Undecided},
    service::ItemGates,
    telling,
};

impl<R: ItemRows + WipRows, C: Pause, H: Sources> ItemGates<R, C, H> {
    /// Handles one event.
    ///
    /// # Errors
    /// `Retry` when the table did not answer; `Bug` for an event that this function has no rule for.
    pub async fn event(&self, event: &Envelope) -> Result<(), Fault> {
        match &event.event {
            Event::StageTransitionRequested(request) => self.requested(request, &event.meta.correlation_id).await,
            Event::IssueOpened(issue) | Event::IssueUpdated(issue) | Event::IssueClosed(issue) => {
                self.follow_issue(issue.repository.id, issue.number, &event.meta.correlation_id).await
            }
            Event::ChangeOpened(change)
            | Event::ChangeClosed(change)
            | Event::ChangeMerged(ChangeMerged { change, .. }) => {
                self.follow_issue(change.repository.id, change.number, &event.meta.correlation_id).await
            }
            Event::DeploymentReported(told) => {
                self.follow_deployment(told.repository.id, told.deployment, &event.meta.correlation_id).await
            }
            Event::ItemBlocked(said) => {
                let Ok(Line(text)) = Line::try_from(said.text.clone()) else {
                    return Err(Fault::reject(format!("the text of the blocker {} is not one line", said.blocker)));
                };
                let new = NewBlocker { id: said.blocker.clone(), text, cause: said.cause.clone() };
                self.said(&said.item, &Blocking::Open(new), &said.by, &event.meta.correlation_id).await
            }
            Event::ItemUnblocked(said) => {
                let resolve = Blocking::Resolve(said.blocker.clone());
                self.said(&said.item, &resolve, &said.by, &event.meta.correlation_id).await
            }
            other => Err(Fault::bug(format!("stage-gate was sent {}: its rules are wrong", other.kind().name()))),
        }
    }

    /// A request from a system that has no token. Whoever may put events on the bus may send it in anybody's name, so it can do no more
    /// than that person could, with the roles that people.yaml gives them. It is answered by an event: the gate's, or that of the limits when the
    /// item begins to wait. One that goes on waiting is told of nothing new.
    async fn requested(&self, asked: &StageTransitionRequested, cause: &CorrelationId) -> Result<(), Fault> {
        let mut request = asked.request();
        let actor = match access::named(&asked.requested_by, &self.governance.people) {
            Ok(actor) => actor,
            Err(nobody) => {
                let reason = obstacle(format!("requested_by: {nobody}"), [], Remedy::ChangeGovernance);
                return self.refuse(asked, &request, reason, cause).await;
            }
        };
        match request.reason.take().map(Reason::try_from).transpose() {
            Ok(reason) => request.reason = reason.map(String::from),
            Err(wrong) => {
                let reason = obstacle(format!("reason: {wrong}"), [&asked.requested_by], Remedy::AskAgain);
                return self.refuse(asked, &request, reason, cause).await;
            }
        }
        let allowed = |item: &Item| may_move(&actor, item);
        let by = [&asked.requested_by];
        let reason = match self.transition(&asked.item, &request, allowed, cause).await? {
            // The gate has told it, or the limits have.
            Moved::Decided(_) | Moved::Waits(_) => return Ok(()),
            Moved::Not(Undecided::NoItem) => obstacle(format!("there is no item {}", asked.item), by, Remedy::AskAgain),
            Moved::Not(Undecided::Forbidden(reason)) => obstacle(reason, [], Remedy::ChangeGovernance),
            Moved::Not(Undecided::Version { present }) => {
                obstacle(format!("the item is of version {present} now: look at it again"), by, Remedy::AskAgain)
            }
            Moved::Not(Undecided::Reused) => {
                let what = format!("the request id {} names another request: use another id", request.request_id);
                obstacle(what, by, Remedy::AskAgain)
            }
            Moved::Not(Undecided::NoRule(scopes)) => {
                let scopes: Vec<String> = scopes.iter().map(ToString::to_string).collect();
                let what = format!("limits.yaml has no rule for {}", scopes.join(", "));
                obstacle(what, [], Remedy::ChangeGovernance)
            }
        };
        self.refuse(asked, &request, reason, cause).await
    }

    /// What a system without a token says of a blocker, in somebody's name: no more than that person could say. What this function told the
    /// bus itself comes by here as well, and is so already.
    async fn said(&self, id: &ItemId, what: &Blocking, by: &PersonName, cause: &CorrelationId) -> Result<(), Fault> {
        let refused = |why: String| Fault::reject(format!("the blocker {} of {id}: {why}", what.blocker()));
        let actor = access::named(by, &self.governance.people).map_err(|nobody| refused(nobody.to_string()))?;
        let allowed = |item: &Item| may_move(&actor, item);
        match self.block(id, what, by, allowed, cause).await? {
            Blocked::Taken(_) | Blocked::Same(_) => Ok(()),
            Blocked::NoItem => Err(refused("there is no such item".to_owned())),
            Blocked::Forbidden(why) => Err(refused(why)),
            Blocked::Not(why) => Err(refused(why.to_string())),
        }
    }

    /// Answers a request that was not decided. Nothing keeps it: the event is the answer.
    async fn refuse(
        &self,
        asked: &StageTransitionRequested,
        request: &MoveRequest,
        reason: Obstacle,
        cause: &CorrelationId,
    ) -> Result<(), Fault> {
        let now = self.now();
        tracing::warn!(item = %asked.item, "a request from the bus is refused: {}", reason.missing);
        let event = telling::rejected(&asked.item, request, vec![reason], cause, now);
        match WipRows::commit(&self.rows, &BTreeMap::new(), &[event], now).await? {
            Committed::Done => Ok(()),
            Committed::Failed(_) | Committed::Conflict => {
                Err(Fault::retry(format!("telling that the request for {} is refused", asked.item)))
            }
        }
    }

    /// Handles a schedule: keeping places and unblocking, kill review, or following issues, pull requests and deployments.
    ///
    /// # Errors
    /// As [`event`](Self::event).
    pub async fn schedule(&self, name: &str) -> Result<(), Fault> {
        let cause = CorrelationId::derived(["stage-gate", name, &self.now().to_string()]);
        match name {
            "keep" => {
                let kept = self.keep_places(&cause).await;
                kept.and(self.unblock_all(&cause).await)
            }
            "follow" => {
                let issues = self.follow_all(&cause).await;
                issues.and(self.follow_deployments(&cause).await)
            }
            "review" => self.review_all(&cause).await,
            other => Err(Fault::bug(format!("stage-gate has no schedule {}", quoted(other, 80)))),
        }
    }
}

fn obstacle<'p>(missing: String, who: impl IntoIterator<Item = &'p PersonName>, remedy: Remedy) -> Obstacle {
    Obstacle { missing, who: who.into_iter().cloned().collect::<BTreeSet<_>>(), remedy }
}
