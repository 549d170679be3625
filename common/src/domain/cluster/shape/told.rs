//! What build actions are told, the digest over all of a definition, and the definition of before that it proves.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{CONNECTION_SOURCE, trigger};
use crate::domain::{
    cluster::{ClusterKey, PipelineDefinition, diff, names},
    id::Digest,
};

/// One variable as CodeBuild reads it. The type is left out: AWS then takes PLAINTEXT, and with it the longest names that the grammars
/// allow would not fit into a configuration value.
#[derive(Serialize)]
struct Variable<'a> {
    name: &'a str,
    value: &'a str,
}

/// The values that say where a stage works and as whom: the names of their action variables, and their keys.
pub(in crate::domain::cluster) const PLACE: [(&str, &str); 5] = [
    ("TARGET_ACCOUNT_ID", "account_id"),
    ("TARGET_REGION", "region"),
    ("TARGET_ALIAS", "alias"),
    ("CLUSTER_ID", "terraform_vars.cluster_id"),
    ("REGIONAL_AWS_ACCOUNT_ID", "terraform_vars.regional_aws_account_id"),
];

pub(super) fn place<'a>(key: &ClusterKey, values: &'a BTreeMap<String, String>) -> Vec<(&'static str, &'a str)> {
    // The last two are a management cluster's.
    let said = if key.cluster().is_some() { PLACE.len() } else { 3 };
    let value = |(name, key): (&'static str, &str)| Some((name, values.get(key)?.as_str()));
    PLACE.into_iter().take(said).filter_map(value).collect()
}

pub(super) fn action_variables(key: &ClusterKey, values: &BTreeMap<String, String>, spec: &str) -> String {
    let (path, pipeline) = (key.config_path(), names::pipeline(key));
    let mut pairs = vec![
        ("ENVIRONMENT", key.environment.as_str()),
        ("REGION_ALIAS", key.region_alias.as_str()),
        ("CLUSTER_KIND", key.kind_name()),
        ("CONFIG_PATH", &path),
        ("PIPELINE_NAME", pipeline.as_str()),
        (diff::SPEC_VARIABLE, spec),
        ("IS_DESTROY", "#{variables.IS_DESTROY}"),
    ];
    pairs.extend(place(key, values));
    let variables: Vec<Variable<'_>> = pairs.into_iter().map(|(name, value)| Variable { name, value }).collect();
    // Strings alone cannot fail to serialise; were it otherwise, the empty list would fail the stage's preflight.
    serde_json::to_string(&variables).unwrap_or_else(|_| "[]".to_owned())
}

// The two flags are orders, not properties: what they change of the definition is in it. Every build action is told the same, so that
// text is taken once.
pub(super) fn spec_digest(untold: &PipelineDefinition, variables: &str, values: &BTreeMap<String, String>) -> Digest {
    // Text, numbers and truth values cannot fail to serialise; were it otherwise, the digest would still cover variables and values.
    let definition = serde_json::to_string(untold).unwrap_or_default();
    let lasting = values.iter().filter(|(key, _)| !matches!(key.as_str(), "delete" | "delete_pipeline"));
    let pairs = lasting.flat_map(|(key, value)| [key.as_str(), value.as_str()]);
    Digest::of_parts(["penstock-spec-v2", &definition, variables].into_iter().chain(pairs))
}

/// The definition that a cluster's pipeline was given for the values before, if the digest proves it: the present one is taken back to
/// those values, and the digest covers all of a definition. Nothing when more than the file has changed since.
pub(in crate::domain::cluster) fn before(
    key: &ClusterKey,
    present: &PipelineDefinition,
    values: &BTreeMap<String, String>,
    spec_sha256: &Digest,
) -> Option<PipelineDefinition> {
    let mut definition = present.clone();
    let source = present.stages.first()?.actions.first()?;
    let branch = source.configuration.get("BranchName")?;
    let removing = ["delete", "delete_pipeline"].iter().any(|flag| values.contains_key(*flag));
    let triggered = source.provider == CONNECTION_SOURCE && !removing;
    definition.triggers = if triggered { vec![trigger(key, branch)] } else { Vec::new() };
    tell(&mut definition, "");
    let proven = spec_digest(&definition, &action_variables(key, values, ""), values) == *spec_sha256;
    tell(&mut definition, &action_variables(key, values, spec_sha256.as_str()));
    proven.then_some(definition)
}

// Gives every build action its variables.
pub(super) fn tell(definition: &mut PipelineDefinition, variables: &str) {
    for action in definition.stages.iter_mut().flat_map(|stage| &mut stage.actions) {
        if let Some(told) = action.configuration.get_mut(diff::ENVIRONMENT_VARIABLES) {
            variables.clone_into(told);
        }
    }
}
