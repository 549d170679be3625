//! GetPipelineState, GetPipelineExecution and the lists.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    api::{ApiError, error, none},
    definition::Mode,
    execution::{Execution, Running, Status},
    machine::Machine,
};

/// A time as AWS JSON 1.1 writes it: seconds since 1970, with a fraction.
pub(super) fn seconds(at: Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1_000.0
}

fn text<'b>(body: &'b Value, key: &str) -> Result<&'b str, ApiError> {
    body.get(key).and_then(Value::as_str).ok_or_else(|| error("ValidationException", format!("{key} is missing")))
}

fn running<'m>(machine: &'m Machine, body: &Value, key: &str) -> Result<(&'m str, &'m Running), ApiError> {
    let name = text(body, key)?;
    let found = machine.pipelines.get_key_value(name).ok_or_else(|| none(name))?;
    Ok((found.0.as_str(), found.1))
}

/// Leaves out what has no value: AWS does not send `null`.
fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    fields.into_iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| (key.to_owned(), value)).collect()
}

pub(super) fn of_pipeline(machine: &Machine, body: &Value) -> Result<Value, ApiError> {
    let (name, running) = running(machine, body, "name")?;
    let stages: Vec<Value> =
        running.pipeline.stages.iter().map(|stage| of_stage(machine, name, running, &stage.name)).collect();
    let first = running.executions.first().map_or(machine.now, |execution| execution.started_at);
    Ok(json!({
        "pipelineName": name, "pipelineVersion": running.pipeline.version, "stageStates": stages,
        "created": seconds(first), "updated": seconds(first),
    }))
}

/// A stage as its last visitor left it. Executions know their stages by name: the definition may have changed since they began.
fn of_stage(machine: &Machine, name: &str, running: &Running, stage: &str) -> Value {
    let at = |execution: &Execution| execution.pipeline.stages.iter().position(|one| one.name == stage);
    let visited = |execution: &&Execution| at(execution).is_some_and(|at| execution.stages[at].status.is_some());
    let latest = running.executions.iter().rev().find(visited);
    let waits = |execution: &&Execution| {
        let Some(at) = at(execution) else { return false };
        let before = execution.stages.iter().take(at).all(|stage| stage.status == Some(Status::Succeeded));
        execution.status == Status::InProgress && before && execution.stages[at].status.is_none()
    };
    let inbound: Vec<Value> = running
        .executions
        .iter()
        .filter(waits)
        .map(|execution| json!({"pipelineExecutionId": execution.id, "status": "InProgress"}))
        .collect();
    let defined = running.pipeline.stages.iter().find(|one| one.name == stage);
    let actions: Vec<Value> = defined
        .into_iter()
        .flat_map(|stage| &stage.actions)
        .map(|action| {
            let run = latest
                .and_then(|execution| Some((execution, execution.stages[at(execution)?].actions.get(&action.name)?)));
            let run = run.map(|(_, run)| {
                let approval = action.action_type_id.category == "Approval";
                // It stands there after the answer too (user guide, "Approve or reject an approval action", the sample of the CLI).
                let shown = approval && machine.shows_tokens(name);
                object([
                    ("actionExecutionId", json!(run.id)),
                    ("status", json!(run.status.word())),
                    ("summary", json!(run.summary)),
                    ("lastStatusChange", json!(seconds(run.changed_at))),
                    ("lastUpdatedBy", json!(run.by)),
                    ("token", json!(shown.then_some(&run.external))),
                    ("externalExecutionId", json!((!approval).then_some(&run.external))),
                    ("errorDetails", run.error.as_ref().map_or(Value::Null, |message| json!({"message": message}))),
                ])
            });
            object([("actionName", json!(action.name)), ("latestExecution", json!(run))])
        })
        .collect();
    let latest = latest.and_then(|execution| {
        let status = execution.stages[at(execution)?].status?;
        Some(json!({"pipelineExecutionId": execution.id, "status": status.word(), "type": "STANDARD"}))
    });
    object([
        ("stageName", json!(stage)),
        ("inboundExecution", json!(inbound.last())),
        ("inboundExecutions", json!(inbound)),
        ("inboundTransitionState", json!({"enabled": true})),
        ("actionStates", json!(actions)),
        ("latestExecution", json!(latest)),
    ])
}

fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Superseded => "SUPERSEDED",
        Mode::Queued => "QUEUED",
        Mode::Parallel => "PARALLEL",
    }
}

pub(super) fn of_execution(machine: &Machine, body: &Value) -> Result<Value, ApiError> {
    let (name, running) = running(machine, body, "pipelineName")?;
    let id = text(body, "pipelineExecutionId")?;
    let execution = running.executions.iter().find(|execution| execution.id == id);
    let execution =
        execution.ok_or_else(|| error("PipelineExecutionNotFoundException", format!("no execution {id} of {name}")))?;
    let revisions: Vec<Value> = execution
        .revision
        .iter()
        .map(|commit| json!({"name": "source_output", "revisionId": commit, "revisionChangeIdentifier": commit}))
        .collect();
    let variables: Vec<Value> =
        execution.variables.iter().map(|(name, value)| json!({"name": name, "resolvedValue": value})).collect();
    Ok(json!({"pipelineExecution": object([
        ("pipelineName", json!(name)),
        ("pipelineVersion", json!(execution.pipeline.version)),
        ("pipelineExecutionId", json!(id)),
        ("status", json!(execution.status.word())),
        ("statusSummary", json!(execution.reason)),
        ("artifactRevisions", json!(revisions)),
        ("variables", json!(variables)),
        ("trigger", json!({"triggerType": execution.trigger})),
        ("executionMode", json!(mode(execution.pipeline.execution_mode))),
        ("executionType", json!("STANDARD")),
    ])}))
}

pub(super) fn executions(machine: &Machine, body: &Value) -> Result<Value, ApiError> {
    let (_, running) = running(machine, body, "pipelineName")?;
    let most =
        body.get("maxResults").and_then(Value::as_u64).and_then(|most| usize::try_from(most).ok()).unwrap_or(100);
    // Newest first. A page is as long as was asked; the engine has no second one, and says so by leaving out what does not fit.
    let summaries: Vec<Value> = running
        .executions
        .iter()
        .rev()
        .take(most)
        .map(|execution| {
            object([
                ("pipelineExecutionId", json!(execution.id)),
                ("status", json!(execution.status.word())),
                ("startTime", json!(seconds(execution.started_at))),
                ("lastUpdateTime", json!(seconds(execution.changed_at))),
                ("trigger", json!({"triggerType": execution.trigger})),
                ("executionMode", json!(mode(execution.pipeline.execution_mode))),
                ("executionType", json!("STANDARD")),
                (
                    "sourceRevisions",
                    json!(
                        execution
                            .revision
                            .iter()
                            .map(|commit| json!({"actionName": "Source", "revisionId": commit}))
                            .collect::<Vec<_>>()
                    ),
                ),
            ])
        })
        .collect();
    Ok(json!({"pipelineExecutionSummaries": summaries}))
}

pub(super) fn actions(machine: &Machine, body: &Value) -> Result<Value, ApiError> {
    let (_, running) = running(machine, body, "pipelineName")?;
    let only = body.get("filter").and_then(|filter| filter.get("pipelineExecutionId")).and_then(Value::as_str);
    let mut details = Vec::new();
    for execution in running.executions.iter().rev().filter(|one| only.is_none_or(|only| one.id == only)) {
        for (stage, run) in execution.pipeline.stages.iter().zip(&execution.stages).rev() {
            for (action, run) in &run.actions {
                let defined = stage.actions.iter().find(|one| one.name == *action);
                details.push(object([
                    ("pipelineExecutionId", json!(execution.id)),
                    ("actionExecutionId", json!(run.id)),
                    ("pipelineVersion", json!(execution.pipeline.version)),
                    ("stageName", json!(stage.name)),
                    ("actionName", json!(action)),
                    ("status", json!(run.status.word())),
                    ("lastUpdateTime", json!(seconds(run.changed_at))),
                    ("updatedBy", json!(run.by)),
                    ("input", json!({"actionTypeId": defined.map(|one| &one.action_type_id), "configuration": defined.map(|one| &one.configuration)})),
                    ("output", json!({"executionResult": object([
                        ("externalExecutionId", json!(run.external)),
                        ("externalExecutionSummary", json!(run.summary)),
                    ])})),
                ]));
            }
        }
    }
    Ok(json!({"actionExecutionDetails": details}))
}
