//! What people say for an item, and what an item says keeps it.

use super::*;

#[tokio::test]
async fn an_item_says_what_keeps_it_who_can_clear_it_and_how() {
    let rig = Rig::new();
    rig.make("p-1").await;
    let (status, item) = rig.get("/v1/items/p-1").await;
    assert_eq!((status, &item["explain"]["next"], &item["explain"]["open"]), (200, &json!("seed"), &json!(false)));
    insta::assert_snapshot!(missing(&item), @r"
    strategic_fit is missing: it must be at least 3, from somebody's word [attest: dan]
    feasible is missing: it must be true, from somebody's word [attest: cy, dan]
    0 of 1 approvals of integrator: bob, dan may [approve: bob, dan]
    ");
    insta::assert_snapshot!(item["explain"]["missing"][0]["how"].as_str().unwrap(), @r#"one of them sends POST /v1/items/p-1/evidence {"key": "strategic_fit", "value": …}"#);
    rig.ready_for_seed("p-1").await;
    let calls = rig.world.calls().len();
    let (_, item) = rig.get("/v1/items/p-1").await;
    assert_eq!((&item["explain"]["open"], &item["explain"]["missing"]), (&json!(true), &json!([])));
    assert!(rig.world.calls()[calls..].iter().all(|call| !call.write), "looking writes nothing");
    assert_eq!(item["evidence"]["strategic_fit"]["provenance"], json!({"source": "attestation", "by": "dan"}));
    assert_eq!(item["approvals"][0]["by"], "bob");
    // Whoever looks does not ask: the reviewer is not told that their own approval does not count.
    let (_, same) = rig.ask(INTEGRATOR, "GET", "/v1/items/p-1", &Value::Null).await;
    assert_eq!(same["explain"], item["explain"]);

    let (status, page) = rig.get("/v1/items?limit=1").await;
    assert_eq!((status, page["items"].as_array().unwrap().len(), &page["next"]), (200, 1, &Value::Null));
    rig.make("p-2").await;
    let (_, page) = rig.get("/v1/items?limit=1").await;
    assert_eq!((&page["items"][0]["id"], &page["next"]), (&json!("p-1"), &json!("/v1/items?after=p-1")));
    let (_, page) = rig.get("/v1/items?after=p-1").await;
    assert_eq!((&page["items"][0]["id"], &page["next"]), (&json!("p-2"), &Value::Null));
}

#[tokio::test]
async fn a_word_and_an_approval_are_taken_from_those_whose_they_are() {
    let rig = Rig::new();
    rig.make("p-1").await;
    let mut page = Vec::new();
    let mut said = |name: &str, (status, body): (u16, Value)| {
        page.push(format!("{name}: {status} {}", body["detail"].as_str().unwrap()));
    };
    said("not in the group", rig.attest(OWNER, "p-1", "strategic_fit", json!(3)).await);
    said("no such criterion", rig.attest(LEAD, "p-1", "strategic_fitt", json!(3)).await);
    said("not by word", rig.attest(LEAD, "p-1", "builds", json!(true)).await);
    let other = json!({"key": "strategic_fit", "value": 3, "source": "check_run"});
    said("another source", rig.post(LEAD, "/v1/items/p-1/evidence", other).await);
    said("no value", rig.attest(LEAD, "p-1", "strategic_fit", json!(null)).await);
    said("no reviewer", rig.approve(OWNER, "p-1", "spark", "seed").await);
    said("not there", rig.approve(INTEGRATOR, "p-1", "seed", "scaffold").await);
    said("not next", rig.approve(INTEGRATOR, "p-1", "spark", "scaffold").await);
    let seen = json!({"from": "spark", "to": "seed", "head": "0a".repeat(20)});
    said("another commit", rig.post(INTEGRATOR, "/v1/items/p-1/approvals", seen).await);
    said("no such item", rig.approve(INTEGRATOR, "p-9", "spark", "seed").await);
    insta::assert_snapshot!(page.join("\n"), @r#"
    not in the group: 403 the word for strategic_fit takes somebody in technical-lead, and cy is not: dan
    no such criterion: 422 key: found "strategic_fitt", expected a criterion of the pipeline short that takes somebody's word; did you mean strategic_fit?
    not by word: 422 key: found "builds", expected a criterion that takes somebody's word: this one takes a check run
    another source: 422 source: found check_run, expected attestation: here somebody gives their own word, and a check run is never taken from a request, at line 1, column 43 of the body
    no value: 422 value: expected true, false, a number or a text, at line 1, column 36 of the body
    no reviewer: 403 an approval of p-1 from spark to seed takes somebody in integrator, and cy is not: bob, dan
    not there: 409 p-1 is in spark, not in seed: look at it again
    not next: 409 p-1 goes from spark to seed next: approve that move
    another commit: 409 p-1 is at no commit, and the approval is for 0a0a0a0: look at it again
    no such item: 404 there is no item p-9
    "#);
    assert_eq!(rig.actions("p-1").await, ["item.create"], "nothing of it was written");

    let first = rig.attest(LEAD, "p-1", "strategic_fit", json!(2)).await;
    assert_eq!((first.0, &first.1["version"]), (201, &json!(2)));
    let again = rig.attest(LEAD, "p-1", "strategic_fit", json!(2)).await;
    assert_eq!((again.0, &again.1), (200, &first.1), "said again it changes nothing");
    assert_eq!(rig.attest(LEAD, "p-1", "strategic_fit", json!(3)).await.0, 201, "another word takes its place");
    assert_eq!(rig.approve(INTEGRATOR, "p-1", "spark", "seed").await.0, 201);
    assert_eq!(rig.approve(INTEGRATOR, "p-1", "spark", "seed").await.0, 200);
    assert_eq!(rig.world.dossiers()[&id("p-1")].approvals.len(), 1);
    // What somebody approved before it came back here counts no more.
    rig.attest(OWNER, "p-1", "feasible", json!(true)).await;
    rig.move_to(OWNER, "p-1", "r-1", "spark", "seed").await;
    rig.world.pass(SignedDuration::from_mins(1));
    rig.move_to(OWNER, "p-1", "r-2", "seed", "spark").await;
    let (_, decision) = rig.move_to(OWNER, "p-1", "r-3", "spark", "seed").await;
    assert_eq!(missing(&decision), "0 of 1 approvals of integrator: bob, dan may [approve: bob, dan]");
    assert_eq!(rig.approve(INTEGRATOR, "p-1", "spark", "seed").await.0, 201);
}

/// Between looking and approving somebody may say something else: what was not seen is not approved (threats 37).
#[tokio::test]
async fn an_approval_is_of_the_version_that_was_seen() {
    let rig = Rig::new();
    rig.make("p-1").await;
    assert_eq!(rig.attest(LEAD, "p-1", "strategic_fit", json!(3)).await.0, 201);
    let seen = rig.get("/v1/items/p-1").await.1["version"].clone();
    let approval = json!({"from": "spark", "to": "seed", "version": seen});
    assert_eq!(rig.attest(LEAD, "p-1", "strategic_fit", json!(1)).await.0, 201);
    let (status, problem) = rig.post(INTEGRATOR, "/v1/items/p-1/approvals", approval).await;
    assert_eq!(status, 409);
    insta::assert_snapshot!(problem["detail"].as_str().unwrap(), @"p-1 is of version 3 now, and you saw 2: look at it again, then approve");
    let approval = json!({"from": "spark", "to": "seed", "version": 3});
    assert_eq!(rig.post(INTEGRATOR, "/v1/items/p-1/approvals", approval.clone()).await.0, 201);
    assert_eq!(
        rig.post(INTEGRATOR, "/v1/items/p-1/approvals", approval).await.0,
        200,
        "the same again changes nothing"
    );
}
