//! The idea ledger: ideas come in with grades, are graded anew, become work items, or are archived. An idea that becomes an item keeps its id,
//! and the item finds it in the ledger as evidence.
//!
//! | module | what |
//! |---|---|
//! | `http` | requests to calls |
//! | `api` | calls to the service, answers to responses |

pub mod api;
pub mod http;

use common::{
    domain::{
        audit::{Draft, Phase},
        id::{CorrelationId, ItemId, PersonName, PodName, StagePipelineName},
        idea::{Grades, Idea, IdeaState},
        wip::ItemType,
    },
    fault::Fault,
    ports::{IdeaChange, ItemRows, Patience, Pause, SaidCommitted, Sources, WipRows},
};
use jiff::Timestamp;

use crate::service::{Created, ItemGates, NewItem};

/// An idea that comes into the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewIdea {
    /// Its id, which is that of the item that it may become.
    pub id: ItemId,
    /// What it is called.
    pub title: String,
    /// What is wrong today.
    pub problem: String,
    /// What would be better with it.
    pub hypothesis: String,
    /// The grades.
    pub grades: Grades,
}

/// What is done with an idea that is in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// It is graded anew.
    Grade(Grades),
    /// Nobody will do it.
    Archive {
        /// Why.
        reason: String,
    },
    /// It becomes a work item.
    Promote(Place),
}

/// Where an item begins that was an idea.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Whose work it is.
    pub pod: PodName,
    /// Who answers for it.
    pub owner: PersonName,
    /// The stages that it goes through.
    pub pipeline: StagePipelineName,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// It stands in the ledger so, from now on.
    Now(Idea),
    /// It did already.
    Same(Idea),
    /// There is another idea of this id.
    Another,
    /// There is no such idea.
    NoIdea,
    /// It is not theirs; whose it is.
    Forbidden(String),
    /// It is no longer open.
    Closed(Idea),
    /// It becomes no item now; why.
    NoItem(Box<(NewItem, Created)>),
}

impl<R: ItemRows + WipRows, C: Pause, H: Sources> ItemGates<R, C, H> {
    /// Puts an idea into the ledger.
    ///
    /// # Errors
    /// `Retry` when the outcome is not known: asking again finds it out.
    pub async fn add_idea(&self, new: &NewIdea, by: &PersonName, cause: &CorrelationId) -> Result<Kept, Fault> {
        let mut patience = Patience::new(&self.clock);
        loop {
            if let Some(there) = self.rows.idea(&new.id).await? {
                let NewIdea { title, problem, hypothesis, .. } = new;
                let same =
                    (title, problem, hypothesis, by) == (&there.title, &there.problem, &there.hypothesis, &there.by);
                return Ok(if same { Kept::Same(there) } else { Kept::Another });
            }
            let NewIdea { id, title, problem, hypothesis, grades } = new.clone();
            let (at, state, version) = (self.now(), IdeaState::Open, 1);
            let after = Idea { id, title, problem, hypothesis, grades, by: by.clone(), at, state, version };
            if self.keep_idea(None, &after, "idea.add", by, cause).await? {
                return Ok(Kept::Now(after));
            }
            self.again(&mut patience, "adding the idea", &new.id).await?;
        }
    }

    /// Every idea: what is open first, and of that what is worth most.
    ///
    /// # Errors
    /// Those of the table.
    pub async fn ledger(&self) -> Result<Vec<Idea>, Fault> {
        let mut all = self.rows.ideas().await?;
        all.sort_by_key(Idea::rank);
        Ok(all)
    }

    /// Does something with an idea. `allowed` says whether it is theirs, once it is known whose it is.
    ///
    /// # Errors
    /// As [`add_idea`](Self::add_idea).
    pub async fn do_idea(
        &self,
        id: &ItemId,
        deed: &Deed,
        by: &PersonName,
        allowed: impl Fn(&Idea) -> Result<(), String> + Send + Sync,
        cause: &CorrelationId,
    ) -> Result<Kept, Fault> {
        let mut patience = Patience::new(&self.clock);
        loop {
            let Some(before) = self.rows.idea(id).await? else { return Ok(Kept::NoIdea) };
            if let Err(why) = allowed(&before) {
                return Ok(Kept::Forbidden(why));
            }
            match (&before.state, deed) {
                (IdeaState::Open, _) => {}
                (IdeaState::Promoted { .. }, Deed::Promote(_)) | (IdeaState::Archived { .. }, Deed::Archive { .. }) => {
                    return Ok(Kept::Same(before));
                }
                _ => return Ok(Kept::Closed(before)),
            }
            // The item first: it is made once, because of its id, and whoever asks again finds it. An idea is no item before there is one.
            if let Deed::Promote(place) = deed {
                let Place { pod, owner, pipeline } = place.clone();
                let title = before.title.clone();
                let new = NewItem { id: id.clone(), title, item_type: ItemType::Idea, pod, owner, pipeline };
                let created = self.create(&new, by, cause).await?;
                if !matches!(created, Created::New(_) | Created::Same(_)) {
                    return Ok(Kept::NoItem(Box::new((new, created))));
                }
            }
            let (after, action) = done(&before, deed, by, self.now());
            if after == before {
                return Ok(Kept::Same(before));
            }
            if self.keep_idea(Some(before), &after, action, by, cause).await? {
                return Ok(Kept::Now(after));
            }
            self.again(&mut patience, "writing the idea", id).await?;
        }
    }

    async fn keep_idea(
        &self,
        before: Option<Idea>,
        after: &Idea,
        action: &str,
        by: &PersonName,
        cause: &CorrelationId,
    ) -> Result<bool, Fault> {
        let entry = Draft {
            subject: format!("idea:{}", after.id),
            at: self.now(),
            actor: "stage-gate".into(),
            action: action.into(),
            phase: Phase::Decision,
            correlation_id: cause.clone(),
            facts: [("by".to_owned(), by.to_string()), ("score".to_owned(), after.grades.score().to_string())].into(),
            reasons: match &after.state {
                IdeaState::Archived { reason, .. } => vec![reason.clone()],
                IdeaState::Open | IdeaState::Promoted { .. } => Vec::new(),
            },
        };
        let change = IdeaChange { before, after: after.clone(), entry };
        // Whichever row it was is read again anyway.
        Ok(self.rows.commit_idea(&change).await? == SaidCommitted::Done)
    }
}

/// The idea after a deed, and what the audit calls that.
fn done(before: &Idea, deed: &Deed, by: &PersonName, at: Timestamp) -> (Idea, &'static str) {
    let by = by.clone();
    let (grades, state, action) = match deed {
        Deed::Grade(grades) if *grades == before.grades => return (before.clone(), "idea.grade"),
        Deed::Grade(grades) => (*grades, before.state.clone(), "idea.grade"),
        Deed::Archive { reason } => {
            (before.grades, IdeaState::Archived { by, at, reason: reason.clone() }, "idea.archive")
        }
        Deed::Promote(_) => (before.grades, IdeaState::Promoted { by, at }, "idea.promote"),
    };
    (Idea { grades, state, version: before.version + 1, ..before.clone() }, action)
}
