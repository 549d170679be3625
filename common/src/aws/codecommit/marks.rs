//! Writing on commits and pull requests. CodeCommit has comments, and neither statuses nor checks nor labels nor drafts.
//!
//! A status, or a check, is our one comment with its name on the commit, or on the pull request that it is about, since a pull request does
//! not show what is said on its commits; a sticky comment is one on the pull request. Ours is found again
//! by its first line, and by who wrote it (`authors`): the service lets nobody but its author change a comment, so one with that line
//! which it lets us change is ours, and somebody else's with the same line stays as it is.
//! A comment that a repeat would post a second time carries the same token as the first, and the service makes one of both.

use aws_sdk_codecommit::types::Comment;

use super::{CodeCommit, failed, is, lacks, parse};
use crate::{
    domain::{
        id::{CommitSha, Digest},
        markdown::{code, plain},
    },
    event::Repository,
    fault::Fault,
    ports::{Annotation, ChangeMarks, CheckConclusion, CheckRun, CommitStatus, Marks, StatusState, StickyComment},
};

/// CodeCommit's limit of a comment, in characters; bytes are at least as many.
const COMMENT: usize = 10_240;
/// How many comments with our line are tried, those that are the likeliest ours first. Others may write it, too.
const CANDIDATES: usize = 10;

/// Where a comment stands.
enum Place {
    Commit { before: Option<String>, after: CommitSha },
    Change { number: u64, before: String, after: CommitSha },
}

impl Marks for CodeCommit {
    async fn set_status(&self, repository: &Repository, status: &CommitStatus) -> Result<(), Fault> {
        let what = format!("telling the status of {} in {}", status.commit.short(), repository.name);
        let name = self.named(repository).await?;
        let word = match status.state {
            StatusState::Pending => "in progress",
            StatusState::Success => "all is well",
            StatusState::Failure => "something is to be mended",
            StatusState::Error => "this failed, and not by your doing",
        };
        let url = status.target_url.as_deref().map_or(String::new(), |url| format!("\n\n{url}"));
        // Where there are statuses these are plain text; here they would be Markdown.
        let (context, description) = (plain(&status.context), plain(&status.description));
        let text = format!("**{context}**: {word}\n\n{description}{url}");
        let place = self.on_commit(&what, name, &status.commit).await?;
        self.set(&what, repository, &place, &mark("status", &status.context), &text).await
    }

    async fn publish_check(&self, repository: &Repository, check: &CheckRun) -> Result<(), Fault> {
        let what = format!("telling what was checked of {} in {}", check.commit.short(), repository.name);
        let name = self.named(repository).await?;
        let place = match check.change {
            Some(number) => self.on_change(&what, name, number).await?,
            None => self.on_commit(&what, name, &check.commit).await?,
        };
        self.set(&what, repository, &place, &mark("check", &check.name), &words(check)).await
    }
}

impl ChangeMarks for CodeCommit {
    /// Nothing: there are no labels, and what a label says the comment says, too.
    async fn set_label(&self, _: &Repository, _: u64, _: &str, _: bool) -> Result<(), Fault> {
        Ok(())
    }

    async fn set_comment(&self, repository: &Repository, number: u64, comment: &StickyComment) -> Result<(), Fault> {
        let what = format!("writing the {} comment of pull request {number} in {}", comment.kind, repository.name);
        let name = self.named(repository).await?;
        let place = self.on_change(&what, name, number).await?;
        self.set(&what, repository, &place, &format!("<!-- penstock:{} -->", comment.kind), &comment.text).await
    }

    async fn is_draft(&self, repository: &Repository, number: u64) -> Result<Option<bool>, Fault> {
        let found = crate::ports::Forge::pull_request(self, repository, number).await?;
        Ok(found.filter(|found| found.open).map(|found| found.draft))
    }

    async fn set_draft(&self, repository: &Repository, number: u64, draft: bool) -> Result<(), Fault> {
        if !draft {
            return Ok(());
        }
        Err(Fault::reject(format!(
            "making pull request {number} of {} a draft: CodeCommit has no drafts",
            repository.name
        )))
    }
}

impl CodeCommit {
    /// A commit as a place for comments: the service wants its parent, too, unless it has none.
    async fn on_commit(&self, what: &str, name: &str, commit: &CommitSha) -> Result<Place, Fault> {
        let found = self.client.get_commit().repository_name(name).commit_id(commit.as_str()).send().await;
        let found = found.map_err(|error| failed(what, error))?.commit.ok_or_else(|| lacks(what, "the commit"))?;
        let before = found.parents.and_then(|parents| parents.into_iter().next());
        Ok(Place::Commit { before, after: commit.clone() })
    }

    /// A pull request as a place for comments: the service wants the two commits between which it is.
    async fn on_change(&self, what: &str, name: &str, number: u64) -> Result<Place, Fault> {
        let Some((_, target)) = self.change(what, name, number).await? else {
            return Err(Fault::reject(format!("{what}: there is no such pull request")));
        };
        let before = target.destination_commit.clone().ok_or_else(|| lacks(what, "the base commit"))?;
        Ok(Place::Change { number, before, after: parse(what, target.source_commit())? })
    }

    /// Makes our comment with this first line say this text.
    async fn set(
        &self,
        what: &str,
        repository: &Repository,
        place: &Place,
        mark: &str,
        text: &str,
    ) -> Result<(), Fault> {
        let name = repository.name.without_owner();
        let text = cut(format!("{mark}\n{text}"));
        let there = match place {
            Place::Change { number, .. } => self.comments_of_change(what, name, *number).await?,
            Place::Commit { before, after } => self.comments_of_commit(what, name, before.as_deref(), after).await?,
        };
        let line = format!("{mark}\n");
        let marked = |comment: &&Comment| {
            !comment.deleted && comment.content.as_ref().is_some_and(|content| content.starts_with(&line))
        };
        let candidates = self.us.first(there.iter().filter(marked));
        for id in candidates.into_iter().take(CANDIDATES).filter_map(Comment::comment_id) {
            match self.client.update_comment().comment_id(id).content(&text).send().await {
                Ok(answer) => {
                    self.us.wrote(answer.comment());
                    return Ok(());
                }
                Err(error) if is(&error, NOT_OURS) => {}
                Err(error) => return Err(failed(what, error)),
            }
        }
        // One that was deleted since is not what a repeat would be taken for.
        let deleted = there.iter().filter(|comment| comment.deleted).count().to_string();
        let token = Digest::of_parts([&repository.id.to_string(), &key(place), &text, &deleted].map(String::as_str));
        self.post(what, name, place, &text, token.as_str()).await
    }

    async fn comments_of_commit(
        &self,
        what: &str,
        name: &str,
        before: Option<&str>,
        after: &CommitSha,
    ) -> Result<Vec<Comment>, Fault> {
        let request = self.client.get_comments_for_compared_commit().repository_name(name);
        let request = request.set_before_commit_id(before.map(str::to_owned)).after_commit_id(after.as_str());
        let mut pages = request.into_paginator().send();
        let mut all = Vec::new();
        while let Some(page) = pages.next().await {
            let threads = page.map_err(|error| failed(what, error))?.comments_for_compared_commit_data;
            all.extend(threads.into_iter().flatten().flat_map(|thread| thread.comments.unwrap_or_default()));
        }
        Ok(all)
    }

    async fn post(&self, what: &str, name: &str, place: &Place, text: &str, token: &str) -> Result<(), Fault> {
        match place {
            Place::Commit { before, after } => {
                let request = self.client.post_comment_for_compared_commit().repository_name(name).content(text);
                let request = request.set_before_commit_id(before.clone()).after_commit_id(after.as_str());
                let answer = request.client_request_token(token).send().await.map_err(|error| failed(what, error))?;
                self.us.wrote(answer.comment());
            }
            Place::Change { number, before, after } => {
                let request = self.client.post_comment_for_pull_request().repository_name(name).content(text);
                let request = request.pull_request_id(number.to_string()).before_commit_id(before);
                let request = request.after_commit_id(after.as_str()).client_request_token(token);
                let answer = request.send().await.map_err(|error| failed(what, error))?;
                self.us.wrote(answer.comment());
            }
        }
        Ok(())
    }
}

/// What the service answers of a comment that we did not write, or that is gone.
const NOT_OURS: &[&str] =
    &["CommentDeletedException", "CommentDoesNotExistException", "CommentNotCreatedByCallerException"];

fn mark(kind: &str, name: &str) -> String {
    format!("<!-- penstock:{kind}:{name} -->")
}

fn key(place: &Place) -> String {
    match place {
        Place::Commit { after, .. } => after.to_string(),
        Place::Change { number, .. } => format!("#{number}"),
    }
}

/// A check's result as one text: what a check run has in parts. Its summary is Markdown already, and nothing else is.
fn words(check: &CheckRun) -> String {
    let word = match check.conclusion {
        CheckConclusion::Success => "nothing to mend",
        CheckConclusion::Failure => "something is to be mended",
        CheckConclusion::Neutral => "nothing to say",
    };
    let mut text = format!("**{}**: {word}\n\n**{}**\n\n{}", plain(&check.name), plain(&check.title), check.summary);
    for Annotation { path, line, column, failure, title, message } in &check.annotations {
        let severity = if *failure { "error" } else { "warning" };
        let place = code(&format!("{path}:{line}:{column}"));
        let said = plain(&format!("{severity} ({title}): {message}"));
        text.push_str(&format!("\n- {place} {said}"));
    }
    text
}

/// The text within the service's limit; one that is not whole says so.
fn cut(text: String) -> String {
    const REST: &str = "\n…";
    if text.len() <= COMMENT {
        return text;
    }
    let end = text.floor_char_boundary(COMMENT - REST.len());
    format!("{}{REST}", text.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_at_the_limit_between_characters_and_says_so() {
        assert_eq!(cut("short".to_owned()), "short");
        let long = cut("é".repeat(COMMENT));
        assert!(long.len() <= COMMENT && long.ends_with("é\n…"), "{}", long.len());
    }
}
