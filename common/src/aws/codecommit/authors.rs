//! Which comments may be ours. Anybody may write our first line, and nobody's comment but ours is ever changed: that the service refuses it
//! is what holds. What is here only keeps others from making us ask in vain, until ours is not found any more and a new one is posted.
//!
//! We are a session of a role: Lambda calls the session as the function (`AWS_LAMBDA_FUNCTION_NAME`), and Terraform calls our roles so, too. What
//! the service lets us write says the ARN, and from then on no other author is tried. Nothing is called to know it.

use std::sync::OnceLock;

use aws_sdk_codecommit::types::Comment;

use super::{account, sources::is_person};

/// Who we are when we write.
#[derive(Debug, Default)]
pub(super) struct Us {
    function: Option<String>,
    author: OnceLock<String>,
}

impl Us {
    /// We, running as this function; nothing outside Lambda.
    pub(super) fn called(function: Option<String>) -> Self {
        Self { function, author: OnceLock::new() }
    }

    /// Remembers who we are by what the service let us write.
    pub(super) fn wrote(&self, comment: Option<&Comment>) {
        if let Some(author) = comment.and_then(Comment::author_arn) {
            // Set already: by the same credentials, to the same.
            let _ = self.author.set(author.to_owned());
        }
    }

    /// Those comments that may be ours, the likeliest first.
    pub(super) fn first<'c>(&self, comments: impl Iterator<Item = &'c Comment>) -> Vec<&'c Comment> {
        let mut ranked: Vec<_> =
            comments.filter_map(|comment| Some((self.rank(comment.author_arn()?)?, comment))).collect();
        ranked.sort_by_key(|(rank, _)| *rank);
        ranked.into_iter().map(|(_, comment)| comment).collect()
    }

    /// How far from us an author is; nothing when it cannot be us.
    fn rank(&self, author: &str) -> Option<u8> {
        if let Some(us) = self.author.get() {
            return (us == author).then_some(0);
        }
        let named = |name: &String| author.ends_with(&format!(":assumed-role/{name}/{name}"));
        if self.function.as_ref().is_some_and(named) {
            return Some(0);
        }
        // A user, or a session that is not called as its role, is no function of ours.
        account(Some(author)).filter(|author| !is_person(author)).map(|_| 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "arn:aws:sts::111122223333:assumed-role/penstock-feedback/penstock-feedback";
    const OTHER: &str = "arn:aws:sts::111122223333:assumed-role/penstock-other/penstock-other";
    const OTHERS: [&str; 4] = [
        "arn:aws:iam::111122223333:user/mallory",
        "arn:aws:iam::111122223333:root",
        "arn:aws:sts::111122223333:assumed-role/Developer/penstock-feedback",
        "arn:aws:sts::111122223333:assumed-role/penstock-feedback/mallory",
    ];

    fn comment(author: &str) -> Comment {
        Comment::builder().author_arn(author).build()
    }

    /// Whose comments are tried, in order, when everybody wrote one.
    fn tried(us: &Us) -> Vec<String> {
        let all: Vec<_> =
            OTHERS.into_iter().chain([OTHER, OURS]).map(comment).chain([Comment::builder().build()]).collect();
        us.first(all.iter()).into_iter().filter_map(|comment| comment.author_arn.clone()).collect()
    }

    #[test]
    fn whoever_cannot_be_us_is_not_tried_and_we_are_tried_first() {
        assert_eq!(tried(&Us::default()), [OTHER, OURS]);
        let us = Us::called(Some("penstock-feedback".to_owned()));
        assert_eq!(tried(&us), [OURS, OTHER]);
        // A wrong name costs calls, and hides nothing.
        assert_eq!(tried(&Us::called(Some("feedback".to_owned()))), [OTHER, OURS]);
    }

    #[test]
    fn from_the_first_word_that_we_could_write_nobody_else_is_tried() {
        let us = Us::default();
        us.wrote(None);
        us.wrote(Some(&Comment::builder().build()));
        assert_eq!(tried(&us), [OTHER, OURS]);
        us.wrote(Some(&comment(OURS)));
        assert_eq!(tried(&us), [OURS]);
    }
}
