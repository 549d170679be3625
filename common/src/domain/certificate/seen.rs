//! What stands at the broker and in the secret, as plain data: what a plan is made from.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::domain::id::{CertificateId, Digest};

/// How a certificate stands at the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It may connect.
    Active,
    /// It may not, for now.
    Inactive,
    /// It never may again.
    Revoked,
    /// In a transfer between accounts, or something that we do not know: it is left alone.
    Other,
}

/// A thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenThing {
    /// The cluster that it says it belongs to; nothing when somebody else made it.
    pub owner: Option<String>,
}

/// A policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenPolicy {
    /// The document that is in force.
    pub document: String,
    /// Every other version that is kept, oldest first.
    pub others: Vec<String>,
}

/// A certificate that has to do with the identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenCertificate {
    /// How it stands.
    pub status: Status,
    /// The sha256 of its public key.
    pub public_key: Digest,
    /// When it was made.
    pub made_at: Timestamp,
    /// When it ends by itself.
    pub not_after: Timestamp,
    /// Whether our policy is attached.
    pub has_policy: bool,
    /// Whether it belongs to our thing.
    pub has_thing: bool,
    /// Whether anything else is attached: then it is not ours alone.
    pub has_others: bool,
}

/// What a version of the secret holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The version's id.
    pub version: String,
    /// The certificate.
    pub certificate: CertificateId,
    /// The sha256 of the certificate's public key.
    pub public_key: Digest,
    /// Whether the private key beside it is that key's; also true when there is none, because it never left the agent.
    pub matches: bool,
    /// Whether there is no private key beside it.
    pub without_key: bool,
}

/// How a secret stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretState {
    /// There is none.
    Absent,
    /// It is there.
    Present,
    /// It is to be deleted soon, and can be had back.
    Leaving,
}

/// The secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretSeen {
    /// How it stands.
    pub state: SecretState,
    /// The cluster that it says it belongs to.
    pub owner: Option<String>,
    /// What is in use; nothing when there is nothing, or when it cannot be read as what we write.
    pub current: Option<Held>,
    /// What is about to be in use.
    pub pending: Option<Held>,
    /// The version that is called `AWSCURRENT`, whatever it holds.
    pub current_version: Option<String>,
    /// The version that is called `AWSPENDING`, whatever it holds.
    pub pending_version: Option<String>,
}

impl SecretSeen {
    /// No secret.
    pub fn absent() -> Self {
        Self {
            state: SecretState::Absent,
            owner: None,
            current: None,
            pending: None,
            current_version: None,
            pending_version: None,
        }
    }
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The thing.
    pub thing: Option<SeenThing>,
    /// The policy.
    pub policy: Option<SeenPolicy>,
    /// Every certificate that has to do with the identity: remembered, held by the secret, attached to the thing or the policy, or of a key
    /// that was made for it.
    pub certificates: BTreeMap<CertificateId, SeenCertificate>,
    /// The secret.
    pub secret: SecretSeen,
}
