//! The audit trail: a subject's head and entries in one partition.
//!
//! An entry is put together with the new head on condition that the head is still the one that was read, so entries are appended
//! one after another and none is lost or forked.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::TransactWriteItem;

use super::{
    Table,
    item::{Item, from_json, n, row, s, to_json},
    key::{ENTRY_PREFIX, Key},
};
use crate::{
    aws::fault,
    domain::audit::{Draft, Entry, Head},
    fault::Fault,
    ports::AuditTrail,
};

/// The IAM actions that [`AuditTrail`] needs.
pub const AUDIT_TRAIL_ACTIONS: &[&str] = &["dynamodb:GetItem", "dynamodb:Query"];

impl AuditTrail for Table {
    async fn chain(&self, subject: &str) -> Result<(Vec<Entry>, Head), Fault> {
        let head = self.head(subject).await?;
        let mut entries = Vec::new();
        let partition = Key::AuditHead(subject.to_owned()).pk();
        for item in self.query("reading an audit chain", &partition).await? {
            if super::item::text(&item, "sk")?.starts_with(ENTRY_PREFIX) {
                entries.push(from_json::<Entry>(&item)?);
            }
        }
        // Entries beyond the head that was read first: appended meanwhile, when the head has moved on to cover them. They are left
        // out then. When it has not, somebody moved the head back: they stay, and the verifier says so.
        let last = entries.last().map_or(0, |entry| entry.sequence);
        if last > head.sequence && self.head(subject).await?.sequence >= last {
            entries.retain(|entry| entry.sequence <= head.sequence);
        }
        Ok((entries, head))
    }
}

impl Table {
    async fn head(&self, subject: &str) -> Result<Head, Fault> {
        let request = self.client.get_item().table_name(&self.name).consistent_read(true);
        let key = Key::AuditHead(subject.to_owned()).attributes();
        let answer = request.set_key(Some(key)).send().await;
        let answer = answer.map_err(|error| fault("reading the head of an audit chain", error))?;
        answer.item.as_ref().map_or_else(|| Ok(Head::empty(subject)), from_json)
    }

    /// The two writes that append an entry to its subject's chain as it stands now.
    pub(super) async fn append(&self, draft: Draft) -> Result<Vec<TransactWriteItem>, Fault> {
        let subject = draft.subject.clone();
        let head = self.head(&subject).await?;
        let entry = head.append(draft);
        let next = entry.head();
        let broken = |error| Fault::bug_from("appending to an audit chain", error);

        let head_row = row(
            &Key::AuditHead(subject.clone()),
            [("sequence", n(next.sequence)), ("hash", s(next.hash.as_str())), ("json", to_json(&next)?)],
        );
        let head_put = self.put(head_row);
        let head_put = if head.sequence == 0 {
            head_put.condition_expression("attribute_not_exists(pk)")
        } else {
            head_put
                .condition_expression("#hash = :hash")
                .expression_attribute_names("#hash", "hash")
                .expression_attribute_values(":hash", s(head.hash.as_str()))
        };
        let entry_row = row(&Key::AuditEntry(subject, entry.sequence), [("json", to_json(&entry)?)]);
        let entry_put = self.put(entry_row).condition_expression("attribute_not_exists(pk)");
        Ok(vec![Self::put_item(head_put.build().map_err(broken)?), Self::put_item(entry_put.build().map_err(broken)?)])
    }

    /// A whole partition, in the order of its sort keys, read consistently.
    pub(super) async fn query(&self, what: &str, partition: &str) -> Result<Vec<Item>, Fault> {
        let mut items = Vec::new();
        let mut start: Option<HashMap<_, _>> = None;
        loop {
            let request = self.client.query().table_name(&self.name).consistent_read(true);
            let answer = request
                .key_condition_expression("pk = :pk")
                .expression_attribute_values(":pk", s(partition))
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|error| fault(what, error))?;
            items.extend(answer.items.into_iter().flatten());
            start = answer.last_evaluated_key.filter(|key| !key.is_empty());
            if start.is_none() {
                return Ok(items);
            }
        }
    }
}
