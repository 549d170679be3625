//! What was posted, said and done, in memory.

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::{
    domain::{
        id::{ChannelName, GroupName, TaskName},
        rhythm::{BlockerRef, Done, Period, PostKey, PostKind, Posted, Told},
    },
    fault::Fault,
    ports::{OutboxRow, RhythmChange, RhythmRows, RhythmSaid, SaidCommitted},
    testing::World,
};

#[derive(Default)]
pub(super) struct State {
    posts: BTreeMap<PostKey, Posted>,
    told: BTreeMap<(BlockerRef, GroupName), Told>,
    done: BTreeMap<(TaskName, Period), Done>,
}

/// Puts what is not there yet; whether it was put.
fn once<K: Ord, V: Clone>(map: &mut BTreeMap<K, V>, key: K, value: &V) -> bool {
    let new = !map.contains_key(&key);
    if new {
        map.insert(key, value.clone());
    }
    new
}

impl RhythmRows for World {
    async fn posts(&self, channel: &ChannelName, date: Date) -> Result<BTreeMap<PostKind, Posted>, Fault> {
        self.call("RhythmRows.posts", channel.as_str(), false, |state| {
            let of = |key: &&PostKey| key.channel == *channel && key.date == date;
            let posts = state.rhythm.posts.iter().filter(|(key, _)| of(key));
            Ok(posts.map(|(key, posted)| (key.kind, posted.clone())).collect())
        })
    }

    async fn told(&self) -> Result<Vec<Told>, Fault> {
        self.call("RhythmRows.told", "", false, |state| Ok(state.rhythm.told.values().cloned().collect()))
    }

    async fn done(&self) -> Result<Vec<Done>, Fault> {
        self.call("RhythmRows.done", "", false, |state| Ok(state.rhythm.done.values().cloned().collect()))
    }

    async fn commit_rhythm(&self, change: &RhythmChange) -> Result<SaidCommitted, Fault> {
        self.call("RhythmRows.commit", &change.entry.subject, true, |state| {
            let events = change.events.iter().map(OutboxRow::of).collect::<Result<Vec<_>, _>>()?;
            let rhythm = &mut state.rhythm;
            let new = match &change.said {
                RhythmSaid::Post(key, posted) => once(&mut rhythm.posts, key.clone(), posted),
                RhythmSaid::Told(told) => once(&mut rhythm.told, (told.blocker.clone(), told.group.clone()), told),
                RhythmSaid::Done(done) => once(&mut rhythm.done, (done.task.clone(), done.period), done),
            };
            if !new {
                return Ok(SaidCommitted::Already);
            }
            state.store.put_outbox(events);
            state.store.append(change.entry.clone());
            Ok(SaidCommitted::Done)
        })
    }
}
