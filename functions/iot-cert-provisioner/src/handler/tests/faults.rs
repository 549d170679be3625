//! The fault matrix: every call of a port fails once, before it had an effect or after; then three retries, then the sweep. The end is
//! always the same: one active certificate, one secret whose key is its key, and nothing else. And at no moment, once there was a
//! certificate, is the one in use not active.

use super::*;

const LATER: SignedDuration = SignedDuration::from_mins(6);

/// Runs an action against a world in which the k-th call fails, for every k; `check` looks at what is left.
async fn at_every_call(prepare: bool, action: Action, csr: Option<&str>, check: impl Fn(&World, &str)) {
    let fresh = async || {
        let world = world().await;
        if prepare {
            ensure(&world).await;
        }
        world.drain();
        world.heal();
        world
    };
    let csr = || csr.map(str::to_owned);
    let world = fresh().await;
    act(&world, action, "request", csr()).await.unwrap();
    let calls = world.calls();
    assert!(calls.len() > 10, "{calls:?}");
    for (number, call) in calls.iter().enumerate() {
        for when in [When::Before, When::After] {
            let context = format!("{} {when:?} call {number} ({})", action.as_str(), call.name);
            let world = fresh().await;
            world.fail_call(number, when);
            let _ = act(&world, action, "request", csr()).await;
            world.heal();
            let never_without = |world: &World| {
                if prepare && action == Action::Rotate {
                    assert_in_use_is_active(world, &context);
                }
            };
            never_without(&world);
            for _ in 0..3 {
                world.pass(LATER);
                let retried = act(&world, action, "request", csr()).await;
                retried.unwrap_or_else(|fault| panic!("{context}: {}", fault.chain()));
                never_without(&world);
            }
            if action == Action::Rotate {
                // The one before and the one that was asked for, however often it was asked.
                assert_eq!(world.broker_certificates(&broker()).len(), 2, "{context}");
            }
            // The overlap, and the time after which a key's certificate is no longer looked for.
            world.pass(SignedDuration::from_hours(24) + ORPHAN_AFTER);
            function(&world).sweep().await.unwrap_or_else(|fault| panic!("{context}: {}", fault.chain()));
            never_without(&world);
            check(&world, &context);
            assert_no_key_is_told(&world, &context).await;
        }
    }
}

fn assert_in_use_is_active(world: &World, context: &str) {
    let in_use = in_use(world).unwrap_or_else(|| panic!("{context}: nothing is in use"));
    assert_eq!(world.broker_certificates(&broker())[&in_use].0.status, Status::Active, "{context}");
}

/// No part of a key is in an event, an audit entry or a record.
async fn assert_no_key_is_told(world: &World, context: &str) {
    let mut told: Vec<String> = world.outbox().iter().map(|row| row.detail.clone()).collect();
    for subject in world.subjects() {
        told.push(format!("{:?}", world.chain(&subject).await.unwrap()));
    }
    told.push(format!("{:?}", world.certificates().await.unwrap()));
    let text = world.secret_in_use(&home(), SECRET).unwrap_or_default();
    let key: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let body = key["privateKey"].as_str().and_then(|key| key.lines().nth(1)).unwrap_or("PRIVATE KEY");
    for line in told {
        assert!(!line.contains("PRIVATE KEY") && !line.contains(body), "{context}: {line}");
    }
}

#[tokio::test]
async fn ensure_ends_the_same_wherever_it_breaks() {
    at_every_call(false, Action::Ensure, None, assert_stands).await;
}

#[tokio::test]
async fn ensure_with_a_key_of_the_caller_ends_the_same_wherever_it_breaks() {
    let csr = common::keys::mint(THING).unwrap().request.pem;
    at_every_call(false, Action::Ensure, Some(&csr), assert_stands).await;
}

#[tokio::test]
async fn rotate_ends_the_same_wherever_it_breaks() {
    at_every_call(true, Action::Rotate, None, assert_stands).await;
}

#[tokio::test]
async fn revoke_ends_the_same_wherever_it_breaks() {
    at_every_call(true, Action::Revoke, None, |world, context| {
        for (id, (stands, _)) in world.broker_certificates(&broker()) {
            assert_eq!(stands.status, Status::Revoked, "{context}: {id}");
        }
    })
    .await;
}

#[tokio::test]
async fn delete_ends_the_same_wherever_it_breaks() {
    at_every_call(true, Action::Delete, None, |world, context| {
        assert!(world.broker_certificates(&broker()).is_empty(), "{context}");
        assert!(world.broker_names(&broker()).is_empty(), "{context}");
        assert_eq!(world.secret_in_use(&home(), SECRET), None, "{context}");
    })
    .await;
}

#[tokio::test]
async fn a_call_that_comes_while_another_works_waits_for_it() {
    let world = world().await;
    world.fail("Iot.CreateCertificateFromCsr", "", "timeout", true, 1);
    assert!(act(&world, Action::Ensure, "first", None).await.unwrap_err().is_retry());
    let freed = world.certificate(&id(MC01)).await.unwrap().unwrap();
    assert_eq!((freed.claimed_until, freed.attempts.len()), (None, 1), "a call that failed frees its claim");
    // One that died does not.
    let mut claimed = freed.clone();
    claimed.claimed_until = Some(world.now() + CLAIM);
    claimed.version += 1;
    let work = Work {
        cluster: id(MC01),
        action: Action::Ensure,
        request: id("first"),
        csr: None,
        certificate: None,
        cause: id("c"),
    };
    world.commit_certificate(&telling::intent(&work, Some(freed), &claimed, &[], world.now())).await.unwrap();
    let fault = act(&world, Action::Ensure, "second", None).await.unwrap_err();
    assert!(fault.is_retry(), "{fault}");
    world.pass(CLAIM);
    ensure(&world).await;
    assert_stands(&world, "after the claim");
}
