//! **Purpose.** Admits work in progress where there is room, and keeps the line where there is none.
//!
//! **Wakes on** its HTTP API; WIP Lock Requested; Change Opened, Updated, Merged and Closed; a sweep each minute, and a look at
//! everything each quarter of an hour. **Emits** the other events of `penstock.wip-limits`.
//!
//! **Idempotent by** the item: asking again is answered with the same lease or the same ticket, and changes only how long a ticket
//! lasts. Renewal and release name the lease's fence; a fence that is not the present one's changes nothing.
//!
//! | file | what |
//! |---|---|
//! | [`api`] | the HTTP API: request, call, service, answer |
//! | [`http`] | a request to a call: who asks, for what, and whether they may |
//! | [`answer`] | the service's answers as JSON and problem documents |
//! | [`service`] | load, decide, commit, and again when somebody else was faster |
//! | [`audit`] | what a person set, as an audit entry |
//! | [`handler`] | what wakes it beside the API |
//! | [`change`] | pull requests as items |
//! | [`metrics`] | what the rows say in numbers |

#[cfg(feature = "lambda")]
pub use crate::manifest::MANIFEST;
pub use crate::service::Limiter;

pub mod answer;
pub mod api;
pub mod audit;
pub mod change;
pub mod handler;
pub mod http;
pub mod metrics;
pub mod service;

#[cfg(feature = "lambda")]
mod manifest;
#[cfg(feature = "lambda")]
pub mod wiring;
