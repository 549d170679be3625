//! The JSON objects that webhooks and answers share, with the fields that GitHub has and somebody reads.

use serde_json::{Value, json};

use super::{
    auth::PERSON,
    git::{Changed, Commit, NONE},
    pulls::Pull,
    world::World,
};

/// How many commits a push payload carries; GitHub leaves out the rest.
const COMMITS: usize = 2048;

pub(super) fn api_url(world: &World) -> String {
    format!("{}/repos/{}", world.url, world.settings.repository)
}

/// The one installation's id: the App's, and a digit that makes a mix-up fail.
pub(super) fn installation_id(world: &World) -> u64 {
    world.settings.app_id * 10 + 1
}

pub(super) fn person() -> Value {
    user(PERSON, 1001, "User")
}

pub(super) fn bot(world: &World) -> Value {
    user("penstock[bot]", world.settings.app_id * 10 + 2, "Bot")
}

/// Whoever called AWS, by their ARN.
pub(super) fn caller(arn: &str) -> Value {
    user(arn, 3000, "User")
}

fn user(login: &str, id: u64, kind: &str) -> Value {
    json!({"login": login, "id": id, "node_id": format!("U_{id}"), "type": kind, "site_admin": false})
}

pub(super) fn owner(world: &World) -> Value {
    let owner = world.settings.repository.as_str().split_once('/').map_or("", |(owner, _)| owner);
    user(owner, 1000, "Organization")
}

pub(super) fn app(world: &World) -> Value {
    json!({
        "id": world.settings.app_id,
        "slug": "penstock",
        "name": "Penstock",
        "owner": owner(world),
        "events": ["pull_request", "push"],
    })
}

pub(super) fn repository(world: &World) -> Value {
    let full_name = world.settings.repository.as_str();
    let name = full_name.split_once('/').map_or("", |(_, name)| name);
    let url = format!("{}/{full_name}", world.url);
    json!({
        "id": world.settings.id,
        "node_id": format!("R_{}", world.settings.id),
        "name": name,
        "full_name": full_name,
        "private": true,
        "owner": owner(world),
        "html_url": url,
        "description": null,
        "fork": false,
        "url": api_url(world),
        "clone_url": format!("{url}.git"),
        "default_branch": world.settings.default_branch,
        "archived": false,
        "disabled": false,
        "visibility": "private",
    })
}

pub(super) fn installation(world: &World) -> Value {
    json!({"id": installation_id(world), "node_id": format!("I_{}", installation_id(world))})
}

/// What a push did to one ref.
pub(super) struct Push<'a> {
    /// `refs/heads/main`.
    pub(super) name: &'a str,
    pub(super) before: Option<&'a str>,
    pub(super) after: Option<&'a str>,
    pub(super) forced: bool,
    /// Oldest first, each with what it changed and whether no other branch had it.
    pub(super) commits: Vec<(Commit, Vec<Changed>, bool)>,
    /// The commit that `after` is.
    pub(super) head: Option<(Commit, Vec<Changed>)>,
}

/// <https://docs.github.com/en/webhooks/webhook-events-and-payloads#push>
pub(super) fn push(world: &World, push: &Push<'_>, sender: &Value) -> Value {
    let short = |sha: &str| sha.chars().take(12).collect::<String>();
    let range = match (push.before, push.after) {
        (Some(before), Some(after)) => format!("{}...{}", short(before), short(after)),
        (one, other) => short(one.or(other).unwrap_or(NONE)),
    };
    let commits: Vec<Value> = push
        .commits
        .iter()
        .rev()
        .take(COMMITS)
        .rev()
        .map(|(commit, changed, distinct)| pushed_commit(world, commit, changed, *distinct))
        .collect();
    let login = sender.get("login").cloned().unwrap_or_default();
    json!({
        "ref": push.name,
        "before": push.before.unwrap_or(NONE),
        "after": push.after.unwrap_or(NONE),
        "repository": repository(world),
        "pusher": {"name": login, "email": null},
        "sender": sender,
        "installation": installation(world),
        "created": push.before.is_none(),
        "deleted": push.after.is_none(),
        "forced": push.forced,
        "base_ref": null,
        "compare": format!("{}/{}/compare/{range}", world.url, world.settings.repository),
        "commits": commits,
        "head_commit": push.head.as_ref().map(|(commit, changed)| pushed_commit(world, commit, changed, true)),
    })
}

fn pushed_commit(world: &World, commit: &Commit, changed: &[Changed], distinct: bool) -> Value {
    let paths = |letters: &[char]| -> Vec<&str> {
        changed.iter().filter(|change| letters.contains(&change.letter)).map(|change| change.path.as_str()).collect()
    };
    json!({
        "id": commit.sha,
        "tree_id": commit.tree,
        "distinct": distinct,
        "message": commit.message,
        "timestamp": commit.committer.date,
        "url": format!("{}/{}/commit/{}", world.url, world.settings.repository, commit.sha),
        "author": {"name": commit.author.name, "email": commit.author.email},
        "committer": {"name": commit.committer.name, "email": commit.committer.email},
        "added": paths(&['A']),
        "removed": paths(&['D']),
        "modified": paths(&['M', 'T']),
    })
}

/// <https://docs.github.com/en/rest/repos/repos#list-repository-activities>
pub(super) fn activity(world: &World, push: &Push<'_>, actor: &Value) -> Value {
    let activity = match (push.before, push.after) {
        (None, _) => "branch_creation",
        (_, None) => "branch_deletion",
        _ if push.forced => "force_push",
        _ => "push",
    };
    json!({
        "id": world.memory().next_id(),
        "before": push.before.unwrap_or(NONE),
        "after": push.after.unwrap_or(NONE),
        "ref": push.name,
        "timestamp": super::clock::now().to_string(),
        "activity_type": activity,
        "actor": actor,
    })
}

/// The account that has an address: only those that the host gave out itself, `<id>+<login>@users.noreply.example` and the person's.
fn account(email: &str) -> Value {
    let Some(name) = email.strip_suffix("@users.noreply.example") else { return Value::Null };
    match name.split_once('+') {
        Some((id, login)) => id.parse().map_or(Value::Null, |id| user(login, id, "User")),
        None if name == PERSON => person(),
        None => Value::Null,
    }
}

/// A commit with the accounts of its addresses.
pub(super) fn commit(world: &World, commit: &Commit) -> Value {
    json!({
        "sha": commit.sha, "commit": git_commit(world, commit),
        "author": account(&commit.author.email), "committer": account(&commit.committer.email),
    })
}

pub(super) fn git_commit(world: &World, commit: &Commit) -> Value {
    let parents: Vec<Value> = commit.parents.iter().map(|sha| json!({"sha": sha})).collect();
    json!({
        "sha": commit.sha,
        "url": format!("{}/git/commits/{}", api_url(world), commit.sha),
        "author": {"name": commit.author.name, "email": commit.author.email, "date": commit.author.date},
        "committer": {"name": commit.committer.name, "email": commit.committer.email, "date": commit.committer.date},
        "tree": {"sha": commit.tree},
        "message": commit.message,
        "parents": parents,
    })
}

/// A changed file as comparisons and pull requests list it, without the patch.
pub(super) fn changed_file(change: &Changed) -> Value {
    let status = match change.letter {
        'A' => "added",
        'D' => "removed",
        'R' => "renamed",
        'C' => "copied",
        _ => "modified",
    };
    let mut file = json!({"filename": change.path, "status": status});
    if let (Some(before), Some(object)) = (&change.before, file.as_object_mut()) {
        object.insert("previous_filename".to_owned(), json!(before));
    }
    file
}

pub(super) fn label(world: &World, name: &str) -> Value {
    json!({"name": name, "color": "ededed", "default": false, "description": null,
        "url": format!("{}/labels/{name}", api_url(world))})
}

pub(super) fn pull(world: &World, pull: &Pull) -> Value {
    let owner_login = owner(world).get("login").cloned().unwrap_or_default();
    let owner_login = owner_login.as_str().unwrap_or_default();
    let tip = |branch: &str, sha: &str| {
        json!({
            "label": format!("{owner_login}:{branch}"),
            "ref": branch,
            "sha": sha,
            "user": owner(world),
            "repo": repository(world),
        })
    };
    json!({
        "id": pull.id,
        "node_id": format!("PR_{}", pull.id),
        "url": format!("{}/pulls/{}", api_url(world), pull.number),
        "html_url": format!("{}/{}/pull/{}", world.url, world.settings.repository, pull.number),
        "number": pull.number,
        "state": if pull.open { "open" } else { "closed" },
        "locked": false,
        "title": pull.title,
        "body": pull.body,
        "user": pull.user,
        "created_at": pull.created_at,
        "updated_at": pull.updated_at,
        "closed_at": pull.closed_at,
        "merged_at": pull.merged.as_ref().and(pull.closed_at),
        "merge_commit_sha": pull.merged,
        "draft": pull.draft,
        "labels": pull.labels.iter().map(|name| label(world, name)).collect::<Vec<_>>(),
        "requested_reviewers": [],
        "head": tip(&pull.head_branch, &pull.head),
        "base": tip(&pull.base_branch, &pull.base),
        "merged": pull.merged.is_some(),
        "mergeable": pull.mergeable,
        "author_association": "MEMBER",
    })
}

/// <https://docs.github.com/en/webhooks/webhook-events-and-payloads#pull_request>
pub(super) fn pull_request(world: &World, action: &str, about: &Pull, sender: &Value, more: Value) -> Value {
    let mut payload = json!({
        "action": action,
        "number": about.number,
        "pull_request": pull(world, about),
        "repository": repository(world),
        "sender": sender,
        "installation": installation(world),
    });
    if let (Some(object), Value::Object(more)) = (payload.as_object_mut(), more) {
        object.extend(more);
    }
    payload
}
