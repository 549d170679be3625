//! What a merge is decided by, and merging.

use std::collections::BTreeSet;

use aws_sdk_codecommit::types::{self, ApprovalState, PullRequestTarget};
use aws_smithy_types::error::metadata::ProvideErrorMetadata as _;

use super::{CodeCommit, account, failed, is, lacks, parse};
use crate::{
    domain::id::{CommitSha, quoted},
    event::Repository,
    fault::Fault,
    ports::{Approval, ApprovalWord, Approvals, Changes, Forge as _, HostRules, Merged, Merging, SquashMerge},
};

impl Changes for CodeCommit {
    async fn changed_paths(
        &self,
        repository: &Repository,
        base: &CommitSha,
        head: &CommitSha,
    ) -> Result<BTreeSet<String>, Fault> {
        // GetDifferences compares two trees: what the base has got since would look as if the head had taken it back.
        let parted = self.merge_base(repository, base, head).await?;
        let differences = self.differences(repository, &parted, head).await?;
        differences.ok_or_else(|| Fault::bug(format!("{head} or {parted} is gone from {}", repository.name)))
    }

    async fn approvals(&self, repository: &Repository, number: u64) -> Result<Option<Approvals>, Fault> {
        let what = format!("reading who approves pull request {number} of {}", repository.name);
        let name = self.named(repository).await?;
        let Some((found, target)) = self.change(&what, name, number).await? else { return Ok(None) };
        let head: CommitSha = parse(&what, target.source_commit())?;
        // Revision and head are of one answer: what was approved of another revision is not listed with this one.
        let revision = found.revision_id.ok_or_else(|| lacks(&what, "the revision"))?;
        let id = number.to_string();
        let states = self.client.get_pull_request_approval_states().pull_request_id(&id).revision_id(&revision);
        let states = states.send().await.map_err(|error| stale(&what, error))?.approvals.unwrap_or_default();
        let said = states.into_iter().filter_map(|state| word(&head, &state)).collect();
        let rules = self.rules(&what, &id, &revision).await?;
        Ok(Some(Approvals { head, revision: Some(revision), said, rules }))
    }
}

impl CodeCommit {
    async fn rules(&self, what: &str, id: &str, revision: &str) -> Result<HostRules, Fault> {
        let request = self.client.evaluate_pull_request_approval_rules().pull_request_id(id).revision_id(revision);
        let found = request.send().await.map_err(|error| stale(what, error))?.evaluation;
        let found = found.ok_or_else(|| lacks(what, "the evaluation"))?;
        if found.overridden {
            let request = self.client.get_pull_request_override_state().pull_request_id(id).revision_id(revision);
            let by = request.send().await.map_err(|error| stale(what, error))?;
            return Ok(HostRules::Overridden(account(by.overrider())));
        }
        Ok(match found.approved {
            true => HostRules::Satisfied,
            false => {
                HostRules::Unsatisfied(found.approval_rules_not_satisfied.unwrap_or_default().into_iter().collect())
            }
        })
    }
}

impl Merging for CodeCommit {
    async fn merge_squash(&self, repository: &Repository, merge: &SquashMerge) -> Result<Merged, Fault> {
        let SquashMerge { number, head, title, body } = merge;
        let what = format!("merging {} of pull request {number} in {}", head.short(), repository.name);
        let name = self.named(repository).await?;
        let Some((found, target)) = self.change(&what, name, *number).await? else {
            return Err(Fault::reject(format!("{what}: there is no such pull request")));
        };
        if let Some(done) = merged(&what, &target, head)? {
            return Ok(done);
        }
        if found.pull_request_status != Some(types::PullRequestStatusEnum::Open) {
            return Ok(Merged::NotAllowed("the pull request is closed".to_owned()));
        }
        let request = self.client.merge_pull_request_by_squash().pull_request_id(number.to_string());
        let request = request.repository_name(name).source_commit_id(head.as_str());
        let answer = match request.commit_message(format!("{title}\n\n{body}")).send().await {
            Ok(answer) => answer,
            Err(error) if is(&error, &["TipOfSourceReferenceIsDifferentException"]) => return Ok(Merged::HeadMoved),
            Err(error) if is(&error, &["ManualMergeRequiredException"]) => return Ok(Merged::Conflict),
            Err(error) if is(&error, NOT_ALLOWED) => {
                return Ok(Merged::NotAllowed(quoted(error.message().unwrap_or_default(), 300)));
            }
            // Closed or moved since it was read: the next look tells what became of it.
            Err(error) if is(&error, CHANGED) => return Err(Fault::retry_from(what, crate::aws::chain(&error))),
            Err(error) => return Err(failed(&what, error)),
        };
        let targets = answer.pull_request.and_then(|found| found.pull_request_targets).unwrap_or_default();
        let target = targets.iter().find(|target| target.repository_name() == Some(name));
        let done = target.map(|target| merged(&what, target, head)).transpose()?.flatten();
        done.ok_or_else(|| lacks(&what, "the merge"))
    }
}

/// Codes by which the service does not allow a merge.
const NOT_ALLOWED: &[&str] =
    &["PullRequestApprovalRulesNotSatisfiedException", "CannotModifyApprovalRuleFromTemplateException"];

/// Codes that say that something changed meanwhile.
const CHANGED: &[&str] =
    &["ConcurrentReferenceUpdateException", "PullRequestAlreadyClosedException", "RevisionNotCurrentException"];

/// What became of a pull request that is merged; nothing of one that is not.
fn merged(what: &str, target: &PullRequestTarget, head: &CommitSha) -> Result<Option<Merged>, Fault> {
    let Some(merge) = target.merge_metadata().filter(|merge| merge.is_merged) else { return Ok(None) };
    if target.source_commit() != Some(head.as_str()) {
        return Ok(Some(Merged::HeadMoved));
    }
    // A merge without a commit of its own put the base on the head.
    Ok(Some(Merged::As(match merge.merge_commit_id() {
        Some(commit) => parse(what, Some(commit))?,
        None => head.clone(),
    })))
}

fn word(head: &CommitSha, state: &types::Approval) -> Option<Approval> {
    let word = match state.approval_state {
        Some(ApprovalState::Approve) => ApprovalWord::Approved,
        _ => ApprovalWord::Withdrawn,
    };
    Some(Approval { who: account(state.user_arn())?, word, commit: Some(head.clone()) })
}

/// A revision that is not current any more is read again later.
fn stale<E, R>(what: &str, error: aws_sdk_codecommit::error::SdkError<E, R>) -> Fault
where
    E: aws_smithy_types::error::metadata::ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    if is(&error, CHANGED) { Fault::retry_from(what, crate::aws::chain(&error)) } else { failed(what, error) }
}
