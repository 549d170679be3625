//! `environments.yaml`.

use std::collections::BTreeMap;

use super::file::File;
use crate::domain::{
    cluster::Place,
    governance::{Environment, Environments},
    yaml::Entry,
};

pub(super) fn environments(file: &mut File, entries: &[Entry]) -> Option<Environments> {
    let [environments, unlisted] = file.keys(entries, ["environments", "unlisted"]);
    let unlisted = file.unlisted(unlisted);
    let environments = file.required(environments, Place::START, "environments", "a mapping of environments")?;
    let mut listed = BTreeMap::new();
    for entry in file.mapping(environments, "environments")? {
        let key = format!("environments.{}", entry.key);
        let Some(name) = file.parsed_key(entry, "environments") else { continue };
        let Some(rules) = file.mapping(&entry.value, &key) else { continue };
        let [branch, gate, accounts] = file.keys(rules, ["branch", "gate", "accounts"]);
        let branch = branch.and_then(|node| file.parsed(node, &format!("{key}.branch")));
        // After a finding the whole file is refused, so what stands in its place does not matter.
        let gate = gate.is_none_or(|node| file.bool(node, &format!("{key}.gate")).unwrap_or(true));
        let accounts = accounts.map(|node| file.accounts(node, &format!("{key}.accounts")));
        listed.insert(name, Environment { branch, gate, accounts });
    }
    Some(Environments { listed, unlisted: unlisted? })
}
