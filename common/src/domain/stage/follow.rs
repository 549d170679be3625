//! What becomes of an item when the issue or the pull request that it was made of changes on its source host. The issue as it is now decides,
//! never the event that told of it; the label only says that it is work that is followed.
//!
//! | issue | item | then |
//! |---|---|---|
//! | open, with the label | none | it is made |
//! | open, with the label | put aside by its issue | it goes on where it left |
//! | open, with the label, another title, or it speaks of another stage | any that has not ended | it is called so, and shows that |
//! | open, without the label | under way | it is put aside |
//! | closed | under way | it is put aside |
//! | a pull request, merged, with the label | under way | it stays: its gates come after the merge |
//! | deleted, or transferred | under way | it is put aside |
//! | any | put aside by somebody, or ended | it stays as it is |

use super::{
    item::{Item, Position},
    suggestion::Suggestion,
};
use crate::domain::id::{GitHubUserId, is_hidden};

/// An issue, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueSeen {
    /// Whether it is open.
    pub open: bool,
    /// Whether it has the label.
    pub labelled: bool,
    /// Whether it is a pull request that was merged.
    pub merged: bool,
    /// What it is, for a sentence: an issue or a pull request.
    pub what: &'static str,
    /// Its title, as [`title_of`] reads it.
    pub title: String,
    /// The stage that it speaks of.
    pub suggested: Option<Suggestion>,
}

/// What becomes of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Follow {
    /// Nothing.
    Nothing,
    /// It is made.
    Make,
    /// It is put aside, because of this.
    Aside(String),
    /// It goes on.
    Resume,
    /// It is called so now, and its issue speaks of this stage.
    Learn(String, Option<Suggestion>),
}

/// Decides. `issue`: nothing when it is not in its repository (any more).
pub fn follow(issue: Option<&IssueSeen>, item: Option<&Item>) -> Follow {
    let Some(item) = item else {
        return match issue {
            Some(IssueSeen { open: true, labelled: true, .. }) => Follow::Make,
            _ => Follow::Nothing,
        };
    };
    let why = match issue {
        None => Some("its issue is no longer in its repository: link the item anew, or end it".to_owned()),
        Some(IssueSeen { open: false, merged: false, what, .. }) => Some(format!("its {what} was closed")),
        Some(IssueSeen { labelled: false, what, .. }) => Some(format!("its {what} has lost the label of items")),
        Some(_) => None,
    };
    let by_issue = item.link.as_ref().is_some_and(|link| link.aside);
    match (&item.position, why, issue) {
        (Position::Active { .. }, Some(why), _) => Follow::Aside(why),
        (Position::Parked { .. }, None, _) if by_issue => Follow::Resume,
        (Position::Active { .. } | Position::Parked { .. }, None, Some(issue))
            if (&issue.title, &issue.suggested) != (&item.title, &item.suggested) =>
        {
            Follow::Learn(issue.title.clone(), issue.suggested.clone())
        }
        _ => Follow::Nothing,
    }
}

/// Who answers for an item that an issue makes: the first of those whom it is assigned to that is somebody, else who wrote it.
pub fn owner_of<P>(
    assignees: impl IntoIterator<Item = u64>,
    author: Option<u64>,
    who: impl Fn(GitHubUserId) -> Option<P>,
) -> Option<P> {
    assignees.into_iter().chain(author).find_map(|number| who(GitHubUserId(number)))
}

/// An issue's title as an item may have it: one line that shows all it says, of at most 200 characters.
pub fn title_of(title: &str) -> String {
    let shown: String = title.chars().map(|one| if is_hidden(one) { ' ' } else { one }).take(200).collect();
    let shown = shown.trim();
    if shown.is_empty() { "without a title".to_owned() } else { shown.to_owned() }
}
