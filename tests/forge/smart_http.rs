//! Clone and push: `/<owner>/<name>.git/…` goes to `git http-backend` as a CGI child, without a password. What a push
//! changed is found by looking at the refs before and after it, so it is right whatever the client asked for.

use std::{collections::BTreeMap, process::Stdio, sync::Arc};

use anyhow::Context;
use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Uri},
};
use serde_json::Value;
use tokio::io::AsyncWriteExt;

use super::{
    codecommit,
    payload::{self, Push},
    pulls,
    rest::{Answer, Problem},
    world::World,
};

/// Everything that is no API route.
pub(super) async fn serve(
    State(world): State<Arc<World>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let prefix = format!("/{}.git/", world.settings.repository);
    let Some(file) = uri.path().strip_prefix(&prefix).filter(|file| !file.split('/').any(|part| part == "..")) else {
        return Err(Problem::not_found());
    };
    if method != Method::POST || file != "git-receive-pack" {
        return Ok(cgi(&world, &method, &uri, &headers, &body).await?);
    }
    let refs = world.refs.lock().await;
    let before = world.git.refs().await?;
    let answer = cgi(&world, &method, &uri, &headers, &body).await?;
    after_change(&world, &before, &payload::person()).await?;
    drop(refs);
    Ok(answer)
}

async fn cgi(
    world: &World,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &Bytes,
) -> anyhow::Result<Response<Body>> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut child = world
        .git
        .command()
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", &world.settings.root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", method.as_str())
        .env("PATH_INFO", uri.path())
        .env("QUERY_STRING", uri.query().unwrap_or_default())
        .env("CONTENT_TYPE", header("content-type"))
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("GIT_PROTOCOL", header("git-protocol"))
        .env("REMOTE_USER", super::auth::PERSON)
        .env("REMOTE_ADDR", "127.0.0.1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("git http-backend cannot be started")?;
    let mut stdin = child.stdin.take().context("git http-backend has no input")?;
    let input = body.clone();
    // At the same time as reading: git may answer before it has read all. A closed pipe means that it wants no more.
    let writing = tokio::spawn(async move {
        let _ = stdin.write_all(&input).await;
    });
    let output = child.wait_with_output().await?;
    writing.await?;
    let split = output.stdout.windows(4).position(|window| window == b"\r\n\r\n").with_context(|| {
        format!("git http-backend gave no answer: {}", String::from_utf8_lossy(&output.stderr).trim())
    })?;
    let (head, rest) = output.stdout.split_at(split);
    let mut response = Response::new(Body::from(rest.get(4..).unwrap_or_default().to_vec()));
    for line in String::from_utf8_lossy(head).lines() {
        let Some((name, value)) = line.split_once(':') else { continue };
        if name.eq_ignore_ascii_case("status") {
            let code = value.trim().split(' ').next().unwrap_or_default();
            *response.status_mut() = StatusCode::from_bytes(code.as_bytes())?;
        } else {
            response
                .headers_mut()
                .append(HeaderName::from_bytes(name.as_bytes())?, HeaderValue::from_str(value.trim())?);
        }
    }
    Ok(response)
}

/// Sends `push` for every branch and tag that is not what it was, then tells the pull requests.
pub(super) async fn after_change(
    world: &World,
    before: &BTreeMap<String, String>,
    sender: &Value,
) -> anyhow::Result<()> {
    let after = world.git.refs().await?;
    let names: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for name in names {
        let (old, new) = (before.get(name), after.get(name));
        if old != new {
            let push = describe(world, name, old, new, before).await?;
            let activity = payload::activity(world, &push, sender);
            world.memory().activities.push(activity);
            codecommit::events::reference(world, &push, sender);
            world.emit("push", &payload::push(world, &push, sender));
        }
    }
    pulls::follow(world, &after, sender).await
}

async fn describe<'a>(
    world: &World,
    name: &'a str,
    old: Option<&'a String>,
    new: Option<&'a String>,
    refs: &BTreeMap<String, String>,
) -> anyhow::Result<Push<'a>> {
    let (old, new) = (old.map(String::as_str), new.map(String::as_str));
    let mut push = Push { name, before: old, after: new, forced: false, commits: Vec::new(), head: None };
    // An annotated tag points to a tag object; its commit is what the payload shows.
    let commit = match new {
        Some(new) => world.git.resolve(new, "commit").await?,
        None => None,
    };
    let Some(commit) = commit else { return Ok(push) };
    let head = world.git.commit(&commit).await?;
    let changed = world.git.changed_by(&head).await?;
    push.head = Some((head, changed));
    if !name.starts_with("refs/heads/") {
        return Ok(push);
    }
    if let Some(old) = old {
        push.forced = !world.git.is_ancestor(old, &commit).await?;
    }
    let others: Vec<&str> =
        refs.iter().filter(|(other, _)| other.starts_with("refs/heads/")).map(|(_, sha)| sha.as_str()).collect();
    let new_here = world.git.between(&commit, &others).await?;
    // A new branch shows what no branch had; a moved one shows what it did not have itself.
    let shown = match old {
        Some(old) => world.git.between(&commit, &[old]).await?,
        None => new_here.clone(),
    };
    for sha in shown {
        let commit = world.git.commit(&sha).await?;
        let changed = world.git.changed_by(&commit).await?;
        let distinct = new_here.contains(&sha);
        push.commits.push((commit, changed, distinct));
    }
    Ok(push)
}
