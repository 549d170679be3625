//! What is due and was not posted: each post once, in one transaction with its event.
//!
//! Nothing remembers that a wake-up came: what stands in the rows decides. So a wake-up that is lost, doubled or late changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use common::{
    domain::{
        id::{ChannelName, CorrelationId, PersonName},
        rhythm::{Due, PostKey, PostKind, Posted, Report, Room, SlotKind, Source, Unread, Whole, prepare, report},
    },
    event::{Addressee, DailyUnblockReport, Event, WeeklyDemoPreparation},
    fault::Fault,
    ports::{Forge, Pause, RhythmChange, RhythmSaid, RunGates},
};
use jiff::{Timestamp, civil::Date};

use crate::{
    escalating::addressee,
    handler::{DailyUnblock, Rows},
    loading::Facts,
    telling,
};

/// What is to be posted, if it still is when the sources have been read.
struct Wanted<'s> {
    key: PostKey,
    room: &'s Room,
}

const THREAD: PostKind = PostKind::Slot(SlotKind::Thread);
const WHOLE: PostKind = PostKind::Whole(Whole::Whole);

impl<R: Rows, G: RunGates, F: Forge, C: Pause> DailyUnblock<R, G, F, C> {
    /// Posts what is due.
    ///
    /// # Errors
    /// The first that could not be written, after all were tried; `Retry` when the table does not say what was posted.
    pub(crate) async fn post(&self, now: Timestamp, cause: &CorrelationId) -> Result<(), Fault> {
        let wanted = self.wanted(now).await?;
        if wanted.is_empty() {
            return Ok(());
        }
        let facts = Box::pin(self.facts()).await;
        let mut first = Ok(());
        for wanted in wanted {
            if let Err(fault) = self.post_one(&wanted, &facts, cause).await {
                let (channel, kind) = (&wanted.key.channel, wanted.key.kind.as_str());
                tracing::error!(%channel, kind, fault = fault.chain(), "this could not be posted");
                first = first.and(Err(fault));
            }
        }
        first
    }

    /// What is due and not posted, and the whole reports of threads that were incomplete.
    async fn wanted(&self, now: Timestamp) -> Result<Vec<Wanted<'_>>, Fault> {
        let schedules = &self.governance.schedules;
        let mut posted: BTreeMap<(ChannelName, Date), BTreeMap<PostKind, Posted>> = BTreeMap::new();
        let mut wanted = Vec::new();
        for Due { channel, slot, room } in schedules.due(now) {
            let day = (channel.clone(), slot.date);
            if !posted.contains_key(&day) {
                posted.insert(day.clone(), self.rows.posts(channel, slot.date).await?);
            }
            let kind = PostKind::Slot(slot.kind);
            if !posted.get(&day).is_some_and(|posts| posts.contains_key(&kind)) {
                wanted.push(Wanted { key: PostKey { channel: day.0, date: day.1, kind }, room });
            }
        }
        for room in schedules.all_rooms() {
            let day = (room.channel.clone(), room.calendar.date(now));
            if !posted.contains_key(&day) {
                posted.insert(day.clone(), self.rows.posts(&day.0, day.1).await?);
            }
            let posts = posted.get(&day);
            let thread = posts.and_then(|posts| posts.get(&THREAD));
            let lacks = thread.is_some_and(|thread| !thread.incomplete.is_empty());
            if lacks && !posts.is_some_and(|posts| posts.contains_key(&WHOLE)) {
                wanted.push(Wanted { key: PostKey { channel: day.0, date: day.1, kind: WHOLE }, room });
            }
        }
        Ok(wanted)
    }

    async fn post_one(&self, wanted: &Wanted<'_>, facts: &Facts, cause: &CorrelationId) -> Result<(), Fault> {
        let Wanted { key, room } = wanted;
        let (event, incomplete) = match key.kind {
            PostKind::Slot(SlotKind::SignUp | SlotKind::Demo) => self.demo(key, facts),
            PostKind::Slot(_) | PostKind::Whole(_) => self.report(key, room, facts),
        };
        if key.kind == WHOLE && !incomplete.is_empty() {
            // Still not whole: it was said in the morning, and the metric counts on.
            return Ok(());
        }
        let posted = Posted { at: facts.at, incomplete };
        let change = RhythmChange {
            events: vec![telling::post(key, event, cause, facts.at)],
            entry: telling::posted(key, &posted, cause),
            said: RhythmSaid::Post(key.clone(), posted),
        };
        let new = self.remember(&change).await?;
        let (channel, date, kind) = (&key.channel, key.date, key.kind.as_str());
        tracing::info!(%channel, %date, kind, "{}", if new { "posted" } else { "it was posted before" });
        Ok(())
    }

    fn report(&self, key: &PostKey, room: &Room, facts: &Facts) -> (Event, Vec<Source>) {
        let report = report(&facts.sources, facts.patterns.clone(), &room.audience, &room.calendar, facts.at);
        let incomplete = report.incomplete.iter().map(|unread| unread.source).collect();
        let people = match key.kind {
            PostKind::Slot(SlotKind::Reminder | SlotKind::Summary) => self.members(room),
            PostKind::Slot(SlotKind::Thread) | PostKind::Whole(_) => self.owners(&report),
            PostKind::Slot(_) => Vec::new(),
        };
        let told = DailyUnblockReport { kind: key.kind, channel: key.channel.clone(), report, people };
        (Event::DailyUnblockReport(told), incomplete)
    }

    /// Who is expected to post in a room: everybody in a pod that is heard there.
    fn members(&self, room: &Room) -> Vec<Addressee> {
        let people = self.governance.people.listed.iter();
        let theirs = people.filter(|(_, person)| person.pods.iter().any(|pod| room.audience.hears(Some(pod))));
        theirs.filter_map(|(name, _)| addressee(&self.governance.people, name)).collect()
    }

    /// Who is named by a report: those whose next action it says.
    fn owners(&self, report: &Report) -> Vec<Addressee> {
        let owners: BTreeSet<&PersonName> =
            report.entries.iter().filter_map(|aged| aged.entry.owner.as_ref()).collect();
        owners.into_iter().filter_map(|name| addressee(&self.governance.people, name)).collect()
    }

    fn demo(&self, key: &PostKey, facts: &Facts) -> (Event, Vec<Source>) {
        let governance = &self.governance;
        let missing = facts.sources.get(&Source::Items).and_then(|read| read.missing.clone());
        let unread = missing.map(|why| Unread { source: Source::Items, why });
        let calendar = &governance.schedules.first.calendar;
        let incomplete = unread.iter().map(|unread| unread.source).collect();
        let preparation = prepare(&facts.items, unread, &governance.stages, &governance.pods, calendar, facts.at);
        let told = WeeklyDemoPreparation { kind: key.kind, channel: key.channel.clone(), preparation };
        (Event::WeeklyDemoPreparation(told), incomplete)
    }
}
