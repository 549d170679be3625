//! Work items: a light row each in one partition, which lists them; what the gates look at and the answers to requests in a partition
//! of the item's own.
//!
//! Every write of an item goes through its light row, whose version is the condition: so what stands beside it needs none.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{Get, TransactGetItem, TransactWriteItem};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Table,
    item::{Item as Row, from_json, n, place, row, s, text, to_json},
    key::{ITEMS, Key},
    transact::Attempt,
};
use crate::{
    aws::fault,
    domain::{
        id::{BlockerId, CriterionKey, ItemId, RequestId},
        rhythm::Blocker,
        stage::{Answered, Approval, Dossier, Evidence, Item, kill::KillReview},
    },
    fault::Fault,
    ports::{Found, ItemChange, ItemCommitted, ItemRows, MAX_WEIGHT, Page},
};

/// The IAM actions that [`ItemRows`] needs beside those of the places and events that change with an item (`WIP_ACTIONS`).
pub const ITEM_ACTIONS: &[&str] = &["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"];

/// The IAM actions that listing items needs.
pub const ITEM_LIST_ACTIONS: &[&str] = &["dynamodb:Query"];

/// What stands beside the light row.
#[derive(Serialize, Deserialize)]
struct Beside {
    evidence: BTreeMap<CriterionKey, Evidence>,
    approvals: Vec<Approval>,
    #[serde(default)]
    blockers: BTreeMap<BlockerId, Blocker>,
    #[serde(default)]
    kill: KillReview,
}

impl ItemRows for Table {
    async fn item(&self, id: &ItemId, request: Option<&RequestId>) -> Result<Found, Fault> {
        let what = "reading a work item";
        let mut keys = vec![Key::Item(id.clone()), Key::Dossier(id.clone())];
        keys.extend(request.map(|request| Key::Request(id.clone(), request.clone())));
        let mut gets = Vec::new();
        for key in &keys {
            let get = Get::builder().table_name(&self.name).set_key(Some(key.attributes())).build();
            let get = get.map_err(|error| Fault::bug_from(what, error))?;
            gets.push(TransactGetItem::builder().get(get).build());
        }
        let answer = self.client.transact_get_items().set_transact_items(Some(gets)).send().await;
        let answers = answer.map_err(|error| fault(what, error))?.responses.unwrap_or_default();
        if answers.len() != keys.len() {
            let (asked, got) = (keys.len(), answers.len());
            return Err(Fault::bug(format!("{what}: asked for {asked} rows, the table answered {got}")));
        }
        let mut rows = answers.iter().map(|answer| answer.item.as_ref().filter(|row| !row.is_empty()));
        let (item, beside) = (rows.next().flatten(), rows.next().flatten());
        let answered: Option<Answered> = rows.next().flatten().map(from_json).transpose()?;
        let dossier = match (item, beside) {
            (None, None) => None,
            (Some(item), Some(beside)) => {
                let Beside { evidence, approvals, blockers, kill } = from_json(beside)?;
                Some(Dossier { item: from_json(item)?, evidence, approvals, blockers, kill })
            }
            (_, _) => return Err(Fault::bug(format!("of the two rows of the item {id} one is missing"))),
        };
        Ok(Found { dossier, answered })
    }

    async fn items(&self, after: Option<&ItemId>, most: usize) -> Result<Page, Fault> {
        // One more than is wanted tells whether there are more.
        let limit = i32::try_from(most.saturating_add(1)).unwrap_or(i32::MAX);
        let request = self.client.query().table_name(&self.name).consistent_read(true).limit(limit);
        let answer = request
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", s(ITEMS))
            .set_exclusive_start_key(after.map(|item| Key::Item(item.clone()).attributes()))
            .send()
            .await
            .map_err(|error| fault("listing work items", error))?;
        let rows = answer.items.unwrap_or_default();
        // A page ends at 1 MB, too.
        let more = rows.len() > most || answer.last_evaluated_key.is_some_and(|key| !key.is_empty());
        let mut page = Page::default();
        for row in rows.iter().take(most) {
            match from_json::<Item>(row) {
                Ok(item) => page.items.push(item),
                Err(fault) => page.unreadable.push(fault.chain()),
            }
        }
        if let Some(last) = rows.iter().take(most).next_back().filter(|_| more) {
            let place = place(last);
            let odd = || Fault::bug(format!("listing work items: the row {place} is no item's"));
            let Some(Key::Item(id)) = Key::parse(text(last, "pk")?, text(last, "sk")?) else { return Err(odd()) };
            page.next = Some(id);
        }
        Ok(page)
    }

    async fn commit_item(&self, change: &ItemChange, now: Timestamp) -> Result<ItemCommitted, Fault> {
        let what = "writing a work item";
        if !change.fits() {
            let weight = change.weight();
            return Err(Fault::bug(format!(
                "{what}: {weight} changes do not fit into one transaction of {MAX_WEIGHT}"
            )));
        }
        let mut parts = self.item_parts(change)?;
        parts.extend(self.scope_parts(&change.writes, &change.events, now)?);
        parts.extend(self.append(change.entry.clone()).await?);
        Ok(match self.transact(what, parts).await? {
            Attempt::Done(failed) if failed.is_empty() => ItemCommitted::Done,
            // Whichever row it was is read again anyway.
            Attempt::Done(_) | Attempt::Again => ItemCommitted::Lost,
        })
    }
}

impl Table {
    fn item_parts(&self, change: &ItemChange) -> Result<Vec<TransactWriteItem>, Fault> {
        let broken = |error| Fault::bug_from("writing a work item", error);
        let new = |row: Row| self.put(row).condition_expression("attribute_not_exists(pk)");
        let mut parts = Vec::new();
        if let Some((seen, dossier)) = &change.dossier {
            let Dossier { item, evidence, approvals, blockers, kill } = dossier.clone();
            let light = [("version", n(item.version)), ("json", to_json(&item)?)];
            let light = row(&Key::Item(change.item.clone()), light);
            let light = match seen {
                0 => new(light),
                seen => self
                    .put(light)
                    .condition_expression("#version = :seen")
                    .expression_attribute_names("#version", "version")
                    .expression_attribute_values(":seen", n(seen)),
            };
            parts.push(Self::put_item(light.build().map_err(broken)?));
            let beside = Beside { evidence, approvals, blockers, kill };
            let beside = row(&Key::Dossier(change.item.clone()), [("json", to_json(&beside)?)]);
            parts.push(Self::put_item(self.put(beside).build().map_err(broken)?));
        }
        if let Some(answered) = &change.answered {
            let key = Key::Request(change.item.clone(), answered.request.request_id.clone());
            let answer = new(row(&key, [("json", to_json(answered)?)]));
            parts.push(Self::put_item(answer.build().map_err(broken)?));
        }
        Ok(parts)
    }
}
