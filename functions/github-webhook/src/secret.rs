//! The webhook secret: read in INIT, refreshed at most once a minute, rotated without a gap.
//!
//! The secret is the JSON object `{"current", "previous"?, "previous_expires_at"?}`. Both values are always computed and compared in
//! constant time; the previous one counts strictly before its end, and never without one.
//!
//! Every request is judged with a secret that was asked for less than [`REFRESH_AFTER`] ago. So a wrong signature needs no read of its
//! own, and a flood of them causes one read a minute, not more. When a read fails in a way that may pass, the last good secret serves
//! on for [`SERVES_FOR`]; with no secret that serves, the next request after [`RETRY_AFTER`] reads again: else one slow read in INIT
//! would make this instance refuse everything for a minute. When the answer is final (forbidden, gone, empty, too short), nothing is
//! verified until it is mended.

use std::sync::{Arc, Mutex, PoisonError};

use common::{
    fault::Fault,
    webhook_secret::{Key, Keys, SecretSource},
};
use jiff::{SignedDuration, Timestamp};
use subtle::{Choice, ConstantTimeEq};

use crate::signature::Signature;

/// How long a secret that was read is taken as fresh, and the shortest time between two reads.
pub const REFRESH_AFTER: SignedDuration = SignedDuration::from_secs(60);

/// The shortest time between two reads while no secret serves and the last read failed in a way that may pass.
pub const RETRY_AFTER: SignedDuration = SignedDuration::from_secs(1);

/// How long the last good secret serves while reading fails in a way that may pass.
pub const SERVES_FOR: SignedDuration = SignedDuration::from_mins(15);

/// Which value made a signature: a field of the log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matched {
    /// The one that is set now.
    Current,
    /// The one before; still in use by the sender.
    Previous,
}

impl Matched {
    /// For the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Previous => "previous",
        }
    }
}

/// Which value of the secret made this signature over these bytes, if any.
pub fn verify(keys: &Keys, body: &[u8], signature: &Signature, now: Timestamp) -> Option<Matched> {
    // Without a previous value the current one is computed a second time, so that time does not tell which case it is.
    let (previous, counts) = match &keys.previous {
        Some((previous, expires_at)) => (previous, now < *expires_at),
        None => (&keys.current, false),
    };
    let by_current = made_by(&keys.current, body, signature);
    let by_previous = made_by(previous, body, signature) & Choice::from(u8::from(counts));
    match (bool::from(by_current), bool::from(by_previous)) {
        (true, _) => Some(Matched::Current),
        (false, true) => Some(Matched::Previous),
        (false, false) => None,
    }
}

/// Without a code the answer is no.
fn made_by(key: &Key, body: &[u8], signature: &Signature) -> Choice {
    key.code(body).map_or_else(|| 0u8.ct_eq(&1u8), |code| signature.matches(&code))
}

/// The secret with its memory.
pub struct Keyring<S> {
    source: S,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    keys: Option<Arc<Keys>>,
    read_at: Option<Timestamp>,
    tried_at: Option<Timestamp>,
    /// Whether the last read failed in a way that may pass.
    may_pass: bool,
}

impl State {
    /// The keys, unless they were read too long ago.
    fn serving(&self, now: Timestamp) -> Option<&Arc<Keys>> {
        self.keys.as_ref().filter(|_| self.read_at.is_some_and(|read_at| now.duration_since(read_at) < SERVES_FOR))
    }
}

impl<S: SecretSource> Keyring<S> {
    /// A keyring that has read nothing yet.
    pub fn new(source: S) -> Self {
        Self { source, state: Mutex::new(State::default()) }
    }

    /// Reads the secret when that is due. Called in INIT; a failure is logged and answered by the first request.
    pub async fn warm_up(&self, now: Timestamp) {
        let _ = self.keys(now).await;
    }

    /// The keys to verify with now; nothing when there are none that may be used.
    pub async fn keys(&self, now: Timestamp) -> Option<Arc<Keys>> {
        if self.claim_read(now) {
            let read = self.source.fetch().await.and_then(|text| Keys::parse(&text));
            self.keep(read, now);
        }
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.serving(now).cloned()
    }

    /// Whether a read is due; the caller that is told so makes it.
    fn claim_read(&self, now: Timestamp) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let rest = if state.may_pass && state.serving(now).is_none() { RETRY_AFTER } else { REFRESH_AFTER };
        let due = state.tried_at.is_none_or(|tried_at| now.duration_since(tried_at) >= rest);
        if due {
            state.tried_at = Some(now);
        }
        due
    }

    fn keep(&self, read: Result<Keys, Fault>, now: Timestamp) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.may_pass = read.as_ref().is_err_and(Fault::is_retry);
        match read {
            Ok(keys) => {
                state.keys = Some(Arc::new(keys));
                state.read_at = Some(now);
            }
            Err(fault) => {
                tracing::error!(fault = fault.chain(), "the webhook secret could not be read");
                if !fault.is_retry() {
                    state.keys = None;
                }
            }
        }
    }
}
