//! The whole function, as Lambda invokes it, over a table: what forged events leave there, and what copies do.

use codecommit_events::{CodeCommitEvents, doors::Input};
use common::{
    aws::dynamodb::Table,
    domain::governance::{Governance, Repositories},
    fault::Fault,
    runtime::Desk,
    testing::{GovernanceFiles, World},
};
use serde_json::{Value, json};

use crate::{
    ports::{database, rows},
    repository_root,
};

const LISTED: &str = "repositories:
  - id: f7579e13-b83e-4027-aaef-650c0a1b2c3d
    arn: arn:aws:codecommit:us-east-1:123456789012:platform-config
    kind: cluster
    default_branch: main
";

/// The one that the samples are about.
pub(crate) fn repositories() -> Repositories {
    let files = GovernanceFiles::default().with("repositories.yaml", LISTED);
    Governance::parse(&files.bytes()).unwrap().repositories
}

fn sample(name: &str) -> Value {
    let path = repository_root().join("events/codecommit-events").join(format!("{name}.json"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

struct Case {
    events: CodeCommitEvents<Table, World>,
    database: dynoxide::Database,
}

impl Case {
    async fn new() -> Self {
        let (intake, database) = database().await;
        Self { events: CodeCommitEvents { intake, clock: World::new(), repositories: repositories() }, database }
    }

    /// What Lambda is answered.
    async fn invoke(&self, payload: Value) -> Result<Value, Fault> {
        let input: Input = serde_json::from_value(payload).unwrap();
        let desk = Desk::of("codecommit-events", &self.events.intake, self.events.clock.clone())?;
        let reply = input.answer(&desk, &self.events).await?;
        Ok(serde_json::to_value(reply).unwrap())
    }

    fn rows(&self, prefix: &str) -> usize {
        rows(&self.database, prefix).len()
    }
}

fn batch(events: &[Value]) -> Value {
    let record = |(at, event): (usize, &Value)| json!({"messageId": format!("m{at}"), "body": event.to_string()});
    json!({"Records": events.iter().enumerate().map(record).collect::<Vec<_>>()})
}

#[tokio::test]
async fn a_forged_event_leaves_no_row() {
    let case = Case::new().await;
    let forged = [sample("forged-account"), sample("forged-arn")];
    assert_eq!(case.invoke(batch(&forged)).await.unwrap(), json!({"batchItemFailures": []}), "none comes again");
    for event in forged {
        assert_eq!(case.invoke(event).await.unwrap(), json!({"result": "done"}));
    }
    let mut trigger = sample("triggered");
    trigger["Records"][0]["eventSourceARN"] = json!("arn:aws:codecommit:us-east-1:999999999999:platform-config");
    let answered = case.invoke(trigger).await.unwrap();
    assert_eq!(answered["references"][0]["outcome"], "refused", "{answered}");
    assert_eq!(case.rows(""), 0);

    // Beside a good one, and after it: it takes nothing along.
    let good = sample("branch-updated");
    let mixed = [sample("forged-account"), good.clone(), sample("forged-arn")];
    assert_eq!(case.invoke(batch(&mixed)).await.unwrap(), json!({"batchItemFailures": []}));
    assert_eq!((case.rows("OUTBOX#"), case.rows("DELIVERY#"), case.rows("BODY#")), (1, 1, 1));
}

#[tokio::test]
async fn a_hundred_copies_are_one_row_of_the_outbox() {
    let case = Case::new().await;
    for name in ["branch-updated", "pull-request-opened", "pull-request-approved", "pull-request-commented"] {
        let before = case.rows("OUTBOX#");
        let copies = vec![sample(name); 100];
        assert_eq!(case.invoke(batch(&copies)).await.unwrap(), json!({"batchItemFailures": []}));
        assert_eq!(case.rows("OUTBOX#"), before + 1, "{name}");
    }
}

#[tokio::test]
async fn a_trigger_is_told_from_a_batch_and_answered_by_reference() {
    let case = Case::new().await;
    for outcome in ["accepted", "duplicate"] {
        let answered = case.invoke(sample("triggered")).await.unwrap();
        let outcomes: Vec<&Value> =
            answered["references"].as_array().unwrap().iter().map(|reference| &reference["outcome"]).collect();
        assert_eq!(outcomes, [outcome, outcome]);
    }
    assert_eq!(case.rows("OUTBOX#"), 2);
}

#[tokio::test]
async fn what_is_no_event_of_codecommit_is_answered_as_such() {
    let case = Case::new().await;
    let mut broken = sample("branch-updated");
    broken["detail"]["commitId"] = json!("not a commit");
    let faulty = case.invoke(broken.clone()).await.unwrap_err();
    assert!(matches!(faulty, Fault::Reject { .. }), "{faulty}");
    let schedule = json!({"schedule": "sweep"});
    let reply = case.invoke(batch(&[broken, schedule, sample("branch-updated")])).await.unwrap();
    assert_eq!(
        reply,
        json!({"batchItemFailures": [{"itemIdentifier": "m1"}]}),
        "what can never be read is counted and gone"
    );
    assert_eq!(case.rows("OUTBOX#"), 1);
}
