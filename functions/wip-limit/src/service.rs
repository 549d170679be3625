//! Load, decide, commit: every call of the API, every event and the sweep come here.
//!
//! What may be written is decided by `common::domain::wip` and guarded by conditions on the rows, so two copies of this function
//! never have to know of one another. An attempt that found the rows changed is decided anew, for at most [`PATIENCE`]; after that who
//! asks takes a ticket whether there is room or not, which is tried for as long again.
//! What happens without anybody asking is in `upkeep`.

use std::collections::{BTreeMap, BTreeSet};

use common::{
    domain::{
        id::{CorrelationId, ItemId, PersonName},
        wip::{
            Fence, Lease, Scope, ScopeState, Work,
            admission::{self, Asked, Request, Step},
            explain::{Waiting, explain, waiting},
            fact::Over,
            holding::{self, Held, LimitChange, LimitSet},
            limits::Limits,
            settle::{MAX_ROWS, Next, Rows},
        },
    },
    event::telling::Telling,
    fault::Fault,
    ports::{Committed, Decided, PATIENCE, Patience, Pause, View, WipRows, decide_over},
};
use jiff::Timestamp;

pub use self::upkeep::Swept;
use crate::{audit, metrics};

mod upkeep;

/// The limits on work in progress, over rows that others change at the same time.
pub struct Limiter<R, C> {
    /// The rows.
    pub rows: R,
    /// Now, and waiting.
    pub clock: C,
    /// The limits in force.
    pub limits: Limits,
    /// How what happens becomes events.
    pub telling: Telling,
}

/// The answer to a request for a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It has its place since before.
    Held(Lease),
    /// It has a place now.
    Admitted {
        /// Which.
        lease: Lease,
        /// The limits that it stands above, where they only warn.
        over: Vec<Over>,
    },
    /// It waits, or the queue is as long as it may be and it has no ticket.
    Waits(Waiting),
    /// Scopes that follow from the item have no rule in `limits.yaml`.
    NoRule(Vec<Scope>),
}

/// The answer to a renewal or a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// It is renewed, or given back: the lease as it is, or was.
    Yes(Lease),
    /// The fence is not that of the item's live lease, or the lease has expired: nothing changed.
    Stale {
        /// The fence of the item's live lease, when it has one.
        present: Option<Fence>,
    },
    /// The item holds nothing.
    No,
    /// Who asks may not; why.
    Forbidden(String),
}

impl From<Held> for Ended {
    fn from(held: Held) -> Self {
        match held {
            Held::Yes(lease) => Self::Yes(lease),
            Held::Stale { present } => Self::Stale { present },
            Held::No => Self::No,
        }
    }
}

/// The answer to a change of a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LimitAnswer {
    /// It is set; the scope as it is now.
    Set(Box<ScopeState>),
    /// It is another one than the person was shown.
    Differs {
        /// What it is.
        limit: u32,
    },
    /// `limits.yaml` knows no such scope.
    NoRule,
}

impl<R: WipRows, C: Pause> Limiter<R, C> {
    /// Now, to the microsecond that the rows keep: what is answered first and what is read later are the same.
    pub fn now(&self) -> Timestamp {
        self.clock.now_to_the_microsecond()
    }

    /// Asks for a place.
    ///
    /// One call where there is room and nobody waits. Asking again is answered with the same lease or the same ticket.
    ///
    /// # Errors
    /// `Retry` when the outcome is not known: asking again finds it out.
    pub async fn ask(
        &self,
        work: Work,
        holder: PersonName,
        ttl_seconds: Option<u32>,
        cause: &CorrelationId,
    ) -> Result<Answer, Fault> {
        let request = match Request::new(work, holder, ttl_seconds, &self.limits) {
            Ok(request) => request,
            Err(scopes) => return Ok(Answer::NoRule(scopes)),
        };
        let item = &request.work.item;
        let now = self.now();
        let at_once = admission::admit_at_once(&request, &self.limits, now);
        match self.commit(&at_once, &Rows::new(), cause, now).await? {
            Committed::Done => return Ok(self.answer(item, at_once.answer, now)),
            Committed::Failed(rows) => {
                if let Some(lease) = admission::held(item, &rows, now) {
                    return Ok(Answer::Held(lease.clone()));
                }
            }
            Committed::Conflict => {}
        }
        let decide = |rows: &Rows, now| admission::ask(&request, rows, &self.limits, now);
        match self.decide(&request.scopes, decide, cause).await? {
            Some((asked, now)) => Ok(self.answer(item, asked, now)),
            None => self.queue_regardless(&request, cause).await,
        }
    }

    /// Moves a lease's end, for whoever is allowed to.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub async fn renew(
        &self,
        item: &ItemId,
        fence: Fence,
        ttl_seconds: Option<u32>,
        allowed: impl Fn(&Lease) -> Result<(), String> + Send + Sync,
    ) -> Result<Ended, Fault> {
        let mut patience = Patience::new(&self.clock);
        loop {
            let rows = self.rows.load(&BTreeSet::from([Scope::Portfolio])).await?;
            let now = self.now();
            let lease = match holding::held_under(item, fence, &rows, now) {
                Held::Yes(lease) => lease,
                held => return Ok(held.into()),
            };
            if let Err(reason) = allowed(&lease) {
                return Ok(Ended::Forbidden(reason));
            }
            let step = holding::renew(item, &lease, ttl_seconds, &self.limits, now);
            // Renewal is told to nobody.
            match self.rows.commit(&step.writes, &[], now).await? {
                Committed::Done => return Ok(Ended::Yes(step.answer)),
                Committed::Failed(_) | Committed::Conflict if patience.again().await => {}
                Committed::Failed(_) | Committed::Conflict => return Err(busy("renewing", item)),
            }
        }
    }

    /// Gives a place back, for whoever is allowed to, and hands it to whoever is next.
    ///
    /// With the lease's scopes, from its holder, it is one call when nobody waits: that the lease is the holder's, and has exactly
    /// these scopes, is part of the condition.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub async fn release(
        &self,
        item: &ItemId,
        fence: Fence,
        scopes: Option<&BTreeSet<Scope>>,
        by: &PersonName,
        allowed: impl Fn(&Lease) -> Result<(), String> + Send + Sync,
        cause: &CorrelationId,
    ) -> Result<Ended, Fault> {
        let now = self.now();
        let at_once = scopes
            .filter(|scopes| (1..=MAX_ROWS).contains(&scopes.len()))
            .and_then(|scopes| holding::release_at_once(item, fence, scopes, by, now));
        if let Some(step) = at_once
            && self.commit(&step, &Rows::new(), cause, now).await? == Committed::Done
        {
            return Ok(Ended::Yes(step.answer));
        }
        let decide = |rows: &Rows, now| {
            if let Held::Yes(lease) = holding::held_under(item, fence, rows, now)
                && let Err(reason) = allowed(&lease)
            {
                let answer = Ended::Forbidden(reason);
                return Next::Ready(Step { writes: BTreeMap::new(), facts: Vec::new(), answer });
            }
            holding::release(item, fence, by, rows, &self.limits, now).map(|step| Step {
                writes: step.writes,
                facts: step.facts,
                answer: step.answer.into(),
            })
        };
        match self.decide(&BTreeSet::from([Scope::Portfolio]), decide, cause).await? {
            Some((ended, _)) => Ok(ended),
            None => Err(busy("releasing", item)),
        }
    }

    /// Takes an item out, because its work has ended: its lease, whatever its fence, and its tickets in these scopes.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub async fn withdraw(&self, item: &ItemId, scopes: &BTreeSet<Scope>, cause: &CorrelationId) -> Result<(), Fault> {
        let decide = |rows: &Rows, now| holding::withdraw(item, rows, &self.limits, now);
        // What cannot be read keeps nothing from being given back elsewhere.
        let view = View::read(&self.rows, scopes).await?;
        upkeep::log_unreadable(&view.unreadable);
        let readable: BTreeSet<Scope> = view.rows.into_keys().collect();
        match self.decide(&readable, decide, cause).await? {
            Some(_) => Ok(()),
            None => Err(busy("withdrawing", item)),
        }
    }

    /// Sets a limit in place of the file's, and admits at once whoever has room now.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub async fn set_limit(&self, change: &LimitChange, cause: &CorrelationId) -> Result<LimitAnswer, Fault> {
        if self.limits.rule(&change.scope).is_none() {
            return Ok(LimitAnswer::NoRule);
        }
        let only = BTreeSet::from([change.scope.clone()]);
        let decide = |rows: &Rows, now| holding::set_limit(change, rows, &self.limits, now);
        match self.decide(&only, decide, cause).await? {
            Some((LimitSet::Done { .. }, _)) => {
                let mut rows = self.rows.load(&only).await?;
                let row =
                    rows.remove(&change.scope).ok_or_else(|| Fault::bug("a row that was just written is not there"))?;
                Ok(LimitAnswer::Set(Box::new(row)))
            }
            Some((LimitSet::Differs { limit }, _)) => Ok(LimitAnswer::Differs { limit }),
            None => Err(Fault::retry(format!("setting the limit of {}: others were at the same rows", change.scope))),
        }
    }

    /// Loads what the decision needs, decides, commits; again while others were faster. `None`: no time left.
    async fn decide<A>(
        &self,
        scopes: &BTreeSet<Scope>,
        decide: impl Fn(&Rows, Timestamp) -> Next<Step<A>>,
        cause: &CorrelationId,
    ) -> Result<Option<(A, Timestamp)>, Fault> {
        let mut patience = Patience::new(&self.clock);
        loop {
            let Decided { answer: step, rows, now, unreadable } =
                decide_over(&self.rows, &self.clock, scopes, &decide).await?;
            upkeep::log_unreadable(&unreadable);
            match self.commit(&step, &rows, cause, now).await? {
                Committed::Done => return Ok(Some((step.answer, now))),
                Committed::Failed(_) | Committed::Conflict if patience.again().await => {}
                Committed::Failed(_) | Committed::Conflict => return Ok(None),
            }
        }
    }

    async fn commit<A>(
        &self,
        step: &Step<A>,
        before: &Rows,
        cause: &CorrelationId,
        now: Timestamp,
    ) -> Result<Committed, Fault> {
        if step.writes.is_empty() {
            return Ok(Committed::Done);
        }
        let events = self.telling.events(step, before, cause, &self.limits, now);
        let entry = audit::entry(&step.facts, cause, now);
        let committed = self.rows.commit_recorded(&step.writes, &events, entry.as_ref(), now).await?;
        if committed == Committed::Done {
            metrics::count(&step.facts);
        }
        Ok(committed)
    }

    async fn queue_regardless(&self, request: &Request, cause: &CorrelationId) -> Result<Answer, Fault> {
        let item = &request.work.item;
        let mut patience = Patience::new(&self.clock);
        loop {
            let before = self.rows.load(&request.scopes).await?;
            let now = self.now();
            if let Some(lease) = admission::held(item, &before, now) {
                return Ok(Answer::Held(lease.clone()));
            }
            if !before.get(&request.narrowest()).is_some_and(|row| row.takes_a_ticket(item)) {
                break;
            }
            // Who stands in line already keeps that place: another ticket would put it behind those that came later.
            if before.values().any(|row| row.tickets.get(item).is_some_and(|ticket| ticket.is_live(now))) {
                break;
            }
            let step = admission::queue_regardless(request, &before, &self.limits, now);
            match self.commit(&step, &before, cause, now).await? {
                Committed::Done => break,
                Committed::Failed(rows) => {
                    if let Some(lease) = admission::held(item, &rows, now) {
                        return Ok(Answer::Held(lease.clone()));
                    }
                    // It has its ticket, or the queue is as long as it may be; else who waited there is another since it was read.
                    if rows.values().any(|row| !row.takes_a_ticket(item) || row.tickets.contains_key(item)) {
                        break;
                    }
                    if !patience.again().await {
                        return Err(busy("queueing", item));
                    }
                }
                Committed::Conflict if patience.again().await => {}
                Committed::Conflict => return Err(busy("queueing", item)),
            }
        }
        let rows = self.rows.load(&request.scopes).await?;
        Ok(match explain(item, &rows, &self.limits, self.now()) {
            Some(waiting) => Answer::Waits(waiting),
            None => match admission::held(item, &rows, self.now()) {
                Some(lease) => Answer::Held(lease.clone()),
                None => return Err(busy("queueing", item)),
            },
        })
    }

    fn answer(&self, item: &ItemId, asked: Asked, now: Timestamp) -> Answer {
        match asked {
            Asked::Held(lease) => Answer::Held(lease),
            Asked::Admitted { lease, over } => Answer::Admitted { lease, over },
            Asked::Waits { rows, .. } | Asked::NoTicket { rows } => {
                Answer::Waits(waiting(item, &rows, &self.limits, now))
            }
        }
    }
}

fn busy(what: &str, item: &ItemId) -> Fault {
    Fault::retry(format!("{what} {item}: others were at the same rows for {} s", PATIENCE.as_secs()))
}
