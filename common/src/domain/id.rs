//! The identifiers of the domain: newtypes whose only constructor parses.
//!
//! A value of one of these types has already been checked against its grammar, so no code after the edge re-validates
//! or escapes it. The grammars are ASCII only and have no decoding step: a homoglyph, a bidi control, `..` or an encoded
//! slash never becomes an id. Each grammar is a plain function (`grammar`), tested with what must pass and what must not.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::grammar::{
    alarm_name, all, branch_name, channel_name, cluster_name, directory_path, email_address, hex_of, iam_arn,
    name_with_dots, parameter, pipeline_name, region, repository_name, segment, token, uuid, variable_name,
};

mod grammar;

/// Why a text is not an identifier: what kind was wanted, what was found (escaped and cut), what the grammar is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found} is not a valid {kind}: expected {expected}")]
pub struct IdError {
    /// The kind of identifier, in words: `environment name`.
    pub kind: &'static str,
    /// What was found, quoted, with everything but printable ASCII escaped, at most 80 characters.
    pub found: String,
    /// The grammar in words.
    pub expected: &'static str,
}

/// Foreign text made safe for a sentence: quoted, non-printable and non-ASCII characters escaped, cut after `limit` characters.
///
/// ```
/// assert_eq!(common::domain::id::quoted("a\u{202e}b", 80), r#""a\u{202e}b""#);
/// ```
pub fn quoted(text: &str, limit: usize) -> String {
    let mut out = String::from("\"");
    for (at, character) in text.chars().enumerate() {
        if at == limit {
            out.push('…');
            break;
        }
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            ' '..='~' => out.push(character),
            _ => out.extend(character.escape_default()),
        }
    }
    out.push('"');
    out
}

/// Foreign text made safe for a sentence that already has quotes where it needs them: everything but printable ASCII escaped, cut
/// after `limit` characters.
///
/// ```
/// assert_eq!(common::domain::id::inert("unknown field `a\u{202e}b`", 80), r"unknown field `a\u{202e}b`");
/// ```
pub fn inert(text: &str, limit: usize) -> String {
    let mut out = String::new();
    for (at, character) in text.chars().enumerate() {
        if at == limit {
            out.push('…');
            break;
        }
        match character {
            ' '..='~' => out.push(character),
            _ => out.extend(character.escape_default()),
        }
    }
    out
}

/// Whether a character shows nothing, ends a line, or changes the order in which others are shown: a text with one can look like
/// another text. Control characters (Unicode Cc), line and paragraph separators, the format characters (Cf) that scripts of one
/// direction can do without, tags and variation selectors, and the letters that are blank.
///
/// ```
/// assert!(['\n', '\u{202e}', '\u{200b}', '\u{3164}'].into_iter().all(common::domain::id::is_hidden));
/// assert!(!['a', ' ', 'é', '東'].into_iter().any(common::domain::id::is_hidden));
/// ```
pub fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'
                | '\u{1160}'
                | '\u{17b4}'
                | '\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{2800}'
                | '\u{3164}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

macro_rules! text_ids {
    ($($(#[$doc:meta])* $name:ident, $kind:literal, $expected:literal, $grammar:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schemars(with = "String")]
        pub struct $name(String);

        impl $name {
            /// The text, as it was parsed.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                let grammar: fn(&str) -> bool = $grammar;
                if grammar(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(IdError { kind: $kind, found: quoted(text, 80), expected: $expected })
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str(&self.0)
            }
        }
    )*};
}

mod host;

pub use self::host::{
    CodeCommitArn, CodeCommitCommentId, CodeCommitId, CommentId, GitHubUserId, HostAccount, RepositoryId,
};

text_ids! {
    /// An environment: the first directory below `deploy/`. Which ones exist is said by `environments.yaml`.
    EnvironmentName, "environment name", "1 to 32 of a-z, 0-9 and '-', starting with a letter or digit", segment;
    /// A region alias: the second directory below `deploy/`. It is not an AWS region: two aliases may share one.
    RegionAlias, "region alias", "1 to 32 of a-z, 0-9 and '-', starting with a letter or digit", segment;
    /// A cluster's name: a management file's stem, a `cluster_id` or an `alias`.
    ClusterName, "cluster name", "1 to 40 of a-z, 0-9 and '-', starting and ending with a letter or digit", cluster_name;
    /// An AWS account id, always text: a YAML number would lose leading zeros.
    AccountId, "AWS account id", "12 digits, in quotes", |text| text.len() == 12 && all(text, |byte| byte.is_ascii_digit());
    /// An AWS region's name, by shape.
    AwsRegion, "AWS region", "an AWS region such as us-east-1", region;
    /// A reference to a Systems Manager parameter that holds an account id, resolved by the pipeline's Validate stage.
    AccountParameter, "account parameter", "ssm:/// followed by a parameter path of letters, digits, '.', '_', '-' and '/'", parameter;
    /// A terraform variable's name, passed on as `TF_VAR_<name>`.
    VariableName, "terraform variable name", "a lower-case letter, then up to 62 of a-z, 0-9 and '_'", variable_name;
    /// A CodePipeline name: AWS allows 1 to 100 of `[A-Za-z0-9.@\-_]`.
    PipelineName, "pipeline name", "1 to 100 of letters, digits, '.', '@', '-' and '_'", pipeline_name;
    /// A repository's `owner/name`. It may be renamed and reused: never an identity, only an address.
    RepositoryName, "repository name", "owner/name of letters, digits, '.', '_' and '-'", repository_name;
    /// A directory of a repository, from its root: `infra`. Never the root itself, and never a way out of it.
    DirectoryPath, "path of a directory", "1 to 255 of letters, digits, '.', '_' and '-' in segments between '/', none of them '.' or '..', without a '/' at either end", directory_path;
    /// A branch, without `refs/heads/`.
    BranchName, "branch name", "a git branch name of printable ASCII", branch_name;
    /// A git commit id: 40 (SHA-1) or 64 (SHA-256) lower-case hex digits.
    CommitSha, "commit id", "40 or 64 lower-case hex digits", |text| hex_of(text, 40) || hex_of(text, 64);
    /// A git blob id, of the same form as a commit id.
    BlobSha, "blob id", "40 or 64 lower-case hex digits", |text| hex_of(text, 40) || hex_of(text, 64);
    /// A sha256 digest as 64 lower-case hex digits.
    Digest, "sha256 digest", "64 lower-case hex digits", |text| hex_of(text, 64);
    /// A certificate in AWS IoT: the sha256 of its DER form.
    CertificateId, "certificate id", "64 lower-case hex digits", |text| hex_of(text, 64);
    /// A work item, a pull request, a deployment: whatever takes a place in the limits on work in progress.
    ItemId, "item id", "1 to 64 of a-z, 0-9, '.', '_' and '-', starting with a letter or digit", name_with_dots;
    /// A person, by the name that `people.yaml` gives.
    PersonName, "person", "1 to 64 of a-z, 0-9, '.', '_' and '-', starting with a letter or digit", name_with_dots;
    /// A pod (a team), by the name that `pods.yaml` gives.
    PodName, "pod", "1 to 32 of a-z, 0-9 and '-', starting with a letter or digit", segment;
    /// A member's id in Slack. A display name may change and may be anybody's.
    SlackUserId, "Slack member id", "U or W, then 2 to 20 of A-Z and 0-9", |text| {
        text.strip_prefix(['U', 'W']).is_some_and(|rest| {
            (2..=20).contains(&rest.len()) && all(rest, |byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        })
    };
    /// Where a person gets mail. Stricter than RFC 5321, so that it can stand in a header and in a log as it is.
    EmailAddress, "email address", "name@domain: 1 to 64 of letters, digits, '.', '_', '%', '+' and '-', then a domain of two labels or more", email_address;
    /// An IAM user, a role, or a role's session with its name.
    IamArn, "IAM ARN", "the ARN of an IAM user, a role or a role's session", iam_arn;
    /// The `sub` of a person's tokens: opaque, and the issuer's. OpenID Connect allows 255 ASCII characters.
    TokenSubject, "token subject", "1 to 255 printable ASCII characters without spaces", |text| {
        (1..=255).contains(&text.len()) && all(text, |byte| byte.is_ascii_graphic())
    };
    /// A stage of a stage pipeline: `scaffold`.
    StageName, "stage", "1 to 32 of a-z, 0-9 and '-', starting with a letter or digit", segment;
    /// A stage pipeline: the stem of its file below `stages/`.
    StagePipelineName, "stage pipeline", "1 to 32 of a-z, 0-9 and '-', starting with a letter or digit", segment;
    /// What a gate asks evidence for: `core_features_complete`.
    CriterionKey, "criterion", "a lower-case letter, then up to 62 of a-z, 0-9 and '_'", variable_name;
    /// A group of people whose word or approval counts for something: `technical-lead`.
    GroupName, "group", "1 to 32 of a-z, 0-9 and '-', starting with a letter or digit", segment;
    /// A rule after which an item is looked at with a view to its end: `no-update`.
    KillRuleName, "kill rule", "1 to 32 of a-z, 0-9 and '-', starting with a letter or digit", segment;
    /// One execution of a pipeline: CodePipeline's `pipelineExecutionId`, a UUID.
    ExecutionId, "pipeline execution", "a UUID in lower case", uuid;
    /// A job of an action that invokes a function: CodePipeline's id of it, a UUID.
    JobId, "pipeline job", "a UUID in lower case", uuid;
    /// A freeze window of an environment: `weekend`.
    FreezeName, "freeze", "1 to 32 of a-z, 0-9 and '-', starting with a letter or digit", segment;
    /// Something that keeps an item from going on.
    BlockerId, "blocker", "1 to 32 of a-z, 0-9 and '-', starting with a letter or digit", segment;
    /// A chat channel, by its name without `#`, or by Slack's id of it.
    ChannelName, "channel", "1 to 80 of a-z, 0-9, '-' and '_' without #, or a channel's id (C or G, then A-Z and 0-9)", channel_name;
    /// A task that comes again and again: `rotate-webhook-secret`.
    TaskName, "task", "1 to 32 of a-z, 0-9 and '-', starting with a letter or digit", segment;
    /// A CloudWatch alarm, by its name (API reference, `PutMetricAlarm`: 1 to 255 characters, none of them a control character). Never its ARN.
    AlarmName, "alarm", "an alarm's name and not its ARN: 1 to 255 characters, none of them a control character", alarm_name;
    /// A hold that somebody placed.
    HoldId, "hold", "1 to 32 of a-z, 0-9 and '-', starting with a letter or digit", segment;
    /// Names a request, so that it may be sent again and is answered the same.
    RequestId, "request id", "1 to 128 of letters, digits, '-', '_', '.' and ':'", token;
    /// GitHub's `X-GitHub-Delivery`, which is not signed: never the only key of anything. Of CodeCommit, `codecommit:` and EventBridge's id.
    DeliveryId, "delivery id", "1 to 128 of letters, digits, '-', '_', '.' and ':'", token;
    /// The identity of one event of ours, equal in every copy of it.
    EventId, "event id", "1 to 128 of letters, digits, '-', '_', '.' and ':'", token;
    /// A function of ours, by its short name: `feedback`.
    FunctionName, "function", "1 to 32 of a-z, 0-9 and '-', starting with a letter or digit", segment;
    /// SQS's id of a message, which it keeps in the dead-letter queue.
    MessageId, "message id", "1 to 128 of letters, digits, '-', '_', '.' and ':'", token;
    /// A replay of an archive (EventBridge API reference, `StartReplay`).
    ReplayName, "replay", "1 to 64 of letters, digits, '.', '-' and '_'", |text| {
        (1..=64).contains(&text.len()) && all(text, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
    };
    /// What ties together everything that one foreign event caused.
    CorrelationId, "correlation id", "1 to 128 of letters, digits, '-', '_', '.' and ':'", token;
}

/// A rising number that fences a run: a writer with a lower one is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Generation(pub u64);

impl fmt::Display for Generation {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(to)
    }
}

impl Digest {
    /// The sha256 of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest as _;
        Self(hex::encode(sha2::Sha256::digest(bytes)))
    }

    /// The sha256 of parts that cannot run into one another: each is preceded by its length as eight bytes, big-endian.
    pub fn of_parts<'a>(parts: impl IntoIterator<Item = &'a str>) -> Self {
        use sha2::Digest as _;
        let mut hash = sha2::Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        Self(hex::encode(hash.finalize()))
    }
}

impl IamArn {
    /// Nobody whom AWS knows. The ARN of a role's session ends in the session's name (IAM user guide, "IAM identifiers"), so no caller has
    /// this one, in no account.
    pub(crate) fn nobody() -> Self {
        Self("arn:aws:sts::000000000000:assumed-role/nobody".to_owned())
    }
}

impl RepositoryName {
    /// A repository of CodeCommit, whose account owns it: `<account>/<name>`.
    pub(super) fn on_codecommit(account: &AccountId, name: &str) -> Self {
        Self(format!("{account}/{name}"))
    }

    /// What follows the owner: the name by which CodeCommit knows it.
    pub fn without_owner(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, name)| name)
    }
}

impl ItemId {
    /// The item of an issue: `issue-<repository id>-<number>`.
    pub fn of_issue(repository: RepositoryId, number: u64) -> Self {
        Self(format!("issue-{repository}-{number}"))
    }

    /// The item that a pull request with the label of items is: `change-<repository id>-<number>`.
    pub fn of_change(repository: RepositoryId, number: u64) -> Self {
        Self(format!("change-{repository}-{number}"))
    }

    /// The place that a pull request takes by itself, and no item of stages: `pr-<repository id>-<number>`.
    pub fn of_pull_request(repository: RepositoryId, number: u64) -> Self {
        Self(format!("pr-{repository}-{number}"))
    }

    /// The pull request that the item is, when it is one.
    pub fn pull_request(&self) -> Option<(RepositoryId, u64)> {
        let (repository, number) = self.0.strip_prefix("pr-")?.rsplit_once('-')?;
        let found = (repository.parse().ok()?, number.parse().ok()?);
        // Only as it is written above: no sign and no leading zero, so that one pull request is one item.
        (Self::of_pull_request(found.0, found.1) == *self).then_some(found)
    }
}

impl EventId {
    /// The id of an event that these parts determine, so that doing the same work twice names the same event.
    pub fn derived<'a>(parts: impl IntoIterator<Item = &'a str>) -> Self {
        let digest = Digest::of_parts(parts);
        Self(digest.as_str().chars().take(32).collect())
    }

    /// Where in the outbox this event's row stands: one of sixteen shards, by its last hex digit.
    pub fn shard(&self) -> u8 {
        let digest = Digest::of(self.0.as_bytes());
        digest.as_str().chars().next_back().and_then(|digit| digit.to_digit(16)).map_or(0, |digit| digit as u8)
    }
}

impl CorrelationId {
    /// The id that a foreign delivery starts: derived, so that copies of it share it.
    pub fn derived<'a>(parts: impl IntoIterator<Item = &'a str>) -> Self {
        Self(EventId::derived(parts).0)
    }
}

impl GroupName {
    /// The group that approves runs where an environment names none: everybody with the role approver or admin, unless `people.yaml` lists
    /// a group under this name.
    pub fn approvers() -> Self {
        Self("approvers".to_owned())
    }
}

impl PipelineName {
    /// The name that a readable prefix and an identity's digest make: the prefix cut to 87, `-`, 12 hex digits of the digest.
    ///
    /// The cut part is for people; the digest makes two identities with the same prefix different. Whatever the grammar does not
    /// allow becomes `-`, so that the result is a name for any input.
    pub fn assembled(readable: &str, identity: &Digest) -> Self {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'@' | b'-' | b'_');
        let mut name = if readable.bytes().all(allowed) {
            readable.get(..87).unwrap_or(readable).to_owned()
        } else {
            let plain = |character: char| u8::try_from(character).is_ok_and(allowed);
            readable.chars().take(87).map(|character| if plain(character) { character } else { '-' }).collect()
        };
        name.push('-');
        name.push_str(identity.as_str().get(..12).unwrap_or(identity.as_str()));
        Self(name)
    }
}

impl CommitSha {
    /// The first seven digits, as people write it.
    pub fn short(&self) -> &str {
        self.0.get(..7).unwrap_or(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grammars_accept_what_they_name_and_nothing_else() {
        fn check<T: FromStr>(good: &[&str], bad: &[&str]) {
            for text in good {
                assert!(text.parse::<T>().is_ok(), "{text} should pass");
            }
            for text in bad {
                assert!(text.parse::<T>().is_err(), "{text:?} should not pass");
            }
        }
        check::<EnvironmentName>(
            &["integration", "prod", "e2e-1", "0"],
            &["", "Prod", "-a", "a_b", "a.b", "..", "a/b", "рrod", "a\u{202e}", "a\0", &"a".repeat(33)],
        );
        check::<ClusterName>(&["mc01", "a", "mc01-us-east-1"], &["a-", "-a", "MC", "x; rm -rf /", &"a".repeat(41)]);
        check::<AccountId>(&["000000000012"], &["12345", "REMOVED", "1234567890123", "12345678901a"]);
        check::<AwsRegion>(
            &["us-east-1", "us-gov-west-1", "ap-southeast-2"],
            &["us-east", "us--1", "US-EAST-1", "1", "-"],
        );
        check::<AccountParameter>(
            &["ssm:///infra/int/us/account_id"],
            &["ssm://x", "ssm:///", "ssm:///a//b", "ssm:///a/../b", "ssm:///a b"],
        );
        check::<BranchName>(
            &["main", "feature/a.b-c"],
            &["", "a..b", "-a", "/a", "a/", "a b", "a.lock", "a~1", "ä", "@"],
        );
        check::<DirectoryPath>(
            &["deploy", "infra", "a/b.c/D-1_2", "...", &"a".repeat(255)],
            &[
                "",
                "/",
                "/a",
                "a/",
                "a//b",
                ".",
                "..",
                "a/..",
                "./a",
                "a/./b",
                "a b",
                "a\\b",
                "ä",
                "a\n",
                &"a".repeat(256),
            ],
        );
        check::<RepositoryName>(&["o/r", "O-1/r.x_y"], &["o", "o/r/s", "../r", "o/..", "o/", "/r", "o/r?"]);
        check::<CommitSha>(&[&"0a".repeat(20), &"0a".repeat(32)], &["0A", &"0A".repeat(20), &"0a".repeat(21)]);
        check::<SlackUserId>(&["U012AB3CD", "W1A"], &["", "U", "C012AB3CD", "u012ab3cd", "U012 AB", &"U".repeat(22)]);
        check::<EmailAddress>(
            &["ada@example.org", "a.d+a_%-1@mail.example.co.uk"],
            &[
                "",
                "ada",
                "ada@",
                "@example.org",
                "ada@example",
                "ada@.org",
                "ada@a..b",
                "ada@-a.org",
                "ada@a-.org",
                "a@b@example.org",
                "ada@example.org\r\nBcc: all@example.org",
                "Ada <ada@example.org>",
                "ada@example.org,bob@example.org",
                "\"a b\"@example.org",
                ".ada@example.org",
                "ada.@example.org",
                "a..d@example.org",
                "ädа@example.org",
                &format!("{}@example.org", "a".repeat(65)),
            ],
        );
        check::<IamArn>(
            &[
                "arn:aws:iam::123456789012:user/path/ada",
                "arn:aws-us-gov:iam::123456789012:role/Deployer",
                "arn:aws:sts::123456789012:assumed-role/Deployer/ada@example.org",
            ],
            &[
                "",
                "arn:aws:iam::123456789012:root",
                "arn:aws:iam::123456789012:user/",
                "arn:aws:iam::12:user/ada",
                "arn:aws:sts::123456789012:user/ada",
                "arn:aws:s3:::bucket",
                "arn:aws:iam:us-east-1:123456789012:user/ada",
                "arn:aws:iam::123456789012:user/a*",
            ],
        );
        check::<TokenSubject>(&["auth0|ada", "ed8c-1", &"a".repeat(255)], &["", "a b", "a\n", "ä", &"a".repeat(256)]);
        check::<ChannelName>(
            &["unblock-and-commit", "ops_2", "C012AB3CD", "G1A"],
            &["", "#unblock", "Unblock", "C", "C012ab", "a b", "<!here>", &"a".repeat(81)],
        );
        check::<AlarmName>(
            &["p95", "Fleet: errors (staging) > 1 %", "Störung", &"a".repeat(255)],
            &["", "arn:aws:cloudwatch:us-east-1:123456789012:alarm:p95", "p95\n", "p\u{7}95", &"a".repeat(256)],
        );
        check::<VariableName>(&["app_code", "a"], &["A", "1a", "_a", "a-b", &"a".repeat(64)]);
    }

    #[test]
    fn a_pull_request_is_one_item() {
        for (repository, number) in [(1, 1), (42, 7), (u64::MAX, u64::MAX)] {
            let item = ItemId::of_pull_request(RepositoryId::GitHub(repository), number);
            assert_eq!(item.as_str().parse(), Ok(item.clone()));
            assert_eq!(item.pull_request(), Some((RepositoryId::GitHub(repository), number)));
        }
        for text in ["pr-42", "pr-42-07", "pr-042-7", "pr-42-7-1", "pr-x-7", "p-42-7", "pr-42-99999999999999999999"] {
            assert_eq!(text.parse::<ItemId>().unwrap().pull_request(), None, "{text}");
        }
    }

    #[test]
    fn quoted_text_is_inert_and_short() {
        assert_eq!(quoted("a\r\n\u{2028}\"b", 80), r#""a\r\n\u{2028}\"b""#);
        assert_eq!(quoted("abcdef", 3), "\"abc…\"");
    }

    #[test]
    fn parts_do_not_run_into_one_another() {
        assert_ne!(Digest::of_parts(["a-b", "c"]), Digest::of_parts(["a", "b-c"]));
        assert_ne!(Digest::of_parts(["ab", ""]), Digest::of_parts(["", "ab"]));
    }
}
