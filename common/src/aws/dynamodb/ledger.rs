//! The ledger of deliveries: one row a thing, with a counter, a moment and a reason for each kind of happening.
//!
//! A note is one update that reads nothing. Its moment is a condition: a note that comes late counts, and leaves the later one's words.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::{
    operation::update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    types::AttributeValue,
};
use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::{
    Table,
    item::{Item, epoch, known, n, number, place, s, text},
    key::{Key, RECEIVED_SHARDS, moment, noted_of, received_on},
};
use crate::{
    aws::fault,
    domain::{
        id::{DeliveryId, EventId, FunctionName},
        ledger::{About, Happening, KEPT, Note, Noted, Notes},
    },
    fault::Fault,
    ports::{Accepted, DeliveryRows, Ledger, LedgerRows, Place},
};

/// The IAM actions that [`Ledger`] needs.
pub const NOTE_ACTIONS: &[&str] = &["dynamodb:UpdateItem"];

/// The IAM actions that [`LedgerRows`] needs beside it.
pub const LEDGER_READ_ACTIONS: &[&str] = &["dynamodb:Query"];

impl Ledger for Table {
    async fn note(&self, about: &About, note: &Note) -> Result<(), Fault> {
        let word = note.what.as_str();
        let (words, counted) = ("#at = :at, #reason = :reason, #replay = :replay", "ADD #count :one");
        let at = |request: UpdateItemFluentBuilder| request.expression_attribute_names("#at", format!("{word}_at"));
        let request = at(self.noting(about, note))
            .update_expression(format!("SET v = if_not_exists(v, :v), expires_at = :end, {words} {counted}"))
            .condition_expression("attribute_not_exists(#at) OR #at <= :at")
            .expression_attribute_names("#reason", format!("{word}_reason"))
            .expression_attribute_names("#replay", format!("{word}_replay"))
            .expression_attribute_values(":at", n(note.at.as_microsecond()))
            .expression_attribute_values(":end", epoch(note.at.saturating_add(KEPT).unwrap_or(Timestamp::MAX)))
            .expression_attribute_values(":v", n(1))
            .expression_attribute_values(":reason", s(&note.reason))
            .expression_attribute_values(":replay", s(note.replay.as_ref().map_or("", |replay| replay.as_str())));
        let what = "writing a note in the ledger";
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error)
                if matches!(error.as_service_error(), Some(UpdateItemError::ConditionalCheckFailedException(_))) =>
            {
                let late = self.noting(about, note).update_expression(counted);
                late.send().await.map(drop).map_err(|error| fault(what, error))
            }
            Err(error) => Err(fault(what, error)),
        }
    }
}

impl LedgerRows for Table {
    async fn delivery(&self, delivery: &DeliveryId) -> Result<DeliveryRows, Fault> {
        let mut rows = DeliveryRows::default();
        for item in self.query("reading a delivery", &Key::Delivery(delivery.clone()).pk()).await? {
            match Key::parse(text(&item, "pk")?, text(&item, "sk")?) {
                Some(Key::Delivery(_)) => rows.accepted = Some(accepted(&item)?),
                Some(Key::Notes(_)) => rows.notes = notes(&item)?,
                _ => return Err(Fault::bug(format!("the row {} is no delivery's", place(&item)))),
            }
        }
        Ok(rows)
    }

    async fn event(&self, event: &EventId) -> Result<BTreeMap<FunctionName, Notes>, Fault> {
        let mut functions = BTreeMap::new();
        for item in self.query("reading what was noted of an event", &noted_of(event)).await? {
            match Key::parse(text(&item, "pk")?, text(&item, "sk")?) {
                Some(Key::Handled(_, function)) => drop(functions.insert(function, notes(&item)?)),
                _ => return Err(Fault::bug(format!("the row {} is no event's", place(&item)))),
            }
        }
        Ok(functions)
    }

    async fn notes(&self, about: &About) -> Result<Notes, Fault> {
        let key = key(about);
        let items = self.query("reading what was noted of a message", &key.pk()).await?;
        let sk = key.sk();
        let item = items.iter().find(|item| text(item, "sk").is_ok_and(|found| found == sk));
        item.map_or_else(|| Ok(Notes::default()), notes)
    }

    async fn accepted(
        &self,
        since: Timestamp,
        until: Timestamp,
        after: Option<&Place>,
        most: usize,
    ) -> Result<Vec<Place>, Fault> {
        let day = |at: Timestamp| at.to_zoned(TimeZone::UTC).date();
        let since = after.map_or(since, |after| since.max(after.at));
        // A text with nothing behind the moment sorts before all of that moment: the beginning belongs to it, the end does not.
        let (from, to) = (moment(since), moment(until));
        let mut found = Vec::new();
        let mut on = day(since);
        while on <= day(until) && found.len() < most {
            let mut places = Vec::new();
            for shard in 0..RECEIVED_SHARDS {
                places.extend(self.accepted_on(on, shard, (&from, &to), after, most).await?);
            }
            places.sort();
            found.extend(places);
            let Ok(next) = on.tomorrow() else { break };
            on = next;
        }
        found.truncate(most);
        Ok(found)
    }
}

impl Table {
    fn noting(&self, about: &About, note: &Note) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(key(about).attributes()))
            .expression_attribute_names("#count", format!("{}_count", note.what.as_str()))
            .expression_attribute_values(":one", n(1))
    }

    /// The first of one partition.
    async fn accepted_on(
        &self,
        day: Date,
        shard: u8,
        (from, to): (&str, &str),
        after: Option<&Place>,
        most: usize,
    ) -> Result<Vec<Place>, Fault> {
        let (mut places, mut start) = (Vec::new(), None);
        // One more, in the place of the one that the last page ended with.
        let limit = i32::try_from(most).unwrap_or(i32::MAX).saturating_add(1);
        loop {
            let request = self.client.query().table_name(&self.name).consistent_read(true).limit(limit);
            let request = request
                .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to")
                .expression_attribute_values(":pk", s(received_on(day, shard)))
                .expression_attribute_values(":from", s(from))
                .expression_attribute_values(":to", s(to));
            let answer = request.set_exclusive_start_key(start).send().await;
            let answer = answer.map_err(|error| fault("listing deliveries", error))?;
            for item in answer.items.into_iter().flatten() {
                match Key::parse(text(&item, "pk")?, text(&item, "sk")?) {
                    Some(Key::Received(at, delivery)) => places.push(Place { at, delivery }),
                    _ => return Err(Fault::bug(format!("the row {} is no place in the list", place(&item)))),
                }
            }
            places.retain(|place| after.is_none_or(|after| place > after));
            start = answer.last_evaluated_key.filter(|key| !key.is_empty());
            if start.is_none() || places.len() >= most {
                return Ok(places);
            }
        }
    }
}

fn key(about: &About) -> Key {
    match about.clone() {
        About::Delivery(delivery) => Key::Notes(delivery),
        About::Event(event, function) => Key::Handled(event, function),
        About::Message(message, function) => Key::Message(message, function),
    }
}

fn accepted(item: &Item) -> Result<Accepted, Fault> {
    let malformed = || Fault::bug(format!("the row {} is malformed", place(item)));
    Ok(Accepted {
        event_name: text(known(item)?, "event_name")?.to_owned(),
        received_at: text(item, "received_at")?.parse().map_err(|_| malformed())?,
        event: text(item, "event_id")?.parse().map_err(|_| malformed())?,
    })
}

fn notes(item: &Item) -> Result<Notes, Fault> {
    let mut notes = Notes::default();
    let known = known(item)?;
    for what in Happening::ALL {
        let name = |part: &str| format!("{}_{part}", what.as_str());
        if !known.contains_key(&name("count")) {
            continue;
        }
        let malformed = || Fault::bug(format!("the row {} has no moment of what was {}", place(item), what.as_str()));
        let given = |part: &str| known.get(&name(part)).and_then(|value: &AttributeValue| value.as_s().ok());
        let replay = given("replay").filter(|replay| !replay.is_empty());
        let noted = Noted {
            count: number(known, &name("count"))?,
            at: Timestamp::from_microsecond(number(known, &name("at"))?).map_err(|_| malformed())?,
            reason: given("reason").cloned().unwrap_or_default(),
            replay: replay.map(|replay| replay.parse()).transpose().map_err(|_| malformed())?,
        };
        notes.0.insert(what, noted);
    }
    Ok(notes)
}
