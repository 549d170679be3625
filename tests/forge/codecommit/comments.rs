//! Comments on commits and pull requests. Nobody but its author changes one, and the same token makes one comment.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answered, ApiError, Call, error, events, read, time};
use crate::forge::clock;

/// The service's limit of a comment in characters.
const LONGEST: usize = 10_240;

/// A comment.
#[derive(Debug, Clone)]
pub(super) struct Comment {
    id: String,
    place: Place,
    author: String,
    /// Nothing when it was deleted.
    content: Option<String>,
    token: Option<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    change: Option<u64>,
    before: Option<String>,
    after: String,
}

impl Comment {
    fn show(&self) -> Value {
        let mut shown = json!({
            "commentId": self.id, "authorArn": self.author, "deleted": self.content.is_none(),
            "creationDate": time(self.created_at), "lastModifiedDate": time(self.updated_at),
            "clientRequestToken": self.token, "callerReactions": [], "reactionCounts": {},
        });
        if let Some(content) = &self.content {
            shown["content"] = json!(content);
        }
        shown
    }
}

fn sized(content: &str) -> Result<(), ApiError> {
    match content.chars().count() {
        0 => Err(error("CommentContentRequiredException", "there is no content")),
        1..=LONGEST => Ok(()),
        _ => Err(error("CommentContentSizeLimitExceededException", "the comment is too long")),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewComment {
    repository_name: String,
    before_commit_id: Option<String>,
    after_commit_id: String,
    pull_request_id: Option<String>,
    content: String,
    client_request_token: Option<String>,
}

/// <https://docs.aws.amazon.com/codecommit/latest/APIReference/API_PostCommentForComparedCommit.html>: the commit before is required,
/// unless the commit is the first one.
pub(super) async fn post_on_commit(call: &Call<'_>) -> Answered {
    let asked: NewComment = call.asked()?;
    call.named(&asked.repository_name)?;
    let after = read::commit_of(call, &asked.after_commit_id).await?;
    let parents = call.world.git.commit(&after).await?.parents;
    match &asked.before_commit_id {
        Some(before) if *before == after => {
            return Err(error("BeforeCommitIdAndAfterCommitIdAreSameException", "they are the same"));
        }
        Some(before) => drop(read::commit_of(call, before).await?),
        None if parents.is_empty() => {}
        None => return Err(error("CommitIdRequiredException", "the commit before is required")),
    }
    post(call, asked, None)
}

/// <https://docs.aws.amazon.com/codecommit/latest/APIReference/API_PostCommentForPullRequest.html>
pub(super) fn post_on_change(call: &Call<'_>) -> Answered {
    let asked: NewComment = call.asked()?;
    call.named(&asked.repository_name)?;
    let number = number(call, asked.pull_request_id.as_deref().unwrap_or_default())?;
    if asked.before_commit_id.is_none() {
        return Err(error("CommitIdRequiredException", "the commit before is required"));
    }
    post(call, asked, Some(number))
}

fn number(call: &Call<'_>, id: &str) -> Result<u64, ApiError> {
    let number: u64 = id.parse().map_err(|_| error("InvalidPullRequestIdException", "invalid"))?;
    let there = call.world.memory().pulls.contains_key(&number);
    there.then_some(number).ok_or_else(|| error("PullRequestDoesNotExistException", &format!("{id} does not exist")))
}

fn post(call: &Call<'_>, asked: NewComment, change: Option<u64>) -> Answered {
    sized(&asked.content)?;
    let place = Place { change, before: asked.before_commit_id, after: asked.after_commit_id };
    let now = clock::now();
    let comment = {
        let mut memory = call.world.memory();
        let same = |comment: &&Comment| comment.token.is_some() && comment.token == asked.client_request_token;
        if let Some(there) = memory.codecommit.comments.iter().find(same) {
            if there.author != call.caller || there.place != place {
                return Err(error("IdempotencyParameterMismatchException", "the token was used for something else"));
            }
            return Ok(json!({"comment": there.show()}));
        }
        let id = format!("{}:{}", clock::guid(), clock::guid());
        let comment = Comment {
            id,
            place,
            author: call.caller.clone(),
            content: Some(asked.content),
            token: asked.client_request_token,
            created_at: now,
            updated_at: now,
        };
        memory.codecommit.comments.push(comment.clone());
        comment
    };
    tell(call, &comment, "Created");
    Ok(json!({"comment": comment.show()}))
}

fn tell(call: &Call<'_>, comment: &Comment, what: &str) {
    let Place { change, before, after } = &comment.place;
    events::comment(call.world, *change, what, &comment.id, before.as_deref(), after, &call.caller);
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OfCommit {
    repository_name: String,
    before_commit_id: Option<String>,
    after_commit_id: String,
}

/// <https://docs.aws.amazon.com/codecommit/latest/APIReference/API_GetCommentsForComparedCommit.html>
pub(super) async fn of_commit(call: &Call<'_>) -> Answered {
    let OfCommit { repository_name, before_commit_id, after_commit_id } = call.asked()?;
    call.named(&repository_name)?;
    read::commit_of(call, &after_commit_id).await?;
    let place = Place { change: None, before: before_commit_id, after: after_commit_id };
    let all = threads(call, &repository_name, |comment| comment.place == place);
    call.page("commentsForComparedCommitData", all)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OfChange {
    pull_request_id: String,
}

/// <https://docs.aws.amazon.com/codecommit/latest/APIReference/API_GetCommentsForPullRequest.html>
pub(super) fn of_change(call: &Call<'_>) -> Answered {
    let OfChange { pull_request_id } = call.asked()?;
    let number = number(call, &pull_request_id)?;
    let all = threads(call, call.identity.arn.name(), |comment| comment.place.change == Some(number));
    call.page("commentsForPullRequestData", all)
}

fn threads(call: &Call<'_>, name: &str, of: impl Fn(&Comment) -> bool) -> Vec<Value> {
    let memory = call.world.memory();
    let thread = |comment: &Comment| {
        let mut thread = json!({
            "repositoryName": name, "afterCommitId": comment.place.after, "comments": [comment.show()],
        });
        if let Some(before) = &comment.place.before {
            thread["beforeCommitId"] = json!(before);
        }
        if let Some(number) = comment.place.change {
            thread["pullRequestId"] = json!(number.to_string());
        }
        thread
    };
    memory.codecommit.comments.iter().filter(|comment| of(comment)).map(thread).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Edit {
    comment_id: String,
    #[serde(default)]
    content: String,
}

fn edit(
    call: &Call<'_>,
    id: &str,
    change: impl FnOnce(&mut Comment) -> Result<(), ApiError>,
) -> Result<Comment, ApiError> {
    let mut memory = call.world.memory();
    let found = memory.codecommit.comments.iter_mut().find(|comment| comment.id == id);
    let found = found.ok_or_else(|| error("CommentDoesNotExistException", "it does not exist"))?;
    if found.content.is_none() {
        return Err(error("CommentDeletedException", "it was deleted"));
    }
    change(found)?;
    found.updated_at = clock::now();
    Ok(found.clone())
}

/// <https://docs.aws.amazon.com/codecommit/latest/APIReference/API_UpdateComment.html>
pub(super) fn update(call: &Call<'_>) -> Answered {
    let Edit { comment_id, content } = call.asked()?;
    sized(&content)?;
    let comment = edit(call, &comment_id, |comment| {
        if comment.author != call.caller {
            return Err(error("CommentNotCreatedByCallerException", "you did not write it"));
        }
        comment.content = Some(content);
        Ok(())
    })?;
    tell(call, &comment, "Updated");
    Ok(json!({"comment": comment.show()}))
}

/// <https://docs.aws.amazon.com/codecommit/latest/APIReference/API_DeleteCommentContent.html>: whoever may, of whomever.
pub(super) fn delete(call: &Call<'_>) -> Answered {
    let Edit { comment_id, .. } = call.asked()?;
    let comment = edit(call, &comment_id, |comment| {
        comment.content = None;
        Ok(())
    })?;
    Ok(json!({"comment": comment.show()}))
}
