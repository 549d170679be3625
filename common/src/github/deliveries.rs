//! The App's own webhooks: GitHub's list of its attempts, and asking for one again. No repository is asked, so the App signs in itself.
//!
//! <https://docs.github.com/en/rest/apps/webhooks>

use http::{HeaderMap, header::LINK};
use octocrab::{Octocrab, map_github_error};

use crate::{
    domain::{
        id::{DeliveryId, quoted},
        sweep::Attempt,
    },
    fault::Fault,
    ports::{Attempts, Cursor, Deliveries},
};

use super::{
    GitHub, REQUEST_TIMEOUT,
    error::{Failure, failure},
    wire,
};

/// How many attempts a page has: GitHub's most.
const PAGE: usize = 100;

impl Deliveries for GitHub {
    async fn attempts(&self, from: Option<&Cursor>) -> Result<Attempts, Fault> {
        let what = "listing the webhook deliveries of the App";
        let mut route = format!("/app/hook/deliveries?per_page={PAGE}");
        if let Some(cursor) = from {
            route.push_str(&format!("&cursor={cursor}"));
        }
        let (headers, text) = in_time(what, fetch(&self.app, what, &route)).await?;
        // As everywhere: a cut answer may pass, another form will not. The parser's own words may quote the answer.
        let listed: Vec<serde_json::Value> = serde_json::from_str(&text).map_err(|error| match error.is_data() {
            true => Fault::bug(format!("{what}: GitHub's answer is no list")),
            false => Fault::retry(format!("{what}: GitHub's answer is not whole JSON")),
        })?;
        let next = next_cursor(&headers).map(|cursor| cursor.parse()).transpose()?;
        Ok(Attempts { attempts: listed.into_iter().filter_map(attempt).collect(), next })
    }

    async fn redeliver(&self, attempt: u64) -> Result<(), Fault> {
        let what = format!("asking GitHub to send its delivery {attempt} again");
        let route = format!("/app/hook/deliveries/{attempt}/attempts");
        match in_time(&what, ask(&self.app, &what, &route)).await {
            Ok(()) => Ok(()),
            // What GitHub does not have or does not send any more keeps nothing else from being sent.
            Err(Failure::NotFound(fault) | Failure::Invalid(fault)) => Err(Fault::reject(fault.to_string())),
            Err(failure) => Err(failure.into()),
        }
    }
}

/// octocrab's typed calls drop the headers, and the next page's cursor stands only there.
async fn fetch(app: &Octocrab, what: &str, route: &str) -> Result<(HeaderMap, String), Failure> {
    let answer = app._get(route).await.map_err(|error| failure(what, error))?;
    let answer = map_github_error(answer).await.map_err(|error| failure(what, error))?;
    let headers = answer.headers().clone();
    let text = app.body_to_string(answer).await.map_err(|error| failure(what, error))?;
    Ok((headers, text))
}

/// The answer is 202 with nothing of use in it.
async fn ask(app: &Octocrab, what: &str, route: &str) -> Result<(), Failure> {
    let answer = app._post(route, None::<&()>).await.map_err(|error| failure(what, error))?;
    map_github_error(answer).await.map(drop).map_err(|error| failure(what, error))
}

async fn in_time<T>(what: &str, answer: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::time::timeout(REQUEST_TIMEOUT, answer).await.unwrap_or_else(|_| {
        Err(Fault::retry(format!("{what}: GitHub did not answer within {} s", REQUEST_TIMEOUT.as_secs())).into())
    })
}

/// One entry; one that cannot be read is logged, and hides no other.
fn attempt(entry: serde_json::Value) -> Option<Attempt> {
    let shown = quoted(&entry.get("id").map(ToString::to_string).unwrap_or_default(), 40);
    let Ok(found) = serde_json::from_value::<wire::HookDelivery>(entry) else {
        tracing::warn!(delivery = shown, "an entry of GitHub's list of deliveries has an unexpected form");
        return None;
    };
    match found.guid.parse::<DeliveryId>() {
        // GitHub writes 0 where there was no answer.
        Ok(guid) => {
            let answered = found.status_code.filter(|status| *status != 0);
            Some(Attempt { id: found.id, guid, at: found.delivered_at, answered })
        }
        Err(error) => {
            tracing::warn!(delivery = shown, "an entry of GitHub's list of deliveries: {error}");
            None
        }
    }
}

/// The cursor in `<https://…?cursor=v1_1&per_page=100>; rel="next"`. Of the address nothing else is used.
fn next_cursor(headers: &HeaderMap) -> Option<&str> {
    let links = headers.get(LINK)?.to_str().ok()?;
    let next = links.split(',').find(|link| link.split(';').skip(1).any(|part| part.trim() == r#"rel="next""#))?;
    let address = next.trim().strip_prefix('<')?.split_once('>')?.0;
    address.split_once('?')?.1.split('&').find_map(|pair| pair.strip_prefix("cursor="))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_link_is_a_panic_and_no_cursor_leaves_its_place(link in prop::collection::vec(32..=255_u8, 0..200), inner in "[^\\x00-\\x1f\\x7f]{0,40}") {
            for bytes in [link, format!("<https://h/p?cursor={inner}>; rel=\"next\"").into_bytes()] {
                let Ok(value) = HeaderValue::from_bytes(&bytes) else { continue };
                let headers = HeaderMap::from_iter([(LINK, value)]);
                if let Some(Ok(cursor)) = next_cursor(&headers).map(str::parse::<Cursor>) {
                    prop_assert!(!cursor.to_string().contains(['&', '#', '?', '/', '%', ' ']));
                }
            }
        }
    }

    fn cursor(link: &str) -> Option<String> {
        next_cursor(&HeaderMap::from_iter([(LINK, link.parse().unwrap())])).map(str::to_owned)
    }

    #[test]
    fn of_the_link_only_the_cursor_of_the_next_page_is_read() {
        let next = r#"<https://api.github.com/app/hook/deliveries?per_page=100&cursor=v1_12077215967>; rel="next""#;
        let prev = r#"<https://api.github.com/app/hook/deliveries?cursor=v1_9>; rel="prev""#;
        assert_eq!(cursor(next).unwrap(), "v1_12077215967");
        assert_eq!(cursor(&format!("{prev}, {next}")).unwrap(), "v1_12077215967");
        for none in [
            prev,
            "",
            "x",
            r#"<https://h/p>; rel="next""#,
            r#"<https://h/p?page=2>; rel="next""#,
            r#"?cursor=1; rel="next""#,
        ] {
            assert_eq!(cursor(none), None, "{none}");
        }
        assert_eq!(next_cursor(&HeaderMap::new()), None);
    }

    #[test]
    fn no_answer_is_told_from_an_answer_and_an_entry_of_another_form_is_left_out() {
        let entry = |status: serde_json::Value, guid: &str| {
            attempt(serde_json::json!({
                "id": 7, "guid": guid, "delivered_at": "2026-01-05T09:00:00Z", "redelivery": false, "status": "x",
                "status_code": status, "event": "push"
            }))
        };
        let answered = |status| entry(status, "0b989ba4-242f-11e5-81e1-c7b6966d2516").map(|attempt| attempt.answered);
        assert_eq!(answered(502.into()), Some(Some(502)));
        assert_eq!(answered(0.into()), Some(None));
        assert_eq!(answered(serde_json::Value::Null), Some(None));
        assert_eq!(answered("OK".into()), None);
        assert_eq!(entry(202.into(), "no guid"), None);
    }
}
