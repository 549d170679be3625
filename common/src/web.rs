//! Other systems over HTTPS: the connections that every adapter shares the making of, and one request with its time limit.
//!
//! One TLS provider, the machine's certificate authorities, HTTP/1.1; no redirects and no retries: whoever called decides about trying again.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};

use crate::{
    domain::id::quoted,
    fault::Fault,
    ports::{Site, SiteAnswer, SiteRequest},
};

/// What we call ourselves.
pub const AGENT: &str = "penstock";

/// The largest answer that is read.
const LARGEST: usize = 4 * 1024 * 1024;

/// A client with its pool of connections.
pub(crate) type Connections<B> = Client<HttpsConnector<HttpConnector>, B>;

/// New connections. Must be called inside the async runtime.
///
/// # Errors
/// `Bug` when the machine's certificate authorities cannot be read.
pub(crate) fn connections<B: http_body::Body<Data: Send> + Send>() -> Result<Connections<B>, Fault> {
    let connector = HttpsConnectorBuilder::new()
        .with_provider_and_native_roots(rustls::crypto::ring::default_provider())
        .map_err(|error| Fault::bug_from("the machine's certificate authorities cannot be read", error))?
        .https_or_http()
        .enable_http1()
        .build();
    Ok(Client::builder(TokioExecutor::new()).build(connector))
}

/// Whether an address may be asked: over HTTPS, or in clear text on this machine itself.
pub(crate) fn is_safe(uri: &Uri) -> bool {
    let local = matches!(uri.host(), Some("127.0.0.1" | "localhost" | "[::1]"));
    uri.scheme_str() == Some("https") || (uri.scheme_str() == Some("http") && local)
}

/// One address that is asked.
#[derive(Clone)]
pub struct Web {
    connections: Connections<Full<Bytes>>,
    base: String,
    limit: Duration,
}

impl std::fmt::Debug for Web {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("Web").field("base", &self.base).finish_non_exhaustive()
    }
}

impl Web {
    /// An address that a setting gives, and how long one request there may take; it calls nobody yet. Must be called inside the async runtime.
    ///
    /// # Errors
    /// `Bug` that names the setting and an example when the address cannot be used.
    pub fn new(setting: &str, base: &str, example: &str, limit: Duration) -> Result<Self, Fault> {
        let uri: Option<Uri> = base.parse().ok();
        if !uri.is_some_and(|uri| is_safe(&uri) && uri.query().is_none()) {
            let shown = quoted(base, 200);
            return Err(Fault::bug(format!(
                "{setting}: found {shown}, expected an address such as {example} (http only for this machine's own address)"
            )));
        }
        Ok(Self { connections: connections()?, base: base.trim_end_matches('/').to_owned(), limit })
    }

    /// A request below the address.
    pub(crate) fn request(&self, below: &str) -> http::request::Builder {
        Request::builder().uri(format!("{}{below}", self.base)).header(header::USER_AGENT, AGENT)
    }

    /// One request, and its whole answer. `what` is in words: `posting to unblock in Slack`.
    ///
    /// # Errors
    /// `Retry` when there was no whole answer within the limit, or a larger one than is read.
    pub(crate) async fn send(&self, what: &str, request: Request<Full<Bytes>>) -> Result<Response<Bytes>, Fault> {
        let answer = async {
            let response = self.connections.request(request).await.map_err(|error| Fault::retry_from(what, error))?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, LARGEST).collect().await;
            let body = body.map_err(|error| Fault::retry_from(format!("{what}: the answer broke off"), error))?;
            Ok(Response::from_parts(head, body.to_bytes()))
        };
        let late = |_| Fault::retry(format!("{what}: no answer within {} s", self.limit.as_secs_f32()));
        tokio::time::timeout(self.limit, answer).await.map_err(late)?
    }
}

impl Site for Web {
    async fn ask(&self, request: &SiteRequest) -> Result<SiteAnswer, Fault> {
        let what = format!("{} {}", request.method, request.path);
        let mut made = self.request(request.path).method(request.method);
        for (name, value) in &request.headers {
            made = made.header(*name, value);
        }
        let body = Full::new(Bytes::from(request.body.clone()));
        let made =
            made.body(body).map_err(|error| Fault::bug_from(format!("{what}: no request can be made"), error))?;
        let answer = self.send(&what, made).await?;
        Ok(SiteAnswer { status: answer.status().as_u16(), body: answer.into_body().into() })
    }
}
