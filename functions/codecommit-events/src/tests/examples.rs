//! AWS's documented examples, and what each becomes.

use common::event::Event;
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::support::*;
use crate::input::Kind;

/// One line an event: its word, what was said, and what is told.
async fn table(events: &[Value]) -> String {
    let mut lines = Vec::new();
    for event in events {
        let case = Case::new();
        let said = case.say(event).await;
        let told: Vec<String> = case.told().iter().map(|told| summary(&told.meta.subject, &told.event)).collect();
        let line = format!("{}: {said}; {}", event["detail"]["event"].as_str().unwrap_or("?"), told.join("; "));
        lines.push(line.trim_end_matches([' ', ';']).to_owned());
    }
    lines.join("\n")
}

fn summary(subject: &str, event: &Event) -> String {
    let subject = subject.replace(ID, "ID");
    let last = |id: String| id.rsplit('/').next().unwrap_or_default().to_owned();
    match event {
        Event::BranchPushed(it) => {
            let (before, after) = (it.before.as_ref().map_or("-", |at| at.short()), it.after.short());
            let sender = last(it.sender.id.to_string());
            format!("{subject} {} {before} {after} {sender} {:?}", it.branch, it.touched_roots)
        }
        Event::BranchDeleted(it) => format!("{subject} {} {}", it.branch, it.before.short()),
        Event::ChangeOpened(it) | Event::ChangeUpdated(it) | Event::ChangeClosed(it) => {
            let (author, sender) = (last(it.author.id.to_string()), last(it.sender.id.to_string()));
            let (head, base) = (it.head.short(), it.base.short());
            format!("{subject} {head} into {} {base} {author} {sender} {} {}", it.base_branch, it.fork, it.draft)
        }
        Event::ChangeMerged(it) => format!("{subject} {} {:?}", it.change.head.short(), it.merge_commit),
        Event::ChangeReviewed(it) => {
            let commit = it.commit.as_ref().map_or("-", |at| at.short());
            format!("{subject} {} {commit} {}", it.action, last(it.reviewer.id.to_string()))
        }
        Event::ChangeCommented(it) => {
            format!("{subject} {} {} {} {}", it.action, it.comment, last(it.author.id.to_string()), it.author.login)
        }
        other => other.kind().name().to_owned(),
    }
}

#[tokio::test]
async fn each_documented_event_becomes_its_event_of_the_contract() {
    assert_snapshot!(table(&all_told()).await, @r#"
    referenceCreated: accepted: Branch Pushed; repository:ID myBranch - 3e59830 Mary_Major ["*"]
    referenceUpdated: accepted: Branch Pushed; repository:ID myBranch 3e59830 7f01030 Mary_Major ["*"]
    referenceDeleted: accepted: Branch Deleted; repository:ID myBranch 26a8f20
    pullRequestCreated: accepted: Change Opened; change:ID/1 2774290 into main 1224197 Li_Juan Mary_Major false false
    pullRequestSourceBranchUpdated: accepted: Change Updated; change:ID/1 2774290 into main 1224197 Li_Juan Mary_Major false false
    pullRequestStatusChanged: accepted: Change Updated; change:ID/1 2774290 into main 1224197 Li_Juan Mary_Major false false
    pullRequestStatusChanged: accepted: Change Closed; change:ID/1 2774290 into main 1224197 Li_Juan Mary_Major false false
    pullRequestMergeStatusUpdated: accepted: Change Merged; change:ID/1 2774290 None
    pullRequestApprovalStateChanged: accepted: Change Reviewed; change:ID/1 approve 2774290 Mary_Major
    pullRequestApprovalStateChanged: accepted: Change Reviewed; change:ID/1 revoke 2774290 Mary_Major
    pullRequestApprovalRuleCreated: accepted: Change Reviewed; change:ID/1 rule_created 2774290 Mary_Major
    pullRequestApprovalRuleUpdated: accepted: Change Reviewed; change:ID/1 rule_updated 2774290 Mary_Major
    pullRequestApprovalRuleDeleted: accepted: Change Reviewed; change:ID/1 rule_deleted 2774290 Mary_Major
    pullRequestApprovalRuleOverridden: accepted: Change Reviewed; change:ID/1 rules_overridden 2774290 Mary_Major
    pullRequestApprovalRuleOverridden: accepted: Change Reviewed; change:ID/1 rules_reinstated 2774290 Mary_Major
    commentOnPullRequestCreated: accepted: Change Commented; change:ID/201 created 463b:1c nobody arn:aws:sts::123456789012:federated-user/Saanvi_Sarkar
    commentOnPullRequestUpdated: accepted: Change Commented; change:ID/201 replied 463b:1c nobody arn:aws:sts::123456789012:federated-user/Saanvi_Sarkar
    commentOnPullRequestUpdated: accepted: Change Commented; change:ID/201 edited 463b:1c nobody arn:aws:sts::123456789012:federated-user/Saanvi_Sarkar
    "#);
}

#[tokio::test]
async fn what_asks_for_nothing_is_left_alone_with_its_reason() {
    let created = || reference("referenceCreated", Some("7f01"), None);
    let mut reaction = reference("commentReactionCreated", None, None);
    reaction["detail-type"] = json!("CodeCommit Comment Reaction Change");
    let mut unassociated = template();
    unassociated["resources"] = json!([]);
    let mut unlisted = with(created(), "repositoryName", json!("Elsewhere"));
    unlisted["resources"] = json!(["arn:aws:codecommit:us-east-2:123456789012:Elsewhere"]);
    unlisted["detail"]["repositoryId"] = json!("00000000-1234-5678-abcd-12345678abcd");
    let events = [
        reference("unreferencedMergeCommitCreated", Some("7f01"), None),
        with(with(created(), "referenceType", json!("tag")), "referenceFullName", json!("refs/tags/v1")),
        with(created(), "referenceFullName", json!("refs/notes/commits")),
        with(created(), "referenceFullName", json!("refs/heads/größe")),
        reaction,
        pull_request("pullRequestDreamt", "Open", "False"),
        comment(Kind::PullRequestComment, "commentOnPullRequestDreamt"),
        comment(Kind::CommitComment, "commentOnCommitCreated"),
        comment(Kind::CommitComment, "commentOnCommitUpdated"),
        template(),
        unassociated,
        unlisted,
    ];
    assert_snapshot!(table(&events).await, @r#"
    unreferencedMergeCommitCreated: ignored: CodeCommit Repository State Change with the event "unreferencedMergeCommitCreated" changes nothing that Penstock decides on
    referenceCreated: ignored: "refs/tags/v1" is not a branch, and Penstock follows branches only
    referenceCreated: ignored: "refs/notes/commits" is not a branch, and Penstock follows branches only
    referenceCreated: ignored: "gr\u{f6}\u{df}e" is not a valid branch name: expected a git branch name of printable ASCII: no environment can follow such a branch
    commentReactionCreated: ignored: "CodeCommit Comment Reaction Change" is not one that Penstock reads
    pullRequestDreamt: ignored: CodeCommit Pull Request State Change with the event "pullRequestDreamt" changes nothing that Penstock decides on
    commentOnPullRequestDreamt: ignored: CodeCommit Comment on Pull Request with the event "commentOnPullRequestDreamt" changes nothing that Penstock decides on
    commentOnCommitCreated: ignored: nothing in Penstock listens to CodeCommit Comment on Commit yet
    commentOnCommitUpdated: ignored: nothing in Penstock listens to CodeCommit Comment on Commit yet
    approvalRuleTemplateAssociatedWithRepository: ignored: nothing in Penstock listens to CodeCommit Approval Rule Template Change yet
    approvalRuleTemplateAssociatedWithRepository: ignored: nothing in Penstock listens to CodeCommit Approval Rule Template Change yet
    referenceCreated: ignored: repositories.yaml does not list arn:aws:codecommit:us-east-2:123456789012:Elsewhere
    "#);
}

#[tokio::test]
async fn what_is_not_of_the_documented_form_is_rejected_with_what_is_wrong() {
    let push = || reference("referenceUpdated", Some("7f01"), Some("3e59"));
    let change = || pull_request("pullRequestCreated", "Open", "False");
    let mut timeless = push();
    timeless["time"] = json!("");
    let mut nameless = push();
    nameless["id"] = json!("no id");
    let events = [
        with(push(), "commitId", json!("3e5983DESTINATION")),
        with(push(), "commitId", json!(null)),
        with(push(), "commitId", json!("0".repeat(40))),
        with(push(), "repositoryId", json!("7dd1EXAMPLE...")),
        with(push(), "repositoryId", json!(7)),
        with(change(), "isMerged", json!("Perhaps")),
        with(change(), "pullRequestId", json!("01")),
        with(change(), "sourceCommit", json!("\u{202e}\n")),
        pull_request("pullRequestApprovalStateChanged", "Open", "False"),
        timeless,
        nameless,
    ];
    assert_snapshot!(table(&events).await, @r#"
    referenceUpdated: fault: an event of CodeCommit cannot be read: "3e5983DESTINATION" is not a valid commit id: expected 40 or 64 lower-case hex digits
    referenceUpdated: fault: an event of CodeCommit cannot be read: it has no commitId
    referenceUpdated: fault: an event of CodeCommit cannot be read: it has no commitId
    referenceUpdated: fault: an event of CodeCommit cannot be read: "7dd1EXAMPLE..." is not a valid id of a CodeCommit repository: expected a UUID in lower case
    referenceUpdated: fault: an event of CodeCommit cannot be read: "invalid type: integer `7`, expected a string"
    pullRequestCreated: fault: an event of CodeCommit cannot be read: "unknown variant `Perhaps`, expected `True` or `False`"
    pullRequestCreated: fault: an event of CodeCommit cannot be read: the number of a pull request is a number, not "01"
    pullRequestCreated: fault: an event of CodeCommit cannot be read: "\u{202e}\n" is not a valid commit id: expected 40 or 64 lower-case hex digits
    pullRequestApprovalStateChanged: fault: an event of CodeCommit cannot be read: it has no approvalStatus
    referenceUpdated: fault: an event of CodeCommit cannot be read: it has no time
    referenceUpdated: fault: an event of CodeCommit cannot be taken: "codecommit:no id" is not a valid delivery id: expected 1 to 128 of letters, digits, '-', '_', '.' and ':'
    "#);
}

#[tokio::test]
async fn a_renamed_repository_is_known_by_its_id_and_not_without() {
    let case = Case::new();
    let mut push = reference("referenceUpdated", Some("7f01"), Some("3e59"));
    push["resources"] = json!([format!("{ARN}-renamed")]);
    push["detail"]["repositoryName"] = json!("MyDemoRepo-renamed");
    assert_eq!(case.say(&push).await, "accepted: Branch Pushed");
    let Event::BranchPushed(pushed) = &case.told()[0].event else { panic!("a push") };
    let repository = (pushed.repository.id.to_string(), pushed.repository.name.to_string());
    assert_eq!(repository, (ID.to_owned(), "123456789012/MyDemoRepo-renamed".to_owned()));

    let mut change = pull_request("pullRequestCreated", "Open", "False");
    change["resources"] = push["resources"].clone();
    change["detail"]["repositoryNames"] = json!(["MyDemoRepo-renamed"]);
    assert_snapshot!(case.say(&change).await, @"ignored: repositories.yaml does not list arn:aws:codecommit:us-east-2:123456789012:MyDemoRepo-renamed");
}

#[tokio::test]
async fn where_no_repository_of_codecommit_is_listed_nothing_is_foreign() {
    let case = Case::with("repositories: [{id: 42, name: acme/clusters, kind: cluster, default_branch: main}]\n");
    assert_snapshot!(case.say(&reference("referenceCreated", Some("7f01"), None)).await, @"ignored: repositories.yaml does not list arn:aws:codecommit:us-east-2:123456789012:MyDemoRepo");
}

fn trigger(references: Value) -> Value {
    json!({"Records": [{
        "eventId": "5a824061-17ca-46a9-bbf9-114edeadbeef", "eventVersion": "1.0", "eventTime": "2018-01-26T15:58:33.475+0000",
        "eventTriggerName": "my-trigger", "eventPartNumber": 1, "codecommit": {"references": references},
        "eventName": "ReferenceChanges", "eventTriggerConfigId": "5a824061-17ca-46a9-bbf9-114edeadbeef",
        "eventSourceARN": ARN, "userIdentityARN": "arn:aws:iam::123456789012:root", "eventSource": "aws:codecommit",
        "awsRegion": "us-east-2", "eventTotalParts": 1,
    }]})
}

#[tokio::test]
async fn a_trigger_tells_one_event_a_reference_and_once() {
    let case = Case::new();
    let pushed = trigger(json!([
        {"commit": commit("5c4e"), "ref": "refs/heads/main"},
        {"commit": commit("5c4e"), "ref": "refs/heads/new", "created": true},
        {"commit": commit("26a8"), "ref": "refs/heads/old", "deleted": true},
        {"commit": "0".repeat(40), "ref": "refs/heads/older", "deleted": true},
        {"commit": commit("5c4e"), "ref": "refs/tags/v1"},
        {"commit": "no commit", "ref": "refs/heads/odd"},
    ]));
    let said = outcomes(&case, pushed.clone()).await;
    assert_eq!(said, ["accepted", "accepted", "accepted", "ignored", "ignored", "refused"]);
    let again = outcomes(&case, pushed).await;
    assert_eq!(again, ["duplicate", "duplicate", "duplicate", "ignored", "ignored", "refused"]);
    let mut told: Vec<String> = case.told().iter().map(|told| summary(&told.meta.subject, &told.event)).collect();
    told.sort();
    assert_snapshot!(told.join("\n"), @r#"
    repository:ID main - 5c4e000 nobody ["*"]
    repository:ID new - 5c4e000 nobody ["*"]
    repository:ID old 26a8000
    "#);
}

#[tokio::test]
async fn a_trigger_is_compared_as_an_event_is_and_its_test_asks_for_nothing() {
    let case = Case::new();
    let good = trigger(json!([{"commit": commit("5c4e"), "ref": "refs/heads/main"}]));
    for (field, value, outcome) in [
        ("awsRegion", "eu-west-1", "refused"),
        ("eventSourceARN", "arn:aws:codecommit:us-east-2:999999999999:MyDemoRepo", "refused"),
        ("eventSourceARN", "arn:aws:codecommit:us-east-2:123456789012:Unlisted", "ignored"),
        ("eventName", "TriggerEventTest", "ignored"),
    ] {
        let mut other = good.clone();
        other["Records"][0][field] = json!(value);
        assert_eq!(outcomes(&case, other).await, [outcome], "{field}: {value}");
    }
    assert_eq!(case.told(), []);
}
