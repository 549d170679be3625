//! A directory as the control plane would see it: the files below `deploy/`, and the configuration to judge them by.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use common::domain::{
    cluster::{EntryKind, MAX_FILE_BYTES, TreeEntry},
    governance::{Governance, RepositoryEntry},
    id::{BlobSha, Digest, RepositoryId},
};

use crate::Common;

/// The files below `deploy/`.
#[derive(Default)]
pub(crate) struct Tree {
    /// What is there. A file's id is the sha256 of its bytes, not git's: nothing here compares it with git's.
    pub(crate) entries: Vec<TreeEntry>,
    /// The bytes of the files that are not too large.
    pub(crate) contents: BTreeMap<BlobSha, Vec<u8>>,
}

/// A tree, and what it is judged by.
pub(crate) struct Input {
    /// The tree.
    pub(crate) tree: Tree,
    /// The configuration.
    pub(crate) governance: Governance,
    /// Which repository this is.
    pub(crate) repository: RepositoryId,
    /// What repositories.yaml says about it.
    pub(crate) entry: RepositoryEntry,
    /// Where the configuration came from, for people.
    pub(crate) judged_by: String,
}

/// What everything is judged by when there is no configuration: the two registries admit what they do not list. Nobody works on
/// anything then, and no limit matters.
const ADMIT_ALL: [(&str, &str); 7] = [
    ("environments.yaml", "environments: {}\nunlisted: admit\n"),
    ("accounts.yaml", "accounts: {}\nunlisted: admit\n"),
    ("repositories.yaml", "repositories: [{id: 1, name: local/directory, kind: cluster, default_branch: main}]\n"),
    ("people.yaml", "people: {}\n"),
    ("pods.yaml", "pods: {}\n"),
    (
        "limits.yaml",
        "{default_ttl_seconds: 60, max_ttl_seconds: 60, ticket_ttl_seconds: 600, warn_at_percent: 80, limits: {portfolio: {limit: 0}}}\n",
    ),
    (
        "schedules.yaml",
        "{time_zone: UTC, working_days: [monday], stale_after_days: 1, daily: {channel: nobody, thread: \"10:00\", reminder: \"10:10\", summary: \"10:30\"}}\n",
    ),
];

impl Input {
    /// Reads a directory.
    pub(crate) fn read(common: &Common) -> anyhow::Result<Self> {
        let root = &common.directory;
        let tree = Tree::read(root)?;
        let default = root.join("terraform/governance");
        let chosen = common.governance.clone().or_else(|| default.is_dir().then_some(default));
        let (files, judged_by) = match chosen {
            Some(directory) => {
                let words = format!("judged by {}", directory.display());
                (governance_files(&directory)?, words)
            }
            None => {
                let words =
                    "no terraform/governance here and no --governance: every environment and account is admitted";
                (ADMIT_ALL.map(|(name, text)| (name.to_owned(), text.to_owned())).into(), words.to_owned())
            }
        };
        let governance = parse(&files)?;
        let (repository, entry) = repository(&governance, common.repository)?;
        Ok(Self { tree, governance, repository, entry, judged_by })
    }
}

impl Tree {
    /// Reads the `deploy/` of a directory.
    pub(crate) fn read(root: &Path) -> anyhow::Result<Self> {
        let deploy = root.join("deploy");
        if !deploy.is_dir() {
            bail!("there is no directory deploy/ in {}: name the directory that holds it", root.display());
        }
        let mut tree = Self::default();
        tree.walk(&deploy, "deploy")?;
        tree.entries.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(tree)
    }

    fn walk(&mut self, directory: &Path, prefix: &str) -> anyhow::Result<()> {
        for path in list(directory)? {
            let name = format!("{prefix}/{}", file_name(&path));
            let metadata = fs::symlink_metadata(&path).with_context(|| format!("cannot read {}", path.display()))?;
            if metadata.is_dir() {
                self.walk(&path, &name)?;
                continue;
            }
            let readable = metadata.is_file() && metadata.len() <= MAX_FILE_BYTES;
            let bytes = match readable {
                true => fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?,
                false => Vec::new(),
            };
            let blob: BlobSha = Digest::of(&bytes).as_str().parse()?;
            let kind = if metadata.is_file() { EntryKind::File } else { EntryKind::Other };
            self.entries.push(TreeEntry { path: name, kind, blob: blob.clone(), size: metadata.len() });
            self.contents.insert(blob, bytes);
        }
        Ok(())
    }
}

/// The configuration in a directory.
pub(crate) fn governance(directory: &Path) -> anyhow::Result<Governance> {
    parse(&governance_files(directory)?)
}

/// The configuration that files are, by their names from its directory.
pub(crate) fn parse(files: &BTreeMap<String, String>) -> anyhow::Result<Governance> {
    Governance::parse(&serde_json::to_vec(files)?).map_err(|findings| {
        let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("the configuration cannot be used:\n{}", lines.join("\n"))
    })
}

fn repository(
    governance: &Governance,
    chosen: Option<RepositoryId>,
) -> anyhow::Result<(RepositoryId, RepositoryEntry)> {
    let listed = governance.repositories.listed.iter();
    // Of the others nothing below deploy/ would be read.
    let listed: Vec<(&RepositoryId, &RepositoryEntry)> =
        listed.filter(|(_, entry)| entry.kind.makes_pipelines()).collect();
    match (chosen, listed.as_slice()) {
        (Some(id), listed) => match listed.iter().find(|(listed, _)| **listed == id) {
            Some((id, entry)) => Ok((**id, (*entry).clone())),
            None => bail!("repositories.yaml lists no repository {id} of kind cluster"),
        },
        (None, [(id, entry)]) => Ok((**id, (*entry).clone())),
        (None, []) => bail!("repositories.yaml lists no repository of kind cluster"),
        (None, several) => {
            let ids: Vec<String> = several.iter().map(|(id, _)| id.to_string()).collect();
            bail!("repositories.yaml lists several repositories: name one with --repository ({})", ids.join(", "))
        }
    }
}

/// The files of the configuration, as Terraform bundles them: `*.yaml` and `stages/*.yaml`.
pub(crate) fn governance_files(directory: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    let stages = directory.join("stages");
    let stages = if stages.is_dir() { list(&stages)? } else { Vec::new() };
    let own = list(directory)?.into_iter().map(|path| (file_name(&path), path));
    for (name, path) in own.chain(stages.into_iter().map(|path| (format!("stages/{}", file_name(&path)), path))) {
        if path.extension().is_some_and(|extension| extension == "yaml") {
            let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            files.insert(name, text);
        }
    }
    Ok(files)
}

fn list(directory: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let read = || fs::read_dir(directory)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>();
    let mut paths = read().with_context(|| format!("cannot read {}", directory.display()))?;
    paths.sort();
    Ok(paths)
}

// A name that is not UTF-8 gets replacement characters, and is then refused by the grammar of paths.
fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
