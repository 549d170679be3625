//! One event: decide which marks it means, publish those that are news, remember them.

use common::{
    domain::id::Digest,
    event::Envelope,
    fault::Fault,
    ports::{ChangeMarks, Clock, FeedbackLedger, Marks, Said, Shown},
};

use crate::{
    marks::{Content, Mark, When, marks},
    waiting,
};

#[cfg(test)]
mod tests;

/// What the marks need to know beside the event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where a commit status links to: the list of pipelines.
    pub pipelines_url: String,
}

/// How often a mark is looked at anew when something else is said about its subject in the same moment.
const TRIES: usize = 5;

/// Publishes what an event means for people.
///
/// That a publication begins is remembered before, and that it ended behind it. Who stops in between finds that, and publishes the same
/// again, which changes nothing on the host. Who begins while another one is under way does not know which of the two the host shows in the
/// end: that is remembered too, and the next word about it is published even if it is the same. Holding a pull request back is remembered
/// first: see `hold`.
///
/// # Errors
/// Those of the host and of the ledger. The first failing mark ends the run; a copy starts again with the marks still missing.
pub async fn handle<H, L, C>(
    host: &H,
    ledger: &L,
    clock: &C,
    settings: &Settings,
    event: &Envelope,
) -> Result<(), Fault>
where
    H: Marks + ChangeMarks,
    L: FeedbackLedger,
    C: Clock,
{
    // Whether the pull request is a draft, or closed: asked once, and only for something to say.
    let mut found = None;
    for mark in marks(settings, event) {
        let mut done = None;
        for _ in 0..TRIES {
            done = said(host, ledger, clock, &mark, &mut found).await?;
            if done.is_some() {
                break;
            }
        }
        let Some(done) = done else {
            return Err(Fault::retry(format!("others keep speaking about {} of {}", mark.kind, mark.subject)));
        };
        tracing::info!(
            correlation_id = %event.meta.correlation_id,
            subject = mark.subject, kind = mark.kind, "{}", if done { "published" } else { "nothing new to say" }
        );
    }
    Ok(())
}

/// Says one mark. Answers whether it was published; nothing when something else was said since it was looked at.
async fn said<H, L, C>(
    host: &H,
    ledger: &L,
    clock: &C,
    mark: &Mark,
    found: &mut Option<Option<bool>>,
) -> Result<Option<bool>, Fault>
where
    H: Marks + ChangeMarks,
    L: FeedbackLedger,
    C: Clock,
{
    let new = Said { order: mark.order, content: mark.digest(), shown: Shown::Surely };
    let last = ledger.said(&mark.subject, mark.kind).await?;
    let remember = || ledger.published(&mark.subject, mark.kind, &new, clock.now());
    let to_say = match &mark.content {
        Content::Draft { held: true, .. } => is_ours_to_do(last.as_ref(), &new),
        _ => new.is_news(last.as_ref()),
    };
    if let (When::Open, true, Some(number), None) = (mark.when, to_say, mark.content.change(), *found) {
        *found = Some(host.is_draft(&mark.repository, number).await?);
    }
    let done = match &mark.content {
        _ if mark.when == When::Open && to_say && *found == Some(None) => false,
        Content::Draft { number, held: true } if to_say => {
            let ready = found.flatten() == Some(false);
            hold(host, ledger, clock, mark, *number, &new, ready).await?
        }
        _ if mark.when == When::Ends && last.is_none() => false,
        Content::Draft { number, held: false } if new.is_news(last.as_ref()) => {
            if last.is_some_and(|last| last.content == held()) {
                set_draft(host, mark, *number, false).await?;
            }
            remember().await?;
            true
        }
        _ if !new.is_news(last.as_ref()) => {
            // The same words for a later moment: remembered, so that older words which come late are no news.
            if last.is_some_and(|last| last.order < new.order) {
                remember().await?;
            }
            false
        }
        _ if mark.when == When::Unsays && last.is_none() => {
            remember().await?;
            false
        }
        content => {
            if !ledger.begin(&mark.subject, mark.kind, last.as_ref(), &new.begun(), clock.now()).await? {
                return Ok(None);
            }
            publish(host, mark, content).await?;
            ledger.published(&mark.subject, mark.kind, &new.over(last.as_ref()), clock.now()).await?;
            true
        }
    };
    Ok(Some(done))
}

async fn publish<H: Marks + ChangeMarks>(host: &H, mark: &Mark, content: &Content) -> Result<(), Fault> {
    match content {
        Content::Status(status) => host.set_status(&mark.repository, status).await,
        Content::Check(check) => host.publish_check(&mark.repository, check).await,
        Content::Label { number, label, present } => host.set_label(&mark.repository, *number, label, *present).await,
        Content::Comment { number, comment } => host.set_comment(&mark.repository, *number, comment).await,
        Content::Draft { number, held } => set_draft(host, mark, *number, *held).await,
    }
}

// What the ledger has for a pull request that we made a draft, or are about to: the essence of that mark.
fn held() -> Digest {
    Digest::of_parts([waiting::HELD])
}

// News, or a copy of the event that decided it: that one may have stopped between remembering and doing.
fn is_ours_to_do(last: Option<&Said>, new: &Said) -> bool {
    new.is_news(last) || last == Some(new)
}

/// Makes a pull request a draft, and remembers before that it was we who did: what comes after a stop in between finds the intent
/// and does it again. One that is a draft already is not ours to let go, and that is remembered too.
async fn hold<H, L, C>(
    host: &H,
    ledger: &L,
    clock: &C,
    mark: &Mark,
    number: u64,
    new: &Said,
    ready: bool,
) -> Result<bool, Fault>
where
    H: ChangeMarks,
    L: FeedbackLedger,
    C: Clock,
{
    if ready {
        ledger.published(&mark.subject, mark.kind, new, clock.now()).await?;
        set_draft(host, mark, number, true).await?;
        return Ok(true);
    }
    // A copy finds the draft that the first one made: it stays ours.
    if ledger.said(&mark.subject, mark.kind).await?.as_ref() != Some(new) {
        let left = Said { content: Digest::of_parts([waiting::LEFT]), ..new.clone() };
        ledger.published(&mark.subject, mark.kind, &left, clock.now()).await?;
    }
    Ok(false)
}

// A host that does not let us is told of and not asked again: label and comment say all that matters.
async fn set_draft<H: ChangeMarks>(host: &H, mark: &Mark, number: u64, draft: bool) -> Result<(), Fault> {
    match host.set_draft(&mark.repository, number, draft).await {
        Err(Fault::Reject { what }) => {
            tracing::warn!(subject = mark.subject, draft, "{what}");
            tracing::info!(target: "metric", name = "DraftsRefused", value = 1_u64);
            Ok(())
        }
        result => result,
    }
}
