//! Refused removals: each change over what was read, with its events and its entry or not at all, and of one repository.

use std::collections::BTreeMap;

use common::{
    domain::{
        audit::{Draft, Phase, verify},
        cluster::{RefusedRemovals, Removal, RemovalApproval, Removals},
        id::RepositoryId,
    },
    ports::{AuditTrail, RemovalRows, RemovalsChange, SaidCommitted},
    testing::id,
};

use super::{Case, all, at, event, table, world};

trait Rows: RemovalRows + AuditTrail + Clone + Send + Sync + 'static {}
impl<S: RemovalRows + AuditTrail + Clone + Send + Sync + 'static> Rows for S {}

suite! {
    refused_removals_are_kept_once_and_change_over_what_was_read,
    of_many_who_approve_over_the_same_reading_one_does,
}

fn refused(repository: u64) -> RefusedRemovals {
    let clusters = BTreeMap::from([
        (id("production/us-east-1/regional"), Removal::Destroy),
        (id("production/us-east-1/management/mc01"), Removal::Retire),
    ]);
    let (repository, branch, head) = (RepositoryId::GitHub(repository), id("release/1"), id(&"0a".repeat(20)));
    let removals = Removals { repository, branch, head, clusters };
    RefusedRemovals { removals, why: "rule removals: 50 %".into(), at: at(10), approvals: vec![], approved_at: None }
}

fn approved(before: &RefusedRemovals, by: &str) -> RefusedRemovals {
    let mut after = before.clone();
    after.approvals.push(RemovalApproval { by: id(by), at: at(11), reason: Some("read".into()) });
    after.approved_at = Some(at(11));
    after
}

fn change(before: Option<RefusedRemovals>, now: RefusedRemovals, name: &str) -> RemovalsChange {
    let entry = Draft {
        subject: "removals:one".into(),
        at: at(10),
        actor: "stage-gate".into(),
        action: name.into(),
        phase: Phase::Decision,
        correlation_id: id("c"),
        facts: BTreeMap::new(),
        reasons: vec![],
    };
    RemovalsChange { before, now, events: vec![event(name)], entry }
}

async fn entries(store: &impl AuditTrail) -> usize {
    let (entries, head) = store.chain("removals:one").await.unwrap();
    verify("removals:one", &entries, &head).unwrap();
    entries.len()
}

async fn refused_removals_are_kept_once_and_change_over_what_was_read(Case { store, outbox }: Case<impl Rows>) {
    let (first, other) = (refused(42), refused(43));
    assert_eq!(store.removals(RepositoryId::GitHub(42)).await.unwrap(), []);
    let keep = change(None, first.clone(), "refuse");
    assert_eq!(store.commit_removals(&keep).await.unwrap(), SaidCommitted::Done);
    assert_eq!(store.commit_removals(&keep).await.unwrap(), SaidCommitted::Already);
    assert_eq!(store.commit_removals(&change(None, other.clone(), "other")).await.unwrap(), SaidCommitted::Done);
    let by_bob = approved(&first, "bob");
    let approve = change(Some(first.clone()), by_bob.clone(), "approve");
    assert_eq!(store.commit_removals(&approve).await.unwrap(), SaidCommitted::Done);
    assert_eq!(store.commit_removals(&approve).await.unwrap(), SaidCommitted::Already, "it reads otherwise by now");
    let late = change(Some(first.clone()), approved(&first, "cy"), "late");
    assert_eq!(store.commit_removals(&late).await.unwrap(), SaidCommitted::Already);
    assert_eq!(store.removals(RepositoryId::GitHub(42)).await.unwrap(), [by_bob]);
    assert_eq!(store.removals(RepositoryId::GitHub(43)).await.unwrap(), [other]);
    assert_eq!((entries(&store).await, outbox().len()), (3, 3), "what was not written tells nothing");
}

async fn of_many_who_approve_over_the_same_reading_one_does(Case { store, outbox }: Case<impl Rows>) {
    let first = refused(42);
    assert_eq!(store.commit_removals(&change(None, first.clone(), "refuse")).await.unwrap(), SaidCommitted::Done);
    let approve = |number: usize| {
        let change = change(Some(first.clone()), approved(&first, &format!("p{number}")), &format!("approve-{number}"));
        let store = store.clone();
        async move {
            loop {
                match store.commit_removals(&change).await.unwrap() {
                    SaidCommitted::Conflict => {}
                    committed => return committed,
                }
            }
        }
    };
    let ended = all((0..16).map(approve)).await;
    let done = ended.iter().filter(|committed| **committed == SaidCommitted::Done).count();
    let kept = store.removals(RepositoryId::GitHub(42)).await.unwrap();
    assert_eq!((done, kept[0].approvals.len(), entries(&store).await, outbox().len()), (1, 1, 2, 2));
}
