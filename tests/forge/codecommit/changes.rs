//! Pull requests, who approves them, and merging. They are the forge's own: what is opened here GitHub's API shows too.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Answered, ApiError, Call, arn_of, error, events, read, time};
use crate::forge::{
    git::Merge,
    payload,
    pulls::{self, NewPull, Pull},
    smart_http,
};

/// What the names of branches begin with.
const BRANCHES: &str = "refs/heads/";

/// The revision of a pull request: another one after each push to its branch.
fn revision(pull: &Pull) -> String {
    hex::encode(Sha256::digest(format!("{}:{}", pull.number, pull.head)))
}

fn find(call: &Call<'_>, id: &str) -> Result<Pull, ApiError> {
    let number: u64 = id.parse().map_err(|_| error("InvalidPullRequestIdException", "invalid"))?;
    let found = call.world.memory().pulls.get(&number).cloned();
    found.ok_or_else(|| error("PullRequestDoesNotExistException", &format!("{id} does not exist")))
}

/// Tells what became of references.
pub(super) async fn changed(call: &Call<'_>, before: &BTreeMap<String, String>) -> Result<(), ApiError> {
    Ok(smart_http::after_change(call.world, before, &payload::caller(&call.caller)).await?)
}

async fn shown(call: &Call<'_>, pull: &Pull) -> Answered {
    let base = call.world.git.merge_base(&pull.base, &pull.head).await?;
    let mut merge = json!({"isMerged": pull.merged.is_some()});
    if let Some(commit) = &pull.merged {
        merge["mergeCommitId"] = json!(commit);
        merge["mergeOption"] = json!("SQUASH_MERGE");
        merge["mergedBy"] = json!(call.caller);
    }
    Ok(json!({"pullRequest": {
        "pullRequestId": pull.number.to_string(), "title": pull.title, "description": pull.body,
        "authorArn": arn_of(&pull.user, &call.identity), "revisionId": revision(pull), "approvalRules": [],
        "pullRequestStatus": if pull.open { "OPEN" } else { "CLOSED" },
        "creationDate": time(pull.created_at), "lastActivityDate": time(pull.updated_at),
        "pullRequestTargets": [{
            "repositoryName": call.identity.arn.name(), "sourceReference": format!("{BRANCHES}{}", pull.head_branch),
            "destinationReference": format!("{BRANCHES}{}", pull.base_branch), "sourceCommit": pull.head,
            "destinationCommit": pull.base, "mergeBase": base, "mergeMetadata": merge,
        }],
    }}))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewRequest {
    title: String,
    description: Option<String>,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Target {
    repository_name: String,
    source_reference: String,
    destination_reference: Option<String>,
}

/// <https://docs.aws.amazon.com/codecommit/latest/APIReference/API_CreatePullRequest.html>
pub(super) async fn create(call: &Call<'_>) -> Answered {
    let NewRequest { title, description, targets } = call.asked()?;
    let [Target { repository_name, source_reference, destination_reference }] = targets.as_slice() else {
        return Err(error("InvalidTargetsException", "one target is expected"));
    };
    call.named(repository_name)?;
    let branch = |name: &str| name.strip_prefix(BRANCHES).unwrap_or(name).to_owned();
    let base = destination_reference.as_deref().map_or(call.world.settings.default_branch.to_string(), branch);
    let asked = NewPull { title, head: branch(source_reference), base, body: description, draft: false };
    match pulls::make(call.world, asked, payload::caller(&call.caller)).await {
        Ok(pull) => shown(call, &pull).await,
        Err(_) => Err(error("ReferenceDoesNotExistException", "the references cannot be compared")),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Id {
    pull_request_id: String,
}

/// <https://docs.aws.amazon.com/codecommit/latest/APIReference/API_GetPullRequest.html>
pub(super) async fn show(call: &Call<'_>) -> Answered {
    let Id { pull_request_id } = call.asked()?;
    shown(call, &find(call, &pull_request_id)?).await
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct List {
    repository_name: String,
    pull_request_status: Option<String>,
}

/// <https://docs.aws.amazon.com/codecommit/latest/APIReference/API_ListPullRequests.html>
pub(super) fn list(call: &Call<'_>) -> Answered {
    let List { repository_name, pull_request_status } = call.asked()?;
    call.named(&repository_name)?;
    let wanted = |pull: &&Pull| match pull_request_status.as_deref() {
        Some("OPEN") => pull.open,
        Some(_) => !pull.open,
        None => true,
    };
    let all = {
        let memory = call.world.memory();
        memory.pulls.values().rev().filter(wanted).map(|pull| json!(pull.number.to_string())).collect()
    };
    call.page("pullRequestIds", all)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewStatus {
    pull_request_id: String,
    pull_request_status: String,
}

/// <https://docs.aws.amazon.com/codecommit/latest/APIReference/API_UpdatePullRequestStatus.html>: it can be closed, and not opened again.
pub(super) async fn set_status(call: &Call<'_>) -> Answered {
    let NewStatus { pull_request_id, pull_request_status } = call.asked()?;
    let mut pull = find(call, &pull_request_id)?;
    if pull_request_status != "CLOSED" || !pull.open {
        return Err(error("InvalidPullRequestStatusUpdateException", "an open one can be closed"));
    }
    pull.close(None);
    call.world.memory().pulls.insert(pull.number, pull.clone());
    pulls::announce(call.world, "closed", &pull, &payload::caller(&call.caller), json!({}));
    shown(call, &pull).await
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Revision {
    pull_request_id: String,
    revision_id: String,
    approval_state: Option<String>,
    override_status: Option<String>,
}

/// The pull request and its revision, which must be the present one where an answer is about the present.
fn revised(call: &Call<'_>, current: bool) -> Result<(Pull, Revision), ApiError> {
    let asked: Revision = call.asked()?;
    let pull = find(call, &asked.pull_request_id)?;
    if current && asked.revision_id != revision(&pull) {
        return Err(error("RevisionNotCurrentException", "the revision is not current"));
    }
    Ok((pull, asked))
}

/// <https://docs.aws.amazon.com/codecommit/latest/APIReference/API_UpdatePullRequestApprovalState.html>
pub(super) fn approve(call: &Call<'_>) -> Answered {
    let (pull, asked) = revised(call, true)?;
    if !pull.open {
        return Err(error("PullRequestAlreadyClosedException", "it is closed"));
    }
    let state = asked.approval_state.unwrap_or_default();
    if arn_of(&pull.user, &call.identity) == call.caller {
        return Err(error("PullRequestCannotBeApprovedByAuthorException", "you opened it"));
    }
    {
        let mut memory = call.world.memory();
        let approvals = memory.codecommit.approvals.entry((pull.number, asked.revision_id)).or_default();
        match state.as_str() {
            "APPROVE" => approvals.insert(call.caller.clone()),
            "REVOKE" => approvals.remove(&call.caller),
            _ => return Err(error("InvalidApprovalStateException", "APPROVE or REVOKE")),
        };
    }
    events::approval(call.world, &pull, &revision(&pull), &call.caller, &state);
    Ok(json!({}))
}

/// <https://docs.aws.amazon.com/codecommit/latest/APIReference/API_GetPullRequestApprovalStates.html>
pub(super) fn approval_states(call: &Call<'_>) -> Answered {
    let (pull, asked) = revised(call, false)?;
    let memory = call.world.memory();
    let found = memory.codecommit.approvals.get(&(pull.number, asked.revision_id));
    let states = found.into_iter().flatten().map(|arn| json!({"userArn": arn, "approvalState": "APPROVE"}));
    Ok(json!({"approvals": states.collect::<Vec<Value>>()}))
}

/// <https://docs.aws.amazon.com/codecommit/latest/APIReference/API_OverridePullRequestApprovalRules.html>
pub(super) fn set_aside(call: &Call<'_>) -> Answered {
    let (pull, asked) = revised(call, true)?;
    let key = (pull.number, asked.revision_id);
    let mut memory = call.world.memory();
    match asked.override_status.as_deref() {
        Some("OVERRIDE") => memory.codecommit.overridden.insert(key, call.caller.clone()),
        _ => memory.codecommit.overridden.remove(&key),
    };
    Ok(json!({}))
}

/// <https://docs.aws.amazon.com/codecommit/latest/APIReference/API_GetPullRequestOverrideState.html>
pub(super) fn override_state(call: &Call<'_>) -> Answered {
    let (pull, asked) = revised(call, false)?;
    let by = call.world.memory().codecommit.overridden.get(&(pull.number, asked.revision_id)).cloned();
    Ok(json!({"overridden": by.is_some(), "overrider": by}))
}

/// The rules that a revision satisfies, those that it does not, and whether they are set aside.
fn judged(call: &Call<'_>, pull: &Pull) -> (BTreeSet<String>, BTreeSet<String>, bool) {
    let memory = call.world.memory();
    let key = (pull.number, revision(pull));
    let have = memory.codecommit.approvals.get(&key).map_or(0, BTreeSet::len);
    let rules = memory.codecommit.rules.get(&pull.number).cloned().unwrap_or_default();
    let (yes, no): (BTreeMap<_, _>, BTreeMap<_, _>) = rules.into_iter().partition(|(_, need)| have >= *need);
    (yes.into_keys().collect(), no.into_keys().collect(), memory.codecommit.overridden.contains_key(&key))
}

/// <https://docs.aws.amazon.com/codecommit/latest/APIReference/API_EvaluatePullRequestApprovalRules.html>
pub(super) fn evaluate(call: &Call<'_>) -> Answered {
    let (pull, _) = revised(call, true)?;
    let (yes, no, overridden) = judged(call, &pull);
    Ok(json!({"evaluation": {
        "approved": no.is_empty() || overridden, "overridden": overridden,
        "approvalRulesSatisfied": yes, "approvalRulesNotSatisfied": no,
    }}))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Squash {
    pull_request_id: String,
    repository_name: String,
    source_commit_id: Option<String>,
    commit_message: Option<String>,
}

/// <https://docs.aws.amazon.com/codecommit/latest/APIReference/API_MergePullRequestBySquash.html>, with the default detail: a file that
/// both sides changed is a conflict.
pub(super) async fn merge(call: &Call<'_>) -> Answered {
    let asked: Squash = call.asked()?;
    call.named(&asked.repository_name)?;
    let world = call.world;
    // No push may move head or base between looking and writing.
    let refs = world.refs.lock().await;
    let mut pull = find(call, &asked.pull_request_id)?;
    if !pull.open {
        return Err(error("PullRequestAlreadyClosedException", "it is closed"));
    }
    if asked.source_commit_id.is_some_and(|commit| commit != pull.head) {
        return Err(error("TipOfSourceReferenceIsDifferentException", "the source branch has moved"));
    }
    let (_, unsatisfied, overridden) = judged(call, &pull);
    if !unsatisfied.is_empty() && !overridden {
        return Err(error("PullRequestApprovalRulesNotSatisfiedException", "the approval rules are not satisfied"));
    }
    let Some(base) = read::tip(call, &pull.base_branch).await? else {
        return Err(error("ReferenceDoesNotExistException", "the destination branch is gone"));
    };
    let manual = || error("ManualMergeRequiredException", "the changes contradict each other");
    let parted = world.git.merge_base(&base, &pull.head).await?.ok_or_else(manual)?;
    let ours: BTreeSet<String> = paths(call, &parted, &pull.head).await?;
    let theirs = paths(call, &parted, &base).await?;
    let Merge::Tree(tree) = world.git.merge(&base, &pull.head).await? else { return Err(manual()) };
    if !ours.is_disjoint(&theirs) {
        return Err(manual());
    }
    let message = asked.commit_message.unwrap_or_else(|| pull.title.clone());
    let commit = world.git.commit_tree(&tree, &[base.as_str()], &message).await?;
    let before = world.git.refs().await?;
    world.git.update_ref(&format!("{BRANCHES}{}", pull.base_branch), &commit, Some(&base)).await?;
    pull.close(Some(commit));
    world.memory().pulls.insert(pull.number, pull.clone());
    pulls::announce(world, "closed", &pull, &payload::caller(&call.caller), json!({}));
    changed(call, &before).await?;
    drop(refs);
    shown(call, &pull).await
}

async fn paths(call: &Call<'_>, from: &str, to: &str) -> Result<BTreeSet<String>, ApiError> {
    Ok(call.world.git.changed(from, to, false).await?.into_iter().map(|changed| changed.path).collect())
}
