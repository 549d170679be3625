//! Where posts in the chat stand, so that a copy of an event posts nothing and an answer finds its thread.

use jiff::{SignedDuration, Timestamp};

use super::{
    Table,
    item::{epoch, from_json, row, to_json},
    key::Key,
};
use crate::{
    aws::fault,
    fault::Fault,
    ports::{ChatLedger, ChatRecord},
};

/// How long a row stays: a copy of the event is gone long before.
const KEPT: SignedDuration = SignedDuration::from_hours(60 * 24);

impl ChatLedger for Table {
    async fn chat_record(&self, key: &str) -> Result<Option<ChatRecord>, Fault> {
        let request = self.client.get_item().table_name(&self.name).consistent_read(true);
        let answer = request.set_key(Some(Key::Chat(key.to_owned()).attributes())).send().await;
        let answer = answer.map_err(|error| fault("reading where a post stands", error))?;
        answer.item.as_ref().map(from_json).transpose()
    }

    async fn remember_chat(&self, key: &str, record: &ChatRecord) -> Result<(), Fault> {
        let end = epoch(record.began_at.saturating_add(KEPT).unwrap_or(Timestamp::MAX));
        let item = row(&Key::Chat(key.to_owned()), [("json", to_json(record)?), ("expires_at", end)]);
        let put = self.client.put_item().table_name(&self.name).set_item(Some(item)).send().await;
        put.map(drop).map_err(|error| fault("remembering where a post stands", error))
    }
}
