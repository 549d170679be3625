//! Every route with whoever may not, and with whatever is no call: refused before the table is asked for anything.

use proptest::{prelude::*, sample::select};

use super::*;

/// Each route with a request that its rules would let pass.
fn routes() -> [(&'static str, &'static str, Value); 11] {
    [
        ("POST", "/v1/items", new("p-1")),
        ("GET", "/v1/items", Value::Null),
        ("GET", "/v1/items/p-1", Value::Null),
        ("POST", "/v1/items/p-1/transitions", json!({"request_id": "r-1", "from": "spark", "to": "seed"})),
        ("POST", "/v1/items/p-1/evidence", json!({"key": "feasible", "value": true})),
        ("POST", "/v1/items/p-1/approvals", json!({"from": "spark", "to": "seed"})),
        ("POST", "/v1/items/p-1/blockers", json!({"id": "b", "text": "it waits", "cause": {"person": "bob"}})),
        ("POST", "/v1/items/p-1/blockers/b/snooze", json!({"until": "2026-01-06T09:00:00Z"})),
        ("DELETE", "/v1/items/p-1/blockers/b", Value::Null),
        (
            "POST",
            "/v1/items/p-1/exceptions",
            json!({"rule": "no-update", "until": "2026-02-05T09:00:00Z", "plan": "the customer signs in March for sure"}),
        ),
        ("POST", "/v1/items/p-1/appeals", json!({"reason": "the customer wants it"})),
    ]
}

#[tokio::test]
async fn every_route_wants_a_person_with_the_right_role_and_asks_nothing_of_the_table_before() {
    let rig = Rig::new();
    let statuses = async |token: Option<&str>| {
        let mut found = Vec::new();
        for (method, path, body) in routes() {
            found.push(rig.ask(token, method, path, &body).await.0);
        }
        found
    };
    assert_eq!(statuses(None).await, [401; 11]);
    assert_eq!(statuses(Some("sub|nobody")).await, [403; 11]);
    assert_eq!(statuses(Some("sub|zed")).await, [403; 11], "listed, without a role");
    assert_eq!(statuses(Some("")).await, [401; 11]);
    assert_eq!(rig.world.calls().len(), 0);
    assert_eq!(statuses(READER).await, [403, 200, 404, 403, 403, 403, 403, 403, 403, 403, 403]);
    assert!(rig.world.calls().iter().all(|call| !call.write));
    assert_eq!(statuses(OTHER_POD).await, [403, 200, 404, 404, 404, 404, 404, 404, 404, 403, 404]);
    assert_eq!(statuses(OWNER).await, [201, 200, 200, 200, 201, 403, 201, 200, 200, 403, 409]);
    assert_eq!(
        statuses(OTHER_POD).await,
        [403, 200, 200, 403, 403, 403, 403, 403, 403, 403, 403],
        "another pod's item"
    );
    assert_eq!(statuses(LEAD).await, [200, 200, 200, 422, 201, 201, 409, 409, 200, 403, 409], "r-1 was the owner's");
    assert_eq!(
        statuses(ADMIN).await,
        [200, 200, 200, 422, 403, 403, 409, 409, 200, 409, 409],
        "an admin is in no group by that"
    );
}

#[tokio::test]
async fn claims_that_are_not_as_the_gateway_writes_them_are_nobody_s() {
    let rig = Rig::new();
    for authorizer in [
        json!(null),
        json!({"jwt": {"claims": {}}}),
        json!({"jwt": {"claims": {"sub": "sub|ada"}}}),
        json!({"jwt": {"claims": {"sub": ["sub|ada"], "exp": "1"}}}),
        json!({"lambda": {"sub": "sub|ada", "exp": "1"}}),
    ] {
        for (method, path, body) in routes() {
            let mut request = api_request(None, method, path, &body.to_string());
            request["requestContext"]["authorizer"] = authorizer.clone();
            request["headers"] = json!({"authorization": "Bearer a.b.c", "x-penstock-person": "ada"});
            assert_eq!(rig.raw(request).await.0, 401, "{method} {path} {authorizer}");
        }
    }
    let mut reader = api_request(READER, "POST", "/v1/items", &new("p-1").to_string());
    reader["requestContext"]["authorizer"]["jwt"]["claims"]["penstock_roles"] = json!("[admin]");
    assert_eq!(rig.raw(reader).await.0, 403, "a token gives no role that the file does not");
    assert_eq!(rig.world.calls().len(), 0);
}

#[tokio::test]
async fn routes_methods_and_queries() {
    let rig = Rig::new();
    rig.make("p-1").await;
    for (method, path, expected) in [
        ("GET", "/v1/items/p%2D1", 200),
        ("GET", "/v1/items?after=p-1&limit=100", 200),
        ("GET", "/v1/items/P", 422),
        ("GET", "/v1/items/a%2Fb", 422),
        ("GET", "/v1/items/%ff", 404),
        ("GET", "/v1/items/", 422),
        ("GET", "/v1/items?limit=0", 422),
        ("GET", "/v1/items?limit=101", 422),
        ("GET", "/v1/items?limit=1&limit=2", 422),
        ("GET", "/v1/items?after=", 422),
        ("GET", "/v1/items?pod=ratio", 422),
        ("GET", "/v1/items/p-1?full=1", 422),
        ("POST", "/v1/items/p-1/transitions?dry=1", 422),
        ("GET", "/v1/items/p-1/transitions", 405),
        ("DELETE", "/v1/items/p-1", 405),
        ("PUT", "/v1/items", 405),
        ("GET", "/v1/items/p-1/blockers", 405),
        ("POST", "/v1/items/p-1/blockers/b", 405),
        ("GET", "/v1/items/p-1/history", 404),
        ("GET", "/v1/items/p-1/evidence/x", 404),
        ("GET", "/v1/item", 404),
        ("GET", "/v2/items", 404),
        ("GET", "", 404),
    ] {
        assert_eq!(rig.ask(ADMIN, method, path, &Value::Null).await.0, expected, "{method} {path}");
    }
    assert_eq!(rig.raw(json!({})).await.0, 404);
}

#[tokio::test]
async fn a_body_is_refused_with_everything_that_is_wrong_in_it() {
    let rig = Rig::new();
    rig.make("p-0").await;
    let calls = rig.world.calls().len();
    let create = |change: &dyn Fn(&mut Value)| {
        let mut body = new("p-1");
        change(&mut body);
        ("/v1/items", body)
    };
    let moves = |body: Value| ("/v1/items/p-0/transitions", body);
    let word = |value: Value| ("/v1/items/p-0/evidence", json!({"key": "feasible", "value": value}));
    let mut page = Vec::new();
    for (path, body) in [
        create(&|body| body["pipeline"] = json!("shrt")),
        create(&|body| {
            body["pod"] = json!("ratoi");
            body["owner"] = json!("cyy");
        }),
        create(&|body| body["id"] = json!("pr-42-7")),
        create(&|body| body["title"] = json!("  ")),
        create(&|body| body["title"] = json!("a\u{202e}b")),
        create(&|body| body["stage"] = json!("ship")),
        moves(json!({"request_id": "r-1", "from": "spark"})),
        moves(json!({"request_id": "r 1", "from": "spark", "to": "seed"})),
        moves(json!({"request_id": "r-1", "from": "spark", "to": "Parked"})),
        moves(json!({"request_id": "r-1", "from": "spark", "to": "KILLED", "reason": "no"})),
        moves(json!({"request_id": "r-1", "from": "spark", "to": "seed", "evidence": {"feasible": true}})),
        moves(json!({"request_id": "r-1", "from": "spark", "to": "seed", "requested_by": "ada"})),
        word(json!({"is": true})),
        word(json!(1e15)),
        word(json!("x".repeat(201))),
        word(json!("a\nb")),
    ] {
        let (status, problem) = rig.post(OWNER, path, body).await;
        page.push(format!("{status} {}", problem["detail"].as_str().unwrap()));
    }
    insta::assert_snapshot!(page.join("\n"), @r#"
    422 pipeline: found "shrt", expected a pipeline in stages/; did you mean short?
    422 pod: found "ratoi", expected a pod of pods.yaml; did you mean ratio? · owner: found "cyy", expected a person of people.yaml; did you mean cy?
    422 id: found "pr-42-7", expected an item that is no pull request: one of those asks by being open
    422 title: found 0 characters, expected 1 to 200, at line 1, column 70 of the body
    422 title: found a character that does not show, expected one line of plain text, at line 1, column 73 of the body
    422 stage: unknown field `stage`, expected one of `id`, `title`, `type`, `pod`, `owner`, `pipeline`, at line 1, column 65 of the body
    422 missing field `to`, at line 1, column 35 of the body
    422 request_id: "r 1" is not a valid request id: expected 1 to 128 of letters, digits, '-', '_', '.' and ':', at line 1, column 34 of the body
    422 to: "Parked" is not a valid stage: expected 1 to 32 of a-z, 0-9 and '-', starting with a letter or digit, at line 1, column 49 of the body
    422 reason: found 2 characters, expected a reason of 15 to 500, at line 1, column 29 of the body
    422 evidence: unknown field `evidence`, expected one of `request_id`, `from`, `to`, `reason`, `version`, at line 1, column 11 of the body
    422 requested_by: unknown field `requested_by`, expected one of `request_id`, `from`, `to`, `reason`, `version`, at line 1, column 49 of the body
    422 value: expected true, false, a number or a text, at line 1, column 38 of the body
    422 value: "1000000000000000.0" is not a number between -10^12 and 10^12 with at most three places after the point, at line 1, column 45 of the body
    422 value: found 201 characters, expected 1 to 200, at line 1, column 230 of the body
    422 value: found a character that does not show, expected one line of plain text, at line 1, column 33 of the body
    "#);
    assert_eq!(rig.world.calls().len(), calls, "nothing was read for any of them");
    let long = format!("{{\"id\": \"{}\"}}", "a".repeat(common::http::MAX_BODY));
    let (status, _) = rig.raw(api_request(OWNER, "POST", "/v1/items", &long)).await;
    assert_eq!(status, 413);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever comes, one answer goes back, in plain words; nothing of it reaches the table unless it is a call.
    #[test]
    fn any_request_is_answered(
        method in select(&["GET", "POST", "PUT", "DELETE", "TRACE", ""][..]),
        path in "/v1/items(/[a-zA-Z0-9%*.-]{0,12}(/(transitions|evidence|approvals|x))?)?|.{0,20}",
        query in "(after|limit|x)?=?[a-z0-9:,%&+=-]{0,12}",
        body in prop_oneof![any::<String>(), "[{}\\[\\]\":,a-z0-9]{0,40}", Just(new("p-1").to_string())],
        token in select(&[None, READER, OWNER, ADMIN][..]),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let rig = Rig::new();
        let request = api_request(token, method, &format!("{path}?{query}"), &body);
        let (status, answer) = runtime.block_on(rig.raw(request));
        prop_assert!([200, 201, 400, 401, 403, 404, 405, 422].contains(&status), "{status} {answer}");
        if status >= 400 {
            let said = answer["detail"].as_str().unwrap();
            prop_assert!(said.chars().all(|character| matches!(character, ' '..='~' | '…' | '·')), "{said:?}");
        }
        prop_assert!(status < 400 || status == 404 || rig.world.calls().is_empty());
    }
}
