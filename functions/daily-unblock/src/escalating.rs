//! Who is told of a blocker that lasts: the ladder of schedules.yaml, in working time of the item's pod, each rung once.

use std::collections::BTreeSet;

use common::{
    domain::{
        governance::{People, Person},
        id::{CorrelationId, GroupName, PersonName},
        rhythm::{Blocker, BlockerRef, Rung, Source, Told, due},
        stage::Item,
    },
    event::{Addressee, Event, ItemEscalated},
    fault::Fault,
    ports::{Forge, Pause, RhythmChange, RhythmSaid, RunGates},
};
use jiff::Timestamp;

use crate::{
    handler::{DailyUnblock, Rows},
    loading::{Items, count, some_of},
    telling,
};

impl<R: Rows, G: RunGates, F: Forge, C: Pause> DailyUnblock<R, G, F, C> {
    /// Tells everybody whose time has come. Only items that are blocked are read whole.
    ///
    /// # Errors
    /// The first that could not be written, after all were tried. An item that cannot be read is counted, keeps no other from being looked at, and is
    /// looked at by the next sweep.
    pub(crate) async fn escalate(&self, now: Timestamp, cause: &CorrelationId) -> Result<(), Fault> {
        let Items { dossiers, unreadable } = self.items(|item| item.blocked_since.is_some()).await;
        some_of(&unreadable).iter().for_each(|why| count(Source::Items, why));
        if dossiers.is_empty() {
            return Ok(());
        }
        // Without knowing who was told nobody is: the message comes again.
        let told = self.rows.told().await?;
        let mut first = Ok(());
        for dossier in &dossiers {
            for blocker in dossier.open_blockers() {
                let which = BlockerRef::of(&dossier.item.id, &blocker.id, blocker.opened_at);
                let groups: BTreeSet<GroupName> =
                    told.iter().filter(|told| told.blocker == which).map(|told| told.group.clone()).collect();
                let blocker = Blocker { told: groups, ..blocker.clone() };
                let schedules = &self.governance.schedules;
                let calendar = &schedules.room_of(&dossier.item.pod).calendar;
                for rung in due(&blocker, &schedules.ladder, calendar, now) {
                    let hours = calendar.age(blocker.opened_at, now).as_hours();
                    if let Err(fault) = self.tell(&dossier.item, &blocker, &which, rung, hours, now, cause).await {
                        tracing::error!(item = %dossier.item.id, group = %rung.group, fault = fault.chain(), "this group could not be told");
                        first = first.and(Err(fault));
                    }
                }
            }
        }
        first
    }

    #[expect(clippy::too_many_arguments, reason = "one blocker, one rung, one moment: all of it is in the event")]
    async fn tell(
        &self,
        item: &Item,
        blocker: &Blocker,
        which: &BlockerRef,
        rung: &Rung,
        working_hours: i64,
        now: Timestamp,
        cause: &CorrelationId,
    ) -> Result<(), Fault> {
        let people: Vec<Addressee> = self.addressees(&rung.group);
        if people.is_empty() {
            tracing::warn!(group = %rung.group, "people.yaml lists nobody in this group: an escalation reaches no person");
        }
        let escalated = ItemEscalated {
            item: item.id.clone(),
            title: item.title.clone(),
            pod: item.pod.clone(),
            owner: item.owner.clone(),
            blocker: blocker.id.clone(),
            text: blocker.text.clone(),
            cause: blocker.cause.clone(),
            opened_at: blocker.opened_at,
            working_hours,
            group: rung.group.clone(),
            people,
            channel: rung.channel.clone(),
        };
        let change = RhythmChange {
            events: vec![telling::escalated(Event::ItemEscalated(escalated), which, &rung.group, cause, now)],
            entry: telling::escalation(which, &rung.group, working_hours, cause, now),
            said: RhythmSaid::Told(Told { blocker: which.clone(), group: rung.group.clone(), at: now }),
        };
        if self.remember(&change).await? {
            tracing::info!(item = %item.id, blocker = %blocker.id, group = %rung.group, "escalated");
            tracing::info!(target: "metric", name = "ItemsEscalated", value = 1_u64);
        }
        Ok(())
    }

    fn addressees(&self, group: &GroupName) -> Vec<Addressee> {
        let people = &self.governance.people;
        people.group(group).filter_map(|name| addressee(people, name)).collect()
    }
}

/// A person of the file, with where they are reached.
pub(crate) fn addressee(people: &People, name: &PersonName) -> Option<Addressee> {
    let Person { slack_id, email, .. } = people.listed.get(name)?;
    Some(Addressee { person: name.clone(), slack_id: slack_id.clone(), email: email.clone() })
}
