//! What CodePipeline puts on the default bus (user guide, "Monitoring CodePipeline events").

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    definition::Action,
    execution::{Execution, Status},
};

/// One change of state.
#[derive(Debug, Clone)]
pub(super) struct Event {
    kind: &'static str,
    pipeline: String,
    at: Timestamp,
    detail: Map<String, Value>,
}

/// The word of the events for a state; the API has another.
pub(super) fn state(status: Status) -> &'static str {
    match status {
        Status::InProgress => "STARTED",
        Status::Succeeded => "SUCCEEDED",
        Status::Failed => "FAILED",
        Status::Stopping => "STOPPING",
        Status::Stopped => "STOPPED",
        Status::Superseded => "SUPERSEDED",
        Status::Abandoned => "ABANDONED",
    }
}

fn event(kind: &'static str, execution: &Execution, state: &str, at: Timestamp, more: Value) -> Event {
    let base = json!({
        "pipeline": execution.pipeline.name, "execution-id": execution.id, "version": f64::from(execution.pipeline.version),
        "state": state, "start-time": execution.started_at.to_string(),
    });
    let detail = [base, more].into_iter().filter_map(|value| value.as_object().cloned()).flatten().collect();
    Event { kind, pipeline: execution.pipeline.name.clone(), at, detail }
}

/// Of an execution.
pub(super) fn execution(execution: &Execution, state: &str, at: Timestamp) -> Event {
    let trigger = json!({"execution-trigger": {"trigger-type": execution.trigger}});
    event("CodePipeline Pipeline Execution State Change", execution, state, at, trigger)
}

/// Of a stage.
pub(super) fn stage(execution: &Execution, stage: usize, state: &str, at: Timestamp) -> Event {
    let more = json!({"stage": execution.pipeline.stages[stage].name});
    event("CodePipeline Stage Execution State Change", execution, state, at, more)
}

/// Of an action.
pub(super) fn action(execution: &Execution, stage: usize, action: &Action, status: Status, at: Timestamp) -> Event {
    let more = json!({
        "stage": execution.pipeline.stages[stage].name, "action": action.name, "type": action.action_type_id,
        "action-execution-id": execution.stages[stage].actions[&action.name].id,
    });
    event("CodePipeline Action Execution State Change", execution, state(status), at, more)
}

impl Event {
    pub(super) fn to_json(&self, account: &str, region: &str) -> Value {
        let mut detail = self.detail.clone();
        detail.insert("region".to_owned(), json!(region));
        json!({
            "source": "aws.codepipeline", "detail-type": self.kind, "time": self.at.to_string(),
            "account": account, "region": region,
            "resources": [format!("arn:aws:codepipeline:{region}:{account}:{}", self.pipeline)],
            "detail": detail,
        })
    }
}
