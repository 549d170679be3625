//! `repositories.yaml`.

use std::collections::{BTreeMap, btree_map::Entry as Taken};

use super::file::{File, Names};
use crate::domain::{
    cluster::Place,
    governance::{PathRule, Repositories, RepositoryEntry, RepositoryItems, RepositoryKind, RepositoryWip},
    id::{CodeCommitArn, DirectoryPath, PodName, RepositoryId},
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
    let mut taken = BTreeMap::new();
    for item in items {
        let Some((id, entry)) = repository(file, item, pods) else { continue };
        once(file, &mut taken, item, id, &entry);
        listed.insert(id, entry);
    }
    Some(Repositories { listed })
}

/// Finds an id, a name or an ARN that an entry before this one has: an event or a call that says it could mean either.
fn once(
    file: &mut File,
    taken: &mut BTreeMap<(&'static str, String), Place>,
    item: &Node,
    id: RepositoryId,
    entry: &RepositoryEntry,
) {
    let address = match &entry.arn {
        Some(arn) => ("arn", arn.to_string(), arn.to_string()),
        // GitHub's names differ in more than the case of their letters.
        None => ("name", entry.name.as_str().to_ascii_lowercase(), entry.name.to_string()),
    };
    for (key, value, shown) in [("id", id.to_string(), format!("repository {id}")), address] {
        let node = item.mapping().and_then(|entries| entries.iter().find(|entry| entry.key == key));
        let place = node.map_or(item.place, |entry| entry.value.place);
        match taken.entry((key, value)) {
            Taken::Vacant(free) => {
                free.insert(place);
            }
            Taken::Occupied(first) => {
                let Place { line, column } = first.get();
                let found = format!("{shown} a second time, first at {line}:{column}");
                file.find(place, "duplicate", key, found, "each repository once");
                // One repository twice is said once.
                return;
            }
        }
    }
}

fn repository(file: &mut File, item: &Node, pods: &Names) -> Option<(RepositoryId, RepositoryEntry)> {
    let entries = file.mapping(item, "repositories")?;
    let [id, name, arn, pod, kind, path, default_branch, wip, items] =
        file.keys(entries, ["id", "name", "arn", "pod", "kind", "path", "default_branch", "wip", "items"]);
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
    let kind = file
        .required(
            kind,
            item.place,
            "kind",
            "what it is for: cluster, application, services, manager-monorepo or manager-separate",
        )
        .and_then(|node| file.word(node, "kind", RepositoryKind::ALL));
    let path = kind.and_then(|kind| self::path(file, item, kind, path));
    // Misspelt is not absent: what cannot be read refuses the file.
    let owner = Owner {
        said: pod.is_some(),
        pod: pod.and_then(|pod| file.listed(pod, "pod", "a pod of pods.yaml", pods)),
        pods,
    };
    let wip = wip.and_then(|node| self::wip(file, node, &owner));
    let items = items.and_then(|node| self::items(file, node, &owner));
    let (name, kind, default_branch) = (name?, kind?, default_branch?);
    Some((id?, RepositoryEntry { name, arn, pod: owner.pod, kind, path, default_branch, wip, items }))
}

/// Where its configuration is, as its kind needs it.
fn path(file: &mut File, item: &Node, kind: RepositoryKind, node: Option<&Node>) -> Option<DirectoryPath> {
    let parsed = node.map(|node| (node, file.parsed::<DirectoryPath>(node, "path")));
    match (kind.path(), parsed) {
        (PathRule::Deploy, None) => "deploy".parse().ok(),
        (PathRule::Never, None) => None,
        (PathRule::Needed, None) => {
            file.find(
                item.place,
                "missing-key",
                "path",
                "nothing".to_owned(),
                "the directory that its configuration is in",
            );
            None
        }
        (PathRule::Deploy, Some((node, Some(path)))) if path.as_str() != "deploy" => {
            file.find(
                node.place,
                "value",
                "path",
                node.found(),
                "deploy, or no path: the deploy tree of a cluster repository is there",
            );
            None
        }
        (PathRule::Never, Some((node, _))) => {
            file.find(node.place, "value", "path", node.found(), "no path: an application configures nothing");
            None
        }
        (PathRule::Deploy | PathRule::Needed, Some((_, path))) => path,
    }
}

/// Whose the repository is, and so its work, unless it says otherwise.
struct Owner<'a> {
    /// Whether the repository says a pod; it may be none that is listed.
    said: bool,
    pod: Option<PodName>,
    pods: &'a Names,
}

impl Owner<'_> {
    fn of(&self, file: &mut File, node: Option<&Node>, place: Place, key: &str) -> Option<PodName> {
        match node {
            Some(node) => file.listed(node, key, "a pod of pods.yaml", self.pods),
            // A pod that is none was said already.
            None if self.said => self.pod.clone(),
            None => {
                file.find(
                    place,
                    "missing-key",
                    key,
                    "nothing".to_owned(),
                    "a pod of pods.yaml, here or as the repository's pod",
                );
                None
            }
        }
    }
}

const ID: &str = "GitHub's number of the repository, or CodeCommit's UUID of it (repositoryId)";

fn forbidden(file: &mut File, node: Option<&Node>, key: &str, expected: &str) {
    if let Some(node) = node {
        file.find(node.place, "value", key, node.found(), expected);
    }
}

fn wip(file: &mut File, node: &Node, owner: &Owner<'_>) -> Option<RepositoryWip> {
    let entries = file.mapping(node, "wip")?;
    let [pod, stage] = file.keys(entries, ["pod", "stage"]);
    let pod = owner.of(file, pod, node.place, "wip.pod");
    let stage = file.required(stage, node.place, "wip.stage", "a stage");
    let stage = stage.and_then(|stage| file.parsed(stage, "wip.stage"));
    Some(RepositoryWip { pod: pod?, stage: stage? })
}

fn items(file: &mut File, node: &Node, owner: &Owner<'_>) -> Option<RepositoryItems> {
    let entries = file.mapping(node, "items")?;
    let [pod, pipeline, label] = file.keys(entries, ["pod", "pipeline", "label"]);
    let pod = owner.of(file, pod, node.place, "items.pod");
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
