//! A run at the gate of its pipeline: a status and a check run on the commit that it deploys, where its approvers are; and a comment to
//! whoever answered it in one, when that was not taken.

use common::{
    domain::id::Generation,
    event::{Envelope, RunAnswerRefused, RunAtGate},
    ports::{CheckConclusion, CheckRun, CommitStatus, FeedbackOrder, StatusState, StickyComment},
};

use crate::{
    handler::Settings,
    marks::{Content, Mark, When},
};

mod words;

#[cfg(test)]
mod tests;

/// What the gate says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
    /// The run waits.
    Wait,
    /// It goes on.
    GoOn,
    /// It ends.
    End,
    /// It went on without us.
    Bypassed,
}

/// The marks of a run. One whose commit nobody knows has no place to say anything: the board and explain do.
pub fn on_run(settings: &Settings, event: &Envelope, run: &RunAtGate, says: Says) -> Vec<Mark> {
    let Some(commit) = &run.commit else { return Vec::new() };
    let name = format!("penstock/gate {}", run.cluster);
    let (state, conclusion) = match says {
        Says::Wait => (StatusState::Pending, CheckConclusion::Neutral),
        Says::GoOn => (StatusState::Success, CheckConclusion::Success),
        Says::End | Says::Bypassed => (StatusState::Failure, CheckConclusion::Failure),
    };
    let (title, summary) = (words::title(run, says), words::summary(run, says));
    let at = u64::try_from(event.meta.occurred_at.as_millisecond()).unwrap_or_default();
    let mark = |kind, content| Mark {
        repository: run.repository.clone(),
        subject: format!("run:{}/{}", run.pipeline, run.execution),
        kind,
        // What is said of a run later says more.
        order: FeedbackOrder { generation: Generation(at), phase: 1 },
        essence: vec![format!("{says:?}"), title.clone(), summary.clone()],
        when: When::Always,
        content,
    };
    let status = CommitStatus {
        commit: commit.clone(),
        context: name.clone(),
        state,
        description: title.clone(),
        target_url: Some(settings.pipelines_url.clone()),
    };
    let check = CheckRun {
        commit: commit.clone(),
        change: None,
        name,
        // One check run a run: what is said of it next replaces what was said before.
        external_id: run.execution.to_string(),
        conclusion,
        title: title.clone(),
        summary: summary.clone(),
        annotations: Vec::new(),
    };
    vec![mark("gate", Content::Status(status)), mark("gate-check", Content::Check(check))]
}

/// A command in a comment was not taken: its author is told why, in the one comment of that kind. The pull request may have ended: runs
/// wait after its merge.
pub fn on_refused(event: &Envelope, refused: &RunAnswerRefused) -> Vec<Mark> {
    let text = words::refused(refused);
    let at = u64::try_from(event.meta.occurred_at.as_millisecond()).unwrap_or_default();
    vec![Mark {
        repository: refused.repository.clone(),
        subject: format!("change:{}/{}", refused.repository.id, refused.number),
        kind: "gate-answer",
        order: FeedbackOrder { generation: Generation(at), phase: 1 },
        essence: vec![refused.comment.to_string(), text.clone()],
        when: When::Always,
        content: Content::Comment { number: refused.number, comment: StickyComment { kind: "gate", text } },
    }]
}
