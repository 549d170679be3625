//! Gates of runs as their clients meet them. Here: a run from its gate on. Beside it: holds; the environment before; what fails; who may.

use common::{
    domain::{
        audit::verify,
        cluster::{ClusterKey, ClusterRecord, ToldDrift},
        governance::Governance,
        id::{CommitSha, CorrelationId, Digest, ExecutionId, Generation, PipelineName, RepositoryId},
    },
    event::Outcome,
    http::Request,
    ports::{AuditTrail, Clock, ClusterLedger, GateAnswer, Recording},
    testing::{GovernanceFiles, World, api_request, id, repository},
};
use serde_json::{Value, json};

use self::links::link_key;
use super::ClusterGates;

mod comments;
mod faults;
mod holds;
mod jobs;
mod links;
mod promotion;
mod refusals;
mod removals;

const ADMIN: Option<&str> = Some("sub|ada");
const APPROVER: Option<&str> = Some("sub|bob");
const MEMBER: Option<&str> = Some("sub|cy");
const READER: Option<&str> = Some("sub|rae");

const ENVIRONMENTS: &str = "unlisted: refuse
environments:
  staging: {branch: main, approvals: {}}
  production: {branch: main}
";

const MC01: &str = "production/us-east-1/management/mc01";
const REGIONAL: &str = "production/us-east-1/regional";

struct Rig {
    world: World,
    gates: ClusterGates<World, World, World, World, World>,
}

impl Rig {
    /// Two clusters in production, one in staging.
    async fn new() -> Self {
        Self::with(ENVIRONMENTS).await
    }

    async fn with(environments: &str) -> Self {
        Self::over(GovernanceFiles::default().with("environments.yaml", environments)).await
    }

    async fn over(files: GovernanceFiles) -> Self {
        let (governance, world) = (Governance::parse(&files.bytes()).unwrap(), World::new());
        for cluster in [MC01, REGIONAL, "staging/us-east-1/regional"] {
            register(&world, cluster).await;
        }
        let [rows, gates, alarms, forge, clock] = [(); 5].map(|()| world.clone());
        let rig = Self {
            world,
            gates: ClusterGates { rows, gates, alarms, forge, clock, governance, links: Some(link_key()) },
        };
        // Of the clusters' making nothing is left to be told or counted.
        rig.world.drain();
        rig.world.heal();
        rig
    }

    /// A run of ada's commit comes to the gate of a cluster.
    fn wait(&self, cluster: &str, number: u8) -> ExecutionId {
        let execution = execution(number);
        self.world.set_authors(&commit('a'), &[1001], 0);
        self.world.wait_at_gate(&pipeline(cluster), &execution, Some(&commit('a')));
        execution
    }

    async fn wake(&self, cluster: &str) {
        self.gates.came_to_gate(pipeline(cluster).as_str(), &cause()).await.unwrap();
    }

    async fn sweep(&self) {
        self.gates.sweep(&cause()).await.unwrap();
    }

    async fn ask(&self, token: Option<&str>, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let request: Request = serde_json::from_value(api_request(token, method, path, &body)).unwrap();
        let response = self.gates.serve(&request).await;
        let body: Value = serde_json::from_str(&response.body).unwrap();
        if response.status_code >= 400 {
            assert_eq!(response.headers["content-type"], "application/problem+json");
            assert!(body["detail"].as_str().is_some_and(|detail| detail.len() > 10), "no reason: {body}");
        }
        (response.status_code, body)
    }

    async fn answer(&self, token: Option<&str>, run: &ExecutionId, answer: &str) -> (u16, Value) {
        let path = format!("/v1/clusters/production/us-east-1/mc01/runs/{run}/approvals");
        self.ask(token, "POST", &path, &json!({"answer": answer})).await
    }

    async fn explain(&self) -> Value {
        let path = "/v1/clusters/production/us-east-1/mc01/explain";
        let (status, explained) = self.ask(READER, "GET", path, &Value::Null).await;
        assert_eq!(status, 200, "{explained}");
        explained
    }

    /// What the pipelines were answered: which run, and how.
    fn answers(&self) -> Vec<(ExecutionId, GateAnswer)> {
        self.world.gate_answers().into_iter().map(|given| (given.execution, given.answer)).collect()
    }

    /// The events since the last time this was asked, by name.
    fn told(&self) -> Vec<&'static str> {
        self.world.drain().iter().map(|event| event.event.kind().name()).collect()
    }

    /// What a subject's chain has, which holds; what the provisioner wrote aside.
    async fn actions(&self, subject: &str) -> Vec<String> {
        let (entries, head) = self.world.chain(subject).await.unwrap();
        verify(subject, &entries, &head).unwrap();
        let ours = entries.into_iter().filter(|entry| entry.draft.actor == "stage-gate");
        ours.map(|entry| entry.draft.action).collect()
    }
}

/// A cluster whose pipeline stands.
async fn register(world: &World, cluster: &str) {
    register_in(world, repository().id, cluster).await;
}

/// The same, by the file of this repository.
async fn register_in(world: &World, repository: RepositoryId, cluster: &str) {
    record(world, repository, cluster, None).await;
}

/// The same, with what somebody changed by hand.
async fn record(world: &World, repository: RepositoryId, cluster: &str, drift: Option<ToldDrift>) {
    let cluster: ClusterKey = id(cluster);
    let record = ClusterRecord {
        pipeline: common::domain::cluster::names::pipeline(&cluster),
        outcome: Outcome::Created,
        generation: Generation(1),
        at: world.now(),
        spec_sha256: Some(Digest::of(b"spec")),
        config_sha256: None,
        values: [].into(),
        destroy: None,
        intended: None,
        lately: Vec::new(),
        drift,
        said: None,
        cluster,
    };
    let entry = common::domain::audit::Draft {
        subject: record.cluster.subject(),
        at: world.now(),
        actor: "pipeline-provisioner".into(),
        action: "pipeline.create".into(),
        phase: common::domain::audit::Phase::Decision,
        correlation_id: cause(),
        facts: [].into(),
        reasons: vec![],
    };
    let recording = Recording { entry, record: Some((repository, record)), forget: None, events: vec![] };
    world.record(recording).await.unwrap();
}

fn cause() -> CorrelationId {
    id("c")
}

fn pipeline(cluster: &str) -> PipelineName {
    common::domain::cluster::names::pipeline(&id(cluster))
}

fn execution(number: u8) -> ExecutionId {
    id(&format!("00000000-0000-4000-8000-0000000000{number:02x}"))
}

fn commit(digit: char) -> CommitSha {
    id(&digit.to_string().repeat(40))
}

/// What is missing, in words: who clears it, and how.
fn missing(run: &Value) -> String {
    let line = |one: &Value| {
        let text = |name: &str| one[name].as_str().unwrap().to_owned();
        format!("{} [{}: {}]", text("missing"), text("who"), text("how"))
    };
    run["missing"].as_array().unwrap().iter().map(line).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn a_run_waits_says_who_can_free_it_and_goes_on_when_they_do() {
    let rig = Rig::new().await;
    let run = rig.wait(MC01, 1);
    rig.wake(MC01).await;
    assert_eq!(rig.told(), ["Run Gate Waiting"]);
    let explained = rig.explain().await;
    insta::assert_snapshot!(missing(&explained["runs"][0]), @r#"0 of 1 approvals of approvers; ada wrote what it deploys, and does not count [bob: one of them sends POST /v1/clusters/production/us-east-1/mc01/runs/00000000-0000-4000-8000-000000000001/approvals {"answer": "approve"}]"#);
    for _ in 0..3 {
        rig.sweep().await;
    }
    assert_eq!((rig.told(), rig.answers()), (vec![], vec![]), "the same is told once, and nothing passes by itself");

    let (status, refused) = rig.answer(ADMIN, &run, "approve").await;
    assert_eq!(
        (status, refused["detail"].as_str()),
        (403, Some("ada wrote what it deploys: somebody else who is asked approves it"))
    );
    let (status, refused) = rig.answer(MEMBER, &run, "approve").await;
    assert_eq!(
        (status, refused["detail"].as_str()),
        (403, Some("cy is in no group that production asks: approvers (ada, bob)"))
    );
    assert_eq!(rig.answers(), []);

    let (status, decided) = rig.answer(APPROVER, &run, "approve").await;
    assert_eq!(
        (status, &decided["verdict"], &decided["approved_by"]),
        (200, &json!("admit"), &json!(["bob"])),
        "{decided}"
    );
    assert_eq!(rig.answers(), [(run.clone(), GateAnswer::Approve)]);
    assert_eq!(rig.world.gate_answers()[0].summary, "Penstock lets it go on: approved by bob");
    assert_eq!(rig.told(), ["Run Gate Approved"]);
    rig.sweep().await;
    assert_eq!((rig.told(), rig.answers().len()), (vec![], 1));

    let (status, late) = rig.answer(APPROVER, &run, "approve").await;
    assert_eq!((status, late["type"].as_str()), (409, Some("urn:penstock:problem:not-waiting")), "{late}");
    assert!(late["detail"].as_str().unwrap().contains("its gate let it go on"), "{late}");
    assert_eq!(rig.actions(&format!("cluster:{MC01}")).await, ["run.wait", "run.answer", "run.approve"]);
}

#[tokio::test]
async fn approving_one_run_releases_no_other() {
    let rig = Rig::new().await;
    let (one, two) = (rig.wait(MC01, 1), rig.wait(MC01, 2));
    let elsewhere = rig.wait(REGIONAL, 3);
    rig.sweep().await;
    assert_eq!(rig.answer(APPROVER, &one, "approve").await.0, 200);
    rig.sweep().await;
    assert_eq!(rig.answers(), [(one, GateAnswer::Approve)]);
    let left = rig.explain().await;
    assert_eq!(left["runs"][0]["execution"], json!(two), "{left}");
    assert_eq!(rig.answer(APPROVER, &elsewhere, "approve").await.0, 409, "another cluster's run does not wait here");
    rig.sweep().await;
    assert_eq!(rig.answers().len(), 1);
}

#[tokio::test]
async fn a_rejection_ends_the_run_and_says_who_and_why() {
    let rig = Rig::new().await;
    let run = rig.wait(MC01, 1);
    let path = format!("/v1/clusters/production/us-east-1/mc01/runs/{run}/approvals");
    let body = json!({"answer": "reject", "commit": commit('a'), "reason": "the subnet is taken already"});
    let (status, decided) = rig.ask(APPROVER, "POST", &path, &body).await;
    assert_eq!((status, &decided["verdict"]), (200, &json!("reject")), "{decided}");
    assert_eq!(rig.answers(), [(run, GateAnswer::Reject)]);
    let summary = &rig.world.gate_answers()[0].summary;
    assert!(summary.contains("bob rejected it") && summary.contains("the subnet is taken already"), "{summary}");
    assert_eq!(rig.told(), ["Run Gate Rejected"]);
}

#[tokio::test]
async fn another_commit_than_was_shown_is_not_approved() {
    let rig = Rig::new().await;
    let run = rig.wait(MC01, 1);
    let path = format!("/v1/clusters/production/us-east-1/mc01/runs/{run}/approvals");
    let (status, other) = rig.ask(APPROVER, "POST", &path, &json!({"answer": "approve", "commit": commit('b')})).await;
    assert_eq!((status, other["type"].as_str()), (409, Some("urn:penstock:problem:another-commit")), "{other}");
    assert_eq!(rig.answers(), []);
}

#[tokio::test]
async fn a_gate_that_asks_nobody_opens_by_itself() {
    let rig = Rig::new().await;
    let run = rig.wait("staging/us-east-1/regional", 1);
    rig.wake("staging/us-east-1/regional").await;
    assert_eq!(rig.answers(), [(run, GateAnswer::Approve)]);
    assert_eq!(rig.told(), ["Run Gate Approved"]);
}
