//! `push`, `create`, `delete`, `repository`: what happens to references and to the repository itself.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::shared::{Repository, User, Word};

/// GitHub cuts the list of commits at this length.
const MAX_COMMITS: usize = 2048;

/// GitHub reports at most this many files for one commit.
const MAX_FILES: usize = 3000;

/// More roots than this say no more than "everything", and the longest name that a filter needs.
const MAX_ROOTS: (usize, usize) = (50, 255);

/// A push.
#[derive(Debug, Deserialize)]
pub struct Push {
    /// `refs/heads/…`, `refs/tags/…`.
    #[serde(rename = "ref")]
    pub reference: String,
    /// The commit before; zeros when the reference is new.
    pub before: String,
    /// The commit after; zeros when the reference is gone.
    pub after: String,
    /// Whether the reference is new.
    #[serde(default)]
    pub created: bool,
    /// Whether history was rewritten.
    pub forced: bool,
    /// The commits.
    pub commits: Option<Vec<Commit>>,
    /// The number of commits, where the host says it.
    pub size: Option<usize>,
    /// Where.
    pub repository: Repository,
    /// Who.
    pub sender: Option<User>,
}

/// A commit of a push.
#[derive(Debug, Deserialize)]
pub struct Commit {
    id: String,
    added: Option<Vec<String>>,
    modified: Option<Vec<String>>,
    removed: Option<Vec<String>>,
}

impl Push {
    /// The first path segments of everything that changed, sorted; `*` alone when the payload does not tell it all.
    pub fn touched_roots(&self) -> Vec<String> {
        self.told_roots().map_or_else(|| vec!["*".to_owned()], |roots| roots.into_iter().collect())
    }

    fn told_roots(&self) -> Option<BTreeSet<String>> {
        let commits = self.commits.as_ref()?;
        let whole = commits.len() < MAX_COMMITS
            && self.size.is_none_or(|size| size == commits.len())
            && commits.iter().any(|commit| commit.id == self.after);
        if self.forced || self.created || !whole {
            return None;
        }
        let mut roots = BTreeSet::new();
        for commit in commits {
            let files = [commit.added.as_ref()?, commit.modified.as_ref()?, commit.removed.as_ref()?];
            if files.iter().map(|files| files.len()).sum::<usize>() >= MAX_FILES {
                return None;
            }
            for root in files.into_iter().flatten().filter_map(|path| path.split('/').next()) {
                if !roots.contains(root) {
                    roots.insert(root.to_owned());
                }
                if roots.len() > MAX_ROOTS.0 || root.len() > MAX_ROOTS.1 {
                    return None;
                }
            }
        }
        Some(roots)
    }
}

/// A new branch or tag.
#[derive(Debug, Deserialize)]
pub struct Create {
    /// `branch` or `tag`.
    pub ref_type: Word,
    /// The repository's default branch.
    pub master_branch: String,
    /// Where.
    pub repository: Repository,
}

/// A branch or tag that is gone.
#[derive(Debug, Deserialize)]
pub struct Delete {
    /// `branch` or `tag`.
    pub ref_type: Word,
    /// Where.
    pub repository: Repository,
}

/// Something happened to the repository.
#[derive(Debug, Deserialize)]
pub struct RepositoryEvent {
    /// What happened. `watch`, `star` and others have bodies much like this one: only the event's own actions pass.
    pub action: RepositoryAction,
    /// The repository as it is now.
    pub repository: Repository,
    /// What it was before.
    #[serde(default)]
    pub changes: Changes,
}

/// What can happen to a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RepositoryAction {
    /// It can no longer be written.
    Archived,
    /// It is new.
    Created,
    /// It is gone.
    Deleted,
    /// Its description, home page, topics or default branch changed.
    Edited,
    /// Everybody can no longer read it.
    Privatized,
    /// Everybody can read it.
    Publicized,
    /// It has another name.
    Renamed,
    /// It has another owner.
    Transferred,
    /// It can be written again.
    Unarchived,
}

impl RepositoryAction {
    /// The host's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Archived => "archived",
            Self::Created => "created",
            Self::Deleted => "deleted",
            Self::Edited => "edited",
            Self::Privatized => "privatized",
            Self::Publicized => "publicized",
            Self::Renamed => "renamed",
            Self::Transferred => "transferred",
            Self::Unarchived => "unarchived",
        }
    }
}

/// What a repository was before, as far as it makes a rename or a transfer.
#[derive(Debug, Default, Deserialize)]
pub struct Changes {
    /// Its name.
    pub repository: Option<Renamed>,
    /// Its owner.
    pub owner: Option<Transferred>,
}

/// A new name.
#[derive(Debug, Deserialize)]
pub struct Renamed {
    /// The name before.
    pub name: From<String>,
}

/// A new owner.
#[derive(Debug, Deserialize)]
pub struct Transferred {
    /// The owner before.
    pub from: Owner,
}

/// One of the two kinds of owner.
#[derive(Debug, Deserialize)]
pub struct Owner {
    /// A person.
    pub user: Option<User>,
    /// An organisation.
    pub organization: Option<User>,
}

/// A value before a change.
#[derive(Debug, Deserialize)]
pub struct From<T> {
    /// The value.
    pub from: T,
}
