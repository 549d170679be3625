//! **Purpose.** Turns what CodeCommit tells into events of the contract: the same that GitHub's webhooks become. It decides nothing about
//! clusters or changes; whoever acts on an event reads the state again.
//!
//! **Wakes on** `aws.codecommit` on the account's default bus, and on a repository's trigger that invokes it. It has no schedule: AWS brings
//! these events by best effort, and a push of which nobody heard is found by `delivery-sweeper`, which compares the heads of both hosts.
//! Terraform makes no trigger and lets CodeCommit invoke nothing: the bus is enough. Whoever wants one adds the permission and the trigger.
//!
//! **Checks.** Who may put events onto the bus, or invoke the function, may write anything. So account, region and id are compared with the
//! ARN and with `repositories.yaml`; what contradicts them has no effect, and an alarm calls (`ForeignEvents`). A repository that is not
//! listed is left alone.
//!
//! **Emits** Branch Pushed and Deleted; Change Opened, Updated, Reviewed, Commented, Merged and Closed.
//!
//! **Idempotent by** EventBridge's id of the event, and by (repository, what happened, when), both for seven days, in the same ledger as
//! webhooks. When, because a branch may go back and forth between two commits, and each time is another push.
//!
//! **Fails** by `Retry` when the table does not answer: nothing was marked as seen. An event of another form than AWS documents is `Reject`.
//!
//! | file | what it does |
//! |---|---|
//! | [`input`] | what AWS documents, as types |
//! | [`judge`] | whether it is about a repository of ours, and says so without contradiction |
//! | [`normalise`] | to an event of the contract, or the reason why there is none |
//! | [`handler`] | judge, commit, say what became of it |
//! | `doors` | messages of the queue, or a trigger |

pub use crate::handler::CodeCommitEvents;
#[cfg(feature = "lambda")]
pub use crate::manifest::MANIFEST;

pub mod handler;
pub mod input;
pub mod judge;
pub mod normalise;

#[cfg(feature = "lambda")]
pub mod doors;
#[cfg(feature = "lambda")]
mod manifest;
#[cfg(test)]
mod tests;
#[cfg(feature = "lambda")]
pub mod wiring;
