//! What API Gateway hands over, in each of its forms (threats 3, 4, 14), and the two routes.

use common::http::Request;
use serde_json::{Value, json};

use super::{
    bodies,
    support::{Rig, SECRET, delivered, sign},
};
use crate::handler::MAX_BODY;

/// Payload 2.0 with headers as given and a text body.
fn v2(headers: Value, body: &str) -> Value {
    json!({
        "version": "2.0", "rawPath": "/webhooks/github", "headers": headers, "body": body, "isBase64Encoded": false,
        "requestContext": {"stage": "$default", "http": {"method": "POST", "path": "/webhooks/github"}},
    })
}

/// Payload 1.0: each header once with its last value and once with all.
fn v1(single: Value, multi: Value, body: &str) -> Value {
    json!({
        "version": "1.0", "path": "/webhooks/github", "httpMethod": "POST", "headers": single, "multiValueHeaders": multi,
        "body": body, "isBase64Encoded": false, "requestContext": {"stage": "prod", "httpMethod": "POST"},
    })
}

#[tokio::test]
async fn the_signature_header_is_found_in_every_form_and_refused_when_it_is_not_the_only_one() {
    let body = bodies::issues("opened").to_string();
    let good = sign(SECRET, body.as_bytes());
    let other = sign("another secret, also long", body.as_bytes());
    let joined = format!("{good},{good}");
    let mut cases: Vec<(&str, Value, u16)> = Vec::new();
    let with = |name: &str, value: Value| {
        let mut headers = json!({"X-GitHub-Event": "issues", "x-github-delivery": "d-1"});
        headers[name] = value;
        headers
    };
    for name in ["x-hub-signature-256", "X-Hub-Signature-256", "X-HUB-SIGNATURE-256", "x-Hub-signature-256"] {
        cases.push((name, v2(with(name, json!(good)), &body), 202));
        cases.push((name, v1(with(name, json!(good)), json!(null), &body), 202));
        let multi = json!({"x-github-event": ["issues"], "X-GitHub-Delivery": ["d-1"], name: [good]});
        cases.push((name, v1(json!(null), multi.clone(), &body), 202));
        cases.push((name, v1(with(name, json!(good)), multi, &body), 202));
        cases.push((name, v2(with(name, json!(joined)), &body), 401));
        cases.push((name, v1(with(name, json!(good)), json!({name: [good, good]}), &body), 401));
        cases.push((name, v1(with(name, json!(good)), json!({name: [other, good]}), &body), 401));
        cases.push((name, v1(with(name, json!(good)), json!({name: [joined]}), &body), 401));
    }
    let mut two_cases = with("x-hub-signature-256", json!(good));
    two_cases["X-Hub-Signature-256"] = json!(good);
    cases.push(("two cases", v2(two_cases, &body), 401));
    for value in [
        good.to_uppercase(),
        good.replace("sha256=", "SHA256="),
        good.replace("sha256=", "sha1="),
        good.replace("sha256=", ""),
        good.replace('=', ":"),
        format!(" {good}"),
        format!("{good} "),
        format!("{good}\n"),
        format!("{good}0"),
        good[..good.len() - 1].to_owned(),
        format!("{good};"),
        format!("sha256=sha256={}", &good[7..]),
        format!("sha256=0x{}", &good[9..]),
        "sha256=".to_owned(),
        String::new(),
        format!("sha256={}", "é".repeat(32)),
    ] {
        cases.push(("malformed", v2(with("x-hub-signature-256", json!(value)), &body), 401));
    }
    cases.push(("null", v2(with("x-hub-signature-256", json!(null)), &body), 401));
    cases.push(("an empty list", v1(json!(null), json!({"x-hub-signature-256": []}), &body), 401));
    assert!(cases.len() >= 40, "{}", cases.len());
    for (name, request, expected) in cases {
        let (status, answer) = Rig::new().raw(request.clone()).await;
        assert_eq!(status, expected, "{name}: {answer} for {request}");
    }
}

/// JSON may name one header twice with the very same letters; a map would keep the last one in silence.
#[tokio::test]
async fn the_same_header_name_twice_in_the_json_is_two_values() {
    let body = bodies::issues("opened").to_string();
    let good = sign(SECRET, body.as_bytes());
    let text = v2(json!({"x-github-event": "issues", "x-github-delivery": "d-1", "HERE": good}), &body)
        .to_string()
        .replace("\"HERE\"", &format!("\"x-hub-signature-256\":\"{good}\",\"x-hub-signature-256\""));
    let request: Request = serde_json::from_str(&text).unwrap();
    assert_eq!(Rig::new().request(&request).await.0, 401);
}

#[tokio::test]
async fn event_and_delivery_headers_are_needed_once_each() {
    let body = bodies::issues("opened").to_string();
    let good = sign(SECRET, body.as_bytes());
    for (event, delivery, expected) in [
        (json!("issues"), json!("d-1"), 202),
        (json!("issues"), json!("72d3162e-cc78-11e3-81ab-4c9367dc0958"), 202),
        (json!(null), json!("d-1"), 400),
        (json!("issues"), json!(null), 400),
        (json!("Issues"), json!("d-1"), 400),
        (json!("issues,push"), json!("d-1"), 400),
        (json!(["issues", "push"]), json!("d-1"), 400),
        (json!(""), json!("d-1"), 400),
        (json!("a".repeat(65)), json!("d-1"), 400),
        (json!("issues"), json!("d 1"), 400),
        (json!("issues"), json!("d-1#x"), 400),
        (json!("issues"), json!(""), 400),
        (json!("issues"), json!("d".repeat(129)), 400),
    ] {
        let headers = json!({"x-github-event": event, "x-github-delivery": delivery, "x-hub-signature-256": good});
        let rig = Rig::new();
        let (status, answer) = rig.raw(v2(headers.clone(), &body)).await;
        assert_eq!(status, expected, "{headers}: {answer}");
        assert_eq!(rig.writes(), usize::from(expected == 202));
    }
}

#[tokio::test]
async fn the_signature_is_over_the_raw_bytes() {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let mut body = bodies::issues("opened");
    body["issue"]["title"] = json!("Grüße, 水, 🚰");
    let pretty = serde_json::to_string_pretty(&body).unwrap();
    // The same value in other bytes each: only what was sent counts.
    for text in
        [body.to_string(), pretty.clone(), pretty.replace('\n', "\r\n"), format!("{body} \n"), format!("\t{body}")]
    {
        let headers = json!({
            "x-github-event": "issues", "x-github-delivery": "d-1", "x-hub-signature-256": sign(SECRET, text.as_bytes()),
        });
        let plain = v2(headers.clone(), &text);
        let mut encoded = v2(headers.clone(), &STANDARD.encode(&text));
        encoded["isBase64Encoded"] = json!(true);
        assert_eq!(Rig::new().raw(plain.clone()).await.0, 202);
        assert_eq!(Rig::new().raw(encoded.clone()).await.0, 202);
        // The wrong flag: base64 taken as the body does not match; text taken as base64 does not decode.
        encoded["isBase64Encoded"] = json!(false);
        assert_eq!(Rig::new().raw(encoded).await.0, 401);
        let mut plain = plain;
        plain["isBase64Encoded"] = json!(true);
        assert_eq!(Rig::new().raw(plain).await.0, 400);
        // Another spelling of the same value.
        assert_eq!(Rig::new().raw(v2(headers, &format!("{text} "))).await.0, 401);
    }
    for broken in ["a", "a===", "YQ", "Y Q==", "YQ==\n", "YR=="] {
        let mut request = v2(json!({"x-hub-signature-256": sign(SECRET, b"a")}), broken);
        request["isBase64Encoded"] = json!(true);
        assert_eq!(Rig::new().raw(request).await.0, 400, "{broken}");
    }
}

#[tokio::test]
async fn the_size_limit_is_on_the_raw_body_and_exact() {
    let body = bodies::issues("opened").to_string();
    let mut padded = body.clone() + &" ".repeat(MAX_BODY - 1 - body.len());
    for expected in [202, 202, 413] {
        let signature = sign(SECRET, padded.as_bytes());
        let headers = json!({"x-github-event": "issues", "x-github-delivery": "d-1", "x-hub-signature-256": signature});
        assert_eq!(Rig::new().raw(v2(headers, &padded)).await.0, expected, "{} bytes as text", padded.len());
        let encoded = delivered("issues", "d-1", padded.as_bytes(), &signature);
        assert_eq!(Rig::new().raw(encoded).await.0, expected, "{} bytes as base64", padded.len());
        padded.push(' ');
    }
    // Far above: refused before it is decoded or verified, and without a read of the secret.
    let rig = Rig::new();
    let mut request = v2(json!({"x-hub-signature-256": sign(SECRET, b"")}), &"!".repeat(6 * 1024 * 1024));
    request["isBase64Encoded"] = json!(true);
    assert_eq!(rig.raw(request).await.0, 413);
    assert_eq!(rig.vault.reads(), 0);
}

#[tokio::test]
async fn routes_and_methods() {
    let rig = Rig::new();
    let ask = |method: &str, path: &str, stage: &str| json!({"version": "2.0", "rawPath": path, "requestContext": {"stage": stage, "http": {"method": method, "path": path}}});
    for (method, path, stage, expected) in [
        ("GET", "/health", "$default", 200),
        ("GET", "/prod/health", "prod", 200),
        ("GET", "/prod/health", "$default", 404),
        ("GET", "/prodhealth", "prod", 404),
        ("HEAD", "/health", "$default", 405),
        ("POST", "/health", "$default", 405),
        ("GET", "/webhooks/github", "$default", 405),
        ("get", "/webhooks/github", "$default", 405),
        ("POST", "/webhooks/github", "$default", 401),
        ("POST", "/webhooks/github/", "$default", 404),
        ("POST", "/webhooks/%67ithub", "$default", 404),
        ("POST", "/", "$default", 404),
        ("", "", "", 404),
    ] {
        assert_eq!(rig.raw(ask(method, path, stage)).await.0, expected, "{method} {path}");
    }
    assert_eq!(rig.raw(json!({})).await.0, 404);
    let (_, health) = rig.raw(ask("GET", "/health", "$default")).await;
    assert_eq!(health["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(health["governance_digest"], rig.webhook.governance.as_str());
    // A probe must not depend on anything that can fail, nor cost anything.
    assert_eq!((rig.vault.reads(), rig.world.calls().len()), (0, 0));
}
