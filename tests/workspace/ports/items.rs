//! Work items: that one is written with its answer, its places, its events and its entry, or not at all.

use std::collections::{BTreeMap, BTreeSet};

use common::{
    domain::{
        audit::{Draft, Phase, verify},
        id::{Digest, ItemId, RequestId},
        rhythm::Cause,
        stage::{
            Answered, Approval, Destination, Dossier, Evidence, Item, MoveRequest, NewBlocker, Position, Provenance,
            Step, Value, Verdict,
        },
        wip::{Fence, ItemType, Scope, ScopeState, operation::Operation},
    },
    ports::{AuditTrail, Found, ItemChange, ItemCommitted, ItemRows, Page, WipRows},
    testing::id,
};

use super::{Case, Timestamp, all, at, event, table, world};

trait Items: ItemRows + WipRows + AuditTrail + Clone + Send + Sync + 'static {}
impl<S: ItemRows + WipRows + AuditTrail + Clone + Send + Sync + 'static> Items for S {}

suite! {
    an_item_is_written_with_all_that_changes_with_it_or_not_at_all,
    what_a_gate_looks_at_is_read_as_it_was_written,
    of_many_who_write_one_version_one_does,
    a_request_is_answered_once,
    items_are_listed_in_order_and_by_pages,
    what_does_not_fit_is_refused_before_it_is_sent,
}

fn now() -> Timestamp {
    at(1_000)
}

fn dossier(item: &str, version: u64) -> Dossier {
    Dossier::new(Item {
        id: id(item),
        title: "a \u{201e}product\u{201c}; #%".to_owned(),
        item_type: ItemType::Project,
        pod: id("ratio"),
        owner: id("ada"),
        pipeline: id("short"),
        position: Position::Active { stage: id("spark") },
        since: now(),
        updated_at: now(),
        blocked_since: None,
        link: None,
        head: None,
        suggested: None,
        deployments: BTreeMap::new(),
        archived: None,
        version,
    })
}

fn answered(item: u64, request: &str) -> Answered {
    Answered {
        request: MoveRequest {
            request_id: id(request),
            from: id("spark"),
            to: Destination::Stage(id("seed")),
            requested_by: id("ada"),
            unproven: false,
            reason: None,
            version: Some(item),
        },
        verdict: Verdict::Admit,
        step: Some(Step::Forward),
        version: item + 1,
        reasons: vec![],
        at: now(),
    }
}

fn draft(item: &str, action: &str) -> Draft {
    Draft {
        subject: format!("item:{item}"),
        at: now(),
        actor: "stage-gate".into(),
        action: action.into(),
        phase: Phase::Decision,
        correlation_id: id("c"),
        facts: BTreeMap::new(),
        reasons: vec![],
    }
}

/// An item as it shall be in the place of the version that was read, and nothing else.
fn change(seen: u64, dossier: Dossier) -> ItemChange {
    let entry = draft(dossier.item.id.as_str(), &format!("written.{}", dossier.item.version));
    ItemChange {
        item: dossier.item.id.clone(),
        dossier: Some((seen, dossier)),
        answered: None,
        writes: BTreeMap::new(),
        events: vec![],
        entry,
    }
}

fn makes(scope: &Scope) -> BTreeMap<Scope, Operation> {
    let row = ScopeState { limit: 2, digest: Some(Digest::of(b"in force")), ..ScopeState::absent(scope.clone()) };
    BTreeMap::from([(scope.clone(), Operation::Replace { seen: Fence(0), row: Box::new(row) })])
}

async fn actions<S: Items>(store: &S, item: &str) -> Vec<String> {
    let subject = format!("item:{item}");
    let (entries, head) = store.chain(&subject).await.unwrap();
    verify(&subject, &entries, &head).unwrap();
    entries.into_iter().map(|entry| entry.draft.action).collect()
}

async fn find<S: Items>(store: &S, item: &str, request: &str) -> Found {
    store.item(&id(item), Some(&id::<RequestId>(request))).await.unwrap()
}

async fn an_item_is_written_with_all_that_changes_with_it_or_not_at_all<S: Items>(Case { store, outbox }: Case<S>) {
    assert_eq!(find(&store, "p-1", "r-1").await, Found::default());
    let scope = Scope::Owned(id("ada"));
    let all = |seen, version, request: &str, name: &str| ItemChange {
        answered: Some(answered(seen, request)),
        writes: makes(&scope),
        events: vec![event(name)],
        ..change(seen, dossier("p-1", version))
    };
    assert_eq!(store.commit_item(&all(0, 1, "r-1", "first"), now()).await.unwrap(), ItemCommitted::Done);
    let stands = Found { dossier: Some(dossier("p-1", 1)), answered: Some(answered(0, "r-1")) };
    assert_eq!(find(&store, "p-1", "r-1").await, stands);
    let scopes = store.scopes().await.unwrap();
    assert_eq!((scopes, outbox().len()), (BTreeSet::from([scope.clone()]), 1));

    let other = Scope::Owned(id("bob"));
    let lost = [
        ("the version is another", ItemChange { writes: makes(&other), ..all(3, 4, "r-2", "second") }),
        ("there is such an item", ItemChange { writes: makes(&other), ..all(0, 1, "r-2", "second") }),
        ("the request was answered", ItemChange { writes: makes(&other), ..all(1, 2, "r-1", "second") }),
        ("the place is not as it was read", all(1, 2, "r-2", "second")),
    ];
    for (why, change) in lost {
        assert_eq!(store.commit_item(&change, now()).await.unwrap(), ItemCommitted::Lost, "{why}");
        assert_eq!(find(&store, "p-1", "r-1").await, stands, "{why}");
        assert_eq!(find(&store, "p-1", "r-2").await.answered, None, "{why}");
        assert_eq!((store.scopes().await.unwrap().len(), outbox().len()), (1, 1), "{why}");
        assert_eq!(actions(&store, "p-1").await, ["written.1"], "{why}");
    }
    assert_eq!(store.commit_item(&change(1, dossier("p-1", 2)), now()).await.unwrap(), ItemCommitted::Done);
    assert_eq!(actions(&store, "p-1").await, ["written.1", "written.2"]);
}

async fn what_a_gate_looks_at_is_read_as_it_was_written<S: Items>(Case { store, .. }: Case<S>) {
    let words = [Value::Bool(true), Value::Text("61".to_owned()), Value::Text("false".to_owned())];
    let numbers = ["61", "-0.125", "999999999999.999"].map(|text| Value::Number(text.parse().unwrap()));
    let mut whole = dossier("p-1", 0);
    for (value, number) in words.into_iter().chain(numbers).zip(1..) {
        let provenance = Provenance::Attestation { by: id("bob") };
        let evidence =
            Evidence { value, provenance, head: (number == 1).then(|| id(&"0a".repeat(20))), at: at(number) };
        whole = whole.with_evidence(id(&format!("key_{number}")), evidence);
    }
    let approval = |by: &str| Approval { by: id(by), from: id("spark"), to: id("seed"), head: None, at: now() };
    let whole = whole.with_approval(approval("bob")).with_approval(approval("cy")).with_approval(approval("bob"));
    assert_eq!((whole.item.version, whole.approvals.len()), (9, 2));
    let cause = Cause::Item(id("p-2"));
    let blocker =
        |name: &str| NewBlocker { id: id(name), text: "a \u{201e}blocker\u{201c}".to_owned(), cause: cause.clone() };
    let whole = whole.blocked(&blocker("one"), at(10)).unwrap().blocked(&blocker("two"), at(11)).unwrap();
    let whole = whole.unblocked(&id("one"), at(12)).unwrap().snoozed(&id("two"), &id("bob"), at(90), at(13)).unwrap();
    assert_eq!(store.commit_item(&change(0, whole.clone()), now()).await.unwrap(), ItemCommitted::Done);
    assert_eq!(store.item(&id("p-1"), None).await.unwrap(), Found { dossier: Some(whole), answered: None });
}

async fn of_many_who_write_one_version_one_does<S: Items>(Case { store, .. }: Case<S>) {
    for version in 0..3 {
        let writers = (0..16).map(|number| {
            let store = store.clone();
            async move {
                let mut whole = dossier("p-1", version + 1);
                whole.item.title = format!("by {number}");
                let change = change(version, whole);
                store.commit_item(&change, now()).await.unwrap() == ItemCommitted::Done
            }
        });
        let done = all(writers).await.into_iter().filter(|done| *done).count();
        // All may lose to one another, but never may two win.
        assert!(done <= 1, "{done} wrote version {version}");
        let stands = store.item(&id("p-1"), None).await.unwrap().dossier.map_or(0, |whole| whole.item.version);
        assert_eq!(stands, version + done as u64);
        if done == 0 {
            let again = change(version, dossier("p-1", version + 1));
            assert_eq!(store.commit_item(&again, now()).await.unwrap(), ItemCommitted::Done);
        }
    }
    assert_eq!(actions(&store, "p-1").await.len(), 3);
}

/// A refusal changes no item; its answer is kept all the same, and the first stands.
async fn a_request_is_answered_once<S: Items>(Case { store, outbox }: Case<S>) {
    let refused = |version, name: &str| ItemChange {
        item: id("p-1"),
        dossier: None,
        answered: Some(Answered { verdict: Verdict::Reject, ..answered(version, "r:1_.-") }),
        writes: BTreeMap::new(),
        events: vec![event(name)],
        entry: draft("p-1", name),
    };
    assert_eq!(store.commit_item(&refused(1, "first"), now()).await.unwrap(), ItemCommitted::Done);
    assert_eq!(store.commit_item(&refused(2, "second"), now()).await.unwrap(), ItemCommitted::Lost);
    let found = find(&store, "p-1", "r:1_.-").await;
    assert_eq!((found.answered, found.dossier), (refused(1, "first").answered, None));
    assert_eq!(find(&store, "p-2", "r:1_.-").await, Found::default(), "a request is of one item");
    assert_eq!((actions(&store, "p-1").await, outbox().len()), (vec!["first".to_owned()], 1));
}

async fn items_are_listed_in_order_and_by_pages<S: Items>(Case { store, .. }: Case<S>) {
    assert_eq!(store.items(None, 2).await.unwrap(), Page::default());
    for name in ["p-2", "a.1", "p-10", "z"] {
        assert_eq!(store.commit_item(&change(0, dossier(name, 1)), now()).await.unwrap(), ItemCommitted::Done);
    }
    let page = async |after: Option<&str>, most| {
        let after: Option<ItemId> = after.map(id);
        let page = store.items(after.as_ref(), most).await.unwrap();
        assert_eq!(page.unreadable, Vec::<String>::new());
        let next = page.next.map(|next| next.to_string()).unwrap_or_default();
        (page.items.into_iter().map(|item| item.id.to_string()).collect::<Vec<_>>().join(" "), next)
    };
    assert_eq!(page(None, 3).await, ("a.1 p-10 p-2".to_owned(), "p-2".to_owned()));
    assert_eq!(page(Some("p-2"), 3).await, ("z".to_owned(), String::new()));
    assert_eq!(page(None, 4).await, ("a.1 p-10 p-2 z".to_owned(), String::new()));
    assert_eq!(page(Some("b"), 1).await, ("p-10".to_owned(), "p-10".to_owned()), "after one that there is not");
    assert_eq!(page(Some("z"), 1).await, (String::new(), String::new()));
}

async fn what_does_not_fit_is_refused_before_it_is_sent<S: Items>(Case { store, outbox }: Case<S>) {
    // The item takes two, the entry two, each event one.
    let events: Vec<_> = (0..97).map(|number| event(&format!("e-{number}"))).collect();
    let mut change = ItemChange { events, ..change(0, dossier("p-1", 1)) };
    assert!(!change.fits());
    assert!(!store.commit_item(&change, now()).await.unwrap_err().is_retry());
    change.events.pop();
    assert_eq!(store.commit_item(&change, now()).await.unwrap(), ItemCommitted::Done);
    assert_eq!(outbox().len(), 96);
}
