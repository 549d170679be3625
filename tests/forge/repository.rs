//! The repository's own routes: branches, refs, trees, blobs, commits, comparisons. All answers come from git.

use std::sync::Arc;

use axum::{body::Bytes, extract::State};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use common::domain::id::{BranchName, CommitSha};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    auth::{Access, Visitor},
    git::Entry,
    payload,
    rest::{Answer, Problem, body, created, ok},
    world::World,
};

/// GitHub lists at most this many files in a comparison.
const FILES: usize = 300;

/// `GET /repos/{owner}/{repo}`: any credentials will do, as for a public repository.
pub(super) async fn show(State(world): State<Arc<World>>, _visitor: Visitor) -> Answer {
    ok(payload::repository(&world))
}

/// `GET /repositories/{id}`
pub(super) async fn show_by_id(State(world): State<Arc<World>>, visitor: Visitor) -> Answer {
    if visitor.number("id")? != world.settings.id {
        return Err(Problem::not_found());
    }
    ok(payload::repository(&world))
}

/// The commit that a sha or a branch names, else 404.
pub(super) async fn commit_of(world: &World, name: &str) -> Result<String, Problem> {
    find_commit(world, name).await?.ok_or_else(Problem::not_found)
}

/// The commit that a sha, a branch or `owner:branch` names.
pub(super) async fn find_commit(world: &World, name: &str) -> Result<Option<String>, Problem> {
    if name.parse::<CommitSha>().is_ok() {
        return Ok(world.git.resolve(name, "commit").await?);
    }
    let branch = name.split_once(':').map_or(name, |(_, branch)| branch);
    let Ok(branch) = branch.parse::<BranchName>() else { return Ok(None) };
    Ok(world.git.resolve(&format!("refs/heads/{branch}"), "commit").await?)
}

/// `GET /repos/{owner}/{repo}/branches/{branch}`
pub(super) async fn branch(State(world): State<Arc<World>>, visitor: Visitor) -> Answer {
    visitor.needs("contents", Access::Read)?;
    let name: BranchName = visitor.part("branch").parse().map_err(|_| Problem::not_found())?;
    let Some(sha) = world.git.resolve(&format!("refs/heads/{name}"), "commit").await? else {
        return Err(Problem::not_found());
    };
    let commit = payload::git_commit(&world, &world.git.commit(&sha).await?);
    ok(json!({"name": name, "commit": {"sha": sha, "commit": commit}, "protected": false}))
}

/// `GET /repos/{owner}/{repo}/git/ref/{heads/…|tags/…}`
pub(super) async fn reference(State(world): State<Arc<World>>, visitor: Visitor) -> Answer {
    visitor.needs("contents", Access::Read)?;
    let refs = world.git.refs().await?;
    if refs.is_empty() {
        return Err(Problem::new(axum::http::StatusCode::CONFLICT, "Git Repository is empty."));
    }
    let name = format!("refs/{}", visitor.part("name"));
    let Some(sha) = refs.get(&name) else { return Err(Problem::not_found()) };
    let kind = if world.git.resolve(sha, "commit").await?.as_deref() == Some(sha) { "commit" } else { "tag" };
    ok(
        json!({"ref": name, "url": format!("{}/git/{name}", payload::api_url(&world)), "object": {"sha": sha, "type": kind}}),
    )
}

#[derive(Deserialize)]
struct NewReference {
    #[serde(rename = "ref")]
    name: String,
    sha: String,
}

/// `POST /repos/{owner}/{repo}/git/refs`: 422 when it exists, wherever it stands.
pub(super) async fn create_reference(State(world): State<Arc<World>>, visitor: Visitor, bytes: Bytes) -> Answer {
    visitor.needs("contents", Access::Write)?;
    let NewReference { name, sha } = body(&bytes)?;
    if !name.starts_with("refs/") || name.matches('/').count() < 2 {
        return Err(Problem::invalid("Reference name must start with \"refs/\" and have at least two slashes"));
    }
    if world.git.refs().await?.contains_key(&name) {
        return Err(Problem::invalid("Reference already exists"));
    }
    if world.git.resolve(&sha, "commit").await?.is_none() {
        return Err(Problem::invalid("Object does not exist"));
    }
    world.git.update_ref(&name, &sha, None).await?;
    created(
        json!({"ref": name, "url": format!("{}/git/{name}", payload::api_url(&world)), "object": {"sha": sha, "type": "commit"}}),
    )
}

/// `GET /repos/{owner}/{repo}/git/trees/{sha}[?recursive=1]`: a commit's id will do, as on GitHub.
pub(super) async fn tree(State(world): State<Arc<World>>, visitor: Visitor) -> Answer {
    visitor.needs("contents", Access::Read)?;
    let name = visitor.part("sha");
    let name = if name.parse::<CommitSha>().is_ok() { name.to_owned() } else { commit_of(&world, name).await? };
    let Some(sha) = world.git.resolve(&name, "tree").await? else { return Err(Problem::not_found()) };
    let mut entries = world.git.tree(&sha, visitor.query("recursive").is_some()).await?;
    let limit = world.memory().tree_limit;
    let truncated = entries.len() > limit;
    entries.truncate(limit);
    let entries: Vec<Value> = entries.iter().map(entry).collect();
    ok(
        json!({"sha": sha, "url": format!("{}/git/trees/{sha}", payload::api_url(&world)), "tree": entries, "truncated": truncated}),
    )
}

fn entry(entry: &Entry) -> Value {
    let mut value = json!({"path": entry.path, "mode": entry.mode, "type": entry.kind, "sha": entry.sha});
    if let (Some(size), Some(object)) = (entry.size, value.as_object_mut()) {
        object.insert("size".to_owned(), json!(size));
    }
    value
}

/// `GET /repos/{owner}/{repo}/git/blobs/{sha}`: base64 in lines of 60, as GitHub writes it.
pub(super) async fn blob(State(world): State<Arc<World>>, visitor: Visitor) -> Answer {
    visitor.needs("contents", Access::Read)?;
    let sha: CommitSha = visitor.part("sha").parse().map_err(|_| Problem::not_found())?;
    if world.git.resolve(sha.as_str(), "blob").await?.is_none() {
        return Err(Problem::not_found());
    }
    let bytes = world.git.blob(sha.as_str()).await?;
    let mut content = String::new();
    for (at, character) in STANDARD.encode(&bytes).chars().enumerate() {
        if at > 0 && at % 60 == 0 {
            content.push('\n');
        }
        content.push(character);
    }
    content.push('\n');
    ok(json!({"sha": sha, "size": bytes.len(), "encoding": "base64", "content": content}))
}

/// `GET /repos/{owner}/{repo}/git/commits/{sha}`
pub(super) async fn git_commit(State(world): State<Arc<World>>, visitor: Visitor) -> Answer {
    visitor.needs("contents", Access::Read)?;
    let sha = commit_of(&world, visitor.part("sha")).await?;
    ok(payload::git_commit(&world, &world.git.commit(&sha).await?))
}

/// `GET /repos/{owner}/{repo}/commits/{sha}`
pub(super) async fn commit(State(world): State<Arc<World>>, visitor: Visitor) -> Answer {
    visitor.needs("contents", Access::Read)?;
    let sha = commit_of(&world, visitor.part("sha")).await?;
    ok(payload::commit(&world, &world.git.commit(&sha).await?))
}

/// `GET /repos/{owner}/{repo}/activity`: changes of refs, newest first; `ref` names one.
pub(super) async fn activity(State(world): State<Arc<World>>, visitor: Visitor) -> Answer {
    visitor.needs("contents", Access::Read)?;
    let only = visitor.query("ref");
    let of_ref = |activity: &&Value| only.as_ref().is_none_or(|name| activity["ref"] == json!(name));
    let found: Vec<Value> = world.memory().activities.iter().rev().filter(of_ref).cloned().collect();
    ok(json!(visitor.page(found)))
}

/// `GET /repos/{owner}/{repo}/compare/{base}...{head}`: what `head` has since the two parted.
pub(super) async fn compare(State(world): State<Arc<World>>, visitor: Visitor) -> Answer {
    visitor.needs("contents", Access::Read)?;
    let (base, head) = visitor.part("range").split_once("...").ok_or_else(Problem::not_found)?;
    let (base, head) = (commit_of(&world, base).await?, commit_of(&world, head).await?);
    let Some(merge_base) = world.git.merge_base(&base, &head).await? else {
        return Err(Problem::new(axum::http::StatusCode::NOT_FOUND, "No common ancestor"));
    };
    let ahead = world.git.between(&head, &[&base]).await?;
    let behind = world.git.between(&base, &[&head]).await?.len();
    let status = match (ahead.len(), behind) {
        (0, 0) => "identical",
        (_, 0) => "ahead",
        (0, _) => "behind",
        _ => "diverged",
    };
    let total = ahead.len();
    let mut commits = Vec::new();
    for sha in visitor.page(ahead) {
        commits.push(payload::commit(&world, &world.git.commit(&sha).await?));
    }
    let commit = |sha: &str| json!({"sha": sha, "url": format!("{}/commits/{sha}", payload::api_url(&world))});
    let changed = world.git.changed(&merge_base, &head, true).await?;
    ok(json!({
        "status": status,
        "ahead_by": total,
        "behind_by": behind,
        "total_commits": total,
        "base_commit": commit(&base),
        "merge_base_commit": commit(&merge_base),
        "commits": commits,
        "files": changed.iter().take(FILES).map(payload::changed_file).collect::<Vec<_>>(),
    }))
}
