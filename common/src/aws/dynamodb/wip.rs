//! The limits on work in progress: one row a scope, and one transaction over the rows of all scopes of an item.
//!
//! A row is written by an update that carries its condition, so that a fast path reads nothing; the condition that failed answers
//! with the row as it stands. An update that stands alone, such as a ticket that is asked for again, needs no transaction. `wip/state.rs` says how a row is stored, `wip/write.rs` how each operation changes it.
//!
//! Which scopes have rows is listed by entries in one partition. An entry is put in the transaction that makes the row and never
//! again. The index `gsi1` could list the rows too, but it carries whole rows: every admission would be written twice, and it could not
//! be read consistently.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::{
    operation::update_item::UpdateItemError,
    types::{Get, ReturnValuesOnConditionCheckFailure, TransactGetItem, TransactWriteItem, Update},
};
use jiff::Timestamp;

use super::{
    Table,
    item::{place, row, text},
    key::{Key, SCOPE_ENTRIES},
    transact::{Attempt, Failed},
};
use crate::{
    aws::fault,
    domain::{
        audit::Draft,
        wip::{Scope, ScopeState, operation::Operation},
    },
    event::Envelope,
    fault::Fault,
    ports::{Committed, MAX_WEIGHT, WipRows, weight},
};

mod state;
mod write;

/// The IAM actions that [`WipRows`] needs: a transaction needs the right to each of its parts.
pub const WIP_ACTIONS: &[&str] = &["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"];

impl WipRows for Table {
    async fn load(&self, scopes: &BTreeSet<Scope>) -> Result<BTreeMap<Scope, ScopeState>, Fault> {
        let what = "reading the rows of the limits on work in progress";
        if scopes.len() > MAX_WEIGHT {
            return Err(Fault::bug(format!("{what}: {} rows do not fit into one read of {MAX_WEIGHT}", scopes.len())));
        }
        if scopes.is_empty() {
            return Ok(BTreeMap::new());
        }
        let mut gets = Vec::new();
        for scope in scopes {
            let key = Key::Scope(scope.clone()).attributes();
            let get = Get::builder().table_name(&self.name).set_key(Some(key)).build();
            let get = get.map_err(|error| Fault::bug_from(what, error))?;
            gets.push(TransactGetItem::builder().get(get).build());
        }
        let answer = self.client.transact_get_items().set_transact_items(Some(gets)).send().await;
        let answers = answer.map_err(|error| fault(what, error))?.responses.unwrap_or_default();
        if answers.len() != scopes.len() {
            return Err(Fault::bug(format!(
                "{what}: asked for {}, the table answered {}",
                scopes.len(),
                answers.len()
            )));
        }
        let mut rows = BTreeMap::new();
        for (scope, answer) in scopes.iter().zip(answers) {
            rows.insert(scope.clone(), state::found(scope, answer.item.as_ref())?);
        }
        Ok(rows)
    }

    async fn scopes(&self) -> Result<BTreeSet<Scope>, Fault> {
        let entries = self.query("listing the scopes that have a row", SCOPE_ENTRIES).await?;
        let scope = |item| match Key::parse(text(item, "pk")?, text(item, "sk")?) {
            Some(Key::ScopeEntry(scope)) => Ok(scope),
            _ => {
                Err(Fault::bug(format!("the row {} names no scope: remove it, or deploy the newer code", place(item))))
            }
        };
        entries.iter().map(scope).collect()
    }

    async fn commit_recorded(
        &self,
        writes: &BTreeMap<Scope, Operation>,
        events: &[Envelope],
        entry: Option<&Draft>,
        now: Timestamp,
    ) -> Result<Committed, Fault> {
        let what = "writing the rows of the limits on work in progress";
        let weight = weight(writes, events, entry);
        if weight > MAX_WEIGHT {
            return Err(Fault::bug(format!(
                "{what}: {weight} changes do not fit into one transaction of {MAX_WEIGHT}"
            )));
        }
        if weight == 0 {
            return Ok(Committed::Done);
        }
        let mut items = self.scope_parts(writes, events, now)?;
        let chain = items.len();
        if let Some(draft) = entry {
            items.extend(self.append(draft.clone()).await?);
        }
        let alone = writes.values().all(may_come_twice).then_some(items.as_slice());
        let attempt = match alone {
            Some([TransactWriteItem { update: Some(update), .. }]) => self.update_alone(what, update.clone()).await?,
            _ => self.transact(what, items).await?,
        };
        match attempt {
            Attempt::Again => Ok(Committed::Conflict),
            Attempt::Done(failed) if failed.is_empty() => Ok(Committed::Done),
            Attempt::Done(mut failed) => {
                // Another entry joined the chain after its head was read: the next attempt reads it anew.
                failed.retain(|one| one.at < chain);
                if failed.is_empty() {
                    return Ok(Committed::Conflict);
                }
                refused(writes, &failed).map(Committed::Failed)
            }
        }
    }
}

impl Table {
    /// The parts of a transaction that change rows, in the order of their scopes, list new ones, and put events into the outbox.
    pub(super) fn scope_parts(
        &self,
        writes: &BTreeMap<Scope, Operation>,
        events: &[Envelope],
        now: Timestamp,
    ) -> Result<Vec<TransactWriteItem>, Fault> {
        let mut items = Vec::new();
        for (scope, operation) in writes {
            items.push(self.scope_write(scope, operation, now)?);
        }
        for (scope, _) in writes.iter().filter(|(_, operation)| operation.creates()) {
            let entry = self.put(row(&Key::ScopeEntry(scope.clone()), [])).build();
            let broken = |error| Fault::bug_from("listing a scope that has a row", error);
            items.push(Self::put_item(entry.map_err(broken)?));
        }
        items.extend(self.event_puts(events)?.into_iter().flatten());
        Ok(items)
    }

    /// One update without a transaction: half the write units, and no token. Only for what may be applied twice, since the SDK may
    /// send it again when a reply is lost.
    async fn update_alone(&self, what: &str, update: Update) -> Result<Attempt<Vec<Failed>>, Fault> {
        let request = self.client.update_item().table_name(&self.name).set_key(Some(update.key));
        let sent = request
            .update_expression(update.update_expression)
            .set_condition_expression(update.condition_expression)
            .set_expression_attribute_names(update.expression_attribute_names)
            .set_expression_attribute_values(update.expression_attribute_values)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let error = match sent {
            Ok(_) => return Ok(Attempt::Done(Vec::new())),
            Err(error) => error,
        };
        match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                Ok(Attempt::Done(vec![Failed { at: 0, found: failed.item().cloned() }]))
            }
            Some(UpdateItemError::TransactionConflictException(_)) => Ok(Attempt::Again),
            _ => Err(fault(what, error)),
        }
    }
}

/// Whether an operation that was applied and is sent again does no harm: it fails and answers with the row that says why, or leaves
/// the row as it is but for its version.
fn may_come_twice(operation: &Operation) -> bool {
    matches!(operation, Operation::Admit { .. } | Operation::KeepTicket { .. } | Operation::Renew { .. })
}

/// The rows whose condition did not hold. The rows stand first in the transaction, in the order of their scopes.
fn refused(writes: &BTreeMap<Scope, Operation>, failed: &[Failed]) -> Result<BTreeMap<Scope, ScopeState>, Fault> {
    let written: Vec<_> = writes.iter().collect();
    let row = |failed: &Failed| {
        let (scope, operation) = written
            .get(failed.at)
            .ok_or_else(|| Fault::bug("a condition failed in a transaction at an item that has none"))?;
        if operation.creates() && failed.found.is_none() {
            // It fails only where a row stands, so an answer without the row is one that leaves it out.
            return Err(Fault::bug(format!(
                "the table did not say which row stands for {scope}: is this an emulator without ALL_OLD?"
            )));
        }
        Ok(((*scope).clone(), state::found(scope, failed.found.as_ref())?))
    };
    failed.iter().map(row).collect()
}
