//! Which failed deliveries GitHub is asked to send again: those of which no attempt succeeded, as long as GitHub can, not too often, and
//! with care while nothing arrives.

use std::{collections::BTreeMap, fmt};

use jiff::{SignedDuration, Timestamp};

use crate::domain::id::DeliveryId;

/// How far back GitHub sends again.
/// <https://docs.github.com/en/webhooks/testing-and-troubleshooting-webhooks/redelivering-webhooks>
pub const WINDOW: SignedDuration = SignedDuration::from_hours(3 * 24);

/// How many deliveries one run asks for. GitHub's secondary limit is about 180 writes a minute, and the App's other calls need room too.
pub const RUN: usize = 100;

/// How many of them while the newest attempt of all failed. Each attempt is one more entry in GitHub's list: a receiver that is down for a
/// day must not make that list too long to be read.
pub const PROBES: usize = 5;

/// How far behind the newest the next list begins at least, as GitHub may list an attempt a little after it was made.
pub const OVERLAP: SignedDuration = SignedDuration::from_hours(1);

/// The pause after the first attempt; GitHub itself waits ten seconds for an answer. Each further one waits twice as long.
const FIRST_PAUSE: SignedDuration = SignedDuration::from_secs(30);

/// The longest pause: what failed arrives within a quarter of an hour after the receiver is back.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_mins(10);

/// How often a delivery is attempted whose answer is final. Once more than once: a deployment may have mended what refused it.
const FINAL_ATTEMPTS: u32 = 2;

/// One attempt of GitHub at a delivery, as its list says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The attempt's own number.
    pub id: u64,
    /// The delivery: every attempt at it has the same.
    pub guid: DeliveryId,
    /// When it was made.
    pub at: Timestamp,
    /// The status that the receiver answered; nothing when there was no answer.
    pub answered: Option<u16>,
}

/// What to ask for again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redelivery {
    /// The attempt that GitHub repeats: the newest.
    pub id: u64,
    /// The delivery.
    pub guid: DeliveryId,
    /// How many attempts there were.
    pub attempts: u32,
    /// What the newest was answered.
    pub answered: Option<u16>,
}

/// A delivery that failed and is not asked for now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// The delivery.
    pub guid: DeliveryId,
    /// Why.
    pub why: Why,
}

/// Why a failed delivery is not asked for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Its pause is not over.
    Early {
        /// When it is.
        until: Timestamp,
    },
    /// Others come first in this run.
    Full,
    /// The receiver's answer is final, and it has been asked twice.
    Refused {
        /// What it answered.
        answered: u16,
    },
    /// GitHub sends it no more.
    Late,
}

/// What a run does about GitHub's attempts.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a plan that nobody carries out redelivers nothing"]
pub struct Plan {
    /// What is asked for again, in this order.
    pub again: Vec<Redelivery>,
    /// What failed and is left.
    pub left: Vec<Left>,
    /// Everything that was attempted before this is settled: the next list need not go back further.
    pub settled_before: Timestamp,
}

impl Attempt {
    /// Whether the receiver took it.
    pub fn succeeded(&self) -> bool {
        self.answered.is_some_and(|status| (200..300).contains(&status))
    }
}

impl Plan {
    /// How many deliveries failed and can still arrive: those that a person should hear of when they do not become fewer.
    pub fn failing(&self) -> usize {
        let waiting = self.left.iter().filter(|left| matches!(left.why, Why::Early { .. } | Why::Full)).count();
        self.again.len() + waiting
    }

    /// How many are given up by the receiver's answer or by GitHub's window.
    pub fn given_up(&self) -> usize {
        self.left.len() + self.again.len() - self.failing()
    }
}

impl fmt::Display for Why {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Early { until } => write!(to, "not asked for again before {until}"),
            Self::Full => to.write_str("others come first in this run"),
            Self::Refused { answered } => write!(to, "refused for what it is, twice: the last answer was {answered}"),
            Self::Late => to.write_str("older than the three days for which GitHub sends again"),
        }
    }
}

impl fmt::Display for Redelivery {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (attempts, times) = (self.attempts, if self.attempts == 1 { "attempt" } else { "attempts" });
        match self.answered {
            Some(status) => write!(to, "{attempts} {times}, the last answered {status}"),
            None => write!(to, "{attempts} {times}, the last without an answer"),
        }
    }
}

/// How long after the newest of so many attempts the next is made.
pub fn pause(attempts: u32) -> SignedDuration {
    let doubled = 1_i32.checked_shl(attempts.saturating_sub(1).min(10)).unwrap_or(i32::MAX);
    FIRST_PAUSE.saturating_mul(doubled).min(LONGEST_PAUSE)
}

/// Whether the same bytes will be answered the same: malformed, too large, or a body of another event.
fn is_final(status: u16) -> bool {
    matches!(status, 400 | 413 | 422)
}

/// Decides over all attempts that were listed, in any order. The same attempt may be there twice.
pub fn decide(attempts: &[Attempt], now: Timestamp) -> Plan {
    let mut by_guid: BTreeMap<&DeliveryId, BTreeMap<u64, &Attempt>> = BTreeMap::new();
    for attempt in attempts {
        by_guid.entry(&attempt.guid).or_default().insert(attempt.id, attempt);
    }
    let newest = attempts.iter().max_by_key(|attempt| (attempt.at, attempt.id));
    let down = newest.is_some_and(|attempt| !attempt.succeeded() && !attempt.answered.is_some_and(is_final));
    let overlap = now.saturating_sub(OVERLAP).unwrap_or(now);
    let (mut due, mut left, mut settled_before) = (Vec::new(), Vec::new(), overlap);
    let mut spans = Vec::new();
    for (guid, attempts) in by_guid {
        let (first, last) =
            (attempts.values().map(|one| one.at).min(), attempts.values().max_by_key(|one| (one.at, one.id)));
        let (Some(first), Some(last)) = (first, last) else { continue };
        spans.push((last.at, first));
        if attempts.values().any(|attempt| attempt.succeeded()) {
            continue;
        }
        let count = u32::try_from(attempts.len()).unwrap_or(u32::MAX);
        let until = last.at.saturating_add(pause(count)).unwrap_or(Timestamp::MAX);
        let why = match last.answered {
            _ if now.duration_since(first) >= WINDOW => Some(Why::Late),
            Some(answered) if is_final(answered) && count >= FINAL_ATTEMPTS => Some(Why::Refused { answered }),
            _ if until > now => Some(Why::Early { until }),
            _ => None,
        };
        if !matches!(why, Some(Why::Late | Why::Refused { .. })) {
            settled_before = settled_before.min(first);
        }
        match why {
            Some(why) => left.push(Left { guid: guid.clone(), why }),
            None => {
                let answered = last.answered;
                due.push((first, Redelivery { id: last.id, guid: guid.clone(), attempts: count, answered }));
            }
        }
    }
    // A list that began in the midst of a delivery's attempts would count them anew.
    spans.sort_unstable_by(|one, other| other.cmp(one));
    for (last, first) in spans {
        if last >= settled_before {
            settled_before = settled_before.min(first);
        }
    }
    // Those that were tried least come first, so that one that never arrives takes no other's place; then the oldest.
    due.sort_by(|(first, one), (other_first, other)| {
        (one.attempts, first, &one.guid).cmp(&(other.attempts, other_first, &other.guid))
    });
    let room = if down { PROBES } else { RUN };
    let mut again: Vec<Redelivery> = due.into_iter().map(|(_, redelivery)| redelivery).collect();
    let rest = again.split_off(again.len().min(room));
    left.extend(rest.into_iter().map(|redelivery| Left { guid: redelivery.guid, why: Why::Full }));
    Plan { again, left, settled_before }
}
