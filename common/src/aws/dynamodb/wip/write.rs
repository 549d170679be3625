//! Each operation as a write with its condition: word for word what [`Operation::holds`] and [`Operation::apply`] say.
//!
//! Names and values from outside are bound, never spliced.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update};
use jiff::Timestamp;

use super::state::{item, lease, limit_name, own_lease, ticket};
use crate::{
    aws::dynamodb::{Table, item::n, key::Key},
    domain::{
        id::ItemId,
        wip::{Fence, Lease, Scope, ScopeState, Ticket, operation::Operation, state::MAX_TICKETS},
    },
    fault::Fault,
};

/// An update before its names are bound.
struct Change<'a> {
    item: &'a ItemId,
    update: String,
    /// The attribute that its condition reads the limit from, when it does.
    limit: Option<String>,
    /// A comparison with an attribute of a row that does not exist never holds: each condition has one.
    condition: &'static str,
    values: Vec<(&'static str, AttributeValue)>,
}

/// The limit stands under the name of what it is in force under ([`limit_name`]): a row of another governance bundle has no limit for
/// this comparison, and so no room. `tickets` stands there only while somebody waits.
const ADMIT: &str = "size(leases) < #limit AND fence < :fence AND attribute_not_exists(leases.#item) \
     AND attribute_not_exists(tickets)";
const QUEUE_FIRST: &str =
    "size(leases) >= #limit AND attribute_not_exists(leases.#item) AND attribute_not_exists(tickets)";
const QUEUE_BEHIND: &str = "size(leases) >= #limit AND attribute_not_exists(leases.#item) \
     AND attribute_not_exists(tickets.#item) AND size(tickets) < :most";
const REGARDLESS_FIRST: &str =
    "attribute_exists(leases) AND attribute_not_exists(leases.#item) AND attribute_not_exists(tickets)";
const REGARDLESS_BEHIND: &str =
    "attribute_not_exists(leases.#item) AND attribute_not_exists(tickets.#item) AND size(tickets) < :most";
const KEEP_TICKET: &str = "tickets.#item = :was";
const RENEW: &str = "leases.#item = :was";
/// From the lease as it would read if it ended now, this moment not included, to the last that begins as it does: [`state::own_lease`].
const RELEASE: &str = "leases.#item BETWEEN :from AND :to AND attribute_not_exists(tickets)";

/// Raises the row's number; an admission sets it.
const NEXT: &str = "fence = fence + :one";

impl Table {
    /// The write of one row.
    pub(super) fn scope_write(
        &self,
        scope: &Scope,
        operation: &Operation,
        now: Timestamp,
    ) -> Result<TransactWriteItem, Fault> {
        let change = match operation {
            Operation::Replace { seen, row } => return self.scope_put(scope, *seen, row),
            Operation::Admit { item, lease: given, digest } => Change {
                item,
                update: "SET leases.#item = :lease, fence = :fence".into(),
                condition: ADMIT,
                limit: Some(limit_name(Some(digest), None)),
                values: vec![(":lease", lease(given)), (":fence", n(given.fence))],
            },
            Operation::Queue { item, ticket: given, digest, until, first } => {
                let limit = Some(limit_name(Some(digest), *until));
                queue(item, given, *first, if *first { QUEUE_FIRST } else { QUEUE_BEHIND }, limit)
            }
            Operation::QueueRegardless { item, ticket: given, first } => {
                queue(item, given, *first, if *first { REGARDLESS_FIRST } else { REGARDLESS_BEHIND }, None)
            }
            Operation::KeepTicket { item, ticket: was, expires_at } => Change {
                item,
                update: format!("SET tickets.#item = :ticket, {NEXT}"),
                condition: KEEP_TICKET,
                limit: None,
                values: vec![
                    (":was", ticket(was)),
                    (":ticket", ticket(&Ticket { expires_at: *expires_at, ..was.clone() })),
                    (":one", n(1)),
                ],
            },
            Operation::Renew { item, lease: was, expires_at } => Change {
                item,
                update: format!("SET leases.#item = :lease, {NEXT}"),
                condition: RENEW,
                limit: None,
                values: vec![
                    (":was", lease(was)),
                    (":lease", lease(&Lease { expires_at: *expires_at, ..was.clone() })),
                    (":one", n(1)),
                ],
            },
            Operation::Release { item, fence, holder, scopes } => {
                let (from, to) = own_lease(*fence, holder, scopes, now);
                Change {
                    item,
                    // A place beyond a list's end appends to it, as `note_release` does.
                    update: format!("SET releases[{}] = :at, {NEXT} REMOVE leases.#item", fence.slot()),
                    condition: RELEASE,
                    limit: None,
                    values: vec![(":at", n(now.as_second())), (":from", from), (":to", to), (":one", n(1))],
                }
            }
        };
        Update::builder()
            .table_name(&self.name)
            .set_key(Some(Key::Scope(scope.clone()).attributes()))
            .set_expression_attribute_names(Some(change.names()))
            .set_expression_attribute_values(Some(
                change.values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            ))
            .update_expression(change.update)
            .condition_expression(change.condition)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map(|update| TransactWriteItem::builder().update(update).build())
            .map_err(|error| Fault::bug_from(format!("writing the row of {scope}"), error))
    }

    fn scope_put(&self, scope: &Scope, seen: Fence, row: &ScopeState) -> Result<TransactWriteItem, Fault> {
        if row.scope != *scope {
            return Err(Fault::bug(format!("the row of {} was to be written as that of {scope}", row.scope)));
        }
        let put = self.put(item(row, seen.next().max(row.fence)));
        let put = match seen {
            Fence(0) => put.condition_expression("attribute_not_exists(pk)"),
            _ => put.condition_expression("fence = :seen").expression_attribute_values(":seen", n(seen)),
        };
        put.build().map(Self::put_item).map_err(|error| Fault::bug_from(format!("writing the row of {scope}"), error))
    }
}

/// A ticket: the first one makes the map that it stands in.
fn queue<'a>(
    item: &'a ItemId,
    given: &Ticket,
    first: bool,
    condition: &'static str,
    limit: Option<String>,
) -> Change<'a> {
    let one = (":one", n(1));
    let (update, values) = if first {
        let tickets = AttributeValue::M([(item.to_string(), ticket(given))].into());
        (format!("SET tickets = :tickets, {NEXT}"), vec![(":tickets", tickets), one])
    } else {
        let most = (":most", n(MAX_TICKETS));
        (format!("SET tickets.#item = :ticket, {NEXT}"), vec![(":ticket", ticket(given)), most, one])
    };
    Change { item, update, condition, limit, values }
}

impl Change<'_> {
    /// The names that stand in its expressions with `#`: the item's id and the limit's.
    fn names(&self) -> HashMap<String, String> {
        let limit = self.limit.iter().map(|limit| ("#limit".to_owned(), limit.clone()));
        [("#item".to_owned(), self.item.to_string())].into_iter().chain(limit).collect()
    }
}
