//! A pipeline's definition, to and from the SDK's types.
//!
//! What AWS adds when it gives a definition back (version, empty lists, default values) is dropped, so that what was written equals
//! what is read. What a person may have added and we never write (conditions, blockers, a role of an action) is drift and sets
//! `foreign_settings`.

use std::collections::BTreeMap;

use aws_sdk_codepipeline::{
    error::BuildError,
    types::{
        ActionCategory, ActionDeclaration, ActionOwner, ActionTypeId, ArtifactStore, ArtifactStoreType, EncryptionKey,
        EncryptionKeyType, ExecutionMode, GitBranchFilterCriteria, GitConfiguration, GitFilePathFilterCriteria,
        GitPushFilter, InputArtifact, OutputArtifact, PipelineDeclaration, PipelineTriggerDeclaration,
        PipelineTriggerProviderType, PipelineType, PipelineVariableDeclaration, StageDeclaration,
    },
};

use crate::domain::{
    cluster::{Action, PipelineDefinition, Stage, Trigger},
    id::IdError,
};

/// The SDK's form of a definition.
pub(super) fn write(definition: &PipelineDefinition) -> Result<PipelineDeclaration, BuildError> {
    let PipelineDefinition { name, role_arn, artifact_bucket, artifact_key_arn, pipeline_type, execution_mode, .. } =
        definition;
    let key =
        artifact_key_arn.as_ref().map(|arn| EncryptionKey::builder().id(arn).r#type(EncryptionKeyType::Kms).build());
    let store = ArtifactStore::builder()
        .r#type(ArtifactStoreType::S3)
        .location(artifact_bucket)
        .set_encryption_key(key.transpose()?)
        .build()?;
    let variable = |(name, value): (&String, &String)| {
        PipelineVariableDeclaration::builder().name(name).default_value(value).build()
    };
    PipelineDeclaration::builder()
        .name(name.as_str())
        .role_arn(role_arn)
        .artifact_store(store)
        .pipeline_type(PipelineType::from(pipeline_type.as_str()))
        .execution_mode(ExecutionMode::from(execution_mode.as_str()))
        .set_variables(Some(definition.variables.iter().map(variable).collect::<Result<_, _>>()?))
        .set_stages(Some(definition.stages.iter().map(write_stage).collect::<Result<_, _>>()?))
        .set_triggers(Some(definition.triggers.iter().map(write_trigger).collect::<Result<_, _>>()?))
        .build()
}

fn write_stage(stage: &Stage) -> Result<StageDeclaration, BuildError> {
    let actions = stage.actions.iter().map(write_action).collect::<Result<_, _>>()?;
    StageDeclaration::builder().name(&stage.name).set_actions(Some(actions)).build()
}

fn write_action(action: &Action) -> Result<ActionDeclaration, BuildError> {
    let kind = ActionTypeId::builder()
        .category(ActionCategory::from(action.category.as_str()))
        .owner(ActionOwner::from(action.owner.as_str()))
        .provider(&action.provider)
        .version(&action.version)
        .build()?;
    let input = |name: &String| InputArtifact::builder().name(name).build();
    let output = |name: &String| OutputArtifact::builder().name(name).build();
    ActionDeclaration::builder()
        .name(&action.name)
        .action_type_id(kind)
        .run_order(action.run_order)
        .set_configuration(Some(action.configuration.clone().into_iter().collect()))
        .set_input_artifacts(Some(action.input_artifacts.iter().map(input).collect::<Result<_, _>>()?))
        .set_output_artifacts(Some(action.output_artifacts.iter().map(output).collect::<Result<_, _>>()?))
        .set_timeout_in_minutes(action.timeout_minutes)
        .build()
}

fn write_trigger(trigger: &Trigger) -> Result<PipelineTriggerDeclaration, BuildError> {
    let branches = GitBranchFilterCriteria::builder().set_includes(Some(trigger.branches.clone())).build();
    let paths = GitFilePathFilterCriteria::builder().set_includes(Some(trigger.paths.clone())).build();
    let git = GitConfiguration::builder()
        .source_action_name(&trigger.source_action)
        .push(GitPushFilter::builder().branches(branches).file_paths(paths).build())
        .build()?;
    PipelineTriggerDeclaration::builder()
        .provider_type(PipelineTriggerProviderType::CodeStarSourceConnection)
        .git_configuration(git)
        .build()
}

/// Our form of what AWS has. `region` is the pipeline's own: AWS may name it in an action, and it means nothing.
pub(super) fn read(pipeline: &PipelineDeclaration, region: &str) -> Result<PipelineDefinition, IdError> {
    let store = pipeline.artifact_store.as_ref();
    let stores = pipeline.artifact_stores.as_ref().map_or(0, |stores| stores.len());
    let variables = pipeline.variables.iter().flatten();
    Ok(PipelineDefinition {
        name: pipeline.name.parse()?,
        role_arn: pipeline.role_arn.clone(),
        // Several stores are for actions in several regions, which we never write: no bucket has such a name, so it is drift.
        artifact_bucket: store.map_or_else(|| format!("{stores} artifact stores"), |store| store.location.clone()),
        artifact_key_arn: store.and_then(|store| store.encryption_key.as_ref()).map(|key| key.id.clone()),
        pipeline_type: pipeline.pipeline_type.as_ref().map_or("V1", |kind| kind.as_str()).to_owned(),
        execution_mode: pipeline.execution_mode.as_ref().map_or("SUPERSEDED", |mode| mode.as_str()).to_owned(),
        variables: variables
            .map(|variable| (variable.name.clone(), variable.default_value.clone().unwrap_or_default()))
            .collect(),
        stages: pipeline.stages.iter().map(|stage| read_stage(stage, region)).collect(),
        triggers: pipeline.triggers.iter().flatten().map(read_trigger).collect(),
    })
}

fn read_stage(stage: &StageDeclaration, region: &str) -> Stage {
    let foreign_settings = !stage.blockers().is_empty()
        || stage.on_failure.is_some()
        || stage.on_success.is_some()
        || stage.before_entry.is_some()
        || stage.actions.iter().any(|action| foreign(action, region));
    Stage { name: stage.name.clone(), actions: stage.actions.iter().map(read_action).collect(), foreign_settings }
}

fn foreign(action: &ActionDeclaration, region: &str) -> bool {
    let set = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.is_empty());
    set(&action.role_arn)
        || set(&action.namespace)
        || action.region.as_deref().is_some_and(|other| !other.is_empty() && other != region)
        || !action.commands().is_empty()
        || !action.output_variables().is_empty()
        || !action.environment_variables().is_empty()
}

fn read_action(action: &ActionDeclaration) -> Action {
    let kind = action.action_type_id.as_ref();
    let text = |part: Option<&str>| part.unwrap_or_default().to_owned();
    Action {
        name: action.name.clone(),
        run_order: action.run_order.unwrap_or(1),
        category: text(kind.map(|kind| kind.category.as_str())),
        owner: text(kind.map(|kind| kind.owner.as_str())),
        provider: text(kind.map(|kind| kind.provider.as_str())),
        version: text(kind.map(|kind| kind.version.as_str())),
        configuration: action.configuration.clone().map_or_else(BTreeMap::new, |map| map.into_iter().collect()),
        input_artifacts: action.input_artifacts().iter().map(|artifact| artifact.name.clone()).collect(),
        output_artifacts: action.output_artifacts().iter().map(|artifact| artifact.name.clone()).collect(),
        timeout_minutes: action.timeout_in_minutes,
    }
}

fn read_trigger(trigger: &PipelineTriggerDeclaration) -> Trigger {
    let git = trigger.git_configuration.as_ref();
    let pushes = git.map_or(&[][..], |git| git.push());
    let branches = pushes.iter().filter_map(|push| push.branches.as_ref());
    let paths = pushes.iter().filter_map(|push| push.file_paths.as_ref());
    let foreign_settings = trigger.provider_type != PipelineTriggerProviderType::CodeStarSourceConnection
        || pushes.len() != 1
        || pushes.iter().any(|push| push.tags.is_some())
        || git.is_some_and(|git| !git.pull_request().is_empty())
        || branches.clone().any(|filter| !filter.excludes().is_empty())
        || paths.clone().any(|filter| !filter.excludes().is_empty());
    Trigger {
        source_action: git.map(|git| git.source_action_name.clone()).unwrap_or_default(),
        branches: branches.flat_map(|filter| filter.includes().to_vec()).collect(),
        paths: paths.flat_map(|filter| filter.includes().to_vec()).collect(),
        foreign_settings,
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_codepipeline::types::{BlockerDeclaration, BlockerType};

    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn action(name: &str, category: &str, provider: &str, run_order: i32) -> Action {
        Action {
            name: name.into(),
            run_order,
            category: category.into(),
            owner: "AWS".into(),
            provider: provider.into(),
            version: "1".into(),
            configuration: BTreeMap::new(),
            input_artifacts: Vec::new(),
            output_artifacts: Vec::new(),
            timeout_minutes: None,
        }
    }

    fn definition() -> PipelineDefinition {
        let source = Action {
            configuration: map(&[("BranchName", "main"), ("DetectChanges", "false")]),
            output_artifacts: vec!["source_output".into()],
            ..action("Source", "Source", "CodeStarSourceConnection", 1)
        };
        let gate = Action { timeout_minutes: Some(86400), ..action("Gate", "Approval", "Manual", 1) };
        let apply = Action {
            configuration: map(&[("ProjectName", "p"), ("EnvironmentVariables", "[]")]),
            input_artifacts: vec!["source_output".into()],
            ..action("ApplyInfrastructure", "Build", "CodeBuild", 3)
        };
        let stage = |name: &str, actions| Stage { name: name.into(), actions, foreign_settings: false };
        PipelineDefinition {
            name: "rc-integration-us-0123456789ab".parse().unwrap(),
            role_arn: "arn:aws:iam::123456789012:role/pipeline".into(),
            artifact_bucket: "artifacts".into(),
            artifact_key_arn: Some("arn:aws:kms:us-east-1:123456789012:key/1".into()),
            pipeline_type: "V2".into(),
            execution_mode: "QUEUED".into(),
            variables: map(&[("IS_DESTROY", "false")]),
            stages: vec![stage("Source", vec![source]), stage("Deploy", vec![gate, apply])],
            triggers: vec![Trigger {
                source_action: "Source".into(),
                branches: vec!["main".into()],
                paths: vec!["deploy/a.yaml".into(), "terraform/modules/**".into()],
                foreign_settings: false,
            }],
        }
    }

    #[test]
    fn what_is_written_is_read_back_the_same() {
        let written = definition();
        assert_eq!(read(&write(&written).unwrap(), "us-east-1").unwrap(), written);
        let plain = PipelineDefinition { artifact_key_arn: None, triggers: Vec::new(), ..written };
        assert_eq!(read(&write(&plain).unwrap(), "us-east-1").unwrap(), plain);
    }

    #[test]
    fn what_aws_adds_is_no_difference() {
        let written = definition();
        let mut answer = write(&written).unwrap();
        answer.version = Some(7);
        for stage in &mut answer.stages {
            stage.blockers = Some(Vec::new());
            for action in &mut stage.actions {
                action.region = Some("us-east-1".into());
                action.commands = Some(Vec::new());
                action.input_artifacts.get_or_insert_default();
                action.configuration.get_or_insert_default();
                action.role_arn = Some(String::new());
            }
        }
        answer.stages[0].actions[0].run_order = None;
        assert_eq!(read(&answer, "us-east-1").unwrap(), written);
    }

    #[test]
    fn what_a_person_added_is_drift() {
        let written = definition();
        let differs = |change: &dyn Fn(&mut PipelineDeclaration)| {
            let mut answer = write(&written).unwrap();
            change(&mut answer);
            read(&answer, "us-east-1").unwrap() != written
        };
        assert!(differs(&|pipeline| pipeline.stages[1].actions[0].role_arn = Some("arn:aws:iam::1:role/other".into())));
        assert!(differs(&|pipeline| pipeline.stages[1].actions[1].region = Some("eu-west-1".into())));
        assert!(differs(&|pipeline| {
            let blocker = BlockerDeclaration::builder().name("b").r#type(BlockerType::Schedule).build().unwrap();
            pipeline.stages[1].blockers = Some(vec![blocker]);
        }));
        assert!(differs(&|pipeline| pipeline.pipeline_type = None));
        assert!(differs(&|pipeline| pipeline.execution_mode = None));
        assert!(differs(&|pipeline| pipeline.artifact_store = None));
        assert!(differs(&|pipeline| {
            let git = pipeline.triggers.as_mut().unwrap()[0].git_configuration.as_mut().unwrap();
            git.push.as_mut().unwrap()[0].file_paths.as_mut().unwrap().excludes = Some(vec!["deploy/**".into()]);
        }));
    }
}
