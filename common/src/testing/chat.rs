//! The chat, in memory: what was posted where, and who answered.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::{
    domain::{id::SlackUserId, rhythm::Block},
    fault::Fault,
    ports::{Chat, ChatLedger, ChatPlace, ChatPost, ChatRecord, ChatTarget},
    testing::World,
};

#[derive(Default)]
pub(super) struct State {
    posts: Vec<(ChatPost, ChatPlace, Timestamp)>,
    repliers: BTreeMap<ChatPlace, BTreeSet<SlackUserId>>,
    ledger: BTreeMap<String, ChatRecord>,
}

impl World {
    /// What stands in the chat, in order.
    pub fn chat(&self) -> Vec<ChatPost> {
        self.state().chat.posts.iter().map(|(post, ..)| post.clone()).collect()
    }

    /// The chat as people see it: where, whether in a thread, and the text.
    pub fn chat_text(&self) -> String {
        let told = |post: &ChatPost| {
            let target = match &post.target {
                ChatTarget::Channel(name) => format!("#{name}"),
                ChatTarget::Person(person) => format!("@{person}"),
            };
            let thread = if post.thread.is_some() { " (in the thread)" } else { "" };
            let text: Vec<&str> = post.blocks.iter().map(Block::text).collect();
            format!("── {target}{thread}\n{}\n", text.join("\n"))
        };
        self.chat().iter().map(told).collect()
    }

    /// Somebody answers in the thread of the post with this key.
    pub fn reply(&self, key: &str, person: SlackUserId) {
        let mut state = self.state();
        let head = state.chat.posts.iter().find(|(post, ..)| post.key == key).map(|(_, place, _)| place.clone());
        if let Some(head) = head {
            state.chat.repliers.entry(head).or_default().insert(person);
        }
    }
}

fn channel(target: &ChatTarget) -> String {
    match target {
        ChatTarget::Channel(name) => format!("C-{name}"),
        ChatTarget::Person(person) => format!("D-{person}"),
    }
}

impl Chat for World {
    async fn post(&self, post: &ChatPost) -> Result<ChatPlace, Fault> {
        self.call("Chat.post", &post.key, true, |state| {
            let number = state.chat.posts.len();
            let place = ChatPlace { channel: channel(&post.target), post: format!("{number}.0") };
            state.chat.posts.push((post.clone(), place.clone(), state.now));
            Ok(place)
        })
    }

    async fn find(
        &self,
        channel: &str,
        thread: Option<&ChatPlace>,
        key: &str,
        since: Timestamp,
    ) -> Result<Option<ChatPlace>, Fault> {
        self.call("Chat.find", key, false, |state| {
            let found = |(post, place, at): &&(ChatPost, ChatPlace, Timestamp)| {
                post.key == key && place.channel == channel && post.thread.as_ref() == thread && *at >= since
            };
            Ok(state.chat.posts.iter().find(found).map(|(_, place, _)| place.clone()))
        })
    }

    async fn repliers(&self, head: &ChatPlace) -> Result<BTreeSet<SlackUserId>, Fault> {
        self.call("Chat.repliers", &head.channel, false, |state| {
            Ok(state.chat.repliers.get(head).cloned().unwrap_or_default())
        })
    }
}

impl ChatLedger for World {
    async fn chat_record(&self, key: &str) -> Result<Option<ChatRecord>, Fault> {
        self.call("ChatLedger.record", key, false, |state| Ok(state.chat.ledger.get(key).cloned()))
    }

    async fn remember_chat(&self, key: &str, record: &ChatRecord) -> Result<(), Fault> {
        self.call("ChatLedger.remember", key, true, |state| {
            state.chat.ledger.insert(key.to_owned(), record.clone());
            Ok(())
        })
    }
}
