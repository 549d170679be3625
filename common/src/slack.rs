//! Slack's adapter: [`Slack`] implements [`Chat`] over three methods of the Web API.
//!
//! | method | scope of the bot token | for |
//! |---|---|---|
//! | `chat.postMessage` | `chat:write` | posts, in channels that the bot is in, and to persons |
//! | `conversations.history` | `channels:history` (`groups:history` in private ones) | finding a post whose reply was lost |
//! | `conversations.replies` | the same | who has answered in a thread |
//!
//! Without the second scope nobody is told who has not posted, and a post whose reply was lost may be posted a second time: everything else
//! works. `chat.postMessage` has no idempotency key (<https://docs.slack.dev/reference/methods/chat.postMessage>), so each post carries its
//! key as message metadata, which only apps see.
//!
//! `Retry-After` of a 429 is waited for when it is short, else the message stays in its queue. The token is in no message and no log.

use std::{collections::BTreeSet, time::Duration};

use bytes::Bytes;
use http::{Method, Response, StatusCode, header};
use http_body_util::Full;
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    domain::{
        id::{SlackUserId, quoted},
        rhythm::Block,
    },
    fault::Fault,
    ports::{Chat, ChatPlace, ChatPost, ChatTarget},
    web::Web,
};

/// Slack's own address.
pub const DEFAULT_BASE_URI: &str = "https://slack.com/api";

/// How long one request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);

/// The longest that `Retry-After` is waited for here, in seconds; once a request.
const LONGEST_WAIT: u64 = 10;

/// How many messages one page has, and how many pages are read: a day's thread is shorter.
const PAGE: &str = "200";
const PAGES: usize = 10;

/// What our posts are called in their metadata.
const EVENT_TYPE: &str = "penstock_post";

/// Slack, as one bot sees it.
#[derive(Clone)]
pub struct Slack {
    web: Web,
    token: SecretString,
}

impl std::fmt::Debug for Slack {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("Slack").field("web", &self.web).finish_non_exhaustive()
    }
}

/// What every answer has.
#[derive(Deserialize)]
struct Answer {
    ok: bool,
    #[serde(default)]
    error: String,
    #[serde(default)]
    channel: Value,
    #[serde(default)]
    ts: String,
    #[serde(default)]
    messages: Vec<Message>,
    #[serde(default)]
    response_metadata: Next,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    ts: String,
    #[serde(default)]
    user: String,
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Metadata {
    event_type: String,
    event_payload: Value,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Next {
    next_cursor: String,
}

impl Slack {
    /// An adapter for one bot; it calls nobody yet. Must be called inside the async runtime.
    ///
    /// # Errors
    /// `Bug` when the address cannot be used.
    pub fn new(base_uri: &str, token: SecretString) -> Result<Self, Fault> {
        Ok(Self { web: Web::new("SLACK_API_URL", base_uri, DEFAULT_BASE_URI, REQUEST_TIMEOUT)?, token })
    }

    /// One request, and once more after a short `Retry-After`.
    async fn call(&self, what: &str, method: Method, below: &str, body: Option<&Value>) -> Result<Answer, Fault> {
        let mut answer = self.once(what, &method, below, body).await?;
        if let (StatusCode::TOO_MANY_REQUESTS, Some(seconds)) = (answer.status(), wait(&answer))
            && seconds <= LONGEST_WAIT
        {
            // Slack says for how long: there is no condition to wait for, and a queue's retry would come much later.
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            answer = self.once(what, &method, below, body).await?;
        }
        let status = answer.status();
        if status == StatusCode::TOO_MANY_REQUESTS {
            let seconds = wait(&answer).map_or("a while".to_owned(), |seconds| format!("{seconds} s"));
            return Err(Fault::retry(format!("{what}: Slack asks to wait for {seconds}")));
        }
        if !status.is_success() {
            return Err(Fault::retry(format!("{what}: Slack answered {}", status.as_u16())));
        }
        let answer: Answer = serde_json::from_slice(answer.body())
            .map_err(|error| Fault::retry_from(format!("{what}: Slack's answer cannot be read"), error))?;
        if answer.ok { Ok(answer) } else { Err(refused(what, &answer.error)) }
    }

    async fn once(
        &self,
        what: &str,
        method: &Method,
        below: &str,
        body: Option<&Value>,
    ) -> Result<Response<Bytes>, Fault> {
        let bytes = body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string()));
        let request = self.web.request(&format!("/{below}")).method(method);
        let request = request
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token.expose_secret()))
            .header(header::CONTENT_TYPE, "application/json; charset=utf-8")
            .body(Full::new(bytes))
            // The error could name the header.
            .map_err(|_| Fault::bug(format!("{what}: the request cannot be made; is the token one line of text?")))?;
        self.web.send(what, request).await
    }

    /// All messages of a listing, page by page.
    async fn messages(&self, what: &str, method: &str, query: &[(&str, &str)]) -> Result<Vec<Message>, Fault> {
        let mut messages = Vec::new();
        let mut cursor = String::new();
        for _ in 0..PAGES {
            let below = format!("{method}?{}", form(query, &cursor));
            let answer = self.call(what, Method::GET, &below, None).await?;
            messages.extend(answer.messages);
            cursor = answer.response_metadata.next_cursor;
            if cursor.is_empty() {
                return Ok(messages);
            }
        }
        Err(Fault::reject(format!("{what}: there are more than {PAGES} pages of messages")))
    }
}

/// For how many seconds Slack asks to wait.
fn wait(answer: &Response<Bytes>) -> Option<u64> {
    answer.headers().get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()
}

/// The query of one page.
fn form(query: &[(&str, &str)], cursor: &str) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(query).append_pair("limit", PAGE);
    if !cursor.is_empty() {
        form.append_pair("cursor", cursor);
    }
    form.finish()
}

/// What `ok: false` means (<https://docs.slack.dev/reference/methods/chat.postMessage#errors>).
fn refused(what: &str, error: &str) -> Fault {
    let word = quoted(error, 60);
    match error {
        "ratelimited"
        | "rate_limited"
        | "fatal_error"
        | "internal_error"
        | "request_timeout"
        | "service_unavailable" => Fault::retry(format!("{what}: Slack answered {word}")),
        "missing_scope" | "not_allowed_token_type" | "no_permission" | "ekm_access_denied" => {
            Fault::reject(format!("{what}: the token's scopes do not allow it ({word})"))
        }
        "channel_not_found" | "not_in_channel" | "is_archived" => {
            Fault::bug(format!("{what}: Slack answered {word}: make the channel, or invite the bot into it"))
        }
        _ => Fault::bug(format!("{what}: Slack answered {word}")),
    }
}

impl Chat for Slack {
    async fn post(&self, post: &ChatPost) -> Result<ChatPlace, Fault> {
        let target = match &post.target {
            ChatTarget::Channel(name) => name.as_str(),
            ChatTarget::Person(person) => person.as_str(),
        };
        let what = format!("posting to {target} in Slack");
        let text: Vec<&str> = post.blocks.iter().map(Block::text).collect();
        let mut body = json!({
            "channel": post.thread.as_ref().map_or(target, |head| &head.channel),
            "text": text.first(),
            "blocks": post.blocks.iter().map(Block::to_slack).collect::<Vec<_>>(),
            "metadata": {"event_type": EVENT_TYPE, "event_payload": {"key": post.key}},
            "unfurl_links": false,
            "unfurl_media": false,
        });
        if let Some(head) = &post.thread {
            body["thread_ts"] = json!(head.post);
        }
        let answer = self.call(&what, Method::POST, "chat.postMessage", Some(&body)).await;
        // Here a missing scope is no matter of less being known: nothing is posted until somebody gives it.
        let answer = answer.map_err(|fault| match fault {
            Fault::Reject { what } => Fault::bug(what),
            other => other,
        })?;
        match (answer.channel.as_str(), answer.ts.is_empty()) {
            (Some(channel), false) => Ok(ChatPlace { channel: channel.to_owned(), post: answer.ts }),
            _ => Err(Fault::bug(format!("{what}: Slack's answer does not say where the post stands"))),
        }
    }

    async fn find(
        &self,
        channel: &str,
        thread: Option<&ChatPlace>,
        key: &str,
        since: Timestamp,
    ) -> Result<Option<ChatPlace>, Fault> {
        let oldest = since.as_second().to_string();
        let mut query = vec![("channel", channel), ("oldest", &oldest), ("include_all_metadata", "true")];
        let method = match thread {
            Some(head) => {
                query.push(("ts", &head.post));
                "conversations.replies"
            }
            None => "conversations.history",
        };
        let messages = self.messages("looking for a post in Slack", method, &query).await?;
        let ours = |message: &Message| {
            message.metadata.event_type == EVENT_TYPE && message.metadata.event_payload["key"].as_str() == Some(key)
        };
        let found = messages.into_iter().find(ours);
        Ok(found.map(|message| ChatPlace { channel: channel.to_owned(), post: message.ts }))
    }

    async fn repliers(&self, head: &ChatPlace) -> Result<BTreeSet<SlackUserId>, Fault> {
        let query = [("channel", head.channel.as_str()), ("ts", &head.post)];
        let messages = self.messages("reading who has posted in a thread", "conversations.replies", &query).await?;
        // The first is the head itself: ours.
        let answers = messages.into_iter().filter(|message| message.ts != head.post);
        Ok(answers.filter_map(|message| message.user.parse().ok()).collect())
    }
}
