//! `accounts.yaml`.

use std::collections::BTreeMap;

use super::file::File;
use crate::domain::{cluster::Place, governance::Accounts, id::quoted, yaml::Entry};

pub(super) fn accounts(file: &mut File, entries: &[Entry]) -> Option<Accounts> {
    let [accounts, unlisted] = file.keys(entries, ["accounts", "unlisted"]);
    let unlisted = file.unlisted(unlisted);
    let accounts =
        file.required(accounts, Place::START, "accounts", "a mapping of account ids, in quotes, to names")?;
    let mut listed = BTreeMap::new();
    for entry in file.mapping(accounts, "accounts")? {
        match (entry.key.parse(), entry.value.text()) {
            (Ok(id), Some(name)) => drop(listed.insert(id, name.to_owned())),
            (Err(_), _) => file.find(entry.place, "value", "accounts", quoted(&entry.key, 80), "12 digits, in quotes"),
            (Ok(_), None) => {
                file.find(entry.value.place, "value", "accounts", entry.value.found(), "a name for people, as text");
            }
        }
    }
    Some(Accounts { listed, unlisted: unlisted? })
}
