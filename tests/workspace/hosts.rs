//! One suite for what is the same on every source host: GitHub and CodeCommit over the same real pushes, and the fake.

use std::collections::BTreeSet;

use axum::http::Method;
use common::{
    domain::id::CommitSha,
    event::Repository,
    hosts::Hosts,
    ports::{Changes, EntryKind, Forge, Merged, Merging, SquashMerge},
    testing::{World, repository},
};
use serde_json::json;

use crate::github::host::Host;

const FILE: &str = "deploy/int/us-east-1/terraform/regional.yaml";

/// What there is: main has gone on since a branch parted from it, in which one file is new and one moved.
struct Scene {
    repository: Repository,
    parted: CommitSha,
    main: CommitSha,
    head: CommitSha,
    number: u64,
}

async fn real() -> (Host, Scene) {
    let (host, parted) = Host::with_main(&[(FILE, "a: 1\n"), ("old", "moved\n")]).await;
    host.git("checkout --quiet -b feature/x").await;
    let head = host.commit(&[("new", "moved\n"), ("old", ""), ("added", "2\n")], "feature").await;
    host.git("checkout --quiet main").await;
    let main = host.commit(&[("b", "1\n")], "second").await;
    host.git("push --quiet origin main feature/x").await;
    let number = host.open_pull("feature/x").await;
    let repository = host.repository();
    (host, Scene { repository, parted, main, head, number })
}

fn in_memory() -> (World, Scene) {
    let world = World::new();
    world.push("main", &[(FILE, Some("a: 1\n")), ("old", Some("moved\n"))]);
    let parted = world.head("main").unwrap();
    world.push("main", &[("b", Some("1\n"))]);
    let changes = [("new", Some("moved\n")), ("old", None), ("added", Some("2\n"))];
    world.open_change(1, "main", Some(&parted), &changes);
    let (main, head) = (world.head("main").unwrap(), world.change(1).unwrap().head);
    (world, Scene { repository: repository(), parted, main, head, number: 1 })
}

async fn suite<H: Changes + Merging>(host: &H, scene: &Scene) {
    let Scene { repository, parted, main, head, number } = scene;
    let branch = "main".parse().unwrap();
    assert_eq!(host.branch_head(repository, &branch).await.unwrap().as_ref(), Some(main));
    assert_eq!(host.branch_head(repository, &"mai".parse().unwrap()).await.unwrap(), None);

    let tree = host.deploy_tree(repository, main).await.unwrap();
    let seen: Vec<_> = tree.iter().map(|entry| (entry.path.as_str(), entry.kind, entry.size)).collect();
    assert_eq!(seen, [(FILE, EntryKind::File, 5)]);
    assert_eq!(host.blob(repository, &tree[0].blob).await.unwrap(), b"a: 1\n");

    assert_eq!(host.merge_base(repository, main, head).await.unwrap(), *parted);
    let paths: Vec<String> = host.changed_paths(repository, main, head).await.unwrap().into_iter().collect();
    assert_eq!(paths, ["added", "new", "old"], "both names of what moved, and nothing that main has got since");

    let pull = host.pull_request(repository, *number).await.unwrap().unwrap();
    assert_eq!((pull.number, pull.open, pull.merged, pull.draft), (*number, true, false, false));
    assert_eq!((&pull.head, pull.base_branch.as_str()), (head, "main"));
    assert_eq!(host.pull_request(repository, 999).await.unwrap(), None);
    assert_eq!(host.open_pull_requests(repository).await.unwrap(), [pull]);

    let approvals = host.approvals(repository, *number).await.unwrap().unwrap();
    assert_eq!((&approvals.head, approvals.said.len()), (head, 0));
    assert_eq!(host.approvals(repository, 999).await.unwrap(), None);

    let merge = |head: &CommitSha| SquashMerge {
        number: *number,
        head: head.clone(),
        title: "Add".to_owned(),
        body: "because".to_owned(),
    };
    assert_eq!(host.merge_squash(repository, &merge(parted)).await.unwrap(), Merged::HeadMoved);
    assert_eq!(host.branch_head(repository, &branch).await.unwrap().as_ref(), Some(main), "nothing was merged");
    let Merged::As(commit) = host.merge_squash(repository, &merge(head)).await.unwrap() else {
        panic!("the guard holds and nothing contradicts")
    };
    assert_eq!(host.branch_head(repository, &branch).await.unwrap(), Some(commit.clone()));
    assert_eq!(host.merge_squash(repository, &merge(head)).await.unwrap(), Merged::As(commit), "a repeat finds it");
    let pull = host.pull_request(repository, *number).await.unwrap().unwrap();
    assert_eq!((pull.open, pull.merged), (false, true));
    assert_eq!(host.open_pull_requests(repository).await.unwrap(), []);
}

#[tokio::test]
async fn github_codecommit_and_the_fake_are_alike() {
    let (world, scene) = in_memory();
    suite(&world, &scene).await;
    let (host, scene) = real().await;
    suite(&host.github, &scene).await;
    let (host, scene) = real().await;
    let scene = Scene { repository: host.on_codecommit(), ..scene };
    suite(&host.codecommit("merger"), &scene).await;
}

#[tokio::test]
async fn each_repository_is_asked_of_its_own_host() {
    let (host, main) = Host::with_main(&[("a", "1\n")]).await;
    let hosts = Hosts { github: Some(host.github.clone()), codecommit: host.codecommit("reader") };
    let branch = "main".parse().unwrap();
    let before = host.requests().await.len();
    assert_eq!(hosts.branch_head(&host.on_codecommit(), &branch).await.unwrap(), Some(main.clone()));
    let asked: BTreeSet<String> = host.requests().await.into_iter().skip(before).collect();
    assert_eq!(asked, BTreeSet::from(["POST /GetBranch 200", "POST /GetRepository 200"].map(str::to_owned)));
    assert_eq!(hosts.branch_head(&host.repository(), &branch).await.unwrap(), Some(main));
    let on_github = host.requests().await.into_iter().filter(|line| line.contains("/git/ref/")).count();
    assert_eq!(on_github, 1);
}

/// A change that its base contradicts, on both hosts: nothing is merged, and the answer says why.
#[tokio::test]
async fn a_contradiction_is_told_from_a_refusal() {
    let (host, _) = Host::with_main(&[("a", "1\n")]).await;
    host.git("checkout --quiet -b feature/x").await;
    let head = host.commit(&[("a", "2\n")], "feature").await;
    host.git("checkout --quiet main").await;
    let main = host.commit(&[("a", "3\n")], "second").await;
    host.git("push --quiet origin main feature/x").await;
    let number = host.open_pull("feature/x").await;
    let merge = SquashMerge { number, head, title: "Add".to_owned(), body: String::new() };
    let codecommit = host.codecommit("merger");
    assert_eq!(host.github.merge_squash(&host.repository(), &merge).await.unwrap(), Merged::Conflict);
    assert_eq!(codecommit.merge_squash(&host.on_codecommit(), &merge).await.unwrap(), Merged::Conflict);

    host.person(Method::PATCH, &format!("/repos/acme/fleet/pulls/{number}"), json!({"state": "closed"})).await;
    let closed = codecommit.merge_squash(&host.on_codecommit(), &merge).await.unwrap();
    assert_eq!(closed, Merged::NotAllowed("the pull request is closed".to_owned()));
    let branch = "main".parse().unwrap();
    assert_eq!(host.github.branch_head(&host.repository(), &branch).await.unwrap(), Some(main));
}
