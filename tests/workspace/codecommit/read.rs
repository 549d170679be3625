//! Reading, and whose repository a name is.

use axum::http::Method;
use common::{
    domain::id::CommitSha,
    event::Repository,
    fault::Fault,
    ports::{Archive as _, EntryKind, Forge as _, Sources as _},
};
use serde_json::json;

use crate::github::host::{Host, UUID};

const FILE: &str = "deploy/int/us-east-1/terraform/regional.yaml";

pub(super) async fn asked(host: &Host, operation: &str) -> usize {
    host.requests().await.into_iter().filter(|line| line.contains(&format!("/{operation} "))).count()
}

#[tokio::test]
async fn it_lists_links_and_submodules_as_what_they_are_and_reads_each_content_once() {
    let host = Host::start().await;
    let (codecommit, repository) = (host.codecommit("reader"), host.on_codecommit());
    let main = "main".parse().unwrap();
    assert_eq!(codecommit.branch_head(&repository, &main).await.unwrap(), None, "an empty repository has no head");

    std::fs::create_dir_all(host.work().join("deploy/int")).unwrap();
    std::os::unix::fs::symlink("../../README.md", host.work().join("deploy/int/link.yaml")).unwrap();
    let first = host.commit(&[("README.md", "# fleet\n"), (FILE, "a: ä\n"), ("deploy/x.tf", "no\n")], "first").await;
    host.git(&format!("update-index --add --cacheinfo 160000,{first},deploy/module")).await;
    let second = {
        host.git("commit --quiet --message=second").await;
        host.git("rev-parse HEAD").await.parse::<CommitSha>().unwrap()
    };
    host.git("push --quiet origin main").await;
    for _ in 0..2 {
        let tree = codecommit.deploy_tree(&repository, &second).await.unwrap();
        let seen: Vec<_> = tree.iter().map(|entry| (entry.path.as_str(), entry.kind, entry.size)).collect();
        assert_eq!(
            seen,
            [
                ("deploy/int/link.yaml", EntryKind::Other, 0),
                (FILE, EntryKind::File, 6),
                ("deploy/module", EntryKind::Other, 0),
                // No cluster file, so nobody asks how long it is.
                ("deploy/x.tf", EntryKind::File, 0),
            ]
        );
        assert_eq!(codecommit.blob(&repository, &tree[1].blob).await.unwrap(), "a: ä\n".as_bytes());
    }
    assert_eq!(asked(&host, "GetBlob").await, 1, "content is kept by its id");
    assert_eq!(codecommit.files_below(&repository, &second, "README.md").await.unwrap(), []);
    let files = codecommit.files_below(&repository, &second, "deploy").await.unwrap();
    let sizes: Vec<_> = files.iter().map(|file| (file.path.as_str(), file.size)).collect();
    assert_eq!(sizes, [(FILE, 6), ("deploy/x.tf", 3)]);
}

#[tokio::test]
async fn a_tree_without_deploy_is_empty() {
    let (host, first) = Host::with_main(&[("deploy", "a file of that name\n")]).await;
    assert_eq!(host.codecommit("reader").deploy_tree(&host.on_codecommit(), &first).await.unwrap(), []);
}

/// CodeCommit gives no content above 6 MB: that is this file's fault and nobody else's.
#[tokio::test]
async fn a_file_that_is_too_large_has_a_size_that_is_refused_and_hides_no_other() {
    let (host, _) = Host::with_main(&[("a", "1\n")]).await;
    let other = FILE.replace("us-east-1", "us-west-2");
    let head = host.commit(&[(FILE, "0123456789"), (other.as_str(), "a: 1\n")], "large").await;
    host.git("push --quiet origin main").await;
    host.person(Method::PUT, "/_forge/codecommit/limits", json!({"file_bytes": 9})).await;
    let (codecommit, repository) = (host.codecommit("reader"), host.on_codecommit());
    let tree = codecommit.deploy_tree(&repository, &head).await.unwrap();
    let sizes: Vec<u64> = tree.iter().map(|entry| entry.size).collect();
    assert_eq!(sizes, [6 * 1024 * 1024 + 1, 5]);
    assert!(sizes[0] > common::domain::cluster::MAX_FILE_BYTES);
    let fault = codecommit.blob(&repository, &tree[0].blob).await.unwrap_err();
    assert!(fault.to_string().ends_with("it is larger than the 6 MB that CodeCommit reads"), "{fault}");
}

#[tokio::test]
async fn a_name_that_means_another_repository_is_refused_before_anything_is_read() {
    let (host, first) = Host::with_main(&[(FILE, "a: 1\n")]).await;
    let (codecommit, repository) = (host.codecommit("reader"), host.on_codecommit());
    let main = "main".parse().unwrap();
    assert!(codecommit.branch_head(&repository, &main).await.unwrap().is_some());
    // Deleted and made again under the same name.
    let another = UUID.replace('f', "e");
    host.person(Method::PUT, "/_forge/codecommit/identity", json!({"id": another})).await;
    let before = host.requests().await.len();
    let fault = codecommit.branch_head(&repository, &main).await.unwrap_err();
    insta::assert_snapshot!(fault, @r#"111122223333/fleet is repository "e7579e13-b83e-4027-aaee-650c0a1b2c3d" now, not f7579e13-b83e-4027-aaef-650c0a1b2c3d: a name can be given to another repository, so nothing was read or written"#);
    assert!(matches!(fault, Fault::Reject { .. }));
    assert!(codecommit.deploy_tree(&repository, &first).await.is_err());
    assert!(codecommit.pull_request(&repository, 1).await.is_err());
    assert!(codecommit.open_pull_requests(&repository).await.is_err());
    assert!(codecommit.keep(&repository, "heads/archive/p-1", &first).await.is_err());
    let since: Vec<String> = host.requests().await.into_iter().skip(before).collect();
    assert!(since.iter().all(|line| line == "POST /GetRepository 200"), "{since:?}");
    host.person(Method::PUT, "/_forge/codecommit/identity", json!({"id": UUID})).await;

    // The id is right and the account is not: repositories.yaml says where it should be.
    let elsewhere = json!({"arn": "arn:aws:codecommit:us-east-1:999999999999:fleet"});
    host.person(Method::PUT, "/_forge/codecommit/identity", elsewhere).await;
    let fault = codecommit.branch_head(&repository, &main).await.unwrap_err();
    insta::assert_snapshot!(fault, @r#"111122223333/fleet is of the account "999999999999": nothing was read or written"#);

    let unknown = Repository { name: "111122223333/other".parse().unwrap(), ..repository.clone() };
    let fault = codecommit.branch_head(&unknown, &main).await.unwrap_err();
    insta::assert_snapshot!(fault, @"111122223333/other: CodeCommit has no repository of that name in this account and region: take it out of repositories.yaml, or mend its ARN");
    let fault = codecommit.branch_head(&host.repository(), &main).await.unwrap_err();
    insta::assert_snapshot!(fault, @"acme/fleet (repository 4242) is not on CodeCommit");
}

#[tokio::test]
async fn it_reads_every_page_of_pull_requests_and_none_of_another_repository() {
    let (host, _) = Host::with_main(&[("a", "1\n")]).await;
    let (codecommit, repository) = (host.codecommit("reader"), host.on_codecommit());
    host.person(Method::PUT, "/_forge/codecommit/limits", json!({"page": 1})).await;
    for name in ["one", "two", "three"] {
        host.git(&format!("checkout --quiet -b {name} main")).await;
        host.commit(&[(name, "1\n")], name).await;
        host.git(&format!("push --quiet origin {name}")).await;
        let target = json!({"repositoryName": "fleet", "sourceReference": name, "destinationReference": "main"});
        let body = json!({"title": name, "targets": [target]});
        assert_eq!(host.call("CreatePullRequest", "user-ada", body).await.0, 200);
    }
    let closed = json!({"pullRequestId": "2", "pullRequestStatus": "CLOSED"});
    assert_eq!(host.call("UpdatePullRequestStatus", "user-ada", closed).await.0, 200);
    let open = codecommit.open_pull_requests(&repository).await.unwrap();
    let seen: Vec<_> = open.iter().map(|pull| (pull.number, pull.head_branch.as_str())).collect();
    assert_eq!(seen, [(1, "one"), (3, "three")], "the oldest first");
    let ada = "arn:aws:iam::111122223333:user/ada".parse().unwrap();
    assert_eq!(open[0].author, Some(common::domain::id::HostAccount::Iam(ada)));
    let pull = codecommit.pull_request(&repository, 2).await.unwrap().unwrap();
    assert_eq!((pull.open, pull.merged), (false, false));
    assert!(codecommit.issue(&repository, 2).await.unwrap().is_some_and(|issue| issue.change && !issue.open));

    // Numbers are the account's: this one is another repository's, whose name and id the caller asks with.
    let elsewhere = json!({"arn": "arn:aws:codecommit:us-east-1:111122223333:other"});
    let change = codecommit.pull_request(&repository, 1).await.unwrap().unwrap();
    host.person(Method::PUT, "/_forge/codecommit/identity", elsewhere).await;
    let renamed = Repository { name: "111122223333/other".parse().unwrap(), ..repository };
    assert_eq!(codecommit.pull_request(&renamed, 1).await.unwrap(), Some(change), "the forge has one repository");
}

#[tokio::test]
async fn nobody_is_known_as_an_author_and_at_least_one_is_unknown() {
    let (host, first) = Host::with_main(&[("a", "1\n")]).await;
    let (codecommit, repository) = (host.codecommit("reader"), host.on_codecommit());
    let main = "main".parse().unwrap();
    let authors = codecommit.authors(&repository, &main, &first).await.unwrap();
    assert_eq!((authors.accounts.len(), authors.unknown), (0, 1));
    host.git("commit --quiet --allow-empty --author=Bob<bob@example.com> --message=second").await;
    let second = host.git("rev-parse HEAD").await.parse().unwrap();
    host.git("push --quiet origin main").await;
    assert_eq!(codecommit.authors(&repository, &main, &second).await.unwrap().unknown, 2);
}

#[tokio::test]
async fn a_bad_hour_is_tried_again_later_and_a_missing_right_is_not() {
    let (host, _) = Host::with_main(&[("a", "1\n")]).await;
    let (codecommit, repository) = (host.codecommit("reader"), host.on_codecommit());
    let main = "main".parse().unwrap();
    let outage = |code: &str, failures: u8| json!({"after": 0, "failures": failures, "code": code});
    for (code, retry) in [
        ("ThrottlingException", true),
        ("InternalFailure", true),
        ("EncryptionKeyUnavailableException", true),
        ("EncryptionKeyAccessDeniedException", false),
        ("AccessDeniedException", false),
    ] {
        host.person(Method::PUT, "/_forge/codecommit/outage", outage(code, 3)).await;
        let fault = codecommit.branch_head(&repository, &main).await.unwrap_err();
        assert_eq!(fault.is_retry(), retry, "{code}: {fault}");
        host.person(Method::PUT, "/_forge/codecommit/outage", outage(code, 0)).await;
    }
    assert!(codecommit.branch_head(&repository, &main).await.unwrap().is_some());
    // A number is the account's: what AWS refuses by another repository's name is not this repository's pull request. Whatever else it
    // refuses is our own grant's lack.
    for (resource, found) in [("services", true), ("fleet", false)] {
        let message = format!(
            "User: somebody is not authorized to perform: codecommit:GetPullRequest on resource: arn:aws:codecommit:us-east-1:111122223333:{resource} because no identity-based policy allows it"
        );
        let refused = json!({"after": 1, "failures": 1, "code": "AccessDeniedException", "message": message});
        host.person(Method::PUT, "/_forge/codecommit/outage", refused).await;
        let answer = codecommit.pull_request(&repository, 7).await;
        assert_eq!(answer.as_ref().ok().map(Option::is_none), found.then_some(true), "{resource}: {answer:?}");
        assert!(answer.err().is_none_or(|fault| matches!(fault, Fault::Bug { .. })), "{resource}");
    }
    let nobody = json!({"repositoryName": "fleet"});
    let unsigned = host.person(Method::POST, "/", nobody).await;
    assert_eq!(
        (unsigned.0.as_u16(), unsigned.1["__type"].as_str()),
        (400, Some("MissingAuthenticationTokenException"))
    );
}

#[tokio::test]
async fn a_branch_is_kept_once_and_never_moved_and_a_tag_is_not() {
    let (host, first) = Host::with_main(&[("a", "1\n")]).await;
    let second = host.commit(&[("a", "2\n")], "second").await;
    host.git("push --quiet origin main").await;
    let (codecommit, repository) = (host.codecommit("archivist"), host.on_codecommit());
    for _ in 0..2 {
        assert!(codecommit.keep(&repository, "heads/archive/p-1", &first).await.unwrap());
    }
    assert!(!codecommit.keep(&repository, "tags/killed/p-1", &first).await.unwrap());
    let fault = codecommit.keep(&repository, "heads/archive/p-1", &second).await.unwrap_err();
    assert!(matches!(&fault, Fault::Reject { what } if what.ends_with("and is not moved")), "{fault}");
    let branch = "archive/p-1".parse().unwrap();
    assert_eq!(codecommit.branch_head(&repository, &branch).await.unwrap(), Some(first));
}
