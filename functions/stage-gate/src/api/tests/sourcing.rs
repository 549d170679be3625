//! Evidence that nobody's word gives: read where it is, at the moment of a decision, at the commit that there is then.

use super::*;

const DEFAULT: &str = "main";

impl Rig {
    /// An item in scaffold, whose gate asks for a check run, and its home.
    async fn scaffold(item: &str) -> Self {
        let rig = Self::new();
        rig.seed(item).await;
        rig.attest(OWNER, item, "coverage", json!(61)).await;
        rig.attest(OWNER, item, "tests_pass", json!(true)).await;
        rig.approve(INTEGRATOR, item, "seed", "scaffold").await;
        rig.approve(ADMIN, item, "seed", "scaffold").await;
        let (status, moved) = rig.move_to(OWNER, item, "to-scaffold", "seed", "scaffold").await;
        assert_eq!((status, &moved["verdict"]), (200, &json!("admit")), "{moved}");
        rig.world.push(DEFAULT, &[("README.md", Some("a product"))]);
        rig
    }

    async fn link(&self, token: Option<&str>, item: &str, body: Value) -> (u16, Value) {
        self.ask(token, "PUT", &format!("/v1/items/{item}/link"), &body).await
    }

    async fn missing(&self, item: &str) -> String {
        missing(&self.get(&format!("/v1/items/{item}")).await.1)
    }

    fn head(&self) -> common::domain::id::CommitSha {
        self.world.head(DEFAULT).unwrap()
    }
}

#[tokio::test]
async fn a_gate_reads_check_runs_at_the_present_head_and_takes_no_word_for_them() {
    let rig = Rig::scaffold("p-1").await;
    insta::assert_snapshot!(rig.missing("p-1").await, @"builds is missing: it must be true, from a check run [bring: cy]");
    assert_eq!(rig.attest(OWNER, "p-1", "builds", json!(true)).await.0, 422, "no word counts for it");
    assert_eq!(rig.link(OWNER, "p-1", json!({"repository": 42})).await.0, 200);
    assert_eq!(rig.link(OWNER, "p-1", json!({"repository": 42})).await.0, 200, "it is so already");
    rig.world.check_run(&rig.head(), "builds", None, "");
    insta::assert_snapshot!(rig.missing("p-1").await, @"builds is missing: it must be true, from a check run [bring: cy]");
    rig.world.push(DEFAULT, &[("a", Some("1"))]);
    rig.world.check_run(&rig.head(), "builds", Some(false), "3 errors");
    insta::assert_snapshot!(rig.missing("p-1").await, @"builds is false (true or false), and must be true [bring: cy]");
    rig.world.push(DEFAULT, &[("a", Some("2"))]);
    rig.world.check_run(&rig.head(), "builds", Some(true), "");
    assert_eq!(rig.missing("p-1").await, "");
    let good = rig.head();
    rig.world.push(DEFAULT, &[("a", Some("3"))]);
    assert!(rig.missing("p-1").await.contains("builds is missing"), "another commit, of which nothing is known");
    rig.world.set_branch(DEFAULT, Some(good.clone()));
    let (_, moved) = rig.move_to(OWNER, "p-1", "to-ship", "scaffold", "ship").await;
    assert_eq!(moved["verdict"], "admit", "{moved}");
    let (_, item) = rig.get("/v1/items/p-1").await;
    assert_eq!((&item["head"], &item["position"]["stage"]), (&json!(good.as_str()), &json!("ship")));
}

#[tokio::test]
async fn what_is_through_its_last_gate_holds_no_place_and_may_come_back() {
    let rig = Rig::scaffold("p-1").await;
    rig.link(OWNER, "p-1", json!({"repository": 42})).await;
    rig.world.check_run(&rig.head(), "builds", Some(true), "");
    let (_, early) = rig.move_to(OWNER, "p-1", "r-0", "scaffold", "DONE").await;
    assert_eq!(missing(&early), "a move goes one stage forward: ship lies before it [ask_again: cy]");
    rig.move_to(OWNER, "p-1", "r-1", "scaffold", "ship").await;
    let (_, item) = rig.get("/v1/items/p-1").await;
    assert_eq!((&item["explain"]["next"], &item["explain"]["open"]), (&json!("DONE"), &json!(true)), "{item}");
    let (_, done) = rig.move_to(OWNER, "p-1", "r-2", "ship", "DONE").await;
    assert_eq!((&done["verdict"], &done["step"]), (&json!("admit"), &json!("finish")), "{done}");
    assert_eq!((rig.position("p-1"), rig.stands_in("p-1").len()), ("done in ship".to_owned(), 0));
    rig.gates.schedule("keep").await.unwrap();
    assert_eq!(rig.stands_in("p-1").len(), 0, "nothing is kept for it");
    let aside = json!({"request_id": "r-3", "from": "ship", "to": "PARKED", "reason": "it is not needed any more"});
    let (_, aside) = rig.post(OWNER, "/v1/items/p-1/transitions", aside).await;
    assert_eq!(aside["verdict"], "reject");
    let (_, back) = rig.move_to(OWNER, "p-1", "r-4", "ship", "scaffold").await;
    assert_eq!(
        (&back["step"], rig.position("p-1"), rig.stands_in("p-1").len()),
        (&json!("back"), "scaffold".to_owned(), 3)
    );
}

#[tokio::test]
async fn the_head_of_the_open_pull_request_counts_until_it_is_closed() {
    let rig = Rig::scaffold("p-1").await;
    assert_eq!(rig.link(OWNER, "p-1", json!({"repository": 42, "change": 7})).await.0, 200);
    rig.world.open_change(7, DEFAULT, None, &[("b", Some("1"))]);
    rig.world.check_run(&rig.world.change(7).unwrap().head, "builds", Some(true), "");
    assert_eq!(rig.missing("p-1").await, "");
    rig.world.close_change(7);
    assert!(rig.missing("p-1").await.contains("builds is missing"), "the default branch counts now");
}

#[tokio::test]
async fn an_item_stands_still_since_its_last_commit() {
    let rig = Rig::new();
    rig.make("p-1").await;
    rig.world.push(DEFAULT, &[("a", Some("1"))]);
    assert_eq!(rig.link(OWNER, "p-1", json!({"repository": 42})).await.0, 200);
    let reviewed = async |days: i64| {
        rig.world.pass(SignedDuration::from_hours(24 * days));
        rig.gates.schedule("review").await.unwrap();
        rig.get("/v1/items/p-1").await.1["kill"]["open"].get("no-update").is_some()
    };
    assert!(!reviewed(1).await);
    rig.world.push(DEFAULT, &[("a", Some("2"))]);
    assert!(!reviewed(28).await);
    assert!(!reviewed(30).await, "thirty days after the commit was seen");
    assert!(reviewed(1).await);
}

#[tokio::test]
async fn an_item_lives_where_its_pod_s_items_may_live() {
    let rig = Rig::scaffold("p-1").await;
    for (repository, expected) in [(43, 422), (44, 422), (45, 422), (42, 200)] {
        let (status, answer) = rig.link(OWNER, "p-1", json!({"repository": repository})).await;
        assert_eq!(status, expected, "{answer}");
    }
    assert_eq!(rig.link(OTHER_POD, "p-1", json!({"repository": 42})).await.0, 403);
    assert_eq!(rig.link(ADMIN, "none", json!({"repository": 42})).await.0, 404);
    assert_eq!(rig.link(OWNER, "p-1", json!({"repository": 42, "branch": "main"})).await.0, 422);
}

#[tokio::test]
async fn an_approval_is_of_the_commit_that_there_is_and_nothing_is_decided_over_a_silent_host() {
    let rig = Rig::new();
    rig.make("p-1").await;
    rig.world.push(DEFAULT, &[("a", Some("1"))]);
    assert_eq!(rig.link(OWNER, "p-1", json!({"repository": 42})).await.0, 200);
    assert_eq!(rig.attest(LEAD, "p-1", "strategic_fit", json!(3)).await.0, 201);
    assert_eq!(rig.attest(OWNER, "p-1", "feasible", json!(true)).await.0, 201);
    let approve = async |head: &str| {
        let body = json!({"from": "spark", "to": "seed", "head": head});
        rig.post(INTEGRATOR, "/v1/items/p-1/approvals", body).await.0
    };
    let first = rig.head();
    let (_, item) = rig.get("/v1/items/p-1").await;
    let how = item["explain"]["missing"][0]["how"].as_str().unwrap();
    assert!(how.ends_with(&format!(r#"{{"from": "spark", "to": "seed", "head": "{first}"}}"#)), "{how}");
    assert_eq!(approve(first.as_str()).await, 201);
    assert_eq!(rig.missing("p-1").await, "");
    rig.world.push(DEFAULT, &[("a", Some("2"))]);
    assert_eq!(rig.missing("p-1").await, "0 of 1 approvals of integrator: bob, dan may [approve: bob, dan]");
    assert_eq!(approve(first.as_str()).await, 409, "it is another commit by now");

    rig.world.fail("Forge.branch_head", DEFAULT, "down", true, 1);
    let (status, _) = rig.move_to(OWNER, "p-1", "r-1", "spark", "seed").await;
    assert_eq!((status, rig.position("p-1")), (503, "spark".to_owned()));
    assert_eq!(rig.attest(OWNER, "p-1", "feasible", json!(false)).await.0, 201, "a word needs no host");
}
