//! Every route with whoever may not, and with whatever is no call: refused before the table is asked for anything.

use super::*;

/// Each route with a request that its rules would let pass.
fn routes() -> [(&'static str, &'static str, String); 6] {
    [
        ("POST", "/v1/wip/leases", work("p-1").to_string()),
        ("POST", "/v1/wip/leases/p-1/renew", r#"{"fence": 1}"#.to_owned()),
        ("DELETE", "/v1/wip/leases/p-1?fence=1", String::new()),
        ("GET", "/v1/wip/scopes", String::new()),
        ("GET", SCOPE, String::new()),
        ("PUT", SCOPE, LIMIT.to_owned()),
    ]
}

#[tokio::test]
async fn every_route_wants_a_person_with_the_right_role_and_asks_nothing_of_the_table_before() {
    let rig = Rig::new();
    let statuses = |token| {
        let rig = &rig;
        async move {
            let mut found = Vec::new();
            for (method, path, body) in routes() {
                found.push(rig.ask(token, method, path, &body).await.0);
            }
            found
        }
    };
    assert_eq!(statuses(Token::None).await, [401; 6]);
    assert_eq!(statuses(Token::Of("sub|nobody")).await, [403; 6]);
    assert_eq!(statuses(Token::Of("")).await, [401; 6]);
    assert_eq!(rig.calls(), 0);
    assert_eq!(statuses(READER).await, [403, 403, 403, 200, 200, 403]);
    assert_eq!(statuses(OTHER_POD).await, [403, 404, 404, 200, 200, 403]);
    assert_eq!(statuses(MEMBER).await, [201, 409, 409, 200, 200, 403]);
    assert_eq!(statuses(APPROVER).await, [200, 409, 409, 200, 200, 403]);
    assert_eq!(statuses(ADMIN).await, [200, 409, 409, 200, 200, 200]);
}

#[tokio::test]
async fn claims_that_are_not_as_the_gateway_writes_them_are_nobody_s() {
    let rig = Rig::new();
    for authorizer in [
        json!(null),
        json!({}),
        json!({"jwt": null}),
        json!({"jwt": {"claims": null}}),
        json!({"jwt": {"claims": {}}}),
        json!({"jwt": {"claims": {"sub": ["sub|ada"]}}}),
        json!({"jwt": {"claims": {"sub": null, "username": "sub|ada"}}}),
        json!({"lambda": {"sub": "sub|ada"}}),
        json!({"claims": {"sub": "sub|ada"}}),
    ] {
        let mut request = request(Token::None, "GET", "/v1/wip/scopes", "");
        request["requestContext"]["authorizer"] = authorizer.clone();
        request["headers"] = json!({"authorization": "Bearer a.b.c", "x-penstock-person": "ada"});
        assert_eq!(rig.raw(request).await.0, 401, "{authorizer}");
    }
    let mut admin = request(Token::Of("sub|rae"), "PUT", SCOPE, LIMIT);
    admin["requestContext"]["authorizer"]["jwt"]["claims"]["penstock_roles"] = json!("[admin]");
    assert_eq!(rig.raw(admin).await.0, 403, "a token gives no role that the file does not");
}

#[tokio::test]
async fn routes_methods_and_escapes() {
    let rig = Rig::new();
    for (method, path, expected) in [
        ("GET", "/v1/wip/scopes/pod-stage%3Aratio%3ascaffold", 200),
        ("GET", "/v1/wip/scopes/portfolio", 200),
        ("GET", "/v1/wip/scopes/stage:scaffold", 404),
        ("GET", "/v1/wip/scopes/pods:ratio", 422),
        ("GET", "/v1/wip/scopes/pod:a%2Fb", 422),
        ("GET", "/v1/wip/scopes/%ff", 404),
        ("GET", "/v1/wip/scopes/", 422),
        ("GET", "/v1/wip/scopes?limit=1", 422),
        ("GET", "/v1/wip", 404),
        ("GET", "/v1/wip/leases/p-1/renew/x", 404),
        ("POST", "/v1/wip/leases/p-1/extend", 404),
        ("GET", "/v2/wip/scopes", 404),
        ("GET", "", 404),
        ("GET", "/v1/wip/leases", 405),
        ("PUT", "/v1/wip/leases/p-1", 405),
        ("GET", "/v1/wip/leases/p-1/renew", 405),
        ("POST", "/v1/wip/scopes", 405),
        ("DELETE", SCOPE, 405),
        ("get", "/v1/wip/scopes", 405),
        ("DELETE", "/v1/wip/leases/p-1", 422),
        ("DELETE", "/v1/wip/leases/p-1?fence=", 422),
        ("DELETE", "/v1/wip/leases/p-1?fence=-1", 422),
        ("DELETE", "/v1/wip/leases/p-1?fence=1&fence=2", 422),
        ("DELETE", "/v1/wip/leases/p-1?fence=1&force=true", 422),
        ("DELETE", "/v1/wip/leases/p-1?fence=1&scopes=portfolio,", 422),
        ("DELETE", "/v1/wip/leases/P%201?fence=1", 422),
        ("DELETE", "/v1/wip/leases/p-1?fence=1", 404),
        ("DELETE", "/v1/wip/leases/p-1?fence=1&scopes=portfolio,pod:ratio", 404),
    ] {
        assert_eq!(rig.ask(ADMIN, method, path, "").await.0, expected, "{method} {path}");
    }
    assert_eq!(rig.raw(json!({})).await.0, 404);
}

#[tokio::test]
async fn a_body_is_refused_with_everything_that_is_wrong_in_it() {
    let rig = Rig::new();
    let mut page = String::new();
    for body in [
        "".to_owned(),
        "{".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        patched("scopes", json!(["portfolio"])),
        patched("item", json!("P 1\u{202e}")),
        patched("type", json!("thing")),
        patched("involved", json!(["dan", 7])),
        patched("ttl_seconds", json!(0)),
        patched("expedite", json!("yes")),
        patched("pod", json!("ratoi")),
        patched("owner", json!("eva")),
        patched("involved", json!(["cy", "dann"])),
        patched("environment", json!("stagin")),
    ] {
        let (status, problem) = rig.ask(MEMBER, "POST", "/v1/wip/leases", &body).await;
        page.push_str(&format!("{status} {}\n", problem["detail"].as_str().unwrap()));
    }
    for body in [
        r#"{"limit": 101, "expected_limit": 3, "reason": "two of us come back from leave"}"#,
        r#"{"limit": 4, "expected_limit": 3, "reason": "  too short     "}"#,
        r#"{"limit": 4, "expected_limit": 3, "reason": "two of us come back\u202e from leave"}"#,
        r#"{"limit": 4, "expected_limit": 3, "reason": "two of us come back from leave", "until": "tomorrow"}"#,
        r#"{"limit": 4, "expected_limit": 3, "reason": "two of us come back from leave", "until": "2020-01-01T00:00:00Z"}"#,
        r#"{"limit": 4, "reason": "two of us come back from leave"}"#,
    ] {
        let (status, problem) = rig.ask(ADMIN, "PUT", SCOPE, body).await;
        page.push_str(&format!("{status} {}\n", problem["detail"].as_str().unwrap()));
    }
    insta::assert_snapshot!(page, @r#"
    400 EOF while parsing a value, at line 1, column 0 of the body
    400 EOF while parsing an object, at line 1, column 1 of the body
    422 found a list, expected an object, at line 1, column 1 of the body
    422 missing field `item`, at line 1, column 2 of the body
    422 scopes: unknown field `scopes`, expected one of `item`, `pod`, `stage`, `type`, `owner`, `involved`, `environment`, `account`, `expedite`, `ttl_seconds`, at line 1, column 68 of the body
    422 item: "P 1\u{202e}" is not a valid item id: expected 1 to 64 of a-z, 0-9, '.', '_' and '-', starting with a letter or digit, at line 1, column 35 of the body
    422 type: unknown variant `thing`, expected one of `idea`, `project`, `pull_request`, `deployment`, `issue`, at line 1, column 93 of the body
    422 involved[1]: invalid type: integer `7`, expected a string, at line 1, column 20 of the body
    422 ttl_seconds: invalid value: integer `0`, expected a nonzero u32, at line 1, column 94 of the body
    422 expedite: invalid type: string "yes", expected a boolean, at line 1, column 17 of the body
    422 pod: found "ratoi", expected a pod of pods.yaml; did you mean ratio?
    422 owner: found "eva", expected a person of people.yaml; did you mean eve?
    422 involved[1]: found "dann", expected a person of people.yaml; did you mean dan? · involved: found the owner, cy, expected who takes part beside the owner
    422 environment: found "stagin", expected an environment of environments.yaml; did you mean staging?
    422 limit: found 101, expected 0 to 100, at line 1, column 13 of the body
    422 reason: found 9 characters, expected a reason of 15 to 500, at line 1, column 63 of the body
    422 reason: found a character that does not show, expected one line of plain text, at line 1, column 83 of the body
    422 until: failed to parse four digit integer as year: invalid digit, expected 0-9 but got t, at line 1, column 97 of the body
    422 until: found 2020-01-01T00:00:00Z, expected a moment in the future; it is 2026-01-05T09:00:00Z now
    422 missing field `expected_limit`, at line 1, column 56 of the body
    "#);
    let large = patched("item", json!("x".repeat(70_000)));
    assert_eq!(rig.ask(MEMBER, "POST", "/v1/wip/leases", &large).await.0, 413);
    let (_, problem) = rig.ask(MEMBER, "POST", "/v1/wip/leases", &patched("pod", json!("ratoi"))).await;
    assert_eq!(problem["errors"][0]["nearest"], "ratio");
    assert_eq!(rig.calls(), 0);
}

#[tokio::test]
async fn an_item_that_has_its_place_as_something_else_is_told_so_and_its_fence_is_not_for_everybody() {
    let rig = Rig::new();
    let (_, lease) = rig.lease(MEMBER, "p-1").await;
    let elsewhere = |token, change: Value| {
        let mut body = work("p-1");
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let rig = &rig;
        async move { rig.ask(token, "POST", "/v1/wip/leases", &body.to_string()).await }
    };
    let (status, told) = elsewhere(COLLEAGUE, json!({"stage": "seed"})).await;
    assert_eq!((status, &told["type"]), (409, &json!("urn:penstock:problem:held-otherwise")), "{told}");
    assert_eq!((&told["elsewhere"], &told["scopes"]), (&json!(["pod-stage:ratio:seed"]), &lease["scopes"]));
    assert_eq!(told["fence"], lease["fence"], "a member of its pod may renew it");
    let (status, told) = elsewhere(OTHER_POD, json!({"pod": "nanda", "owner": "finn"})).await;
    assert_eq!((status, &told["fence"]), (409, &Value::Null), "{told}");
    assert_eq!(told["elsewhere"], json!(["pod:nanda", "pod-stage:nanda:scaffold"]));
    let (status, again) = elsewhere(MEMBER, json!({"involved": []})).await;
    assert_eq!((status, again), (200, lease), "who counts in less than the lease has nothing to fear");
}

#[tokio::test]
async fn names_that_would_open_other_limits_are_refused() {
    let rig = Rig::new();
    let (status, told) = rig.ask(MEMBER, "POST", "/v1/wip/leases", &patched("stage", json!("scaffold2"))).await;
    assert_eq!(status, 422, "{told}");
    assert!(told["detail"].as_str().unwrap().contains("did you mean scaffold?"), "{told}");
    let theirs = patched("owner", json!("finn"));
    assert_eq!(rig.ask(MEMBER, "POST", "/v1/wip/leases", &theirs).await.0, 403, "finn's limit is finn's");
    assert_eq!(rig.ask(ADMIN, "POST", "/v1/wip/leases", &theirs).await.0, 201);
}
