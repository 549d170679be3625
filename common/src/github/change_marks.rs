//! Writing on pull requests: labels, one comment of each kind, draft or ready.
//!
//! Our comment is found again by a line that GitHub does not show, among the comments that this App made: somebody else's
//! comment with the same line is not ours. REST cannot make a pull request a draft, so that alone goes through GraphQL.
//! Two copies at the very same time can both find no comment and make two; the older one is edited from then on.

use serde::de::IgnoredAny;

use crate::{
    domain::id::quoted,
    event::Repository,
    fault::Fault,
    ports::{ChangeMarks, StickyComment},
};

use super::{
    GitHub, Scope,
    error::Failure,
    session::{Call, DELETE, GET, Verb},
    wire,
};

/// GitHub's limit of a comment, in characters; bytes are at least as many.
const COMMENT: usize = 65_536;
/// How many comments a page has.
const PAGE: usize = 100;

impl ChangeMarks for GitHub {
    async fn set_label(&self, repository: &Repository, number: u64, label: &str, present: bool) -> Result<(), Fault> {
        let what = format!("setting the label {} of pull request {number} in {}", quoted(label, 60), repository.name);
        let call = Call { repository, scope: Scope::Talk, what: &what };
        let labels = format!("/issues/{number}/labels");
        if present {
            let body = wire::Labels { labels: [label] };
            let _: IgnoredAny = self.call(&call, Verb::Post(&body), &labels).await?;
            return Ok(());
        }
        let name = super::read::path(label).replace('/', "%2F");
        match self.call::<IgnoredAny, _>(&call, DELETE, &format!("{labels}/{name}")).await {
            // It has no such label: that is what was wanted.
            Ok(_) | Err(Failure::NotFound(_)) => Ok(()),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn set_comment(&self, repository: &Repository, number: u64, comment: &StickyComment) -> Result<(), Fault> {
        let what = format!("writing the {} comment of pull request {number} in {}", comment.kind, repository.name);
        let call = Call { repository, scope: Scope::Talk, what: &what };
        let mark = format!("<!-- penstock:{} -->", comment.kind);
        let text = format!("{mark}\n{}", comment.text);
        let text = text.get(..text.floor_char_boundary(COMMENT)).unwrap_or(&text);
        let body = wire::CommentWrite { body: text };
        let _: wire::Accepted = match self.find_comment(&call, number, &mark).await? {
            Some(found) if found.body.as_deref() == Some(text) => return Ok(()),
            Some(found) => self.call(&call, Verb::Patch(&body), &format!("/issues/comments/{}", found.id)).await?,
            None => self.call(&call, Verb::Post(&body), &format!("/issues/{number}/comments")).await?,
        };
        Ok(())
    }

    async fn is_draft(&self, repository: &Repository, number: u64) -> Result<Option<bool>, Fault> {
        let what = format!("reading pull request {number} of {}", repository.name);
        let call = Call { repository, scope: Scope::Talk, what: &what };
        Ok(self.find_open(&call, number).await?.map(|found| found.draft))
    }

    async fn set_draft(&self, repository: &Repository, number: u64, draft: bool) -> Result<(), Fault> {
        let goal = if draft { "a draft" } else { "ready for review" };
        let what = format!("making pull request {number} of {} {goal}", repository.name);
        let call = Call { repository, scope: Scope::Draft, what: &what };
        let found = match self.find_open(&call, number).await {
            Ok(found) => found,
            // Asking for a token with more than the installation was granted.
            Err(Failure::Invalid(fault)) => {
                tracing::warn!("{}", fault.chain());
                return Err(not_allowed(&what));
            }
            Err(failure) => return Err(failure.into()),
        };
        let Some(found) = found.filter(|found| found.draft != draft) else { return Ok(()) };
        let id = found.node_id.ok_or_else(|| Fault::bug(format!("{what}: GitHub's answer has no node_id")))?;
        let query = wire::Query {
            query: if draft {
                "mutation($id: ID!) { convertPullRequestToDraft(input: {pullRequestId: $id}) { clientMutationId } }"
            } else {
                "mutation($id: ID!) { markPullRequestReadyForReview(input: {pullRequestId: $id}) { clientMutationId } }"
            },
            variables: serde_json::json!({"id": id}),
        };
        let answer = self.query(&call, &query).await.map_err(Fault::from)?;
        let Some(error) = answer.errors.first() else { return Ok(()) };
        let said = quoted(&error.message, 200);
        Err(match error.kind.as_str() {
            "FORBIDDEN" | "INSUFFICIENT_SCOPES" => {
                tracing::warn!("{what}: GitHub answered {said}");
                not_allowed(&what)
            }
            "RATE_LIMITED" => Fault::retry(format!("{what}: GitHub answered {said}")),
            // A repository of a plan without drafts says so in words; so does one that somebody closed meanwhile.
            "UNPROCESSABLE" => Fault::reject(format!("{what}: GitHub answered {said}")),
            _ => Fault::bug(format!("{what}: GitHub answered {said}")),
        })
    }
}

fn not_allowed(what: &str) -> Fault {
    Fault::reject(format!(
        "{what}: GitHub forbids it: grant the App \"Pull requests: write\" and \"Contents: write\", and accept them in the installation"
    ))
}

impl GitHub {
    /// This App's oldest comment with this line.
    async fn find_comment(&self, call: &Call<'_>, number: u64, mark: &str) -> Result<Option<wire::Comment>, Fault> {
        for page in 1_u64.. {
            let below = format!("/issues/{number}/comments?per_page={PAGE}&page={page}");
            let found: Vec<wire::Comment> = self.call(call, GET, &below).await?;
            let last = found.len() < PAGE;
            let own = found.into_iter().find(|comment| {
                comment.performed_via_github_app.as_ref().is_some_and(|app| app.id == self.app_id)
                    && comment.body.as_ref().is_some_and(|body| body.starts_with(mark))
            });
            if own.is_some() || last {
                return Ok(own);
            }
        }
        Ok(None)
    }

    async fn find_open(&self, call: &Call<'_>, number: u64) -> Result<Option<wire::Pull>, Failure> {
        match self.call::<wire::Pull, _>(call, GET, &format!("/pulls/{number}")).await {
            Ok(found) => Ok(Some(found).filter(|found| found.state == "open")),
            Err(Failure::NotFound(_)) => Ok(None),
            Err(failure) => Err(failure),
        }
    }
}
