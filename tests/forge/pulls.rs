//! Pull requests between branches of the one repository: open, edit, list, merge, and what a push does to them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use axum::{body::Bytes, extract::State, http::StatusCode};
use common::domain::id::BranchName;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    auth::{Access, Visitor},
    clock, codecommit,
    git::Merge,
    payload,
    rest::{Answer, Problem, body, created, ok},
    smart_http,
    world::World,
};

/// A pull request.
#[derive(Debug, Clone)]
pub(super) struct Pull {
    pub(super) id: u64,
    pub(super) number: u64,
    pub(super) open: bool,
    pub(super) draft: bool,
    pub(super) labels: BTreeSet<String>,
    pub(super) title: String,
    pub(super) body: Option<String>,
    pub(super) user: Value,
    pub(super) head_branch: String,
    pub(super) head: String,
    pub(super) base_branch: String,
    pub(super) base: String,
    /// The commit that the merge made.
    pub(super) merged: Option<String>,
    /// Whether it could be merged, once somebody has found out.
    pub(super) mergeable: Option<bool>,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) closed_at: Option<Timestamp>,
}

impl Pull {
    pub(super) fn close(&mut self, merged: Option<String>) {
        let now = clock::now();
        (self.open, self.merged, self.updated_at, self.closed_at) = (false, merged, now, Some(now));
    }
}

#[derive(Deserialize)]
pub(super) struct NewPull {
    pub(super) title: String,
    pub(super) head: String,
    pub(super) base: String,
    pub(super) body: Option<String>,
    #[serde(default)]
    pub(super) draft: bool,
}

/// `POST /repos/{owner}/{repo}/pulls`
pub(super) async fn open(State(world): State<Arc<World>>, visitor: Visitor, bytes: Bytes) -> Answer {
    visitor.needs("pull_requests", Access::Write)?;
    let pull = make(&world, body(&bytes)?, visitor.account(&world)).await?;
    created(payload::pull(&world, &pull))
}

/// Opens a pull request in somebody's name.
pub(super) async fn make(world: &World, asked: NewPull, user: Value) -> Result<Pull, Problem> {
    let head_branch = asked.head.rsplit(':').next().unwrap_or_default().to_owned();
    let head = tip(world, &head_branch).await?.ok_or_else(|| Problem::invalid("Validation Failed: head is invalid"))?;
    let base = tip(world, &asked.base).await?.ok_or_else(|| Problem::invalid("Validation Failed: base is invalid"))?;
    if world.git.between(&head, &[&base]).await?.is_empty() {
        return Err(Problem::invalid(&format!(
            "Validation Failed: No commits between {} and {head_branch}",
            asked.base
        )));
    }
    let pull = {
        let mut memory = world.memory();
        let same = |pull: &Pull| pull.open && pull.head_branch == head_branch && pull.base_branch == asked.base;
        if memory.pulls.values().any(same) {
            return Err(Problem::invalid(&format!(
                "Validation Failed: A pull request already exists for {head_branch}."
            )));
        }
        let number = memory.next_number();
        let now = clock::now();
        let pull = Pull {
            id: memory.next_id(),
            number,
            open: true,
            draft: asked.draft,
            labels: BTreeSet::new(),
            title: asked.title,
            body: asked.body,
            user: user.clone(),
            head_branch,
            head,
            base_branch: asked.base,
            base,
            merged: None,
            mergeable: None,
            created_at: now,
            updated_at: now,
            closed_at: None,
        };
        memory.pulls.insert(number, pull.clone());
        pull
    };
    keep_head(world, &pull).await?;
    announce(world, "opened", &pull, &user, json!({}));
    Ok(pull)
}

async fn tip(world: &World, branch: &str) -> anyhow::Result<Option<String>> {
    match branch.parse::<BranchName>() {
        Ok(branch) => world.git.resolve(&format!("refs/heads/{branch}"), "commit").await,
        Err(_) => Ok(None),
    }
}

/// GitHub keeps a pull request's head under `refs/pull/<n>/head`, so that its commits outlive the branch.
async fn keep_head(world: &World, pull: &Pull) -> anyhow::Result<()> {
    world.git.update_ref(&format!("refs/pull/{}/head", pull.number), &pull.head, None).await
}

pub(super) fn announce(world: &World, action: &str, pull: &Pull, sender: &Value, more: Value) {
    codecommit::events::pull(world, action, pull, sender);
    world.emit("pull_request", &payload::pull_request(world, action, pull, sender, more));
}

/// `GET /repos/{owner}/{repo}/pulls`: `state` is open (the default), closed or all; newest first unless `direction` is asc.
pub(super) async fn list(State(world): State<Arc<World>>, visitor: Visitor) -> Answer {
    visitor.needs("pull_requests", Access::Read)?;
    let state = visitor.query("state").unwrap_or("open");
    let head = visitor.query("head").map(|head| head.rsplit(':').next().unwrap_or_default());
    let mut pulls: Vec<Pull> = world.memory().pulls.values().rev().cloned().collect();
    if visitor.query("direction") == Some("asc") {
        pulls.reverse();
    }
    let matching = pulls
        .into_iter()
        .filter(|pull| state == "all" || pull.open == (state == "open"))
        .filter(|pull| visitor.query("base").is_none_or(|base| base == pull.base_branch))
        .filter(|pull| head.is_none_or(|head| head == pull.head_branch))
        .map(|pull| payload::pull(&world, &pull))
        .collect();
    ok(json!(visitor.page::<Value>(matching)))
}

pub(super) fn find(world: &World, visitor: &Visitor) -> Result<Pull, Problem> {
    let number = visitor.number("number")?;
    world.memory().pulls.get(&number).cloned().ok_or_else(Problem::not_found)
}

/// `GET /repos/{owner}/{repo}/pulls/{number}`
pub(super) async fn show(State(world): State<Arc<World>>, visitor: Visitor) -> Answer {
    visitor.needs("pull_requests", Access::Read)?;
    ok(payload::pull(&world, &find(&world, &visitor)?))
}

/// `GET /repos/{owner}/{repo}/commits/{sha}/pulls`: those that the commit is the head or the merge of.
pub(super) async fn with_commit(State(world): State<Arc<World>>, visitor: Visitor) -> Answer {
    visitor.needs("pull_requests", Access::Read)?;
    let sha = visitor.part("sha");
    let with = |pull: &&Pull| pull.head == sha || pull.merged.as_deref() == Some(sha);
    let found: Vec<Pull> = world.memory().pulls.values().filter(with).cloned().collect();
    ok(json!(visitor.page(found.iter().map(|pull| payload::pull(&world, pull)).collect::<Vec<_>>())))
}

/// `GET /repos/{owner}/{repo}/pulls/{number}/files`
pub(super) async fn files(State(world): State<Arc<World>>, visitor: Visitor) -> Answer {
    visitor.needs("pull_requests", Access::Read)?;
    let pull = find(&world, &visitor)?;
    let from = world.git.merge_base(&pull.base, &pull.head).await?.unwrap_or_else(|| pull.base.clone());
    let changed = world.git.changed(&from, &pull.head, true).await?;
    ok(json!(visitor.page(changed).iter().map(payload::changed_file).collect::<Vec<_>>()))
}

#[derive(Deserialize)]
struct Edit {
    title: Option<String>,
    body: Option<String>,
    state: Option<String>,
    base: Option<String>,
}

/// `PATCH /repos/{owner}/{repo}/pulls/{number}`: title, body and base send `edited`; state sends `closed` or `reopened`.
pub(super) async fn edit(State(world): State<Arc<World>>, visitor: Visitor, bytes: Bytes) -> Answer {
    visitor.needs("pull_requests", Access::Write)?;
    let asked: Edit = body(&bytes)?;
    let mut pull = find(&world, &visitor)?;
    let mut changes = serde_json::Map::new();
    if let Some(title) = asked.title {
        changes.insert("title".to_owned(), json!({"from": std::mem::replace(&mut pull.title, title)}));
    }
    if let Some(body) = asked.body {
        changes.insert("body".to_owned(), json!({"from": pull.body.replace(body)}));
    }
    if let Some(base) = asked.base {
        let sha = tip(&world, &base).await?.ok_or_else(|| Problem::invalid("Validation Failed: base is invalid"))?;
        let from = (std::mem::replace(&mut pull.base_branch, base), std::mem::replace(&mut pull.base, sha));
        changes.insert("base".to_owned(), json!({"ref": {"from": from.0}, "sha": {"from": from.1}}));
    }
    let moved = match asked.state.as_deref() {
        Some("closed") if pull.open => Some("closed"),
        Some("open") if pull.merged.is_some() => {
            return Err(Problem::invalid("Validation Failed: state cannot be changed"));
        }
        Some("open") if !pull.open => Some("reopened"),
        Some("open" | "closed") | None => None,
        Some(_) => return Err(Problem::invalid("Validation Failed: state is not included in the list")),
    };
    match moved {
        Some("closed") => pull.close(None),
        Some(_) => (pull.open, pull.closed_at) = (true, None),
        None => {}
    }
    pull.updated_at = clock::now();
    world.memory().pulls.insert(pull.number, pull.clone());
    let sender = visitor.account(&world);
    if !changes.is_empty() {
        announce(&world, "edited", &pull, &sender, json!({"changes": changes}));
    }
    if let Some(action) = moved {
        announce(&world, action, &pull, &sender, json!({}));
    }
    ok(payload::pull(&world, &pull))
}

#[derive(Deserialize, Default)]
struct MergeRequest {
    sha: Option<String>,
    merge_method: Option<String>,
    commit_title: Option<String>,
    commit_message: Option<String>,
}

/// `PUT /repos/{owner}/{repo}/pulls/{number}/merge`: `merge` or `squash`; `sha` must be the head when it is given.
pub(super) async fn merge(State(world): State<Arc<World>>, visitor: Visitor, bytes: Bytes) -> Answer {
    visitor.needs("contents", Access::Write)?;
    let asked: MergeRequest = if bytes.is_empty() { MergeRequest::default() } else { body(&bytes)? };
    let refused = |why: &str| Problem::new(StatusCode::METHOD_NOT_ALLOWED, why);
    // No push may move head or base between looking and writing.
    let refs = world.refs.lock().await;
    let pull = find(&world, &visitor)?;
    if !pull.open || pull.draft {
        return Err(refused("Pull Request is not mergeable"));
    }
    if asked.sha.as_ref().is_some_and(|sha| *sha != pull.head) {
        return Err(Problem::new(StatusCode::CONFLICT, "Head branch was modified. Review and try the merge again."));
    }
    let base = tip(&world, &pull.base_branch).await?.ok_or_else(|| refused("Pull Request is not mergeable"))?;
    let Merge::Tree(tree) = world.git.merge(&base, &pull.head).await? else {
        world.memory().pulls.insert(pull.number, Pull { mergeable: Some(false), ..pull });
        return Err(refused("Pull Request is not mergeable"));
    };
    let (title, parents) = match asked.merge_method.as_deref() {
        None | Some("merge") => (
            format!("Merge pull request #{} from {}", pull.number, pull.head_branch),
            vec![base.as_str(), pull.head.as_str()],
        ),
        Some("squash") => (format!("{} (#{})", pull.title, pull.number), vec![base.as_str()]),
        Some(_) => return Err(refused("This forge merges by merge or squash")),
    };
    let title = asked.commit_title.unwrap_or(title);
    let message = asked.commit_message.unwrap_or_else(|| pull.title.clone());
    let sha = world.git.commit_tree(&tree, &parents, &format!("{title}\n\n{message}")).await?;
    let before = world.git.refs().await?;
    world.git.update_ref(&format!("refs/heads/{}", pull.base_branch), &sha, Some(&base)).await?;
    let sender = visitor.account(&world);
    let mut merged = pull;
    merged.close(Some(sha.clone()));
    world.memory().pulls.insert(merged.number, merged.clone());
    announce(&world, "closed", &merged, &sender, json!({}));
    smart_http::after_change(&world, &before, &sender).await?;
    drop(refs);
    ok(json!({"sha": sha, "merged": true, "message": "Pull Request successfully merged"}))
}

/// What moved branches mean for open pull requests: `synchronize` when the head moved, `closed` when it is gone or when
/// the base now contains it (that is a merge, by whatever way it came).
pub(super) async fn follow(world: &World, refs: &BTreeMap<String, String>, sender: &Value) -> anyhow::Result<()> {
    let open: Vec<Pull> = world.memory().pulls.values().filter(|pull| pull.open).cloned().collect();
    for mut pull in open {
        let base = refs.get(&format!("refs/heads/{}", pull.base_branch));
        let (action, more) = match (refs.get(&format!("refs/heads/{}", pull.head_branch)), base) {
            (_, Some(base)) if *base != pull.base && world.git.is_ancestor(&pull.head, base).await? => {
                pull.close(Some(base.clone()));
                ("closed", json!({}))
            }
            (None, _) => {
                pull.close(None);
                ("closed", json!({}))
            }
            (Some(head), base) if *head != pull.head => {
                let before = std::mem::replace(&mut pull.head, head.clone());
                pull.mergeable = None;
                pull.base = base.cloned().unwrap_or(pull.base);
                pull.updated_at = clock::now();
                keep_head(world, &pull).await?;
                ("synchronize", json!({"before": before, "after": head}))
            }
            _ => continue,
        };
        world.memory().pulls.insert(pull.number, pull.clone());
        announce(world, action, &pull, sender, more);
    }
    Ok(())
}
