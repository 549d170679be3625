//! **Purpose.** The only function that publishes words and marks: on the source host, and in Slack.
//!
//! **Wakes on** Provisioning Started and Finished; Run Gate Waiting, Approved and Rejected; Run Answer Refused; WIP Limit Exceeded, WIP Lock Acquired, Released and
//! Refused; Change Closed and Merged; Daily Unblock Report, Weekly Demo Preparation, Item Escalated, Item Under Kill Review, Item Killed.
//! **Does**: for a push, the commit status `penstock/clusters`
//! (pending, then final, linking to the pipelines) and the check run of the same name with one annotation for each finding;
//! for a pull request, the check run `penstock/clusters plan`, which says in words what merging it would do; for one that must wait
//! for a limit on work in progress, a label, one comment and draft state, and takes them back when it need not wait any more; one that
//! can get no place at all is told why in that comment. For a run at the gate of a cluster's pipeline, a commit status and a check run
//! `penstock/gate <cluster>`: what it deploys, since when it waits, what is missing, who can clear it, how to answer; of a command in a comment that was not taken, one comment that says why.
//! **Emits** nothing.
//!
//! **Idempotent by** (subject, kind, order, digest of the content): a copy, an older event, and a sweep that found the same
//! again publish nothing. The digest leaves out what only tells one sweep from the next ("2 created" or "2 unchanged"), so a
//! schedule does not repeat itself on a commit every quarter of an hour.
//!
//! In Slack: the head of the day's thread, the reminder to those who have not posted in it, the summary; the demo; escalations to persons
//! and channels; to each whom a kill review or an end concerns, what is found, until when, and what they may do; to whoever is asked to let a run go on, their own link ([`asking`]). Idempotent by a key of each post. Without a token nothing is posted there, and the log says so.
//!
//! By mail, when a sender is set: the day's report and escalations, for those who are named and have an address (see [`mail`]).
//!
//! **Fails** alone: what it publishes is an output and never evidence, so no decision waits for it. A host that does not
//! answer is `Retry`, and the queue brings the message again.
//!
//! A pull request is made a draft only when it was none, and marked ready again only when it was made a draft here: the ledger
//! knows, not the host. An author who marks it ready meanwhile is left alone.

pub use crate::handler::{Settings, handle};

pub mod asking;
pub mod gate;
pub mod handler;
pub mod mail;
pub mod marks;
pub mod rhythm;
mod room;
pub mod waiting;
pub mod words;

#[cfg(feature = "lambda")]
mod manifest;
#[cfg(feature = "lambda")]
pub mod wiring;
#[cfg(feature = "lambda")]
pub use crate::manifest::MANIFEST;
