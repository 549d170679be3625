//! What keeps items: said by the API and by the bus, once each.

use common::event::{Event, ItemBlocked, ItemUnblocked};

use super::*;

fn vendor() -> Value {
    json!({"id": "vendor", "text": "the vendor does not answer", "cause": {"outside": "vendor-api"}})
}

#[tokio::test]
async fn a_blocker_is_opened_put_off_and_resolved() {
    let rig = Rig::new();
    rig.make("p-1").await;
    rig.told();
    let (status, opened) = rig.post(OWNER, "/v1/items/p-1/blockers", vendor()).await;
    assert_eq!((status, &opened["blocker"]["text"]), (201, &json!("the vendor does not answer")), "{opened}");
    assert_eq!(rig.post(OWNER, "/v1/items/p-1/blockers", vendor()).await.0, 200, "it is open already");
    let (_, item) = rig.get("/v1/items/p-1").await;
    assert_eq!((item["blockers"].as_array().map(Vec::len), item["blocked_since"].is_string()), (Some(1), true));

    let until = (rig.world.now() + SignedDuration::from_hours(24)).to_string();
    let snooze = "/v1/items/p-1/blockers/vendor/snooze";
    let (status, quiet) = rig.post(LEAD, snooze, json!({"until": until})).await;
    assert_eq!((status, &quiet["blocker"]["snooze"]["by"]), (200, &json!("dan")), "{quiet}");
    let past = rig.world.now().to_string();
    assert_eq!(rig.post(LEAD, snooze, json!({"until": past})).await.0, 422);

    let gone = rig.ask(OWNER, "DELETE", "/v1/items/p-1/blockers/vendor", &Value::Null).await;
    assert_eq!((gone.0, gone.1["blocker"]["resolved_at"].is_string()), (200, true));
    assert_eq!(rig.ask(OWNER, "DELETE", "/v1/items/p-1/blockers/vendor", &Value::Null).await.0, 200);
    assert_eq!(rig.ask(OWNER, "DELETE", "/v1/items/p-1/blockers/other", &Value::Null).await.0, 404);
    let mut told = rig.told();
    told.sort_unstable();
    assert_eq!(told, ["Item Blocked", "Item Unblocked"], "once each");
    assert_eq!(rig.actions("p-1").await, ["item.create", "item.block", "item.snooze", "item.unblock"]);
}

#[tokio::test]
async fn only_who_may_move_an_item_says_what_keeps_it() {
    let rig = Rig::new();
    rig.make("p-1").await;
    assert_eq!(rig.post(OTHER_POD, "/v1/items/p-1/blockers", vendor()).await.0, 403);
    assert_eq!(rig.post(READER, "/v1/items/p-1/blockers", vendor()).await.0, 403);
    assert_eq!(rig.post(ADMIN, "/v1/items/none/blockers", vendor()).await.0, 404);
    let hidden = json!({"id": "vendor", "text": "a\u{202e}b", "cause": {"outside": "vendor-api"}});
    assert_eq!(rig.post(OWNER, "/v1/items/p-1/blockers", hidden).await.0, 422);
    let nobody = json!({"id": "vendor", "text": "it waits", "cause": {"weather": "rain"}});
    assert_eq!(rig.post(OWNER, "/v1/items/p-1/blockers", nobody).await.0, 422);
}

#[tokio::test]
async fn the_bus_may_say_what_its_person_could_and_hears_its_own_words_in_peace() {
    let rig = Rig::new();
    rig.make("p-1").await;
    rig.told();
    let cause = || "c-1".parse().unwrap();
    let event = |event| telling::envelope(&id("p-1"), event, &["e-1"], &cause(), rig.world.now());
    let blocked = |by: &str| {
        event(Event::ItemBlocked(ItemBlocked {
            item: id("p-1"),
            blocker: id("vendor"),
            text: "the vendor does not answer".to_owned(),
            cause: common::domain::rhythm::Cause::Outside(id("vendor-api")),
            by: id(by),
        }))
    };
    for nobody in ["finn", "zed", "mallory"] {
        let fault = rig.gates.event(&blocked(nobody)).await.unwrap_err();
        assert!(matches!(fault, common::fault::Fault::Reject { .. }), "{nobody}: {fault}");
    }
    rig.gates.event(&blocked("cy")).await.unwrap();
    let told = rig.world.drain();
    assert_eq!(told.len(), 1);
    rig.gates.event(&told[0]).await.unwrap();
    assert_eq!(rig.told(), Vec::<&str>::new(), "its own event says nothing new");
    let gone = ItemUnblocked { item: id("p-1"), blocker: id("vendor"), by: id("cy"), pod: None, others: None };
    rig.gates.event(&event(Event::ItemUnblocked(gone))).await.unwrap();
    assert_eq!(rig.told(), ["Item Unblocked"]);
}
