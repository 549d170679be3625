//! What a call is answered: what stands now. Never a key.

use common::domain::{
    certificate::{Identity, Outcome},
    cluster::ClusterKey,
    id::CertificateId,
};
use jiff::Timestamp;
use serde::Serialize;

/// The answer about one cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// What was done.
    pub outcome: Outcome,
    /// Whose.
    pub cluster: ClusterKey,
    /// The certificate in use; `null` when there is none.
    pub certificate: Option<InUse>,
    /// Where certificate and key are; `null` when there is no certificate.
    pub secret: Option<Place>,
    /// The policy's name.
    pub policy: String,
    /// The thing's name.
    pub thing: String,
    /// The names under which clients connect.
    pub clients: Vec<String>,
    /// What the topics start with.
    pub topic_prefix: String,
    /// The broker's address, for port 8883.
    pub endpoint: Option<String>,
    /// Certificates that still work beside it.
    pub retiring: Vec<Retires>,
    /// What was done, or is to be known, in sentences.
    pub reasons: Vec<String>,
}

/// What a direct call is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Said {
    /// About one cluster.
    One(Box<Answer>),
    /// About all.
    All {
        /// `done`.
        result: &'static str,
    },
}

/// A certificate in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InUse {
    /// Its id.
    pub id: CertificateId,
    /// Its ARN.
    pub arn: String,
    /// It, as PEM.
    pub pem: String,
    /// When it ends by itself.
    pub not_after: Timestamp,
    /// `ACTIVE`, `INACTIVE`, `REVOKED` or `OTHER`.
    pub status: &'static str,
}

/// Where a secret is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Its ARN.
    pub arn: String,
    /// The version in use.
    pub version: Option<String>,
    /// Its account.
    pub account: String,
}

/// A certificate whose time is coming.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Retires {
    /// Which.
    pub id: CertificateId,
    /// When.
    pub until: Timestamp,
}

impl Answer {
    /// An answer without a certificate.
    pub fn without(outcome: Outcome, identity: &Identity, topic_prefix: &str) -> Self {
        Self {
            outcome,
            cluster: identity.cluster.clone(),
            certificate: None,
            secret: None,
            policy: identity.policy(),
            thing: identity.thing(),
            clients: identity.clients(),
            topic_prefix: topic_prefix.to_owned(),
            endpoint: None,
            retiring: Vec::new(),
            reasons: Vec::new(),
        }
    }
}
