//! The version of the table's rows, in a row of its own: compared and set.

use aws_sdk_dynamodb::operation::put_item::PutItemError;

use super::{
    Table,
    item::{known, n, number, row},
    key::Key,
};
use crate::{aws::fault, fault::Fault, ports::SchemaRows};

/// The IAM actions that [`SchemaRows`] needs.
pub const SCHEMA_ACTIONS: &[&str] = &["dynamodb:GetItem", "dynamodb:PutItem"];

impl SchemaRows for Table {
    async fn schema_version(&self) -> Result<Option<u32>, Fault> {
        let request = self.client.get_item().table_name(&self.name).consistent_read(true);
        let answer = request.set_key(Some(Key::Schema.attributes())).send().await;
        let answer = answer.map_err(|error| fault("reading the schema version", error))?;
        answer.item.as_ref().map(|item| number(known(item)?, "version")).transpose()
    }

    async fn record_schema_version(&self, seen: Option<u32>, version: u32) -> Result<bool, Fault> {
        let put = self.client.put_item().table_name(&self.name);
        let put = put.set_item(Some(row(&Key::Schema, [("version", n(version))])));
        let put = match seen {
            None => put.condition_expression("attribute_not_exists(pk)"),
            Some(seen) => put
                .condition_expression("#version = :seen")
                .expression_attribute_names("#version", "version")
                .expression_attribute_values(":seen", n(seen)),
        };
        match put.send().await {
            Ok(_) => Ok(true),
            Err(error)
                if matches!(error.as_service_error(), Some(PutItemError::ConditionalCheckFailedException(_))) =>
            {
                Ok(false)
            }
            Err(error) => Err(fault("recording the schema version", error)),
        }
    }
}
