//! Whoever is asked to let a run go on is told where they are: a message to each of them alone, with their own link.
//!
//! A link is made here and written nowhere else: it follows from the event and from a key that the event has not. It goes to the person
//! and never into a channel. Whoever has no `slack_id` reads of the run on its commit, as everybody does.

use common::{
    domain::{
        rhythm::{Block, escaped},
        run::{Link, LinkKey, link::GOOD_FOR},
    },
    event::{Addressee, Envelope, RunAtGate},
    fault::Fault,
    ports::{Chat, ChatLedger, ChatTarget, Clock},
};
use jiff::Timestamp;

use crate::room::Room;

/// What links are made of.
#[derive(Debug, Clone)]
pub struct Links {
    /// What signs them.
    pub key: LinkKey,
    /// The API's address as people reach it, without a slash at its end.
    pub base: String,
}

/// Tells everybody whom a run waits for, once a run and commit.
///
/// # Errors
/// Those of the chat and of the ledger: the message comes again. Of several persons each is tried.
pub async fn ask<S: Chat, L: ChatLedger, C: Clock>(
    chat: &S,
    ledger: &L,
    clock: &C,
    links: &Links,
    event: &Envelope,
    run: &RunAtGate,
) -> Result<(), Fault> {
    let Some(commit) = &run.commit else { return Ok(()) };
    let until = Timestamp::from_second(event.meta.occurred_at.as_second()).unwrap_or(event.meta.occurred_at);
    let until = until.saturating_add(GOOD_FOR).unwrap_or(Timestamp::MAX);
    // What comes late asks for nothing that a link could still give.
    if until <= clock.now() {
        return Ok(());
    }
    let room = Room { chat, ledger, clock };
    let mut first = Ok(());
    for Addressee { person, slack_id, .. } in &run.asks {
        let Some(slack_id) = slack_id else { continue };
        let (cluster, execution, commit) = (run.cluster.clone(), run.execution.clone(), commit.clone());
        let key = format!("gate/{execution}/{commit}/{slack_id}");
        let link = Link { by: person.clone(), cluster, execution, commit, until };
        let address = format!("{}/v1/approvals/{}", links.base, link.token(&links.key));
        let posted = room.post(key, ChatTarget::Person(slack_id.clone()), None, words(run, &link, &address)).await;
        first = first.and(posted.map(drop));
    }
    first
}

fn words(run: &RunAtGate, link: &Link, address: &str) -> Vec<Block> {
    let reasons: Vec<String> = run.reasons.iter().map(|reason| format!("• {}", escaped(&reason.missing))).collect();
    vec![
        Block::Section(format!(
            "A run waits for you: commit {} to *{}*, since {:.0}.\n{}",
            link.commit.short(),
            link.cluster,
            run.since,
            reasons.join("\n"),
        )),
        Block::Section(format!("<{address}|Look at it, and answer>")),
        Block::Context(format!("The link is yours alone, takes one answer, and is good until {:.0}.", link.until)),
    ]
}

#[cfg(test)]
mod tests;
