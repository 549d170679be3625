//! What makes delivery complete: which webhooks are asked for again, and which branch moved without anybody hearing of it.
//!
//! GitHub never repeats a webhook that failed, and an event may be lost wherever it passes. So a sweep looks at both ends: at what GitHub
//! says of its attempts, and at the branches themselves. Both decisions are functions of what was read and of now.
//!
//! | file | decides |
//! |---|---|
//! | `redelivery` | which failed deliveries GitHub is asked to send again, and which are left, with the reason |
//! | `gap` | whether a branch's head is news to us |

mod gap;
mod redelivery;

pub use self::{
    gap::{GRACE, Look, Seen, look},
    redelivery::{Attempt, Left, OVERLAP, PROBES, Plan, RUN, Redelivery, WINDOW, Why, decide, pause},
};

#[cfg(test)]
mod tests;
