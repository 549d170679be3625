//! A blocker that waits for an item is resolved when that is done, and not when it was ended or put aside.

use super::*;

#[tokio::test]
async fn what_waits_for_an_item_goes_on_when_that_is_done() {
    let rig = Rig::with_stages("parked_review_days: 30\nstages:\n  - name: spark\n  - name: seed\n");
    for item in ["p-1", "p-2"] {
        rig.make(item).await;
    }
    let waits = |on: &str| json!({"id": format!("waits-for-{on}"), "text": "its index", "cause": {"item": on}});
    assert_eq!(rig.post(OWNER, "/v1/items/p-1/blockers", waits("p-2")).await.0, 201);
    let outside = json!({"id": "b-2", "text": "a contract", "cause": {"outside": "vendor"}});
    assert_eq!(rig.post(OWNER, "/v1/items/p-1/blockers", outside).await.0, 201);
    let open = || {
        let dossier = rig.world.dossiers()[&id("p-1")].clone();
        dossier.open_blockers().map(|blocker| blocker.id.to_string()).collect::<Vec<_>>()
    };
    let go = async |request: &str, from: &str, to: &str| {
        let body = json!({"request_id": request, "from": from, "to": to, "reason": "as we agreed on Monday"});
        assert_eq!(rig.post(OWNER, "/v1/items/p-2/transitions", body).await.1["verdict"], "admit", "{to}");
        rig.gates.schedule("keep").await.unwrap();
    };
    rig.gates.schedule("keep").await.unwrap();
    assert_eq!(open(), ["b-2", "waits-for-p-2"]);
    go("r-1", "spark", "PARKED").await;
    assert_eq!(open(), ["b-2", "waits-for-p-2"], "it was put aside");
    go("r-2", "spark", "spark").await;
    go("r-3", "spark", "seed").await;
    go("r-4", "seed", "DONE").await;
    assert_eq!(open(), ["b-2"]);
    assert_eq!(rig.told().into_iter().filter(|name| *name == "Item Unblocked").count(), 1);
}
