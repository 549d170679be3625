//! Moves: the gate decides over what was read, the place follows, and both are one transaction with the answer.

use std::collections::BTreeSet;

use common::{
    domain::{
        id::{CorrelationId, ItemId, KillRuleName},
        stage::{
            Answered, Dossier, Item, MoveRequest, StagePipeline, Step as StageStep, Verdict, decide, kill::Ended,
            obstacles,
        },
        wip::{
            Scope,
            admission::{Asked, Step},
            explain::{Waiting, waiting},
            holding,
            settle::Rows,
            transfer::transfer,
        },
    },
    event::Envelope,
    fault::Fault,
    ports::{Decided, Found, ItemChange, ItemRows, Patience, Pause, Sources, View, WipRows},
};
use jiff::Timestamp;

use crate::{
    service::{ItemGates, log_unreadable},
    telling,
};

/// The answer to a request for a move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moved {
    /// It is decided; the same request is answered the same from now on.
    Decided(Answered),
    /// The gate is open, and there is no room behind it. Nothing of the item changed; asking again keeps the place in line.
    Waits(Waiting),
    /// Nothing is decided.
    Not(Undecided),
}

/// Whose hand a move is by, beside a person's who asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hand<'h> {
    /// Theirs.
    Person,
    /// A kill rule's.
    Rule(&'h KillRuleName),
    /// That of the issue that describes the item.
    Issue,
}

/// Why a request for a move is not decided: it may be asked again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undecided {
    /// There is no such item.
    NoItem,
    /// Who asks may not; why.
    Forbidden(String),
    /// The item is of another version than the request names.
    Version {
        /// The one that it is of.
        present: u64,
    },
    /// The id names another request.
    Reused,
    /// Scopes that follow from the item in its new stage have no rule in `limits.yaml`.
    NoRule(Vec<Scope>),
}

/// What becomes of a move that its gate lets pass.
enum Place {
    Has(Decided<Step<()>>),
    Waits(Waiting),
    NoRule(Vec<Scope>),
    /// Somebody was faster.
    Lost,
}

impl<R: ItemRows + WipRows, C: Pause, H: Sources> ItemGates<R, C, H> {
    /// Decides over a move, for whoever is allowed to ask.
    ///
    /// # Errors
    /// `Retry` when the outcome is not known: the same request finds it out.
    pub async fn transition(
        &self,
        id: &ItemId,
        request: &MoveRequest,
        allowed: impl Fn(&Item) -> Result<(), String> + Send + Sync,
        cause: &CorrelationId,
    ) -> Result<Moved, Fault> {
        let mut patience = Patience::new(&self.clock);
        loop {
            let Found { dossier, answered } = self.rows.item(id, Some(&request.request_id)).await?;
            let Some(dossier) = dossier else { return Ok(Moved::Not(Undecided::NoItem)) };
            if let Err(reason) = allowed(&dossier.item) {
                return Ok(Moved::Not(Undecided::Forbidden(reason)));
            }
            match answered {
                Some(answered) if answered.request.is_the_same_as(request) => return Ok(Moved::Decided(answered)),
                Some(_) => return Ok(Moved::Not(Undecided::Reused)),
                None => {}
            }
            let present = dossier.item.version;
            if request.version.is_some_and(|version| version != present) {
                return Ok(Moved::Not(Undecided::Version { present }));
            }
            let dossier = self.as_it_is(dossier).await?;
            if let Some(moved) = self.attempt(&dossier, request, cause).await? {
                return Ok(moved);
            }
            self.again(&mut patience, "moving", id).await?;
        }
    }

    /// One attempt; nothing when somebody was faster.
    async fn attempt(
        &self,
        dossier: &Dossier,
        request: &MoveRequest,
        cause: &CorrelationId,
    ) -> Result<Option<Moved>, Fault> {
        let item = &dossier.item;
        let pipeline = self.pipeline(&item.pipeline);
        let groups = self.governance.people.groups_of(item, &self.governance.pods);
        let facts = dossier.facts(&pipeline, &groups);
        let now = self.now();
        let decision = decide(facts, request, now);
        let Some(step) = decision.step.filter(|_| decision.admits()) else {
            let answered = Answered {
                request: request.clone(),
                verdict: Verdict::Reject,
                step: decision.step,
                version: item.version,
                reasons: obstacles(facts, request, &decision.unmet),
                at: now,
            };
            let event = telling::rejected(&item.id, request, answered.reasons.clone(), cause, now);
            let change = ItemChange {
                item: item.id.clone(),
                dossier: None,
                entry: telling::decided(&item.id, &answered, cause),
                answered: Some(answered.clone()),
                writes: [].into(),
                events: vec![event],
            };
            let done = self.commit(&change, &self.nothing_of_places(now), cause).await?;
            return Ok(done.then(|| counted(answered)).map(Moved::Decided));
        };
        self.admitted(dossier, &pipeline, request, step, (Hand::Person, Vec::new()), cause).await
    }

    /// Moves an item as a rule of its stage or its issue says: who did not ask is refused nothing. False when somebody was faster.
    ///
    /// # Errors
    /// As [`transition`](Self::transition); `Retry` while there is no room where it goes, so that the next look tries again.
    pub(crate) async fn moved_by(
        &self,
        dossier: &Dossier,
        pipeline: &StagePipeline,
        request: &MoveRequest,
        hand: Hand<'_>,
        told: Vec<Envelope>,
        cause: &CorrelationId,
    ) -> Result<bool, Fault> {
        let id = &dossier.item.id;
        let step = dossier.item.step_to(&request.to, pipeline);
        let step = step.map_err(|unmet| Fault::bug(format!("{id} is moved nowhere: {}", unmet.sentence())))?;
        match self.admitted(dossier, pipeline, request, step, (hand, told), cause).await? {
            Some(Moved::Decided(_)) => Ok(true),
            None => Ok(false),
            Some(Moved::Waits(_) | Moved::Not(_)) => {
                Err(Fault::retry(format!("{id} goes to {}, and there is no room yet", request.to)))
            }
        }
    }

    /// A move that is to be made, with its place: one attempt; nothing when somebody was faster.
    async fn admitted(
        &self,
        dossier: &Dossier,
        pipeline: &StagePipeline,
        request: &MoveRequest,
        step: StageStep,
        (hand, told): (Hand<'_>, Vec<Envelope>),
        cause: &CorrelationId,
    ) -> Result<Option<Moved>, Fault> {
        let item = &dossier.item;
        // What it is after the move, as far as places are concerned: when exactly, the rows' reading says.
        let place = match step {
            StageStep::Forward | StageStep::Back | StageStep::Resume => {
                self.move_place(&item.moved(&request.to, self.now()), cause).await?
            }
            StageStep::Park | StageStep::Finish | StageStep::Kill => self.give_back(item).await?,
        };
        let decided = match place {
            Place::Has(decided) => decided,
            Place::Waits(waiting) => return Ok(Some(Moved::Waits(waiting))),
            Place::NoRule(scopes) => return Ok(Some(Moved::Not(Undecided::NoRule(scopes)))),
            Place::Lost => return Ok(None),
        };
        let mut moved = dossier.moved(&request.to, pipeline, decided.now);
        if let Some(link) = &mut moved.item.link {
            // Only what its issue put aside, its issue brings back.
            link.aside = hand == Hand::Issue && step == StageStep::Park;
        }
        let ended = Ended {
            rule: match hand {
                Hand::Rule(rule) => Some(rule.clone()),
                Hand::Person | Hand::Issue => None,
            },
            by: (hand == Hand::Person).then(|| request.requested_by.clone()),
            reason: request.reason.clone().unwrap_or_default(),
        };
        if step == StageStep::Kill {
            moved.kill.ended = Some(ended.clone());
        }
        let answered = Answered {
            request: request.clone(),
            verdict: Verdict::Admit,
            step: Some(step),
            version: moved.item.version,
            reasons: Vec::new(),
            at: decided.now,
        };
        let mut events = self.told(&decided, cause);
        events.extend(told);
        events.push(telling::approved(&moved.item, step, request, cause, decided.now));
        if step == StageStep::Kill {
            events.push(telling::killed(&moved.item, ended, request, &self.governance, cause, decided.now));
        }
        let entry = telling::decided(&item.id, &answered, cause);
        let change = ItemChange {
            item: item.id.clone(),
            dossier: Some((item.version, moved)),
            entry: telling::by_hand(entry, hand),
            answered: Some(answered.clone()),
            writes: decided.answer.writes.clone(),
            events,
        };
        let done = self.commit(&change, &decided, cause).await?;
        Ok(done.then(|| counted(answered)).map(Moved::Decided))
    }

    /// The item's place where it is to be: taken with the move, or waited for without it.
    async fn move_place(&self, after: &Item, cause: &CorrelationId) -> Result<Place, Fault> {
        let limits = &self.governance.limits;
        let request = match self.place(after) {
            Ok(request) => request,
            Err(scopes) => return Ok(Place::NoRule(scopes)),
        };
        let decided =
            self.over(&request.scopes, |rows: &Rows, now: Timestamp| transfer(&request, rows, limits, now)).await?;
        match &decided.answer.answer {
            Asked::Held(_) | Asked::Admitted { .. } => Ok(Place::Has(without_answer(decided))),
            Asked::Waits { rows, .. } | Asked::NoTicket { rows } => {
                let waiting = waiting(&after.id, rows, limits, decided.now);
                let done = self.commit_places(&decided, cause).await?;
                Ok(if done { Place::Waits(waiting) } else { Place::Lost })
            }
        }
    }

    /// Everything that the item has and waits for, in whichever stage, given back.
    async fn give_back(&self, item: &Item) -> Result<Place, Fault> {
        let limits = &self.governance.limits;
        let stages = self.pipeline(&item.pipeline).stages.into_iter().map(|stage| stage.name);
        let everywhere =
            stages.chain([item.position.stage().clone()]).filter_map(|stage| limits.terms(&item.work_in(&stage)).ok());
        let scopes: BTreeSet<Scope> =
            everywhere.flat_map(|terms| terms.into_keys()).chain([Scope::Portfolio]).collect();
        // What cannot be read keeps nothing from being given back elsewhere.
        let View { rows, unreadable } = View::read(&self.rows, &scopes).await?;
        log_unreadable(&unreadable);
        let readable = rows.into_keys().collect();
        let decided = self.over(&readable, |rows, now| holding::withdraw(&item.id, rows, limits, now)).await?;
        Ok(Place::Has(decided))
    }
}

fn without_answer<A>(decided: Decided<Step<A>>) -> Decided<Step<()>> {
    let Decided { answer: Step { writes, facts, .. }, rows, now, unreadable } = decided;
    Decided { answer: Step { writes, facts, answer: () }, rows, now, unreadable }
}

fn counted(answered: Answered) -> Answered {
    let name = match answered.verdict {
        Verdict::Admit => "StageGateApproved",
        Verdict::Reject => "StageGateRejected",
    };
    tracing::info!(target: "metric", name, value = 1_u64);
    answered
}
