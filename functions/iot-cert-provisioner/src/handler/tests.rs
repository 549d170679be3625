//! The function over the in-memory world: what each action leaves, and what every broken call leaves after the next ones.

use common::{
    domain::{
        audit::{Draft, Phase},
        certificate::{ORPHAN_AFTER, Status, Target, TopicPrefix},
        cluster::{ClusterKey, ClusterRecord},
        governance::{Repositories, RepositoryEntry, RepositoryKind},
        id::{CertificateId, Generation},
    },
    event::Outcome as PipelineOutcome,
    ports::{AuditTrail as _, CertificateRecords as _, ClusterLedger as _, Recording},
    testing::{When, World, envelope, id, repository},
};
use jiff::SignedDuration;
use secrecy::SecretString;
use serde_json::json;

use super::*;
use crate::secret;

mod attacks;
mod faults;

const MC01: &str = "integration/us-east-1/management/mc01";
const SECRET: &str = "mc01-maestro-agent-cert";
const THING: &str = "mc01-maestro-agent";

type Function = CertificateProvisioner<World, World, World, World>;

fn broker() -> Target {
    Target { account: id("111111111111"), region: id("us-east-1") }
}

fn home() -> Target {
    Target { account: id("222222222222"), region: id("us-east-1") }
}

fn function(world: &World) -> Function {
    let repository = repository();
    let entry = RepositoryEntry {
        arn: None,
        name: repository.name,
        pod: None,
        kind: RepositoryKind::Cluster,
        path: None,
        default_branch: id("main"),
        wip: None,
        items: None,
    };
    CertificateProvisioner {
        rows: world.clone(),
        accounts: world.clone(),
        jobs: world.clone(),
        clock: world.clone(),
        repositories: Repositories { listed: BTreeMap::from([(repository.id, entry)]) },
        rules: Rules {
            topics: TopicPrefix::standard(),
            overlap: SignedDuration::from_hours(24),
            lifetime: SignedDuration::from_hours(90 * 24),
        },
        authority: "authority".to_owned(),
    }
}

async fn record(world: &World, cluster: &str, values: &[(&str, &str)]) {
    let cluster: ClusterKey = id(cluster);
    let values = values.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let entry = Draft {
        subject: cluster.subject(),
        at: world.now(),
        actor: "pipeline-provisioner".into(),
        action: "pipeline.create".into(),
        phase: Phase::Outcome,
        correlation_id: id("c"),
        facts: BTreeMap::new(),
        reasons: vec![],
    };
    let record = ClusterRecord {
        pipeline: common::domain::cluster::names::pipeline(&cluster),
        cluster,
        outcome: PipelineOutcome::Created,
        generation: Generation(1),
        at: world.now(),
        spec_sha256: None,
        config_sha256: None,
        values,
        destroy: None,
        intended: None,
        lately: Vec::new(),
        drift: None,
        said: None,
    };
    let recording = Recording { entry, record: Some((repository().id, record)), forget: None, events: vec![] };
    world.record(recording).await.unwrap();
}

/// A world with a regional cluster and two management clusters, one of which begins with the name of the other.
async fn world() -> World {
    let world = World::new();
    let at = |account: &'static str, alias: &'static str| {
        [("account_id", account), ("region", "us-east-1"), ("alias", alias)]
    };
    record(&world, "integration/us-east-1/regional", &at("111111111111", "int-use1")).await;
    for name in ["mc01", "mc010"] {
        let mut values = at("222222222222", name).to_vec();
        values.push(("terraform_vars.cluster_id", name));
        values.push(("terraform_vars.regional_aws_account_id", "111111111111"));
        record(&world, &format!("integration/us-east-1/management/{name}"), &values).await;
    }
    world.heal();
    world
}

async fn act(world: &World, action: Action, request: &str, csr: Option<String>) -> Result<Answer, Fault> {
    let certificate = (action == Action::Acknowledge).then(|| in_use(world)).flatten();
    let work = Work { cluster: id(MC01), action, request: id(request), csr, certificate, cause: id("c") };
    function(world).work(work).await
}

async fn ensure(world: &World) -> Answer {
    act(world, Action::Ensure, "ensure", None).await.unwrap()
}

fn in_use(world: &World) -> Option<CertificateId> {
    let text = SecretString::from(world.secret_in_use(&home(), SECRET)?);
    let held = secret::read("version", &text)?;
    held.matches.then_some(held.certificate)
}

fn writes(world: &World) -> Vec<&'static str> {
    world.calls().into_iter().filter(|call| call.write).map(|call| call.name).collect()
}

fn names(world: &World) -> Vec<&'static str> {
    world.drain().iter().map(|event| event.event.kind().name()).collect()
}

/// One active certificate with its policy and thing, in use by the secret, and nothing else.
fn assert_stands(world: &World, context: &str) {
    let all = world.broker_certificates(&broker());
    assert_eq!(all.len(), 1, "{context}: {all:?}");
    let (only, (stands, attached)) = all.first_key_value().unwrap();
    assert_eq!(stands.status, Status::Active, "{context}");
    assert!(attached.policies.contains("mc01-maestro-agent-policy"), "{context}");
    assert!(attached.things.contains(THING), "{context}");
    assert_eq!(in_use(world).as_ref(), Some(only), "{context}");
}

#[tokio::test]
async fn a_cluster_gets_a_certificate_and_asking_again_changes_nothing() {
    let world = world().await;
    let first = ensure(&world).await;
    assert_eq!(first.outcome, Outcome::Issued);
    assert_stands(&world, "ensure");
    assert_eq!(names(&world), ["Certificate Issued"]);
    let certificate = first.certificate.unwrap();
    assert_eq!((certificate.status, Some(&certificate.id)), ("ACTIVE", in_use(&world).as_ref()));
    world.heal();
    let again = act(&world, Action::Ensure, "another", None).await.unwrap();
    assert_eq!((again.outcome, again.certificate.unwrap().id), (Outcome::Unchanged, certificate.id));
    assert_eq!(writes(&world), Vec::<&str>::new());
}

#[tokio::test]
async fn the_order_of_writes_is_the_one_that_leaves_nothing_behind() {
    let world = world().await;
    ensure(&world).await;
    insta::assert_snapshot!(writes(&world).join("\n"), @"
    CertificateRows.commit
    Iot.CreateThing
    Iot.CreatePolicy
    Secrets.CreateSecret
    Iot.CreateCertificateFromCsr
    Iot.AttachPolicy
    Iot.AttachThingPrincipal
    Secrets.PutSecretValue
    Iot.UpdateCertificate
    Secrets.UpdateSecretVersionStage
    CertificateRows.commit
    Secrets.CreateSecret
    Secrets.PutSecretValue
    ");
}

#[tokio::test]
async fn a_rotation_leaves_the_one_before_until_its_overlap_is_over_and_is_made_once_for_a_request() {
    let world = world().await;
    let first = ensure(&world).await.certificate.unwrap().id;
    world.pass(SignedDuration::from_secs(1));
    let rotated = act(&world, Action::Rotate, "r1", None).await.unwrap();
    let second = rotated.certificate.unwrap().id;
    assert_eq!((rotated.outcome, first == second, rotated.retiring.len()), (Outcome::Rotated, false, 1));
    let again = act(&world, Action::Rotate, "r1", None).await.unwrap();
    assert_eq!((again.outcome, again.certificate.unwrap().id), (Outcome::Unchanged, second.clone()));
    let active = |world: &World| {
        let all = world.broker_certificates(&broker());
        all.into_iter().filter(|(_, (one, _))| one.status == Status::Active).map(|(id, _)| id).collect::<BTreeSet<_>>()
    };
    world.pass(SignedDuration::from_hours(24) - SignedDuration::from_secs(1));
    function(&world).sweep().await.unwrap();
    assert_eq!(active(&world), BTreeSet::from([first, second.clone()]));
    world.pass(SignedDuration::from_secs(1));
    function(&world).sweep().await.unwrap();
    assert_stands(&world, "after the overlap");
    assert_eq!(in_use(&world), Some(second));
    assert_eq!(names(&world), ["Certificate Issued", "Certificate Rotated", "Certificate Orphan Removed"]);
}

#[tokio::test]
async fn an_acknowledged_rotation_ends_the_one_before_at_once() {
    let world = world().await;
    assert!(act(&world, Action::Acknowledge, "a", None).await.is_err());
    ensure(&world).await;
    act(&world, Action::Rotate, "r1", None).await.unwrap();
    act(&world, Action::Acknowledge, "a", None).await.unwrap();
    assert_stands(&world, "acknowledged");
}

#[tokio::test]
async fn what_is_due_is_rotated_by_the_sweep_alone() {
    let world = world().await;
    let first = ensure(&world).await.certificate.unwrap().id;
    world.pass(SignedDuration::from_hours(90 * 24) - SignedDuration::from_secs(1));
    function(&world).sweep().await.unwrap();
    assert_eq!(in_use(&world), Some(first.clone()));
    world.pass(SignedDuration::from_secs(1));
    function(&world).sweep().await.unwrap();
    assert_ne!(in_use(&world), Some(first));
}

#[tokio::test]
async fn a_revoked_certificate_stays_so_and_ensure_makes_another() {
    let world = world().await;
    let first = ensure(&world).await.certificate.unwrap().id;
    assert_eq!(act(&world, Action::Revoke, "v", None).await.unwrap().outcome, Outcome::Revoked);
    assert_eq!(world.broker_certificates(&broker())[&first].0.status, Status::Revoked);
    world.pass(SignedDuration::from_hours(24 * 100));
    function(&world).sweep().await.unwrap();
    assert_eq!(world.broker_certificates(&broker()).len(), 1, "upkeep makes none for what was revoked");
    assert_eq!(ensure(&world).await.outcome, Outcome::Issued);
    assert_ne!(in_use(&world), Some(first));
}

#[tokio::test]
async fn deleting_leaves_nothing_twice_and_a_secret_that_waits_is_had_back() {
    let world = world().await;
    assert_eq!(act(&world, Action::Delete, "d0", None).await.unwrap().outcome, Outcome::Absent);
    ensure(&world).await;
    assert_eq!(act(&world, Action::Delete, "d1", None).await.unwrap().outcome, Outcome::Deleted);
    assert!(world.broker_certificates(&broker()).is_empty() && world.broker_names(&broker()).is_empty());
    assert_eq!(world.secret_in_use(&home(), SECRET), None);
    assert_eq!(act(&world, Action::Delete, "d2", None).await.unwrap().outcome, Outcome::Absent);
    assert_eq!(ensure(&world).await.outcome, Outcome::Issued);
    assert_stands(&world, "ensured after a deletion");
}

#[tokio::test]
async fn a_key_that_the_caller_keeps_is_never_here() {
    let world = world().await;
    let csr = |name| common::keys::mint(name).unwrap().request.pem;
    let mine = csr(THING);
    let issued = act(&world, Action::Ensure, "e", Some(mine.clone())).await.unwrap();
    assert_eq!(issued.outcome, Outcome::Issued);
    let text = world.secret_in_use(&home(), SECRET).unwrap();
    assert!(!text.contains("privateKey"), "{text}");
    let again = act(&world, Action::Ensure, "e2", Some(mine)).await.unwrap();
    assert_eq!((again.outcome, again.certificate.unwrap().id), (Outcome::Unchanged, issued.certificate.unwrap().id));
    assert_eq!(act(&world, Action::Ensure, "e3", None).await.unwrap().outcome, Outcome::Unchanged);
    assert_eq!(act(&world, Action::Ensure, "e4", Some(csr(THING))).await.unwrap().outcome, Outcome::Rotated);
    let refusals = [
        act(&world, Action::Rotate, "r", None).await.unwrap_err(),
        act(&world, Action::Ensure, "x", Some(csr("mc010-maestro-agent"))).await.unwrap_err(),
    ];
    insta::assert_snapshot!(refusals.map(|fault| fault.to_string()).join("\n"), @r#"
    integration/us-east-1/management/mc01: the agent keeps its key itself: send a signing request (csr) of its next one
    csr: its name is "mc010-maestro-agent", expected CN=mc01-maestro-agent
    "#);
}

#[tokio::test]
async fn what_is_somebody_elses_is_not_touched() {
    let world = world().await;
    world.put_thing(&broker(), THING, Some("staging/us-east-1/management/mc01"));
    let mut refusals = vec![act(&world, Action::Ensure, "a", None).await.unwrap_err()];
    refusals.push(act(&world, Action::Delete, "b", None).await.unwrap_err());
    world.put_thing(&broker(), THING, None);
    refusals.push(act(&world, Action::Ensure, "c", None).await.unwrap_err());
    let other = super::tests::world().await;
    other.put_policy(&broker(), "mc01-maestro-agent-policy", "{}");
    refusals.push(act(&other, Action::Ensure, "d", None).await.unwrap_err());
    other.close_account(&home(), true);
    refusals.push(act(&other, Action::Ensure, "e", None).await.unwrap_err());
    for world in [&world, &other] {
        assert!(writes(world).iter().all(|name| *name == "CertificateRows.commit"), "{:?}", writes(world));
        assert!(names(world).iter().all(|name| *name == "Certificate Failed"));
    }
    let lines: Vec<String> = refusals.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    integration/us-east-1/management/mc01: the thing mc01-maestro-agent belongs to "staging/us-east-1/management/mc01", not to this cluster: give one of them another cluster_id, or delete the other's
    integration/us-east-1/management/mc01: the thing mc01-maestro-agent belongs to "staging/us-east-1/management/mc01", not to this cluster: give one of them another cluster_id, or delete the other's
    integration/us-east-1/management/mc01: the thing mc01-maestro-agent belongs to no cluster (penstock-cluster on it would hand it over), not to this cluster: give one of them another cluster_id, or delete the other's
    integration/us-east-1/management/mc01: the policy mc01-maestro-agent-policy stands without a thing of ours: nobody knows whose it is; delete it, or make the thing with the attribute penstock-cluster
    the account 222222222222 does not let Penstock in
    "#);
}

#[tokio::test]
async fn a_policy_that_differs_is_put_right_and_keeps_five_versions() {
    let world = world().await;
    ensure(&world).await;
    for round in 0..7 {
        world.put_policy(&broker(), "mc01-maestro-agent-policy", r#"{"Version":"2012-10-17","Statement":[]}"#);
        world.heal();
        assert_eq!(ensure(&world).await.outcome, Outcome::Unchanged);
        let pruned = writes(&world).iter().filter(|name| **name == "Iot.DeletePolicyVersion").count();
        assert_eq!(pruned > 0, round >= 2, "round {round}");
    }
}

#[tokio::test]
async fn a_certificate_of_before_works_on_for_the_overlap() {
    let world = world().await;
    world.put_thing(&broker(), THING, Some(MC01));
    let old = world.put_certificate(&broker(), THING);
    let taken_over = ensure(&world).await;
    assert_eq!((taken_over.outcome, &taken_over.retiring[0].id), (Outcome::Rotated, &old));
    world.pass(SignedDuration::from_hours(25));
    function(&world).sweep().await.unwrap();
    assert_stands(&world, "after the overlap");
}

#[tokio::test]
async fn the_consumers_of_a_regional_cluster_are_those_with_a_certificate() {
    let world = world().await;
    ensure(&world).await;
    let read = |world: &World| world.secret_in_use(&broker(), "int-use1-maestro-consumers").unwrap();
    assert_eq!(
        read(&world),
        r#"{"consumers":[{"labels":{"cluster_id":"mc01","cluster_type":"management","region":"us-east-1"},"name":"mc01"}]}"#
    );
    act(&world, Action::Delete, "d", None).await.unwrap();
    assert_eq!(read(&world), r#"{"consumers":[]}"#);
}

#[tokio::test]
async fn direct_calls_and_events_do_the_same_and_say_what_is_wrong() {
    let world = world().await;
    let function = function(&world);
    let call = |action: &str| json!({"action": action, "environment": "integration", "region_alias": "us-east-1", "cluster": "mc01"});
    let said = async |call: Value| match function.call(call).await.unwrap() {
        Said::One(answer) => answer.outcome,
        Said::All { result } => panic!("{result}"),
    };
    assert_eq!(said(call("ensure")).await, Outcome::Issued);
    let mut destroyed = call("ensure");
    destroyed["tf"] = json!({"action": "delete", "prev_input": {"action": "ensure"}});
    let asked =
        common::event::CertificateRequested { cluster: id(MC01), wish: CertificateWish::Rotate, request_id: id("r") };
    let event = envelope(world.now(), "c", "s", Event::CertificateRequested(asked));
    function.event(&event).await.unwrap();
    function.event(&event).await.unwrap();
    assert_eq!(world.broker_certificates(&broker()).len(), 2, "a rotation, once");
    assert_eq!(said(call("status")).await, Outcome::Unchanged);
    assert_eq!(said(destroyed).await, Outcome::Deleted);
    function.call(json!({"action": "sweep"})).await.unwrap();
    let mut wrong = Vec::new();
    for bad in [
        json!({"action": "ensure"}),
        json!({"action": "mint"}),
        json!({"action": "ensure", "environment": "integration", "region_alias": "us-east-1", "cluster": "MC_01"}),
        json!({"action": "ensure", "environment": "integration", "region_alias": "us-east-1", "cluster": "mc99"}),
        json!({"action": "ensure", "environment": "integration", "region_alias": "us-east-1", "cluster": "mc01", "account": "1"}),
    ] {
        wrong.push(function.call(bad).await.unwrap_err().to_string());
    }
    insta::assert_snapshot!(wrong.join("\n"), @r#"
    cluster is missing: say which cluster it is about
    the call cannot be read: "unknown variant `mint`, expected one of `ensure`, `rotate`, `acknowledge`, `revoke`, `delete`, `status`, `sweep`"; expected {"action": …, "environment": …, "region_alias": …, "cluster": …}
    the call cannot be read: "\"MC_01\" is not a valid cluster name: expected 1 to 40 of a-z, 0-9 and '-', starting and ending with a letter or digit"; expected {"action": …, "environment": …, "region_alias": …, "cluster": …}
    integration/us-east-1/management/mc99 has no pipeline: push deploy/integration/us-east-1/terraform/management/mc99.yaml first, and let the provisioner accept it
    the call cannot be read: "unknown field `account`, expected one of `action`, `environment`, `region_alias`, `cluster`, `request_id`, `csr`, `certificate`, `tf`"; expected {"action": …, "environment": …, "region_alias": …, "cluster": …}
    "#);
}
