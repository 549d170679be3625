//! The secret: rotation to the second, at most one read a minute, never an unusable key (threats 6, 7).

use serde_json::json;

use super::{
    bodies,
    support::{Rig, SECRET, delivered, sign},
};

const NEXT: &str = "the next secret, long enough";

async fn status(rig: &Rig, secret: &str) -> u16 {
    let body = bodies::issues("labeled").to_string();
    rig.raw(delivered(
        "issues",
        &format!("d-{}", rig.world.outbox().len()),
        body.as_bytes(),
        &sign(secret, body.as_bytes()),
    ))
    .await
    .0
}

#[tokio::test]
async fn the_previous_secret_counts_strictly_before_its_end() {
    let rig = Rig::new();
    // The world starts at 09:00:00.
    rig.vault
        .set(json!({"current": NEXT, "previous": SECRET, "previous_expires_at": "2026-01-05T09:00:30Z"}).to_string());
    rig.pass(29);
    assert_eq!((status(&rig, SECRET).await, status(&rig, NEXT).await), (202, 200));
    rig.pass(1);
    assert_eq!((status(&rig, SECRET).await, status(&rig, NEXT).await), (401, 200));
    rig.pass(1);
    assert_eq!((status(&rig, SECRET).await, status(&rig, NEXT).await), (401, 200));
    assert_eq!(rig.vault.reads(), 1);
}

#[tokio::test]
async fn a_previous_secret_without_an_end_or_too_short_never_counts() {
    for previous in
        [json!({"previous": SECRET}), json!({"previous": "short", "previous_expires_at": "2030-01-01T00:00:00Z"})]
    {
        let rig = Rig::new();
        let mut document = json!({"current": NEXT});
        document.as_object_mut().unwrap().extend(previous.as_object().unwrap().clone());
        rig.vault.set(document.to_string());
        let old = previous["previous"].as_str().unwrap();
        assert_eq!((status(&rig, old).await, status(&rig, NEXT).await), (401, 202));
    }
}

#[tokio::test]
async fn a_new_secret_is_known_within_a_minute_and_a_withdrawn_one_forgotten() {
    let rig = Rig::new();
    assert_eq!(status(&rig, SECRET).await, 202);
    rig.vault.set(json!({"current": NEXT}).to_string());
    rig.pass(59);
    assert_eq!((status(&rig, NEXT).await, status(&rig, SECRET).await), (401, 200));
    rig.pass(1);
    assert_eq!((status(&rig, NEXT).await, status(&rig, SECRET).await), (200, 401));
    assert_eq!(rig.vault.reads(), 2);
}

#[tokio::test]
async fn a_flood_of_wrong_signatures_reads_the_secret_once_a_minute() {
    let rig = Rig::new();
    for _ in 0..1_000 {
        assert_eq!(status(&rig, NEXT).await, 401);
        rig.world.pass(jiff::SignedDuration::from_millis(59));
    }
    assert_eq!(rig.vault.reads(), 1);
    // The same when there is no usable secret at all.
    let rig = Rig::new();
    rig.vault.fail(false);
    for _ in 0..1_000 {
        assert_eq!(status(&rig, SECRET).await, 503);
        rig.world.pass(jiff::SignedDuration::from_millis(59));
    }
    assert_eq!(rig.vault.reads(), 1);
}

#[tokio::test]
async fn without_any_secret_a_read_that_failed_in_passing_is_made_again_within_a_second() {
    let rig = Rig::new();
    rig.vault.fail(true);
    assert_eq!((status(&rig, SECRET).await, status(&rig, SECRET).await), (503, 503));
    assert_eq!(rig.vault.reads(), 1);
    rig.pass(1);
    assert_eq!((status(&rig, SECRET).await, rig.vault.reads()), (503, 2));
    rig.vault.set(json!({"current": SECRET}).to_string());
    rig.pass(1);
    assert_eq!((status(&rig, SECRET).await, rig.vault.reads()), (202, 3));
    rig.pass(59);
    assert_eq!((status(&rig, SECRET).await, rig.vault.reads()), (200, 3));
}

#[tokio::test]
async fn an_unusable_secret_verifies_nothing_not_even_with_itself() {
    let short = r#"{"current": "8 bytes."}"#;
    for text in
        [r#"{"current": ""}"#, short, "", "null", "[]", SECRET, r#"{"previous": "long enough, but the only one"}"#]
    {
        let rig = Rig::new();
        rig.vault.set(text);
        assert_eq!(status(&rig, "").await, 503, "{text}");
        assert_eq!(status(&rig, "8 bytes.").await, 503, "{text}");
    }
    let rig = Rig::new();
    rig.vault.fail(false);
    assert_eq!(status(&rig, SECRET).await, 503);
}

#[tokio::test]
async fn the_last_good_secret_serves_through_an_outage_and_not_past_a_refusal() {
    let rig = Rig::new();
    assert_eq!(status(&rig, SECRET).await, 202);
    rig.vault.fail(true);
    for _ in 0..14 {
        rig.pass(60);
        assert_eq!(status(&rig, SECRET).await, 200);
    }
    rig.pass(60);
    assert_eq!(status(&rig, SECRET).await, 503);
    rig.vault.set(json!({"current": SECRET}).to_string());
    rig.pass(60);
    assert_eq!(status(&rig, SECRET).await, 200);
    rig.vault.fail(false);
    rig.pass(60);
    assert_eq!(status(&rig, SECRET).await, 503);
}
