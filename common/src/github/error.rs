//! What an answer of the host means for us: wait, give up, or mend the configuration.

use http::{HeaderMap, StatusCode};

use crate::{domain::id::quoted, fault::Fault};

/// A failed request, before anyone decided what it means for the method at hand.
pub(super) enum Failure {
    /// 404: the method knows whether that is an answer.
    NotFound(Fault),
    /// 405, with what GitHub says: the method knows whether that is an answer.
    NotAllowed(String, Fault),
    /// 409: the method knows whether that is an answer.
    Conflict(Fault),
    /// 422: the method knows whether that is an answer.
    Invalid(Fault),
    /// Moved for good: the method knows whether that is an answer.
    Moved(Fault),
    /// 401: the token may have run out.
    Unauthorized(Fault),
    /// Anything else.
    Fault(Fault),
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::NotFound(fault)
            | Failure::Moved(fault)
            | Failure::NotAllowed(_, fault)
            | Failure::Conflict(fault)
            | Failure::Invalid(fault)
            | Failure::Unauthorized(fault)
            | Failure::Fault(fault) => fault,
        }
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// `what` is the call in words: `reading the head of main in o/r`.
pub(super) fn failure(what: &str, error: octocrab::Error) -> Failure {
    match error {
        octocrab::Error::GitHub { source, .. } => {
            let headers = source.headers.clone().unwrap_or_default();
            status_failure(what, source.status_code, &headers, &source.message)
        }
        octocrab::Error::Json { source, .. } => {
            let cut = !source.inner().is_data();
            let field = quoted(&source.path().to_string(), 80);
            // The source's text may quote the answer, so it is not kept.
            Failure::Fault(if cut {
                Fault::retry(format!("{what}: GitHub's answer is not whole JSON"))
            } else {
                Fault::bug(format!("{what}: GitHub's answer has an unexpected form at {field}"))
            })
        }
        error @ octocrab::Error::JWT { .. } => {
            Failure::Fault(Fault::bug_from(format!("{what}: the App's key cannot sign"), error))
        }
        error => Failure::Fault(Fault::retry_from(format!("{what}: GitHub did not answer"), error)),
    }
}

fn status_failure(what: &str, status: StatusCode, headers: &HeaderMap, message: &str) -> Failure {
    let code = status.as_u16();
    let said = quoted(message, 300);
    if status.is_server_error() || code == 429 || code == 408 || (code == 403 && rate_limited(headers, message)) {
        let wait = header(headers, "retry-after")
            .and_then(|seconds| seconds.parse::<u32>().ok())
            .map_or(String::new(), |seconds| format!(", and asks to wait {seconds} s"));
        return Failure::Fault(Fault::retry(format!("{what}: GitHub answered {code} {said}{wait}")));
    }
    match code {
        401 => Failure::Unauthorized(Fault::bug(format!(
            "{what}: GitHub refuses the App's credentials ({said}): check GITHUB_APP_ID, the private key, and this machine's clock"
        ))),
        403 => {
            let needs = header(headers, "x-accepted-github-permissions")
                .map_or(String::from("the permission for it"), |permissions| quoted(permissions, 100));
            Failure::Fault(Fault::bug(format!(
                "{what}: GitHub forbids it ({said}): the App's installation needs {needs}; grant it in the App's settings and accept it in the installation"
            )))
        }
        // 410 is an issue that was deleted.
        404 | 410 => {
            Failure::NotFound(Fault::bug(format!("{what}: GitHub knows no such thing, or the App may not see it")))
        }
        405 => Failure::NotAllowed(said.clone(), Fault::bug(format!("{what}: GitHub answered 405 {said}"))),
        409 => Failure::Conflict(Fault::bug(format!("{what}: GitHub answered 409 {said}"))),
        422 => Failure::Invalid(Fault::bug(format!("{what}: GitHub answered 422 {said}"))),
        301 | 302 | 303 | 307 | 308 => Failure::Moved(Fault::bug(format!(
            "{what}: GitHub says that it has moved, and redirects are not followed: put the repository's present name into repositories.yaml"
        ))),
        _ => Failure::Fault(Fault::bug(format!("{what}: GitHub answered {code} {said}"))),
    }
}

// https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api: 403 or 429, and any of these tell.
fn rate_limited(headers: &HeaderMap, message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    headers.contains_key("retry-after")
        || header(headers, "x-ratelimit-remaining") == Some("0")
        || message.contains("rate limit")
        || message.contains("abuse detection")
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(code: u16, headers: &[(&'static str, &'static str)], message: &str) -> Fault {
        let headers = headers
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), http::HeaderValue::from_static(value)))
            .collect();
        status_failure("reading the head of main in o/r", StatusCode::from_u16(code).unwrap(), &headers, message).into()
    }

    #[test]
    fn what_may_pass_is_tried_again_and_says_for_how_long_to_wait() {
        for code in [408, 429, 500, 502, 503, 504] {
            assert!(fault(code, &[], "x").is_retry(), "{code}");
        }
        assert!(fault(403, &[("x-ratelimit-remaining", "0")], "x").is_retry());
        assert!(fault(403, &[], "You have exceeded a secondary rate limit").is_retry());
        insta::assert_snapshot!(
            fault(403, &[("retry-after", "60")], "slow\ndown"),
            @r#"reading the head of main in o/r: GitHub answered 403 "slow\ndown", and asks to wait 60 s: try again later"#
        );
    }

    #[test]
    fn what_will_not_pass_says_what_to_mend() {
        insta::assert_snapshot!(
            fault(403, &[("x-accepted-github-permissions", "contents=read")], "Resource not accessible by integration"),
            @r#"reading the head of main in o/r: GitHub forbids it ("Resource not accessible by integration"): the App's installation needs "contents=read"; grant it in the App's settings and accept it in the installation"#
        );
        insta::assert_snapshot!(
            fault(401, &[], "Bad credentials"),
            @r#"reading the head of main in o/r: GitHub refuses the App's credentials ("Bad credentials"): check GITHUB_APP_ID, the private key, and this machine's clock"#
        );
        insta::assert_snapshot!(
            fault(301, &[], "Moved Permanently"),
            @"reading the head of main in o/r: GitHub says that it has moved, and redirects are not followed: put the repository's present name into repositories.yaml"
        );
        for code in [301, 400, 401, 403, 404, 409, 410, 422] {
            assert!(!fault(code, &[], "x").is_retry(), "{code}");
        }
    }
}
