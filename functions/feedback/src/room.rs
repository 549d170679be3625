//! Posting in the chat, once.
//!
//! Each post has a key. What stands under it is remembered, so that a copy of an event posts nothing; a post that was begun and never
//! came back is looked for before it is posted again. Where the chat cannot be read, it is posted again: twice is better than never.

use common::{
    domain::{id::ChannelName, rhythm::Block},
    fault::Fault,
    ports::{Chat, ChatLedger, ChatPlace, ChatPost, ChatRecord, ChatTarget, Clock},
};

/// Where posts go, and what is remembered of them.
pub(crate) struct Room<'r, S, L, C> {
    pub(crate) chat: &'r S,
    pub(crate) ledger: &'r L,
    pub(crate) clock: &'r C,
}

impl<S: Chat, L: ChatLedger, C: Clock> Room<'_, S, L, C> {
    /// Posts once, as far as the chat allows.
    ///
    /// # Errors
    /// Those of the chat and of the ledger.
    pub(crate) async fn post(
        &self,
        key: String,
        target: ChatTarget,
        thread: Option<ChatPlace>,
        blocks: Vec<Block>,
    ) -> Result<ChatPlace, Fault> {
        let began = match self.ledger.chat_record(&key).await? {
            Some(ChatRecord { place: Some(place), .. }) => {
                tracing::info!(key, "it stands there already");
                return Ok(place);
            }
            Some(ChatRecord { began_at, place: None }) => Some(began_at),
            None => None,
        };
        let began_at = began.unwrap_or_else(|| self.clock.now());
        let found = match began {
            Some(since) => self.look(&target, thread.as_ref(), &key, since).await?,
            None => {
                self.ledger.remember_chat(&key, &ChatRecord { began_at, place: None }).await?;
                None
            }
        };
        let place = match found {
            Some(place) => place,
            None => self.chat.post(&ChatPost { key: key.clone(), target: target.clone(), thread, blocks }).await?,
        };
        self.ledger.remember_chat(&key, &ChatRecord { began_at, place: Some(place.clone()) }).await?;
        if let ChatTarget::Channel(name) = &target {
            // The chat lists messages by the channel's id alone: this is where it is found again.
            self.ledger.remember_chat(&channel_key(name), &ChatRecord { began_at, place: Some(place.clone()) }).await?;
        }
        Ok(place)
    }

    /// A post that was begun and of which nobody knows whether it stands.
    async fn look(
        &self,
        target: &ChatTarget,
        thread: Option<&ChatPlace>,
        key: &str,
        since: jiff::Timestamp,
    ) -> Result<Option<ChatPlace>, Fault> {
        let channel = match (thread, target) {
            (Some(head), _) => Some(head.channel.clone()),
            (None, ChatTarget::Channel(name)) => {
                let known = self.ledger.chat_record(&channel_key(name)).await?;
                known.and_then(|record| record.place).map(|place| place.channel)
            }
            (None, ChatTarget::Person(_)) => None,
        };
        let Some(channel) = channel else { return Ok(None) };
        match self.chat.find(&channel, thread, key, since).await {
            Err(Fault::Reject { what }) => {
                tracing::warn!(key, "{what}: it is posted again");
                Ok(None)
            }
            found => found,
        }
    }
}

fn channel_key(name: &ChannelName) -> String {
    format!("channel/{name}")
}
