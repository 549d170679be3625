//! Comments as evidence of what somebody said, and what does not exist there.

use common::{
    domain::id::{CommentId, HostAccount},
    ports::Sources as _,
};
use serde_json::{Value, json};

use crate::github::host::Host;

async fn change(host: &Host) -> (u64, Value) {
    host.git("checkout --quiet -b one main").await;
    host.commit(&[("b", "1\n")], "one").await;
    host.git("push --quiet origin one").await;
    let target = json!({"repositoryName": "fleet", "sourceReference": "one", "destinationReference": "main"});
    let (status, made) = host.call("CreatePullRequest", "user-ada", json!({"title": "x", "targets": [target]})).await;
    assert_eq!(status, 200, "{made}");
    let target = made["pullRequest"]["pullRequestTargets"][0].clone();
    (made["pullRequest"]["pullRequestId"].as_str().unwrap().parse().unwrap(), target)
}

async fn write(host: &Host, by: &str, number: u64, target: &Value, text: &str) -> CommentId {
    let body = json!({
        "pullRequestId": number.to_string(), "repositoryName": "fleet", "beforeCommitId": target["destinationCommit"],
        "afterCommitId": target["sourceCommit"], "content": text,
    });
    let (status, made) = host.call("PostCommentForPullRequest", by, body).await;
    assert_eq!(status, 200, "{made}");
    CommentId::CodeCommit(made["comment"]["commentId"].as_str().unwrap().parse().unwrap())
}

#[tokio::test]
async fn a_comment_is_its_authors_until_it_is_edited_or_deleted_and_a_function_is_no_person() {
    let (host, _) = Host::with_main(&[("a", "1\n")]).await;
    let (number, target) = change(&host).await;
    let (codecommit, repository) = (host.codecommit("gate"), host.on_codecommit());
    let id = write(&host, "user-ada", number, &target, "/penstock approve").await;
    let ours = write(&host, "feedback", number, &target, "/penstock approve").await;

    let seen = codecommit.comment(&repository, number, &id).await.unwrap().unwrap();
    let ada = HostAccount::Iam("arn:aws:iam::111122223333:user/ada".parse().unwrap());
    assert_eq!((seen.number, seen.body.as_str(), seen.author), (number, "/penstock approve", Some(ada)));
    assert!(seen.by_person && !seen.edited);
    let seen = codecommit.comment(&repository, number, &ours).await.unwrap().unwrap();
    assert!(!seen.by_person, "{seen:?}");

    // What stands elsewhere is not found here, and neither is GitHub's.
    assert_eq!(codecommit.comment(&repository, number + 1, &id).await.unwrap(), None);
    assert_eq!(codecommit.comment(&repository, number, &CommentId::GitHub(1)).await.unwrap(), None);

    let edit = json!({"commentId": id.to_string(), "content": "another"});
    let (status, told) = host.call("UpdateComment", "user-bob", edit.clone()).await;
    assert_eq!((status.as_u16(), told["__type"].as_str()), (400, Some("CommentNotCreatedByCallerException")));
    assert_eq!(host.call("UpdateComment", "user-ada", edit).await.0, 200);
    assert!(codecommit.comment(&repository, number, &id).await.unwrap().unwrap().edited);
    host.call("DeleteCommentContent", "user-bob", json!({"commentId": id.to_string()})).await;
    assert_eq!(codecommit.comment(&repository, number, &id).await.unwrap(), None);
}

#[tokio::test]
async fn what_codecommit_does_not_have_is_not_there_and_costs_no_call() {
    let (host, first) = Host::with_main(&[("a", "1\n")]).await;
    let (codecommit, repository) = (host.codecommit("gate"), host.on_codecommit());
    let before = host.requests().await.len();
    assert_eq!(codecommit.check_runs(&repository, &first).await.unwrap(), []);
    assert_eq!(codecommit.issues_labelled(&repository, "item").await.unwrap(), []);
    assert_eq!(codecommit.deployment(&repository, 1).await.unwrap(), None);
    assert_eq!(codecommit.deployments_since(&repository, jiff::Timestamp::UNIX_EPOCH).await.unwrap(), [0_u64; 0]);
    assert!(codecommit.changes_with(&repository, &first).await.unwrap().is_empty());
    assert_eq!(host.requests().await.len(), before);
}
