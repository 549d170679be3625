//! `environments.yaml`.

use std::collections::BTreeMap;

use super::{
    file::{File, Names},
    rules,
};
use crate::domain::{
    cluster::Place,
    governance::{Environment, Environments, Gate},
    yaml::{Entry, Node},
};

pub(super) fn environments(file: &mut File, entries: &[Entry], groups: &Names) -> Option<Environments> {
    let [environments, unlisted] = file.keys(entries, ["environments", "unlisted"]);
    let unlisted = file.unlisted(unlisted);
    let environments = file.required(environments, Place::START, "environments", "a mapping of environments")?;
    let mut listed = BTreeMap::new();
    let file_entries = file.mapping(environments, "environments")?;
    for entry in file_entries {
        let key = format!("environments.{}", entry.key);
        let Some(name) = file.parsed_key(entry, "environments") else { continue };
        let Some(entry_rules) = file.mapping(&entry.value, &key) else { continue };
        let known = [
            "branch",
            "gate",
            "accounts",
            "certificates",
            "restore_drift",
            rules::KEYS[0],
            rules::KEYS[1],
            rules::KEYS[2],
            rules::KEYS[3],
            rules::KEYS[4],
            rules::KEYS[5],
        ];
        let [branch, gate, accounts, certificates, restore, asked @ ..] = file.keys(entry_rules, known);
        let branch = branch.and_then(|node| file.parsed(node, &format!("{key}.branch")));
        // After a finding the whole file is refused, so what stands in its place does not matter.
        let gate = gate.and_then(|node| self::gate(file, node, &format!("{key}.gate"))).unwrap_or(Gate::Approval);
        let accounts = accounts.map(|node| file.accounts(node, &format!("{key}.accounts")));
        let certificates =
            certificates.and_then(|node| bool(file, node, &format!("{key}.certificates"))).unwrap_or(true);
        let restore_drift = restore.and_then(|node| bool(file, node, &format!("{key}.restore_drift"))).unwrap_or(false);
        let rules = rules::rules(file, asked, &key, groups);
        listed.insert(name, Environment { branch, certificates, gate, accounts, restore_drift, rules });
    }
    rules::together(file, file_entries, &listed);
    Some(Environments { listed, unlisted: unlisted? })
}

fn bool(file: &mut File, node: &Node, key: &str) -> Option<bool> {
    if node.bool().is_none() {
        file.find(node.place, "value", key, node.found(), "true or false");
    }
    node.bool()
}

fn gate(file: &mut File, node: &Node, key: &str) -> Option<Gate> {
    let found = match (node.bool(), node.text()) {
        (Some(true), _) => Some(Gate::Approval),
        (Some(false), _) => Some(Gate::Off),
        (None, Some("invoke")) => Some(Gate::Invoke),
        (None, _) => None,
    };
    if found.is_none() {
        file.find(node.place, "value", key, node.found(), "true, false or invoke");
    }
    found
}
