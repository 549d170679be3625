//! `repositories.yaml`.

use std::collections::BTreeMap;

use super::file::File;
use crate::domain::{
    cluster::Place,
    governance::{Repositories, RepositoryEntry, RepositoryKind},
    id::RepositoryId,
    yaml::{Entry, Node},
};

pub(super) fn repositories(file: &mut File, entries: &[Entry]) -> Option<Repositories> {
    let [repositories] = file.keys(entries, ["repositories"]);
    let list = file.required(repositories, Place::START, "repositories", "a list of repositories")?;
    let Some(items) = list.sequence() else {
        file.find(list.place, "value", "repositories", list.found(), "a list of repositories");
        return None;
    };
    let mut listed = BTreeMap::new();
    for item in items {
        let Some((id, entry)) = repository(file, item) else { continue };
        if listed.insert(id, entry).is_some() {
            file.find(item.place, "duplicate", "id", format!("repository {id} a second time"), "each repository once");
        }
    }
    Some(Repositories { listed })
}

fn repository(file: &mut File, item: &Node) -> Option<(RepositoryId, RepositoryEntry)> {
    let entries = file.mapping(item, "repositories")?;
    let [id, name, kind, default_branch] = file.keys(entries, ["id", "name", "kind", "default_branch"]);
    let id = file.required(id, item.place, "id", "the source host's number of the repository").and_then(|node| {
        let number = node.int().and_then(|number| u64::try_from(number).ok()).filter(|number| *number > 0);
        if number.is_none() {
            file.find(node.place, "value", "id", node.found(), "the source host's number of the repository");
        }
        number
    });
    let name = file.required(name, item.place, "name", "owner/name").and_then(|node| file.parsed(node, "name"));
    let default_branch = file
        .required(default_branch, item.place, "default_branch", "a branch")
        .and_then(|node| file.parsed(node, "default_branch"));
    let kind = file
        .required(kind, item.place, "kind", "cluster")
        .and_then(|node| file.word(node, "kind", [("cluster", RepositoryKind::Cluster)]));
    Some((RepositoryId(id?), RepositoryEntry { name: name?, kind: kind?, default_branch: default_branch? }))
}
