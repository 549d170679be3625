//! The rhythm by mail, for those who are named and have an address: the day's report for whoever owns an entry of it, and escalations.
//!
//! A letter is for one person and is sent once: what stands under its key (event, address, digest of the words) is remembered. When nobody
//! knows whether one was sent, it is sent again: twice is better than never. A letter that the service will never take is told of once, in
//! the log and as a metric, and keeps nothing else from being told.

use common::{
    domain::{
        id::Digest,
        rhythm::{Block, PostKind, SlotKind},
    },
    event::{Addressee, DailyUnblockReport, Envelope, Event, ItemEscalated},
    fault::Fault,
    ports::{ChatLedger, ChatPlace, ChatRecord, Clock, Letter, Mailer},
};

use crate::rhythm::words;

#[cfg(test)]
mod tests;

/// Sends what an event means to those whom it names. Without a mail service, and for any other event, nothing is sent.
///
/// # Errors
/// Those of the service and of the ledger: the message comes again. Of several letters each is tried.
pub async fn tell<M: Mailer, L: ChatLedger, C: Clock>(
    mailer: Option<&M>,
    ledger: &L,
    clock: &C,
    event: &Envelope,
) -> Result<(), Fault> {
    let Some(mailer) = mailer else { return Ok(()) };
    let mut first = Ok(());
    for letter in letters(&event.event) {
        let digest = Digest::of_parts([event.meta.event_id.as_str(), &letter.subject, &letter.text]);
        let key = format!("mail/{}/{}/{}", event.event.kind().name(), letter.to, digest.as_str());
        first = first.and(send(mailer, ledger, clock, &key, &letter).await);
    }
    first
}

/// The letters of an event.
fn letters(event: &Event) -> Vec<Letter> {
    let (people, subject, blocks) = match event {
        Event::DailyUnblockReport(told) => match daily(told) {
            Some(letter) => letter,
            None => return Vec::new(),
        },
        Event::ItemEscalated(told) => (&told.people, escalated(told), words::escalation(told)),
        _ => return Vec::new(),
    };
    let text = plain(&blocks);
    let to = |one: &Addressee| one.email.clone();
    people.iter().filter_map(to).map(|to| Letter { to, subject: subject.clone(), text: text.clone() }).collect()
}

/// The report of the day, and the whole one after one that was incomplete; the rest of the day is talk in a thread.
fn daily(told: &DailyUnblockReport) -> Option<(&Vec<Addressee>, String, Vec<Block>)> {
    let (title, blocks) = match told.kind {
        PostKind::Slot(SlotKind::Thread) => ("Daily unblock", told.report.blocks()),
        PostKind::Whole(_) => ("Daily unblock, the whole report", words::whole(&told.report)),
        PostKind::Slot(_) => return None,
    };
    Some((&told.people, format!("{title}: {} {}", told.channel, told.report.date), blocks))
}

fn escalated(told: &ItemEscalated) -> String {
    format!("Blocked: {} ({}); you are told as {}", told.item, told.pod, told.group)
}

/// The words without what Slack alone reads.
fn plain(blocks: &[Block]) -> String {
    let text: Vec<&str> = blocks.iter().map(Block::text).collect();
    // The ampersand last: else what somebody wrote as `&lt;` would become another character.
    text.join("\n\n").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// Sends once, as far as the service allows.
async fn send<M: Mailer, L: ChatLedger, C: Clock>(
    mailer: &M,
    ledger: &L,
    clock: &C,
    key: &str,
    letter: &Letter,
) -> Result<(), Fault> {
    let known = ledger.chat_record(key).await?;
    if known.as_ref().is_some_and(|record| record.place.is_some()) {
        tracing::info!(key, "it was sent already");
        return Ok(());
    }
    let began_at = known.map_or_else(|| clock.now(), |record| record.began_at);
    let post = match mailer.send(letter).await {
        Ok(id) => id,
        Err(Fault::Reject { what }) => {
            tracing::warn!("{what}");
            tracing::info!(target: "metric", name = "LettersRefused", value = 1_u64);
            "refused".to_owned()
        }
        Err(fault) => return Err(fault),
    };
    let place = Some(ChatPlace { channel: letter.to.to_string(), post });
    ledger.remember_chat(key, &ChatRecord { began_at, place }).await
}
