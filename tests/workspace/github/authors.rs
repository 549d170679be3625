//! Who made what a run deploys: by account, whatever a commit says of itself.

use std::collections::BTreeSet;

use common::{
    domain::id::{CommitSha, HostAccount},
    ports::{CommitAuthors, Forge as _},
};

use super::host::Host;

/// The forge's one person, who pushes.
const PERSON: u64 = 1001;

fn authors(accounts: &[u64], unknown: u32) -> CommitAuthors {
    CommitAuthors { accounts: accounts.iter().copied().map(HostAccount::github).collect::<BTreeSet<_>>(), unknown }
}

async fn commit_as(host: &Host, email: &str) -> CommitSha {
    let as_them = format!("-c user.email={email}");
    host.git(&format!("{as_them} commit --quiet --allow-empty --message=more")).await;
    host.git("rev-parse HEAD").await.parse().unwrap()
}

async fn of(host: &Host, branch: &str, commit: &CommitSha) -> CommitAuthors {
    host.github.authors(&host.repository(), &branch.parse().unwrap(), commit).await.unwrap()
}

#[tokio::test]
async fn whoever_pushes_is_an_author_and_addresses_that_are_nobody_s_are_counted() {
    let (host, first) = Host::with_main(&[("a", "1\n")]).await;
    assert_eq!(of(&host, "main", &first).await, authors(&[PERSON], 1), "ada@example.com is nobody's");
    commit_as(&host, "7+bob@users.noreply.example").await;
    commit_as(&host, "8+cy@users.noreply.example").await;
    let head = commit_as(&host, "7+bob@users.noreply.example").await;
    host.git("push --quiet origin main").await;
    assert_eq!(of(&host, "main", &head).await, authors(&[7, 8, PERSON], 0), "every commit of the push counts");
    let before = host.requests().await.len();
    assert_eq!(of(&host, "main", &head).await, authors(&[7, 8, PERSON], 0));
    assert_eq!(
        host.requests().await.len(),
        before,
        "a run that waits is looked at often, and its commit does not change"
    );
}

#[tokio::test]
async fn who_opened_its_pull_request_is_an_author_and_a_push_that_nobody_remembers_costs_one_more() {
    let (host, _) = Host::with_main(&[("a", "1\n")]).await;
    host.git("checkout --quiet -b topic").await;
    let head = commit_as(&host, "19864447+web-flow@users.noreply.example").await;
    host.git("push --quiet origin topic").await;
    host.open_pull("topic").await;
    assert_eq!(of(&host, "topic", &head).await, authors(&[PERSON], 0), "GitHub itself wrote nothing");
    assert_eq!(of(&host, "other", &head).await, authors(&[PERSON], 1), "it never was the head of that branch");
}
