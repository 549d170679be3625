//! Who made what a push brought: by account, never by what a commit says of itself.
//!
//! The host maps the addresses of commits to accounts; whoever writes a commit may write any address, so the account that pushed counts
//! as an author too: the host knows it by its login. <https://docs.github.com/en/rest/repos/repos#list-repository-activities>

use std::collections::BTreeSet;

use crate::{
    domain::id::{BranchName, CommitSha, HostAccount},
    event::Repository,
    fault::Fault,
    ports::CommitAuthors,
};

use super::{
    GitHub, Scope,
    error::Failure,
    read::path,
    session::{Call, GET},
    wire,
};

/// GitHub itself: the committer of what was committed or merged on its pages, whose author is the account that did it.
/// <https://api.github.com/users/web-flow>
const WEB_FLOW: u64 = 19_864_447;

/// How many entries a page has: GitHub's most.
const PAGE: usize = 100;

/// What git writes for no commit.
const NONE: &str = "0000000000000000000000000000000000000000";

/// Who was found so far.
#[derive(Default)]
struct Found {
    accounts: BTreeSet<HostAccount>,
    /// The addresses that are nobody's: of two commits with one address one person is asked.
    addresses: BTreeSet<String>,
    others: u32,
}

impl Found {
    fn add(&mut self, commit: wire::AuthoredCommit) {
        let wire::AuthoredCommit { author, committer, commit } = commit;
        for (account, signature) in [(author, commit.author), (committer, commit.committer)] {
            match account {
                Some(account) if account.id == WEB_FLOW => {}
                Some(account) => {
                    self.accounts.insert(HostAccount::github(account.id));
                }
                None => {
                    self.addresses.insert(signature.map(|signature| signature.email).unwrap_or_default());
                }
            }
        }
    }

    fn of(self) -> CommitAuthors {
        let addresses = u32::try_from(self.addresses.len()).unwrap_or(u32::MAX);
        CommitAuthors { accounts: self.accounts, unknown: addresses.saturating_add(self.others) }
    }
}

impl GitHub {
    pub(super) async fn made_by(
        &self,
        repository: &Repository,
        branch: &BranchName,
        commit: &CommitSha,
    ) -> Result<CommitAuthors, Fault> {
        let what = format!("reading who made {} in {}", commit.short(), repository.name);
        let call = Call { repository, scope: Scope::Read, what: &what };
        self.still_means(&call).await?;
        let mut found = Found::default();
        let pushed = self.push(&call, branch, commit).await?;
        match pushed.as_ref().and_then(|push| push.actor.as_ref()) {
            Some(actor) => {
                found.accounts.insert(HostAccount::github(actor.id));
            }
            None => found.others += 1,
        }
        let before = pushed.map(|push| push.before).filter(|before| before != NONE);
        self.commits(&call, before.as_deref(), commit, &mut found).await?;
        let below = format!("/commits/{commit}/pulls?per_page={PAGE}");
        match self.call::<Vec<wire::Opened>, _>(&call, GET, &below).await {
            Ok(pulls) => found
                .accounts
                .extend(pulls.into_iter().filter_map(|pull| pull.user).map(|user| HostAccount::github(user.id))),
            Err(Failure::NotFound(_)) => {}
            Err(failure) => return Err(failure.into()),
        }
        Ok(found.of())
    }

    /// The push that made a commit the head of a branch; nothing when the host does not list it (any more, or at all).
    async fn push(
        &self,
        call: &Call<'_>,
        branch: &BranchName,
        commit: &CommitSha,
    ) -> Result<Option<wire::Activity>, Fault> {
        let below = format!("/activity?ref=refs/heads/{}&per_page={PAGE}", path(branch.as_str()));
        match self.call::<Vec<wire::Activity>, _>(call, GET, &below).await {
            Ok(activities) => Ok(activities.into_iter().find(|activity| activity.after == commit.as_str())),
            Err(Failure::NotFound(_)) => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    /// The commits of a push, or its last alone where the host does not say what was there before.
    async fn commits(
        &self,
        call: &Call<'_>,
        before: Option<&str>,
        commit: &CommitSha,
        found: &mut Found,
    ) -> Result<(), Fault> {
        if let Some(before) = before.and_then(|before| before.parse::<CommitSha>().ok()) {
            let below = format!("/compare/{before}...{commit}?per_page={PAGE}");
            match self.call::<wire::ComparedCommits, _>(call, GET, &below).await {
                Ok(compared) => {
                    let listed = u64::try_from(compared.commits.len()).unwrap_or(u64::MAX);
                    found.others += u32::from(compared.total_commits > listed);
                    compared.commits.into_iter().for_each(|commit| found.add(commit));
                    // What is pushed back has no commits of its own: its head has an author all the same.
                    if listed > 0 {
                        return Ok(());
                    }
                }
                // What was there before is gone.
                Err(Failure::NotFound(_)) => {}
                Err(failure) => return Err(failure.into()),
            }
        }
        let one: wire::AuthoredCommit = self.call(call, GET, &format!("/commits/{commit}")).await?;
        found.add(one);
        Ok(())
    }
}
