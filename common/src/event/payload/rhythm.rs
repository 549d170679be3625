//! The daily rhythm: reports, demos, escalations.
//!
//! These are the words that people read, so titles of items and texts of blockers are in them: foreign text, which whoever publishes
//! escapes. Nothing of it is evidence.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{
    id::{BlockerId, ChannelName, EmailAddress, GroupName, ItemId, PersonName, PodName, SlackUserId},
    rhythm::{Cause, PostKind, Preparation, Report},
};

/// Somebody who is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Addressee {
    /// Who.
    pub person: PersonName,
    /// In Slack; somebody without it is not reached there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slack_id: Option<SlackUserId>,
    /// By mail; somebody without it is not reached there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<EmailAddress>,
}

/// A room's day is spoken of: the report as the head of a thread, the reminder, the summary, the council's agenda; `whole` when what could
/// not be read for the thread can be read. There is one of a kind in a channel for a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DailyUnblockReport {
    /// What it is.
    #[schemars(with = "String")]
    pub kind: PostKind,
    /// Where.
    pub channel: ChannelName,
    /// What stands still.
    pub report: Report,
    /// Of a reminder and a summary, who is expected to post in the thread; of a report, who owns an entry of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<Addressee>,
}

/// The weekly demo is prepared. There is one of a kind in a channel for a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WeeklyDemoPreparation {
    /// `sign-up` or `demo`.
    #[schemars(with = "String")]
    pub kind: PostKind,
    /// Where.
    pub channel: ChannelName,
    /// What can be shown, and how the week was.
    pub preparation: Preparation,
}

/// A blocker has lasted so long that somebody further is told: each group once a blocker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ItemEscalated {
    /// The item.
    pub item: ItemId,
    /// What it is called. Foreign text.
    pub title: String,
    /// Whose work it is.
    pub pod: PodName,
    /// Who answers for it.
    pub owner: PersonName,
    /// Which blocker.
    pub blocker: BlockerId,
    /// What it is, in somebody's words. Foreign text.
    pub text: String,
    /// What it waits for.
    pub cause: Cause,
    /// Since when.
    #[schemars(with = "String")]
    pub opened_at: Timestamp,
    /// For how many working hours.
    pub working_hours: i64,
    /// Who is told.
    pub group: GroupName,
    /// Its people; none when the group has nobody.
    pub people: Vec<Addressee>,
    /// Where it is said for all to see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<ChannelName>,
}
