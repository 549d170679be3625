//! Items and the limits on work in progress: an item is in a stage with its place there, or it is not there.

use std::collections::BTreeSet;

use common::{
    domain::{
        stage::{Destination, Dossier},
        wip::{ScopeState, admission, holding, settle::Rows},
    },
    ports::{Committed, ItemChange, WipRows, decide_over},
};

use super::*;
use crate::telling;

impl Rig {
    fn tickets(&self, item: &str) -> Vec<String> {
        let rows = self.world.wip_rows();
        let waits = |row: &&ScopeState| row.tickets.get(&id(item)).is_some_and(|one| one.is_live(self.world.now()));
        rows.values().filter(waits).map(|row| row.scope.to_string()).collect()
    }

    async fn keep(&self) {
        self.gates.schedule("keep").await.unwrap();
    }

    /// Three items of which two are in seed, as many as may be; the third could go there.
    async fn full() -> Self {
        let rig = Self::new();
        rig.seed("p-1").await;
        rig.seed("p-2").await;
        rig.make("p-3").await;
        rig.ready_for_seed("p-3").await;
        rig.told();
        rig
    }
}

#[tokio::test]
async fn a_move_into_a_full_stage_changes_nothing_and_gives_a_place_in_line() {
    let rig = Rig::full().await;
    let before = rig.world.dossiers()[&id("p-3")].clone();
    let actions = rig.actions("p-3").await;
    let (status, waits) = rig.move_to(OWNER, "p-3", "r-1", "spark", "seed").await;
    assert_eq!((status, &waits["type"], &waits["position"]), (409, &json!("urn:penstock:problem:queued"), &json!(1)));
    assert_eq!(waits["full"][0]["scope"], "pod-stage:ratio:seed");
    let holders: Vec<&str> =
        waits["full"][0]["holders"].as_array().unwrap().iter().filter_map(|one| one["item"].as_str()).collect();
    assert_eq!(holders, ["p-1", "p-2"]);
    assert_eq!(rig.world.dossiers()[&id("p-3")], before);
    assert_eq!((rig.stands_in("p-3").len(), rig.tickets("p-3")), (3, vec!["pod-stage:ratio:seed".to_owned()]));
    assert_eq!((rig.told(), rig.actions("p-3").await), (vec!["WIP Limit Exceeded"], actions));
    // It is said to whoever looks, too.
    let (_, item) = rig.get("/v1/items/p-3").await;
    let explain = &item["explain"];
    assert_eq!(
        (&explain["open"], &explain["missing"], &explain["full"]["position"]),
        (&json!(false), &json!([]), &json!(1))
    );

    rig.world.pass(SignedDuration::from_mins(5));
    let (_, again) = rig.move_to(OWNER, "p-3", "r-1", "spark", "seed").await;
    assert_eq!(again["ticket"]["number"], waits["ticket"]["number"], "asking again keeps the place in line");

    // Room: its turn is kept for it until it asks.
    let aside = json!({"request_id": "r-9", "from": "seed", "to": "PARKED", "reason": "until the team is back in May"});
    assert_eq!(rig.post(OWNER, "/v1/items/p-1/transitions", aside).await.0, 200);
    rig.make("p-4").await;
    rig.ready_for_seed("p-4").await;
    assert_eq!(rig.move_to(OWNER, "p-4", "r-1", "spark", "seed").await.0, 409, "who comes later does not pass");
    let (status, decision) = rig.move_to(OWNER, "p-3", "r-1", "spark", "seed").await;
    assert_eq!((status, &decision["verdict"], rig.position("p-3")), (200, &json!("admit"), "seed".to_owned()));
    assert_eq!(rig.stands_in("p-3"), ["portfolio", "pod:ratio", "pod-stage:ratio:seed"]);
}

#[tokio::test]
async fn a_gate_that_is_shut_gives_no_place_in_line() {
    let rig = Rig::full().await;
    rig.make("p-4").await;
    let (status, decision) = rig.move_to(OWNER, "p-4", "r-1", "spark", "seed").await;
    assert_eq!((status, &decision["verdict"], rig.tickets("p-4")), (200, &json!("reject"), vec![]));
    let (_, item) = rig.get("/v1/items/p-4").await;
    assert_eq!(item["explain"]["missing"].as_array().unwrap().len(), 3);
    assert_eq!(
        item["explain"]["full"]["full"][0]["scope"], "pod-stage:ratio:seed",
        "that it is full is said all the same"
    );
    assert_eq!(
        (&item["explain"]["full"]["ticket"], rig.tickets("p-4")),
        (&Value::Null, vec![]),
        "looking takes no ticket"
    );
}

#[tokio::test]
async fn an_item_is_made_with_its_place_or_not_at_all() {
    let rig = Rig::new();
    rig.make("p-1").await;
    rig.make("p-2").await;
    rig.told();
    let (status, waits) = rig.post(OWNER, "/v1/items", new("p-3")).await;
    assert_eq!((status, &waits["position"]), (409, &json!(1)));
    assert_eq!((rig.world.dossiers().len(), rig.actions("p-3").await), (2, Vec::<String>::new()));
    assert_eq!((rig.get("/v1/items/p-3").await.0, rig.told()), (404, vec!["WIP Limit Exceeded"]));
    rig.ready_for_seed("p-1").await;
    rig.move_to(OWNER, "p-1", "r-1", "spark", "seed").await;
    let (status, made) = rig.post(OWNER, "/v1/items", new("p-3")).await;
    assert_eq!((status, &made["version"]), (201, &json!(1)), "the place was handed to it: {made}");
    assert_eq!(rig.stands_in("p-3"), ["portfolio", "pod:ratio", "pod-stage:ratio:spark"]);
}

#[tokio::test]
async fn an_item_that_has_a_place_as_something_else_is_not_made() {
    let rig = Rig::new();
    let limits = &rig.gates.governance.limits;
    let work = serde_json::from_value(
        json!({"item": "p-1", "pod": "ratio", "stage": "ship", "type": "project", "owner": "cy"}),
    );
    let request = admission::Request::new(work.unwrap(), id("cy"), None, limits).unwrap();
    let ask = |rows: &Rows, now| admission::ask(&request, rows, limits, now);
    let taken = decide_over(&rig.world, &rig.world, &request.scopes, ask).await.unwrap();
    assert_eq!(WipRows::commit(&rig.world, &taken.answer.writes, &[], taken.now).await.unwrap(), Committed::Done);
    let (status, problem) = rig.post(OWNER, "/v1/items", new("p-1")).await;
    assert_eq!((status, &problem["type"]), (409, &json!("urn:penstock:problem:held-otherwise")));
    assert_eq!((&problem["elsewhere"], &problem["fence"]), (&json!(["pod-stage:ratio:spark"]), &Value::Null));
    assert!(rig.world.dossiers().is_empty());
}

#[tokio::test]
async fn what_ends_gives_back_its_place_in_line_too() {
    let rig = Rig::full().await;
    assert_eq!(rig.move_to(OWNER, "p-3", "r-1", "spark", "seed").await.0, 409);
    let end = json!({"request_id": "r-2", "from": "spark", "to": "KILLED", "reason": "nobody wants to buy it at all"});
    assert_eq!(rig.post(OWNER, "/v1/items/p-3/transitions", end).await.0, 200);
    assert_eq!((rig.stands_in("p-3"), rig.tickets("p-3")), (vec![], vec![]));
}

#[tokio::test]
async fn a_stage_without_a_rule_is_said_and_nothing_goes_there() {
    let rig = Rig::with(&LIMITS.replace("pod-stage:*:*", "pod-stage:*:spark"));
    rig.make("p-1").await;
    rig.ready_for_seed("p-1").await;
    let (status, problem) = rig.move_to(OWNER, "p-1", "r-1", "spark", "seed").await;
    assert_eq!(
        (status, &problem["scopes"], rig.position("p-1")),
        (422, &json!(["pod-stage:ratio:seed"]), "spark".into())
    );
    let (_, item) = rig.get("/v1/items/p-1").await;
    let explain = &item["explain"];
    assert_eq!((&explain["open"], &explain["no_rule"]), (&json!(false), &json!(["pod-stage:ratio:seed"])));
    let mut lost = new("p-2");
    lost["pod"] = json!("nanda");
    lost["owner"] = json!("finn");
    let nanda = Rig::with(&LIMITS.replace("\"pod:*\"", "\"pod:ratio\""));
    let (status, problem) = nanda.post(OTHER_POD, "/v1/items", lost).await;
    assert_eq!((status, &problem["scopes"]), (422, &json!(["pod:nanda"])));
    assert!(nanda.world.dossiers().is_empty());
}

#[tokio::test]
async fn places_of_items_under_way_are_kept_whoever_forgets_them() {
    let rig = Rig::new();
    rig.seed("p-1").await;
    rig.make("p-2").await;
    let aside =
        json!({"request_id": "r-9", "from": "spark", "to": "PARKED", "reason": "until the team is back in May"});
    rig.post(OWNER, "/v1/items/p-2/transitions", aside).await;
    let ends = || {
        let row = rig.world.wip_rows()[&Scope::Portfolio].clone();
        row.leases.get(&id("p-1")).map(|lease| lease.expires_at)
    };
    let first = ends().unwrap();
    rig.world.pass(SignedDuration::from_hours(1));
    rig.keep().await;
    assert_eq!(ends(), Some(first), "it has more than half of its time left");
    rig.world.pass(SignedDuration::from_hours(12));
    rig.told();
    rig.keep().await;
    assert_eq!(ends(), Some(rig.world.now() + SignedDuration::from_hours(24)));
    assert_eq!(
        (rig.told(), rig.stands_in("p-2")),
        (vec![], vec![]),
        "renewing is told to nobody; what is aside has no place"
    );

    // Nobody looked for a day and more: the place may be another's by now, and is asked for again.
    rig.world.pass(SignedDuration::from_hours(30));
    assert_eq!(rig.stands_in("p-1"), Vec::<String>::new());
    rig.keep().await;
    assert_eq!(rig.stands_in("p-1"), ["portfolio", "pod:ratio", "pod-stage:ratio:seed"]);
}

#[tokio::test]
async fn an_item_that_cannot_be_looked_at_keeps_no_other_from_its_place() {
    let rig = Rig::new();
    rig.make("p-1").await;
    rig.make("p-2").await;
    rig.world.pass(SignedDuration::from_hours(30));
    rig.world.fail("ItemRows.item", "p-1", "InternalServerError", true, 1);
    assert!(rig.gates.schedule("keep").await.unwrap_err().is_retry());
    assert_eq!((rig.stands_in("p-1").len(), rig.stands_in("p-2").len()), (0, 3));
    rig.keep().await;
    let standing: BTreeSet<_> = ["p-1", "p-2"].into_iter().map(|item| rig.stands_in(item).len()).collect();
    assert_eq!(standing, [3].into());
    assert!(!rig.gates.schedule("nap").await.unwrap_err().is_retry());
}

#[tokio::test]
async fn who_is_overtaken_again_and_again_is_told_to_come_back() {
    let rig = Rig::new();
    rig.make("p-1").await;
    rig.ready_for_seed("p-1").await;
    rig.world.conflict_on_wip_rows(1_000);
    let (status, problem) = rig.move_to(OWNER, "p-1", "r-1", "spark", "seed").await;
    assert_eq!((status, rig.position("p-1")), (503, "spark".to_owned()), "{problem}");
    rig.world.conflict_on_wip_rows(3);
    assert_eq!(rig.move_to(OWNER, "p-1", "r-1", "spark", "seed").await.0, 200);
}

/// Where much has ended at once, the rows are tidied up by themselves before the item is written with what is left.
#[tokio::test]
async fn what_does_not_fit_into_one_transaction_is_tidied_up_first() {
    let rig = Rig::new();
    rig.seed("p-1").await;
    let item = rig.world.dossiers()[&id("p-1")].item.clone();
    rig.world.pass(SignedDuration::from_hours(30));
    rig.told();
    let (limits, cause) = (&rig.gates.governance.limits, id("c"));
    let scopes = rig.world.wip_rows().into_keys().collect();
    let sweep = |rows: &Rows, now| holding::sweep(rows, limits, now);
    let decided = rig.gates.over(&scopes, sweep).await.unwrap();
    let event = rig.gates.told(&decided, &cause).remove(0);
    let change = ItemChange {
        item: item.id.clone(),
        dossier: Some((item.version, Dossier::new(item.moved(&Destination::Stage(id("scaffold")), decided.now)))),
        answered: None,
        writes: decided.answer.writes.clone(),
        events: vec![event; 96],
        entry: telling::entry(&item.id, "item.forward", [], &cause, decided.now),
    };
    assert!(!change.fits());
    assert!(!rig.gates.commit(&change, &decided, &cause).await.unwrap(), "decide again");
    assert_eq!((rig.position("p-1"), rig.told()), ("seed".to_owned(), vec!["WIP Lock Expired"]));
    assert!(rig.world.wip_rows().values().all(|row| row.leases.is_empty()));
}

/// Whoever gives an item's place back under the limits' own API and asks for it as other work has moved nothing.
#[tokio::test]
async fn a_place_that_was_exchanged_for_another_is_put_right() {
    let rig = Rig::new();
    rig.seed("p-1").await;
    let item = rig.world.dossiers()[&id("p-1")].item.clone();
    let (limits, cause) = (&rig.gates.governance.limits, id("c"));
    let scopes = rig.world.wip_rows().into_keys().collect();
    let gives = |rows: &Rows, now| holding::withdraw(&item.id, rows, limits, now);
    let given = rig.gates.over(&scopes, gives).await.unwrap();
    assert!(rig.gates.commit_places(&given, &cause).await.unwrap());
    let other = admission::Request::new(item.work_in(&id("spark")), item.owner.clone(), None, limits).unwrap();
    let asks = |rows: &Rows, now| admission::ask(&other, rows, limits, now);
    let asked = rig.gates.over(&other.scopes, asks).await.unwrap();
    assert!(rig.gates.commit_places(&asked, &cause).await.unwrap());
    assert_eq!(rig.stands_in("p-1"), ["portfolio", "pod:ratio", "pod-stage:ratio:spark"]);
    rig.keep().await;
    assert_eq!(rig.stands_in("p-1"), ["portfolio", "pod:ratio", "pod-stage:ratio:seed"]);
}
