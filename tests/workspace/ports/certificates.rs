//! What is remembered of certificates: a record is written over what was read, with its audit entry and events, all or none.

use std::collections::BTreeMap;

use common::{
    domain::{
        audit::{Draft, Phase, verify},
        certificate::{Attempt, Identity, Kind, Record, Target},
        id::Digest,
    },
    event::{CertificateFailed, Event},
    ports::{AuditTrail, CertificateChange, CertificateRows, SaidCommitted},
    testing::{envelope, id},
};

use super::{Case, all, at, table, world};

trait Certificates: CertificateRows + AuditTrail + Clone + Send + Sync + 'static {}
impl<S: CertificateRows + AuditTrail + Clone + Send + Sync + 'static> Certificates for S {}

suite! {
    a_record_is_written_over_what_was_read_and_nothing_else,
    what_is_only_said_writes_no_record,
    of_many_who_claim_one_cluster_one_does,
}

fn record(version: u64) -> Record {
    let place = Target { account: id("111111111111"), region: id("us-east-1") };
    let cluster = id("integration/us-east-1/management/mc01");
    let identity = Identity { cluster, kind: Kind::Agent, name: id("mc01"), broker: place.clone(), home: place };
    let mut record = Record::new(identity);
    record.version = version;
    record.attempts.push(Attempt {
        public_key: Digest::of(&version.to_be_bytes()),
        at: at(1_000),
        request: None,
        theirs: false,
    });
    record
}

fn change(record: Option<(Option<Record>, Record)>, action: &str) -> CertificateChange {
    let subject = "certificate:integration/us-east-1/management/mc01";
    let entry = Draft {
        subject: subject.to_owned(),
        at: at(1_000),
        actor: "iot-cert-provisioner".into(),
        action: action.to_owned(),
        phase: Phase::Intent,
        correlation_id: id("c"),
        facts: BTreeMap::new(),
        reasons: vec![],
    };
    let failed = CertificateFailed {
        cluster: id("integration/us-east-1/management/mc01"),
        action: "ensure".into(),
        reason: "no".into(),
    };
    let events = vec![envelope(at(1_000), action, subject, Event::CertificateFailed(failed))];
    CertificateChange { record, entry, events }
}

async fn a_record_is_written_over_what_was_read_and_nothing_else<S: Certificates>(Case { store, outbox }: Case<S>) {
    let (first, second) = (record(1), record(2));
    let commit = async |before: Option<Record>, after: Record, action: &str| {
        store.commit_certificate(&change(Some((before, after)), action)).await.unwrap()
    };
    assert_eq!(store.certificate(&first.cluster).await.unwrap(), None);
    assert_eq!(commit(None, first.clone(), "one").await, SaidCommitted::Done);
    assert_eq!(commit(None, second.clone(), "two").await, SaidCommitted::Already);
    assert_eq!(commit(Some(second.clone()), record(3), "three").await, SaidCommitted::Already);
    assert_eq!(commit(Some(first), second.clone(), "four").await, SaidCommitted::Done);
    assert_eq!(store.certificate(&second.cluster).await.unwrap(), Some(second.clone()));
    assert_eq!(store.certificates().await.unwrap(), [second]);
    let (entries, head) = store.chain("certificate:integration/us-east-1/management/mc01").await.unwrap();
    verify("certificate:integration/us-east-1/management/mc01", &entries, &head).unwrap();
    assert_eq!(entries.iter().map(|entry| entry.draft.action.as_str()).collect::<Vec<_>>(), ["one", "four"]);
    assert_eq!(outbox().len(), 2, "what was not written is not told");
}

async fn what_is_only_said_writes_no_record<S: Certificates>(Case { store, outbox }: Case<S>) {
    assert_eq!(store.commit_certificate(&change(None, "failed")).await.unwrap(), SaidCommitted::Done);
    assert!(store.certificates().await.unwrap().is_empty());
    assert_eq!(outbox().len(), 1);
}

async fn of_many_who_claim_one_cluster_one_does<S: Certificates>(Case { store, .. }: Case<S>) {
    let claims =
        (1..=20).map(|version| {
            let store = store.clone();
            async move {
                store.commit_certificate(&change(Some((None, record(version))), &format!("claim-{version}"))).await
            }
        });
    let done = all(claims).await.into_iter().filter(|outcome| matches!(outcome, Ok(SaidCommitted::Done))).count();
    assert_eq!(done, 1);
}
