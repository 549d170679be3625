//! What source hosts call things: repositories, accounts and comments, on GitHub by number, on CodeCommit by text.

use std::{fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::{IamArn, IdError, RepositoryName, grammar::uuid, quoted};

/// A repository's id on its source host: its identity through renames and transfers.
///
/// As text and as JSON: GitHub's is a number, CodeCommit's a UUID (`repositoryId` of its API and of its events). A repository of
/// CodeCommit that is deleted and made again under the same name, and so with the same ARN, has another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RepositoryId {
    /// On GitHub.
    GitHub(u64),
    /// On CodeCommit.
    CodeCommit(CodeCommitId),
}

/// CodeCommit's `repositoryId`: a UUID.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CodeCommitId(u128);

impl FromStr for CodeCommitId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let wrong = || IdError {
            kind: "id of a CodeCommit repository",
            found: quoted(text, 80),
            expected: "a UUID in lower case",
        };
        // 32 hex digits are 128 bits, so two texts are two ids.
        let digits: String = text.chars().filter(|character| *character != '-').collect();
        u128::from_str_radix(&digits, 16).ok().filter(|_| uuid(text)).map(Self).ok_or_else(wrong)
    }
}

impl fmt::Display for CodeCommitId {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(bits) = self;
        let (a, b, c) = (bits >> 96, (bits >> 80) & 0xffff, (bits >> 64) & 0xffff);
        let (d, e) = ((bits >> 48) & 0xffff, bits & 0xffff_ffff_ffff);
        write!(to, "{a:08x}-{b:04x}-{c:04x}-{d:04x}-{e:012x}")
    }
}

impl fmt::Debug for CodeCommitId {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{self}")
    }
}

impl fmt::Display for RepositoryId {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GitHub(number) => number.fmt(to),
            Self::CodeCommit(id) => id.fmt(to),
        }
    }
}

impl FromStr for RepositoryId {
    type Err = IdError;

    /// Only as it is written: no sign and no leading zero, so that one repository has one text.
    fn from_str(text: &str) -> Result<Self, IdError> {
        let number = text.parse::<u64>().ok().filter(|number| number.to_string() == text).map(Self::GitHub);
        number.or_else(|| text.parse().ok().map(Self::CodeCommit)).ok_or_else(|| IdError {
            kind: "repository id",
            found: quoted(text, 80),
            expected: "GitHub's number of it, or CodeCommit's UUID in lower case",
        })
    }
}

/// What is a number on one host and a text on the other, on its way through JSON.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Wire {
    Number(u64),
    Text(String),
}

impl Serialize for RepositoryId {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::GitHub(number) => to.serialize_u64(*number),
            Self::CodeCommit(id) => to.collect_str(id),
        }
    }
}

impl<'de> Deserialize<'de> for RepositoryId {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match Wire::deserialize(from)? {
            Wire::Number(number) => Ok(Self::GitHub(number)),
            Wire::Text(text) => text.parse().map(Self::CodeCommit).map_err(serde::de::Error::custom),
        }
    }
}

impl JsonSchema for RepositoryId {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "RepositoryId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "The repository's id on its source host: GitHub's number, or CodeCommit's UUID.",
            "oneOf": [{"type": "integer", "format": "uint64", "minimum": 0}, {"type": "string", "format": "uuid"}]
        })
    }
}

/// A person's numeric id on GitHub: it survives a change of the login, which somebody else may then take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct GitHubUserId(pub u64);

impl fmt::Display for GitHubUserId {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(to)
    }
}

/// Who did something on a source host, as the host authenticated them: on GitHub an account's number, on CodeCommit who called AWS.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum HostAccount {
    /// On GitHub.
    GitHub(GitHubUserId),
    /// On CodeCommit.
    Iam(IamArn),
}

impl HostAccount {
    /// An account of GitHub, by its number.
    pub fn github(number: u64) -> Self {
        Self::GitHub(GitHubUserId(number))
    }
}

impl fmt::Display for HostAccount {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GitHub(number) => number.fmt(to),
            Self::Iam(arn) => arn.fmt(to),
        }
    }
}

/// A comment on a source host: GitHub's number of it, or CodeCommit's text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum CommentId {
    /// On GitHub.
    GitHub(u64),
    /// On CodeCommit.
    CodeCommit(CodeCommitCommentId),
}

impl fmt::Display for CommentId {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GitHub(number) => number.fmt(to),
            Self::CodeCommit(id) => id.fmt(to),
        }
    }
}

text_ids! {
    /// CodeCommit's `commentId`: opaque, of the form `<UUID>:<UUID>` in AWS's examples.
    CodeCommitCommentId, "id of a CodeCommit comment", "1 to 128 of letters, digits, '-', '_', '.' and ':'", super::grammar::token;
}

/// The ARN of a CodeCommit repository. It has the name in it, so it is an address as the name is: the identity is [`CodeCommitId`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CodeCommitArn {
    partition: String,
    region: super::AwsRegion,
    account: super::AccountId,
    name: String,
}

impl CodeCommitArn {
    /// The region that the repository is in.
    pub fn region(&self) -> &super::AwsRegion {
        &self.region
    }

    /// The account that the repository is in.
    pub fn account(&self) -> &super::AccountId {
        &self.account
    }

    /// The repository's own name, as CodeCommit's API takes it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether both are in the same account and region: names there are given once.
    pub fn same_place(&self, other: &Self) -> bool {
        let place = |arn: &Self| (arn.partition.clone(), arn.region.clone(), arn.account.clone());
        place(self) == place(other)
    }

    /// Where it is, in the form that all hosts share: the account owns it.
    pub fn repository_name(&self) -> RepositoryName {
        RepositoryName::on_codecommit(&self.account, &self.name)
    }
}

impl FromStr for CodeCommitArn {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let wrong = || IdError {
            kind: "ARN of a CodeCommit repository",
            found: quoted(text, 120),
            expected: "arn:aws:codecommit:<region>:<account>:<name>, the name of letters, digits, '.', '_' and '-'",
        };
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", partition @ ("aws" | "aws-us-gov" | "aws-cn"), "codecommit", region, account, name] =
            parts.as_slice()
        else {
            return Err(wrong());
        };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        let named = (1..=100).contains(&name.len()) && name.bytes().all(plain) && !name.ends_with(".git");
        if !named || *name == "." || *name == ".." {
            return Err(wrong());
        }
        let (region, account) = (region.parse().map_err(|_| wrong())?, account.parse().map_err(|_| wrong())?);
        Ok(Self { partition: (*partition).to_owned(), region, account, name: (*name).to_owned() })
    }
}

impl fmt::Display for CodeCommitArn {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition, region, account, name } = self;
        write!(to, "arn:{partition}:codecommit:{region}:{account}:{name}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const UUID: &str = "f7579e13-b83e-4027-aaef-650c0a1b2c3d";

    proptest! {
        #[test]
        fn an_id_is_read_as_it_was_written(number: u64, bits: u128) {
            for id in [RepositoryId::GitHub(number), RepositoryId::CodeCommit(CodeCommitId(bits))] {
                prop_assert_eq!(id.to_string().parse(), Ok(id));
                let json = serde_json::to_string(&id).unwrap();
                prop_assert_eq!(serde_json::from_str::<RepositoryId>(&json).unwrap(), id);
            }
        }
    }

    #[test]
    fn one_repository_has_one_text() {
        assert_eq!(UUID.parse::<RepositoryId>().unwrap().to_string(), UUID);
        for bad in
            ["", "042", "+1", "-1", "1.0", " 1", &UUID.to_uppercase(), &UUID.replace('-', ""), &format!("{UUID} ")]
        {
            assert!(bad.parse::<RepositoryId>().is_err(), "{bad:?}");
        }
        // A number in quotes is not GitHub's, and no UUID either.
        assert!(serde_json::from_str::<RepositoryId>("\"42\"").is_err());
        assert!(serde_json::from_str::<RepositoryId>("-1").is_err());
    }

    #[test]
    fn an_arn_says_where() {
        let arn: CodeCommitArn = "arn:aws:codecommit:eu-west-1:000011112222:platform-config".parse().unwrap();
        assert_eq!(arn.to_string(), "arn:aws:codecommit:eu-west-1:000011112222:platform-config");
        assert_eq!(arn.repository_name().as_str(), "000011112222/platform-config");
        for bad in [
            "arn:aws:codecommit:eu-west-1:000011112222:",
            "arn:aws:codecommit:eu-west-1:000011112222:a:b",
            "arn:aws:codecommit:eu-west-1:000011112222:a/b",
            "arn:aws:codecommit:eu-west-1:000011112222:..",
            "arn:aws:codecommit:eu-west-1:11112222:a",
            "arn:aws:s3:eu-west-1:000011112222:a",
            "arn:evil:codecommit:eu-west-1:000011112222:a",
            "",
        ] {
            assert!(bad.parse::<CodeCommitArn>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn accounts_and_comments_say_their_host_by_their_form() {
        let read = |text: &str| serde_json::from_str::<HostAccount>(text).unwrap();
        assert_eq!(read("7"), HostAccount::GitHub(GitHubUserId(7)));
        let arn = "arn:aws:sts::000011112222:assumed-role/Developer/ada";
        assert_eq!(read(&format!("{arn:?}")), HostAccount::Iam(arn.parse().unwrap()));
        assert!(serde_json::from_str::<HostAccount>("\"ada\"").is_err());
        let comment = serde_json::from_str::<CommentId>("\"0a:1b\"").unwrap();
        assert_eq!(comment, CommentId::CodeCommit("0a:1b".parse().unwrap()));
    }
}
