//! Load, decide, commit: making items, and what all calls share.
//!
//! What an item may do is decided by `common::domain::stage`, where it counts by `common::domain::wip`. An attempt that found the item or
//! a place changed is decided anew, for at most [`PATIENCE`].

use std::collections::{BTreeMap, BTreeSet};

use common::{
    domain::{
        governance::Governance,
        id::{CorrelationId, ItemId, PersonName, PodName, StagePipelineName},
        stage::{Dossier, Item, Link, Position, StagePipeline, Suggestion},
        wip::{
            ItemType, Lease, Scope,
            admission::{self, Asked, Request, Step, elsewhere},
            explain::{Waiting, waiting},
            holding,
            settle::{Next, Rows},
        },
    },
    event::{Envelope, telling::Telling},
    fault::Fault,
    ports::{
        Committed, Decided, ItemChange, ItemCommitted, ItemRows, PATIENCE, Patience, Pause, Sources, WipRows,
        decide_over,
    },
};
use jiff::{SignedDuration, Timestamp};

use crate::telling;

/// The gates of work items, over rows that others change at the same time.
pub struct ItemGates<R, C, H> {
    /// The items' rows and those of their places.
    pub rows: R,
    /// Where evidence is.
    pub host: H,
    /// Now, and waiting.
    pub clock: C,
    /// The files that the control plane runs by.
    pub governance: Governance,
    /// How what happens to places becomes events.
    pub telling: Telling,
}

/// An item to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewItem {
    /// Its id.
    pub id: ItemId,
    /// What it is called.
    pub title: String,
    /// What it is.
    pub item_type: ItemType,
    /// Whose work it is.
    pub pod: PodName,
    /// Who answers for it.
    pub owner: PersonName,
    /// The stages that it goes through.
    pub pipeline: StagePipelineName,
}

/// What a source host says of a new item.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Origin {
    /// Where it lives.
    pub link: Option<Link>,
    /// The stage that its issue or pull request speaks of.
    pub suggested: Option<Suggestion>,
}

/// The answer to a request for an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Created {
    /// It is made, and has its place in the first stage.
    New(Item),
    /// It was made before, as this: the item as it is now.
    Same(Item),
    /// There is an item of this id that is another.
    Another,
    /// There is no room. Nothing is made; asking again keeps the place in line.
    Waits(Waiting),
    /// It has a place under the limits as something else: there, and not here.
    HeldOtherwise {
        /// The lease that it has.
        lease: Lease,
        /// Where it would have to count.
        elsewhere: BTreeSet<Scope>,
    },
    /// Scopes that follow from the item have no rule in `limits.yaml`.
    NoRule(Vec<Scope>),
}

impl NewItem {
    fn item(&self, pipeline: &StagePipeline, now: Timestamp) -> Option<Item> {
        let stage = pipeline.stages.first()?.name.clone();
        Some(Item {
            id: self.id.clone(),
            title: self.title.clone(),
            item_type: self.item_type,
            pod: self.pod.clone(),
            owner: self.owner.clone(),
            pipeline: self.pipeline.clone(),
            position: Position::Active { stage },
            since: now,
            updated_at: now,
            blocked_since: None,
            link: None,
            head: None,
            suggested: None,
            deployments: BTreeMap::new(),
            archived: None,
            version: 1,
        })
    }

    fn is(&self, item: &Item) -> bool {
        let Self { id, title, item_type, pod, owner, pipeline } = self;
        (id, title, item_type, pod, owner, pipeline)
            == (&item.id, &item.title, &item.item_type, &item.pod, &item.owner, &item.pipeline)
    }
}

impl<R: ItemRows + WipRows, C: Pause, H: Sources> ItemGates<R, C, H> {
    /// Now, as the rows keep it.
    pub fn now(&self) -> Timestamp {
        self.clock.now_to_the_microsecond()
    }

    /// Makes an item in the first stage of its pipeline, with its place there.
    ///
    /// # Errors
    /// `Retry` when the outcome is not known: asking again finds it out.
    pub async fn create(&self, new: &NewItem, by: &PersonName, cause: &CorrelationId) -> Result<Created, Fault> {
        self.create_linked(new, Origin::default(), by, cause).await
    }

    /// The same, for an item that lives on a source host.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub(crate) async fn create_linked(
        &self,
        new: &NewItem,
        origin: Origin,
        by: &PersonName,
        cause: &CorrelationId,
    ) -> Result<Created, Fault> {
        let pipeline = self.pipeline(&new.pipeline);
        let mut patience = Patience::new(&self.clock);
        loop {
            if let Some(there) = ItemRows::item(&self.rows, &new.id, None).await?.dossier {
                return Ok(if new.is(&there.item) { Created::Same(there.item) } else { Created::Another });
            }
            let unknown = || Fault::reject(format!("there is no pipeline {}: it needs a first stage", new.pipeline));
            let Origin { link, suggested } = origin.clone();
            let item = Item { link, suggested, ..new.item(&pipeline, self.now()).ok_or_else(unknown)? };
            let request = match self.place(&item) {
                Ok(request) => request,
                Err(scopes) => return Ok(Created::NoRule(scopes)),
            };
            let limits = &self.governance.limits;
            let ask = |rows: &Rows, now| admission::ask(&request, rows, limits, now);
            let decided = self.over(&request.scopes, ask).await?;
            let lease = match &decided.answer.answer {
                Asked::Waits { rows, .. } | Asked::NoTicket { rows } => {
                    if self.commit_places(&decided, cause).await? {
                        return Ok(Created::Waits(waiting(&item.id, rows, limits, decided.now)));
                    }
                    self.again(&mut patience, "making", &item.id).await?;
                    continue;
                }
                Asked::Held(lease) => {
                    let elsewhere = elsewhere(&request.work, lease, limits);
                    if !elsewhere.is_empty() {
                        return Ok(Created::HeldOtherwise { lease: lease.clone(), elsewhere });
                    }
                    lease
                }
                Asked::Admitted { lease, .. } => lease,
            };
            let facts = [
                ("by", by.to_string()),
                ("owner", item.owner.to_string()),
                ("pod", item.pod.to_string()),
                ("pipeline", item.pipeline.to_string()),
                ("stage", item.position.stage().to_string()),
                ("fence", lease.fence.to_string()),
            ];
            let change = ItemChange {
                item: item.id.clone(),
                dossier: Some((0, Dossier::new(item.clone()))),
                answered: None,
                writes: decided.answer.writes.clone(),
                events: self.told(&decided, cause),
                entry: telling::entry(&item.id, "item.create", facts, cause, decided.now),
            };
            if self.commit(&change, &decided, cause).await? {
                return Ok(Created::New(item));
            }
            self.again(&mut patience, "making", &item.id).await?;
        }
    }

    /// The stages of a pipeline. One that its file no longer has is without stages: an item in it can be parked or ended, and no more.
    pub(crate) fn pipeline(&self, name: &StagePipelineName) -> StagePipeline {
        let gone = || StagePipeline { name: name.clone(), stages: Vec::new(), parked_review: SignedDuration::ZERO };
        self.governance.stages.get(name).cloned().unwrap_or_else(gone)
    }

    /// The request for an item's place in the stage that it is in. Its owner holds it, whoever moves the item.
    pub(crate) fn place(&self, item: &Item) -> Result<Request, Vec<Scope>> {
        Request::new(item.work_in(item.position.stage()), item.owner.clone(), None, &self.governance.limits)
    }

    /// Reads what a decision over places needs. A row of others that cannot be read is closed to it.
    pub(crate) async fn over<A>(
        &self,
        scopes: &BTreeSet<Scope>,
        decide: impl Fn(&Rows, Timestamp) -> Next<Step<A>>,
    ) -> Result<Decided<Step<A>>, Fault> {
        let decided = decide_over(&self.rows, &self.clock, scopes, decide).await?;
        log_unreadable(&decided.unreadable);
        Ok(decided)
    }

    /// What happens to places, as events.
    pub(crate) fn told<A>(&self, decided: &Decided<Step<A>>, cause: &CorrelationId) -> Vec<Envelope> {
        self.telling.events(&decided.answer, &decided.rows, cause, &self.governance.limits, decided.now)
    }

    /// Writes what a decision changes of places alone; false when somebody was faster.
    pub(crate) async fn commit_places<A>(
        &self,
        decided: &Decided<Step<A>>,
        cause: &CorrelationId,
    ) -> Result<bool, Fault> {
        if decided.answer.writes.is_empty() {
            return Ok(true);
        }
        let events = self.told(decided, cause);
        let committed = WipRows::commit(&self.rows, &decided.answer.writes, &events, decided.now).await?;
        let done = committed == Committed::Done;
        if done {
            count(decided);
        }
        Ok(done)
    }

    /// Writes an item with all that changes with it; false when somebody was faster, or when so much is to be tidied up in the rows that it
    /// has to be done first, by itself.
    pub(crate) async fn commit<A>(
        &self,
        change: &ItemChange,
        decided: &Decided<Step<A>>,
        cause: &CorrelationId,
    ) -> Result<bool, Fault> {
        if change.fits() {
            let done = self.rows.commit_item(change, decided.now).await? == ItemCommitted::Done;
            if done {
                count(decided);
            }
            return Ok(done);
        }
        let limits = &self.governance.limits;
        let scopes = decided.rows.keys().cloned().collect();
        let tidied = self.over(&scopes, |rows, now| holding::sweep(rows, limits, now)).await?;
        self.commit_places(&tidied, cause).await?;
        Ok(false)
    }

    /// Waits before another attempt.
    pub(crate) async fn again(&self, patience: &mut Patience<'_, C>, what: &str, item: &ItemId) -> Result<(), Fault> {
        if patience.again().await {
            return Ok(());
        }
        Err(Fault::retry(format!("{what} {item}: others were at the same rows for {} s", PATIENCE.as_secs())))
    }

    /// A change that no place changes with.
    pub(crate) fn nothing_of_places(&self, now: Timestamp) -> Decided<Step<()>> {
        let answer = Step { writes: BTreeMap::new(), facts: Vec::new(), answer: () };
        Decided { answer, rows: Rows::new(), now, unreadable: Vec::new() }
    }
}

/// One row that cannot be read hides none of the others, and a person sees it.
pub(crate) fn log_unreadable(unreadable: &[(Scope, Fault)]) {
    for (scope, fault) in unreadable {
        tracing::error!(%scope, fault = fault.chain(), "this row cannot be read, and is left out");
    }
}

fn count<A>(decided: &Decided<Step<A>>) {
    for name in decided.answer.facts.iter().filter_map(|fact| fact.metric()) {
        tracing::info!(target: "metric", name, value = 1_u64);
    }
}
