//! The audit trail: for each subject a chain of entries, each holding the hash of the one before.
//!
//! `hash = sha256(prev ‖ entry)`, where the entry is encoded as its fields in a fixed order, each preceded by its length
//! ([`Digest::of_parts`]): no JSON canonicalisation to disagree about. An entry is written in the same transaction as the
//! effect it records; a call to another service has an intent before it and an outcome after it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::id::{CorrelationId, Digest};

/// Whether something is about to be tried, was tried, or was decided without a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// A call to another service is about to be made.
    Intent,
    /// How that call ended.
    Outcome,
    /// A decision that needs no call.
    Decision,
}

/// An entry that has no place in a chain yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// Whose chain: `cluster:integration/us-east-1/regional`.
    pub subject: String,
    /// When.
    pub at: Timestamp,
    /// Which function.
    pub actor: String,
    /// What, as a stable word: `pipeline.create`.
    pub action: String,
    /// Intent, outcome or decision.
    pub phase: Phase,
    /// What caused it.
    pub correlation_id: CorrelationId,
    /// Inputs and results by name: head, generation, pipeline, spec digest, error code.
    pub facts: BTreeMap<String, String>,
    /// All reasons, in sentences.
    pub reasons: Vec<String>,
}

/// An entry in its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// From 1, without gaps.
    pub sequence: u64,
    /// The hash of the entry before; [`genesis`] for the first.
    pub previous: Digest,
    /// The hash of this one.
    pub hash: Digest,
    /// What it says.
    #[serde(flatten)]
    pub draft: Draft,
}

/// The end of a chain, to which the next entry is added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The last sequence number; 0 for an empty chain.
    pub sequence: u64,
    /// The last hash; [`genesis`] for an empty chain.
    pub hash: Digest,
}

/// Where a subject's chain starts: the hash of its name, so that chains cannot be exchanged.
pub fn genesis(subject: &str) -> Digest {
    Digest::of_parts(["penstock-audit-v1", subject])
}

impl Head {
    /// The head of a chain without entries.
    pub fn empty(subject: &str) -> Self {
        Self { sequence: 0, hash: genesis(subject) }
    }

    /// The entry that follows this head.
    pub fn append(&self, draft: Draft) -> Entry {
        let sequence = self.sequence + 1;
        let hash = hash(&self.hash, sequence, &draft);
        Entry { sequence, previous: self.hash.clone(), hash, draft }
    }
}

impl Entry {
    /// The head once this entry is in.
    pub fn head(&self) -> Head {
        Head { sequence: self.sequence, hash: self.hash.clone() }
    }
}

fn hash(previous: &Digest, sequence: u64, draft: &Draft) -> Digest {
    let Draft { subject, at, actor, action, phase, correlation_id, facts, reasons } = draft;
    let phase = match phase {
        Phase::Intent => "intent",
        Phase::Outcome => "outcome",
        Phase::Decision => "decision",
    };
    let (sequence, at) = (sequence.to_string(), at.to_string());
    let (fact_count, reason_count) = (facts.len().to_string(), reasons.len().to_string());
    let fixed =
        [previous.as_str(), subject, &sequence, &at, actor, action, phase, correlation_id.as_str(), &fact_count];
    let facts = facts.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]);
    let reasons = std::iter::once(reason_count.as_str()).chain(reasons.iter().map(String::as_str));
    Digest::of_parts(fixed.into_iter().chain(facts).chain(reasons))
}

/// The first place where a chain does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// An entry is missing, doubled or out of order.
    #[error("entry {expected} of {subject} is missing: found {found} in its place")]
    Sequence {
        /// Whose chain.
        subject: String,
        /// The number that should stand here.
        expected: u64,
        /// The number that stands here.
        found: u64,
    },
    /// An entry belongs to another chain.
    #[error("entry {sequence} of {subject} belongs to another subject")]
    Subject {
        /// Whose chain.
        subject: String,
        /// Which entry.
        sequence: u64,
    },
    /// An entry was changed, or the one before it.
    #[error("entry {sequence} of {subject} was changed: its hash does not match its content and the entry before")]
    Hash {
        /// Whose chain.
        subject: String,
        /// Which entry.
        sequence: u64,
    },
    /// The recorded head is not the last entry: the end was cut off, or the head was changed.
    #[error("the chain of {subject} ends at entry {found}, its head says {expected}")]
    Head {
        /// Whose chain.
        subject: String,
        /// What the head says.
        expected: u64,
        /// Where the entries end.
        found: u64,
    },
}

/// Checks a whole chain against its recorded head.
///
/// # Errors
/// The first entry that does not hold.
pub fn verify(subject: &str, entries: &[Entry], recorded: &Head) -> Result<(), Broken> {
    let mut head = Head::empty(subject);
    for entry in entries {
        let (subject, sequence) = (subject.to_owned(), entry.sequence);
        if sequence != head.sequence + 1 {
            return Err(Broken::Sequence { subject, expected: head.sequence + 1, found: sequence });
        }
        if entry.draft.subject != subject {
            return Err(Broken::Subject { subject, sequence });
        }
        if entry.previous != head.hash || entry.hash != hash(&head.hash, sequence, &entry.draft) {
            return Err(Broken::Hash { subject, sequence });
        }
        head = entry.head();
    }
    if head != *recorded {
        return Err(Broken::Head { subject: subject.to_owned(), expected: recorded.sequence, found: head.sequence });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(length: u64) -> (Vec<Entry>, Head) {
        let mut head = Head::empty("cluster:a/b/regional");
        let mut entries = Vec::new();
        for number in 0..length {
            let entry = head.append(Draft {
                subject: "cluster:a/b/regional".into(),
                at: Timestamp::from_second(number as i64).unwrap(),
                actor: "pipeline-provisioner".into(),
                action: "pipeline.create".into(),
                phase: Phase::Intent,
                correlation_id: "c-1".parse().unwrap(),
                facts: BTreeMap::from([("head".into(), format!("{number}"))]),
                reasons: vec!["because".into()],
            });
            head = entry.head();
            entries.push(entry);
        }
        (entries, head)
    }

    #[test]
    fn a_whole_chain_verifies_and_any_change_is_named() {
        let (entries, head) = chain(5);
        let subject = "cluster:a/b/regional";
        assert_eq!(verify(subject, &entries, &head), Ok(()));

        for at in 0..entries.len() {
            let mut changed = entries.clone();
            changed[at].draft.facts.insert("head".into(), "9".into());
            let sequence = at as u64 + 1;
            assert_eq!(verify(subject, &changed, &head), Err(Broken::Hash { subject: subject.into(), sequence }));

            let mut missing = entries.clone();
            missing.remove(at);
            assert!(verify(subject, &missing, &head).is_err());
        }
        let cut = &entries[..4];
        assert_eq!(verify(subject, cut, &head), Err(Broken::Head { subject: subject.into(), expected: 5, found: 4 }));
        assert!(verify("cluster:a/c/regional", &entries, &head).is_err());
    }

    #[test]
    fn moving_text_between_fields_changes_the_hash() {
        let head = Head::empty("s");
        let (mut one, _) = chain(1);
        let mut draft = one.remove(0).draft;
        let first = head.append(draft.clone()).hash;
        draft.facts = BTreeMap::new();
        draft.reasons = vec!["head".into(), "0".into(), "because".into()];
        assert_ne!(first, head.append(draft).hash);
    }
}
