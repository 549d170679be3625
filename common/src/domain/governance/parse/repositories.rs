//! `repositories.yaml`.

use std::collections::BTreeMap;

use super::file::{File, Names};
use crate::domain::{
    cluster::Place,
    governance::{Repositories, RepositoryEntry, RepositoryItems, RepositoryKind, RepositoryWip},
    id::{CodeCommitArn, RepositoryId},
    yaml::{Entry, Node},
};

pub(super) fn repositories(file: &mut File, entries: &[Entry], pods: &Names) -> Option<Repositories> {
    let [repositories] = file.keys(entries, ["repositories"]);
    let list = file.required(repositories, Place::START, "repositories", "a list of repositories")?;
    let Some(items) = list.sequence() else {
        file.find(list.place, "value", "repositories", list.found(), "a list of repositories");
        return None;
    };
    let mut listed = BTreeMap::new();
    for item in items {
        let Some((id, entry)) = repository(file, item, pods) else { continue };
        if listed.insert(id, entry).is_some() {
            file.find(item.place, "duplicate", "id", format!("repository {id} a second time"), "each repository once");
        }
    }
    Some(Repositories { listed })
}

fn repository(file: &mut File, item: &Node, pods: &Names) -> Option<(RepositoryId, RepositoryEntry)> {
    let entries = file.mapping(item, "repositories")?;
    let [id, name, arn, kind, default_branch, wip, items] =
        file.keys(entries, ["id", "name", "arn", "kind", "default_branch", "wip", "items"]);
    let id = file.required(id, item.place, "id", ID).and_then(|node| {
        let number = node.int().and_then(|number| u64::try_from(number).ok()).filter(|number| *number > 0);
        let uuid = node.text().and_then(|text| text.parse().ok()).map(RepositoryId::CodeCommit);
        let id = number.map(RepositoryId::GitHub).or(uuid);
        if id.is_none() {
            file.find(node.place, "value", "id", node.found(), ID);
        }
        id
    });
    let (name, arn) = match id {
        // Nobody knows of which host it is; what is wrong with the id was said.
        None => (name.and_then(|node| file.parsed(node, "name")), None),
        Some(RepositoryId::GitHub(_)) => {
            forbidden(file, arn, "arn", "name: a repository of GitHub has no ARN");
            (file.required(name, item.place, "name", "owner/name").and_then(|node| file.parsed(node, "name")), None)
        }
        Some(RepositoryId::CodeCommit(_)) => {
            forbidden(file, name, "name", "arn alone: the name of a CodeCommit repository stands in it");
            let arn: Option<CodeCommitArn> = file
                .required(arn, item.place, "arn", "the ARN of the CodeCommit repository")
                .and_then(|node| file.parsed(node, "arn"));
            (arn.as_ref().map(CodeCommitArn::repository_name), arn)
        }
    };
    let default_branch = file
        .required(default_branch, item.place, "default_branch", "a branch")
        .and_then(|node| file.parsed(node, "default_branch"));
    let kinds = [("cluster", RepositoryKind::Cluster), ("application", RepositoryKind::Application)];
    let kind = file
        .required(kind, item.place, "kind", "cluster or application")
        .and_then(|node| file.word(node, "kind", kinds));
    // Misspelt is not absent: what cannot be read refuses the file.
    let wip = wip.and_then(|node| self::wip(file, node, pods));
    let items = items.and_then(|node| self::items(file, node, pods));
    let (name, kind, default_branch) = (name?, kind?, default_branch?);
    Some((id?, RepositoryEntry { name, arn, kind, default_branch, wip, items }))
}

const ID: &str = "GitHub's number of the repository, or CodeCommit's UUID of it (repositoryId)";

fn forbidden(file: &mut File, node: Option<&Node>, key: &str, expected: &str) {
    if let Some(node) = node {
        file.find(node.place, "value", key, node.found(), expected);
    }
}

fn wip(file: &mut File, node: &Node, pods: &Names) -> Option<RepositoryWip> {
    let entries = file.mapping(node, "wip")?;
    let [pod, stage] = file.keys(entries, ["pod", "stage"]);
    let pod = file.required(pod, node.place, "wip.pod", "a pod of pods.yaml");
    let pod = pod.and_then(|pod| file.listed(pod, "wip.pod", "a pod of pods.yaml", pods));
    let stage = file.required(stage, node.place, "wip.stage", "a stage");
    let stage = stage.and_then(|stage| file.parsed(stage, "wip.stage"));
    Some(RepositoryWip { pod: pod?, stage: stage? })
}

fn items(file: &mut File, node: &Node, pods: &Names) -> Option<RepositoryItems> {
    let entries = file.mapping(node, "items")?;
    let [pod, pipeline, label] = file.keys(entries, ["pod", "pipeline", "label"]);
    let pod = file.required(pod, node.place, "items.pod", "a pod of pods.yaml");
    let pod = pod.and_then(|pod| file.listed(pod, "items.pod", "a pod of pods.yaml", pods));
    let pipeline = file.required(pipeline, node.place, "items.pipeline", "a pipeline of stages/");
    let pipeline = pipeline.and_then(|node| file.parsed(node, "items.pipeline"));
    let label = label.map(|node| {
        let text = node.text().map(str::trim).filter(|text| (1..=50).contains(&text.chars().count()));
        if text.is_none() {
            file.find(node.place, "value", "items.label", node.found(), "a label of 1 to 50 characters");
        }
        text.map(str::to_owned)
    });
    let label = label.map_or(Some(None), |label| label.map(Some))?;
    Some(RepositoryItems { pod: pod?, pipeline: pipeline?, label })
}
