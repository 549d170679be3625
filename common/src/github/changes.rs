//! What a merge is decided by, and merging.
//!
//! GitHub's own rules (branch protection, required reviews and checks) are not read: GitHub refuses a merge that breaks them, and says so.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    domain::id::{CommitSha, HostAccount},
    event::Repository,
    fault::Fault,
    ports::{Approval, ApprovalWord, Approvals, Changes, HostRules, Merged, Merging, SquashMerge},
};

use super::{
    GitHub, Scope,
    error::Failure,
    read::parse,
    session::{Call, GET, Verb},
    wire,
};

/// How many files a comparison lists at most, all of them on its first page.
/// <https://docs.github.com/en/rest/commits/commits#compare-two-commits>
const FILES: usize = 300;
/// How many reviews a page has: GitHub's most.
const PAGE: usize = 100;

impl Changes for GitHub {
    async fn changed_paths(
        &self,
        repository: &Repository,
        base: &CommitSha,
        head: &CommitSha,
    ) -> Result<BTreeSet<String>, Fault> {
        let what = format!("listing what {} changed in {}", head.short(), repository.name);
        let call = Call { repository, scope: Scope::Read, what: &what };
        self.still_means(&call).await?;
        let found: wire::Comparison = self.call(&call, GET, &format!("/compare/{base}...{head}?per_page=1")).await?;
        if found.files.len() >= FILES {
            return Err(Fault::reject(format!(
                "{what}: GitHub lists no more than {FILES} files, and part of a list is never the whole: split the change"
            )));
        }
        let paths = found.files.into_iter().flat_map(|file| [Some(file.filename), file.previous_filename]);
        Ok(paths.flatten().collect())
    }

    async fn approvals(&self, repository: &Repository, number: u64) -> Result<Option<Approvals>, Fault> {
        let what = format!("reading who approves pull request {number} of {}", repository.name);
        let call = Call { repository, scope: Scope::Read, what: &what };
        self.still_means(&call).await?;
        let Some(pull) = self.pull(&call, number).await? else { return Ok(None) };
        let mut said = BTreeMap::new();
        for page in 1_u64.. {
            let below = format!("/pulls/{number}/reviews?per_page={PAGE}&page={page}");
            let found: Vec<wire::Review> = self.call(&call, GET, &below).await?;
            let last = found.len() < PAGE;
            // Listed in the order of time, so that the last word of each stays.
            for review in found.into_iter().filter_map(approval) {
                said.insert(review.who.clone(), review);
            }
            if last {
                break;
            }
        }
        let head = parse(&what, &pull.head.sha)?;
        let said = said.into_values().collect();
        Ok(Some(Approvals { head, revision: None, said, rules: HostRules::Untold }))
    }
}

fn approval(review: wire::Review) -> Option<Approval> {
    let word = match review.state.as_str() {
        "APPROVED" => ApprovalWord::Approved,
        "CHANGES_REQUESTED" => ApprovalWord::ChangesRequested,
        "DISMISSED" => ApprovalWord::Withdrawn,
        _ => return None,
    };
    let commit = review.commit_id.and_then(|commit| commit.parse().ok());
    Some(Approval { who: HostAccount::github(review.user?.id), word, commit })
}

impl Merging for GitHub {
    async fn merge_squash(&self, repository: &Repository, merge: &SquashMerge) -> Result<Merged, Fault> {
        let SquashMerge { number, head, title, body } = merge;
        let what = format!("merging {} of pull request {number} in {}", head.short(), repository.name);
        let call = Call { repository, scope: Scope::Merge, what: &what };
        self.still_means(&call).await?;
        let write =
            wire::MergeWrite { sha: head.as_str(), merge_method: "squash", commit_title: title, commit_message: body };
        match self.call::<wire::Commit, _>(&call, Verb::Put(&write), &format!("/pulls/{number}/merge")).await {
            Ok(made) => parse(&what, &made.sha).map(Merged::As),
            Err(Failure::Conflict(_)) => Ok(Merged::HeadMoved),
            // "Pull Request is not mergeable": why, the pull request tells.
            Err(Failure::NotAllowed(said, _)) => {
                let Some(pull) = self.pull(&call, *number).await? else {
                    return Err(Fault::reject(format!("{what}: there is no such pull request")));
                };
                refused(&what, head, said, pull)
            }
            Err(failure) => Err(failure.into()),
        }
    }
}

/// Why GitHub did not merge.
fn refused(what: &str, head: &CommitSha, said: String, pull: wire::Pull) -> Result<Merged, Fault> {
    if pull.head.sha != head.as_str() {
        return Ok(Merged::HeadMoved);
    }
    Ok(match (pull.merged_at, pull.merge_commit_sha, pull.mergeable) {
        (Some(_), Some(commit), _) => Merged::As(parse(what, &commit)?),
        (None, _, Some(false)) => Merged::Conflict,
        _ => Merged::NotAllowed(said),
    })
}

impl GitHub {
    async fn pull(&self, call: &Call<'_>, number: u64) -> Result<Option<wire::Pull>, Fault> {
        match self.call::<wire::Pull, _>(call, GET, &format!("/pulls/{number}")).await {
            Ok(found) => Ok(Some(found)),
            Err(Failure::NotFound(_)) => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }
}
