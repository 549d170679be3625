//! Certificates of clusters. No event carries a key, a certificate's text or a signing request.

use std::collections::BTreeSet;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{
    cluster::ClusterKey,
    id::{CertificateId, RequestId},
};

/// What may be asked for by an event. What ends a certificate is not among it: whoever may put events on the bus cuts no cluster off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CertificateWish {
    /// A certificate that can be used.
    Ensure,
    /// Another than before.
    Rotate,
}

/// Somebody asks for a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CertificateRequested {
    /// For which cluster.
    pub cluster: ClusterKey,
    /// What.
    pub wish: CertificateWish,
    /// Names the request: the same again makes no other certificate.
    pub request_id: RequestId,
}

/// A certificate came into use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CertificateStands {
    /// Whose.
    pub cluster: ClusterKey,
    /// Which.
    pub certificate: CertificateId,
    /// The thing that it belongs to.
    pub thing: String,
    /// When it ends: by itself, or by Penstock's own rule.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub not_after: Timestamp,
    /// Where certificate and key are: the secret's ARN.
    pub secret: String,
    /// Which certificates still work beside it, and until when the last of them does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub overlap_until: Option<Timestamp>,
}

/// Certificates ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CertificateEnded {
    /// Whose.
    pub cluster: ClusterKey,
    /// Which.
    pub certificates: BTreeSet<CertificateId>,
    /// Why, as a person reads it.
    pub reason: String,
}

/// Something cannot be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CertificateFailed {
    /// Whose.
    pub cluster: ClusterKey,
    /// What was asked for: `ensure`, `rotate`, `revoke`, `delete`, `upkeep`.
    pub action: String,
    /// Why not, and what to do.
    pub reason: String,
}
