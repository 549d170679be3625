//! A limit that a person sets: over the one that they were shown, and never without an entry in the audit trail.

use common::{
    domain::audit::{Draft, verify},
    ports::AuditTrail,
    testing::When,
};

use super::*;

const SUBJECT: &str = "scope:pod-stage:ratio:scaffold";

/// What the scope's audit chain says; it holds.
async fn chained(rig: &Rig) -> Vec<Draft> {
    let (entries, head) = rig.world.chain(SUBJECT).await.unwrap();
    verify(SUBJECT, &entries, &head).unwrap();
    entries.into_iter().map(|entry| entry.draft).collect()
}

fn limit(limit: u32, expected: u32, until: Option<&str>) -> String {
    let body = json!({"limit": limit, "expected_limit": expected, "reason": "an audit looks at this", "until": until});
    body.to_string()
}

#[tokio::test]
async fn a_limit_is_set_over_the_one_that_was_shown() {
    let rig = Rig::new();
    let (status, set) = rig.ask(ADMIN, "PUT", SCOPE, LIMIT).await;
    assert_eq!((status, &set["limit"], &set["overridden"]["by"]), (200, &json!(4), &json!("ada")), "{set}");
    assert_eq!(set["overridden"]["reason"], "two of us come back from leave");
    let (status, differs) = rig.ask(ADMIN, "PUT", SCOPE, LIMIT).await;
    assert_eq!((status, &differs["limit"]), (409, &json!(4)), "{differs}");
    assert_eq!(rig.ask(ADMIN, "PUT", "/v1/wip/scopes/stage:seed", LIMIT).await.0, 422);
    assert_eq!(rig.ask(ADMIN, "PUT", "/v1/wip/scopes/nothing", LIMIT).await.0, 422);
}

#[tokio::test]
async fn what_a_person_sets_is_in_the_audit_trail_and_nothing_else_is() {
    let rig = Rig::new();
    let until = rig.world.now() + SignedDuration::from_hours(1);
    assert_eq!(rig.lease(MEMBER, "p-1").await.0, 201);
    for (token, body, status) in [
        (MEMBER, limit(4, 3, None), 403),
        (ADMIN, limit(4, 9, None), 409),
        (ADMIN, limit(4, 3, Some("yesterday")), 422),
        (ADMIN, limit(4, 3, Some(&until.to_string())), 200),
        (ADMIN, limit(1, 4, None), 200),
    ] {
        assert_eq!(rig.ask(token, "PUT", SCOPE, &body).await.0, status, "{body}");
    }
    rig.world.pass(SignedDuration::from_hours(2));
    rig.limiter.sweep(&"sweep".parse().unwrap()).await.unwrap();
    let chain = chained(&rig).await;
    let facts = |at: usize| {
        let facts = chain[at].facts.iter().map(|(name, value)| format!("{name}: {value}"));
        (chain[at].action.as_str(), facts.collect::<Vec<_>>().join(", "), chain[at].reasons.join(" "))
    };
    let why = || "an audit looks at this".to_owned();
    assert_eq!(facts(0), ("limit.set", format!("by: ada, from: 3, to: 4, until: {until}"), why()));
    assert_eq!(facts(1), ("limit.set", "by: ada, from: 4, to: 1".to_owned(), why()));
    assert_eq!((chain.len(), rig.world.subjects()), (2, vec![SUBJECT.to_owned()]));
    let causes: Vec<_> = rig.world.outbox().into_iter().map(|row| row.detail).collect();
    for entry in &chain {
        assert!(causes.iter().any(|detail| detail.contains(entry.correlation_id.as_str())), "the event's own cause");
    }
}

/// Stopped before the commit or after it: both the limit and its entry are there, or neither.
#[tokio::test]
async fn a_stop_leaves_no_limit_without_its_entry() {
    for before in [true, false] {
        let rig = Rig::new();
        let when = if before { When::Before } else { When::After };
        rig.world.heal();
        // The first call reads the row, the second commits.
        rig.world.fail_call(1, when);
        assert_eq!(rig.ask(ADMIN, "PUT", SCOPE, LIMIT).await.0, 503);
        rig.world.heal();
        let (_, scope) = rig.ask(READER, "GET", SCOPE, "").await;
        assert_eq!((scope["limit"] == json!(4), chained(&rig).await.len()), (!before, usize::from(!before)));
    }
}
