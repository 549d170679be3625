//! Which event a body is, by its own shape, and the typed payloads.
//!
//! The header `X-GitHub-Event` is not signed: a captured body could be sent again under another name. So [`classify`] looks at the
//! signed body's top-level names alone and says which event it is; the header must say the same. The order of the questions is from
//! the special to the general, because payloads nest: a `deployment_status` may carry a whole `check_run`.

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, Visitor},
};

use crate::refusal::Refusal;

pub mod change;
pub mod check;
pub mod push;
pub mod shared;

/// The most top-level names a body may have; real ones have fewer than 20.
pub const MAX_KEYS: usize = 100;

macro_rules! names {
    ($($(#[$doc:meta])* $variant:ident = $text:literal;)*) => {
        /// The events that have a type here.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Name {$($(#[$doc])* $variant,)*}

        impl Name {
            /// All of them.
            pub const ALL: &[Name] = &[$(Name::$variant),*];

            /// As the header says it.
            pub fn as_str(self) -> &'static str {
                match self {$(Self::$variant => $text),*}
            }
        }
    };
}

names! {
    /// Commits, a branch or a tag.
    Push = "push";
    /// A pull request.
    PullRequest = "pull_request";
    /// A review.
    PullRequestReview = "pull_request_review";
    /// A comment on an issue or a pull request.
    IssueComment = "issue_comment";
    /// One check.
    CheckRun = "check_run";
    /// All checks of one App for one commit.
    CheckSuite = "check_suite";
    /// A GitHub Actions run.
    WorkflowRun = "workflow_run";
    /// An issue.
    Issues = "issues";
    /// A deployment's state.
    DeploymentStatus = "deployment_status";
    /// The repository itself.
    Repository = "repository";
    /// A deployment.
    Deployment = "deployment";
    /// A deployment that waits for an App's answer.
    DeploymentProtectionRule = "deployment_protection_rule";
    /// A new branch or tag.
    Create = "create";
    /// A branch or tag that is gone.
    Delete = "delete";
    /// A merge queue's group.
    MergeGroup = "merge_group";
    /// The App itself was installed, removed, suspended.
    Installation = "installation";
    /// The App was given or denied repositories.
    InstallationRepositories = "installation_repositories";
    /// A test of the webhook.
    Ping = "ping";
}

impl FromStr for Name {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.iter().copied().find(|name| name.as_str() == text).ok_or(())
    }
}

/// The top-level names of a body.
#[derive(Debug)]
pub struct Keys(BTreeSet<String>);

impl Keys {
    fn has(&self, key: &str) -> bool {
        self.0.contains(key)
    }

    fn has_all(&self, keys: &[&str]) -> bool {
        keys.iter().all(|key| self.has(key))
    }

    fn has_any(&self, keys: &[&str]) -> bool {
        keys.iter().any(|key| self.has(key))
    }

    fn only(&self, keys: &[&str]) -> bool {
        self.0.iter().all(|key| keys.contains(&key.as_str()))
    }
}

/// What any payload of a repository or an organisation may carry beside its subject.
const CONTEXT: [&str; 7] = ["action", "changes", "enterprise", "installation", "organization", "repository", "sender"];

/// The event that a body with these names is; nothing when it is none of those with a type.
pub fn classify(keys: &Keys) -> Option<Name> {
    let context_or = |more: &[&str]| keys.only(&[CONTEXT.as_slice(), more].concat());
    if keys.has_any(&["workflow_job", "workflow_job_run", "workflow_job_runs", "reviewers", "thread", "sub_issue"]) {
        return None;
    }
    if keys.has("deployment") {
        return Some(match (keys.has("deployment_callback_url"), keys.has("deployment_status")) {
            (true, _) => Name::DeploymentProtectionRule,
            (false, true) => Name::DeploymentStatus,
            (false, false) => Name::Deployment,
        });
    }
    if keys.has("comment") {
        return keys.has("issue").then_some(Name::IssueComment);
    }
    if keys.has("pull_request") {
        return match (keys.has("review"), keys.has("number")) {
            (true, _) => Some(Name::PullRequestReview),
            (false, true) => Some(Name::PullRequest),
            (false, false) => None,
        };
    }
    let subjects = [
        ("check_run", Name::CheckRun),
        ("check_suite", Name::CheckSuite),
        ("workflow_run", Name::WorkflowRun),
        ("issue", Name::Issues),
        ("merge_group", Name::MergeGroup),
    ];
    if let Some((_, name)) = subjects.into_iter().find(|(subject, _)| keys.has(subject)) {
        return Some(name);
    }
    if keys.has_all(&["zen", "hook"]) {
        return Some(Name::Ping);
    }
    if keys.has_all(&["ref", "ref_type"]) {
        return Some(if keys.has("master_branch") { Name::Create } else { Name::Delete });
    }
    if keys.has_all(&["ref", "before", "after", "forced"]) {
        return Some(Name::Push);
    }
    if keys.has_any(&["repositories_added", "repositories_removed"]) {
        return Some(Name::InstallationRepositories);
    }
    if keys.has_all(&["action", "repository"]) {
        return context_or(&[]).then_some(Name::Repository);
    }
    let installation = keys.has_all(&["action", "installation"]) && context_or(&["repositories", "requester"]);
    installation.then_some(Name::Installation)
}

/// The names of a body, or why it has none.
///
/// # Errors
/// [`Refusal::NotJson`] with the place, [`Refusal::NotAnObject`], [`Refusal::NamedTwice`], [`Refusal::TooManyKeys`].
pub fn keys(body: &[u8], form: bool) -> Result<Keys, Refusal> {
    // The parser does not look into the texts that it skips, so the encoding is a question of its own.
    if let Err(error) = std::str::from_utf8(body) {
        let good = body.get(..error.valid_up_to()).unwrap_or_default();
        let (line, column) = place(good);
        return Err(Refusal::NotJson { line, column, form });
    }
    let error = match serde_json::from_slice::<Read>(body) {
        Ok(Read::Keys(keys)) => return Ok(keys),
        Ok(Read::Refused(refusal)) => return Err(refusal),
        Err(error) => error,
    };
    if error.is_data() {
        return Err(Refusal::NotAnObject);
    }
    Err(Refusal::NotJson { line: error.line(), column: error.column(), form })
}

/// Line and column just after these bytes, counted as the parser counts: lines from 1, columns in bytes.
fn place(bytes: &[u8]) -> (usize, usize) {
    let line = bytes.split(|byte| *byte == b'\n').count();
    let column = bytes.rsplit(|byte| *byte == b'\n').next().map_or(0, <[u8]>::len);
    (line, column)
}

/// Reads a body of this event.
///
/// # Errors
/// [`Refusal::Misfit`] with the parser's words and place.
pub fn read<'de, T: Deserialize<'de>>(name: Name, body: &'de [u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::Misfit { name, what: error.to_string() })
}

/// The whole body is read to its end either way, so that broken JSON is always told as such.
enum Read {
    Keys(Keys),
    Refused(Refusal),
}

impl<'de> Deserialize<'de> for Read {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Names;
        impl<'de> Visitor<'de> for Names {
            type Value = Read;

            fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Read, A::Error> {
                let mut keys = BTreeSet::new();
                let mut refused = None;
                while let Some(key) = map.next_key::<String>()? {
                    map.next_value::<IgnoredAny>()?;
                    if refused.is_some() {
                        continue;
                    }
                    if keys.len() == MAX_KEYS {
                        refused = Some(Refusal::TooManyKeys);
                    } else if keys.contains(&key) {
                        refused = Some(Refusal::NamedTwice { key });
                    } else {
                        keys.insert(key);
                    }
                }
                Ok(refused.map_or(Read::Keys(Keys(keys)), Read::Refused))
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut list: A) -> Result<Read, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Err(A::Error::custom("a list is not an object"))
            }
        }
        from.deserialize_any(Names)
    }
}
