//! The idea ledger: in order of what ideas are worth, and an idea that becomes an item once, with its entry as evidence.

use super::*;

fn body(id: &str, grades: [u8; 4]) -> Value {
    let [impact, strategic_fit, feasibility, effort] = grades;
    json!({
        "id": id, "title": "A better search", "problem": "nobody finds what they look for",
        "hypothesis": "with an index half of the questions to support are gone",
        "grades": {"impact": impact, "strategic_fit": strategic_fit, "feasibility": feasibility, "effort": effort},
    })
}

impl Rig {
    async fn ideas(&self, who: Option<&str>, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let request: Request = serde_json::from_value(api_request(who, method, path, &body)).unwrap();
        let response = crate::ideas::api::serve(&self.gates, &request).await;
        (response.status_code, serde_json::from_str(&response.body).unwrap())
    }
}

const PROMOTION: &str = "/v1/ideas/search/promotion";

fn place() -> Value {
    json!({"pod": "ratio", "owner": "cy", "pipeline": "short"})
}

#[tokio::test]
async fn the_ledger_lists_what_is_worth_most_first_and_whoever_had_an_idea_grades_it() {
    let rig = Rig::new();
    for (id, grades) in [("small", [1, 1, 5, 5]), ("search", [3, 4, 3, 3])] {
        assert_eq!(rig.ideas(OWNER, "POST", "/v1/ideas", &body(id, grades)).await.0, 201);
    }
    let again = rig.ideas(OWNER, "POST", "/v1/ideas", &body("search", [1, 1, 1, 1])).await;
    assert_eq!((again.0, &again.1["score"]), (200, &json!(4)), "it is in the ledger, and graded by another call");
    assert_eq!(rig.ideas(LEAD, "POST", "/v1/ideas", &body("search", [3, 4, 3, 3])).await.0, 409);
    let listed = |seen: &Value| -> Vec<String> {
        let all = seen["ideas"].as_array().unwrap().iter();
        all.map(|idea| format!("{} {} {}", idea["id"], idea["score"], idea["suggested"]).replace('"', "")).collect()
    };
    let (_, seen) = rig.ideas(READER, "GET", "/v1/ideas", &json!(null)).await;
    assert_eq!(listed(&seen), ["search 4 promote", "small 0.2 archive"]);

    let better = json!({"impact": 5, "strategic_fit": 5, "feasibility": 5, "effort": 1});
    let (status, refused) = rig.ideas(LEAD, "PUT", "/v1/ideas/small/grades", &better).await;
    assert_eq!(
        (status, &refused["detail"]),
        (403, &json!("cy had this idea: they may, and whoever has the role approver or admin"))
    );
    assert_eq!(rig.ideas(INTEGRATOR, "PUT", "/v1/ideas/small/grades", &better).await.0, 200);
    let (_, seen) = rig.ideas(READER, "GET", "/v1/ideas", &json!(null)).await;
    assert_eq!(listed(&seen), ["small 25 promote", "search 4 promote"]);

    let reason = json!({"reason": "somebody else sells it already"});
    assert_eq!(rig.ideas(OWNER, "POST", "/v1/ideas/small/archive", &reason).await.0, 200);
    assert_eq!(rig.ideas(OWNER, "POST", "/v1/ideas/small/archive", &reason).await.0, 200, "it is so already");
    let (status, closed) = rig.ideas(OWNER, "PUT", "/v1/ideas/small/grades", &better).await;
    assert_eq!((status, &closed["type"]), (409, &json!("urn:penstock:problem:idea-closed")), "{closed}");
    let (_, seen) = rig.ideas(READER, "GET", "/v1/ideas", &json!(null)).await;
    assert_eq!(listed(&seen), ["search 4 promote", "small 25 promote"]);
}

#[tokio::test]
async fn an_idea_becomes_an_item_once_and_its_entry_is_evidence() {
    let stages = "parked_review_days: 30
stages:
  - name: spark
    entry:
      idea_ledger_entry: {is: true, from: [idea_ledger]}
      hypothesis_defined: {is: true, from: [attestation, idea_ledger], by: [owner]}
      strategic_fit: {at_least: 3, from: [attestation], by: [technical-lead]}
  - name: seed
";
    let rig = Rig::with_stages(stages);
    rig.make("p-1").await;
    assert_eq!(rig.ideas(OWNER, "POST", "/v1/ideas", &body("search", [3, 4, 3, 3])).await.0, 201);
    assert_eq!(rig.ideas(OTHER_POD, "POST", PROMOTION, &place()).await.0, 403, "finn is of another pod");
    for (status, state) in [(201, "promoted"), (200, "promoted")] {
        let (found, idea) = rig.ideas(OWNER, "POST", PROMOTION, &place()).await;
        assert_eq!((found, &idea["state"]["state"]), (status, &json!(state)));
    }
    let item = rig.world.dossiers()[&id("search")].item.clone();
    assert_eq!((item.title.as_str(), item.item_type.as_str(), item.owner.as_str()), ("A better search", "idea", "cy"));
    let missing = |seen: &Value| -> Vec<String> {
        let all = seen["explain"]["missing"].as_array().unwrap().iter();
        all.map(|one| one["missing"].as_str().unwrap().to_owned()).collect()
    };
    let (_, seen) = rig.get("/v1/items/search").await;
    assert_eq!(missing(&seen), ["strategic_fit is missing: it must be at least 3, from somebody's word"]);
    let (_, other) = rig.get("/v1/items/p-1").await;
    assert_eq!(missing(&other).len(), 3, "p-1 was no idea: {other}");
    assert_eq!(
        rig.ideas(OWNER, "POST", "/v1/ideas/search/archive", &json!({"reason": "nobody wants to buy it"})).await.0,
        409
    );
    let (_, idea) = rig.ideas(READER, "GET", "/v1/ideas/search", &json!(null)).await;
    assert_eq!((&idea["state"]["by"], &idea["version"]), (&json!("cy"), &json!(2)));
}

/// Otherwise anybody who works, of whatever pod, could bring evidence for an item by adding an idea under its id.
#[tokio::test]
async fn an_idea_that_was_not_promoted_proves_nothing_for_the_item_of_its_id() {
    let stages = "parked_review_days: 30
stages:
  - name: spark
    entry:
      hypothesis_defined: {is: true, from: [attestation, idea_ledger], by: [owner]}
  - name: seed
";
    let rig = Rig::with_stages(stages);
    rig.make("search").await;
    assert_eq!(rig.ideas(OTHER_POD, "POST", "/v1/ideas", &body("search", [3, 4, 3, 3])).await.0, 201);
    let lacks = async || rig.get("/v1/items/search").await.1["explain"]["missing"].as_array().unwrap().len();
    assert_eq!(lacks().await, 1, "open");
    let reason = json!({"reason": "nobody wants to buy it"});
    assert_eq!(rig.ideas(OTHER_POD, "POST", "/v1/ideas/search/archive", &reason).await.0, 200);
    assert_eq!(lacks().await, 1, "archived");
}

#[tokio::test]
async fn an_idea_that_finds_no_place_stays_in_the_ledger_and_a_crash_in_between_is_made_up_for() {
    let rig = Rig::new();
    for item in ["p-1", "p-2"] {
        rig.make(item).await;
    }
    assert_eq!(rig.ideas(OWNER, "POST", "/v1/ideas", &body("search", [3, 4, 3, 3])).await.0, 201);
    let (status, waits) = rig.ideas(OWNER, "POST", PROMOTION, &place()).await;
    assert_eq!((status, waits["position"].as_u64()), (409, Some(1)), "{waits}");
    let (_, idea) = rig.ideas(OWNER, "GET", "/v1/ideas/search", &json!(null)).await;
    assert_eq!(idea["state"]["state"], json!("open"));

    let ends = json!({"request_id": "r-1", "from": "spark", "to": "KILLED", "reason": "nobody wants to buy it"});
    assert_eq!(rig.post(OWNER, "/v1/items/p-1/transitions", ends).await.1["verdict"], "admit");
    rig.world.fail("IdeaRows.commit", "search", "down", true, 1);
    assert_eq!(
        rig.ideas(OWNER, "POST", PROMOTION, &place()).await.0,
        503,
        "the item is made, and the ledger does not know"
    );
    assert!(rig.world.dossiers().contains_key(&id("search")));
    assert_eq!(rig.ideas(OWNER, "POST", PROMOTION, &place()).await.0, 201);
    assert_eq!(rig.world.dossiers().len(), 3);
}

#[tokio::test]
async fn a_request_about_ideas_is_refused_before_anything_is_read() {
    let rig = Rig::new();
    let mut all = Vec::new();
    let mut refused = |what: &str, (status, body): (u16, Value)| {
        let errors = body.get("errors").map(Value::to_string).unwrap_or_default();
        all.push(format!("{what}: {status} {}{errors}", body["detail"].as_str().unwrap_or_default()));
    };
    refused("nobody", rig.ideas(None, "GET", "/v1/ideas", &json!(null)).await);
    refused("a reader adds", rig.ideas(READER, "POST", "/v1/ideas", &body("a", [1, 1, 1, 1])).await);
    refused("a grade", rig.ideas(OWNER, "POST", "/v1/ideas", &body("a", [1, 6, 1, 1])).await);
    refused(
        "no pipeline",
        rig.ideas(OWNER, "POST", PROMOTION, &json!({"pod": "ratio", "owner": "cy", "pipeline": "shrt"})).await,
    );
    refused("no idea", rig.ideas(OWNER, "POST", PROMOTION, &place()).await);
    refused("a method", rig.ideas(OWNER, "DELETE", "/v1/ideas/search", &json!(null)).await);
    refused("a route", rig.ideas(OWNER, "GET", "/v1/ideas/search/title", &json!(null)).await);
    insta::assert_snapshot!(all.join("\n"), @r#"
    nobody: 401 the request came without a verified token: send Authorization: Bearer <token> from the API's issuer
    a reader adds: 403 rae has the role reader, and to make, move, attest or approve work items needs the role member
    a grade: 422 grades.strategic_fit: found 6, expected a whole number from 1 to 5, at line 1, column 67 of the body[{"column":67,"field":"grades.strategic_fit","found":"found 6, expected a whole number from 1 to 5","line":1}]
    no pipeline: 422 pipeline: found "shrt", expected a pipeline in stages/; did you mean short?[{"expected":"a pipeline in stages/","field":"pipeline","found":"\"shrt\"","nearest":"short"}]
    no idea: 404 there is no idea search in the ledger
    a method: 405 "DELETE" is not allowed here: use GET
    a route: 404 there is nothing at "/v1/ideas/search/title": the routes begin with /v1/ideas
    "#);
}
