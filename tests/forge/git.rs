//! The `git` program over the bare repository. Arguments are passed as they are, never through a shell; whoever calls has
//! parsed ids and branch names, so none of them can be an option.

use std::{collections::BTreeMap, path::PathBuf, process::Stdio};

use anyhow::{Context, bail};
use tokio::process::Command;

use super::Settings;

/// The commit id that git writes for "none".
pub(super) const NONE: &str = "0000000000000000000000000000000000000000";

/// The repository.
pub(super) struct Git {
    /// `<root>/<owner>/<name>.git`.
    pub(super) directory: PathBuf,
}

/// One entry of a tree.
pub(super) struct Entry {
    pub(super) mode: String,
    pub(super) kind: String,
    pub(super) sha: String,
    pub(super) size: Option<u64>,
    pub(super) path: String,
}

/// A commit.
pub(super) struct Commit {
    pub(super) sha: String,
    pub(super) tree: String,
    pub(super) parents: Vec<String>,
    pub(super) author: Person,
    pub(super) committer: Person,
    pub(super) message: String,
}

/// Name, address, time in RFC 3339.
pub(super) struct Person {
    pub(super) name: String,
    pub(super) email: String,
    pub(super) date: String,
}

/// One changed file: git's letter, the path, and for a rename the path before.
pub(super) struct Changed {
    pub(super) letter: char,
    pub(super) path: String,
    pub(super) before: Option<String>,
}

/// What became of a merge.
pub(super) enum Merge {
    Tree(String),
    Conflict,
}

impl Git {
    /// Opens the repository, or makes it.
    pub(super) async fn open(settings: &Settings) -> anyhow::Result<Self> {
        let directory = settings.root.join(format!("{}.git", settings.repository));
        std::fs::create_dir_all(&directory).with_context(|| format!("cannot make {}", directory.display()))?;
        let git = Self { directory };
        let branch = format!("--initial-branch={}", settings.default_branch);
        git.run(&["init", "--quiet", "--bare", &branch, "."]).await?;
        for (key, value) in [
            ("http.receivepack", "true"),
            ("receive.hideRefs", "refs/pull"),
            ("uploadpack.allowFilter", "true"),
            ("uploadpack.allowReachableSHA1InWant", "true"),
            ("gc.auto", "0"),
        ] {
            git.run(&["config", key, value]).await?;
        }
        Ok(git)
    }

    /// A command with nothing of the surroundings in it: no user's configuration, no repository from the environment.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new("git");
        command.current_dir(&self.directory).kill_on_drop(true);
        for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_NAMESPACE", "GIT_OBJECT_DIRECTORY"] {
            command.env_remove(name);
        }
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_TERMINAL_PROMPT", "0");
        command.env("LC_ALL", "C").stdin(Stdio::null());
        command
    }

    async fn output(&self, arguments: &[&str]) -> anyhow::Result<std::process::Output> {
        self.command().args(arguments).output().await.context("the program git cannot be started: is it installed?")
    }

    /// What git prints; an error when it fails.
    pub(super) async fn run(&self, arguments: &[&str]) -> anyhow::Result<Vec<u8>> {
        let output = self.output(arguments).await?;
        if !output.status.success() {
            bail!("git {} failed: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(output.stdout)
    }

    async fn text(&self, arguments: &[&str]) -> anyhow::Result<String> {
        Ok(String::from_utf8_lossy(&self.run(arguments).await?).trim_end().to_owned())
    }

    /// What a name means, as an object of this kind (`commit`, `tree`, `blob`); nothing when there is no such thing.
    pub(super) async fn resolve(&self, name: &str, kind: &str) -> anyhow::Result<Option<String>> {
        let name = format!("{name}^{{{kind}}}");
        let output = self.output(&["rev-parse", "--quiet", "--verify", "--end-of-options", &name]).await?;
        let sha = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Ok((output.status.success() && !sha.is_empty()).then_some(sha))
    }

    /// Branches and tags with what they point to.
    pub(super) async fn refs(&self) -> anyhow::Result<BTreeMap<String, String>> {
        let text = self.text(&["for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/tags"]).await?;
        Ok(text
            .lines()
            .filter_map(|line| line.split_once(' '))
            .map(|(sha, name)| (name.to_owned(), sha.to_owned()))
            .collect())
    }

    /// Moves a ref from one commit to another, or fails when it is not where it should be.
    pub(super) async fn update_ref(&self, name: &str, new: &str, old: Option<&str>) -> anyhow::Result<()> {
        let mut arguments = vec!["update-ref", name, new];
        arguments.extend(old);
        self.run(&arguments).await.map(drop)
    }

    pub(super) async fn tree(&self, sha: &str, recursive: bool) -> anyhow::Result<Vec<Entry>> {
        let mut arguments = vec!["ls-tree", "-z", "-l", "--full-tree"];
        if recursive {
            arguments.extend(["-r", "-t"]);
        }
        arguments.push(sha);
        let output = String::from_utf8_lossy(&self.run(&arguments).await?).into_owned();
        let entry = |line: &str| {
            let (head, path) = line.split_once('\t')?;
            let mut parts = head.split_ascii_whitespace().map(str::to_owned);
            let (mode, kind, sha) = (parts.next()?, parts.next()?, parts.next()?);
            Some(Entry { mode, kind, sha, size: parts.next()?.parse().ok(), path: path.to_owned() })
        };
        Ok(output.split_terminator('\0').filter_map(entry).collect())
    }

    pub(super) async fn blob(&self, sha: &str) -> anyhow::Result<Vec<u8>> {
        self.run(&["cat-file", "blob", sha]).await
    }

    /// Commits that `include` reaches and `exclude` do not, oldest first.
    pub(super) async fn between(&self, include: &str, exclude: &[&str]) -> anyhow::Result<Vec<String>> {
        let mut arguments = vec!["rev-list", "--reverse", "--topo-order", include, "--not"];
        arguments.extend(exclude);
        Ok(self.text(&arguments).await?.lines().map(str::to_owned).collect())
    }

    pub(super) async fn commit(&self, sha: &str) -> anyhow::Result<Commit> {
        let format = "--format=%H%x00%T%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B";
        let text = self.text(&["show", "--no-patch", "--no-show-signature", format, sha]).await?;
        let mut fields = text.splitn(10, '\0').map(str::to_owned);
        let mut field = || fields.next().with_context(|| format!("git show {sha} answered too few fields"));
        Ok(Commit {
            sha: field()?,
            tree: field()?,
            parents: field()?.split_ascii_whitespace().map(str::to_owned).collect(),
            author: Person { name: field()?, email: field()?, date: field()? },
            committer: Person { name: field()?, email: field()?, date: field()? },
            message: field()?.trim_end().to_owned(),
        })
    }

    /// What differs between two trees. With `renames` a moved file is one change, else two.
    pub(super) async fn changed(&self, from: &str, to: &str, renames: bool) -> anyhow::Result<Vec<Changed>> {
        let renames = if renames { "--find-renames" } else { "--no-renames" };
        let output = self.run(&["diff-tree", "-r", "-z", "--name-status", renames, from, to]).await?;
        let text = String::from_utf8_lossy(&output).into_owned();
        let mut parts = text.split_terminator('\0');
        let mut changes = Vec::new();
        while let (Some(status), Some(path)) = (parts.next(), parts.next()) {
            let letter = status.chars().next().unwrap_or('M');
            let moved = if matches!(letter, 'R' | 'C') { parts.next() } else { None };
            let (path, before) = moved.map_or((path, None), |new| (new, Some(path.to_owned())));
            changes.push(Changed { letter, path: path.to_owned(), before });
        }
        Ok(changes)
    }

    /// What a commit changed, against its first parent or, for a first commit, against nothing.
    pub(super) async fn changed_by(&self, commit: &Commit) -> anyhow::Result<Vec<Changed>> {
        match commit.parents.first() {
            Some(parent) => self.changed(parent, &commit.sha, false).await,
            None => {
                let empty = self.text(&["hash-object", "-t", "tree", "/dev/null"]).await?;
                self.changed(&empty, &commit.sha, false).await
            }
        }
    }

    pub(super) async fn merge_base(&self, one: &str, other: &str) -> anyhow::Result<Option<String>> {
        let output = self.output(&["merge-base", one, other]).await?;
        Ok(output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned()))
    }

    pub(super) async fn is_ancestor(&self, one: &str, other: &str) -> anyhow::Result<bool> {
        Ok(self.output(&["merge-base", "--is-ancestor", one, other]).await?.status.success())
    }

    /// Merges two commits without a work tree.
    pub(super) async fn merge(&self, base: &str, head: &str) -> anyhow::Result<Merge> {
        let output = self.output(&["merge-tree", "--write-tree", base, head]).await?;
        match output.status.code() {
            Some(0) => Ok(Merge::Tree(String::from_utf8_lossy(&output.stdout).trim().to_owned())),
            Some(1) => Ok(Merge::Conflict),
            _ => bail!("git merge-tree failed: {}", String::from_utf8_lossy(&output.stderr).trim()),
        }
    }

    /// Makes a commit in the name of the forge's person.
    pub(super) async fn commit_tree(&self, tree: &str, parents: &[&str], message: &str) -> anyhow::Result<String> {
        let mut command = self.command();
        command.args(["commit-tree", tree, "-m", message]);
        for parent in parents {
            command.args(["-p", parent]);
        }
        for role in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{role}_NAME"), super::auth::PERSON);
            command.env(format!("GIT_{role}_EMAIL"), format!("{}@users.noreply.example", super::auth::PERSON));
        }
        let output = command.output().await.context("git commit-tree cannot be started")?;
        if !output.status.success() {
            bail!("git commit-tree failed: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}
