//! The fields that we read of GitHub's answers, and what we send. Own structs on purpose: octocrab's typed models demand
//! fields that we do not need and that hosts with GitHub's API leave out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
pub(super) struct Installation {
    pub(super) id: u64,
    /// What the installation was granted: `read`, `write` or `admin` by permission.
    #[serde(default)]
    pub(super) permissions: BTreeMap<String, String>,
    pub(super) suspended_at: Option<String>,
}

#[derive(Serialize)]
pub(super) struct TokenRequest {
    pub(super) repository_ids: [u64; 1],
    pub(super) permissions: serde_json::Value,
}

/// For a repository whose id is not known yet.
#[derive(Serialize)]
pub(super) struct NamedTokenRequest<'a> {
    pub(super) repositories: [&'a str; 1],
    pub(super) permissions: serde_json::Value,
}

// No Debug: the token must not be printable.
#[derive(Deserialize)]
pub(super) struct Token {
    pub(super) token: String,
}

#[derive(Deserialize)]
pub(super) struct Repository {
    pub(super) id: u64,
}

/// A repository that somebody wants to be listed.
#[derive(Deserialize)]
pub(super) struct Candidate {
    pub(super) id: u64,
    pub(super) full_name: String,
    pub(super) default_branch: String,
}

#[derive(Deserialize)]
pub(super) struct HookDelivery {
    pub(super) id: u64,
    pub(super) guid: String,
    pub(super) delivered_at: jiff::Timestamp,
    #[serde(default)]
    pub(super) status_code: Option<u16>,
}

#[derive(Deserialize)]
pub(super) struct Reference {
    pub(super) object: Object,
}

#[derive(Deserialize)]
pub(super) struct Object {
    pub(super) sha: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
}

#[derive(Deserialize)]
pub(super) struct Tree {
    pub(super) tree: Vec<Entry>,
    pub(super) truncated: bool,
}

#[derive(Deserialize)]
pub(super) struct Entry {
    pub(super) path: String,
    pub(super) mode: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) sha: String,
    #[serde(default)]
    pub(super) size: u64,
}

#[derive(Deserialize)]
pub(super) struct Blob {
    pub(super) content: String,
    pub(super) encoding: String,
}

#[derive(Deserialize)]
pub(super) struct Pull {
    pub(super) number: u64,
    pub(super) node_id: Option<String>,
    pub(super) state: String,
    #[serde(default)]
    pub(super) draft: bool,
    pub(super) merged_at: Option<String>,
    pub(super) merge_commit_sha: Option<String>,
    /// Absent while GitHub finds it out.
    pub(super) mergeable: Option<bool>,
    pub(super) user: Option<User>,
    #[serde(default)]
    pub(super) requested_reviewers: Vec<User>,
    pub(super) head: Tip,
    pub(super) base: Tip,
    pub(super) updated_at: jiff::Timestamp,
}

#[derive(Deserialize)]
pub(super) struct Issue {
    pub(super) number: u64,
    pub(super) state: String,
    pub(super) title: String,
    #[serde(default)]
    pub(super) labels: Vec<Label>,
    pub(super) user: Option<User>,
    #[serde(default)]
    pub(super) assignees: Vec<User>,
    pub(super) performed_via_github_app: Option<App>,
    /// There when the issue is a pull request.
    pub(super) pull_request: Option<Merging>,
}

#[derive(Deserialize)]
pub(super) struct Merging {
    pub(super) merged_at: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Deployment {
    pub(super) id: u64,
    pub(super) sha: String,
    pub(super) environment: String,
    pub(super) created_at: jiff::Timestamp,
}

#[derive(Deserialize)]
pub(super) struct DeploymentStatus {
    pub(super) id: u64,
    pub(super) state: String,
    pub(super) created_at: jiff::Timestamp,
}

#[derive(Serialize)]
pub(super) struct NewIssue<'a> {
    pub(super) title: &'a str,
    pub(super) body: &'a str,
    pub(super) labels: [&'a str; 1],
}

#[derive(Deserialize)]
pub(super) struct Numbered {
    pub(super) number: u64,
}

#[derive(Serialize)]
pub(super) struct NewReference<'a> {
    #[serde(rename = "ref")]
    pub(super) name: &'a str,
    pub(super) sha: &'a str,
}

#[derive(Deserialize)]
pub(super) struct Label {
    pub(super) name: String,
}

#[derive(Deserialize)]
pub(super) struct User {
    pub(super) id: u64,
}

#[derive(Deserialize)]
pub(super) struct Tip {
    pub(super) sha: String,
    #[serde(rename = "ref")]
    pub(super) branch: String,
}

#[derive(Deserialize)]
pub(super) struct Comparison {
    pub(super) merge_base_commit: Commit,
    #[serde(default)]
    pub(super) files: Vec<ChangedFile>,
}

#[derive(Deserialize)]
pub(super) struct ChangedFile {
    pub(super) filename: String,
    pub(super) previous_filename: Option<String>,
}

/// A review: `COMMENTED` says nothing of a merge.
#[derive(Deserialize)]
pub(super) struct Review {
    pub(super) user: Option<User>,
    pub(super) state: String,
    pub(super) commit_id: Option<String>,
}

#[derive(Serialize)]
pub(super) struct MergeWrite<'a> {
    pub(super) sha: &'a str,
    pub(super) merge_method: &'static str,
    pub(super) commit_title: &'a str,
    pub(super) commit_message: &'a str,
}

#[derive(Deserialize)]
pub(super) struct Commit {
    pub(super) sha: String,
}

#[derive(Deserialize)]
pub(super) struct ComparedCommits {
    pub(super) total_commits: u64,
    pub(super) commits: Vec<AuthoredCommit>,
}

/// A commit with the accounts that the host found for its addresses.
#[derive(Deserialize)]
pub(super) struct AuthoredCommit {
    pub(super) author: Option<User>,
    pub(super) committer: Option<User>,
    pub(super) commit: Signatures,
}

#[derive(Deserialize)]
pub(super) struct Signatures {
    pub(super) author: Option<Signature>,
    pub(super) committer: Option<Signature>,
}

#[derive(Deserialize)]
pub(super) struct Signature {
    #[serde(default)]
    pub(super) email: String,
}

/// One change of a branch: from what to what, by whom.
#[derive(Deserialize)]
pub(super) struct Activity {
    pub(super) before: String,
    pub(super) after: String,
    pub(super) actor: Option<User>,
}

/// Who opened a pull request.
#[derive(Deserialize)]
pub(super) struct Opened {
    pub(super) user: Option<User>,
}

#[derive(Serialize)]
pub(super) struct Status<'a> {
    pub(super) state: &'static str,
    pub(super) context: &'a str,
    pub(super) description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) target_url: Option<&'a str>,
}

/// Answers of which only the success counts.
#[derive(Deserialize)]
pub(super) struct Accepted {}

#[derive(Deserialize)]
pub(super) struct CheckRuns {
    pub(super) total_count: u64,
    pub(super) check_runs: Vec<CheckRun>,
}

#[derive(Deserialize)]
pub(super) struct CheckRun {
    pub(super) id: u64,
    pub(super) status: String,
    pub(super) name: Option<String>,
    pub(super) conclusion: Option<String>,
    pub(super) completed_at: Option<jiff::Timestamp>,
    pub(super) external_id: Option<String>,
    pub(super) app: Option<App>,
    pub(super) output: Option<CheckOutput>,
}

#[derive(Deserialize)]
pub(super) struct App {
    pub(super) id: u64,
}

#[derive(Deserialize)]
pub(super) struct CheckOutput {
    pub(super) title: Option<String>,
    #[serde(default)]
    pub(super) annotations_count: usize,
}

#[derive(Serialize)]
pub(super) struct CheckWrite<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) head_sha: Option<&'a str>,
    pub(super) name: &'a str,
    pub(super) external_id: &'a str,
    pub(super) status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) conclusion: Option<&'static str>,
    pub(super) output: Output<'a>,
}

#[derive(Serialize)]
pub(super) struct Output<'a> {
    pub(super) title: &'a str,
    pub(super) summary: &'a str,
    pub(super) annotations: Vec<Line<'a>>,
}

#[derive(Serialize)]
pub(super) struct Line<'a> {
    pub(super) path: &'a str,
    pub(super) start_line: u32,
    pub(super) end_line: u32,
    pub(super) start_column: u32,
    pub(super) end_column: u32,
    pub(super) annotation_level: &'static str,
    pub(super) title: &'a str,
    pub(super) message: &'a str,
}

#[derive(Serialize)]
pub(super) struct Labels<'a> {
    pub(super) labels: [&'a str; 1],
}

#[derive(Deserialize)]
pub(super) struct Comment {
    pub(super) id: u64,
    #[serde(default)]
    pub(super) body: Option<String>,
    pub(super) performed_via_github_app: Option<App>,
}

/// A comment with who wrote it, and when.
#[derive(Deserialize)]
pub(super) struct WrittenComment {
    #[serde(default)]
    pub(super) body: Option<String>,
    pub(super) user: Option<Writer>,
    pub(super) issue_url: String,
    pub(super) performed_via_github_app: Option<serde::de::IgnoredAny>,
    pub(super) created_at: String,
    pub(super) updated_at: String,
}

/// Whose it is: `User`, `Bot`, `Organization`, …
#[derive(Deserialize)]
pub(super) struct Writer {
    pub(super) id: u64,
    #[serde(rename = "type")]
    pub(super) kind: String,
}

#[derive(Serialize)]
pub(super) struct CommentWrite<'a> {
    pub(super) body: &'a str,
}

/// A GraphQL request: the text is ours, what varies goes into the variables.
#[derive(Serialize)]
pub(super) struct Query<'a> {
    pub(super) query: &'a str,
    pub(super) variables: serde_json::Value,
}

/// GraphQL answers 200 whatever happened.
#[derive(Deserialize)]
pub(super) struct QueryAnswer {
    #[serde(default)]
    pub(super) errors: Vec<QueryError>,
}

#[derive(Deserialize)]
pub(super) struct QueryError {
    #[serde(default, rename = "type")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) message: String,
}
