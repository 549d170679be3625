//! What a repository is, whose it is, and where its configuration is.

use super::*;
use crate::domain::governance::{RepositoryEntry, RepositoryKind};

fn with(entry: &str) -> Result<RepositoryEntry, String> {
    let text = format!("repositories:\n  - {{id: 42, name: o/r, default_branch: main, {entry}}}\n");
    let mut governance = parse(&[("repositories.yaml", &text)])?;
    Ok(governance.repositories.listed.remove(&RepositoryId::GitHub(42)).unwrap())
}

fn said(entries: &[&str]) -> String {
    entries.iter().map(|entry| with(entry).expect_err(entry)).collect::<Vec<_>>().join("\n")
}

#[test]
fn each_kind_has_its_path_and_only_clusters_make_pipelines() {
    for (word, kind, path) in [
        ("kind: cluster", RepositoryKind::Cluster, Some("deploy")),
        ("kind: cluster, path: deploy", RepositoryKind::Cluster, Some("deploy")),
        ("kind: application", RepositoryKind::Application, None),
        ("kind: services, path: services", RepositoryKind::Services, Some("services")),
        ("kind: manager-monorepo, path: infra", RepositoryKind::ManagerMonorepo, Some("infra")),
        ("kind: manager-separate, path: live/infra", RepositoryKind::ManagerSeparate, Some("live/infra")),
    ] {
        let entry = with(word).unwrap();
        assert_eq!((entry.kind, entry.path.as_ref().map(|path| path.as_str())), (kind, path), "{word}");
        assert_eq!(entry.kind.makes_pipelines(), kind == RepositoryKind::Cluster, "{word}");
    }
}

#[test]
fn what_does_not_fit_the_kind_is_said_with_its_place() {
    insta::assert_snapshot!(said(&[
        "kind: services",
        "kind: manager-monorepo",
        "kind: cluster, path: live",
        "kind: application, path: infra",
        "kind: manager-separate, path: ../infra",
        "kind: manager-mono-repo, path: infra",
        "kind: services, pth: infra, path: infra",
    ]), @r#"
    repositories.yaml:2:5: error: path: found nothing, expected the directory that its configuration is in
    repositories.yaml:2:5: error: path: found nothing, expected the directory that its configuration is in
    repositories.yaml:2:68: error: path: found "live", expected deploy, or no path: the deploy tree of a cluster repository is there
    repositories.yaml:2:72: error: path: found "infra", expected no path: an application configures nothing
    repositories.yaml:2:77: error: path: found "../infra", expected 1 to 255 of letters, digits, '.', '_' and '-' in segments between '/', none of them '.' or '..', without a '/' at either end
    repositories.yaml:2:53: error: kind: found "manager-mono-repo", expected cluster, application, services, manager-monorepo or manager-separate; did you mean manager-monorepo?
    repositories.yaml:2:63: error: found the key "pth", expected one of id, name, arn, pod, kind, path, default_branch, wip, items; did you mean path?
    "#);
}

#[test]
fn an_id_a_name_or_an_arn_stands_once_and_it_is_said_where_first() {
    let twice = |first: &str, second: &str| {
        let entry = |text: &str| format!("  - {{{text}, kind: application, default_branch: main}}\n");
        let text = format!("repositories:\n{}{}", entry(first), entry(second));
        parse(&[("repositories.yaml", &text)]).map(drop)
    };
    let (one, other) = ("3b1c0c1e-6b1e-4c39-9a61-0f3f5f6f2a10", "6f9a1d52-0c7c-4f0e-8d53-2f0e0a5be7c4");
    let arn = |account: &str, name: &str| format!("arn: arn:aws:codecommit:us-east-1:{account}:{name}");
    let ours = arn("111122223333", "fleet");
    let said = [
        twice("id: 42, name: o/r", "id: 42, name: o/s"),
        twice("id: 42, name: o/r", "id: 42, name: o/r"),
        twice("id: 42, name: o/r", "id: 43, name: O/R"),
        twice(&format!("id: {one}, {ours}"), &format!("id: {one}, {}", arn("111122223333", "other"))),
        twice(&format!("id: {one}, {ours}"), &format!("id: {other}, {ours}")),
    ];
    insta::assert_snapshot!(said.map(Result::unwrap_err).join("\n"), @r"
    repositories.yaml:3:10: error: id: found repository 42 a second time, first at 2:10, expected each repository once
    repositories.yaml:3:10: error: id: found repository 42 a second time, first at 2:10, expected each repository once
    repositories.yaml:3:20: error: name: found O/R a second time, first at 2:20, expected each repository once
    repositories.yaml:3:10: error: id: found repository 3b1c0c1e-6b1e-4c39-9a61-0f3f5f6f2a10 a second time, first at 2:10, expected each repository once
    repositories.yaml:3:53: error: arn: found arn:aws:codecommit:us-east-1:111122223333:fleet a second time, first at 2:53, expected each repository once
    ");
    // Names of CodeCommit have an account, and are not GitHub's.
    twice(&format!("id: {one}, {ours}"), &format!("id: {other}, {}", arn("444455556666", "fleet"))).unwrap();
    twice(&format!("id: {one}, {ours}"), "id: 42, name: 111122223333/fleet").unwrap();
    twice("id: 42, name: o/r", "id: 43, name: o/r2").unwrap();
}

#[test]
fn the_pod_is_whose_work_it_is_unless_that_says_another() {
    let entry = |text: &str| {
        let entry = with(text).unwrap();
        let pods = [entry.pod, entry.wip.map(|wip| wip.pod), entry.items.map(|items| items.pod)];
        pods.map(|pod| pod.map_or("-".to_owned(), |pod| pod.to_string())).join(" ")
    };
    let work = "wip: {stage: scaffold}, items: {pipeline: standard}";
    assert_eq!(entry("kind: application"), "- - -");
    assert_eq!(entry(&format!("kind: application, pod: ratio, {work}")), "ratio ratio ratio");
    let work = "wip: {pod: nanda, stage: scaffold}, items: {pod: ratio, pipeline: standard}";
    assert_eq!(entry(&format!("kind: application, pod: ratio, {work}")), "ratio nanda ratio");
    assert_eq!(entry(&format!("kind: application, {work}")), "- nanda ratio");
    insta::assert_snapshot!(said(&[
        "kind: application, wip: {stage: scaffold}, items: {pipeline: standard}",
        "kind: application, pod: ration, wip: {stage: scaffold}",
    ]), @r#"
    repositories.yaml:2:71: error: wip.pod: found nothing, expected a pod of pods.yaml, here or as the repository's pod
    repositories.yaml:2:97: error: items.pod: found nothing, expected a pod of pods.yaml, here or as the repository's pod
    repositories.yaml:2:71: error: pod: found "ration", expected a pod of pods.yaml; did you mean ratio?
    "#);
}
