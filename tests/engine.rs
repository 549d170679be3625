//! The engine: runs of pipelines, as CodePipeline runs them, beside an emulator that only keeps definitions.
//!
//! No emulator runs a pipeline (moto's executions succeed the moment they start, and it has no states, jobs or approvals), so it is built
//! once, here, and held to what AWS documents: how executions wait for one another in each mode, tokens of approvals, jobs of invoke
//! actions, the events of each change of state. It decides nothing about what runs: builds and functions are handed out as [`Work`], and
//! whoever does the work says how it ended.
//!
//! | file | what |
//! |---|---|
//! | `definition` | a pipeline as its JSON says, as far as running it needs |
//! | `execution` | executions, stages, actions as they stand, and the work that they hand out |
//! | `machine` | how they go on: pure, with the clock and the ids as fields |
//! | `api` | the operations in AWS's JSON, with its errors |
//! | `state` | GetPipelineState and the lists |
//! | `events` | what CodePipeline puts on the default bus |
//! | `triggers` | which push starts which pipeline |
//! | `server` | HTTP |
//! | `front` | the same before an emulator, for the local stack: definitions are handed on, builds end well, functions are invoked |
//!
//! # What it is not
//! Conditions of stages (`beforeEntry`, `onSuccess`), rollback, retry of a stage, disabled transitions, artifacts, cross-account and custom
//! actions are not in it: a definition or a call that needs one is refused and says so. Definitions are kept by somebody else, who hands them
//! over. Approvals do not expire by themselves, nor jobs that nobody answers (AWS: 20 minutes, and 24 hours in all). An event is
//! always delivered, and in order; AWS promises neither. AWS does not say when a function is invoked again: here it is five seconds.
//!
//! Sources: the CodePipeline API reference; CodePipeline user guide, "How pipeline executions work", "Set or change the pipeline execution
//! mode", "Monitoring CodePipeline events", "Invoke an AWS Lambda function in a pipeline".

mod api;
mod definition;
mod events;
mod execution;
#[cfg(feature = "aws")]
mod front;
mod machine;
mod server;
mod state;
mod triggers;

#[cfg(feature = "aws")]
pub use self::front::{Around, run};
pub use self::{
    api::ApiError,
    execution::{Outcome, Work},
    machine::Machine,
    server::Engine,
};

#[cfg(test)]
mod tests;
