//! What a repository's trigger invokes a function with (user guide, "Manage triggers for an AWS CodeCommit repository").
//!
//! `aws_lambda_events` has a type for it, which does not fit: it looks for the reference's name in a field `ref_` that CodeCommit does not send,
//! and does not know `deleted`.

use serde::Deserialize;

/// The invocation.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Trigger {
    /// One for a push, or several parts of one.
    #[serde(rename = "Records")]
    pub records: Vec<Record>,
}

/// One part of a push.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// CodeCommit's id of what happened.
    #[serde(default)]
    pub event_id: String,
    /// Which part this is, from 1.
    #[serde(default)]
    pub event_part_number: u64,
    /// When, in CodeCommit's form: `2018-01-26T15:58:33.475+0000`.
    #[serde(default)]
    pub event_time: String,
    /// `ReferenceChanges`; `TriggerEventTest` of the console's test.
    #[serde(default)]
    pub event_name: String,
    /// The repository's ARN.
    #[serde(default, rename = "eventSourceARN")]
    pub event_source_arn: String,
    /// Its region.
    #[serde(default)]
    pub aws_region: String,
    /// Who pushed.
    #[serde(default, rename = "userIdentityARN")]
    pub user_identity_arn: Option<String>,
    /// What moved.
    pub codecommit: References,
}

/// What moved.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct References {
    /// One for each branch or tag.
    pub references: Vec<Reference>,
}

/// A branch or a tag. Where it pointed before is not said.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Reference {
    /// Where it points now.
    #[serde(default)]
    pub commit: Option<String>,
    /// `refs/heads/main`.
    #[serde(default, rename = "ref")]
    pub name: Option<String>,
    /// Whether it is new.
    #[serde(default)]
    pub created: bool,
    /// Whether it is gone.
    #[serde(default)]
    pub deleted: bool,
}
