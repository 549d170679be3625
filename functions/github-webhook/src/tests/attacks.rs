//! Forged, swapped, replayed and hostile requests (threats 1, 4, 5, 9, 10, 15, 17, 18, 19, 20).

use serde_json::{Value, json};

use super::{
    bodies,
    log::logged,
    support::{Rig, SECRET, delivered, sign},
};
use crate::payload::Name;

#[test]
fn githubs_own_vector() {
    let digest = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    assert_eq!(sign(SECRET, b"Hello, World!"), digest);
}

#[tokio::test]
async fn githubs_own_vector_passes_the_signature_and_fails_as_json() {
    let rig = Rig::new();
    let (status, answer) = rig.deliver("push", "d-1", b"Hello, World!").await;
    assert_eq!((status, answer["type"].as_str()), (400, Some("urn:penstock:problem:malformed-request")));
}

/// Not a sample: every single bit of the body, of the signature and of the secret.
#[tokio::test]
async fn any_flipped_bit_is_refused() {
    let mut body = bodies::push();
    body["head_commit"]["message"] = json!("a message of some length. ".repeat(64));
    let body = body.to_string().into_bytes();
    let signature = sign(SECRET, &body);
    let rig = Rig::new();
    let mut cases = 0;
    for bit in 0..body.len() * 8 {
        let mut forged = body.clone();
        forged[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(rig.raw(delivered("push", "d-1", &forged, &signature)).await.0, 401, "bit {bit} of the body");
        cases += 1;
    }
    let digest = hex::decode(&signature[7..]).unwrap();
    for bit in 0..digest.len() * 8 {
        let mut forged = digest.clone();
        forged[bit / 8] ^= 1 << (bit % 8);
        let forged = format!("sha256={}", hex::encode(forged));
        assert_eq!(rig.raw(delivered("push", "d-1", &body, &forged)).await.0, 401, "bit {bit} of the signature");
        cases += 1;
    }
    for bit in (0..SECRET.len() * 8).filter(|bit| bit % 8 < 7) {
        let mut other = SECRET.as_bytes().to_vec();
        other[bit / 8] ^= 1 << (bit % 8);
        let forged = sign(std::str::from_utf8(&other).unwrap(), &body);
        assert_eq!(rig.raw(delivered("push", "d-1", &body, &forged)).await.0, 401, "bit {bit} of the secret");
        cases += 1;
    }
    assert!(cases > 19_000, "{cases}");
    assert_eq!(rig.world.calls(), []);
    assert_eq!(rig.raw(delivered("push", "d-1", &body, &signature)).await.0, 202);
}

#[tokio::test]
async fn a_body_passes_only_under_its_own_name() {
    let all = bodies::all();
    assert_eq!(
        all.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
        Name::ALL.iter().map(|name| name.as_str()).collect::<Vec<_>>()
    );
    let mut own = 0;
    for (of, body) in &all {
        for (name, _) in &all {
            let rig = Rig::new();
            let (status, answer) = rig.send(name, body).await;
            if name == of {
                own += 1;
                assert!(matches!(status, 200 | 202), "{name}: {answer}");
            } else {
                assert_eq!(status, 422, "the body of {of} as {name}: {answer}");
                assert_eq!(rig.writes(), 0);
            }
        }
    }
    assert_eq!(own, 18);
}

/// Events that Penstock does not read have bodies too: none of them may pass as one that it reads.
#[tokio::test]
async fn bodies_of_other_events_pass_under_no_typed_name() {
    let context = |more: Value| {
        let mut body = json!({"repository": bodies::repository(), "sender": bodies::user(1, "octocat")});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let pull_request = bodies::pull_request("opened")["pull_request"].clone();
    let others = [
        ("star", context(json!({"action": "deleted", "starred_at": null}))),
        ("public", context(json!({}))),
        ("fork", context(json!({"forkee": {"id": 1}}))),
        ("member", context(json!({"action": "edited", "member": {"id": 1}, "changes": {}}))),
        ("label", context(json!({"action": "edited", "label": {"id": 1}, "changes": {}}))),
        (
            "pull_request_review_comment",
            context(json!({"action": "created", "comment": {"id": 1}, "pull_request": pull_request})),
        ),
        (
            "pull_request_review_thread",
            context(json!({"action": "resolved", "thread": {"id": 1}, "pull_request": pull_request})),
        ),
        (
            "workflow_job",
            context(
                json!({"action": "completed", "workflow_job": {"id": 1}, "deployment": {"id": 1, "sha": bodies::HEAD}}),
            ),
        ),
        (
            "deployment_review",
            context(
                json!({"action": "approved", "workflow_run": {"id": 1, "head_sha": bodies::HEAD}, "workflow_job_runs": []}),
            ),
        ),
        ("commit_comment", context(json!({"action": "created", "comment": {"id": 1}}))),
        ("discussion_comment", context(json!({"action": "created", "comment": {"id": 1}, "discussion": {"id": 1}}))),
        ("workflow_dispatch", context(json!({"ref": "refs/heads/main", "inputs": null, "workflow": "a.yml"}))),
        (
            "installation_target",
            json!({"action": "renamed", "account": {"id": 1}, "installation": {"id": 1}, "target_type": "User"}),
        ),
    ];
    for (own, body) in others {
        let rig = Rig::new();
        assert_eq!(rig.send(own, &body).await.0, 200, "{own}");
        for name in Name::ALL {
            let (status, answer) = rig.send(name.as_str(), &body).await;
            assert_eq!(status, 422, "the body of {own} as {}: {answer}", name.as_str());
        }
        assert_eq!(rig.writes(), 0);
    }
}

#[tokio::test]
async fn a_renaming_needs_what_it_renamed_from() {
    let rig = Rig::new();
    let mut body = bodies::renamed();
    body["changes"] = json!({"default_branch": {"from": "master"}});
    let (status, answer) = rig.send("repository", &body).await;
    assert_eq!((status, answer["status"].as_str()), (200, Some("ignored")));
}

#[tokio::test]
async fn unsigned_requests_reach_neither_secret_nor_table() {
    let rig = Rig::new();
    let body = bodies::push().to_string();
    for signature in ["", "sha256=", "sha1=00", "sha256=zz", &sign(SECRET, b"")[..70], &"a".repeat(100_000)] {
        assert_eq!(rig.raw(delivered("push", "d-1", body.as_bytes(), signature)).await.0, 401);
    }
    let mut sha1 = delivered("push", "d-1", body.as_bytes(), "");
    sha1["headers"] =
        json!({"x-github-event": "push", "x-hub-signature": "sha1=7d38cdd689735b008b3c702edd92eea23791c5f6"});
    let (status, answer) = rig.raw(sha1).await;
    assert_eq!(status, 401);
    assert!(answer["detail"].as_str().unwrap().contains("SHA-1"), "{answer}");
    assert_eq!((rig.vault.reads(), rig.world.calls().len()), (0, 0));
}

#[tokio::test]
async fn hostile_json_is_refused_with_its_place_and_never_a_crash() {
    let deep = |open: &str, shut: &str, levels: usize| open.repeat(levels) + &shut.repeat(levels);
    let in_repository = bodies::push().to_string().replacen(
        r#""full_name":"#,
        &format!(r#""more":{},"full_name":"#, deep("[", "]", 100_000)),
        1,
    );
    let in_commits = bodies::push().to_string().replacen(
        r#""commits":["#,
        &format!(r#""commits":[{},"#, deep("[", "]", 100_000)),
        1,
    );
    let twice = bodies::push().to_string().replacen('{', r#"{"ref":"refs/heads/other","#, 1);
    let twice_below = bodies::push().to_string().replacen(r#""repository":{"#, r#""repository":{"id":1,"#, 1);
    let many: String = (0..101).map(|number| format!(r#""k{number}":0,"#)).collect();
    let many = bodies::push().to_string().replacen('{', &format!("{{{many}"), 1);
    let rig = Rig::new();
    for (body, expected) in [
        (in_commits.as_bytes(), 422),
        (twice.as_bytes(), 422),
        (twice_below.as_bytes(), 422),
        (many.as_bytes(), 422),
        (b"[1,2,3]".as_slice(), 422),
        (b"\"push\"", 422),
        (b"1e999", 400),
        (b"null", 422),
        (b"", 400),
        (b"{\"ref\": \"a", 400),
        (b"{}x", 400),
        (b"{\"ref\":\"\xff\"}", 400),
        (b"\xef\xbb\xbf{}", 400),
        (deep("{\"a\":", "}", 50_000).as_bytes(), 400),
        (deep("[", "]", 1_000_000).as_bytes(), 422),
        (b"payload=%7B%7D", 400),
    ] {
        let (status, answer) = rig.deliver("push", "d-1", body).await;
        let start = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        assert_eq!(status, expected, "{start}: {answer}");
        let place = answer["detail"].as_str().unwrap().contains("line 1, column");
        assert_eq!(place, status == 400, "{answer}");
    }
    // What nobody reads may be as deep as it likes: it is skipped without recursion.
    assert_eq!(rig.deliver("push", "d-2", in_repository.as_bytes()).await.0, 202);
}

#[tokio::test]
async fn a_form_is_told_what_to_set() {
    let rig = Rig::new();
    let body = b"payload=%7B%7D";
    let mut request = delivered("push", "d-1", body, &sign(SECRET, body));
    request["headers"]["content-type"] = json!("application/x-www-form-urlencoded");
    let (status, answer) = rig.raw(request).await;
    assert_eq!(status, 400);
    assert!(answer["detail"].as_str().unwrap().contains("content type to application/json"), "{answer}");
}

#[tokio::test]
async fn foreign_addresses_are_never_carried() {
    let rig = Rig::new();
    for address in ["http://169.254.169.254/", "https://api.github.com@evil.example/", "file:///etc/passwd"] {
        let mut body = bodies::push();
        for field in ["url", "clone_url", "compare_url", "statuses_url"] {
            body["repository"][field] = json!(address);
        }
        body["compare"] = json!(address);
        assert_eq!(rig.send("push", &body).await.0, 202);
        for row in rig.world.outbox() {
            assert!(!row.detail.contains("//"), "{}", row.detail);
        }
    }
    for name in ["evil.example/../../x", "a/b/c", "a/b?x", "a/b#x", "..", "a/..", "a%2fb", "ä/b", "a/b\r\nHost: evil"]
    {
        let mut body = bodies::push();
        body["repository"]["full_name"] = json!(name);
        assert_eq!(rig.send("push", &body).await.0, 422, "{name}");
    }
}

#[test]
fn secrets_bodies_and_headers_never_reach_the_log() {
    let secret = "canary-secret-0123456789";
    let lines = logged(async {
        let rig = Rig::new();
        rig.vault.set(json!({"current": secret, "previous": "canary-previous-0123456789", "previous_expires_at": "2030-01-01T00:00:00Z"}).to_string());
        let mut body = bodies::pull_request("opened");
        body["pull_request"]["title"] = json!("canary-title");
        body["pull_request"]["head"]["ref"] = json!("canary-branch");
        body["canary-key"] = json!("canary-value");
        let body = body.to_string();
        let mut good = delivered("pull_request", "d-1", body.as_bytes(), &sign(secret, body.as_bytes()));
        good["headers"]["x-github-encoded-secret"] = json!("canary-header");
        good["headers"]["authorization"] = json!("canary-authorization");
        let request: common::http::Request = serde_json::from_value(good.clone()).unwrap();
        tracing::trace!(?request, keys = ?rig.webhook.keyring.keys(common::ports::Clock::now(&rig.world)).await, "as Debug");
        assert_eq!(rig.request(&request).await.0, 202);
        assert_eq!(rig.raw(good).await.0, 200);
        assert_eq!(rig.raw(delivered("push", "d-2", body.as_bytes(), &sign(secret, body.as_bytes()))).await.0, 422);
        assert_eq!(rig.raw(delivered("push", "d-3", b"canary", &sign(SECRET, b"canary"))).await.0, 401);
        assert_eq!(rig.raw(delivered("push", "d-4", b"canary", &sign(secret, b"canary"))).await.0, 400);
        rig.pass(61);
        rig.vault.set(r#"{"current": 5, "canary": "canary"}"#);
        assert_eq!(rig.raw(delivered("push", "d-5", b"canary", &sign(secret, b"canary"))).await.0, 503);
        rig.pass(61);
        rig.vault.set(r#""canary-is-not-an-object""#);
        assert_eq!(rig.raw(delivered("push", "d-6", b"canary", &sign(secret, b"canary"))).await.0, 503);
    });
    assert!(lines.len() >= 8, "{lines:#?}");
    for line in lines {
        assert!(!line.contains("canary"), "{line}");
    }
}

#[test]
fn a_log_line_is_one_line_whatever_is_sent() {
    let nasty = "x\r\n{\"level\":\"ERROR\"}\u{1b}[2J\u{2028}\u{202e}";
    let lines = logged(async {
        let rig = Rig::new();
        let body = bodies::push().to_string();
        let mut request = delivered(nasty, nasty, body.as_bytes(), &sign(SECRET, body.as_bytes()));
        assert_eq!(rig.raw(request.clone()).await.0, 400);
        request["rawPath"] = json!(format!("/{nasty}"));
        assert_eq!(rig.raw(request).await.0, 404);
        let mut body = bodies::push();
        body["ref"] = json!(format!("refs/heads/{nasty}"));
        body["sender"]["login"] = json!(nasty);
        assert_eq!(rig.send("push", &body).await.0, 200);
    });
    assert!(lines.len() >= 3, "{lines:#?}");
    for line in lines {
        let entry: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(entry["target"] == "metric" || entry["fields"]["message"].is_string(), "{line}");
        assert!(line.chars().all(|character| character.is_ascii() && !character.is_control()), "{line}");
    }
}
