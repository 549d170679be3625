//! The App's own webhooks: GitHub's list over pages, and asking for one again.

use axum::http::Method;
use common::{fault::Fault, ports::Deliveries as _};
use serde_json::{Value, json};

use super::host::{APP, Host};

/// Sends webhooks to nobody from now on; the answer is the hook as it was.
async fn goes_down(host: &Host) -> Value {
    let (_, hook) = host.person(Method::GET, "/_forge/webhook", Value::Null).await;
    let down = json!({"url": "http://127.0.0.1:1/", "secret": "It's a Secret to Everybody"});
    host.person(Method::PUT, "/_forge/webhook", down).await;
    hook
}

async fn comes_back(host: &Host, hook: &Value) {
    let up = json!({"url": hook["url"], "secret": "It's a Secret to Everybody"});
    host.person(Method::PUT, "/_forge/webhook", up).await;
}

async fn push(host: &Host, text: &str) {
    host.commit(&[("a", text)], "change").await;
    host.git("push --quiet origin main").await;
}

#[tokio::test]
async fn what_failed_is_listed_and_sent_again_under_the_same_guid() {
    let (mut host, _) = Host::with_main(&[("a", "1\n")]).await;
    let hook = goes_down(&host).await;
    push(&host, "2\n").await;
    comes_back(&host, &hook).await;
    push(&host, "3\n").await;
    host.next("push").await;
    let listed = host.github.attempts(None).await.unwrap();
    assert_eq!(listed.next, None);
    let answered: Vec<Option<u16>> = listed.attempts.iter().map(|attempt| attempt.answered).collect();
    assert!(matches!(answered[..], [.., None, Some(202)]), "the newest first: {answered:?}");
    let failed = listed.attempts.iter().find(|attempt| !attempt.succeeded()).unwrap();

    host.github.redeliver(failed.id).await.unwrap();
    let again = host.next("push").await;
    assert_eq!(again.guid, failed.guid.as_str());
    let requests = host.requests().await;
    assert!(requests.contains(&format!("POST /app/hook/deliveries/{}/attempts 202", failed.id)), "{requests:?}");
    let (_, tokens) = host.person(Method::GET, "/_forge/token-requests", Value::Null).await;
    assert_eq!(tokens, json!([]), "the App signs in itself: no token was asked for");
    let gone = host.github.redeliver(1).await.unwrap_err();
    assert!(matches!(gone, Fault::Reject { .. }), "{gone:?}");
}

#[tokio::test]
async fn a_long_list_is_read_page_by_page_and_nothing_is_read_twice_or_left_out() {
    let host = Host::start().await;
    goes_down(&host).await;
    push(&host, "1\n").await;
    let (_, list) = host.person(Method::GET, "/_forge/deliveries", Value::Null).await;
    for _ in 0..204 {
        host.person(Method::POST, &format!("/_forge/redeliver/{}", list[0]["id"]), Value::Null).await;
    }
    // They are sent one after the other, and listed once they were.
    let all = tokio::time::timeout(std::time::Duration::from_secs(60), async {
        loop {
            let (mut ids, mut pages, mut cursor) = (Vec::new(), 0, None);
            loop {
                let page = host.github.attempts(cursor.as_ref()).await.unwrap();
                ids.extend(page.attempts.iter().map(|attempt| attempt.id));
                pages += 1;
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
            if ids.len() >= 205 {
                return (ids, pages);
            }
        }
    });
    let (ids, pages) = all.await.unwrap();
    assert_eq!((ids.len(), pages), (205, 3));
    assert!(ids.is_sorted_by(|one, other| one > other), "the newest first, each once");
}

#[tokio::test]
async fn nobody_but_the_app_may_ask() {
    let host = Host::start().await;
    let ask =
        async |token: &str| host.request(Method::GET, "/app/hook/deliveries", token, Value::Null).await.0.as_u16();
    assert_eq!(ask(&Host::app_jwt(APP, 540)).await, 200);
    assert_eq!(ask(&Host::app_jwt(APP + 1, 540)).await, 401);
    assert_eq!(ask(&host.token(json!({"contents": "read"})).await).await, 401);
}
