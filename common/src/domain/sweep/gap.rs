//! Whether a branch's head is news: it is neither what was seen last nor what was reconciled, and has had time to be heard of.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::domain::id::CommitSha;

/// How long a head may differ before it counts as a gap: a webhook on its way arrives within seconds. Less than the five minutes between
/// two sweeps, so that the second one that sees a gap fills it.
pub const GRACE: SignedDuration = SignedDuration::from_mins(4);

/// What is remembered of a branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The last head that is settled: reconciled, or told of by a sweep. Nothing: none has been yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<CommitSha>,
    /// Since when that is so.
    pub at: Timestamp,
    /// Since when the branch has a head that is not settled. It is not that of one head: a branch that never rests is told of, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub differs_since: Option<Timestamp>,
}

/// What a look at a branch comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a look that nobody acts on fills no gap"]
pub enum Look {
    /// Nothing is to be written: all is settled, or a webhook may still come.
    Same,
    /// To be remembered, without an event.
    Remember(Seen),
    /// A gap: the head is to be told, and this is to be remembered with it.
    Tell(Seen),
}

/// Compares a branch's head with what is remembered of it. `reconciled` is the head at which the provisioner last took the branch up:
/// whatever woke it, that commit was heard of.
pub fn look(seen: Option<&Seen>, reconciled: Option<&CommitSha>, head: &CommitSha, now: Timestamp) -> Look {
    let settled = || Seen { head: Some(head.clone()), at: now, differs_since: None };
    let last = seen.and_then(|seen| seen.head.as_ref());
    let differs_since = seen.and_then(|seen| seen.differs_since);
    if last == Some(head) {
        return match (seen, differs_since) {
            // It went away and came back.
            (Some(seen), Some(_)) => Look::Remember(Seen { differs_since: None, ..seen.clone() }),
            _ => Look::Same,
        };
    }
    if reconciled == Some(head) {
        return Look::Remember(settled());
    }
    match differs_since {
        None => {
            let at = seen.map_or(now, |seen| seen.at);
            Look::Remember(Seen { head: last.cloned(), at, differs_since: Some(now) })
        }
        Some(since) if now.duration_since(since) >= GRACE => Look::Tell(settled()),
        Some(_) => Look::Same,
    }
}
