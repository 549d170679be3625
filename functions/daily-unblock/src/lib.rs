//! **Purpose.** Says each working day what stands still, why, and who does what next; tells further people of a blocker that lasts;
//! prepares the weekly demo and the council.
//!
//! **Wakes on** the local times of schedules.yaml, and on a sweep every five minutes that posts what is due and was not posted: the
//! first only makes it punctual. Its API takes the word that a maintenance task was done. **Emits** Daily Unblock Report, Weekly Demo
//! Preparation, Item Escalated. It publishes nothing itself: `feedback` does.
//!
//! **Idempotent by** (kind, channel, local day) for a post, (blocker, group) for an escalation, (task, period) for a task: each a row
//! that is written once, in one transaction with its event and its audit entry.
//!
//! **Fails how.** A source that cannot be read makes the report incomplete, and says which; it is never an empty list. The metric
//! `RhythmSourcesUnreadable` calls a person. Once everything can be read again, the whole report of that day is posted, once. When the
//! table takes no post either, the message comes again, and the sweep after it.
//!
//! What it does not do itself: leases that ran out are handed over by `wip-limit`, and a blocker that waits for an item is resolved by `stage-gate`
//! once that is done, each within minutes and not once a day. A blocker whose cause ended in another way is named with that as its next
//! action, because whether the work can go on is its owner's to say.
//!
//! | file | what |
//! |---|---|
//! | [`handler`] | the sweep: escalations, then posts |
//! | [`loading`] | every source, each with its own failure |
//! | [`posting`] | what is due and not posted yet |
//! | [`escalating`] | who is told of a blocker that lasts |
//! | [`telling`] | events and audit entries |
//! | [`api`] | that a task was done |

pub use crate::handler::DailyUnblock;
#[cfg(feature = "lambda")]
pub use crate::manifest::MANIFEST;

pub mod api;
pub mod escalating;
pub mod handler;
pub mod loading;
pub mod posting;
pub mod telling;

#[cfg(feature = "lambda")]
mod manifest;
#[cfg(feature = "lambda")]
pub mod wiring;
