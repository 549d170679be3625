//! Letters to persons.

use std::future::Future;

use crate::{domain::id::EmailAddress, fault::Fault};

/// A letter: plain text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// For whom.
    pub to: EmailAddress,
    /// Of our own words and of parsed ids alone: nothing foreign stands in a header.
    pub subject: String,
    /// What it says.
    pub text: String,
}

/// The mail service.
pub trait Mailer: Sync {
    /// Hands a letter over; answers the service's own id of it. The service has no key that makes it idempotent: who calls looks into the
    /// ledger before, and remembers after.
    ///
    /// # Errors
    /// `Retry` when the service asks to wait or did not answer; `Reject` when it will never take this letter, or not for this address; `Bug`
    /// when nothing can be sent: no right, an address of the sender that is not verified, an account that may not send.
    fn send(&self, letter: &Letter) -> impl Future<Output = Result<String, Fault>> + Send;
}
