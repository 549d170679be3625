//! A chat: posting into channels, threads and to persons, and the memory of where a post stands.

use std::{collections::BTreeSet, future::Future};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        id::{ChannelName, SlackUserId},
        rhythm::Block,
    },
    fault::Fault,
};

/// Where a post stands: the service's ids of its channel and of itself. What answers it names the latter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ChatPlace {
    /// The channel's id.
    pub channel: String,
    /// The post's id, unique in its channel.
    pub post: String,
}

/// Whom a post is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChatTarget {
    /// Everybody in a channel.
    Channel(ChannelName),
    /// One person.
    Person(SlackUserId),
}

/// A post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatPost {
    /// Our own key for it: it travels along, unseen, so that a copy finds it.
    pub key: String,
    /// For whom.
    pub target: ChatTarget,
    /// The head of the thread that it belongs to.
    pub thread: Option<ChatPlace>,
    /// What it says; foreign text in it is escaped.
    pub blocks: Vec<Block>,
}

/// The chat service.
pub trait Chat: Sync {
    /// Posts. The service has no key that makes it idempotent: who calls looks into the ledger before, and remembers after.
    ///
    /// # Errors
    /// `Retry` when the service asks to wait or did not answer; `Bug` when the channel, the token or its scopes are wrong.
    fn post(&self, post: &ChatPost) -> impl Future<Output = Result<ChatPlace, Fault>> + Send;

    /// Our own post with this key in a channel, or in a thread of it, posted since a moment.
    ///
    /// # Errors
    /// `Reject` when the token may not read there: then nobody knows.
    fn find(
        &self,
        channel: &str,
        thread: Option<&ChatPlace>,
        key: &str,
        since: Timestamp,
    ) -> impl Future<Output = Result<Option<ChatPlace>, Fault>> + Send;

    /// Who has answered in a thread.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    fn repliers(&self, head: &ChatPlace) -> impl Future<Output = Result<BTreeSet<SlackUserId>, Fault>> + Send;
}

/// What is remembered of a post.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatRecord {
    /// When posting it was begun first.
    pub began_at: Timestamp,
    /// Where it stands; nothing while nobody came back from posting it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<ChatPlace>,
}

/// The memory of posts.
pub trait ChatLedger: Sync {
    /// What is remembered of the post with this key.
    fn chat_record(&self, key: &str) -> impl Future<Output = Result<Option<ChatRecord>, Fault>> + Send;

    /// Remembers it.
    fn remember_chat(&self, key: &str, record: &ChatRecord) -> impl Future<Output = Result<(), Fault>> + Send;
}
