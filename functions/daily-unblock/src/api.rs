//! `POST /v1/maintenance/{task}`: somebody says what shows that a task was done.
//!
//! 201 with the period that it counts for; 200 when it was said before; 404 for a task that schedules.yaml does not have.

use common::{
    domain::{
        access::{self, Action, Actor, Role},
        cluster::nearest,
        governance::Governance,
        id::{CorrelationId, TaskName, is_hidden, quoted},
        rhythm::{Done, Period, Task},
    },
    fault::Fault,
    http::{
        Problem, Refusal, Request, Response, failed,
        refusal::{may, no_query, path, read},
    },
    ports::{Forge, Pause, RhythmChange, RhythmSaid, RunGates},
};
use serde::Deserialize;
use serde_json::json;

use crate::{
    handler::{DailyUnblock, Rows},
    telling,
};

/// The most characters of what shows that a task was done.
const LONGEST: usize = 500;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DoneBody {
    evidence: Line,
    period: Option<Period>,
}

/// One line of text that shows all it says. Whoever renders it escapes it.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Line(String);

impl TryFrom<String> for Line {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let text = text.trim();
        let length = text.chars().count();
        if !(1..=LONGEST).contains(&length) {
            return Err(format!("found {length} characters, expected 1 to {LONGEST}"));
        }
        match text.chars().find(|character| is_hidden(*character)) {
            Some(hidden) => Err(format!("found the character {}, which shows nothing", hidden.escape_unicode())),
            None => Ok(Self(text.to_owned())),
        }
    }
}

/// Answers one request. Total: every failure is an HTTP status.
pub async fn serve<R: Rows, G: RunGates, F: Forge, C: Pause>(
    rhythm: &DailyUnblock<R, G, F, C>,
    request: &Request,
) -> Response {
    let response = match actor(request, &rhythm.governance) {
        Err(refusal) => (&refusal).into(),
        Ok((actor, task)) => done(rhythm, request, &actor, &task).await,
    };
    // One line a request. Neither the token nor the body is in it; the path is foreign text, quoted and cut.
    let (method, path) = (quoted(request.method(), 10), quoted(request.path(), 120));
    tracing::info!(status = response.status_code, method, path, request_id = request.id(), "answered");
    response
}

/// Who asks, of which task. The order: route, method, token, person, path.
fn actor(request: &Request, governance: &Governance) -> Result<(Actor, TaskName), Refusal> {
    let none = || Refusal::NoRoute { path: request.path().to_owned(), routes: "/v1/maintenance" };
    let segments = request.segments().ok_or_else(none)?;
    let task = match segments.as_slice() {
        [version, maintenance, task] if version == "v1" && maintenance == "maintenance" => task.clone(),
        _ => return Err(none()),
    };
    if request.method() != "POST" {
        return Err(Refusal::WrongMethod { method: request.method().to_owned(), allowed: "POST" });
    }
    let claims = request.claims().ok_or(Refusal::NoToken)?;
    let actor = access::identify(&claims, &governance.people)?;
    // Whose task it is comes later: this is what everybody needs.
    may(&actor, Action::Work)?;
    Ok((actor, path(&task)?))
}

async fn done<R: Rows, G: RunGates, F: Forge, C: Pause>(
    rhythm: &DailyUnblock<R, G, F, C>,
    request: &Request,
    actor: &Actor,
    name: &TaskName,
) -> Response {
    let governance = &rhythm.governance;
    let tasks = &governance.schedules.maintenance;
    let Some(task) = tasks.iter().find(|task| task.name == *name) else {
        let nearest = nearest(name.as_str(), tasks.iter().map(|task| task.name.as_str()));
        let detail = format!("schedules.yaml has no maintenance task {name}");
        return Problem::new(404, "no-such-task", "No such task", detail).with("nearest", nearest).into();
    };
    let is_theirs = governance.people.group(&task.owner).any(|person| *person == actor.person);
    if !is_theirs && actor.role != Role::Admin {
        let reason =
            format!("{} is not in {}: its people and admins say that {name} was done", actor.person, task.owner);
        return (&Refusal::Forbidden(reason)).into();
    }
    let body = no_query(request).and_then(|()| read::<DoneBody>(request));
    let DoneBody { evidence: Line(evidence), period } = match body {
        Ok(body) => body,
        Err(refusal) => return (&refusal).into(),
    };
    let now = rhythm.clock.now();
    let present = task.due(governance.schedules.first.calendar.date(now)).0;
    let period = period.unwrap_or(present);
    if !is_a_period_of(task, period, present) {
        let detail = format!("period: found {period}, expected one like {present} that has begun");
        return Problem::new(422, "request-refused", "Request refused", detail).into();
    }
    let done = Done { task: name.clone(), period, by: actor.person.clone(), evidence, at: now };
    say(rhythm, done, &request.correlation(now)).await.unwrap_or_else(|fault| {
        tracing::warn!(fault = fault.chain(), "it could not be done");
        failed(&fault, "daily-unblock")
    })
}

/// Whether a period is of the task's own length, and has begun.
fn is_a_period_of(task: &Task, period: Period, present: Period) -> bool {
    task.due(period.first()).0 == period && period.first() <= present.first()
}

async fn say<R: Rows, G: RunGates, F: Forge, C: Pause>(
    rhythm: &DailyUnblock<R, G, F, C>,
    done: Done,
    cause: &CorrelationId,
) -> Result<Response, Fault> {
    let document = json!({"task": done.task, "period": done.period, "by": done.by, "at": done.at});
    let entry = telling::done(&done, cause);
    let change = RhythmChange { said: RhythmSaid::Done(done), events: Vec::new(), entry };
    Ok(if rhythm.remember(&change).await? {
        Response::json(201, &document)
    } else {
        Response::json(200, &json!({"task": document["task"], "period": document["period"], "already": true}))
    })
}

#[cfg(test)]
mod tests;
