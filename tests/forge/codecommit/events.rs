//! What EventBridge would be told, in the fields of AWS's examples. Delivery is best effort there; here it is in order, once.
//! <https://docs.aws.amazon.com/codecommit/latest/userguide/monitoring-events.html>

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{CodeCommitIdentity, arn_of};
use crate::forge::{clock, payload::Push, pulls::Pull, webhook::Outgoing, world::World};

/// A branch or a tag is not what it was.
pub(in crate::forge) fn reference(world: &World, push: &Push<'_>, sender: &Value) {
    let Some(identity) = identity(world) else { return };
    let (kind, short) = match (push.name.strip_prefix("refs/heads/"), push.name.strip_prefix("refs/tags/")) {
        (Some(branch), _) => ("branch", branch),
        (_, Some(tag)) => ("tag", tag),
        _ => return,
    };
    let mut detail = json!({
        "event": match (push.before, push.after) {
            (None, _) => "referenceCreated",
            (_, None) => "referenceDeleted",
            _ => "referenceUpdated",
        },
        "repositoryName": identity.arn.name(), "repositoryId": identity.id.to_string(), "referenceType": kind,
        "referenceName": short, "referenceFullName": push.name, "callerUserArn": arn_of(sender, &identity),
    });
    if let Some(after) = push.after {
        detail["commitId"] = json!(after);
    }
    if let Some(before) = push.before {
        detail["oldCommitId"] = json!(before);
    }
    tell(world, &identity, "CodeCommit Repository State Change", detail);
}

/// What GitHub calls `opened`, `synchronize` or `closed`. CodeCommit opens none again, and tells nothing of an edit.
pub(in crate::forge) fn pull(world: &World, action: &str, pull: &Pull, sender: &Value) {
    let Some(identity) = identity(world) else { return };
    let event = match (action, &pull.merged) {
        ("opened", _) => "pullRequestCreated",
        ("synchronize", _) => "pullRequestSourceBranchUpdated",
        ("closed", Some(_)) => "pullRequestMergeStatusUpdated",
        ("closed", None) => "pullRequestStatusChanged",
        _ => return,
    };
    let detail = of_pull(&identity, event, pull, &arn_of(sender, &identity));
    tell(world, &identity, "CodeCommit Pull Request State Change", detail);
}

/// Somebody approved a revision, or took that back.
pub(super) fn approval(world: &World, pull: &Pull, revision: &str, caller: &str, state: &str) {
    let Some(identity) = identity(world) else { return };
    let mut detail = of_pull(&identity, "pullRequestApprovalStateChanged", pull, caller);
    detail["approvalStatus"] = json!(state);
    detail["revisionId"] = json!(revision);
    tell(world, &identity, "CodeCommit Pull Request State Change", detail);
}

/// Somebody commented.
pub(super) fn comment(
    world: &World,
    change: Option<u64>,
    what: &str,
    id: &str,
    before: Option<&str>,
    after: &str,
    caller: &str,
) {
    let Some(identity) = identity(world) else { return };
    let mut detail = json!({
        "repositoryId": identity.id.to_string(), "repositoryName": identity.arn.name(), "commentId": id,
        "afterCommitId": after, "callerUserArn": caller, "notificationBody": "A comment was made.",
    });
    if let Some(before) = before {
        detail["beforeCommitId"] = json!(before);
    }
    let kind = match change {
        Some(number) => {
            detail["event"] = json!(format!("commentOnPullRequest{what}"));
            detail["pullRequestId"] = json!(number.to_string());
            "CodeCommit Comment on Pull Request"
        }
        None => {
            detail["event"] = json!(format!("commentOnCommit{what}"));
            "CodeCommit Comment on Commit"
        }
    };
    tell(world, &identity, kind, detail);
}

fn of_pull(identity: &CodeCommitIdentity, event: &str, pull: &Pull, caller: &str) -> Value {
    // `Tue Feb 9 2019 13:31:10 UTC`: in words, and not for programs.
    let time = |at: jiff::Timestamp| at.strftime("%a %b %d %H:%M:%S UTC %Y").to_string();
    json!({
        "event": event, "pullRequestId": pull.number.to_string(), "title": pull.title, "description": pull.body,
        "pullRequestStatus": if pull.open { "Open" } else { "Closed" },
        "isMerged": if pull.merged.is_some() { "True" } else { "False" },
        "repositoryNames": [identity.arn.name()], "author": arn_of(&pull.user, identity), "callerUserArn": caller,
        "sourceReference": format!("refs/heads/{}", pull.head_branch), "sourceCommit": pull.head,
        "destinationReference": format!("refs/heads/{}", pull.base_branch), "destinationCommit": pull.base,
        "creationDate": time(pull.created_at), "lastModifiedDate": time(pull.updated_at),
        "notificationBody": "A pull request event occurred.",
    })
}

fn identity(world: &World) -> Option<CodeCommitIdentity> {
    world.memory().codecommit.identity.clone()
}

/// Keeps an event, and sends it where events go: `PutEvents` of an emulator that takes a service's events, as AWS itself does not.
fn tell(world: &World, identity: &CodeCommitIdentity, kind: &str, detail: Value) {
    // AWS writes the time of an event in whole seconds.
    let (arn, time) = (&identity.arn, Timestamp::from_second(clock::now().as_second()).unwrap_or_default());
    let event = json!({
        "version": "0", "id": clock::guid(), "source": "aws.codecommit", "detail-type": kind, "time": time.to_string(),
        "account": arn.account(), "region": arn.region(), "resources": [arn.to_string()], "detail": detail,
    });
    let sink = {
        let mut memory = world.memory();
        memory.codecommit.events.push(event.clone());
        memory.codecommit.sink.clone()
    };
    let Some(sink) = sink else { return };
    let entry = json!({"Entries": [{
        "Source": "aws.codecommit", "DetailType": kind, "Detail": detail.to_string(),
        "Resources": [arn.to_string()], "Time": time.as_second(),
    }]});
    let scope =
        format!("{}/20260101/{}/events/aws4_request", sink.access_key.as_deref().unwrap_or("test"), arn.region());
    let headers = [
        ("content-type", "application/x-amz-json-1.1".to_owned()),
        ("x-amz-target", "AWSEvents.PutEvents".to_owned()),
        ("authorization", format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0")),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value)).to_vec();
    // A closed channel means that the forge stops.
    let _ = world.outbox.send(Outgoing::beside(sink.url, headers, entry.to_string()));
}
