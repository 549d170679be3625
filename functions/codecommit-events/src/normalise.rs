//! A detail to an event of the contract, or to the reason why there is none.
//!
//! | CodeCommit | contract |
//! |---|---|
//! | `referenceCreated`, `referenceUpdated` of a branch; a trigger's reference | Branch Pushed; what it touched is not said: `["*"]` |
//! | `referenceDeleted` of a branch | Branch Deleted |
//! | `pullRequestCreated` | Change Opened |
//! | `pullRequestSourceBranchUpdated` | Change Updated |
//! | `pullRequestStatusChanged`, `pullRequestMergeStatusUpdated`: merged | Change Merged; the merge's own commit is not named |
//! | the same: closed, not merged | Change Closed |
//! | the same: open | Change Updated |
//! | `pullRequestApprovalStateChanged` | Change Reviewed, `approve` or `revoke` |
//! | `pullRequestApprovalRule{Created,Updated,Deleted,Overridden}` | Change Reviewed, `rule_created`, …: what approvals come to has changed |
//! | `commentOnPullRequestCreated` | Change Commented, `created` |
//! | `commentOnPullRequestUpdated` | Change Commented, `edited`; `replied` when it answers another: AWS says it of replies, too |
//! | everything else | none, with the reason |
//!
//! Whether history was rewritten is not said either (`forced` is false): who cares compares the commits.

use common::{
    domain::id::{BranchName, CommentId, CommitSha, IdError},
    event::{
        Actor, BranchDeleted, BranchPushed, Change, ChangeCommented, ChangeMerged, ChangeReviewed, Event, Repository,
    },
};

use crate::{
    input::{
        Kind,
        comment::CommentDetail,
        pull_request::{Approval, Merged, Override, PullRequestDetail, Status},
        reference::ReferenceDetail,
        template::TemplateDetail,
        trigger::{Record, Reference},
    },
    judge::{Ignored, Told, Untold},
};

/// A branch that moved.
///
/// # Errors
/// Why nothing is told.
pub fn reference(repository: Repository, when: String, detail: &ReferenceDetail) -> Result<Told, Untold> {
    let word = match detail.event.as_str() {
        "referenceCreated" => "referenceCreated",
        "referenceUpdated" => "referenceUpdated",
        "referenceDeleted" => "referenceDeleted",
        other => return Err(unknown(Kind::Repository, other)),
    };
    let name = detail.reference_full_name.as_deref().ok_or_else(|| missing("referenceFullName"))?;
    if detail.reference_type.as_deref().is_some_and(|kind| kind != "branch") {
        return Err(Ignored::NotABranch(name.to_owned()).into());
    }
    let branch = branch(name)?;
    let (before, after) = (commit(detail.old_commit_id.as_deref())?, commit(detail.commit_id.as_deref())?);
    let sender = Actor::caller(detail.caller_user_arn.as_deref());
    let event = if word == "referenceDeleted" {
        let before = before.ok_or_else(|| missing("oldCommitId"))?;
        Event::BranchDeleted(BranchDeleted { repository: repository.clone(), branch, before, sender })
    } else {
        let after = after.ok_or_else(|| missing("commitId"))?;
        pushed(&repository, branch, before, after, sender)
    };
    Ok(of_repository(repository, word, when, event))
}

/// A branch that moved, as a trigger says it.
///
/// # Errors
/// Why nothing is told.
pub fn triggered(repository: Repository, record: &Record, reference: &Reference) -> Result<Told, Untold> {
    if record.event_name == "TriggerEventTest" {
        return Err(Ignored::Test.into());
    }
    if record.event_id.is_empty() || record.event_time.is_empty() {
        return Err(missing("eventId or no eventTime"));
    }
    let name = reference.name.as_deref().ok_or_else(|| missing("ref"))?;
    let (branch, commit) = (branch(name)?, commit(reference.commit.as_deref())?);
    let (sender, when) = (Actor::caller(record.user_identity_arn.as_deref()), record.event_time.clone());
    if reference.deleted {
        let before = commit.ok_or_else(|| Ignored::GoneWithoutCommit(name.to_owned()))?;
        let event = Event::BranchDeleted(BranchDeleted { repository: repository.clone(), branch, before, sender });
        return Ok(of_repository(repository, "referenceDeleted", when, event));
    }
    let event = pushed(&repository, branch, None, commit.ok_or_else(|| missing("commit"))?, sender);
    let word = if reference.created { "referenceCreated" } else { "referenceUpdated" };
    Ok(of_repository(repository, word, when, event))
}

fn pushed(
    repository: &Repository,
    branch: BranchName,
    before: Option<CommitSha>,
    after: CommitSha,
    sender: Actor,
) -> Event {
    let (repository, touched_roots) = (repository.clone(), vec!["*".to_owned()]);
    Event::BranchPushed(BranchPushed { repository, branch, before, after, forced: false, sender, touched_roots })
}

/// A pull request.
///
/// # Errors
/// Why nothing is told.
pub fn pull_request(repository: Repository, when: String, detail: &PullRequestDetail) -> Result<Told, Untold> {
    let (word, says) = pull_request_word(detail)?;
    let (number, head) = (number(&detail.pull_request_id)?, sha(&detail.source_commit)?);
    let caller = Actor::caller(detail.caller_user_arn.as_deref());
    let told = |event| {
        let subject = format!("change:{}/{number}", repository.id);
        Told { repository: repository.clone(), subject, word, when, event }
    };
    if let Says::Reviewed(action) = says {
        // An approval is given to the present revision alone (API reference, `RevisionNotCurrentException`), so its head is the event's.
        let (repository, action) = (repository.clone(), action.to_owned());
        let reviewed =
            ChangeReviewed { repository, number, review: None, commit: Some(head), reviewer: caller, action };
        return Ok(told(Event::ChangeReviewed(reviewed)));
    }
    let change = Change {
        repository: repository.clone(),
        number,
        head,
        base_branch: branch(&detail.destination_reference)?,
        base: sha(&detail.destination_commit)?,
        // Both ends of a pull request are branches of one repository, and there are no drafts.
        fork: false,
        draft: false,
        author: Actor::caller(detail.author.as_deref()),
        sender: caller,
        action: word.to_owned(),
    };
    Ok(told(match says {
        Says::Opened => Event::ChangeOpened(change),
        Says::Merged => Event::ChangeMerged(ChangeMerged { change, merge_commit: None }),
        Says::Closed => Event::ChangeClosed(change),
        Says::Updated | Says::Reviewed(_) => Event::ChangeUpdated(change),
    }))
}

enum Says {
    Opened,
    Updated,
    Merged,
    Closed,
    Reviewed(&'static str),
}

fn pull_request_word(detail: &PullRequestDetail) -> Result<(&'static str, Says), Untold> {
    let ended = match (detail.pull_request_status, detail.is_merged) {
        (_, Merged::True) => Says::Merged,
        (Status::Closed, Merged::False) => Says::Closed,
        (Status::Open, Merged::False) => Says::Updated,
    };
    Ok(match detail.event.as_str() {
        "pullRequestCreated" => ("pullRequestCreated", Says::Opened),
        "pullRequestSourceBranchUpdated" => ("pullRequestSourceBranchUpdated", Says::Updated),
        "pullRequestStatusChanged" => ("pullRequestStatusChanged", ended),
        "pullRequestMergeStatusUpdated" => ("pullRequestMergeStatusUpdated", ended),
        "pullRequestApprovalStateChanged" => {
            let action = match detail.approval_status.ok_or_else(|| missing("approvalStatus"))? {
                Approval::Approve => "approve",
                Approval::Revoke => "revoke",
            };
            ("pullRequestApprovalStateChanged", Says::Reviewed(action))
        }
        "pullRequestApprovalRuleCreated" => ("pullRequestApprovalRuleCreated", Says::Reviewed("rule_created")),
        "pullRequestApprovalRuleUpdated" => ("pullRequestApprovalRuleUpdated", Says::Reviewed("rule_updated")),
        "pullRequestApprovalRuleDeleted" => ("pullRequestApprovalRuleDeleted", Says::Reviewed("rule_deleted")),
        "pullRequestApprovalRuleOverridden" => {
            let action = match detail.override_status.ok_or_else(|| missing("overrideStatus"))? {
                Override::Override => "rules_overridden",
                Override::Revoke => "rules_reinstated",
            };
            ("pullRequestApprovalRuleOverridden", Says::Reviewed(action))
        }
        other => return Err(unknown(Kind::PullRequest, other)),
    })
}

/// A comment.
///
/// # Errors
/// Why nothing is told.
pub fn comment(kind: Kind, repository: Repository, when: String, detail: &CommentDetail) -> Result<Told, Untold> {
    if kind == Kind::CommitComment {
        return Err(Ignored::NoListener(kind).into());
    }
    let (word, action) = match (detail.event.as_str(), &detail.in_reply_to) {
        ("commentOnPullRequestCreated", _) => ("commentOnPullRequestCreated", "created"),
        ("commentOnPullRequestUpdated", None) => ("commentOnPullRequestUpdated", "edited"),
        ("commentOnPullRequestUpdated", Some(_)) => ("commentOnPullRequestUpdated", "replied"),
        (other, _) => return Err(unknown(kind, other)),
    };
    let number = number(detail.pull_request_id.as_deref().ok_or_else(|| missing("pullRequestId"))?)?;
    let comment = CommentId::CodeCommit(detail.comment_id.parse().map_err(unreadable)?);
    // Nobody may change another's comment (API reference, `CommentNotCreatedByCallerException`).
    let author = Actor::caller(detail.caller_user_arn.as_deref());
    let (sender, action) = (author.clone(), action.to_owned());
    let event = ChangeCommented { repository: repository.clone(), number, comment, author, sender, action };
    let subject = format!("change:{}/{number}", repository.id);
    Ok(Told { repository, subject, word, when, event: Event::ChangeCommented(event) })
}

/// A template of approval rules: what it did to a pull request, the pull request's own events say.
pub fn template(kind: Kind, _: &TemplateDetail) -> Ignored {
    Ignored::NoListener(kind)
}

fn of_repository(repository: Repository, word: &'static str, when: String, event: Event) -> Told {
    Told { subject: format!("repository:{}", repository.id), repository, word, when, event }
}

fn branch(reference: &str) -> Result<BranchName, Untold> {
    let name = reference.strip_prefix("refs/heads/").ok_or_else(|| Ignored::NotABranch(reference.to_owned()))?;
    Ok(name.parse().map_err(Ignored::Branch)?)
}

fn sha(text: &str) -> Result<CommitSha, Untold> {
    text.parse().map_err(unreadable)
}

/// A commit in a field that may be absent, or hold git's "none": zeros.
fn commit(text: Option<&str>) -> Result<Option<CommitSha>, Untold> {
    text.filter(|text| text.is_empty() || text.bytes().any(|byte| byte != b'0')).map(sha).transpose()
}

/// Only as AWS writes it: no sign and no leading zero, so that one pull request has one number.
fn number(text: &str) -> Result<u64, Untold> {
    let number = text.parse::<u64>().ok().filter(|number| *number > 0 && number.to_string() == text);
    number.ok_or_else(|| {
        let found = common::domain::id::quoted(text, 40);
        Untold::Unreadable(format!("the number of a pull request is a number, not {found}"))
    })
}

fn missing(field: &str) -> Untold {
    Untold::Unreadable(format!("it has no {field}"))
}

fn unknown(kind: Kind, word: &str) -> Untold {
    Ignored::Word { kind, word: word.to_owned() }.into()
}

fn unreadable(error: IdError) -> Untold {
    Untold::Unreadable(error.to_string())
}
