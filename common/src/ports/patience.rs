//! Waiting between attempts at rows that others change.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::Pause;

/// How long a request is tried again while others are at the same rows.
pub const PATIENCE: SignedDuration = SignedDuration::from_secs(2);

const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(320);

/// Waiting between attempts, up to a moment.
#[derive(Debug)]
pub struct Patience<'c, C> {
    clock: &'c C,
    until: Timestamp,
    longest: Duration,
}

impl<'c, C: Pause> Patience<'c, C> {
    /// From now on.
    pub fn new(clock: &'c C) -> Self {
        let until = clock.now().saturating_add(PATIENCE).unwrap_or(Timestamp::MAX);
        Self { clock, until, longest: FIRST_PAUSE }
    }

    /// Waits a while; false when there is no time left.
    pub async fn again(&mut self) -> bool {
        let next = SignedDuration::try_from(self.longest).unwrap_or(SignedDuration::MAX);
        if self.clock.now().saturating_add(next).unwrap_or(Timestamp::MAX) > self.until {
            return false;
        }
        self.clock.pause(self.longest).await;
        self.longest = (self.longest * 2).min(LONGEST_PAUSE);
        true
    }
}
