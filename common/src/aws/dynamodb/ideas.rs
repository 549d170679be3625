//! The idea ledger: one row an idea, in one partition.

use aws_sdk_dynamodb::types::TransactWriteItem;

use super::{
    Table,
    item::{from_json, row, to_json},
    key::{IDEAS, Key},
};
use crate::{
    aws::fault,
    domain::{id::ItemId, idea::Idea},
    fault::Fault,
    ports::{IdeaChange, IdeaRows, SaidCommitted},
};

/// The IAM actions that [`IdeaRows`] needs: a transaction needs the right to each of its parts.
pub const IDEA_ACTIONS: &[&str] = &["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"];

impl IdeaRows for Table {
    async fn idea(&self, id: &ItemId) -> Result<Option<Idea>, Fault> {
        let what = "reading an idea";
        let request = self.client.get_item().table_name(&self.name).consistent_read(true);
        let answer = request.set_key(Some(Key::Idea(id.clone()).attributes())).send().await;
        answer.map_err(|error| fault(what, error))?.item.as_ref().map(from_json).transpose()
    }

    async fn ideas(&self) -> Result<Vec<Idea>, Fault> {
        self.query("listing ideas", IDEAS).await?.iter().map(from_json).collect()
    }

    async fn commit_idea(&self, change: &IdeaChange) -> Result<SaidCommitted, Fault> {
        self.commit_said("writing an idea", vec![self.idea_put(change)?], &[], &change.entry).await
    }
}

impl Table {
    fn idea_put(&self, change: &IdeaChange) -> Result<TransactWriteItem, Fault> {
        let IdeaChange { before, after, .. } = change;
        let put = self.put(row(&Key::Idea(after.id.clone()), [("json", to_json(after)?)]));
        // What is overwritten must be what was read.
        let put = match before {
            None => put.condition_expression("attribute_not_exists(pk)"),
            Some(before) => put
                .condition_expression("#json = :before")
                .expression_attribute_names("#json", "json")
                .expression_attribute_values(":before", to_json(before)?),
        };
        let put = put.build().map_err(|error| Fault::bug_from("writing an idea", error))?;
        Ok(Self::put_item(put))
    }
}
