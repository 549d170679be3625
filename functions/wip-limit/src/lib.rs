//! **Purpose.** Admits work in progress where there is room, and keeps the line where there is none.
//!
//! **Idempotent by** the item: asking again is answered with the same lease or the same ticket, and changes only how long a ticket
//! lasts. Renewal and release name the lease's fence; a fence that is not the present one's changes nothing.
//!
//! | file | what |
//! |---|---|
//! | [`service`] | load, decide, commit, and again when somebody else was faster |
//! | [`telling`] | what happened, as events |

pub use crate::service::Limiter;

pub mod service;
pub mod telling;
