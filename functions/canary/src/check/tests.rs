use common::{domain::id::Digest, testing::id, webhook_secret::Keys};
use secrecy::SecretString;

use super::*;

const DELIVERY: &str = "canary-1";

fn expected() -> Expected {
    Expected { version: "0.1.0", governance: Digest::of(b"governance"), issuer: true }
}

fn healthy() -> String {
    let digest = Digest::of(b"governance");
    format!(r#"{{"status":"healthy","version":"0.1.0","governance_digest":"{}"}}"#, digest.as_str())
}

fn judged(check: Check, status: u16, body: &str, milliseconds: i64) -> Vec<String> {
    let answer = SiteAnswer { status, body: body.as_bytes().to_vec() };
    check.judge(&expected(), &id(DELIVERY), &Seen { answer, took: SignedDuration::from_millis(milliseconds) })
}

#[test]
fn what_is_as_it_should_be_is_no_finding() {
    let ignored = format!(r#"{{"status":"ignored","reason":"a ping","delivery":"{DELIVERY}"}}"#);
    for (check, status, body) in [
        (Check::Health, 200, healthy()),
        (Check::ItemsClosed, 401, r#"{"message":"Unauthorized"}"#.into()),
        (Check::ScopesClosed, 401, String::new()),
        (Check::Ping, 200, ignored),
        (Check::ForgedPing, 401, "{}".into()),
    ] {
        assert_eq!(judged(check, status, &body, 1_999), [""; 0], "{}", check.name());
    }
}

#[test]
fn each_finding_says_what_was_found_and_what_was_wanted() {
    let other = healthy().replace("0.1.0", "0.0.9").replace("healthy", "ill\\n");
    let mut page = String::new();
    for (check, status, body, took) in [
        (Check::Health, 500, "boom", 10),
        (Check::Health, 500, "boom", 2_000),
        (Check::Health, 200, healthy().as_str(), 2_001),
        (Check::Health, 200, "<html>", 10),
        (Check::Health, 200, r#"{"status":"healthy"}"#, 10),
        (Check::Health, 200, other.as_str(), 10),
        (Check::ItemsClosed, 200, r#"{"items":[]}"#, 10),
        (Check::ScopesClosed, 404, r#"{"message":"Not Found"}"#, 10),
        (Check::Ping, 202, r#"{"status":"accepted"}"#, 10),
        (Check::Ping, 200, r#"{"status":"ignored","delivery":"canary-0"}"#, 10),
        (Check::ForgedPing, 200, "{}", 10),
    ] {
        page.push_str(&format!("{}: {}\n", check.name(), judged(check, status, body, took).join("; ")));
    }
    insta::assert_snapshot!(page, @r#"
    health: answered 500, not 200: "boom"
    health: answered 500, not 200: "boom"; took 2000 ms, and must take less than 2000 ms
    health: took 2001 ms, and must take less than 2000 ms
    health: the body is not {status, version, governance_digest}: "<html>"
    health: the body is not {status, version, governance_digest}: "{\"status\":\"healthy\"}"
    health: status is "ill\n", not healthy; version is "0.0.9", not 0.1.0
    items-closed: answered 200, not 401: "{\"items\":[]}"
    scopes-closed: answered 404, not 401: "{\"message\":\"Not Found\"}"
    ping: answered 202, not 200: "{\"status\":\"accepted\"}"
    ping: the body does not say that the ping canary-1 was ignored: "{\"status\":\"ignored\",\"delivery\":\"canary-0\"}"
    forged-ping: answered 200, not 401: "{}"
    "#);
}

#[test]
fn without_an_issuer_the_routes_that_need_a_token_are_not_there() {
    let expected = Expected { issuer: false, ..expected() };
    for (status, findings) in [(404, 0), (401, 1), (200, 1)] {
        let seen = Seen { answer: SiteAnswer { status, body: Vec::new() }, took: SignedDuration::ZERO };
        for check in [Check::ItemsClosed, Check::ScopesClosed] {
            assert_eq!(check.judge(&expected, &id(DELIVERY), &seen).len(), findings, "{status}");
        }
    }
}

#[test]
fn only_the_signature_tells_the_forged_ping_from_the_other() {
    let keys = Keys::parse(&SecretString::from(r#"{"current":"It's a Secret to Everybody"}"#)).unwrap();
    let [ping, forged] =
        [Check::Ping, Check::ForgedPing].map(|check| check.request(&id(DELIVERY), Some(&keys.current)));
    assert_eq!((ping.method, ping.path), ("POST", "/webhooks/github"));
    let differ: Vec<&str> =
        ping.headers.iter().zip(&forged.headers).filter(|(one, other)| one != other).map(|(one, _)| one.0).collect();
    assert_eq!((differ, ping.body), (vec!["x-hub-signature-256"], forged.body));
    assert_eq!(ping.headers[2], ("x-github-delivery", DELIVERY.to_owned()));
}
