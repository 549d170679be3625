//! A site that is looked at from outside.

use std::future::Future;

use crate::fault::Fault;

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteRequest {
    /// `GET`.
    pub method: &'static str,
    /// Below the site's address: `/health`.
    pub path: &'static str,
    /// Its headers, by lower-case name.
    pub headers: Vec<(&'static str, String)>,
    /// Its body, or nothing.
    pub body: String,
}

/// Its answer, whatever the status says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// The site.
pub trait Site: Sync {
    /// Asks it once.
    ///
    /// # Errors
    /// `Retry` when there was no whole answer in time.
    fn ask(&self, request: &SiteRequest) -> impl Future<Output = Result<SiteAnswer, Fault>> + Send;
}
