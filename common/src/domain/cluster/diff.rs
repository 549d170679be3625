//! Field by field, what differs: between two versions of a file's values, and between two pipeline definitions.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::domain::cluster::{Action, FieldChange, PipelineDefinition, Stage, Trigger};

/// The action variable that carries the specification's digest.
pub const SPEC_VARIABLE: &str = "SPEC_SHA256";

/// The configuration key under which CodeBuild actions carry their variables.
pub const ENVIRONMENT_VARIABLES: &str = "EnvironmentVariables";

/// One variable of a CodeBuild action.
#[derive(Deserialize)]
struct Variable {
    name: String,
    value: String,
}

/// What went, came or changed between two flat maps.
pub fn changes(from: &BTreeMap<String, String>, to: &BTreeMap<String, String>) -> Vec<FieldChange> {
    let mut fields: Vec<&String> = from.keys().chain(to.keys()).collect();
    fields.sort();
    fields.dedup();
    let differing = fields.into_iter().filter(|field| from.get(*field) != to.get(*field));
    differing
        .map(|field| FieldChange { field: field.clone(), from: from.get(field).cloned(), to: to.get(field).cloned() })
        .collect()
}

/// A definition as a flat map of everything in it: two are equal exactly when their fields are.
pub fn fields(definition: &PipelineDefinition) -> BTreeMap<String, String> {
    let PipelineDefinition {
        name,
        role_arn,
        artifact_bucket,
        artifact_key_arn,
        pipeline_type,
        execution_mode,
        variables,
        stages,
        triggers,
    } = definition;
    let mut fields = BTreeMap::new();
    let mut set = |field: String, value: String| drop(fields.insert(field, value));
    set("name".into(), name.to_string());
    set("role".into(), role_arn.clone());
    set("artifact bucket".into(), artifact_bucket.clone());
    if let Some(key) = artifact_key_arn {
        set("artifact key".into(), key.clone());
    }
    set("type".into(), pipeline_type.clone());
    set("execution mode".into(), execution_mode.clone());
    for (variable, value) in variables {
        set(format!("variable {variable}"), value.clone());
    }
    set("stages".into(), stages.iter().map(|stage| stage.name.as_str()).collect::<Vec<_>>().join(", "));
    for (at, stage) in stages.iter().enumerate() {
        stage_fields(at, stage, &mut set);
    }
    for (at, trigger) in triggers.iter().enumerate() {
        let Trigger { source_action, branches, paths, foreign_settings } = trigger;
        let trigger = if at == 0 { "trigger".to_owned() } else { format!("trigger {}", at + 1) };
        set(format!("{trigger} source"), source_action.clone());
        set(format!("{trigger} branches"), listed(branches));
        set(format!("{trigger} paths"), listed(paths));
        if *foreign_settings {
            set(format!("{trigger} other settings"), "set by somebody else".into());
        }
    }
    fields
}

// Debug text quotes each item, so that an item with a comma is not two.
fn listed(items: &[String]) -> String {
    items
        .iter()
        .map(|item| if item.contains(", ") { format!("{item:?}") } else { item.clone() })
        .collect::<Vec<_>>()
        .join(", ")
}

fn stage_fields(at: usize, stage: &Stage, set: &mut impl FnMut(String, String)) {
    let Stage { name, actions, foreign_settings } = stage;
    if *foreign_settings {
        set(format!("stage {name} other settings"), "set by somebody else".into());
    }
    set(
        format!("stage {name} actions"),
        actions.iter().map(|action| action.name.as_str()).collect::<Vec<_>>().join(", "),
    );
    for (index, action) in actions.iter().enumerate() {
        // Names are unique within a stage in CodePipeline; the numbers keep hand-made duplicates apart.
        let twin = stage_twin(actions, index);
        let prefix =
            if twin == 0 { format!("{name}/{}", action.name) } else { format!("{name}/{} #{at}.{index}", action.name) };
        action_fields(&prefix, action, set);
    }
}

fn stage_twin(actions: &[Action], index: usize) -> usize {
    let before = actions.get(..index).unwrap_or_default();
    actions.get(index).map_or(0, |action| before.iter().filter(|other| other.name == action.name).count())
}

fn action_fields(prefix: &str, action: &Action, set: &mut impl FnMut(String, String)) {
    let Action {
        name: _,
        run_order,
        category,
        owner,
        provider,
        version,
        configuration,
        input_artifacts,
        output_artifacts,
        timeout_minutes,
    } = action;
    set(format!("{prefix} run order"), run_order.to_string());
    set(format!("{prefix} kind"), format!("{category} {owner} {provider} {version}"));
    set(format!("{prefix} inputs"), listed(input_artifacts));
    set(format!("{prefix} outputs"), listed(output_artifacts));
    if let Some(minutes) = timeout_minutes {
        set(format!("{prefix} timeout minutes"), minutes.to_string());
    }
    for (key, value) in configuration {
        let variables =
            (key == ENVIRONMENT_VARIABLES).then(|| serde_json::from_str::<Vec<Variable>>(value).ok()).flatten();
        match variables {
            None => set(format!("{prefix} {key}"), value.clone()),
            Some(variables) => {
                for Variable { name, value } in variables {
                    set(format!("{prefix} variable {name}"), value);
                }
            }
        }
    }
}

/// The specification's digest that a definition carries.
pub fn spec_of(definition: &PipelineDefinition) -> Option<String> {
    let actions = definition.stages.iter().flat_map(|stage| &stage.actions);
    let texts = actions.filter_map(|action| action.configuration.get(ENVIRONMENT_VARIABLES));
    let mut variables = texts.filter_map(|text| serde_json::from_str::<Vec<Variable>>(text).ok()).flatten();
    variables.find(|variable| variable.name == SPEC_VARIABLE).map(|variable| variable.value)
}
