//! A pipeline as its JSON says, as far as running it needs.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The `pipeline` of `GetPipeline`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Pipeline {
    pub(super) name: String,
    #[serde(default = "one")]
    pub(super) version: u32,
    #[serde(default)]
    pub(super) execution_mode: Mode,
    pub(super) stages: Vec<Stage>,
    #[serde(default)]
    pub(super) variables: Vec<Variable>,
    #[serde(default)]
    pub(super) triggers: Vec<Trigger>,
}

/// What starts an execution: a push (`gitConfiguration`). Other kinds start none here.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Trigger {
    #[serde(default)]
    pub(super) git_configuration: GitConfiguration,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GitConfiguration {
    #[serde(default)]
    pub(super) source_action_name: String,
    #[serde(default)]
    pub(super) push: Vec<Push>,
}

/// Every filter that is there must match.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Push {
    #[serde(default)]
    pub(super) branches: Option<Includes>,
    #[serde(default)]
    pub(super) file_paths: Option<Includes>,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Includes {
    #[serde(default)]
    pub(super) includes: Vec<String>,
}

fn one() -> u32 {
    1
}

/// How executions wait for one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Mode {
    /// A newer one takes the place of an older one that waits. AWS's default.
    #[default]
    Superseded,
    /// One after another, in the order in which they began.
    Queued,
    /// Side by side.
    Parallel,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Variable {
    pub(super) name: String,
    #[serde(default, rename = "defaultValue")]
    pub(super) default_value: Option<String>,
    #[serde(default, rename = "description")]
    _description: Option<String>,
}

/// Conditions of a stage are not in the engine: a definition with one is refused.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stage {
    pub(super) name: String,
    pub(super) actions: Vec<Action>,
    #[serde(default, rename = "blockers")]
    _blockers: Vec<serde_json::Value>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Action {
    pub(super) name: String,
    pub(super) action_type_id: ActionType,
    #[serde(default = "one")]
    pub(super) run_order: u32,
    #[serde(default)]
    pub(super) configuration: BTreeMap<String, String>,
    /// What its variables are called by.
    #[serde(default)]
    pub(super) namespace: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize, serde::Serialize)]
pub(super) struct ActionType {
    pub(super) category: String,
    pub(super) owner: String,
    pub(super) provider: String,
    pub(super) version: String,
}

/// What the engine does with an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Source,
    Build,
    Invoke,
    Approval,
}

impl Action {
    /// `None`: one that the engine cannot run.
    pub(super) fn kind(&self) -> Option<Kind> {
        let ActionType { category, owner, provider, .. } = &self.action_type_id;
        match (category.as_str(), owner.as_str(), provider.as_str()) {
            ("Source", _, _) => Some(Kind::Source),
            ("Build" | "Test", "AWS", "CodeBuild") => Some(Kind::Build),
            ("Invoke", "AWS", "Lambda") => Some(Kind::Invoke),
            ("Approval", "AWS", "Manual") => Some(Kind::Approval),
            _ => None,
        }
    }
}

impl Pipeline {
    /// Reads a definition.
    ///
    /// # Errors
    /// Why the engine cannot run it.
    pub(super) fn read(json: &serde_json::Value) -> Result<Self, String> {
        let pipeline: Self = serde_json::from_value(json.clone()).map_err(|error| error.to_string())?;
        for action in pipeline.stages.iter().flat_map(|stage| &stage.actions) {
            if action.kind().is_none() {
                return Err(format!("the engine cannot run the action {}: {:?}", action.name, action.action_type_id));
            }
        }
        if pipeline.stages.len() < 2 || pipeline.stages.iter().any(|stage| stage.actions.is_empty()) {
            return Err("a pipeline has two stages at least, and each an action".to_owned());
        }
        Ok(pipeline)
    }
}
