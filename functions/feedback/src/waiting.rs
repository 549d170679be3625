//! A pull request that waits for a limit on work in progress: a label, one comment, draft; and all of it taken back.
//!
//! What is said follows the time of the events: what is older than what was said last says nothing, so an event that comes late
//! never blocks a pull request again that has its place. That it has its place is remembered even where nothing was said, for the same
//! reason; that it has ended is not: what comes late finds it closed.

use common::{
    domain::id::Generation,
    event::{
        Change, ChangeRef, Envelope, ExceededCause, Repository, WipLimitExceeded, WipLockAcquired, WipLockRefused,
        WipLockReleased,
    },
    ports::{FeedbackOrder, StickyComment},
};

use crate::marks::{Content, Mark, When};

mod words;

#[cfg(test)]
mod tests;

/// The label of a pull request that waits.
pub const LABEL: &str = "blocked/wip-limit-exceeded";
/// Which of our comments it is.
const COMMENT: &str = "wip";
/// The ledger's word for a pull request that we made a draft.
pub(crate) const HELD: &str = "held";
/// The ledger's word for one that was a draft when we came.
pub(crate) const LEFT: &str = "left";

/// It must wait. Nothing for an item that is no pull request, or one that was admitted above a limit.
pub(crate) fn on_exceeded(event: &Envelope, exceeded: &WipLimitExceeded) -> Vec<Mark> {
    let (Some(change), ExceededCause::Waiting) = (&exceeded.change, exceeded.cause) else { return Vec::new() };
    let text = words::waits(exceeded);
    let mark = Marker { event, change, phase: 0, when: When::Open };
    vec![
        mark.label(true),
        mark.comment(vec![text.clone()], text),
        mark.of("wip-draft", vec![HELD.into()], Content::Draft { number: change.number, held: true }),
    ]
}

/// It gets no place, and nothing on the host changes that: its author is told, in the one comment. Nothing for a request from the bus.
pub(crate) fn on_refused(event: &Envelope, refused: &WipLockRefused) -> Vec<Mark> {
    let Some(change) = &refused.change else { return Vec::new() };
    let text = words::refused(refused);
    let mark = Marker { event, change, phase: 0, when: When::Open };
    vec![mark.comment(vec![text.clone()], text)]
}

/// It has its place.
pub(crate) fn on_acquired(event: &Envelope, acquired: &WipLockAcquired) -> Vec<Mark> {
    let text = words::has_its_place(acquired);
    acquired.change.as_ref().map_or(Vec::new(), |change| freed(event, change, When::Unsays, text))
}

/// It gave its place back.
pub(crate) fn on_released(event: &Envelope, released: &WipLockReleased) -> Vec<Mark> {
    released.change.as_ref().map_or(Vec::new(), |change| freed(event, change, When::Ends, words::NEEDS_NONE.to_owned()))
}

/// It was merged or closed, perhaps while it waited.
pub(crate) fn on_end(event: &Envelope, change: &Change) -> Vec<Mark> {
    let change = ChangeRef { repository: change.repository.clone(), number: change.number };
    freed(event, &change, When::Ends, words::NEEDS_NONE.to_owned())
}

fn freed(event: &Envelope, change: &ChangeRef, when: When, text: String) -> Vec<Mark> {
    let mark = Marker { event, change, phase: 1, when };
    vec![
        mark.label(false),
        // Whatever ended the wait, it is over: the first to say so says it.
        mark.comment(vec!["free".into()], text),
        mark.of("wip-draft", vec!["free".into()], Content::Draft { number: change.number, held: false }),
    ]
}

/// What the marks of one event share.
struct Marker<'e> {
    event: &'e Envelope,
    change: &'e ChangeRef,
    phase: u8,
    when: When,
}

impl Marker<'_> {
    fn of(&self, kind: &'static str, essence: Vec<String>, content: Content) -> Mark {
        let ChangeRef { repository, number } = self.change;
        let at = u64::try_from(self.event.meta.occurred_at.as_millisecond()).unwrap_or_default();
        Mark {
            repository: repository.clone(),
            subject: subject(repository, *number),
            kind,
            order: FeedbackOrder { generation: Generation(at), phase: self.phase },
            essence,
            when: self.when,
            content,
        }
    }

    fn label(&self, present: bool) -> Mark {
        let essence = if present { "blocked" } else { "free" };
        self.of("wip-label", vec![essence.into()], Content::Label { number: self.change.number, label: LABEL, present })
    }

    fn comment(&self, essence: Vec<String>, text: String) -> Mark {
        let comment = StickyComment { kind: COMMENT, text };
        self.of("wip-comment", essence, Content::Comment { number: self.change.number, comment })
    }
}

fn subject(repository: &Repository, number: u64) -> String {
    format!("change:{}/{number}", repository.id)
}
