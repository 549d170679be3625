//! Check runs, with GitHub's rules that a caller can break: only an App writes them and only its own, at most 50
//! annotations come in one request and are added to those before, a column needs a range on one line, and a finished run
//! has a conclusion.

use std::sync::Arc;

use axum::{body::Bytes, extract::State, http::StatusCode};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    auth::{Access, Caller, Visitor},
    clock, payload, repository,
    rest::{Answer, Problem, body, created, ok},
    world::World,
};

const BATCH: usize = 50;
const CONCLUSIONS: [&str; 7] =
    ["action_required", "cancelled", "failure", "neutral", "skipped", "success", "timed_out"];

/// A check run.
#[derive(Debug, Clone)]
pub(super) struct Check {
    id: u64,
    name: String,
    head_sha: String,
    external_id: Option<String>,
    details_url: Option<String>,
    status: String,
    conclusion: Option<String>,
    started_at: Timestamp,
    completed_at: Option<Timestamp>,
    title: Option<String>,
    summary: Option<String>,
    text: Option<String>,
    annotations: Vec<Value>,
}

/// What a request may say; creating needs `name` and `head_sha`.
#[derive(Deserialize)]
struct Write {
    name: Option<String>,
    head_sha: Option<String>,
    external_id: Option<String>,
    details_url: Option<String>,
    status: Option<String>,
    conclusion: Option<String>,
    output: Option<Output>,
}

#[derive(Deserialize)]
struct Output {
    title: Option<String>,
    summary: Option<String>,
    text: Option<String>,
    #[serde(default)]
    annotations: Vec<Line>,
}

#[derive(Deserialize, serde::Serialize)]
struct Line {
    path: String,
    start_line: u32,
    end_line: u32,
    start_column: Option<u32>,
    end_column: Option<u32>,
    annotation_level: String,
    message: String,
    title: Option<String>,
    raw_details: Option<String>,
}

/// `POST /repos/{owner}/{repo}/check-runs`
pub(super) async fn create(State(world): State<Arc<World>>, visitor: Visitor, bytes: Bytes) -> Answer {
    writer(&visitor)?;
    let asked: Write = body(&bytes)?;
    let (Some(name), Some(head_sha)) = (asked.name.clone(), asked.head_sha.clone()) else {
        return Err(Problem::invalid("Invalid request: \"name\" and \"head_sha\" are required"));
    };
    let Some(head_sha) = world.git.resolve(&head_sha, "commit").await? else {
        return Err(Problem::invalid(&format!("No commit found for SHA: {head_sha}")));
    };
    let mut memory = world.memory();
    let mut check = Check {
        id: memory.next_id(),
        name,
        head_sha,
        external_id: None,
        details_url: None,
        status: "queued".to_owned(),
        conclusion: None,
        started_at: clock::now(),
        completed_at: None,
        title: None,
        summary: None,
        text: None,
        annotations: Vec::new(),
    };
    check.apply(asked)?;
    memory.checks.push(check.clone());
    drop(memory);
    created(check.show(&world))
}

/// `PATCH /repos/{owner}/{repo}/check-runs/{id}`
pub(super) async fn update(State(world): State<Arc<World>>, visitor: Visitor, bytes: Bytes) -> Answer {
    writer(&visitor)?;
    let asked: Write = body(&bytes)?;
    let id = visitor.number("id")?;
    let mut memory = world.memory();
    let check = memory.checks.iter_mut().find(|check| check.id == id).ok_or_else(Problem::not_found)?;
    // All of a request holds or none of it.
    let mut changed = check.clone();
    changed.apply(asked)?;
    *check = changed.clone();
    drop(memory);
    ok(changed.show(&world))
}

fn writer(visitor: &Visitor) -> Result<(), Problem> {
    visitor.needs("checks", Access::Write)?;
    match visitor.caller {
        Caller::Installation(_) => Ok(()),
        _ => Err(Problem::new(StatusCode::FORBIDDEN, "You must authenticate via a GitHub App.")),
    }
}

impl Check {
    fn apply(&mut self, asked: Write) -> Result<(), Problem> {
        if let Some(output) = asked.output {
            if output.annotations.len() > BATCH {
                return Err(Problem::invalid(&format!(
                    "Invalid request: no more than {BATCH} items are allowed; {} were supplied (annotations)",
                    output.annotations.len()
                )));
            }
            if output.title.is_none() || output.summary.is_none() {
                return Err(Problem::invalid("Invalid request: output needs \"title\" and \"summary\""));
            }
            if output.summary.as_ref().is_some_and(|text| text.len() > 65_535) {
                return Err(Problem::invalid("Invalid request: summary is too long (maximum is 65535 characters)"));
            }
            for line in &output.annotations {
                line.check()?;
            }
            (self.title, self.summary, self.text) = (output.title, output.summary, output.text);
            self.annotations.extend(output.annotations.iter().map(|line| json!(line)));
        }
        self.name = asked.name.unwrap_or_else(|| std::mem::take(&mut self.name));
        self.external_id = asked.external_id.or(self.external_id.take());
        self.details_url = asked.details_url.or(self.details_url.take());
        if let Some(conclusion) = asked.conclusion {
            if !CONCLUSIONS.contains(&conclusion.as_str()) {
                return Err(Problem::invalid("Invalid request: conclusion is not included in the list"));
            }
            // As on GitHub, a conclusion completes a run.
            self.status = "completed".to_owned();
            self.completed_at = Some(clock::now());
            self.conclusion = Some(conclusion);
        } else if let Some(status) = asked.status {
            if !["queued", "in_progress", "completed"].contains(&status.as_str()) {
                return Err(Problem::invalid("Invalid request: status is not included in the list"));
            }
            if status == "completed" && self.conclusion.is_none() {
                return Err(Problem::invalid("Invalid request: a completed check run needs a conclusion"));
            }
            self.status = status;
        }
        Ok(())
    }

    fn show(&self, world: &World) -> Value {
        let url = format!("{}/check-runs/{}", payload::api_url(world), self.id);
        json!({
            "id": self.id,
            "name": self.name,
            "head_sha": self.head_sha,
            "external_id": self.external_id,
            "details_url": self.details_url,
            "html_url": format!("{}/{}/runs/{}", world.url, world.settings.repository, self.id),
            "status": self.status,
            "conclusion": self.conclusion,
            "started_at": self.started_at,
            "completed_at": self.completed_at,
            "output": {
                "title": self.title,
                "summary": self.summary,
                "text": self.text,
                "annotations_count": self.annotations.len(),
                "annotations_url": format!("{url}/annotations"),
            },
            "url": url,
            "app": payload::app(world),
            "pull_requests": [],
        })
    }
}

impl Line {
    fn check(&self) -> Result<(), Problem> {
        let columns = self.start_column.is_some() || self.end_column.is_some();
        let wrong = match () {
            () if !["notice", "warning", "failure"].contains(&self.annotation_level.as_str()) => {
                "annotation_level is not included in the list"
            }
            () if self.start_line == 0 || self.end_line < self.start_line => {
                "start_line and end_line must be a range from 1"
            }
            () if columns && self.start_line != self.end_line => {
                "columns are allowed only when start_line and end_line are equal"
            }
            () if self.message.is_empty() || self.message.len() > 64 * 1024 => {
                "message must have 1 to 65536 characters"
            }
            () if self.title.as_ref().is_some_and(|title| title.chars().count() > 255) => {
                "title is too long (maximum is 255 characters)"
            }
            () => return Ok(()),
        };
        Err(Problem::invalid(&format!("Invalid request: {wrong}")))
    }
}

/// `GET /repos/{owner}/{repo}/check-runs/{id}`
pub(super) async fn show(State(world): State<Arc<World>>, visitor: Visitor) -> Answer {
    ok(find(&world, &visitor)?.show(&world))
}

/// `GET /repos/{owner}/{repo}/check-runs/{id}/annotations`
pub(super) async fn annotations(State(world): State<Arc<World>>, visitor: Visitor) -> Answer {
    let check = find(&world, &visitor)?;
    ok(json!(visitor.page(check.annotations)))
}

fn find(world: &World, visitor: &Visitor) -> Result<Check, Problem> {
    visitor.needs("checks", Access::Read)?;
    let id = visitor.number("id")?;
    world.memory().checks.iter().find(|check| check.id == id).cloned().ok_or_else(Problem::not_found)
}

/// `GET /repos/{owner}/{repo}/commits/{sha}/check-runs`: newest first; `filter=latest` (the default) shows one of a name.
pub(super) async fn list(State(world): State<Arc<World>>, visitor: Visitor) -> Answer {
    visitor.needs("checks", Access::Read)?;
    let sha = repository::commit_of(&world, visitor.part("sha")).await?;
    let mut found: Vec<Check> = Vec::new();
    for check in world.memory().checks.iter().rev().filter(|check| check.head_sha == sha) {
        let named = visitor.query("check_name").is_none_or(|name| name == check.name);
        let with_status = visitor.query("status").is_none_or(|status| status == check.status);
        let newest = visitor.query("filter") == Some("all") || found.iter().all(|other| other.name != check.name);
        if named && with_status && newest {
            found.push(check.clone());
        }
    }
    let total = found.len();
    let runs: Vec<Value> = visitor.page(found).iter().map(|check| check.show(&world)).collect();
    ok(json!({"total_count": total, "check_runs": runs}))
}
