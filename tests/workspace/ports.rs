//! One suite for the store's ports, held against the in-memory world and against the table over a real DynamoDB implementation
//! in process: what flows and the story rely on is what the table does.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::{collections::BTreeSet, future::Future};

use common::{
    aws::{Aws, dynamodb::Table},
    domain::{
        audit::{Broken, Draft, Phase, verify},
        cluster::{ClusterKey, ClusterRecord, Intent, ToldDrift, Weakness, start::Started},
        id::{BranchName, Digest, EventId, Generation, HostAccount, RepositoryId},
    },
    event::{Actor, BranchDeleted, Envelope, Event, Outcome},
    ports::{
        AuditTrail, ClusterLedger, Delivery, FeedbackLedger, FeedbackOrder, Intake, Outbox, Recorded, Recording, Said,
        Shown,
    },
    runtime::AwsSettings,
    testing::{World, envelope, id, repository},
};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::task::JoinSet;

/// Everything that the store must do.
trait Store: Intake + Outbox + ClusterLedger + AuditTrail + FeedbackLedger + Clone + Send + Sync + 'static {}
impl<S: Intake + Outbox + ClusterLedger + AuditTrail + FeedbackLedger + Clone + Send + Sync + 'static> Store for S {}

/// A store and a look at its outbox from outside.
struct Case<S> {
    store: S,
    outbox: Box<dyn Fn() -> Vec<String>>,
}

fn world() -> Case<World> {
    let store = World::new();
    let seen = store.clone();
    Case { store, outbox: Box::new(move || seen.outbox().into_iter().map(|row| row.event_id.to_string()).collect()) }
}

/// A real DynamoDB implementation in this process, with the table: its address, and a way to look inside.
pub(crate) async fn in_process_dynamodb() -> (String, dynoxide::Database) {
    let database = dynoxide::Database::memory().unwrap();
    let text = |name: &str| json!({"AttributeName": name, "AttributeType": "S"});
    let key = |name: &str, kind: &str| json!({"AttributeName": name, "KeyType": kind});
    let table = json!({
        "TableName": "penstock",
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [text("pk"), text("sk")],
        "KeySchema": [key("pk", "HASH"), key("sk", "RANGE")],
    });
    database.create_table(serde_json::from_value(table).unwrap()).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(dynoxide::server::serve_on(listener, database.clone()));
    (endpoint, database)
}

pub(crate) async fn database() -> (Table, dynoxide::Database) {
    let (endpoint, database) = in_process_dynamodb().await;
    (Table::new(&Aws::with(AwsSettings::emulator(&endpoint)), "penstock"), database)
}

async fn table() -> Case<Table> {
    let (store, database) = database().await;
    Case { store, outbox: Box::new(move || rows(&database, "OUTBOX#").into_iter().map(|(_, sk)| sk).collect()) }
}

/// The keys of the rows whose partition key starts so.
pub(crate) fn rows(database: &dynoxide::Database, prefix: &str) -> Vec<(String, String)> {
    let all = database.scan(serde_json::from_value(json!({"TableName": "penstock"})).unwrap()).unwrap();
    let all = serde_json::to_value(all).unwrap();
    let text = |item: &Value, name: &str| item[name]["S"].as_str().unwrap().to_owned();
    let keys = all["Items"].as_array().unwrap().iter().map(|item| (text(item, "pk"), text(item, "sk")));
    keys.filter(|(pk, _)| pk.starts_with(prefix)).collect()
}

macro_rules! suite {
    ($($name:ident,)*) => {
        mod in_memory {
            $(#[tokio::test]
            async fn $name() {
                super::$name(super::world()).await;
            })*
        }
        mod in_dynamodb {
            $(#[tokio::test]
            async fn $name() {
                super::$name(super::table().await).await;
            })*
        }
    };
}

mod certificates;
mod ideas;
mod items;
mod ledger;
mod removals;
mod rhythm;
mod runs;
mod sweep;
mod wip;
mod wip_random;

suite! {
    a_delivery_and_a_body_have_one_effect,
    a_hundred_parallel_copies_leave_one_event,
    expired_keys_are_free_again,
    accepted_rows_are_gone_and_deleting_twice_is_no_error,
    generations_rise_and_belong_to_one_branch,
    what_was_started_is_the_newest_generations_to_say,
    a_recording_is_one_with_its_entry_and_its_events,
    a_lower_generation_changes_nothing,
    concurrent_appends_make_one_chain,
    an_older_or_equal_word_is_no_news,
    what_begins_meanwhile_is_seen_and_what_is_in_doubt_is_said_again,
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_767_603_600 + second).unwrap()
}

fn event(name: &str) -> Envelope {
    let sender = Actor { id: HostAccount::github(1), login: "octo".into() };
    let gone = BranchDeleted { repository: repository(), branch: id("b"), before: id(&"0a".repeat(20)), sender };
    envelope(at(0), name, "repository:42", Event::BranchDeleted(gone))
}

fn delivery(name: &str, event_name: &str, body: &str, second: i64) -> Delivery {
    let body = Digest::of(body.as_bytes());
    let (received_at, expires_at) = (at(second), at(second + 7 * 86_400));
    Delivery { id: id(name), event_name: event_name.into(), body, received_at, expires_at }
}

fn cluster(name: &str) -> ClusterKey {
    format!("integration/us/management/{name}").parse().unwrap()
}

fn recording(name: &str, generation: u64, events: &[&str]) -> Recording {
    let cluster = cluster(name);
    let record = ClusterRecord {
        cluster: cluster.clone(),
        pipeline: id("mc-example"),
        outcome: Outcome::Updated,
        generation: Generation(generation),
        at: at(0),
        spec_sha256: Some(Digest::of(b"spec")),
        config_sha256: Some(Digest::of(b"file")),
        values: [("terraform_vars.size".to_owned(), "3".to_owned())].into(),
        destroy: None,
        intended: Some(Digest::of(b"next")),
        lately: vec![Intent { spec_sha256: Digest::of(b"next"), at: at(0) }],
        drift: Some(ToldDrift { since: at(0), weakened: vec![Weakness::GateGone] }),
        said: None,
    };
    let entry = Draft {
        subject: cluster.subject(),
        at: at(0),
        actor: "pipeline-provisioner".into(),
        action: "pipeline.update".into(),
        phase: Phase::Outcome,
        correlation_id: id("c"),
        facts: [("generation".to_owned(), generation.to_string())].into(),
        reasons: vec!["a value changed".into()],
    };
    let events = events.iter().map(|name| event(name)).collect();
    Recording { entry, record: Some((RepositoryId::GitHub(42), record)), forget: None, events }
}

async fn all<T: Send + 'static>(work: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>) -> Vec<T> {
    work.into_iter().collect::<JoinSet<_>>().join_all().await
}

async fn a_delivery_and_a_body_have_one_effect<S: Store>(Case { store, outbox }: Case<S>) {
    let first = delivery("guid-1", "push", "body", 0);
    let record = async |delivery: &Delivery| Intake::record(&store, delivery, &event("one")).await.unwrap();
    assert_eq!(record(&first).await, Recorded::Accepted);
    assert_eq!(record(&first).await, Recorded::DuplicateDelivery);
    assert_eq!(record(&delivery("guid-1", "push", "another body", 1)).await, Recorded::DeliveryIdReused);
    assert_eq!(record(&delivery("guid-1", "create", "body", 1)).await, Recorded::DeliveryIdReused);
    assert_eq!(record(&delivery("guid-2", "push", "body", 1)).await, Recorded::DuplicateBody { first: id("guid-1") });
    assert_eq!(outbox(), [event("one").meta.event_id.to_string()]);

    // Refusals left no trace: the id that was refused for its body is free, and so is the body refused for its id.
    let recorded = Intake::record(&store, &delivery("guid-2", "push", "another body", 2), &event("two")).await.unwrap();
    assert_eq!(recorded, Recorded::Accepted);
    assert_eq!(outbox().len(), 2);
}

async fn a_hundred_parallel_copies_leave_one_event<S: Store>(Case { store, outbox }: Case<S>) {
    let send = |delivery: Delivery, name: &'static str| {
        let store = store.clone();
        async move { Intake::record(&store, &delivery, &event(name)).await.unwrap() }
    };
    let copies = all((0..100).map(|_| send(delivery("guid", "push", "body", 0), "one"))).await;
    assert_eq!(copies.iter().filter(|recorded| **recorded == Recorded::Accepted).count(), 1);
    assert_eq!(copies.iter().filter(|recorded| **recorded == Recorded::DuplicateDelivery).count(), 99);
    assert_eq!(outbox().len(), 1);

    let replays = (0..100).map(|number| send(delivery(&format!("replay-{number}"), "push", "other", 0), "two"));
    let replays = all(replays).await;
    assert_eq!(replays.iter().filter(|recorded| **recorded == Recorded::Accepted).count(), 1);
    assert_eq!(replays.iter().filter(|recorded| matches!(recorded, Recorded::DuplicateBody { .. })).count(), 99);
    assert_eq!(outbox().len(), 2);
}

async fn expired_keys_are_free_again<S: Store>(Case { store, .. }: Case<S>) {
    let week = 7 * 86_400;
    let record =
        async |second| Intake::record(&store, &delivery("guid", "push", "body", second), &event("one")).await.unwrap();
    assert_eq!(record(0).await, Recorded::Accepted);
    assert_eq!(record(week - 1).await, Recorded::DuplicateDelivery);
    assert_eq!(record(week).await, Recorded::Accepted, "the rows are still there: TTL is not a clock");
    assert_eq!(record(week + 1).await, Recorded::DuplicateDelivery);
}

async fn accepted_rows_are_gone_and_deleting_twice_is_no_error<S: Store>(Case { store, outbox }: Case<S>) {
    let events: Vec<_> = (0..130).map(|number| event(&format!("e{number}"))).collect();
    let ids: Vec<EventId> = events.iter().map(|event| event.meta.event_id.clone()).collect();
    store.announce(&events).await.unwrap();
    store.announce(&events).await.unwrap();
    assert_eq!(outbox().len(), 130, "twice is the same");
    assert_eq!(store.pending(&ids).await.unwrap(), ids, "in the order of the question");
    let unknown = event("unknown").meta.event_id;
    assert_eq!(store.pending(&[unknown.clone(), ids[3].clone()]).await.unwrap(), [ids[3].clone()]);

    let (done, left) = ids.split_at(100);
    store.accepted(done).await.unwrap();
    store.accepted(done).await.unwrap();
    store.accepted(&[unknown]).await.unwrap();
    assert_eq!(store.pending(&ids).await.unwrap(), left);
    assert_eq!(store.pending(&[]).await.unwrap(), []);
    store.accepted(&[]).await.unwrap();
}

async fn generations_rise_and_belong_to_one_branch<S: Store>(Case { store, .. }: Case<S>) {
    let (repository, branch): (_, BranchName) = (RepositoryId::GitHub(42), id("release#1%23"));
    assert_eq!(store.current_generation(repository, &branch).await.unwrap(), Generation(0));
    let takes = (0..20).map(|_| {
        let (store, branch) = (store.clone(), branch.clone());
        async move { store.take_generation(repository, &branch, &id(&"0a".repeat(20)), at(0)).await.unwrap() }
    });
    let taken: BTreeSet<_> = all(takes).await.into_iter().collect();
    assert_eq!(taken, (1..=20).map(Generation).collect());
    assert_eq!(store.current_generation(repository, &branch).await.unwrap(), Generation(20));
    for (other, branch) in [(RepositoryId::GitHub(42), id("release")), (RepositoryId::GitHub(43), branch)] {
        assert_eq!(store.current_generation(other, &branch).await.unwrap(), Generation(0));
    }
}

async fn what_was_started_is_the_newest_generations_to_say<S: Store>(Case { store, .. }: Case<S>) {
    let (repository, branch): (_, BranchName) = (id::<RepositoryId>(common::testing::CODECOMMIT_ID), id("main"));
    let started = |digit: &str| Started {
        up_to: id(&digit.repeat(40)),
        turn: 7,
        owed: [id("integration/us-east-1/regional")].into(),
    };
    assert_eq!(store.started_up_to(repository, &branch).await.unwrap(), None);
    assert!(!store.mark_started(repository, &branch, Generation(1), &started("a")).await.unwrap(), "nobody has it");
    assert_eq!(store.started_up_to(repository, &branch).await.unwrap(), None);
    let one = store.take_generation(repository, &branch, &id(&"0a".repeat(20)), at(0)).await.unwrap();
    assert_eq!(store.started_up_to(repository, &branch).await.unwrap(), None);
    assert!(store.mark_started(repository, &branch, one, &started("a")).await.unwrap());
    let two = store.take_generation(repository, &branch, &id(&"0b".repeat(20)), at(1)).await.unwrap();
    assert_eq!(
        store.started_up_to(repository, &branch).await.unwrap(),
        Some(started("a")),
        "another generation keeps it"
    );
    assert!(!store.mark_started(repository, &branch, one, &started("b")).await.unwrap(), "a stale run is refused");
    assert_eq!(store.started_up_to(repository, &branch).await.unwrap(), Some(started("a")));
    assert!(store.mark_started(repository, &branch, two, &started("c")).await.unwrap());
    assert_eq!(store.started_up_to(repository, &branch).await.unwrap(), Some(started("c")));
    assert_eq!(store.current_generation(repository, &branch).await.unwrap(), two);
    assert_eq!(store.started_up_to(repository, &id("other")).await.unwrap(), None);
}

async fn a_recording_is_one_with_its_entry_and_its_events<S: Store>(Case { store, outbox }: Case<S>) {
    let one = recording("mc01", 1, &["updated"]);
    let (owner, record) = one.record.clone().unwrap();
    ClusterLedger::record(&store, one).await.unwrap();
    ClusterLedger::record(&store, recording("mc02", 1, &[])).await.unwrap();
    assert_eq!(store.records(owner).await.unwrap().len(), 2);
    assert!(store.records(owner).await.unwrap().contains(&record));
    assert!(store.records(RepositoryId::GitHub(4)).await.unwrap().is_empty());
    assert_eq!(outbox(), [event("updated").meta.event_id.to_string()]);
    let (entries, head) = store.chain("cluster:integration/us/management/mc01").await.unwrap();
    assert_eq!((entries.len(), head.sequence), (1, 1));

    let forget = Recording { record: None, forget: Some((owner, cluster("mc01"))), ..recording("mc01", 2, &["gone"]) };
    ClusterLedger::record(&store, forget).await.unwrap();
    let left: Vec<_> = store.records(owner).await.unwrap().into_iter().map(|record| record.cluster).collect();
    assert_eq!(left, [cluster("mc02")]);
    let (entries, head) = store.chain("cluster:integration/us/management/mc01").await.unwrap();
    assert_eq!(verify("cluster:integration/us/management/mc01", &entries, &head), Ok(()));
    assert_eq!((entries.len(), outbox().len()), (2, 2));
}

async fn a_lower_generation_changes_nothing<S: Store>(Case { store, outbox }: Case<S>) {
    let subject = "cluster:integration/us/management/mc01";
    ClusterLedger::record(&store, recording("mc01", 5, &["five"])).await.unwrap();
    let fault = ClusterLedger::record(&store, recording("mc01", 4, &["four"])).await.unwrap_err();
    assert!(fault.is_retry(), "{fault}");
    assert!(fault.to_string().contains("generation 5"), "it says who was first: {fault}");
    assert_eq!(store.records(RepositoryId::GitHub(42)).await.unwrap()[0].generation, Generation(5));
    assert_eq!(
        (store.chain(subject).await.unwrap().0.len(), outbox().len()),
        (1, 1),
        "nor is anything else of it kept"
    );
    ClusterLedger::record(&store, recording("mc01", 5, &["again"])).await.unwrap();
    ClusterLedger::record(&store, recording("mc01", 6, &[])).await.unwrap();
    assert_eq!(store.chain(subject).await.unwrap().1.sequence, 3);
}

async fn concurrent_appends_make_one_chain<S: Store>(Case { store, .. }: Case<S>) {
    let subject = "cluster:integration/us/management/mc01";
    let (entries, head) = store.chain(subject).await.unwrap();
    assert_eq!(verify(subject, &entries, &head), Ok(()), "a chain without entries");
    let writers = (0..6).map(|_| {
        let store = store.clone();
        async move {
            for _ in 0..4 {
                ClusterLedger::record(&store, recording("mc01", 1, &[])).await.unwrap();
            }
        }
    });
    all(writers).await;
    let (entries, head) = store.chain(subject).await.unwrap();
    assert_eq!(entries.len(), 24);
    assert_eq!(verify(subject, &entries, &head), Ok(()));
    assert!(store.chain("cluster:integration/us/management/mc02").await.unwrap().0.is_empty());
}

async fn an_older_or_equal_word_is_no_news<S: Store>(Case { store, .. }: Case<S>) {
    let order = |generation, phase| FeedbackOrder { generation: Generation(generation), phase };
    let (one, two) = (Digest::of(b"one"), Digest::of(b"two"));
    let said = |order, content: &Digest| Said { order, content: content.clone(), shown: Shown::Surely };
    let news_for = async |subject, kind, new: Said| new.is_news(store.said(subject, kind).await.unwrap().as_ref());
    let news = async |order, content: &Digest| news_for("commit:a", "status", said(order, content)).await;
    let say = async |order, content: &Digest| {
        store.published("commit:a", "status", &said(order, content), at(0)).await.unwrap();
    };
    assert!(news(order(2, 0), &one).await);
    say(order(2, 0), &one).await;
    assert!(!news(order(2, 0), &two).await, "the same order was said");
    assert!(!news(order(1, 1), &two).await, "an older generation");
    assert!(news(order(2, 1), &two).await, "the end after the start");
    assert!(!news(order(3, 0), &one).await, "the same words again");
    say(order(3, 1), &two).await;
    say(order(2, 1), &one).await;
    assert!(!news(order(3, 1), &one).await, "what came late did not replace the newer");
    assert!(!news(order(4, 0), &two).await, "nor its words");
    assert!(news(order(4, 0), &one).await);
    assert_eq!(store.said("commit:a", "status").await.unwrap(), Some(said(order(3, 1), &two)));
    assert!(news_for("commit:a", "check", said(order(1, 0), &one)).await, "another kind");
    assert!(news_for("commit:b", "status", said(order(1, 0), &one)).await, "another subject");
}

async fn what_begins_meanwhile_is_seen_and_what_is_in_doubt_is_said_again<S: Store>(Case { store, .. }: Case<S>) {
    let word = |generation, content: &[u8]| Said {
        order: FeedbackOrder { generation: Generation(generation), phase: 0 },
        content: Digest::of(content),
        shown: Shown::Surely,
    };
    let last = async || store.said("commit:c", "status").await.unwrap();
    let begin = async |before: Option<&Said>, new: &Said| {
        store.begin("commit:c", "status", before, &new.begun(), at(0)).await.unwrap()
    };
    let published = async |said: &Said| store.published("commit:c", "status", said, at(0)).await.unwrap();
    let (older, newer) = (word(1, b"older"), word(2, b"newer"));
    assert!(begin(None, &older).await);
    assert!(!begin(None, &newer).await, "another one began");
    let seen = last().await;
    assert_eq!(seen, Some(older.begun()));
    assert!(older.is_news(seen.as_ref()), "a copy after a stop");
    assert!(begin(seen.as_ref(), &newer).await);
    published(&newer.over(seen.as_ref())).await;
    published(&older.over(None)).await;
    let seen = last().await;
    assert_eq!(seen, Some(Said { shown: Shown::Perhaps, ..newer.clone() }), "what came late did not replace it");
    assert!(!newer.is_news(seen.as_ref()), "a copy says nothing");
    let again = word(3, b"newer");
    assert!(again.is_news(seen.as_ref()), "the same words: the host may show the older ones");
    assert!(!begin(Some(&newer), &again).await, "it is in doubt, and was read otherwise");
    assert!(begin(seen.as_ref(), &again).await);
    published(&again.over(seen.as_ref())).await;
    assert_eq!(last().await, Some(again.clone()));
    assert!(!word(4, b"newer").is_news(Some(&again)));
    assert!(begin(Some(&again), &word(5, b"another")).await);
}

// ---- what only the table can do wrong -------------------------------------------------------------------------------

#[tokio::test]
async fn events_larger_than_a_transaction_are_put_in_several() {
    let Case { store, .. } = table().await;
    let large = (0..20).map(|number| {
        let mut event = event(&format!("large-{number}"));
        if let Event::BranchDeleted(gone) = &mut event.event {
            gone.sender.login = "x".repeat(200_000);
        }
        event
    });
    let large: Vec<_> = large.collect();
    store.announce(&large).await.unwrap();
    let ids: Vec<_> = large.into_iter().map(|event| event.meta.event_id).collect();
    assert_eq!(store.pending(&ids).await.unwrap(), ids);
}

#[tokio::test]
async fn every_row_has_keys_that_parse() {
    let (store, database) = database().await;
    Intake::record(&store, &delivery("guid", "push", "body", 0), &event("one")).await.unwrap();
    ClusterLedger::record(&store, recording("mc01", 1, &["two"])).await.unwrap();
    store.take_generation(RepositoryId::GitHub(42), &id("main"), &id(&"0a".repeat(20)), at(0)).await.unwrap();
    let order = FeedbackOrder { generation: Generation(1), phase: 0 };
    let said = Said { order, content: Digest::of(b"x"), shown: Shown::Surely };
    store.published("commit:a", "status", &said, at(0)).await.unwrap();
    wip::make_a_row(&store).await;
    ledger::make_rows(&store).await;
    let all = rows(&database, "");
    let areas: BTreeSet<_> = all.iter().filter_map(|(pk, _)| pk.split('#').next()).collect();
    let expected = [
        "AUDIT", "BODY", "CLUSTERS", "DELIVERY", "EVENT", "FEEDBACK", "FENCE", "MESSAGE", "OUTBOX", "RECEIVED",
        "SCOPE", "SCOPES",
    ];
    assert_eq!(areas, BTreeSet::from(expected));
    for (pk, sk) in &all {
        assert!(common::aws::dynamodb::key::Key::parse(pk, sk).is_some(), "{pk} / {sk}");
    }
}

#[tokio::test]
async fn a_chain_that_was_changed_in_the_table_is_found() {
    let (store, database) = database().await;
    let subject = "cluster:integration/us/management/mc01";
    for generation in 1..=3 {
        ClusterLedger::record(&store, recording("mc01", generation, &[])).await.unwrap();
    }
    let partition = format!("AUDIT#{subject}");
    let delete = |sk: &str| {
        let keys = json!({"pk": {"S": partition}, "sk": {"S": sk}});
        let request = json!({"TableName": "penstock", "Key": keys});
        database.delete_item(serde_json::from_value(request).unwrap()).unwrap();
    };
    delete("E#00000000000000000002");
    let (entries, head) = store.chain(subject).await.unwrap();
    let missing = Broken::Sequence { subject: subject.into(), expected: 2, found: 3 };
    assert_eq!(verify(subject, &entries, &head), Err(missing));

    delete("HEAD");
    let (entries, head) = store.chain("cluster:integration/us/management/mc01").await.unwrap();
    assert_eq!(entries.len(), 2, "entries beyond a head that was moved back are not hidden");
    assert!(verify(subject, &entries, &head).is_err());
}

#[tokio::test]
async fn a_table_that_is_not_there_is_our_mistake_and_one_that_does_not_answer_is_not() {
    let database = dynoxide::Database::memory().unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(dynoxide::server::serve_on(listener, database));
    let table = Table::new(&Aws::with(AwsSettings::emulator(&endpoint)), "penstock");
    let read = async || table.current_generation(RepositoryId::GitHub(1), &id("main")).await.unwrap_err();

    let missing = read().await;
    assert!(matches!(missing, common::fault::Fault::Bug { .. }), "{}", missing.chain());
    assert!(missing.chain().contains("ResourceNotFoundException"), "{}", missing.chain());

    server.abort();
    let _ = server.await;
    let silent = Table::new(&Aws::with(AwsSettings::emulator(&endpoint)), "penstock");
    let fault = silent.current_generation(RepositoryId::GitHub(1), &id("main")).await.unwrap_err();
    assert!(fault.is_retry(), "{}", fault.chain());
}
