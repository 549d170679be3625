//! Kill review: looking at each item that is under way for what the rules of its stage find, and doing what follows when a grace is over.
//!
//! No timer is kept for a deadline: each look, four an hour, judges every rule anew and finds those that have passed, so a look that was
//! lost costs a quarter of an hour and nothing else. What is written is written with its event, once.

use std::collections::{BTreeMap, BTreeSet};

use common::{
    domain::{
        id::{CorrelationId, ItemId, KillRuleName, PersonName, RequestId, StageName},
        stage::{
            Destination, Dossier, Item, MoveRequest, Position, StagePipeline,
            kill::{self, Exception, Fate, KillAction, KillReview, KillRule, NoMercy, Seen},
            known,
        },
    },
    event::{Envelope, Event, ItemUnderKillReview, ReviewStep},
    fault::Fault,
    ports::{ItemChange, ItemRows, Page, Patience, Pause, Sources, WipRows},
};
use futures::StreamExt;
use jiff::Timestamp;

use crate::{
    moving::Hand,
    service::ItemGates,
    telling,
    writing::{Said, Written},
};

/// How many items one read takes.
const PAGE: usize = 100;

/// How many items are looked at at the same time.
const AT_ONCE: usize = 8;

/// What somebody asks for an item whose end is considered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plea {
    /// That a rule rests for a while. Whoever gives it takes the risk.
    Except {
        /// Which rule.
        rule: KillRuleName,
        /// Until when.
        until: Timestamp,
        /// What was found, what is planned, and why it is worth it.
        plan: String,
    },
    /// That the council looks at it: every open review gets its grace once more.
    Appeal {
        /// Why.
        reason: String,
    },
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pleaded {
    /// It is so.
    Granted(Box<Dossier>),
    /// There is no such item.
    NoItem,
    /// It is not theirs to give or to ask for; why.
    Forbidden(String),
    /// Not so; why.
    Not(NoMercy),
}

impl<R: ItemRows + WipRows, C: Pause, H: Sources> ItemGates<R, C, H> {
    /// Looks at every item that is under way. What fails for one keeps no other from being looked at.
    ///
    /// # Errors
    /// The first fault, after everything was tried.
    pub async fn review_all(&self, cause: &CorrelationId) -> Result<(), Fault> {
        let mut first = Ok(());
        let mut after: Option<ItemId> = None;
        loop {
            let Page { items, unreadable, next } = self.rows.items(after.as_ref(), PAGE).await?;
            for fault in unreadable {
                tracing::error!(fault, "this item cannot be read: nothing is judged about it");
                first = first.and(Err(Fault::bug("an item's row cannot be read: the log says which")));
            }
            let under_way = items.iter().filter(|item| matches!(item.position, Position::Active { .. }));
            // Each asks its source host, which takes its time.
            let looks = under_way.map(|item| async move { (&item.id, self.review(&item.id, cause).await) });
            let mut looks = futures::stream::iter(looks).buffer_unordered(AT_ONCE);
            while let Some((item, looked)) = looks.next().await {
                if let Err(fault) = looked {
                    tracing::error!(%item, fault = fault.chain(), "it could not be looked at");
                    first = first.and(Err(fault));
                }
            }
            after = next;
            if after.is_none() {
                return first;
            }
        }
    }

    async fn review(&self, id: &ItemId, cause: &CorrelationId) -> Result<(), Fault> {
        let mut patience = Patience::new(&self.clock);
        loop {
            let Some(dossier) = self.rows.item(id, None).await?.dossier else { return Ok(()) };
            let kept = dossier.item.head.clone();
            let dossier = self.as_it_is(dossier).await?;
            let Position::Active { stage } = &dossier.item.position else { return Ok(()) };
            let pipeline = self.pipeline(&dossier.item.pipeline);
            let rules = pipeline.stage(stage).map(|stage| stage.kill_rules.as_slice()).unwrap_or_default();
            let now = self.now();
            let groups = self.governance.people.groups_of(&dossier.item, &self.governance.pods);
            let known = known(dossier.facts(&pipeline, &groups), &dossier, now);
            let (review, seen) = kill::look(rules, &dossier.kill, &known, now);
            // A commit that is new is kept: it is from then on that the item stands still.
            if review == dossier.kill && dossier.item.head == kept {
                return Ok(());
            }
            let told: Vec<Envelope> =
                seen.iter().filter_map(|one| self.told_of(one, &dossier, rules, &review, cause, now)).collect();
            let looked = Dossier { kill: review, ..dossier.clone() };
            let done = match kill::fate(&seen) {
                Fate::Stays => self.commit_review(&dossier, looked, told, &seen, cause, now).await?,
                Fate::End(rule) => {
                    let reason = words(rules, &rule);
                    self.follow(&looked, &pipeline, Destination::Killed, (&rule, reason), told, cause).await?
                }
                Fate::SentBack(rule) => {
                    let reason = words(rules, &rule);
                    let to = before(&pipeline, stage).map_or(Destination::Parked, Destination::Stage);
                    self.follow(&looked, &pipeline, to, (&rule, reason), told, cause).await?
                }
            };
            if done {
                return Ok(());
            }
            self.again(&mut patience, "looking at", id).await?;
        }
    }

    async fn commit_review(
        &self,
        before: &Dossier,
        mut after: Dossier,
        events: Vec<Envelope>,
        seen: &[Seen],
        cause: &CorrelationId,
        now: Timestamp,
    ) -> Result<bool, Fault> {
        after.item.version += 1;
        let id = &before.item.id;
        let mut entry = telling::entry(id, "item.review", [("version", after.item.version.to_string())], cause, now);
        entry.reasons = seen.iter().filter_map(sentence).collect();
        let change = ItemChange {
            item: id.clone(),
            dossier: Some((before.item.version, after)),
            answered: None,
            writes: BTreeMap::new(),
            events,
            entry,
        };
        self.commit(&change, &self.nothing_of_places(now), cause).await
    }

    /// Does what follows from a rule: the same as a person's move, by the same way, as the request that the rule and its deadline name.
    async fn follow(
        &self,
        looked: &Dossier,
        pipeline: &StagePipeline,
        to: Destination,
        (rule, reason): (&KillRuleName, String),
        told: Vec<Envelope>,
        cause: &CorrelationId,
    ) -> Result<bool, Fault> {
        let item = &looked.item;
        let deadline = looked.kill.open.get(rule).map_or(Timestamp::MIN, |open| open.deadline).as_second();
        let name = format!("rule:{rule}:{}:{deadline}", item.version);
        let request = MoveRequest {
            request_id: name.parse::<RequestId>().map_err(|error| Fault::bug_from("naming a rule's request", error))?,
            from: item.position.stage().clone(),
            to,
            requested_by: item.owner.clone(),
            unproven: false,
            reason: Some(reason),
            version: None,
        };
        self.moved_by(looked, pipeline, &request, Hand::Rule(rule), told, cause).await
    }

    /// Takes what somebody asks for an item whose end is considered.
    ///
    /// # Errors
    /// `Retry` when the outcome is not known: asking again finds it out.
    pub async fn plead(
        &self,
        id: &ItemId,
        plea: &Plea,
        by: &PersonName,
        allowed: impl Fn(&Item) -> Result<(), String> + Send + Sync,
        cause: &CorrelationId,
    ) -> Result<Pleaded, Fault> {
        let written = self
            .write(id, cause, |dossier, pipeline, now| {
                let item = &dossier.item;
                allowed(item).map_err(Pleaded::Forbidden)?;
                let rules = pipeline.stage(item.position.stage()).map(|stage| stage.kill_rules.as_slice());
                let rules = rules.unwrap_or_default();
                let (review, step, about, what) = match plea {
                    Plea::Except { rule, until, plan } => {
                        if *by == item.owner {
                            let why = format!("{by} owns {id}: somebody else takes the risk of an exception");
                            return Err(Pleaded::Forbidden(why));
                        }
                        let exception = Exception { until: *until, accepted_by: by.clone(), plan: plan.clone() };
                        let review = kill::except(&dossier.kill, rule, exception, now).map_err(Pleaded::Not)?;
                        (review, ReviewStep::Excepted, BTreeSet::from([rule.clone()]), plan)
                    }
                    Plea::Appeal { reason } => {
                        let review = kill::appeal(&dossier.kill, rules, now).map_err(Pleaded::Not)?;
                        let about = dossier.kill.open.keys().cloned().collect();
                        (review, ReviewStep::Appealed, about, reason)
                    }
                };
                let event = |rule: &KillRule| self.event_of(rule, step, dossier, &review, cause, now);
                let events = rules.iter().filter(|rule| about.contains(&rule.name)).map(event).collect();
                let action = match plea {
                    Plea::Except { .. } => "item.except",
                    Plea::Appeal { .. } => "item.appeal",
                };
                let names: Vec<&str> = about.iter().map(KillRuleName::as_str).collect();
                let mut entry =
                    telling::entry(id, action, [("by", by.to_string()), ("rules", names.join(","))], cause, now);
                entry.reasons = vec![what.clone()];
                let mut after = Dossier { kill: review, ..dossier.clone() };
                after.item.version += 1;
                Ok(Said { after, entry, events })
            })
            .await?;
        Ok(match written {
            Written::Done(after) => Pleaded::Granted(after),
            Written::Not(answer) => answer,
            Written::NoItem => Pleaded::NoItem,
        })
    }

    fn told_of(
        &self,
        seen: &Seen,
        dossier: &Dossier,
        rules: &[KillRule],
        review: &KillReview,
        cause: &CorrelationId,
        now: Timestamp,
    ) -> Option<Envelope> {
        let (name, step) = match seen {
            Seen::Opened { rule, .. } => (rule, ReviewStep::Opened),
            Seen::Cleared { rule } => (rule, ReviewStep::Cleared),
            Seen::Due { rule, .. } => (rule, ReviewStep::Due),
            Seen::Unknown { .. } => return None,
        };
        let rule = rules.iter().find(|rule| rule.name == *name)?;
        Some(self.event_of(rule, step, dossier, review, cause, now))
    }

    fn event_of(
        &self,
        rule: &KillRule,
        review: ReviewStep,
        dossier: &Dossier,
        after: &KillReview,
        cause: &CorrelationId,
        now: Timestamp,
    ) -> Envelope {
        let item = &dossier.item;
        let groups = self.governance.people.groups_of(item, &self.governance.pods);
        let people = rule.notify.iter().filter_map(|group| groups.get(group)).flatten().cloned();
        let deadline = match review {
            ReviewStep::Excepted => after.exceptions.get(&rule.name).map(|exception| exception.until),
            _ => after.open.get(&rule.name).map(|open| open.deadline),
        };
        let stage = item.position.stage();
        let first = before(&self.pipeline(&item.pipeline), stage).is_none();
        let over = review == ReviewStep::Due && matches!(rule.action, KillAction::Archive | KillAction::Reject);
        // Whose work it is hears of it, whoever else the rule names.
        let notify: BTreeSet<PersonName> = people.chain([item.owner.clone()]).collect();
        let event = Event::ItemUnderKillReview(ItemUnderKillReview {
            item: item.id.clone(),
            title: Some(item.title.clone()),
            pod: item.pod.clone(),
            owner: item.owner.clone(),
            stage: stage.clone(),
            rule: rule.name.clone(),
            review,
            found: found(rule),
            action: rule.action,
            deadline,
            remedies: if over { BTreeSet::new() } else { kill::remedies(after, &rule.name, first) },
            people: telling::in_the_chat(&notify, &self.governance.people),
            notify,
        });
        let version = item.version.to_string();
        telling::envelope(&item.id, event, &[rule.name.as_str(), &format!("{review:?}"), &version], cause, now)
    }
}

/// The stage before this one.
fn before(pipeline: &StagePipeline, stage: &StageName) -> Option<StageName> {
    let place = pipeline.position(stage)?.checked_sub(1)?;
    pipeline.stages.get(place).map(|stage| stage.name.clone())
}

fn found(rule: &KillRule) -> String {
    let (key, requirement) = &rule.when;
    format!("{key} is {}", requirement.words())
}

fn words(rules: &[KillRule], name: &KillRuleName) -> String {
    let found = rules.iter().find(|rule| rule.name == *name).map(found).unwrap_or_default();
    format!("the rule {name} held to the end of its grace: {found}")
}

fn sentence(seen: &Seen) -> Option<String> {
    match seen {
        Seen::Opened { rule, deadline } => Some(format!("{rule} holds: judged again at {deadline:.0}")),
        Seen::Cleared { rule } => Some(format!("{rule} holds no longer")),
        Seen::Due { rule, action } => Some(format!("{rule} held to its deadline: {}", action.as_str())),
        Seen::Unknown { .. } => None,
    }
}
