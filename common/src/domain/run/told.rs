//! What was said last of a run at its gate.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::gate::{Decision, Verdict};
use crate::domain::id::{CommitSha, ExecutionId};

/// What was said last of a run: the same again is no event and no audit entry. It is written in one transaction with both, and before
/// the pipeline is answered: whoever stops in between finds the run still waiting, decides anew, and answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Of which run.
    pub execution: ExecutionId,
    /// What it deploys; nothing when the service does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<CommitSha>,
    /// Whether it goes on.
    pub verdict: Verdict,
    /// Everything that is missing, in sentences.
    pub reasons: Vec<String>,
    /// When it was said.
    pub at: Timestamp,
}

impl Told {
    /// What a decision says of a run.
    pub fn of(execution: &ExecutionId, commit: Option<&CommitSha>, decision: &Decision, at: Timestamp) -> Self {
        let reasons = decision.unmet.iter().map(super::Unmet::sentence).collect();
        Self { execution: execution.clone(), commit: commit.cloned(), verdict: decision.verdict, reasons, at }
    }

    /// Whether it says something else than what was said before.
    pub fn is_news(&self, before: Option<&Self>) -> bool {
        before.is_none_or(|before| {
            (&before.commit, before.verdict, &before.reasons) != (&self.commit, self.verdict, &self.reasons)
        })
    }
}
