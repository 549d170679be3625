//! Writing on a source host: marks on commits, marks on pull requests, and the memory of what was said.

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
    /// The pull request that it is about. A host that has no check runs says it there, where people look.
    pub change: Option<u64>,
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

/// Marks on a pull request: they speak to its author and are never read as evidence.
pub trait ChangeMarks: Sync {
    /// Puts a label on a pull request, or takes it off. It may be so already.
    fn set_label(
        &self,
        repository: &Repository,
        number: u64,
        label: &str,
        present: bool,
    ) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Writes our one comment of a kind on a pull request: edits it when there is one, else makes it.
    fn set_comment(
        &self,
        repository: &Repository,
        number: u64,
        comment: &StickyComment,
    ) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Whether a pull request is a draft now; nothing when it is not open.
    fn is_draft(
        &self,
        repository: &Repository,
        number: u64,
    ) -> impl Future<Output = Result<Option<bool>, Fault>> + Send;

    /// Makes an open pull request a draft, or marks it ready for review. It may be so already.
    ///
    /// # Errors
    /// `Reject` when the host does not let us: the sentence says which permission is missing.
    fn set_draft(
        &self,
        repository: &Repository,
        number: u64,
        draft: bool,
    ) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// A comment of which a pull request has one of each kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StickyComment {
    /// Which of our comments: `wip`. It finds the comment again and is not shown.
    pub kind: &'static str,
    /// The text, in Markdown; foreign text in it is escaped.
    pub text: String,
}

/// The kind of the mark that says what merging a pull request would do. Its subject is [`Run::subject`](crate::event::Run::subject).
pub const PLAN_MARK: &str = "plan";

/// Reading what `feedback` has published.
pub trait FeedbackWords: Sync {
    /// What was published last for (subject, kind); nothing when nothing was.
    fn said(&self, subject: &str, kind: &str) -> impl Future<Output = Result<Option<Said>, Fault>> + Send;
}

/// What `feedback` has already published, so that a copy or an older event changes nothing.
pub trait FeedbackLedger: FeedbackWords {
    /// Remembers that the publication of something begins, if what was said last still is what was read. Answers whether it is: who is told
    /// no has to look again.
    fn begin(
        &self,
        subject: &str,
        kind: &str,
        before: Option<&Said>,
        new: &Said,
        now: Timestamp,
    ) -> impl Future<Output = Result<bool, Fault>> + Send;

    /// Remembers that it was published, unless something of a higher order was meanwhile.
    fn published(
        &self,
        subject: &str,
        kind: &str,
        said: &Said,
        now: Timestamp,
    ) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// One thing that was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Its place among what is said about the subject.
    pub order: FeedbackOrder,
    /// What it said, by digest.
    pub content: Digest,
    /// Whether the host shows it.
    pub shown: Shown,
}

/// Whether the host shows what was said. It has no conditional write: of two who publish at the same moment the later call stays, and
/// that may be the older word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// It was published, and nothing else was under way.
    Surely,
    /// Its publication began. That it ended nobody has written down.
    Begun,
    /// It was published while something else was under way: the host shows one of the two. The next word is said, even if it is the same.
    Perhaps,
}

impl Said {
    /// Whether it says something new after what was said last: nothing of the same or a higher order was said, and what was has
    /// other content, or may not be what the host shows. Or it is what was said last, and nobody knows that it came to the host.
    pub fn is_news(&self, last: Option<&Self>) -> bool {
        last.is_none_or(|last| {
            let (same, shown) = (last.content == self.content, last.shown);
            (last.order < self.order && !(same && shown == Shown::Surely))
                || (last.order == self.order && same && shown == Shown::Begun)
        })
    }

    /// What to write of it before it is published.
    pub fn begun(&self) -> Self {
        Self { shown: Shown::Begun, ..self.clone() }
    }

    /// What to write of it after it was published over what was said last.
    pub fn over(&self, last: Option<&Self>) -> Self {
        let other = last.is_some_and(|last| {
            last.shown == Shown::Begun && (last.order, &last.content) != (self.order, &self.content)
        });
        Self { shown: if other { Shown::Perhaps } else { Shown::Surely }, ..self.clone() }
    }
}

/// The order of two things said about one subject: by generation, then by phase (started 0, finished 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FeedbackOrder {
    /// The run's generation.
    pub generation: Generation,
    /// Started 0, finished 1.
    pub phase: u8,
}
