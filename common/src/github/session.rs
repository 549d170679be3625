//! Tokens, the identity of a repository, and one request with its time limit.

use octocrab::Octocrab;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    domain::id::{RepositoryId, RepositoryName},
    event::Repository,
    fault::Fault,
};

use super::{GitHub, REQUEST_TIMEOUT, Scope, error::Failure, error::failure, wire};

/// A token for one repository and one scope, in a client for REST and one for GraphQL. octocrab keeps the token as a secret and
/// prints it nowhere.
#[derive(Clone)]
pub(super) struct Session {
    rest: Octocrab,
    graph: Octocrab,
}

/// Who asks what, for the token and for the sentences.
pub(super) struct Call<'a> {
    pub(super) repository: &'a Repository,
    pub(super) scope: Scope,
    /// In words: `reading the head of main in o/r`.
    pub(super) what: &'a str,
}

/// A request's verb, with the body of those that have one.
pub(super) enum Verb<'a, B> {
    Get,
    Post(&'a B),
    Put(&'a B),
    Patch(&'a B),
    Delete,
}

/// For requests without a body.
pub(super) const GET: Verb<'static, ()> = Verb::Get;
/// The same.
pub(super) const DELETE: Verb<'static, ()> = Verb::Delete;

impl Scope {
    /// The least that the calls of this scope need, in GitHub's words.
    pub(super) fn permissions(self) -> serde_json::Value {
        match self {
            Self::Read => serde_json::json!({"contents": "read", "metadata": "read", "pull_requests": "read"}),
            Self::Evidence => serde_json::json!({
                "checks": "read", "contents": "read", "issues": "read", "metadata": "read", "pull_requests": "read"
            }),
            // Asked for by itself: an App without it reads all else.
            Self::Deployments => serde_json::json!({"deployments": "read", "metadata": "read"}),
            Self::Archive => serde_json::json!({
                "contents": "write", "issues": "write", "metadata": "read", "pull_requests": "read"
            }),
            Self::Marks => serde_json::json!({"checks": "write", "metadata": "read", "statuses": "write"}),
            Self::Talk => serde_json::json!({"issues": "write", "metadata": "read", "pull_requests": "write"}),
            // GitHub refuses both mutations to an App that may not write contents.
            Self::Draft | Self::Merge => {
                serde_json::json!({"contents": "write", "metadata": "read", "pull_requests": "write"})
            }
        }
    }
}

impl GitHub {
    /// One request below `/repos/<owner>/<name>` with the repository's token.
    pub(super) async fn call<R, B>(&self, call: &Call<'_>, verb: Verb<'_, B>, below: &str) -> Result<R, Failure>
    where
        R: DeserializeOwned + Send,
        B: Serialize + Sync,
    {
        let route = format!("/repos/{}{below}", call.repository.name);
        let (session, kept) = self.session(call, false).await?;
        match request(&session.rest, call.what, &verb, &route).await {
            // An hour-old token: ask for another, once. A refused call had no effect, so repeating it is safe.
            Err(Failure::Unauthorized(_)) if kept => {
                let (session, _) = self.session(call, true).await?;
                request(&session.rest, call.what, &verb, &route).await
            }
            answer => answer,
        }
    }

    /// One GraphQL request with the repository's token.
    pub(super) async fn query(&self, call: &Call<'_>, query: &wire::Query<'_>) -> Result<wire::QueryAnswer, Failure> {
        let verb = Verb::Post(query);
        let (session, kept) = self.session(call, false).await?;
        match request(&session.graph, call.what, &verb, "/graphql").await {
            Err(Failure::Unauthorized(_)) if kept => {
                let (session, _) = self.session(call, true).await?;
                request(&session.graph, call.what, &verb, "/graphql").await
            }
            answer => answer,
        }
    }

    /// The token for a call, and whether it was kept from before.
    async fn session(&self, call: &Call<'_>, renew: bool) -> Result<(Session, bool), Failure> {
        let key = (call.repository.id, call.repository.name.clone(), call.scope);
        // Held while a token is made, so that many readers of one repository make one.
        let mut sessions = self.sessions.lock().await;
        if !renew && let Some(session) = sessions.get(&key) {
            return Ok((session.clone(), true));
        }
        sessions.remove(&key);
        let session = self.open(call.repository, call.scope).await?;
        sessions.insert(key, session.clone());
        Ok((session, false))
    }

    /// A new token for exactly this repository, after making sure that the name still means it.
    async fn open(&self, repository: &Repository, scope: Scope) -> Result<Session, Failure> {
        let Repository { id, name, .. } = repository;
        // Before the first word to the host: its numbers are other repositories' there.
        let RepositoryId::GitHub(number) = *id else {
            return Err(Fault::bug(format!("{name} (repository {id}) is not on GitHub")).into());
        };
        let installation = self.installation(name).await.map_err(|failure| match failure {
            Failure::NotFound(fault) => Fault::bug_from(
                format!("the App {} is not installed for {name}: install it there, or take the repository out of repositories.yaml", self.app_id),
                fault,
            ),
            other => Fault::from(other),
        })?;
        let asked = wire::TokenRequest { repository_ids: [number], permissions: scope.permissions() };
        let what = format!("asking for a token for {name} (repository {id}) with {}", asked.permissions);
        let token = self.token(installation.id, &what, &asked).await?;
        let session = Session { rest: with(&self.app, &token, &what)?, graph: with(&self.graph, &token, &what)? };
        let what = format!("reading {name}");
        same(repository, &request(&session.rest, &what, &GET, &format!("/repos/{name}")).await?)?;
        Ok(session)
    }

    /// The App's installation for a repository, by the App's own signature.
    pub(super) async fn installation(&self, name: &RepositoryName) -> Result<wire::Installation, Failure> {
        let what = format!("finding the App's installation for {name}");
        request(&self.app, &what, &GET, &format!("/repos/{name}/installation")).await
    }

    /// A token of an installation, narrowed to what is asked for.
    pub(super) async fn token<B: Serialize + Sync>(
        &self,
        installation: u64,
        what: &str,
        asked: &B,
    ) -> Result<wire::Token, Failure> {
        request(&self.app, what, &Verb::Post(asked), &format!("/app/installations/{installation}/access_tokens")).await
    }

    /// One request for a repository whose id is not known yet, so that no [`Session`] can be had.
    pub(super) async fn request_with<R: DeserializeOwned + Send>(
        &self,
        token: &wire::Token,
        what: &str,
        route: &str,
    ) -> Result<R, Failure> {
        request(&with(&self.app, token, what)?, what, &GET, route).await
    }

    /// Makes sure that the call's name means the call's repository at this moment. A kept token is no proof: with it the public
    /// repository of another, which has the name now, could be read.
    pub(super) async fn still_means(&self, call: &Call<'_>) -> Result<(), Fault> {
        same(call.repository, &self.call(call, GET, "").await?)
    }
}

/// A client that speaks with a token.
fn with(client: &Octocrab, token: &wire::Token, what: &str) -> Result<Octocrab, Fault> {
    let client = client.user_access_token(token.token.clone());
    client.map_err(|error| Fault::bug_from(format!("{what}: the token cannot be used"), error))
}

fn same(repository: &Repository, found: &wire::Repository) -> Result<(), Fault> {
    let Repository { id, name, .. } = repository;
    if RepositoryId::GitHub(found.id) == *id {
        return Ok(());
    }
    Err(Fault::reject(format!(
        "{name} is repository {} now, not {id}: a name can be given to another repository, so nothing was read or written",
        found.id
    )))
}

async fn request<R, B>(client: &Octocrab, what: &str, verb: &Verb<'_, B>, route: &str) -> Result<R, Failure>
where
    R: DeserializeOwned + Send,
    B: Serialize + Sync,
{
    let answer = async {
        match verb {
            Verb::Get => client.get(route, None::<&()>).await,
            Verb::Post(body) => client.post(route, Some(*body)).await,
            Verb::Put(body) => client.put(route, Some(*body)).await,
            Verb::Patch(body) => client.patch(route, Some(*body)).await,
            Verb::Delete => client.delete(route, None::<&()>).await,
        }
    };
    match tokio::time::timeout(REQUEST_TIMEOUT, answer).await {
        Ok(answer) => answer.map_err(|error| failure(what, error)),
        Err(_) => {
            Err(Fault::retry(format!("{what}: GitHub did not answer within {} s", REQUEST_TIMEOUT.as_secs())).into())
        }
    }
}
