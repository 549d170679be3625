//! Who may say that a task was done, for which period, and that it is said once.

use common::{
    ports::{AuditTrail, RhythmRows},
    testing::{GovernanceFiles, World, api_request},
};
use serde_json::Value;

use super::*;

const SCHEDULES: &str = "time_zone: UTC
working_days: [monday]
daily: {channel: unblock, thread: \"10:00\", reminder: \"10:10\", summary: \"10:30\"}
stale_after_days: 3
maintenance:
  rotate-secret: {every: quarter, day: 15, owner: security, task: Rotate it., evidence: A link.}
";

const PEOPLE: &str = "groups: [security]
people:
  ada: {jwt_subject: sub|ada, roles: [admin], pods: [ratio]}
  bob: {jwt_subject: sub|bob, roles: [member], pods: [ratio], groups: [security]}
  cy: {jwt_subject: sub|cy, roles: [member], pods: [ratio]}
";

async fn say(world: &World, who: Option<&str>, method: &str, path: &str, body: &str) -> (u16, Value) {
    let files = GovernanceFiles::default().with("people.yaml", PEOPLE).with("schedules.yaml", SCHEDULES);
    let files = files.with("pods.yaml", "pods: {ratio: {}}\n");
    let governance = Governance::parse(&files.bytes()).unwrap();
    let rhythm = DailyUnblock {
        rows: world.clone(),
        gates: world.clone(),
        host: world.clone(),
        clock: world.clone(),
        governance,
    };
    let subject = who.map(|who| format!("sub|{who}"));
    let request = serde_json::from_value(api_request(subject.as_deref(), method, path, body)).unwrap();
    let response = serve(&rhythm, &request).await;
    (response.status_code, serde_json::from_str(&response.body).unwrap())
}

const TASK: &str = "/v1/maintenance/rotate-secret";
const WORD: &str = r#"{"evidence": "versions 3 and 4"}"#;

#[tokio::test]
async fn a_task_is_said_to_be_done_once_by_those_whose_it_is() {
    let world = World::new();
    let (status, said) = say(&world, Some("bob"), "POST", TASK, WORD).await;
    assert_eq!((status, &said["period"], &said["by"]), (201, &"2026-q1".into(), &"bob".into()));
    assert_eq!(say(&world, Some("ada"), "POST", TASK, WORD).await.0, 200, "it was said");
    let before = r#"{"evidence": "late", "period": "2025-q4"}"#;
    assert_eq!(say(&world, Some("ada"), "POST", TASK, before).await.0, 201);
    assert_eq!(world.done().await.unwrap().len(), 2);
    let (entries, _) = world.chain("maintenance:rotate-secret").await.unwrap();
    assert_eq!(entries[0].draft.reasons, ["versions 3 and 4"]);
}

#[tokio::test]
async fn everything_else_is_refused_with_what_to_do() {
    let world = World::new();
    let mut page = String::new();
    for (who, method, path, body) in [
        (None, "POST", TASK, WORD),
        (Some("zoe"), "POST", TASK, WORD),
        (Some("cy"), "POST", TASK, WORD),
        (Some("bob"), "GET", TASK, ""),
        (Some("bob"), "POST", "/v1/maintenance/rotate-secrets", WORD),
        (Some("bob"), "POST", "/v1/maintenance/%23", WORD),
        (Some("bob"), "POST", "/v1/maintenance", WORD),
        (Some("bob"), "POST", TASK, r#"{"evidence": ""}"#),
        (Some("bob"), "POST", TASK, r#"{"evidence": "x", "period": "2026-q2"}"#),
        (Some("bob"), "POST", TASK, r#"{"evidence": "x", "period": "2026-01"}"#),
        (Some("bob"), "POST", TASK, r#"{"evidence": "x", "period": "2026-q5"}"#),
    ] {
        let (status, problem) = say(&world, who, method, path, body).await;
        page.push_str(&format!("{status} {}\n", problem["detail"].as_str().unwrap()));
    }
    insta::assert_snapshot!(page, @r##"
    401 the request came without a verified token: send Authorization: Bearer <token> from the API's issuer
    403 the token's subject "sub|zoe" is nobody's jwt_subject in people.yaml: an administrator adds it there
    403 cy is not in security: its people and admins say that rotate-secret was done
    405 "GET" is not allowed here: use POST
    404 schedules.yaml has no maintenance task rotate-secrets
    422 "#" is not a valid task: expected 1 to 32 of a-z, 0-9 and '-', starting with a letter or digit
    404 there is nothing at "/v1/maintenance": the routes begin with /v1/maintenance
    422 evidence: found 0 characters, expected 1 to 500, at line 1, column 16 of the body
    422 period: found 2026-q2, expected one like 2026-q1 that has begun
    422 period: found 2026-01, expected one like 2026-q1 that has begun
    422 period: "2026-q5" is not a valid period: expected a month (2026-11), a quarter (2026-q4) or a year (2026), at line 1, column 38 of the body
    "##);
    assert!(world.done().await.unwrap().is_empty());
}
