//! The shape of each kind's pipeline, field by field, and the quotas.

use super::*;
use crate::domain::cluster::{
    config,
    fixture::{GOVERNANCE, MAIN, NAME, REPOSITORY, RUNTIME, key, text},
};

fn shaped(cluster: &str, text: &str, gate: Gate) -> Result<Shape, Vec<Finding>> {
    let config = config::parse(&key(cluster), text.as_bytes(), &GOVERNANCE).unwrap();
    let source = PipelineSource { repository: NAME.clone(), branch: MAIN.clone() };
    shape(&config, Digest::of(text.as_bytes()), &RUNTIME, &source, REPOSITORY, gate, true)
}

fn of(cluster: &str) -> Shape {
    shaped(cluster, &text(&key(cluster)), Gate::Approval).unwrap()
}

fn lines(shape: &Shape) -> String {
    let hidden = |value: &str| value.replace(shape.spec_sha256.as_str(), "<spec>");
    let fields = diff::fields(&shape.definition);
    fields.iter().map(|(field, value)| format!("{field} = {}\n", hidden(value))).collect()
}

const RC: &str = "integration/us-east-1-b/regional";
const MC: &str = "integration/us-east-1-b/management/mc01";

#[test]
fn a_regional_pipeline() {
    insta::assert_snapshot!(lines(&of(RC)), @r#"
    Bootstrap/BootstrapArgoCD ProjectName = penstock-regional-bootstrap
    Bootstrap/BootstrapArgoCD inputs = source_output
    Bootstrap/BootstrapArgoCD kind = Build AWS CodeBuild 1
    Bootstrap/BootstrapArgoCD outputs = 
    Bootstrap/BootstrapArgoCD run order = 1
    Bootstrap/BootstrapArgoCD variable CLUSTER_KIND = regional
    Bootstrap/BootstrapArgoCD variable CONFIG_PATH = deploy/integration/us-east-1-b/terraform/regional.yaml
    Bootstrap/BootstrapArgoCD variable ENVIRONMENT = integration
    Bootstrap/BootstrapArgoCD variable IS_DESTROY = #{variables.IS_DESTROY}
    Bootstrap/BootstrapArgoCD variable PIPELINE_NAME = rc-integration-us-east-1-b-35a94000333b
    Bootstrap/BootstrapArgoCD variable REGION_ALIAS = us-east-1-b
    Bootstrap/BootstrapArgoCD variable SPEC_SHA256 = <spec>
    Bootstrap/BootstrapArgoCD variable TARGET_ACCOUNT_ID = 123456789012
    Bootstrap/BootstrapArgoCD variable TARGET_ALIAS = regional-us-east-1-b
    Bootstrap/BootstrapArgoCD variable TARGET_REGION = us-east-1
    Deploy/ApplyInfrastructure ProjectName = penstock-regional-apply
    Deploy/ApplyInfrastructure inputs = source_output
    Deploy/ApplyInfrastructure kind = Build AWS CodeBuild 1
    Deploy/ApplyInfrastructure outputs = 
    Deploy/ApplyInfrastructure run order = 3
    Deploy/ApplyInfrastructure variable CLUSTER_KIND = regional
    Deploy/ApplyInfrastructure variable CONFIG_PATH = deploy/integration/us-east-1-b/terraform/regional.yaml
    Deploy/ApplyInfrastructure variable ENVIRONMENT = integration
    Deploy/ApplyInfrastructure variable IS_DESTROY = #{variables.IS_DESTROY}
    Deploy/ApplyInfrastructure variable PIPELINE_NAME = rc-integration-us-east-1-b-35a94000333b
    Deploy/ApplyInfrastructure variable REGION_ALIAS = us-east-1-b
    Deploy/ApplyInfrastructure variable SPEC_SHA256 = <spec>
    Deploy/ApplyInfrastructure variable TARGET_ACCOUNT_ID = 123456789012
    Deploy/ApplyInfrastructure variable TARGET_ALIAS = regional-us-east-1-b
    Deploy/ApplyInfrastructure variable TARGET_REGION = us-east-1
    Deploy/Gate CustomData = Deploy integration/us-east-1-b/regional? Read the plan that Validate made in this run first.
    Deploy/Gate inputs = 
    Deploy/Gate kind = Approval AWS Manual 1
    Deploy/Gate outputs = 
    Deploy/Gate run order = 1
    Deploy/Gate timeout minutes = 86400
    Source/Source BranchName = main
    Source/Source ConnectionArn = arn:aws:codeconnections:us-east-1:123456789012:connection/c0ffee
    Source/Source DetectChanges = false
    Source/Source FullRepositoryId = acme/clusters
    Source/Source inputs = 
    Source/Source kind = Source AWS CodeStarSourceConnection 1
    Source/Source outputs = source_output
    Source/Source run order = 1
    Validate/ValidateAndPlan ProjectName = penstock-regional-validate
    Validate/ValidateAndPlan inputs = source_output
    Validate/ValidateAndPlan kind = Build AWS CodeBuild 1
    Validate/ValidateAndPlan outputs = 
    Validate/ValidateAndPlan run order = 1
    Validate/ValidateAndPlan variable CLUSTER_KIND = regional
    Validate/ValidateAndPlan variable CONFIG_PATH = deploy/integration/us-east-1-b/terraform/regional.yaml
    Validate/ValidateAndPlan variable ENVIRONMENT = integration
    Validate/ValidateAndPlan variable IS_DESTROY = #{variables.IS_DESTROY}
    Validate/ValidateAndPlan variable PIPELINE_NAME = rc-integration-us-east-1-b-35a94000333b
    Validate/ValidateAndPlan variable REGION_ALIAS = us-east-1-b
    Validate/ValidateAndPlan variable SPEC_SHA256 = <spec>
    Validate/ValidateAndPlan variable TARGET_ACCOUNT_ID = 123456789012
    Validate/ValidateAndPlan variable TARGET_ALIAS = regional-us-east-1-b
    Validate/ValidateAndPlan variable TARGET_REGION = us-east-1
    artifact bucket = penstock-artifacts
    execution mode = QUEUED
    name = rc-integration-us-east-1-b-35a94000333b
    role = arn:aws:iam::123456789012:role/penstock-pipeline
    stage Bootstrap actions = BootstrapArgoCD
    stage Deploy actions = Gate, ApplyInfrastructure
    stage Source actions = Source
    stage Validate actions = ValidateAndPlan
    stages = Source, Validate, Deploy, Bootstrap
    trigger branches = main
    trigger paths = deploy/integration/us-east-1-b/terraform/regional.yaml, terraform/config/regional-cluster/**, terraform/modules/**, terraform/config/pipeline-regional-cluster/**
    trigger source = Source
    type = V2
    variable IS_DESTROY = false
    "#);
}

#[test]
fn a_management_pipeline_differs_where_it_must() {
    let (regional, management) = (diff::fields(&of(RC).definition), diff::fields(&of(MC).definition));
    let own = management
        .iter()
        .filter(|(field, value)| regional.get(*field) != Some(value) && !field.contains("SPEC_SHA256"));
    let lines: String = own.map(|(field, value)| format!("{field} = {value}\n")).collect();
    insta::assert_snapshot!(lines, @r##"
    Bootstrap/BootstrapArgoCD ProjectName = penstock-management-bootstrap
    Bootstrap/BootstrapArgoCD variable CLUSTER_ID = mc01
    Bootstrap/BootstrapArgoCD variable CLUSTER_KIND = management
    Bootstrap/BootstrapArgoCD variable CONFIG_PATH = deploy/integration/us-east-1-b/terraform/management/mc01.yaml
    Bootstrap/BootstrapArgoCD variable PIPELINE_NAME = mc-integration-us-east-1-b-mc01-f755f9003845
    Bootstrap/BootstrapArgoCD variable REGIONAL_AWS_ACCOUNT_ID = 123456789012
    Bootstrap/BootstrapArgoCD variable TARGET_ACCOUNT_ID = 210987654321
    Bootstrap/BootstrapArgoCD variable TARGET_ALIAS = mc01
    Bootstrap/DeleteIotCertificate FunctionName = penstock-iot-cert-provisioner
    Bootstrap/DeleteIotCertificate UserParameters = {"action":"delete","destroy":"#{variables.IS_DESTROY}"}
    Bootstrap/DeleteIotCertificate inputs = 
    Bootstrap/DeleteIotCertificate kind = Invoke AWS Lambda 1
    Bootstrap/DeleteIotCertificate outputs = 
    Bootstrap/DeleteIotCertificate run order = 2
    Deploy/ApplyInfrastructure ProjectName = penstock-management-apply
    Deploy/ApplyInfrastructure variable CLUSTER_ID = mc01
    Deploy/ApplyInfrastructure variable CLUSTER_KIND = management
    Deploy/ApplyInfrastructure variable CONFIG_PATH = deploy/integration/us-east-1-b/terraform/management/mc01.yaml
    Deploy/ApplyInfrastructure variable PIPELINE_NAME = mc-integration-us-east-1-b-mc01-f755f9003845
    Deploy/ApplyInfrastructure variable REGIONAL_AWS_ACCOUNT_ID = 123456789012
    Deploy/ApplyInfrastructure variable TARGET_ACCOUNT_ID = 210987654321
    Deploy/ApplyInfrastructure variable TARGET_ALIAS = mc01
    Deploy/EnsureIotCertificate FunctionName = penstock-iot-cert-provisioner
    Deploy/EnsureIotCertificate UserParameters = {"action":"ensure","destroy":"#{variables.IS_DESTROY}"}
    Deploy/EnsureIotCertificate inputs = 
    Deploy/EnsureIotCertificate kind = Invoke AWS Lambda 1
    Deploy/EnsureIotCertificate outputs = 
    Deploy/EnsureIotCertificate run order = 2
    Deploy/Gate CustomData = Deploy integration/us-east-1-b/management/mc01? Read the plan that Validate made in this run first.
    Validate/ValidateAndPlan ProjectName = penstock-management-validate
    Validate/ValidateAndPlan variable CLUSTER_ID = mc01
    Validate/ValidateAndPlan variable CLUSTER_KIND = management
    Validate/ValidateAndPlan variable CONFIG_PATH = deploy/integration/us-east-1-b/terraform/management/mc01.yaml
    Validate/ValidateAndPlan variable PIPELINE_NAME = mc-integration-us-east-1-b-mc01-f755f9003845
    Validate/ValidateAndPlan variable REGIONAL_AWS_ACCOUNT_ID = 123456789012
    Validate/ValidateAndPlan variable TARGET_ACCOUNT_ID = 210987654321
    Validate/ValidateAndPlan variable TARGET_ALIAS = mc01
    name = mc-integration-us-east-1-b-mc01-f755f9003845
    stage Bootstrap actions = BootstrapArgoCD, DeleteIotCertificate
    stage Deploy actions = Gate, EnsureIotCertificate, ApplyInfrastructure
    trigger paths = deploy/integration/us-east-1-b/terraform/management/mc01.yaml, terraform/config/management-cluster/**, terraform/modules/**, terraform/config/pipeline-management-cluster/**
    "##);
}

#[test]
fn tags_name_the_cluster_and_its_repository() {
    let tags: String = of(MC).tags.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
    insta::assert_snapshot!(tags, @r#"
    managed-by = penstock
    env = integration
    region-alias = us-east-1-b
    cluster-kind = management
    cluster = mc01
    config-path = deploy/integration/us-east-1-b/terraform/management/mc01.yaml
    repository-id = 42
    "#);
    for cluster in [RC, MC] {
        let Shape { definition, tags, .. } = of(cluster);
        let observed = crate::domain::cluster::ObservedPipeline { definition, tags: tags.into_iter().collect() };
        assert_eq!((observed.cluster(), observed.repository()), (Some(key(cluster)), Some(REPOSITORY)));
    }
}

#[test]
fn the_gate_is_absent_only_when_switched_off() {
    let deploy = |gate| {
        let shape = shaped(RC, &text(&key(RC)), gate).unwrap();
        shape.definition.stages[2]
            .actions
            .iter()
            .map(|action| (action.name.clone(), action.category.clone(), action.run_order))
            .collect::<Vec<_>>()
    };
    let apply = ("ApplyInfrastructure".to_owned(), "Build".to_owned(), 3);
    let gate = |category: &str| ("Gate".to_owned(), category.to_owned(), 1);
    assert_eq!(deploy(Gate::Approval), [gate("Approval"), apply.clone()]);
    assert_eq!(deploy(Gate::Invoke), [gate("Invoke"), apply.clone()]);
    assert_eq!(deploy(Gate::Off), [apply]);
}

#[test]
fn a_gate_that_invokes_names_one_function_and_tells_it_nothing() {
    let shape = shaped(RC, &text(&key(RC)), Gate::Invoke).unwrap();
    let gate = &shape.definition.stages[2].actions[0];
    assert_eq!((gate.owner.as_str(), gate.provider.as_str(), gate.timeout_minutes), ("AWS", "Lambda", None));
    assert_eq!(gate.configuration, configuration([("FunctionName", "penstock-stage-gate".to_owned())]));
}

#[test]
fn every_value_is_in_the_digest_and_the_orders_are_not() {
    let base = of(RC);
    let changed = shaped(RC, &text(&key(RC)).replace("\"000\"", "\"001\""), Gate::Approval).unwrap();
    assert_ne!(base.spec_sha256, changed.spec_sha256);
    assert_ne!(base.definition, changed.definition, "so that the changed value updates the pipeline");
    let comment = shaped(RC, &format!("{}# words\n", text(&key(RC))), Gate::Approval).unwrap();
    assert_eq!((&base.definition, &base.spec_sha256), (&comment.definition, &comment.spec_sha256));
    assert_ne!(base.compiled.config_sha256, comment.compiled.config_sha256);
    let delete = shaped(RC, &format!("{}delete: true\n", text(&key(RC))), Gate::Approval).unwrap();
    let both = shaped(RC, &format!("{}delete: true\ndelete_pipeline: true\n", text(&key(RC))), Gate::Approval).unwrap();
    assert_eq!(delete.definition, both.definition, "the second order changes no pipeline");
    assert!(delete.definition.triggers.is_empty() && delete.compiled.delete && !base.compiled.delete);
}

#[test]
fn the_compiled_specification_keeps_variables_and_place_apart() {
    let compiled = of(MC).compiled;
    assert_eq!(compiled.variables.into_keys().collect::<Vec<_>>(), ["app_code", "cost_center", "service_phase"]);
    let place: Vec<String> = compiled.place.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let told = of(MC).definition.stages[1].actions[0].configuration["EnvironmentVariables"].clone();
    assert_eq!(place.len(), 5);
    for (name, value) in compiled.place {
        assert!(told.contains(&format!(r#"{{"name":"{name}","value":"{value}"}}"#)), "{name} in {told}");
    }
    assert!(place.contains(&"CLUSTER_ID=mc01".to_owned()), "{place:?}");
}

#[test]
fn the_longest_names_fit_or_are_refused_with_a_word() {
    let (long, cluster) = ("e".repeat(32), "c".repeat(40));
    let key = ClusterKey {
        environment: long.parse().unwrap(),
        region_alias: long.parse().unwrap(),
        kind: crate::domain::cluster::ClusterKind::Management(cluster.parse().unwrap()),
    };
    let governance = crate::domain::cluster::fixture::governance("admit");
    let shaped = |account: &str| {
        let text = text(&key).replace("\"210987654321\"", account);
        let config = config::parse(&key, text.as_bytes(), &governance).unwrap();
        let source = PipelineSource { repository: NAME.clone(), branch: MAIN.clone() };
        shape(&config, Digest::of(b""), &RUNTIME, &source, REPOSITORY, Gate::Approval, false)
    };
    let error = shaped(&format!("ssm:///{}", "p".repeat(900))).unwrap_err();
    assert!(
        error[0]
            .to_string()
            .contains("characters in EnvironmentVariables of action ValidateAndPlan, expected at most 1000"),
        "{}",
        error[0]
    );
    let length = shaped("\"210987654321\"")
        .map(|shape| shape.definition.stages[1].actions[0].configuration["EnvironmentVariables"].len());
    assert!(length.is_ok_and(|length| length <= MAX_CONFIGURATION_VALUE));
}
