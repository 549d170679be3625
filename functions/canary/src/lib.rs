//! **Purpose.** Looks at the API from outside, as a caller does: whether it answers, answers soon, answers what was deployed, lets nobody in
//! without a token, and takes a webhook that is signed and no other.
//!
//! **Wakes on** its schedule, each five minutes. **Emits** nothing, and leaves nothing: a ping is answered and not kept.
//!
//! **Idempotent by** changing nothing: each look is of its own moment.
//!
//! **Fails** with all that one look found, in one line: the error of its invocation. `CanaryFailed` counts it, for each check and in all; its
//! alarm calls when a look found something, and when there was no look.
//!
//! | file | what |
//! |---|---|
//! | [`check`] | what is asked, and what the answer must be: pure |
//! | [`handler`] | one look: ask, judge, tell |

pub use crate::handler::Canary;
#[cfg(feature = "lambda")]
pub use crate::manifest::MANIFEST;

pub mod check;
pub mod handler;

#[cfg(feature = "lambda")]
mod manifest;
#[cfg(feature = "lambda")]
pub mod wiring;
