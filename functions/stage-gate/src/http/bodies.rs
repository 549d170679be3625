//! The bodies of requests: JSON to types that hold what they say. A field that is not known is refused.

use common::domain::{
    id::{
        BlockerId, CommitSha, CriterionKey, ItemId, KillRuleName, PersonName, PodName, RepositoryId, RequestId,
        StageName, StagePipelineName, is_hidden,
    },
    reason::Reason,
    rhythm::Cause,
    stage::{Destination, Source, Value},
    wip::ItemType,
};
use jiff::Timestamp;
use serde::Deserialize;

/// The most characters of a title, and of a text that is evidence.
const LONGEST: usize = 200;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateBody {
    pub(crate) id: ItemId,
    pub(crate) title: Line,
    #[serde(rename = "type")]
    pub(crate) item_type: ItemType,
    pub(crate) pod: PodName,
    pub(crate) owner: PersonName,
    pub(crate) pipeline: StagePipelineName,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TransitionBody {
    pub(crate) request_id: RequestId,
    pub(crate) from: StageName,
    pub(crate) to: Destination,
    pub(crate) reason: Option<Reason>,
    pub(crate) version: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EvidenceBody {
    pub(crate) key: CriterionKey,
    pub(crate) value: Said,
    pub(crate) head: Option<CommitSha>,
    #[serde(default)]
    pub(crate) source: ByWord,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApprovalBody {
    pub(crate) from: StageName,
    pub(crate) to: Destination,
    pub(crate) head: Option<CommitSha>,
    pub(crate) version: Option<u64>,
}

/// One line of text that shows all it says. Whoever renders it escapes it.
#[derive(Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Line(pub(crate) String);

impl TryFrom<String> for Line {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let text = text.trim();
        let length = text.chars().count();
        if !(1..=LONGEST).contains(&length) {
            return Err(format!("found {length} characters, expected 1 to {LONGEST}"));
        }
        if text.chars().any(is_hidden) {
            return Err("found a character that does not show, expected one line of plain text".to_owned());
        }
        Ok(Self(text.to_owned()))
    }
}

/// What somebody says: JSON's own types, so that `"61"` stays the text that it is.
#[derive(Deserialize)]
#[serde(try_from = "serde_json::Value")]
pub(crate) struct Said(pub(crate) Value);

impl TryFrom<serde_json::Value> for Said {
    type Error = String;

    fn try_from(value: serde_json::Value) -> Result<Self, String> {
        match value {
            serde_json::Value::Bool(value) => Ok(Self(Value::Bool(value))),
            serde_json::Value::Number(number) => number
                .try_into()
                .map(Value::Number)
                .map(Self)
                .map_err(|error: common::domain::stage::NotANumber| error.to_string()),
            serde_json::Value::String(text) => Line::try_from(text).map(|Line(text)| Self(Value::Text(text))),
            _ => Err("expected true, false, a number or a text".to_owned()),
        }
    }
}

/// Only one's own word is given here: what a check run or a file says is read where it is.
#[derive(Default, Deserialize)]
#[serde(try_from = "Source")]
pub(crate) struct ByWord;

impl TryFrom<Source> for ByWord {
    type Error = String;

    fn try_from(source: Source) -> Result<Self, String> {
        match source {
            Source::Attestation => Ok(Self),
            other => Err(format!(
                "found {}, expected attestation: here somebody gives their own word, and {} is never taken from a request",
                other.as_str(),
                other.words()
            )),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BlockerBody {
    pub(crate) id: BlockerId,
    pub(crate) text: Line,
    pub(crate) cause: Cause,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SnoozeBody {
    pub(crate) until: Timestamp,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExceptionBody {
    pub(crate) rule: KillRuleName,
    pub(crate) until: Timestamp,
    pub(crate) plan: Reason,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AppealBody {
    pub(crate) reason: Reason,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LinkBody {
    pub(crate) repository: RepositoryId,
    pub(crate) issue: Option<u64>,
    pub(crate) change: Option<u64>,
}
