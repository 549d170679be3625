//! Reading: branches, the deploy tree, file contents, pull requests, merge bases.

use std::collections::BTreeSet;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{
    domain::id::{BlobSha, BranchName, CommitSha, HostAccount, quoted},
    event::Repository,
    fault::Fault,
    ports::{CommitAuthors, EntryKind, Forge, PullRequest, TreeEntry},
};

use super::{
    GitHub, Scope,
    error::Failure,
    session::{Call, GET},
    wire,
};

/// Of how many commits it is kept who made them.
const AUTHORS: usize = 1_000;

/// How many pull requests a page has: GitHub's most.
const PAGE: usize = 100;

impl Forge for GitHub {
    async fn branch_head(&self, repository: &Repository, branch: &BranchName) -> Result<Option<CommitSha>, Fault> {
        let what = format!("reading the head of {branch} in {}", repository.name);
        let call = Call { repository, scope: Scope::Read, what: &what };
        let below = format!("/git/ref/heads/{}", path(branch.as_str()));
        match self.call::<wire::Reference, _>(&call, GET, &below).await {
            Ok(found) if found.object.kind == "commit" => {
                let head = parse(&what, &found.object.sha)?;
                // A token outlives a name: everything that a run reads hangs on this head, so the name is asked each time.
                self.still_means(&call).await?;
                Ok(Some(head))
            }
            Ok(found) => {
                Err(Fault::bug(format!("{what}: found {}, expected a commit", quoted(&found.object.kind, 40))))
            }
            // 409 is GitHub's answer for a repository without any commit.
            Err(Failure::NotFound(_) | Failure::Conflict(_)) => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn deploy_tree(&self, repository: &Repository, commit: &CommitSha) -> Result<Vec<TreeEntry>, Fault> {
        let what = format!("listing the files of {} in {}", commit.short(), repository.name);
        let call = Call { repository, scope: Scope::Read, what: &what };
        let root = self.tree(&call, commit.as_str(), "").await?;
        // A file, a link or a submodule of that name is no directory: there is nothing below it.
        let Some(deploy) = root.into_iter().find(|entry| entry.path == "deploy" && entry.kind == "tree") else {
            return Ok(Vec::new());
        };
        let what = format!("listing deploy/ of {} in {}", commit.short(), repository.name);
        let call = Call { repository, scope: Scope::Read, what: &what };
        let below = self.tree(&call, &deploy.sha, "?recursive=1").await?;
        below
            .into_iter()
            .filter(|entry| entry.kind != "tree")
            .map(|entry| {
                Ok(TreeEntry {
                    kind: kind_of(&entry.mode),
                    blob: parse(&what, &entry.sha)?,
                    size: entry.size,
                    path: format!("deploy/{}", entry.path),
                })
            })
            .collect()
    }

    async fn blob(&self, repository: &Repository, blob: &BlobSha) -> Result<Vec<u8>, Fault> {
        let key = (repository.id, blob.clone());
        // A poisoned lock only means that another reader stopped half-way; what is in the cache is whole.
        let kept = self.blobs.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get(&key);
        if let Some(content) = kept {
            return Ok(content);
        }
        let what = format!("reading file content {blob} in {}", repository.name);
        let call = Call { repository, scope: Scope::Read, what: &what };
        let found: wire::Blob = self.call(&call, GET, &format!("/git/blobs/{blob}")).await?;
        if found.encoding != "base64" {
            return Err(Fault::bug(format!("{what}: found encoding {}, expected base64", quoted(&found.encoding, 40))));
        }
        let text: String = found.content.chars().filter(|character| !character.is_ascii_whitespace()).collect();
        let content = STANDARD
            .decode(text)
            .map_err(|error| Fault::bug_from(format!("{what}: the content is not base64"), error))?;
        self.blobs.lock().unwrap_or_else(std::sync::PoisonError::into_inner).put(key, content.clone());
        Ok(content)
    }

    async fn pull_request(&self, repository: &Repository, number: u64) -> Result<Option<PullRequest>, Fault> {
        let what = format!("reading pull request {number} of {}", repository.name);
        let call = Call { repository, scope: Scope::Read, what: &what };
        match self.call::<wire::Pull, _>(&call, GET, &format!("/pulls/{number}")).await {
            Ok(found) => pull_request(&what, found).map(Some),
            Err(Failure::NotFound(_)) => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn open_pull_requests(&self, repository: &Repository) -> Result<Vec<PullRequest>, Fault> {
        let what = format!("listing the open pull requests of {}", repository.name);
        let call = Call { repository, scope: Scope::Read, what: &what };
        self.still_means(&call).await?;
        let mut all = Vec::new();
        for page in 1_u64.. {
            let below = format!("/pulls?state=open&sort=created&direction=asc&per_page={PAGE}&page={page}");
            let found: Vec<wire::Pull> = self.call(&call, GET, &below).await?;
            let last = found.len() < PAGE;
            for pull in found {
                // One that cannot be read, such as one into a branch whose name is none to us, does not hide the others.
                let number = pull.number;
                match pull_request(&what, pull) {
                    Ok(pull) => all.push(pull),
                    Err(fault) => tracing::warn!(number, "{}", fault.chain()),
                }
            }
            if last {
                break;
            }
        }
        Ok(all)
    }

    async fn authors(
        &self,
        repository: &Repository,
        branch: &BranchName,
        commit: &CommitSha,
    ) -> Result<CommitAuthors, Fault> {
        let key = (repository.id, branch.clone(), commit.clone());
        let kept =
            |this: &Self| this.authors.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get(&key).cloned();
        if let Some(authors) = kept(self) {
            return Ok(authors);
        }
        let authors = self.made_by(repository, branch, commit).await?;
        let mut cache = self.authors.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // What a commit is made of does not change: a run that waits for days is looked at each minute, and asked for once a sandbox.
        if cache.len() >= AUTHORS {
            cache.clear();
        }
        cache.insert(key, authors.clone());
        Ok(authors)
    }

    async fn merge_base(
        &self,
        repository: &Repository,
        base: &CommitSha,
        head: &CommitSha,
    ) -> Result<CommitSha, Fault> {
        let what = format!("finding what {} and {} have in common in {}", base.short(), head.short(), repository.name);
        let call = Call { repository, scope: Scope::Read, what: &what };
        // per_page bounds the commits in the answer, which nobody reads here.
        let found: wire::Comparison = self.call(&call, GET, &format!("/compare/{base}...{head}?per_page=1")).await?;
        parse(&what, &found.merge_base_commit.sha)
    }

    /// GitHub compares with what two commits have in common ("Compare two commits"), which is another question when history was
    /// rewritten. Nobody needs its answer: pipelines have triggers of their own there.
    async fn differences(
        &self,
        _: &Repository,
        _: &CommitSha,
        _: &CommitSha,
    ) -> Result<Option<BTreeSet<String>>, Fault> {
        Ok(None)
    }
}

impl GitHub {
    /// The tree of a directory; nothing when there is none.
    pub(super) async fn directory(
        &self,
        call: &Call<'_>,
        commit: &CommitSha,
        path: &str,
    ) -> Result<Option<String>, Fault> {
        let mut sha = commit.to_string();
        for name in path.split('/') {
            let level = self.tree(call, &sha, "").await?;
            // A file, a link or a submodule of that name is no directory: there is nothing below it.
            let Some(found) = level.into_iter().find(|entry| entry.path == name && entry.kind == "tree") else {
                return Ok(None);
            };
            sha = found.sha;
        }
        Ok(Some(sha))
    }

    pub(super) async fn tree(&self, call: &Call<'_>, sha: &str, query: &str) -> Result<Vec<wire::Entry>, Fault> {
        let found: wire::Tree = self.call(call, GET, &format!("/git/trees/{sha}{query}")).await?;
        if found.truncated {
            return Err(Fault::reject(format!(
                "{}: GitHub truncated the listing after {} entries, and part of a listing is never the whole: take files out of it or split the repository",
                call.what,
                found.tree.len()
            )));
        }
        Ok(found.tree)
    }
}

fn pull_request(what: &str, found: wire::Pull) -> Result<PullRequest, Fault> {
    Ok(PullRequest {
        number: found.number,
        open: found.state == "open",
        merged: found.merged_at.is_some(),
        draft: found.draft,
        author: found.user.map(|user| HostAccount::github(user.id)),
        reviewers: found.requested_reviewers.iter().map(|user| HostAccount::github(user.id)).collect(),
        head: parse(what, &found.head.sha)?,
        head_branch: found.head.branch,
        base_branch: found.base.branch.parse().map_err(|error| Fault::reject(format!("{what}: {error}")))?,
        updated_at: found.updated_at,
    })
}

pub(super) fn kind_of(mode: &str) -> EntryKind {
    if matches!(mode, "100644" | "100755" | "100664") { EntryKind::File } else { EntryKind::Other }
}

pub(super) fn parse<T: std::str::FromStr<Err = crate::domain::id::IdError>>(
    what: &str,
    text: &str,
) -> Result<T, Fault> {
    text.parse().map_err(|error| Fault::bug(format!("{what}: {error}")))
}

/// A branch's name as part of a URL's path: its slashes stay, all else that is not plainly a name is escaped.
pub(super) fn path(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_branch_name_cannot_leave_its_place_in_the_url() {
        assert_eq!(path("feature/a.b-c_d"), "feature/a.b-c_d");
        assert_eq!(path("a#b?c%2f&d;é"), "a%23b%3Fc%252f%26d%3B%C3%A9");
    }

    #[test]
    fn only_regular_files_are_files() {
        let kinds = ["100644", "100755", "120000", "160000", "040000", ""].map(kind_of);
        assert_eq!(kinds.map(|kind| kind == EntryKind::File), [true, true, false, false, false, false]);
    }
}
