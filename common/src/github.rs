//! The source host's adapter: [`GitHub`] implements [`Forge`](crate::ports::Forge),
//! [`Deliveries`](crate::ports::Deliveries), [`Marks`](crate::ports::Marks) and
//! [`ChangeMarks`](crate::ports::ChangeMarks) over octocrab.
//!
//! It is a GitHub App. For each repository it asks for an installation token that is narrowed to that one repository (by
//! numeric id) and to what the call at hand needs: a reader cannot write, a writer of marks cannot read code. Tokens live in
//! memory only, at most the hour that GitHub gives them: one is kept until the host answers 401, then asked for anew, once,
//! so no clock is needed here and a frozen Lambda cannot be wrong about the time.
//!
//! Every URL is built from parsed parts on the configured host. Links in answers are not used and redirects are not
//! followed (so octocrab gets its connection from here): a moved repository is a fault that says so, never another host.
//!
//! | file | what |
//! |---|---|
//! | `session` | tokens, identity of the repository, one request with its time limit |
//! | `read` | branches, trees, blobs, pull requests, merge bases |
//! | `authors` | who made a commit |
//! | `deliveries` | the App's own webhooks |
//! | `onboarding` | a repository of which only the name is known |
//! | `marks` | commit statuses and check runs |
//! | `change_marks` | labels, comments and drafts of pull requests |
//! | `changes` | what a merge is decided by, and merging |
//! | `error` | what an answer means: wait, give up, or mend the configuration |
//! | `wire` | the fields that we read of GitHub's answers, no more |

mod archive;
mod authors;
mod change_marks;
mod changes;
mod deliveries;
mod deployments;
mod error;
mod marks;
mod onboarding;
mod read;
mod session;
mod sources;
mod wire;

use std::{collections::HashMap, sync::Arc, time::Duration};

use http::{HeaderValue, Uri, header::USER_AGENT};
use octocrab::{
    AuthState, Octocrab, OctocrabBuilder,
    auth::{AppAuth, EncodingKey},
    models::AppId,
    service::middleware::{base_uri::BaseUriLayer, extra_headers::ExtraHeadersLayer},
};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;

use crate::{
    blob_cache::BlobCache,
    domain::id::{BranchName, CommitSha, RepositoryId, RepositoryName, quoted},
    fault::Fault,
    ports::CommitAuthors,
    web::{AGENT, connections, is_safe},
};

use self::session::Session;

/// GitHub's own address.
pub const DEFAULT_BASE_URI: &str = "https://api.github.com";

/// How long one request may take, from connecting to the last byte.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);

/// What a token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Scope {
    /// Read code and pull requests.
    Read,
    /// Write statuses and check runs.
    Marks,
    /// Write labels and comments of pull requests.
    Talk,
    /// Make a pull request a draft, or ready for review.
    Draft,
    /// Merge a pull request.
    Merge,
    /// Read what gates of work items look at.
    Evidence,
    /// Read deployments.
    Deployments,
    /// Keep what remains of work items that have ended.
    Archive,
}

/// The tokens in use, by what each is narrowed to.
type Sessions = HashMap<(RepositoryId, RepositoryName, Scope), Session>;

/// Who made which head of which branch.
type Authors = HashMap<(RepositoryId, BranchName, CommitSha), CommitAuthors>;

/// GitHub, or a host with its API, as one App sees it.
#[derive(Clone)]
pub struct GitHub {
    app: Octocrab,
    /// The same App at the address of GraphQL, which is not below that of REST on a GitHub Enterprise Server.
    graph: Octocrab,
    app_id: u64,
    sessions: Arc<Mutex<Sessions>>,
    blobs: Arc<std::sync::Mutex<BlobCache>>,
    authors: Arc<std::sync::Mutex<Authors>>,
}

impl GitHub {
    /// An adapter for one App on one host; it calls nobody yet. Must be called inside the async runtime.
    ///
    /// # Errors
    /// `Bug` when the address or the key cannot be used; the key's text appears in no message.
    pub fn new(base_uri: &str, app_id: u64, pem: &SecretString) -> Result<Self, Fault> {
        let shown = quoted(base_uri, 200);
        let uri = base_uri.trim_end_matches('/').parse::<Uri>().ok();
        let uri = uri
            .filter(|uri| matches!(uri.scheme_str(), Some("https" | "http")) && uri.query().is_none())
            .filter(|uri| uri.authority().is_some_and(|authority| !authority.as_str().contains('@')))
            .ok_or_else(|| {
                Fault::bug(format!(
                    "GITHUB_API_URL: found {shown}, expected an address such as {DEFAULT_BASE_URI}, without a user or a query"
                ))
            })?;
        if !is_safe(&uri) {
            return Err(Fault::bug(format!(
                "GITHUB_API_URL: {shown} would send tokens in clear text: use https (http only for this machine's own address)"
            )));
        }
        // The error is dropped: it could say something about the key.
        let key = EncodingKey::from_rsa_pem(pem.expose_secret().as_bytes()).map_err(|_| {
            Fault::bug(
                "the GitHub App's private key cannot be read: expected the PEM text that GitHub gave, an RSA key",
            )
        })?;
        let graph = octocrab(graph_address(&uri)?, AuthState::None)?;
        let app = octocrab(uri, AuthState::App(AppAuth { app_id: AppId(app_id), key }))?;
        Ok(Self {
            app,
            graph,
            app_id,
            sessions: Arc::default(),
            blobs: Arc::new(std::sync::Mutex::new(BlobCache::default())),
            authors: Arc::default(),
        })
    }
}

/// Where `/graphql` is: on a GitHub Enterprise Server REST is below `/api/v3` and GraphQL is `/api/graphql`.
/// <https://docs.github.com/en/enterprise-server/graphql/guides/forming-calls-with-graphql#the-graphql-endpoint>
fn graph_address(rest: &Uri) -> Result<Uri, Fault> {
    let text = rest.to_string();
    let address = text.trim_end_matches('/').strip_suffix("/api/v3").map_or(text.clone(), |host| format!("{host}/api"));
    address.parse().map_err(|error| Fault::bug_from("GITHUB_API_URL: no address of GraphQL follows from it", error))
}

/// octocrab over a plain connection: no redirects and no retries below us. Whoever called decides about trying again: the
/// message stays in its queue.
fn octocrab(base: Uri, auth: AuthState) -> Result<Octocrab, Fault> {
    let agent = (USER_AGENT, HeaderValue::from_static(AGENT));
    let built = OctocrabBuilder::new_empty()
        .with_service(connections()?)
        .with_layer(&ExtraHeadersLayer::new(Arc::new(vec![agent])))
        .with_layer(&BaseUriLayer::new(base))
        .with_auth(auth)
        .build();
    match built {
        Ok(client) => Ok(client),
        Err(never) => match never {},
    }
}

impl std::fmt::Debug for GitHub {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("GitHub").field("app_id", &self.app_id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn graphql_is_beside_rest() {
        let address = |rest: &str| graph_address(&rest.parse().unwrap()).unwrap().to_string();
        assert_eq!(address("https://api.github.com"), "https://api.github.com/");
        assert_eq!(address("https://git.example/api/v3"), "https://git.example/api");
        assert_eq!(address("http://127.0.0.1:9000"), "http://127.0.0.1:9000/");
    }
}
