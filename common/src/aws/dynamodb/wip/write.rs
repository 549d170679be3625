//! Each operation as a write with its condition: word for word what [`Operation::holds`] and [`Operation::apply`] say.
//!
//! Names and values are bound, never spliced: `#item` stands for the item's id, every other name for the attribute it spells.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update};
use jiff::Timestamp;

use super::state::{item, lease, scopes, ticket, time};
use crate::{
    aws::dynamodb::{
        Table,
        item::{n, s},
        key::Key,
    },
    domain::{
        id::ItemId,
        wip::{Scope, ScopeState, operation::Operation, state::MAX_TICKETS},
    },
    fault::Fault,
};

/// An update before its names are bound.
struct Change<'a> {
    item: &'a ItemId,
    update: String,
    /// A comparison with an attribute of a row that does not exist never holds: each condition has one.
    condition: &'static str,
    values: Vec<(&'static str, AttributeValue)>,
}

/// The limit in force is the row's own: [`ScopeState::is_current`].
const ADMIT: &str = "#digest = :digest AND (attribute_not_exists(#overridden.#until) OR #overridden.#until > :now) \
     AND #fence < :fence AND attribute_not_exists(#leases.#item) AND size(#tickets) = :zero AND size(#leases) < #limit";
const QUEUE: &str = "#digest = :digest AND (attribute_not_exists(#overridden.#until) OR #overridden.#until > :now) \
     AND attribute_not_exists(#leases.#item) AND attribute_not_exists(#tickets.#item) AND size(#tickets) < :most \
     AND size(#leases) >= #limit";
const QUEUE_REGARDLESS: &str = "attribute_not_exists(#leases.#item) AND attribute_not_exists(#tickets.#item) \
     AND size(#tickets) < :most";
const KEEP_TICKET: &str = "#tickets.#item.#number = :number";
const RENEW: &str = "#leases.#item.#fence = :fence AND #leases.#item.#expires_at > :now";
const RELEASE: &str = "#leases.#item.#fence = :fence AND #leases.#item.#expires_at > :now \
     AND #leases.#item.#holder = :holder AND #leases.#item.#scopes = :scopes AND size(#tickets) = :zero";

impl Table {
    /// The write of one row.
    pub(super) fn scope_write(
        &self,
        scope: &Scope,
        operation: &Operation,
        now: Timestamp,
    ) -> Result<TransactWriteItem, Fault> {
        let change = match operation {
            Operation::Replace { version, row } => return self.scope_put(scope, *version, row),
            Operation::Admit { item, lease: given, digest } => Change {
                item,
                update: "#leases.#item = :lease, #fence = :fence".into(),
                condition: ADMIT,
                values: vec![
                    (":lease", lease(given)),
                    (":fence", n(given.fence)),
                    (":digest", s(digest.as_str())),
                    (":now", time(now)),
                    (":zero", n(0)),
                ],
            },
            Operation::Queue { item, ticket: given, digest } => Change {
                item,
                update: "#tickets.#item = :ticket".into(),
                condition: QUEUE,
                values: vec![
                    (":ticket", ticket(given)),
                    (":digest", s(digest.as_str())),
                    (":now", time(now)),
                    (":most", n(MAX_TICKETS)),
                ],
            },
            Operation::QueueRegardless { item, ticket: given } => Change {
                item,
                update: "#tickets.#item = :ticket".into(),
                condition: QUEUE_REGARDLESS,
                values: vec![(":ticket", ticket(given)), (":most", n(MAX_TICKETS))],
            },
            Operation::KeepTicket { item, number, expires_at } => Change {
                item,
                update: "#tickets.#item.#expires_at = :expires_at".into(),
                condition: KEEP_TICKET,
                values: vec![(":expires_at", time(*expires_at)), (":number", n(number))],
            },
            Operation::Renew { item, fence, expires_at } => Change {
                item,
                update: "#leases.#item.#expires_at = :expires_at".into(),
                condition: RENEW,
                values: vec![(":expires_at", time(*expires_at)), (":fence", n(fence)), (":now", time(now))],
            },
            Operation::Release { item, fence, holder, scopes: held } => Change {
                item,
                // A place beyond a list's end appends to it, as `note_release` does.
                update: format!("#releases[{}] = :at REMOVE #leases.#item", fence.slot()),
                condition: RELEASE,
                values: vec![
                    (":at", n(now.as_second())),
                    (":fence", n(fence)),
                    (":holder", s(holder.as_str())),
                    (":now", time(now)),
                    (":scopes", scopes(held)),
                    (":zero", n(0)),
                ],
            },
        };
        let update = format!("SET #version = #version + :one, {}", change.update);
        let values = change.values.into_iter().chain([(":one", n(1))]);
        Update::builder()
            .table_name(&self.name)
            .set_key(Some(Key::Scope(scope.clone()).attributes()))
            .set_expression_attribute_names(Some(names(&[&update, change.condition], change.item)))
            .set_expression_attribute_values(Some(values.map(|(name, value)| (name.to_owned(), value)).collect()))
            .update_expression(update)
            .condition_expression(change.condition)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map(|update| TransactWriteItem::builder().update(update).build())
            .map_err(|error| Fault::bug_from(format!("writing the row of {scope}"), error))
    }

    fn scope_put(&self, scope: &Scope, version: u64, row: &ScopeState) -> Result<TransactWriteItem, Fault> {
        if row.scope != *scope {
            return Err(Fault::bug(format!("the row of {} was to be written as that of {scope}", row.scope)));
        }
        let put = self.put(item(row, version + 1));
        let put = match version {
            0 => put.condition_expression("attribute_not_exists(pk)"),
            _ => put
                .condition_expression("#version = :version")
                .expression_attribute_names("#version", "version")
                .expression_attribute_values(":version", n(version)),
        };
        put.build().map(Self::put_item).map_err(|error| Fault::bug_from(format!("writing the row of {scope}"), error))
    }
}

/// The names that stand in expressions, with what each means.
fn names(expressions: &[&str], item: &ItemId) -> HashMap<String, String> {
    let words = expressions.iter().flat_map(|text| text.split(|letter: char| !matches!(letter, '#' | '_' | 'a'..='z')));
    let names = words.filter_map(|word| word.strip_prefix('#'));
    names.map(|name| (format!("#{name}"), if name == "item" { item.to_string() } else { name.to_owned() })).collect()
}
