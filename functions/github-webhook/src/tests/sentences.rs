//! Every sentence that a person reads, as a person reads it.

use common::domain::id::{BranchName, DeliveryId};

use crate::{normalise::Ignored, payload::Name, refusal::Refusal};

#[test]
fn refusals() {
    let bad_delivery = "a b\n".parse::<DeliveryId>().unwrap_err();
    let bad_branch = "ä".parse::<BranchName>().unwrap_err();
    let refusals = [
        Refusal::NoRoute { path: "/x\n".into() },
        Refusal::WrongMethod { method: "GET".into(), allowed: "POST" },
        Refusal::NoSignature,
        Refusal::OnlySha1,
        Refusal::ManySignatures,
        Refusal::MalformedSignature,
        Refusal::WrongSignature,
        Refusal::TooLarge,
        Refusal::NotBase64,
        Refusal::NoEventName,
        Refusal::BadEventName { found: "Push".into() },
        Refusal::NoDelivery,
        Refusal::BadDelivery(bad_delivery),
        Refusal::NotJson { line: 3, column: 9, form: false },
        Refusal::NotJson { line: 1, column: 1, form: true },
        Refusal::NotAnObject,
        Refusal::NamedTwice { key: "ref".into() },
        Refusal::TooManyKeys,
        Refusal::WrongEvent { header: Name::Push, body: Some(Name::Issues) },
        Refusal::WrongEvent { header: Name::Push, body: None },
        Refusal::Misfit { name: Name::Push, what: "missing field `ref` at line 1 column 2".into() },
        Refusal::BadField { name: Name::Push, error: bad_branch.clone() },
        Refusal::DeliveryIdReused { delivery: "d-1".parse().unwrap() },
        Refusal::CannotVerify,
        Refusal::CannotCommit,
    ];
    let page: String =
        refusals.iter().map(|refusal| format!("{} {}: {refusal}\n", refusal.status(), refusal.kind().1)).collect();
    insta::assert_snapshot!(page, @r#"
    404 No such route: there is nothing at "/x\n": the routes are POST /webhooks/github and GET /health
    405 Method not allowed: "GET" is not allowed here: use POST
    401 Signature refused: the request has no X-Hub-Signature-256 header: set a secret in the webhook's settings
    401 Signature refused: the request has only the SHA-1 signature X-Hub-Signature: X-Hub-Signature-256 is required
    401 Signature refused: the request has more than one X-Hub-Signature-256 value: exactly one is required
    401 Signature refused: the X-Hub-Signature-256 value is malformed: expected sha256= and 64 lower-case hex digits
    401 Signature refused: the signature does not match the body: the sender's webhook secret is not ours, or the body was changed on its way
    413 Body too large: the body is larger than 4194304 bytes: the scheduled comparison with the source host picks up what it reported
    400 Malformed request: the body is marked as base64 and is not valid base64
    400 Malformed request: the request needs exactly one X-GitHub-Event header
    400 Malformed request: X-GitHub-Event is "Push": expected 1 to 64 of a-z, 0-9 and '_'
    400 Malformed request: the request needs exactly one X-GitHub-Delivery header
    400 Malformed request: X-GitHub-Delivery: "a b\n" is not a valid delivery id: expected 1 to 128 of letters, digits, '-', '_', '.' and ':'
    400 Malformed request: the body is not JSON: it breaks at line 3, column 9
    400 Malformed request: the body is not JSON: it breaks at line 1, column 1; set the webhook's content type to application/json
    422 Body does not match its event: the body is JSON, but not an object: every webhook payload is one
    422 Body does not match its event: the body names "ref" twice
    422 Body does not match its event: the body has more than 100 top-level names: no webhook payload has so many
    422 Body does not match its event: X-GitHub-Event says push, but the body is that of issues
    422 Body does not match its event: X-GitHub-Event says push, but the body is of none of the events that have a type here
    422 Body does not match its event: the body is not a payload of push: "missing field `ref` at line 1 column 2"
    422 Body does not match its event: the body is not a payload of push: "\u{e4}" is not a valid branch name: expected a git branch name of printable ASCII
    422 Body does not match its event: this delivery id came before with another body or event: GitHub never does that; nothing was done
    503 Cannot accept now: the signature cannot be verified now: the webhook secret cannot be read or is not usable; redeliver later
    503 Cannot accept now: the delivery is not confirmed as committed: redeliver it later; a copy has no second effect
    "#);
    let ignored = [
        Ignored::UnknownEvent("star".into()),
        Ignored::NoListener(Name::Create),
        Ignored::Ping,
        Ignored::Action { name: Name::PullRequest, action: "locked".into() },
        Ignored::NotABranch("refs/tags/v1".into()),
        Ignored::Branch(bad_branch),
        Ignored::CommentOnIssue,
    ];
    let page: String = ignored.iter().map(|reason| format!("{reason}\n")).collect();
    insta::assert_snapshot!(page, @r#"
    the event "star" is not one that Penstock reads
    nothing in Penstock listens to the event create yet
    the webhook works: a ping asks for nothing else
    pull_request with the action "locked" changes nothing that Penstock decides on
    "refs/tags/v1" is not a branch, and Penstock follows branches only
    "\u{e4}" is not a valid branch name: expected a git branch name of printable ASCII: no environment can follow such a branch
    the comment is on an issue, not on a pull request
    "#);
}
