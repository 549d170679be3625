//! Writing on a source host: commit statuses and check runs, and the memory of what was said.

use std::future::Future;

use jiff::Timestamp;

use crate::{
    domain::id::{CommitSha, Digest, Generation},
    event::Repository,
    fault::Fault,
};

/// A commit status's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusState {
    /// Work is going on.
    Pending,
    /// All is as asked.
    Success,
    /// The author must mend something.
    Failure,
    /// Our side failed.
    Error,
}

/// A commit status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitStatus {
    /// The commit.
    pub commit: CommitSha,
    /// Its name on the host: `penstock/clusters`.
    pub context: String,
    /// The state.
    pub state: StatusState,
    /// One line of at most 140 characters.
    pub description: String,
    /// Where to look.
    pub target_url: Option<String>,
}

/// How a check run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckConclusion {
    /// Nothing to mend.
    Success,
    /// Something to mend.
    Failure,
    /// Nothing to say.
    Neutral,
}

/// A line of a file in a check run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// The file.
    pub path: String,
    /// Line from 1.
    pub line: u32,
    /// Column from 1.
    pub column: u32,
    /// Whether it fails the check.
    pub failure: bool,
    /// The title: the rule.
    pub title: String,
    /// The sentence.
    pub message: String,
}

/// A finished check run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckRun {
    /// The commit.
    pub commit: CommitSha,
    /// Its name on the host.
    pub name: String,
    /// Our own key for it, so that a repeat finds it: the content's digest.
    pub external_id: String,
    /// How it ended.
    pub conclusion: CheckConclusion,
    /// The title.
    pub title: String,
    /// The text, in Markdown; foreign text in it is escaped.
    pub summary: String,
    /// One for each finding; the adapter sends them in batches of 50.
    pub annotations: Vec<Annotation>,
}

/// Writing words and marks on a source host: `feedback` alone does it.
pub trait Marks: Sync {
    /// Sets a commit status. The latest for a context counts.
    fn set_status(
        &self,
        repository: &Repository,
        status: &CommitStatus,
    ) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Publishes a check run: finds our own by name and external id and completes it, or makes it.
    fn publish_check(
        &self,
        repository: &Repository,
        check: &CheckRun,
    ) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// What `feedback` has already published, so that a copy or an older event changes nothing.
pub trait FeedbackLedger: Sync {
    /// Whether this is new: nothing was published for (subject, kind) with the same or a higher order, and what was
    /// published last has other content. So a sweep that finds the same again publishes nothing.
    fn is_news(
        &self,
        subject: &str,
        kind: &str,
        order: FeedbackOrder,
        content: &Digest,
    ) -> impl Future<Output = Result<bool, Fault>> + Send;

    /// Remembers that it was published, unless something of a higher order was meanwhile.
    fn published(
        &self,
        subject: &str,
        kind: &str,
        order: FeedbackOrder,
        content: &Digest,
        now: Timestamp,
    ) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// The order of two things said about one subject: by generation, then by phase (started 0, finished 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FeedbackOrder {
    /// The run's generation.
    pub generation: Generation,
    /// Started 0, finished 1.
    pub phase: u8,
}
