//! AWS's documented examples, with ids and commits of full length where the guide shortens them, and the function over a world.

use common::{
    domain::governance::Governance,
    event::{AwsEvent, Envelope},
    ports::OutboxRow,
    testing::{GovernanceFiles, World},
};
use serde_json::{Value, json};

use crate::{CodeCommitEvents, handler::Answered, input::Kind};

pub(super) const ID: &str = "12345678-1234-5678-abcd-12345678abcd";
pub(super) const ARN: &str = "arn:aws:codecommit:us-east-2:123456789012:MyDemoRepo";
pub(super) const OTHER_ID: &str = "92ca7bf2-d878-49ed-a994-336a6cc7c574";
pub(super) const OTHER_ARN: &str = "arn:aws:codecommit:us-east-2:123456789012:MyTestRepo";

pub(super) struct Case {
    pub(super) world: World,
    pub(super) events: CodeCommitEvents<World, World>,
}

impl Case {
    pub(super) fn new() -> Self {
        Self::with(&format!(
            "repositories:
  - {{id: 42, name: acme/clusters, kind: cluster, default_branch: main}}
  - {{id: {ID}, arn: \"{ARN}\", kind: cluster, default_branch: main}}
  - {{id: {OTHER_ID}, arn: \"{OTHER_ARN}\", kind: application, default_branch: main}}
"
        ))
    }

    pub(super) fn with(repositories: &str) -> Self {
        super::log::start();
        let world = World::new();
        let files = GovernanceFiles::default().with("repositories.yaml", repositories);
        let repositories = Governance::parse(&files.bytes()).unwrap().repositories;
        let (intake, clock) = (world.clone(), world.clone());
        Self { world, events: CodeCommitEvents { intake, clock, repositories } }
    }

    /// What the function says to this event of the bus; a fault as its text.
    pub(super) async fn say(&self, event: &Value) -> String {
        let event: AwsEvent = serde_json::from_value(event.clone()).unwrap();
        self.events.event(&event).await.map_or_else(|fault| format!("fault: {fault}"), said)
    }

    /// What waits in the outbox.
    pub(super) fn told(&self) -> Vec<Envelope> {
        let parse = |row: OutboxRow| {
            Envelope::parse(&row.source, &row.detail_type, serde_json::from_str(&row.detail).unwrap()).unwrap()
        };
        self.world.outbox().into_iter().map(parse).collect()
    }
}

/// What became of each reference of a trigger.
pub(super) async fn outcomes(case: &Case, trigger: Value) -> Vec<String> {
    let answered = case.events.trigger(&serde_json::from_value(trigger).unwrap()).await.unwrap();
    let outcome = |answered| serde_json::to_value(answered).unwrap()["outcome"].as_str().unwrap().to_owned();
    answered.into_iter().map(outcome).collect()
}

fn said(answered: Answered) -> String {
    match answered {
        Answered::Accepted { event, .. } => format!("accepted: {event}"),
        Answered::Duplicate { .. } => "duplicate".to_owned(),
        Answered::Ignored { reason } => format!("ignored: {reason}"),
        Answered::Refused { reason } => format!("refused: {reason}"),
    }
}

/// A commit of full length.
pub(super) fn commit(start: &str) -> String {
    format!("{start:0<40}")
}

pub(super) fn event(kind: Kind, detail: Value) -> Value {
    json!({
        "version": "0", "id": "98377d67-0123-4567-89ab-0123456789ab", "detail-type": kind.as_str(), "source": "aws.codecommit",
        "account": "123456789012", "time": "2019-06-12T10:23:43Z", "region": "us-east-2", "resources": [ARN], "detail": detail,
    })
}

pub(super) fn reference(word: &str, new: Option<&str>, old: Option<&str>) -> Value {
    let mut detail = json!({
        "event": word, "repositoryName": "MyDemoRepo", "repositoryId": ID, "referenceType": "branch",
        "referenceName": "myBranch", "referenceFullName": "refs/heads/myBranch",
        "callerUserArn": "arn:aws:iam::123456789012:user/Mary_Major",
    });
    for (field, at) in [("commitId", new), ("oldCommitId", old)] {
        if let Some(at) = at {
            detail[field] = json!(commit(at));
        }
    }
    event(Kind::Repository, detail)
}

pub(super) fn pull_request(word: &str, status: &str, merged: &str) -> Value {
    event(
        Kind::PullRequest,
        json!({
            "author": "arn:aws:iam::123456789012:user/Li_Juan",
            "callerUserArn": "arn:aws:sts::123456789012:assumed-role/Admin/Mary_Major",
            "creationDate": "Tue Feb 9 2019 10:18:42 PDT ", "description": "An example description.",
            "destinationCommit": commit("12241970"), "destinationReference": "refs/heads/main", "event": word, "isMerged": merged,
            "lastModifiedDate": "Tue Feb 9 2019 10:18:42 PDT", "notificationBody": "A pull request event occurred.",
            "pullRequestId": "1", "pullRequestStatus": status, "repositoryNames": ["MyDemoRepo"], "revisionId": "bdc0cb9b",
            "sourceCommit": commit("2774290"), "sourceReference": "refs/heads/test-branch", "title": "My Example Pull Request",
        }),
    )
}

pub(super) fn comment(kind: Kind, word: &str) -> Value {
    let mut detail = json!({
        "beforeCommitId": commit("3c5d"), "repositoryId": ID, "inReplyTo": "695b:0a",
        "notificationBody": "A comment event occurred.", "commentId": "463b:1c", "afterCommitId": commit("f4d5"), "event": word,
        "repositoryName": "MyDemoRepo", "callerUserArn": "arn:aws:sts::123456789012:federated-user/Saanvi_Sarkar",
        "displayName": "Saanvi Sarkar", "emailAddress": "saanvi_sarkar@example.com",
    });
    if kind == Kind::PullRequestComment {
        detail["pullRequestId"] = json!("201");
    }
    event(kind, detail)
}

pub(super) fn template() -> Value {
    event(
        Kind::ApprovalRuleTemplate,
        json!({
            "approvalRuleTemplateId": "d7385967", "approvalRuleTemplateName": "2-approvers-required-for-main",
            "event": "approvalRuleTemplateAssociatedWithRepository", "repositories": {"MyDemoRepo": ID},
        }),
    )
}

/// The same with another value in a field of its detail.
pub(super) fn with(mut event: Value, field: &str, value: Value) -> Value {
    event["detail"][field] = value;
    event
}

/// One of each that is told.
pub(super) fn all_told() -> Vec<Value> {
    let open = |word| pull_request(word, "Open", "False");
    vec![
        reference("referenceCreated", Some("3e5983"), None),
        reference("referenceUpdated", Some("7f0103"), Some("3e5983")),
        reference("referenceDeleted", None, Some("26a8f2")),
        open("pullRequestCreated"),
        open("pullRequestSourceBranchUpdated"),
        open("pullRequestStatusChanged"),
        pull_request("pullRequestStatusChanged", "Closed", "False"),
        pull_request("pullRequestMergeStatusUpdated", "Closed", "True"),
        with(open("pullRequestApprovalStateChanged"), "approvalStatus", json!("APPROVE")),
        with(open("pullRequestApprovalStateChanged"), "approvalStatus", json!("REVOKE")),
        open("pullRequestApprovalRuleCreated"),
        open("pullRequestApprovalRuleUpdated"),
        open("pullRequestApprovalRuleDeleted"),
        with(open("pullRequestApprovalRuleOverridden"), "overrideStatus", json!("OVERRIDE")),
        with(open("pullRequestApprovalRuleOverridden"), "overrideStatus", json!("REVOKE")),
        comment(Kind::PullRequestComment, "commentOnPullRequestCreated"),
        comment(Kind::PullRequestComment, "commentOnPullRequestUpdated"),
        with(comment(Kind::PullRequestComment, "commentOnPullRequestUpdated"), "inReplyTo", json!(null)),
    ]
}
