//! Reading, and who may read what.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    http::{Method, StatusCode, header::LOCATION},
};
use common::{
    domain::id::RepositoryId,
    event::Repository,
    fault::Fault,
    github::GitHub,
    ports::{EntryKind, Forge as _},
};
use serde_json::{Value, json};

use super::host::{APP, Host, ID, key};

#[tokio::test]
async fn it_reads_heads_trees_and_contents_as_git_has_them() {
    let host = Host::start().await;
    let repository = host.repository();
    let main = "main".parse().unwrap();
    assert_eq!(host.github.branch_head(&repository, &main).await.unwrap(), None, "an empty repository has no head");

    std::fs::create_dir_all(host.work().join("deploy/int")).unwrap();
    std::os::unix::fs::symlink("../../README.md", host.work().join("deploy/int/link.yaml")).unwrap();
    let files = [("README.md", "# fleet\n"), ("deploy/int/us/regional.yaml", "a: ä\n"), ("deployment/x", "no\n")];
    let first = host.commit(&files, "first").await;
    host.git("push --quiet origin main").await;
    assert_eq!(host.github.branch_head(&repository, &main).await.unwrap(), Some(first.clone()));
    assert_eq!(host.github.branch_head(&repository, &"mai".parse().unwrap()).await.unwrap(), None);

    let tree = host.github.deploy_tree(&repository, &first).await.unwrap();
    let seen: Vec<_> = tree.iter().map(|entry| (entry.path.as_str(), entry.kind, entry.size)).collect();
    assert_eq!(
        seen,
        [("deploy/int/link.yaml", EntryKind::Other, 15), ("deploy/int/us/regional.yaml", EntryKind::File, 6)]
    );
    for _ in 0..2 {
        assert_eq!(host.github.blob(&repository, &tree[1].blob).await.unwrap(), "a: ä\n".as_bytes());
    }
    let blobs = host.requests().await.into_iter().filter(|line| line.contains("/git/blobs/")).count();
    assert_eq!(blobs, 1, "content is kept by its id");
}

#[tokio::test]
async fn a_tree_without_deploy_is_empty_and_a_truncated_one_is_not() {
    let (host, first) = Host::with_main(&[("deploy", "a file of that name\n")]).await;
    assert_eq!(host.github.deploy_tree(&host.repository(), &first).await.unwrap(), []);
    host.git("rm --quiet deploy").await;
    let second = host.commit(&[("deploy/a/b.yaml", "x\n"), ("deploy/a/c.yaml", "y\n")], "second").await;
    host.git("push --quiet origin main").await;
    host.person(Method::PUT, "/_forge/tree-limit", json!({"entries": 2})).await;
    let fault = host.github.deploy_tree(&host.repository(), &second).await.unwrap_err();
    assert!(matches!(fault, Fault::Reject { .. }), "the same tree is truncated every time");
    let said = fault.to_string().replace(second.short(), "<sha>");
    insta::assert_snapshot!(said, @"listing deploy/ of <sha> in acme/fleet: GitHub truncated the listing after 2 entries, and part of a listing is never the whole: take files out of it or split the repository");
}

#[tokio::test]
async fn it_reads_pull_requests_and_where_two_commits_parted() {
    let (host, first) = Host::with_main(&[("a", "1\n")]).await;
    host.git("checkout --quiet -b feature/a#b%c").await;
    let head = host.commit(&[("b", "1\n")], "feature").await;
    host.git("checkout --quiet main").await;
    let main = host.commit(&[("c", "1\n")], "main").await;
    host.git("push --quiet origin main feature/a#b%c").await;
    let repository = host.repository();
    assert_eq!(
        host.github.branch_head(&repository, &"feature/a#b%c".parse().unwrap()).await.unwrap(),
        Some(head.clone())
    );
    assert_eq!(host.github.merge_base(&repository, &main, &head).await.unwrap(), first);

    assert_eq!(host.github.pull_request(&repository, 1).await.unwrap(), None);
    let number = host.open_pull("feature/a#b%c").await;
    let pull = host.github.pull_request(&repository, number).await.unwrap().unwrap();
    assert_eq!((pull.number, pull.open, pull.head, pull.base_branch.as_str()), (1, true, head, "main"));
}

#[tokio::test]
async fn a_token_is_for_one_repository_and_one_purpose_and_renewed_once_when_it_ends() {
    let (host, first) = Host::with_main(&[("a", "1\n")]).await;
    let (repository, main) = (host.repository(), "main".parse().unwrap());
    for _ in 0..3 {
        host.github.branch_head(&repository, &main).await.unwrap();
    }
    let asked = || async { host.person(Method::GET, "/_forge/token-requests", Value::Null).await.1 };
    let reading = json!({"repository_ids": [ID], "permissions": {"contents": "read", "metadata": "read", "pull_requests": "read"}});
    assert_eq!(asked().await, json!([reading]));

    host.person(Method::POST, "/_forge/expire-tokens", Value::Null).await;
    assert_eq!(host.github.branch_head(&repository, &main).await.unwrap(), Some(first));
    assert_eq!(asked().await, json!([reading, reading]));
    assert!(!format!("{:?}", host.github).contains("ghs_"), "no token is ever printed");
}

#[tokio::test]
async fn a_name_that_means_another_repository_is_refused() {
    let (host, first) = Host::with_main(&[("a", "1\n")]).await;
    let other = |id: u64| Repository { id: RepositoryId::GitHub(id), ..host.repository() };
    // The App is installed for the old repository too, but the name is another's now.
    let fault = host.github.deploy_tree(&other(ID + 1), &first).await.unwrap_err();
    assert!(matches!(fault, Fault::Reject { .. }));
    insta::assert_snapshot!(fault, @"acme/fleet is repository 4242 now, not 4243: a name can be given to another repository, so nothing was read or written");
    // The App is not installed for it at all.
    let fault = host.github.deploy_tree(&other(1), &first).await.unwrap_err();
    assert!(matches!(fault, Fault::Bug { .. }));
    // Nobody installed it for a repository of this name.
    let unknown = Repository { name: "acme/other".parse().unwrap(), ..host.repository() };
    let fault = host.github.deploy_tree(&unknown, &first).await.unwrap_err();
    insta::assert_snapshot!(fault, @"the App 77 is not installed for acme/other: install it there, or take the repository out of repositories.yaml");
    let reads = host.requests().await.into_iter().filter(|line| line.contains("/git/")).count();
    assert_eq!(reads, 0);
}

/// A host of a few answers: the repository that the name means can be exchanged, as a rename and a new repository would.
async fn exchangeable() -> (String, Arc<std::sync::atomic::AtomicU64>) {
    let means = Arc::new(std::sync::atomic::AtomicU64::new(ID));
    let now = Arc::clone(&means);
    let router = Router::new().fallback(move |request: axum::extract::Request| {
        let id = now.load(Ordering::SeqCst);
        let answer = match request.uri().path() {
            "/repos/acme/fleet" => json!({"id": id}),
            "/repos/acme/fleet/installation" => json!({"id": 1}),
            "/app/installations/1/access_tokens" => json!({"token": "ghs_one"}),
            "/repos/acme/fleet/git/ref/heads/main" => json!({"object": {"sha": "0a".repeat(20), "type": "commit"}}),
            path => panic!("nobody should ask for {path}"),
        };
        async move { axum::Json(answer) }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, router).await });
    (url, means)
}

/// The token of the hour before is still good, and the public repository that took the name would answer to it.
#[tokio::test]
async fn a_name_that_is_taken_over_while_a_token_lives_is_refused() {
    let (url, means) = exchangeable().await;
    let github = GitHub::new(&url, APP, &key().0.clone().into()).unwrap();
    let repository = Repository {
        host: common::event::Host::Github,
        id: RepositoryId::GitHub(ID),
        name: "acme/fleet".parse().unwrap(),
    };
    let main = "main".parse().unwrap();
    assert!(github.branch_head(&repository, &main).await.unwrap().is_some());
    means.store(666, Ordering::SeqCst);
    let fault = github.branch_head(&repository, &main).await.unwrap_err();
    assert!(fault.to_string().starts_with("acme/fleet is repository 666 now, not 4242"), "{fault}");
    means.store(ID, Ordering::SeqCst);
    assert!(github.branch_head(&repository, &main).await.unwrap().is_some());
}

#[tokio::test]
async fn a_bad_hour_is_tried_again_later() {
    let (host, _) = Host::with_main(&[("a", "1\n")]).await;
    let (repository, main) = (host.repository(), "main".parse().unwrap());
    for status in [429, 500, 502, 503] {
        host.person(Method::PUT, "/_forge/outage", json!({"after": 0, "failures": 1, "status": status})).await;
        assert!(host.github.branch_head(&repository, &main).await.unwrap_err().is_retry(), "{status}");
    }
    let github = GitHub::new("http://127.0.0.1:1", APP, &key().0.clone().into()).unwrap();
    assert!(github.branch_head(&repository, &main).await.unwrap_err().is_retry(), "nobody listens there");
}

#[tokio::test]
async fn a_redirect_to_another_host_is_not_followed() {
    let visits = Arc::new(AtomicUsize::new(0));
    let serve = |router: Router| async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async { axum::serve(listener, router).await });
        url
    };
    let seen = Arc::clone(&visits);
    let elsewhere = serve(Router::new().fallback(move || {
        seen.fetch_add(1, Ordering::SeqCst);
        async { "{\"id\": 1}" }
    }))
    .await;
    let moved =
        Router::new().fallback(move || async move { (StatusCode::TEMPORARY_REDIRECT, [(LOCATION, elsewhere)]) });
    let github = GitHub::new(&serve(moved).await, APP, &key().0.clone().into()).unwrap();
    let repository = Repository {
        host: common::event::Host::Github,
        id: RepositoryId::GitHub(ID),
        name: "acme/fleet".parse().unwrap(),
    };
    let fault = github.branch_head(&repository, &"main".parse().unwrap()).await.unwrap_err();
    assert_eq!(visits.load(Ordering::SeqCst), 0);
    insta::assert_snapshot!(fault, @"finding the App's installation for acme/fleet: GitHub says that it has moved, and redirects are not followed: put the repository's present name into repositories.yaml");
}

#[tokio::test]
async fn an_address_or_a_key_that_cannot_be_right_is_said_at_once() {
    let refused = |address: &str, pem: &str| GitHub::new(address, APP, &pem.to_owned().into()).unwrap_err().to_string();
    for address in ["", "api.github.com", "https://api.github.com@evil.example", "file:///etc/passwd", "https://h/?q"] {
        assert!(refused(address, &key().0).contains("expected an address such as https://api.github.com"), "{address}");
    }
    assert!(refused("http://github.example", &key().0).contains("clear text"));
    let said =
        refused("https://github.example", "-----BEGIN RSA PRIVATE KEY-----\nc2VjcmV0\n-----END RSA PRIVATE KEY-----\n");
    assert!(said.contains("private key cannot be read") && !said.contains("c2VjcmV0"));
}
