//! Journey 4 as pure functions: who has a certificate, what it may do, and what is to be done about it.
//!
//! ```text
//! request ── identity (names, accounts) ── policy (document)
//!                        │
//!        record, seen ───┴── plan (steps, in order) ── record after
//! ```
//! A call of the function reads everything that stands ([`Seen`]), plans whole ([`plan`]), and carries the steps out in their order. Each
//! step may be the last one that happens: the next call reads again and plans what is left. What makes that converge:
//!
//! * the record holds the digest of a key before its certificate exists, so a certificate whose id was lost with a reply is found again;
//! * a new key is put beside the one in use (`AWSPENDING`), and takes its place (`AWSCURRENT`) only when its certificate is active;
//! * a certificate that nothing needs any more is told apart by what it is (attached to our thing, or of a key of ours), not by memory.
//!
//! Facts: AWS IoT Core developer guide and API reference, Secrets Manager user guide; topics and names as Maestro has them.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{
    cluster::ClusterKey,
    id::{CertificateId, Digest, RequestId},
};

pub use self::{
    identity::{Identity, Kind, Target, UnknownCluster, identities, identity},
    plan::{Plan, Purpose, Refused, Step, Subject, plan},
    policy::{MAX_DOCUMENT, document, same},
    seen::{Held, SecretSeen, SecretState, Seen, SeenCertificate, SeenPolicy, SeenThing, Status},
    topics::TopicPrefix,
};

mod identity;
mod plan;
mod policy;
mod seen;
mod topics;

/// The authority that signs the certificates of AWS IoT's endpoints, which a client trusts: public, from Amazon Trust Services.
/// <https://docs.aws.amazon.com/iot/latest/developerguide/server-authentication.html>
pub const AMAZON_ROOT_CA_1: &str = include_str!("certificate/amazon_root_ca_1.pem");

/// The shortest time that a certificate still works after another took its place.
pub const SHORTEST_OVERLAP: SignedDuration = SignedDuration::from_hours(24);

/// How long an intent keeps others away: longer than the function may run.
pub const CLAIM: SignedDuration = SignedDuration::from_mins(5);

/// How long the key of an attempt that did not come to its end is looked for: a certificate may show late.
pub const ORPHAN_AFTER: SignedDuration = SignedDuration::from_hours(1);

/// How long before its end a certificate stops the promotion of its cluster, and is replaced whatever its age.
pub const EXPIRY_WARNING: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What the provisioner is run by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// What the topics start with.
    pub topics: TopicPrefix,
    /// How long the certificate before still works.
    pub overlap: SignedDuration,
    /// How old a certificate becomes.
    pub lifetime: SignedDuration,
}

/// What the table remembers of one cluster's certificates. Never a key, and never a part of one but the digest of its public half.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Whose.
    pub cluster: ClusterKey,
    /// Who that is to the broker, and where.
    pub identity: Identity,
    /// The one that is in use.
    pub current: Option<Issued>,
    /// Keys that were made and whose certificate may or may not exist, oldest first.
    #[serde(default)]
    pub attempts: Vec<Attempt>,
    /// Those that were in use before, until they end.
    #[serde(default)]
    pub retiring: Vec<Retiring>,
    /// Those that are being deleted: detached, they are found by nothing else.
    #[serde(default)]
    pub ending: BTreeSet<CertificateId>,
    /// Until when one call works on it alone; nothing when none does.
    #[serde(default)]
    pub claimed_until: Option<Timestamp>,
    /// The rotations that were asked for and are done, the latest last: the same request again changes nothing.
    #[serde(default)]
    pub done: Vec<RequestId>,
    /// Whether the caller keeps the key, and sends requests: then none is ever made here.
    #[serde(default)]
    pub theirs: bool,
    /// Since when it is meant to have none: it was revoked or deleted.
    #[serde(default)]
    pub ended: Option<Timestamp>,
    /// Counts the writes.
    pub version: u64,
}

/// A certificate that is in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issued {
    /// Which.
    pub certificate: CertificateId,
    /// The sha256 of its public key (SubjectPublicKeyInfo).
    pub public_key: Digest,
    /// Since when it is in use.
    pub since: Timestamp,
    /// When it ends: by itself, or by our own rule, whichever is first. Certificates of AWS IoT end in 2049.
    pub ends: Timestamp,
    /// The version of the secret that holds it.
    pub secret_version: String,
}

/// A key that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The sha256 of its public half.
    pub public_key: Digest,
    /// When.
    pub at: Timestamp,
    /// The rotation that asked for it, when one did.
    #[serde(default)]
    pub request: Option<RequestId>,
    /// Whether the caller keeps it.
    #[serde(default)]
    pub theirs: bool,
}

/// A certificate that was in use before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retiring {
    /// Which.
    pub certificate: CertificateId,
    /// Until when it works.
    pub until: Timestamp,
}

/// What was done, or that there was nothing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// There is a new certificate, where there was none that could be used.
    Issued,
    /// There is a new certificate in the place of another, which still works for a time.
    Rotated,
    /// All stands as it should; something around the certificate may have been put right.
    Unchanged,
    /// No certificate of it works any more.
    Revoked,
    /// Nothing of it is left.
    Deleted,
    /// There was nothing of it.
    Absent,
}

impl Rules {
    /// When a certificate ends that came into use then: by itself, or a week and the time of the warning after it should have been replaced.
    /// So a week of failing upkeep holds the cluster's runs, and a month more would be its end.
    pub fn ends(&self, since: Timestamp, not_after: Timestamp) -> Timestamp {
        let slack = SignedDuration::from_hours(7 * 24);
        let own = since.checked_add(self.lifetime.saturating_add(slack).saturating_add(EXPIRY_WARNING));
        own.unwrap_or(not_after).min(not_after)
    }
}

impl Record {
    /// The record of a cluster that has had none.
    pub fn new(identity: Identity) -> Self {
        Self {
            cluster: identity.cluster.clone(),
            identity,
            current: None,
            attempts: Vec::new(),
            retiring: Vec::new(),
            ending: BTreeSet::new(),
            claimed_until: None,
            done: Vec::new(),
            theirs: false,
            ended: None,
            version: 0,
        }
    }

    /// Whether its certificate must be replaced now.
    pub fn is_due(&self, rules: &Rules, now: Timestamp) -> bool {
        self.current.as_ref().is_some_and(|current| {
            now.duration_since(current.since) >= rules.lifetime || current.ends.duration_since(now) <= EXPIRY_WARNING
        })
    }

    /// The subject of its audit chain and its events.
    pub fn subject(&self) -> String {
        format!("certificate:{}", self.cluster)
    }
}

#[cfg(test)]
mod tests;
