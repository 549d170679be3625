//! Posts by channel and day; who was told of blockers in one partition, which tasks were done in another.
//!
//! Rows carry an end, long after which TTL collects them; the audit chains keep what was said.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::TransactWriteItem;
use jiff::{SignedDuration, Timestamp, civil::Date};

use super::{
    Table,
    item::{epoch, from_json, row, text, to_json},
    key::{Key, MAINTENANCE, TOLD, posts_of},
};
use crate::{
    domain::{
        id::ChannelName,
        rhythm::{Done, PostKind, Posted, Told},
    },
    fault::Fault,
    ports::{RhythmChange, RhythmRows, RhythmSaid, SaidCommitted},
};

/// The IAM actions that [`RhythmRows`] needs: a transaction needs the right to each of its parts.
pub const RHYTHM_ACTIONS: &[&str] = &["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"];

/// How long a post's row stays: a copy of the message that asked for it is gone long before.
const POSTS_KEPT: SignedDuration = SignedDuration::from_hours(60 * 24);

/// How long the rest stays: longer than a blocker is open, and than a yearly task comes again.
const KEPT: SignedDuration = SignedDuration::from_hours(800 * 24);

impl RhythmRows for Table {
    async fn posts(&self, channel: &ChannelName, date: Date) -> Result<BTreeMap<PostKind, Posted>, Fault> {
        let mut posts = BTreeMap::new();
        for item in self.query("reading what was posted", &posts_of(channel, date)).await? {
            match Key::parse(text(&item, "pk")?, text(&item, "sk")?) {
                Some(Key::Post(key)) => drop(posts.insert(key.kind, from_json(&item)?)),
                _ => return Err(Fault::bug("among the posts of a channel is a row that is none")),
            }
        }
        Ok(posts)
    }

    async fn told(&self) -> Result<Vec<Told>, Fault> {
        self.query("reading who was told of blockers", TOLD).await?.iter().map(from_json).collect()
    }

    async fn done(&self) -> Result<Vec<Done>, Fault> {
        self.query("reading which tasks were done", MAINTENANCE).await?.iter().map(from_json).collect()
    }

    async fn commit_rhythm(&self, change: &RhythmChange) -> Result<SaidCommitted, Fault> {
        self.commit_said(
            "writing what was posted or said",
            vec![self.remembered(&change.said)?],
            &change.events,
            &change.entry,
        )
        .await
    }
}

impl Table {
    fn remembered(&self, said: &RhythmSaid) -> Result<TransactWriteItem, Fault> {
        let end = |from: Timestamp, kept| epoch(from.saturating_add(kept).unwrap_or(Timestamp::MAX));
        let (key, json, expires_at) = match said {
            RhythmSaid::Post(key, posted) => (Key::Post(key.clone()), to_json(posted)?, end(posted.at, POSTS_KEPT)),
            RhythmSaid::Told(told) => {
                let key = Key::Told(told.blocker.clone(), told.group.clone());
                (key, to_json(told)?, end(told.at, KEPT))
            }
            RhythmSaid::Done(done) => (Key::Done(done.task.clone(), done.period), to_json(done)?, end(done.at, KEPT)),
        };
        let put = self.put(row(&key, [("json", json), ("expires_at", expires_at)]));
        let put = put.condition_expression("attribute_not_exists(pk)").build();
        let put = put.map_err(|error| Fault::bug_from("writing what was posted or said", error))?;
        Ok(Self::put_item(put))
    }
}
