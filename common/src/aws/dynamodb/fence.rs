//! Generations: one rising number a branch, taken by one atomic addition.
//!
//! A reply that was lost may cost a number; numbers only have to rise.

use aws_sdk_dynamodb::{operation::update_item::UpdateItemError, types::ReturnValue};
use jiff::Timestamp;

use super::{
    Table,
    item::{n, number, s, text},
    key::Key,
};
use crate::{
    aws::fault,
    domain::{
        cluster::start::Started,
        id::{BranchName, CommitSha, Generation, RepositoryId},
    },
    fault::Fault,
};

impl Table {
    pub(super) async fn raise_fence(
        &self,
        repository: RepositoryId,
        branch: &BranchName,
        head: &CommitSha,
        now: Timestamp,
    ) -> Result<Generation, Fault> {
        let request = self.client.update_item().table_name(&self.name);
        let answer = request
            .set_key(Some(Key::Fence(repository, branch.clone()).attributes()))
            .update_expression("SET head = :head, taken_at = :now, v = :v ADD generation :one")
            .expression_attribute_values(":head", s(head.as_str()))
            .expression_attribute_values(":now", s(now.to_string()))
            .expression_attribute_values(":v", n(1))
            .expression_attribute_values(":one", n(1))
            .return_values(ReturnValue::UpdatedNew)
            .send()
            .await
            .map_err(|error| fault("taking a generation", error))?;
        let item = answer.attributes.ok_or_else(|| Fault::bug("the table did not say which generation it gave"))?;
        number(&item, "generation").map(Generation)
    }

    pub(super) async fn read_fence(&self, repository: RepositoryId, branch: &BranchName) -> Result<Generation, Fault> {
        let request = self.client.get_item().table_name(&self.name).consistent_read(true);
        let answer = request
            .set_key(Some(Key::Fence(repository, branch.clone()).attributes()))
            .send()
            .await
            .map_err(|error| fault("reading a branch's generation", error))?;
        answer.item.map_or(Ok(Generation(0)), |item| number(&item, "generation").map(Generation))
    }

    pub(super) async fn read_started(
        &self,
        repository: RepositoryId,
        branch: &BranchName,
    ) -> Result<Option<Started>, Fault> {
        let row = self.one("reading up to where runs were started", &Key::Fence(repository, branch.clone())).await?;
        let Some(row) = row.filter(|row| row.contains_key("started")) else { return Ok(None) };
        let broken = |error| {
            Fault::bug_from(format!("the fence of {branch} says in no form that is known what was started"), error)
        };
        serde_json::from_str(text(&row, "started")?).map(Some).map_err(broken)
    }

    // In the fence's own row, so that comparing the fence and writing are one call.
    pub(super) async fn write_started(
        &self,
        repository: RepositoryId,
        branch: &BranchName,
        generation: Generation,
        started: &Started,
    ) -> Result<bool, Fault> {
        let text =
            serde_json::to_string(started).map_err(|error| Fault::bug_from("writing what was started", error))?;
        let request = self.client.update_item().table_name(&self.name);
        let answer = request
            .set_key(Some(Key::Fence(repository, branch.clone()).attributes()))
            .update_expression("SET started = :started")
            .condition_expression("generation = :generation")
            .expression_attribute_values(":started", s(text))
            .expression_attribute_values(":generation", n(generation))
            .send()
            .await;
        match answer {
            Ok(_) => Ok(true),
            Err(error)
                if error.as_service_error().is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
            {
                Ok(false)
            }
            Err(error) => Err(fault("remembering up to where runs were started", error)),
        }
    }
}
