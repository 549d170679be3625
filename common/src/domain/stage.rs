//! Work items on their way: which stages there are, what opens the gate to the next one, and what is still missing.
//!
//! Which pipelines exist, with their stages, criteria, reviewers and kill rules, is data (`stages/*.yaml`); this is the one engine
//! that reads it. [`decide`] is a function of what was read at the moment of the decision: it looks at evidence with its
//! provenance and at approvals, never at labels, and answers with everything that is missing, not with the first thing.
//!
//! The gate says nothing about limits on work in progress: the handler takes the lease of the new stage in the same transaction as
//! the move ([`crate::domain::wip`]).

mod blocking;
mod deployment;
mod document;
mod dossier;
mod evidence;
mod follow;
mod gate;
mod item;
pub mod kill;
mod known;
mod obstacle;
mod pipeline;
mod sourcing;
mod suggestion;
mod unmet;

pub use self::{
    blocking::{NewBlocker, NotBlocked},
    deployment::{Deployment, deployed},
    dossier::{Answered, Dossier, Verdict},
    evidence::{Evidence, NotANumber, Number, Provenance, Source, Value},
    follow::{Follow, IssueSeen, follow, owner_of, title_of},
    gate::{Approval, Decision, Facts, MoveRequest, decide},
    item::{Archived, Destination, Item, Position, Step},
    known::known,
    obstacle::{Obstacle, Remedy, obstacles},
    pipeline::{Comparison, Condition, Criterion, Measure, Requirement, Review, Stage, StagePipeline},
    sourcing::{
        CheckSeen, Link, Wanted, criterion_of, directory, from_change, from_checks, from_file, from_idea, wanted, worse,
    },
    suggestion::{Because, Spoken, Suggestion, suggest},
    unmet::Unmet,
};

#[cfg(test)]
mod tests;
