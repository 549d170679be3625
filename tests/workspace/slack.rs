//! Slack's adapter over HTTP: what it sends, and what it makes of each answer. The server answers as Slack documents it.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};
use common::{
    domain::rhythm::Block,
    fault::Fault,
    ports::{Chat, ChatPlace, ChatPost, ChatTarget},
    slack::Slack,
    testing::id,
};
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Value, json};

const TOKEN: &str = "xoxb-canary";

/// A status, `Retry-After`, a body.
type Answer = (u16, Option<&'static str>, Value);

/// A path with its query, the token, a body.
type Seen = (String, String, Value);

#[derive(Clone, Default)]
struct Server {
    seen: Arc<Mutex<Vec<Seen>>>,
    answers: Arc<Mutex<VecDeque<Answer>>>,
}

impl Server {
    async fn start(answers: Vec<Answer>) -> (Self, Slack) {
        let server = Self { answers: Arc::new(Mutex::new(answers.into())), ..Self::default() };
        let router = Router::new().fallback(answer).with_state(server.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/api", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (server, Slack::new(&base, SecretString::from(TOKEN)).unwrap())
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

async fn answer(State(server): State<Server>, headers: HeaderMap, request: Request) -> Response {
    let path = request.uri().to_string();
    let token = headers["authorization"].to_str().unwrap().to_owned();
    let body: Bytes = axum::body::to_bytes(request.into_body(), 1 << 20).await.unwrap();
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    server.seen.lock().unwrap().push((path, token, body));
    let (status, wait, document) = server.answers.lock().unwrap().pop_front().unwrap_or((500, None, json!("no more")));
    let mut response = (StatusCode::from_u16(status).unwrap(), document.to_string()).into_response();
    if let Some(seconds) = wait {
        response.headers_mut().insert("retry-after", seconds.parse().unwrap());
    }
    response
}

fn post(thread: Option<ChatPlace>) -> ChatPost {
    let blocks = vec![Block::Header("Daily unblock".into()), Block::Section("a &lt;b&gt;".into())];
    ChatPost { key: "unblock/2026-01-06/thread".into(), target: ChatTarget::Channel(id("unblock")), thread, blocks }
}

fn place() -> ChatPlace {
    ChatPlace { channel: "C012AB3CD".into(), post: "1503435956.000247".into() }
}

fn posted() -> Value {
    json!({"ok": true, "channel": "C012AB3CD", "ts": "1503435956.000247", "message": {"text": "x"}})
}

#[tokio::test]
async fn a_post_has_blocks_its_thread_and_its_key_and_answers_where_it_stands() {
    let (server, slack) = Server::start(vec![(200, None, posted()), (200, None, posted())]).await;
    assert_eq!(slack.post(&post(None)).await.unwrap(), place());
    slack.post(&post(Some(place()))).await.unwrap();
    let seen = server.seen();
    assert_eq!((seen[0].0.as_str(), seen[0].1.as_str()), ("/api/chat.postMessage", "Bearer xoxb-canary"));
    assert_eq!(seen[0].2["channel"], "unblock");
    assert_eq!(seen[0].2["blocks"][1], json!({"type": "section", "text": {"type": "mrkdwn", "text": "a &lt;b&gt;"}}));
    assert_eq!(seen[0].2["metadata"]["event_payload"]["key"], "unblock/2026-01-06/thread");
    assert_eq!((&seen[1].2["channel"], &seen[1].2["thread_ts"]), (&json!("C012AB3CD"), &json!("1503435956.000247")));
    assert!(!format!("{slack:?}").contains("canary"));
}

#[tokio::test]
async fn a_short_wait_is_waited_and_a_long_one_comes_back() {
    let limited = |seconds| (429, seconds, json!({"ok": false, "error": "ratelimited"}));
    let (server, slack) = Server::start(vec![limited(Some("1")), (200, None, posted())]).await;
    assert_eq!(slack.post(&post(None)).await.unwrap(), place());
    assert_eq!(server.seen().len(), 2);
    for answers in [vec![limited(Some("60"))], vec![limited(None)], vec![limited(Some("0")), limited(Some("0"))]] {
        let (_server, slack) = Server::start(answers).await;
        assert!(slack.post(&post(None)).await.unwrap_err().is_retry());
    }
}

#[tokio::test]
async fn each_refusal_says_what_to_do() {
    let error = |word: &str| (200, None, json!({"ok": false, "error": word}));
    let mut page = String::new();
    for answer in [
        error("not_in_channel"),
        error("invalid_auth"),
        error("missing_scope"),
        error("internal_error"),
        error("<!channel>\n"),
        (503, None, json!("busy")),
        (200, None, json!("no object")),
        (200, None, json!({"ok": true})),
    ] {
        let (_server, slack) = Server::start(vec![answer]).await;
        let fault = slack.post(&post(None)).await.unwrap_err();
        let kind = match fault {
            Fault::Retry { .. } => "retry",
            Fault::Reject { .. } => "reject",
            Fault::Bug { .. } => "bug",
        };
        assert!(!fault.chain().contains("canary"));
        page.push_str(&format!("{kind}: {fault}\n"));
    }
    insta::assert_snapshot!(page, @r#"
    bug: posting to unblock in Slack: Slack answered "not_in_channel": make the channel, or invite the bot into it
    bug: posting to unblock in Slack: Slack answered "invalid_auth"
    bug: posting to unblock in Slack: the token's scopes do not allow it ("missing_scope")
    retry: posting to unblock in Slack: Slack answered "internal_error": try again later
    bug: posting to unblock in Slack: Slack answered "<!channel>\n"
    retry: posting to unblock in Slack: Slack answered 503: try again later
    retry: posting to unblock in Slack: Slack's answer cannot be read: try again later
    bug: posting to unblock in Slack: Slack's answer does not say where the post stands
    "#);
    for bad in ["http://slack.com/api", "ftp://x", "slack"] {
        assert!(Slack::new(bad, SecretString::from(TOKEN)).is_err(), "{bad}");
    }
}

#[tokio::test]
async fn a_post_is_found_by_its_key_and_a_thread_says_who_answered_page_by_page() {
    let metadata = |key: &str| json!({"event_type": "penstock_post", "event_payload": {"key": key}});
    let message = |ts: &str, user: &str, key: &str| json!({"ts": ts, "user": user, "metadata": metadata(key)});
    let first = json!({"ok": true, "messages": [message("1.0", "U0BOT1", "other")], "response_metadata": {"next_cursor": "a=b&c"}});
    let second = json!({"ok": true, "messages": [message("2.0", "U0BOT1", "k"), {"ts": "3.0"}]});
    let (server, slack) = Server::start(vec![(200, None, first), (200, None, second)]).await;
    let since = Timestamp::from_second(1_503_435_000).unwrap();
    let found = slack.find("C012AB3CD", None, "k", since).await.unwrap();
    assert_eq!(found, Some(ChatPlace { channel: "C012AB3CD".into(), post: "2.0".into() }));
    let seen = server.seen();
    assert!(seen[0].0.starts_with("/api/conversations.history?channel=C012AB3CD&oldest=1503435000&"), "{}", seen[0].0);
    assert!(seen[1].0.ends_with("cursor=a%3Db%26c"), "{}", seen[1].0);

    let thread = json!({"ok": true, "messages": [
        {"ts": "1503435956.000247", "user": "U0BOT1"}, {"ts": "4.0", "user": "U0000ADA"}, {"ts": "5.0", "user": "U0000ADA"}, {"ts": "6.0"},
    ]});
    let (server, slack) = Server::start(vec![(200, None, thread)]).await;
    assert_eq!(slack.repliers(&place()).await.unwrap(), [id("U0000ADA")].into());
    assert!(server.seen()[0].0.starts_with("/api/conversations.replies?channel=C012AB3CD&ts=1503435956.000247"));

    let (_server, slack) = Server::start(vec![(200, None, json!({"ok": false, "error": "missing_scope"}))]).await;
    assert!(matches!(slack.repliers(&place()).await, Err(Fault::Reject { .. })));
}
