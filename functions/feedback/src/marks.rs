//! Which marks an event means: pure. The sentences in them are in `words`.

use common::{
    domain::{
        cluster::{Finding, RunMode, Severity, wording},
        id::{Digest, Generation},
    },
    event::{Envelope, Event, Outcome, ProvisioningFinished, ProvisioningStarted, Repository, Run},
    ports::{
        Annotation, CheckConclusion, CheckRun, CommitStatus, FeedbackOrder, PLAN_MARK, StatusState, StickyComment,
    },
};

use crate::{
    gate::{self, Says},
    handler::Settings,
    waiting, words,
};

/// The name of the status and of the check run on a push.
pub const CONTEXT: &str = "penstock/clusters";
/// The name of the check run on a pull request.
pub const PLAN: &str = "penstock/clusters plan";

/// One thing to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Where.
    pub repository: Repository,
    /// What it is about: a commit on a branch.
    pub subject: String,
    /// Which of the marks about it.
    pub kind: &'static str,
    /// Its place among what is said about the subject.
    pub order: FeedbackOrder,
    /// What decides whether it says something new.
    pub essence: Vec<String>,
    /// When it is said at all.
    pub when: When,
    /// What to publish.
    pub content: Content,
}

/// When a mark is said, if it is news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Whatever was said before.
    Always,
    /// While its pull request is open: what comes late blocks nothing that has ended.
    Open,
    /// After something else was said. If nothing was, it is remembered, so that what comes late says nothing.
    Unsays,
    /// After something else was said. If nothing was, there is nothing to remember either: the pull request has ended.
    Ends,
}

/// A mark on a commit or on a pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A commit status.
    Status(CommitStatus),
    /// A check run.
    Check(CheckRun),
    /// A label of a pull request: there or not.
    Label {
        /// The pull request.
        number: u64,
        /// The label.
        label: &'static str,
        /// Whether it is to be there.
        present: bool,
    },
    /// The one comment of its kind on a pull request.
    Comment {
        /// The pull request.
        number: u64,
        /// Which comment, and its text.
        comment: StickyComment,
    },
    /// A pull request held back as a draft, or let go again if we held it.
    Draft {
        /// The pull request.
        number: u64,
        /// Whether it is held.
        held: bool,
    },
}

impl Content {
    /// The pull request that it is on.
    pub fn change(&self) -> Option<u64> {
        match self {
            Self::Status(_) | Self::Check(_) => None,
            Self::Label { number, .. } | Self::Comment { number, .. } | Self::Draft { number, .. } => Some(*number),
        }
    }
}

impl Mark {
    /// The digest of the essence.
    pub fn digest(&self) -> Digest {
        Digest::of_parts(self.essence.iter().map(String::as_str))
    }
}

/// Everything that an event means for people, in the order in which to publish it.
pub fn marks(settings: &Settings, event: &Envelope) -> Vec<Mark> {
    match &event.event {
        Event::ProvisioningStarted(started) => on_started(settings, started),
        Event::ProvisioningFinished(finished) => on_finished(settings, event, finished),
        Event::RunGateWaiting(run) => gate::on_run(settings, event, run, Says::Wait),
        Event::RunGateApproved(run) => gate::on_run(settings, event, run, Says::GoOn),
        Event::RunGateRejected(run) => gate::on_run(settings, event, run, Says::End),
        Event::RunGateBypassed(run) => gate::on_run(settings, event, run, Says::Bypassed),
        Event::RunAnswerRefused(refused) => gate::on_refused(event, refused),
        Event::WipLimitExceeded(exceeded) => waiting::on_exceeded(event, exceeded),
        Event::WipLockAcquired(acquired) => waiting::on_acquired(event, acquired),
        Event::WipLockRefused(refused) => waiting::on_refused(event, refused),
        Event::WipLockReleased(released) => waiting::on_released(event, released),
        Event::ChangeClosed(change) => waiting::on_end(event, change),
        Event::ChangeMerged(merged) => waiting::on_end(event, &merged.change),
        _ => Vec::new(),
    }
}

// Two branches that stand on one commit share the status's name on the host: the run with the latest news shows.
fn status(settings: &Settings, run: &Run, state: StatusState, description: String) -> Content {
    Content::Status(CommitStatus {
        commit: run.head.clone(),
        context: CONTEXT.to_owned(),
        state,
        description,
        target_url: Some(settings.pipelines_url.clone()),
    })
}

// Before everything else about its commit: once anything was said, a start is no news, so that a sweep does not set a
// finished commit back to pending. A plan has no pending mark: a check run is published when it is complete.
fn on_started(settings: &Settings, started: &ProvisioningStarted) -> Vec<Mark> {
    let run = &started.run;
    if run.mode != RunMode::Reconcile {
        return Vec::new();
    }
    vec![Mark {
        repository: run.repository.clone(),
        subject: run.subject(),
        kind: "status",
        order: FeedbackOrder { generation: Generation(0), phase: 0 },
        essence: vec!["pending".into()],
        when: When::Always,
        content: status(settings, run, StatusState::Pending, words::pending(run)),
    }]
}

fn on_finished(settings: &Settings, event: &Envelope, finished: &ProvisioningFinished) -> Vec<Mark> {
    let run = &finished.run;
    let state = state(finished);
    match run.mode {
        RunMode::Reconcile => {
            let order = FeedbackOrder { generation: run.generation, phase: 1 };
            let essence = essence(finished, state);
            let check =
                check(run, CONTEXT, state, words::title(finished), words::summary(finished), &finished.findings);
            let mark = |kind, content| Mark {
                repository: run.repository.clone(),
                subject: run.subject(),
                kind,
                order,
                essence: essence.clone(),
                when: When::Always,
                content,
            };
            vec![
                mark("status", status(settings, run, state, words::title(finished))),
                mark("check", Content::Check(check)),
            ]
        }
        RunMode::DryRun { .. } => {
            // A plan takes no generation; a later one for the same commit is later in time, and says more: the base moved.
            let at = u64::try_from(event.meta.occurred_at.as_millisecond()).unwrap_or_default();
            let summary = words::plan(finished);
            let check = check(run, PLAN, state, words::plan_title(finished), summary.clone(), &finished.findings);
            vec![Mark {
                repository: run.repository.clone(),
                subject: run.subject(),
                kind: PLAN_MARK,
                order: FeedbackOrder { generation: Generation(at), phase: 1 },
                essence: vec![format!("{state:?}"), summary, list(&finished.findings)],
                when: if finished.untouched { When::Unsays } else { When::Always },
                content: Content::Check(check),
            }]
        }
    }
}

/// How a run ended for its author: `Failure` when a file or request must be mended, `Error` when our side failed or stopped.
pub fn state(finished: &ProvisioningFinished) -> StatusState {
    if finished.wants_mending() {
        StatusState::Failure
    } else if finished.fell_short() {
        StatusState::Error
    } else {
        StatusState::Success
    }
}

// What a person would want to hear about again. Created, updated and unchanged are the same news: the pipeline stands.
fn essence(finished: &ProvisioningFinished, state: StatusState) -> Vec<String> {
    let telling = finished.results.iter().filter(|result| !words::stands(result.outcome));
    let (stopped, notes) = (finished.stopped.clone().unwrap_or_default(), finished.notes.join("\n"));
    let mut parts = vec![format!("{state:?}"), stopped, list(&finished.findings), notes];
    parts.extend(finished.removals.iter().map(|removals| removals.digest.to_string()));
    parts.extend(telling.map(|result| {
        // The same reasons may be given for another change by hand.
        let drifted = result.changes.iter().filter(|_| result.outcome == Outcome::Drifted).map(wording::change);
        let said: Vec<String> = result.reasons.iter().cloned().chain(drifted).collect();
        format!("{} {:?} {}", result.cluster, result.outcome, said.join(" "))
    }));
    parts
}

fn list(findings: &[Finding]) -> String {
    findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn check(run: &Run, name: &str, state: StatusState, title: String, summary: String, findings: &[Finding]) -> CheckRun {
    let conclusion = match state {
        StatusState::Success => CheckConclusion::Success,
        StatusState::Failure => CheckConclusion::Failure,
        StatusState::Error | StatusState::Pending => CheckConclusion::Neutral,
    };
    let annotations: Vec<Annotation> = findings.iter().map(annotation).collect();
    // The key under which a repeat finds this check run: the same words are the same run.
    let external_id = Digest::of_parts([name, &title, &summary, &list(findings)]);
    let change = match run.mode {
        RunMode::DryRun { number } => Some(number),
        RunMode::Reconcile => None,
    };
    CheckRun {
        commit: run.head.clone(),
        change,
        name: name.to_owned(),
        external_id: external_id.to_string(),
        conclusion,
        title,
        summary,
        annotations,
    }
}

fn annotation(finding: &Finding) -> Annotation {
    Annotation {
        path: finding.path.clone(),
        line: finding.line,
        column: finding.column,
        failure: finding.severity == Severity::Error,
        title: finding.rule.clone(),
        message: finding.message(),
    }
}
