//! **Purpose.** Decides at gates. Moves work items from stage to stage: through the gate, with a place in the new stage, in one
//! transaction. Lets runs of the clusters' pipelines go on to deploy: [`runs`] says how; what follows is about items.
//!
//! **Wakes on** its HTTP API; Stage Transition Requested; Item Blocked and Item Unblocked; issues of the source host; looks each quarter
//! of an hour that keep the places of items that are under way, follow issues, and review what has stopped living. **Emits** Stage Gate
//! Approved and Stage Gate Rejected, what is said of blockers, reviews and ends, and what happens to places on the way.
//!
//! **Idempotent by** the request's id for a move: the same one is answered the same, whatever has changed since. An item is made once by
//! its id; evidence and an approval that are there already change nothing.
//!
//! **Fails how.** Every write of an item names the version that was read; who was overtaken decides anew. A move into a full scope
//! changes nothing and gives a place in line.
//!
//! | file | what |
//! |---|---|
//! | [`api`] | the HTTP API: request, call, service, answer |
//! | [`http`] | a request to a call: who asks, for what, and whether they may |
//! | [`answer`] | the service's answers as JSON and problem documents |
//! | [`service`] | making items, and what all calls share |
//! | [`moving`] | moves: decide, take the place, commit |
//! | [`vouching`] | evidence by somebody's word, and approvals |
//! | [`blocking`] | what keeps items, as people say it |
//! | [`unblocking`] | resolving what waited for an item that is done |
//! | [`ideas`] | the idea ledger |
//! | [`writing`] | writing what people say, where no place changes with it |
//! | [`looking`] | items as they are, and what keeps them |
//! | [`upkeep`] | keeping the places of items that are under way |
//! | [`sourcing`] | what an item's source host says of it now |
//! | [`following`] | items that issues and pull requests are |
//! | [`deploying`] | where items' commits are deployed |
//! | [`linking`] | where an item lives on a source host |
//! | [`reviewing`] | kill review: what the rules of a stage find, and what follows |
//! | [`telling`] | what the gate said, as events and audit entries |
//! | [`handler`] | what wakes it beside the API |
//! | [`runs`] | the gates of the clusters' pipelines |
//! | `doors` | what comes in, to one or the other |

#[cfg(feature = "lambda")]
pub use crate::manifest::MANIFEST;
pub use crate::service::ItemGates;

pub mod answer;
pub mod api;
pub mod blocking;
pub mod deploying;
pub mod following;
pub mod handler;
pub mod http;
pub mod ideas;
pub mod linking;
pub mod looking;
pub mod moving;
pub mod reviewing;
pub mod runs;
pub mod service;
pub mod sourcing;
pub mod telling;
pub mod unblocking;
pub mod upkeep;
pub mod vouching;
pub mod writing;

#[cfg(feature = "lambda")]
pub mod doors;
#[cfg(feature = "lambda")]
mod manifest;
#[cfg(feature = "lambda")]
pub mod wiring;
