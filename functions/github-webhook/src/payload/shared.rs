//! What payloads have in common: the repository, people, names of actions.

use common::{
    domain::id::{CommitSha, HostAccount, IdError, RepositoryId, RepositoryName},
    event,
};
use serde::Deserialize;

/// No login of GitHub is longer than 39, and none of an enterprise's App longer than this.
const MAX_LOGIN: usize = 100;

/// A repository. Its URLs are not read: an address from a payload is never called.
#[derive(Debug, Deserialize)]
pub struct Repository {
    id: u64,
    full_name: String,
}

impl Repository {
    /// In the contract's words.
    ///
    /// # Errors
    /// When the name is not of the form `owner/name`.
    pub fn normal(&self) -> Result<event::Repository, IdError> {
        let name: RepositoryName = self.full_name.parse()?;
        Ok(event::Repository::new(RepositoryId::GitHub(self.id), name))
    }
}

/// Only the id of a repository.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub struct RepositoryRef {
    /// The numeric id.
    pub id: u64,
}

/// An account.
#[derive(Debug, Deserialize)]
pub struct User {
    id: u64,
    login: String,
}

/// Who did it; GitHub leaves it out when the account is gone.
pub fn actor(user: Option<&User>) -> event::Actor {
    match user {
        Some(user) => {
            event::Actor { id: HostAccount::github(user.id), login: user.login.chars().take(MAX_LOGIN).collect() }
        }
        None => event::Actor::ghost(),
    }
}

/// One of GitHub's own words: an action, a state, a conclusion.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Word(String);

impl TryFrom<String> for Word {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if (1..=64).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text))
        } else {
            Err("expected a word of 1 to 64 of a-z, 0-9 and '_'")
        }
    }
}

impl Word {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, owned.
    pub fn into_string(self) -> String {
        self.0
    }
}

/// A commit in a field that may hold GitHub's "none": forty zeros.
///
/// # Errors
/// When it is neither.
pub fn commit(text: &str) -> Result<Option<CommitSha>, IdError> {
    let none = !text.is_empty() && text.bytes().all(|byte| byte == b'0');
    let commit: CommitSha = text.parse()?;
    Ok((!none).then_some(commit))
}
