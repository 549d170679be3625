//! Issues: opened, edited, closed, labelled by people, and gone as GitHub has it (301 after a transfer, 410 after a deletion). Issues and pull
//! requests share their numbers. <https://docs.github.com/en/rest/issues/issues>

use std::{collections::BTreeSet, sync::Arc};

use axum::{body::Bytes, extract::State, http::StatusCode};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    auth::{Access, Visitor},
    clock, payload,
    rest::{Answer, Problem, body, created, ok},
    world::World,
};

/// An issue.
#[derive(Debug, Clone)]
pub(super) struct Issue {
    number: u64,
    open: bool,
    title: String,
    labels: BTreeSet<String>,
    user: Value,
    /// Whether it is assigned to the one person that there is.
    assigned: bool,
    by_app: bool,
    /// What GitHub answers for one that is not there any more.
    gone: Option<u16>,
    updated_at: Timestamp,
}

impl Issue {
    fn show(&self, world: &World) -> Value {
        let labels: Vec<Value> = self.labels.iter().map(|name| payload::label(world, name)).collect();
        let assignees: Vec<Value> = self.assigned.then(payload::person).into_iter().collect();
        json!({
            "id": self.number + 900_000,
            "number": self.number,
            "state": if self.open { "open" } else { "closed" },
            "title": self.title,
            "user": self.user,
            "labels": labels,
            "performed_via_github_app": self.by_app.then(|| payload::app(world)),
            "assignees": assignees,
            "url": format!("{}/issues/{}", payload::api_url(world), self.number),
            "updated_at": self.updated_at,
        })
    }
}

#[derive(Deserialize)]
struct Asked {
    title: Option<String>,
    labels: Option<BTreeSet<String>>,
    assignees: Option<Vec<String>>,
    state: Option<String>,
}

impl Asked {
    /// Whether the one person is among those whom it is assigned to.
    fn assigned(&self) -> Result<Option<bool>, Problem> {
        let Some(logins) = &self.assignees else { return Ok(None) };
        let person = payload::person();
        match logins.as_slice() {
            [] => Ok(Some(false)),
            [login] if Some(login.as_str()) == person["login"].as_str() => Ok(Some(true)),
            _ => Err(Problem::invalid("Validation Failed: assignees could not be found")),
        }
    }
}

fn find(world: &World, visitor: &Visitor) -> Result<Issue, Problem> {
    let number = visitor.number("number")?;
    let found = world.memory().issues.get(&number).cloned().ok_or_else(Problem::not_found)?;
    match found.gone {
        Some(410) => Err(Problem::new(StatusCode::GONE, "This issue was deleted")),
        Some(_) => Err(Problem::new(StatusCode::MOVED_PERMANENTLY, "Moved Permanently")),
        None => Ok(found),
    }
}

fn announce(world: &World, visitor: &Visitor, action: &str, issue: &Issue) {
    let payload = json!({
        "action": action,
        "issue": issue.show(world),
        "repository": payload::repository(world),
        "sender": visitor.account(world),
        "installation": payload::installation(world),
    });
    world.emit("issues", &payload);
}

/// `POST /repos/{owner}/{repo}/issues`
pub(super) async fn open(State(world): State<Arc<World>>, visitor: Visitor, bytes: Bytes) -> Answer {
    visitor.needs("issues", Access::Write)?;
    let asked: Asked = body(&bytes)?;
    let assigned = asked.assigned()?.unwrap_or(false);
    let title = asked.title.ok_or_else(|| Problem::invalid("Invalid request: \"title\" wasn't supplied"))?;
    let issue = {
        let mut memory = world.memory();
        let issue = Issue {
            number: memory.next_number(),
            open: true,
            title,
            labels: asked.labels.unwrap_or_default(),
            user: visitor.account(&world),
            assigned,
            by_app: !visitor.is_person(),
            gone: None,
            updated_at: clock::now(),
        };
        memory.issues.insert(issue.number, issue.clone());
        issue
    };
    announce(&world, &visitor, "opened", &issue);
    created(issue.show(&world))
}

/// `PATCH /repos/{owner}/{repo}/issues/{number}`: one webhook, named for what changed.
pub(super) async fn edit(State(world): State<Arc<World>>, visitor: Visitor, bytes: Bytes) -> Answer {
    visitor.needs("issues", Access::Write)?;
    let asked: Asked = body(&bytes)?;
    let mut issue = find(&world, &visitor)?;
    issue.assigned = asked.assigned()?.unwrap_or(issue.assigned);
    let mut action = "edited";
    if let Some(title) = asked.title {
        issue.title = title;
    }
    if let Some(labels) = asked.labels {
        action = if labels.is_superset(&issue.labels) { "labeled" } else { "unlabeled" };
        issue.labels = labels;
    }
    if let Some(state) = asked.state {
        (issue.open, action) = match state.as_str() {
            "open" => (true, "reopened"),
            "closed" => (false, "closed"),
            _ => return Err(Problem::invalid("Validation Failed: state is not included in the list")),
        };
    }
    issue.updated_at = clock::now();
    world.memory().issues.insert(issue.number, issue.clone());
    announce(&world, &visitor, action, &issue);
    ok(issue.show(&world))
}

/// `GET /repos/{owner}/{repo}/issues/{number}`
pub(super) async fn show(State(world): State<Arc<World>>, visitor: Visitor) -> Answer {
    visitor.needs("issues", Access::Read)?;
    if let Some(pull) = world.memory().pulls.get(&visitor.number("number")?).cloned() {
        let mut shown = payload::pull(&world, &pull);
        shown["pull_request"] = json!({"merged_at": shown["merged_at"]});
        return ok(shown);
    }
    ok(find(&world, &visitor)?.show(&world))
}

/// `GET /repos/{owner}/{repo}/issues`: `labels` must all be there; pull requests are issues, too.
pub(super) async fn list(State(world): State<Arc<World>>, visitor: Visitor) -> Answer {
    visitor.needs("issues", Access::Read)?;
    let labels: BTreeSet<String> =
        visitor.query("labels").into_iter().flat_map(|names| names.split(',')).map(str::to_owned).collect();
    let state = visitor.query("state").unwrap_or("open");
    let (issues, pulls) = {
        let memory = world.memory();
        (memory.issues.clone(), memory.pulls.clone())
    };
    let mut found: Vec<(u64, Value)> = issues
        .into_values()
        .filter(|issue| issue.gone.is_none() && labels.is_subset(&issue.labels))
        .filter(|issue| state == "all" || issue.open == (state == "open"))
        .map(|issue| (issue.number, issue.show(&world)))
        .collect();
    for pull in pulls.into_values().filter(|pull| labels.is_subset(&pull.labels) && pull.open) {
        let mut shown = payload::pull(&world, &pull);
        shown["pull_request"] = json!({"merged_at": shown["merged_at"]});
        found.push((pull.number, shown));
    }
    found.sort_by_key(|(number, _)| *number);
    ok(json!(visitor.page(found.into_iter().map(|(_, shown)| shown).collect::<Vec<_>>())))
}

#[derive(Deserialize)]
struct Gone {
    number: u64,
    status: u16,
}

/// `PUT /_forge/issue-gone` `{"number", "status"}`: transferred (301) or deleted (410); without a webhook.
pub(super) async fn set_gone(State(world): State<Arc<World>>, bytes: Bytes) -> Answer {
    let Gone { number, status } = body(&bytes)?;
    if ![301, 410].contains(&status) {
        return Err(Problem::invalid("status: expected 301 or 410"));
    }
    let mut memory = world.memory();
    let issue = memory.issues.get_mut(&number).ok_or_else(Problem::not_found)?;
    issue.gone = Some(status);
    ok(json!({}))
}
