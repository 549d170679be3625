//! What went wrong, sorted by what to do about it: `Retry` (may pass later), `Reject` (the input's own fault, final) or
//! `Bug` (ours: configuration or code).
//!
//! Handlers return a [`Fault`]; the runtime turns it into a partial batch failure, an HTTP problem or an error exit. Only
//! `Reject` carries words that a user may read. `Display` never repeats the source: the boundary logs the whole chain once.

use std::error::Error;

/// Boxed so that adapters keep their own error types as the source.
pub type Source = Box<dyn Error + Send + Sync>;

/// The three ways to fail.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// Something outside failed in a way that may pass: try the same work again later.
    #[error("{what}: try again later")]
    Retry {
        /// What was being done, in words, without secrets and without foreign text.
        what: String,
        /// What failed below.
        #[source]
        source: Option<Source>,
    },
    /// The input cannot ever be accepted; the text is for the person who sent it.
    #[error("{what}")]
    Reject {
        /// What happened, where, and what to do; foreign text in it is already escaped.
        what: String,
    },
    /// Our own mistake: a missing permission, a broken configuration, a row we cannot read.
    #[error("{what}")]
    Bug {
        /// What was found and what was expected.
        what: String,
        /// What failed below.
        #[source]
        source: Option<Source>,
    },
}

impl Fault {
    /// A failure outside that may pass.
    pub fn retry(what: impl Into<String>) -> Self {
        Self::Retry { what: what.into(), source: None }
    }

    /// A failure outside that may pass, with its source.
    pub fn retry_from(what: impl Into<String>, source: impl Into<Source>) -> Self {
        Self::Retry { what: what.into(), source: Some(source.into()) }
    }

    /// A final refusal, in words for the sender.
    pub fn reject(what: impl Into<String>) -> Self {
        Self::Reject { what: what.into() }
    }

    /// Our own mistake.
    pub fn bug(what: impl Into<String>) -> Self {
        Self::Bug { what: what.into(), source: None }
    }

    /// Our own mistake, with its source.
    pub fn bug_from(what: impl Into<String>, source: impl Into<Source>) -> Self {
        Self::Bug { what: what.into(), source: Some(source.into()) }
    }

    /// Whether the same work may succeed later.
    pub fn is_retry(&self) -> bool {
        matches!(self, Self::Retry { .. })
    }

    /// The fault and everything below it on one line, for the log.
    pub fn chain(&self) -> String {
        let mut line = self.to_string();
        let mut next = self.source();
        while let Some(source) = next {
            line.push_str(": ");
            line.push_str(&source.to_string());
            next = source.source();
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_leaves_the_source_to_the_chain() {
        let fault = Fault::retry_from("reading the branch head", "connection reset");
        assert_eq!(fault.to_string(), "reading the branch head: try again later");
        assert_eq!(fault.chain(), "reading the branch head: try again later: connection reset");
        assert!(fault.is_retry() && !Fault::reject("no").is_retry());
    }
}
