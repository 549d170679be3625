//! What a cluster's pipeline must look like: configuration in, definition, tags and compiled specification out.
//!
//! ```text
//! Source ─ Validate ─ Deploy ──────────────────────────────────────────────────── Bootstrap
//! Source   ValidateAndPlan   Gate (1) → EnsureIotCertificate (2) → ApplyInfrastructure (3)   BootstrapArgoCD (1) → DeleteIotCertificate (2)
//! ```
//! The two about the certificate are those of management clusters: the first does nothing in a run that destroys, and the last nothing in any
//! other. The pipeline starts on a push to its environment's
//! branch that touches its own file or the terraform that it runs: by a trigger, or where CodePipeline has none for the source (CodeCommit)
//! by us ([`start`](super::start)). While a file asks for removal its pipeline has no trigger: a push
//! of `delete_pipeline: true` must not start an ordinary run behind the destroy run.
//!
//! The digest `SPEC_SHA256` in every action's variables covers the whole definition and all values, so that a changed value
//! updates exactly that pipeline although values travel in the compiled specification (a configuration value holds 1,000 characters).

use std::collections::BTreeMap;

use crate::domain::{
    cluster::{
        AccountRef, Action, ClusterConfig, ClusterKey, CompiledSpec, Finding, ManagementConfig, PipelineDefinition,
        PipelineRuntime, PipelineSource, Place, Stage, Trigger, diff, names, tag,
    },
    governance::Gate,
    id::{Digest, PipelineName, RepositoryId, quoted},
};

/// The stage that begins with the gate.
pub const GATE_STAGE: &str = "Deploy";

/// The gate: the first action of its stage.
pub const GATE_ACTION: &str = "Gate";

/// The stage and the action in which a management cluster gets its certificate.
pub const CERTIFICATE_STAGE: &str = GATE_STAGE;
/// See [`CERTIFICATE_STAGE`].
pub const CERTIFICATE_ACTION: &str = "EnsureIotCertificate";

/// The stage and the action, the last of all, in which a run that destroys removes it.
pub const CERTIFICATE_REMOVAL_STAGE: &str = "Bootstrap";
/// See [`CERTIFICATE_REMOVAL_STAGE`].
pub const CERTIFICATE_REMOVAL_ACTION: &str = "DeleteIotCertificate";

/// How long the gate waits for its answer, in minutes: AWS's longest, 60 days.
pub const GATE_TIMEOUT_MINUTES: i32 = 86_400;
/// The most path patterns of one trigger (AWS quota).
pub const MAX_PATTERNS: usize = 8;
/// The most characters of a path pattern (AWS quota).
pub const MAX_PATTERN: usize = 255;
/// The most characters of an action's configuration value (AWS quota).
pub const MAX_CONFIGURATION_VALUE: usize = 1_000;

/// The action that fetches the files: the first of all.
pub const SOURCE_ACTION: &str = "Source";

/// The provider of a source that has triggers.
const CONNECTION_SOURCE: &str = "CodeStarSourceConnection";

const SOURCE_OUTPUT: &str = "source_output";

mod told;

pub(super) use self::told::{PLACE, before};
use self::told::{action_variables, place, spec_digest, tell};

/// Everything that one accepted file asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// The pipeline's name.
    pub pipeline: PipelineName,
    /// Its definition.
    pub definition: PipelineDefinition,
    /// Its tags, in a fixed order.
    pub tags: Vec<(String, String)>,
    /// What its stages run with.
    pub compiled: CompiledSpec,
    /// The digest over definition and values.
    pub spec_sha256: Digest,
    /// The values for the table, by key.
    pub values: BTreeMap<String, String>,
}

/// Shapes a cluster's pipeline.
///
/// # Errors
/// When it would break a quota of CodePipeline: known before any call is made.
pub fn shape(
    config: &ClusterConfig,
    config_sha256: Digest,
    runtime: &PipelineRuntime,
    source: &PipelineSource,
    repository: RepositoryId,
    gate: Gate,
    certificates: bool,
) -> Result<Shape, Vec<Finding>> {
    let pipeline = names::pipeline(&config.key);
    let values = config.values();
    let certificates = config.management.as_ref().filter(|_| certificates);
    if let Some(management) = certificates {
        accounts_by_id(config, management)?;
    }
    let source = Source { action: source_action(config, runtime, source, repository)?, of: source, repository };
    let mut definition = definition(config, &pipeline, runtime, &source, gate, certificates.is_some());
    let spec_sha256 = spec_digest(&definition, &action_variables(&config.key, &values, ""), &values);
    tell(&mut definition, &action_variables(&config.key, &values, spec_sha256.as_str()));
    let findings = broken_quotas(&config.key, &definition);
    if !findings.is_empty() {
        return Err(findings);
    }
    let variables = config.variables.iter().map(|(name, value)| (name.to_string(), value.clone())).collect();
    let place =
        place(&config.key, &values).into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let compiled = CompiledSpec { config_sha256, place, variables, delete: removing(config) };
    let tags = tags(&config.key, repository);
    Ok(Shape { pipeline, definition, tags, compiled, spec_sha256, values })
}

fn removing(config: &ClusterConfig) -> bool {
    config.delete || config.delete_pipeline
}

// The build actions are told nothing yet: their variables hold the digest of this.
fn definition(
    config: &ClusterConfig,
    pipeline: &PipelineName,
    runtime: &PipelineRuntime,
    source: &Source<'_>,
    gate: Gate,
    certificates: bool,
) -> PipelineDefinition {
    let kind = config.key.kind_name();
    let build = |name: &str, run_order: i32, step: &str| Action {
        name: name.to_owned(),
        run_order,
        category: "Build".into(),
        owner: "AWS".into(),
        provider: "CodeBuild".into(),
        version: "1".into(),
        configuration: configuration([
            ("ProjectName", format!("{}-{kind}-{step}", runtime.project_prefix)),
            (diff::ENVIRONMENT_VARIABLES, String::new()),
        ]),
        input_artifacts: vec![SOURCE_OUTPUT.into()],
        output_artifacts: Vec::new(),
        timeout_minutes: None,
    };
    let mut deploy = vec![build("ApplyInfrastructure", 3, "apply")];
    let mut bootstrap = vec![build("BootstrapArgoCD", 1, "bootstrap")];
    if certificates {
        deploy.insert(0, certificate(CERTIFICATE_ACTION, 2, "ensure", runtime));
        bootstrap.push(certificate(CERTIFICATE_REMOVAL_ACTION, 2, "delete", runtime));
    }
    match gate {
        Gate::Approval => deploy.insert(0, approval(&config.key)),
        // It is told nothing: which run asks says CodePipeline.
        Gate::Invoke => deploy.insert(0, invocation(GATE_ACTION, 1, &runtime.gate_function)),
        Gate::Off => {}
    }
    let stage = |name: &str, actions| Stage { name: name.to_owned(), actions, foreign_settings: false };
    PipelineDefinition {
        name: pipeline.clone(),
        role_arn: runtime.pipeline_role_arn.clone(),
        artifact_bucket: runtime.artifact_bucket.clone(),
        artifact_key_arn: runtime.artifact_key_arn.clone(),
        pipeline_type: "V2".into(),
        execution_mode: "QUEUED".into(),
        variables: configuration([("IS_DESTROY", "false".to_owned())]),
        stages: vec![
            stage("Source", vec![source.action.clone()]),
            stage("Validate", vec![build("ValidateAndPlan", 1, "validate")]),
            stage(GATE_STAGE, deploy),
            stage(CERTIFICATE_REMOVAL_STAGE, bootstrap),
        ],
        triggers: match source.repository {
            RepositoryId::GitHub(_) if !removing(config) => vec![trigger(&config.key, source.of.branch.as_str())],
            // CodePipeline has none for it: see `start`.
            RepositoryId::GitHub(_) | RepositoryId::CodeCommit(_) => Vec::new(),
        },
    }
}

fn configuration<const N: usize>(pairs: [(&str, String); N]) -> BTreeMap<String, String> {
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// Where a pipeline's files come from, and the action that fetches them.
struct Source<'a> {
    action: Action,
    of: &'a PipelineSource,
    repository: RepositoryId,
}

fn source_action(
    config: &ClusterConfig,
    runtime: &PipelineRuntime,
    source: &PipelineSource,
    repository: RepositoryId,
) -> Result<Action, Vec<Finding>> {
    let branch = ("BranchName", source.branch.to_string());
    let (provider, configuration) = match (repository, &runtime.connection_arn) {
        (RepositoryId::GitHub(_), Some(connection)) => (
            CONNECTION_SOURCE,
            configuration([
                ("ConnectionArn", connection.clone()),
                ("FullRepositoryId", source.repository.to_string()),
                branch,
                // The trigger below decides; without this every push to the branch would start every cluster's pipeline.
                ("DetectChanges", "false".to_owned()),
            ]),
        ),
        (RepositoryId::GitHub(_), None) => {
            let (path, expected) = (config.key.config_path(), "connection_arn in Terraform: a connection to GitHub");
            return Err(vec![Finding::error(&path, Place::START, "connection", "no connection", expected)]);
        }
        (RepositoryId::CodeCommit(_), _) => (
            "CodeCommit",
            configuration([
                ("RepositoryName", source.repository.without_owner().to_owned()),
                branch,
                // CodePipeline polls unless it is told not to, and would start every cluster's pipeline for every push: we start runs.
                ("PollForSourceChanges", "false".to_owned()),
            ]),
        ),
    };
    Ok(Action {
        name: SOURCE_ACTION.into(),
        run_order: 1,
        category: "Source".into(),
        owner: "AWS".into(),
        provider: provider.into(),
        version: "1".into(),
        configuration,
        input_artifacts: Vec::new(),
        output_artifacts: vec![SOURCE_OUTPUT.into()],
        timeout_minutes: None,
    })
}

/// A gate that asks people, and is answered for them.
fn approval(key: &ClusterKey) -> Action {
    let words = format!("Deploy {key}? Read the plan that Validate made in this run first.");
    Action {
        name: GATE_ACTION.into(),
        run_order: 1,
        category: "Approval".into(),
        owner: "AWS".into(),
        provider: "Manual".into(),
        version: "1".into(),
        configuration: configuration([("CustomData", words)]),
        input_artifacts: Vec::new(),
        output_artifacts: Vec::new(),
        timeout_minutes: Some(GATE_TIMEOUT_MINUTES),
    }
}

/// An action that invokes a function.
fn invocation(name: &str, run_order: i32, function: &str) -> Action {
    Action {
        name: name.to_owned(),
        run_order,
        category: "Invoke".into(),
        owner: "AWS".into(),
        provider: "Lambda".into(),
        version: "1".into(),
        configuration: configuration([("FunctionName", function.to_owned())]),
        input_artifacts: Vec::new(),
        output_artifacts: Vec::new(),
        // Only an approval's can be set: AWS gives it 24 hours.
        timeout_minutes: None,
    }
}

/// An action about the cluster's certificate. For whom, the function knows by the pipeline; what it is told is what is done, and whether the
/// run destroys.
fn certificate(name: &str, run_order: i32, action: &str, runtime: &PipelineRuntime) -> Action {
    let mut invocation = invocation(name, run_order, &runtime.certificate_function);
    let told = format!(r##"{{"action":"{action}","destroy":"#{{variables.IS_DESTROY}}"}}"##);
    invocation.configuration.insert("UserParameters".to_owned(), told);
    invocation
}

/// Certificates are made in accounts, and only Validate knows which account a parameter names.
fn accounts_by_id(config: &ClusterConfig, management: &ManagementConfig) -> Result<(), Vec<Finding>> {
    let path = config.key.config_path();
    let accounts = [
        ("account_id", &config.account, Place::START),
        ("terraform_vars.regional_aws_account_id", &management.regional_account, management.regional_account_place),
    ];
    let by_parameter = accounts.into_iter().filter(|(_, account, _)| matches!(account, AccountRef::Parameter(_)));
    let findings: Vec<Finding> = by_parameter
        .map(|(key, account, place)| {
            let expected = "12 digits, in quotes: certificates are made in that account (or certificates: false in environments.yaml)";
            Finding::error(&path, place, "certificate-account", quoted(account.as_str(), 80), expected).key(key)
        })
        .collect();
    if findings.is_empty() { Ok(()) } else { Err(findings) }
}

fn trigger(key: &ClusterKey, branch: &str) -> Trigger {
    Trigger {
        source_action: SOURCE_ACTION.into(),
        branches: vec![branch.to_owned()],
        paths: trigger_paths(key),
        foreign_settings: false,
    }
}

/// The path patterns of which one must take a path that a push touched, for a run of the cluster's pipeline: its own file, and the
/// terraform that it runs.
pub fn trigger_paths(key: &ClusterKey) -> Vec<String> {
    let kind = key.kind_name();
    vec![
        key.config_path(),
        format!("terraform/config/{kind}-cluster/**"),
        "terraform/modules/**".into(),
        format!("terraform/config/pipeline-{kind}-cluster/**"),
    ]
}

fn tags(key: &ClusterKey, repository: RepositoryId) -> Vec<(String, String)> {
    let cluster = key.cluster().map_or("regional", |name| name.as_str());
    [
        (tag::MANAGED_BY, tag::MANAGED_BY_VALUE.to_owned()),
        (tag::ENVIRONMENT, key.environment.to_string()),
        (tag::REGION_ALIAS, key.region_alias.to_string()),
        (tag::KIND, key.kind_name().to_owned()),
        (tag::CLUSTER, cluster.to_owned()),
        (tag::CONFIG_PATH, key.config_path()),
        (tag::REPOSITORY_ID, repository.to_string()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .to_vec()
}

fn broken_quotas(key: &ClusterKey, definition: &PipelineDefinition) -> Vec<Finding> {
    let path = key.config_path();
    let mut findings = Vec::new();
    let mut find = |found: String, expected: String| {
        findings.push(Finding::error(&path, Place::START, "quota", found, expected));
    };
    for trigger in &definition.triggers {
        if trigger.paths.len() > MAX_PATTERNS {
            find(format!("{} path patterns in a trigger", trigger.paths.len()), format!("at most {MAX_PATTERNS}"));
        }
        for pattern in trigger.paths.iter().filter(|pattern| pattern.len() > MAX_PATTERN) {
            find(format!("a path pattern of {} characters", pattern.len()), format!("at most {MAX_PATTERN}"));
        }
    }
    for action in definition.stages.iter().flat_map(|stage| &stage.actions) {
        for (name, value) in &action.configuration {
            let length = value.chars().count();
            if length > MAX_CONFIGURATION_VALUE {
                let expected = format!("at most {MAX_CONFIGURATION_VALUE}: shorten names or parameter paths");
                find(format!("{length} characters in {} of action {}", name, action.name), expected);
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests;
