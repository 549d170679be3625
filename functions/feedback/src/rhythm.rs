//! The rhythm in the chat: the day's thread, its reminder and summary, the demo, escalations; and, to each person alone, items whose end
//! is considered or has come.
//!
//! Whether somebody has posted, only the thread knows: the reminder reads it when it is due. A token that may not read it reminds nobody by
//! name, and the summary says so.

use std::collections::BTreeSet;

use common::{
    domain::{
        id::{ChannelName, SlackUserId},
        rhythm::{Block, PostKind, SlotKind},
    },
    event::{Addressee, DailyUnblockReport, Envelope, Event, ItemEscalated, ItemUnderKillReview, ReviewStep},
    fault::Fault,
    ports::{Chat, ChatLedger, ChatPlace, ChatTarget, Clock},
};
use jiff::civil::Date;

use crate::room::Room;

mod reviews;
pub mod words;

#[cfg(test)]
mod tests;

/// Whether an event is told in the chat.
pub fn is_told(event: &Event) -> bool {
    matches!(
        event,
        Event::DailyUnblockReport(_)
            | Event::WeeklyDemoPreparation(_)
            | Event::ItemEscalated(_)
            | Event::ItemUnderKillReview(_)
            | Event::ItemKilled(_)
    )
}

/// Posts what an event means. Without a chat the event stays where it is, on the bus.
///
/// # Errors
/// Those of the chat and of the ledger: the message comes again. Of several posts each is tried.
pub async fn tell<S: Chat, L: ChatLedger, C: Clock>(
    chat: Option<&S>,
    ledger: &L,
    clock: &C,
    event: &Envelope,
) -> Result<(), Fault> {
    let Some(chat) = chat else {
        let kind = event.event.kind().name();
        tracing::info!(kind, subject = event.meta.subject, "there is no Slack token: this is on the bus alone");
        return Ok(());
    };
    let room = Room { chat, ledger, clock };
    match &event.event {
        Event::DailyUnblockReport(told) => room.day(told).await,
        Event::WeeklyDemoPreparation(told) => {
            let key = format!("{}/{}/{}", told.channel, told.preparation.week_ending, told.kind.as_str());
            room.post(key, ChatTarget::Channel(told.channel.clone()), None, words::demo(told)).await.map(drop)
        }
        Event::ItemEscalated(told) => room.escalation(event.meta.event_id.as_str(), told).await,
        Event::ItemUnderKillReview(told) => room.review(event, told).await,
        Event::ItemKilled(told) => {
            let key = format!("killed/{}", event.meta.event_id);
            room.each(&key, targets(&told.people), reviews::ended(told)).await.1
        }
        other => Err(Fault::bug(format!("{} is not told in the chat", other.kind().name()))),
    }
}

fn key(channel: &ChannelName, date: Date, kind: PostKind) -> String {
    format!("{channel}/{date}/{}", kind.as_str())
}

impl<S: Chat, L: ChatLedger, C: Clock> Room<'_, S, L, C> {
    async fn day(&self, told: &DailyUnblockReport) -> Result<(), Fault> {
        let DailyUnblockReport { kind, channel, report, people } = told;
        let own = key(channel, report.date, *kind);
        let to = ChatTarget::Channel(channel.clone());
        let blocks = match kind {
            PostKind::Slot(SlotKind::Thread) => report.blocks(),
            PostKind::Slot(SlotKind::Council) => words::council(report),
            PostKind::Whole(_) => words::whole(report),
            PostKind::Slot(SlotKind::Reminder | SlotKind::Summary) => {
                let head = self.head(channel, report.date).await?;
                let posted = self.posted(&head).await?;
                let blocks = match kind {
                    PostKind::Slot(SlotKind::Reminder) => words::reminder(people, posted.as_ref()),
                    _ => words::summary(report, people, posted.as_ref()),
                };
                if blocks.is_empty() {
                    tracing::info!(%channel, date = %report.date, "everybody has posted: nobody is reminded");
                    return Ok(());
                }
                return self.post(own, to, Some(head), blocks).await.map(drop);
            }
            PostKind::Slot(SlotKind::SignUp | SlotKind::Demo) => {
                return Err(Fault::bug(format!("a daily report of the kind {}", kind.as_str())));
            }
        };
        let head = match kind {
            PostKind::Whole(_) => Some(self.head(channel, report.date).await?),
            _ => None,
        };
        self.post(own, to, head, blocks).await.map(drop)
    }

    /// The head of the day's thread. Events may overtake one another: then this one comes again.
    async fn head(&self, channel: &ChannelName, date: Date) -> Result<ChatPlace, Fault> {
        let head = key(channel, date, PostKind::Slot(SlotKind::Thread));
        let record = self.ledger.chat_record(&head).await?;
        record
            .and_then(|record| record.place)
            .ok_or_else(|| Fault::retry(format!("the thread of {date} does not stand in {channel} yet")))
    }

    /// Who has posted; nothing when the token may not look.
    async fn posted(&self, head: &ChatPlace) -> Result<Option<BTreeSet<SlackUserId>>, Fault> {
        match self.chat.repliers(head).await {
            Ok(posted) => Ok(Some(posted)),
            Err(Fault::Reject { what }) => {
                tracing::warn!("{what}: nobody is reminded by name");
                Ok(None)
            }
            Err(fault) => Err(fault),
        }
    }

    async fn escalation(&self, event: &str, told: &ItemEscalated) -> Result<(), Fault> {
        let channel = told.channel.iter().cloned().map(ChatTarget::Channel);
        let targets = targets(&told.people).chain(channel);
        let (reached, posted) = self.each(&format!("escalation/{event}"), targets, words::escalation(told)).await;
        if !reached {
            tracing::warn!(group = %told.group, item = %told.item, "nobody of this group has a slack_id, and no channel is named: nobody was reached");
        }
        posted
    }

    /// A step of a kill review. The id of its event follows from item, rule, step and the item's version: each is told once.
    async fn review(&self, event: &Envelope, told: &ItemUnderKillReview) -> Result<(), Fault> {
        // What comes behind its deadline asks for nothing that could still be done: what became of it is told by what was due then.
        let over = told.deadline.is_some_and(|deadline| deadline <= self.clock.now());
        if over && told.review != ReviewStep::Due {
            tracing::info!(item = %told.item, rule = %told.rule, "its deadline has passed: this step is told to nobody");
            return Ok(());
        }
        let key = format!("kill-review/{}", event.meta.event_id);
        let blocks = reviews::review(told, event.meta.occurred_at);
        let (reached, posted) = self.each(&key, targets(&told.people), blocks).await;
        if !reached {
            tracing::warn!(item = %told.item, rule = %told.rule, "nobody who is to be told has a slack_id: nobody was reached");
        }
        posted
    }

    /// The same words to each of them, each once. Whether there was anybody, and the first fault once all were tried.
    async fn each(
        &self,
        key: &str,
        targets: impl Iterator<Item = ChatTarget>,
        blocks: Vec<Block>,
    ) -> (bool, Result<(), Fault>) {
        let (mut reached, mut first) = (false, Ok(()));
        for target in targets {
            reached = true;
            let name = match &target {
                ChatTarget::Person(person) => person.to_string(),
                ChatTarget::Channel(name) => name.to_string(),
            };
            let posted = self.post(format!("{key}/{name}"), target, None, blocks.clone()).await;
            first = first.and(posted.map(drop));
        }
        (reached, first)
    }
}

/// Those of them whom the chat knows.
fn targets(people: &[Addressee]) -> impl Iterator<Item = ChatTarget> {
    people.iter().filter_map(|one| one.slack_id.clone()).map(ChatTarget::Person)
}
