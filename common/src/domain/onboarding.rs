//! Whether a repository can be onboarded: what was asked, what its host said, and each check as a line that says what to do.
//!
//! [`judge`] decides over facts that were gathered before; [`registry`] puts the entry into `repositories.yaml`.

use std::{collections::BTreeSet, fmt, str::FromStr};

use super::{
    governance::{PathRule, RepositoryKind},
    id::{BranchName, CodeCommitArn, CommitSha, DirectoryPath, IdError, PodName, RepositoryId, RepositoryName, quoted},
};

pub mod registry;

#[cfg(test)]
mod tests;

/// Where a repository is, as a person names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// On GitHub.
    GitHub(RepositoryName),
    /// On CodeCommit.
    CodeCommit(CodeCommitArn),
}

impl FromStr for Address {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        if text.starts_with("arn:") { text.parse().map(Self::CodeCommit) } else { text.parse().map(Self::GitHub) }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GitHub(name) => name.fmt(to),
            Self::CodeCommit(arn) => arn.fmt(to),
        }
    }
}

impl Address {
    /// Its `owner/name`, the form that all hosts share.
    pub fn name(&self) -> RepositoryName {
        match self {
            Self::GitHub(name) => name.clone(),
            Self::CodeCommit(arn) => arn.repository_name(),
        }
    }
}

/// What a person asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// Which repository.
    pub address: Address,
    /// What it is for.
    pub kind: RepositoryKind,
    /// Whose it is.
    pub pod: PodName,
    /// Where its configuration is. Nothing for a kind that has none.
    path: Option<DirectoryPath>,
    /// The branch that configures; the host's default when absent.
    pub branch: Option<BranchName>,
}

impl Ask {
    /// What was asked, when the path fits the kind.
    ///
    /// # Errors
    /// A sentence that says which path the kind has.
    pub fn new(
        address: Address,
        kind: RepositoryKind,
        pod: PodName,
        path: Option<DirectoryPath>,
        branch: Option<BranchName>,
    ) -> Result<Self, String> {
        let path = match (kind.path(), path) {
            (PathRule::Needed, Some(path)) => Some(path),
            (PathRule::Deploy, path) if path.as_ref().is_none_or(|path| path.as_str() == "deploy") => {
                "deploy".parse().ok()
            }
            (PathRule::Never, None) => None,
            (PathRule::Needed, None) => return Err("say with --path in which directory its configuration is".into()),
            (PathRule::Deploy, _) => {
                return Err("the deploy tree of a cluster repository is in deploy: leave --path out".into());
            }
            (PathRule::Never, Some(_)) => return Err("an application configures nothing: leave --path out".into()),
        };
        Ok(Self { address, kind, pod, path, branch })
    }

    /// Where its configuration is.
    pub fn path(&self) -> Option<&DirectoryPath> {
        self.path.as_ref()
    }
}

/// A repository as its host describes it to us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// The host's id of it: its identity.
    pub id: RepositoryId,
    /// Where it is, as the host writes it now.
    pub address: Address,
    /// The host's default branch; nothing of an empty repository on CodeCommit, or when the name is none to us.
    pub default_branch: Option<BranchName>,
    /// What our credentials there may not do.
    pub lacks: Vec<Lack>,
}

/// A permission that is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    /// In the host's words: `checks: write`.
    pub permission: String,
    /// What cannot be done without it, in words.
    pub without: &'static str,
    /// Whether nothing can be done without it.
    pub fatal: bool,
}

/// What is at the branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The branch that was looked at.
    pub branch: BranchName,
    /// Its head; nothing when there is no such branch.
    pub head: Option<CommitSha>,
    /// The names directly in the directory; nothing when there is no such directory, or none was asked for. Foreign text.
    pub names: Option<BTreeSet<String>>,
}

/// All that the host said. An error is a sentence that says what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The repository.
    pub described: Result<Described, String>,
    /// Its branch; nothing when no branch could be looked at.
    pub seen: Option<Result<Seen, String>>,
}

/// An entry of `repositories.yaml` that is not there yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEntry {
    /// The identity.
    pub id: RepositoryId,
    /// Where it is now.
    pub address: Address,
    /// Whose it is.
    pub pod: PodName,
    /// What it is for.
    pub kind: RepositoryKind,
    /// Where its configuration is; left out where the kind says it already.
    pub path: Option<DirectoryPath>,
    /// The branch that configures.
    pub default_branch: BranchName,
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// As it must be.
    Ok,
    /// Something of Penstock will not work there.
    Warn,
    /// It cannot be onboarded so.
    Fail,
}

/// One check, for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// How it ended.
    pub mark: Mark,
    /// What was found, and what to do.
    pub text: String,
}

impl fmt::Display for Line {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.mark {
            Mark::Ok => "ok  ",
            Mark::Warn => "warn",
            Mark::Fail => "FAIL",
        };
        write!(to, "{mark}  {}", self.text)
    }
}

/// What was decided, with every reason.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "an unread check is no check"]
pub struct Judged {
    /// Each check, in the order of the questions.
    pub lines: Vec<Line>,
    /// The entry, when no check failed.
    pub entry: Option<NewEntry>,
}

/// Judges what the host said.
pub fn judge(ask: &Ask, facts: &Facts) -> Judged {
    let mut lines = Vec::new();
    let mut say = |mark, text: String| lines.push(Line { mark, text });
    let described = match &facts.described {
        Ok(described) => described,
        Err(why) => {
            say(Mark::Fail, why.clone());
            return Judged { lines, entry: None };
        }
    };
    say(Mark::Ok, format!("{} can be read; its id is {}", described.address, described.id));
    for Lack { permission, without, fatal } in &described.lacks {
        let mark = if *fatal { Mark::Fail } else { Mark::Warn };
        say(
            mark,
            format!(
                "permission {permission} is missing: {without}. Grant it in the App's settings, and accept it in the installation"
            ),
        );
    }
    let branch = ask.branch.clone().or_else(|| described.default_branch.clone());
    match (&facts.seen, &branch) {
        (Some(Ok(seen)), Some(branch)) => match &seen.head {
            Some(head) => {
                say(Mark::Ok, format!("branch {branch} is at {}", head.short()));
                if let Some(path) = &ask.path {
                    let (mark, text) = directory(ask.kind, path, seen);
                    say(mark, text);
                }
            }
            None => {
                say(Mark::Fail, format!("there is no branch {branch}: push it, or name another with --default-branch"))
            }
        },
        (Some(Err(why)), _) => say(Mark::Fail, why.clone()),
        (None, Some(branch)) => say(Mark::Fail, format!("branch {branch} could not be looked at")),
        (_, None) => {
            say(Mark::Fail, "it has no default branch: push a first commit, or name one with --default-branch".into())
        }
    }
    let good = lines.iter().all(|line| line.mark != Mark::Fail);
    let entry = branch.filter(|_| good).map(|default_branch| NewEntry {
        id: described.id,
        address: described.address.clone(),
        pod: ask.pod.clone(),
        kind: ask.kind,
        path: ask.path.clone().filter(|_| ask.kind.path() == PathRule::Needed),
        default_branch,
    });
    Judged { lines, entry }
}

/// What a manager's source keeps its variables in.
const VARIABLES: &str = "variables.yml";

fn directory(kind: RepositoryKind, path: &DirectoryPath, seen: &Seen) -> (Mark, String) {
    let Some(names) = &seen.names else {
        let or = if kind.path() == PathRule::Needed { ", or name another with --path" } else { "" };
        return (Mark::Fail, format!("there is no directory {path} on {}: push it first{or}", seen.branch));
    };
    let manager = matches!(kind, RepositoryKind::ManagerMonorepo | RepositoryKind::ManagerSeparate);
    if manager && !names.contains(VARIABLES) {
        let near: Vec<String> =
            names.iter().filter(|name| name.starts_with("variables")).map(|name| quoted(name, 60)).collect();
        let near = if near.is_empty() { String::new() } else { format!(" (it has {})", near.join(", ")) };
        return (Mark::Warn, format!("{path} has no {VARIABLES}{near}: it says nothing about infrastructure yet"));
    }
    (Mark::Ok, format!("directory {path} is there"))
}
